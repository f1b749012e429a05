"""Time cut into windows, for lists that answer only so much of it at a time."""

from collections.abc import Iterator

from connectors.budget import NS_PER_MS

_AFTER_MS = 60_000
"""What happens while the list is read belongs to the last window."""


def windows(since_ns: int, until_ns: int, step_ms: int) -> Iterator[tuple[int, int]]:
    """(start, end) in milliseconds, end to start, from before `since_ns` to after `until_ns`; at least one."""
    start, end = since_ns // NS_PER_MS, until_ns // NS_PER_MS + _AFTER_MS
    while True:
        yield start, min(start + step_ms, max(end, start + 1))
        start += step_ms
        if start > end:
            return
