"""A schedule: when each slice is due, and how much should be done by then.

What it promises: times rise strictly inside the order's time; the cumulative quantity never falls, is a whole number of
lots, and ends at the whole quantity but for what is less than a lot; no slice is below the smallest quantity a venue
takes (a smaller one is carried to the next); with chance, no slice strays by more than a slice from the plan without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from policies.chance import MILLION, either_way
from router.model.ids import Nanos
from router.model.money import ONE, ZERO, ratio, roughly
from router.model.policies import Randomize, Slicing
from router.model.rounding import down, nearest

_MS = 1_000_000
SLICES_MAX = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """From `at_ns` on, `quantity` more is due, which makes `cumulative` (base)."""

    at_ns: Nanos
    quantity: Decimal
    cumulative: Decimal


def number_of_slices(slicing: Slicing, starts_ns: Nanos, ends_ns: Nanos) -> int:
    """At least one: as many as were asked for, or as fit at the asked interval."""
    if slicing.slices is not None:
        return slicing.slices
    assert slicing.slice_ms is not None
    return min(max((ends_ns - starts_ns) // (slicing.slice_ms * _MS), 1), SLICES_MAX)


def even_shares(count: int, randomize: Randomize | None = None) -> tuple[Decimal, ...]:
    """Cumulative shares of `count` equal slices, the last one 1.

    By chance each border between two slices moves by up to half of `size_pct` of a slice: a size stays within
    `size_pct` of its own, and what is done never strays from the even line by more than that half.
    """
    shares = [ratio(_border(number, randomize), Decimal(count)) for number in range(1, count)]
    return (*shares, ONE)


def _border(number: int, randomize: Randomize | None) -> Decimal:
    if randomize is None:
        return Decimal(number)
    moved = randomize.size_pct * either_way(randomize.seed, "size", number)
    with roughly():
        return number + Decimal(moved).scaleb(-8) / 2


def shares_of(weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Cumulative shares of slices of these sizes, the last one 1. At least one weight is positive."""
    with roughly():
        total, so_far, shares = sum(weights, ZERO), ZERO, []
        for weight in weights[:-1]:
            so_far += weight
            shares.append(ratio(so_far, total))
    return (*shares, ONE)


def borders_ns(starts_ns: Nanos, ends_ns: Nanos, count: int) -> tuple[Nanos, ...]:
    """Where the order's time is cut into `count` equal windows: `count` + 1 moments."""
    length = ends_ns - starts_ns
    return tuple(Nanos(starts_ns + length * number // count) for number in range(count + 1))


def middles_ns(borders: Sequence[Nanos], randomize: Randomize | None = None) -> tuple[Nanos, ...]:
    """The moment of each window's slice: its middle, by chance up to `time_pct` of the window earlier or later."""
    return tuple(
        Nanos((begin + end) // 2 + _strays(end - begin, number, randomize))
        for number, (begin, end) in enumerate(pairwise(borders))
    )


def _strays(length: int, number: int, randomize: Randomize | None) -> int:
    if randomize is None:
        return 0
    millionths = randomize.time_pct * either_way(randomize.seed, "time", number) // 100
    return length * millionths // MILLION


def cumulative_quantities(quantity: Decimal, shares: Sequence[Decimal], lot: Decimal) -> tuple[Decimal, ...]:
    """What should be done after each slice: the nearest lot, and at the end all whole lots there are.

    Rounding what is done, not what is added, keeps the error below half a lot all along.
    """
    whole = down(quantity, lot)
    with roughly():
        points = [min(nearest(quantity * share, lot), whole) for share in shares[:-1]]
    return (*points, whole)


def carried(cumulative: Sequence[Decimal], smallest: Decimal) -> tuple[Decimal, ...]:
    """The same, where a slice below `smallest` waits for the next one, and none leaves less than that for the end."""
    done, out = ZERO, []
    for wanted in cumulative[:-1]:
        left = cumulative[-1] - wanted
        if wanted - done >= smallest and (left == 0 or left >= smallest):
            done = wanted
        out.append(done)
    return (*out, cumulative[-1])


@lru_cache(maxsize=256)
def schedule(
    quantity: Decimal, shares: tuple[Decimal, ...], times_ns: tuple[Nanos, ...], lot: Decimal, smallest: Decimal
) -> tuple[Slice, ...]:
    """The slices that carry a quantity, in order of time; none at all of less than a lot."""
    found, done = [], ZERO
    points = carried(cumulative_quantities(quantity, shares, lot), smallest)
    for at_ns, point in zip(times_ns, points, strict=True):
        if point > done:
            found.append(Slice(at_ns=at_ns, quantity=point - done, cumulative=point))
            done = point
    return tuple(found)
