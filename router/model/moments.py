"""How an instant is written for people: in UTC, to the microsecond."""

from datetime import UTC, datetime

_NS_PER_S = 1_000_000_000


def moment(at_ns: int) -> str:
    """`2026-11-20T10:00:00.123456Z`."""
    seconds, rest = divmod(at_ns, _NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
