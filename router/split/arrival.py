"""When to send each order of a plan so that all arrive together: a book hit first warns the others.

Nothing calls it yet: the orders of a round leave at once.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

WAIT_MS_MAX = 250
_QUARTERS = 4

Key = TypeVar("Key")


def delays_ms(latency_ms: Mapping[Key, int], wait_ms_max: int = WAIT_MS_MAX) -> dict[Key, int]:
    """How long to hold back the order to each venue: the slowest goes at once, none waits longer than allowed."""
    slowest = max(latency_ms.values(), default=0)
    return {venue: min(slowest - each, wait_ms_max) for venue, each in latency_ms.items()}


def upper_quartile_ms(samples_ms: Sequence[int]) -> int:
    """The latency three in four do not exceed: where it scatters, the mean is too early half of the time."""
    assert samples_ms
    ordered = sorted(samples_ms)
    return ordered[-(-3 * len(ordered) // _QUARTERS) - 1]
