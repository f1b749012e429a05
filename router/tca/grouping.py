"""What orders of a period can have in common."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from router.model.moments import moment
from router.model.money import ZERO, plain
from router.tca.line import CostLine

SIZES = (Decimal(1_000), Decimal(10_000), Decimal(100_000), Decimal(1_000_000))
"""Where one size bucket ends and the next begins, in reporting currency."""

Key = Callable[[CostLine], str]


def _size(line: CostLine) -> str:
    worth = line.paper or ZERO
    above = [plain(one) for one in SIZES if one <= worth]
    return f"from {above[-1]}" if above else f"below {plain(SIZES[0])}"


KEYS: Mapping[str, Key] = {
    "policy": lambda line: line.policy,
    "instrument": lambda line: line.instrument,
    "side": lambda line: line.side,
    "submitter": lambda line: line.submitter,
    "state": lambda line: line.state,
    "size": _size,
    "day": lambda line: moment(line.decided_ns)[:10],
    "hour": lambda line: moment(line.decided_ns)[11:13],
}
"""What orders can be grouped by. `venue` besides: then their parts at each listing are."""
VENUE = "venue"
