"""From days of volume to one curve: what share of a day falls into each bucket.

Each day counts alike, however much was traded on it. Per bucket the mean of the days' shares is taken with a tenth of
the days, and from three days on at least one, cut off at each end: a day with one great burst moves no bucket far. The
result is scaled to 1 and written in whole units of 1e-12, which sum to exactly 1.
"""

from collections.abc import Sequence
from decimal import Decimal

from router.model.money import ONE, ZERO, ratio, roughly
from router.model.rounding import down

UNIT = Decimal("1e-12")
"""The finest share that is written down."""
_TENTH = 10
_ROBUST_FROM = 3


def curve_shares(days: Sequence[Sequence[Decimal]], smooth: int = 0) -> tuple[Decimal, ...]:
    """The shares of these days' buckets, which sum to exactly 1. Something was traded on each day.

    `smooth`: each bucket is the mean of itself and so many neighbours on either side, around midnight too.
    """
    shares = [_shares_of_a_day(day) for day in days]
    with roughly():
        means = [_trimmed_mean(column) for column in zip(*shares, strict=True)]
        return _to_one(_smoothed(means, smooth))


def cut_off(days: int) -> int:
    """How many of so many days are cut off at each end of a bucket."""
    return max(days // _TENTH, 1) if days >= _ROBUST_FROM else 0


def _shares_of_a_day(volumes: Sequence[Decimal]) -> list[Decimal]:
    with roughly():
        total = sum(volumes, ZERO)
    return [ratio(one, total) for one in volumes]


def _trimmed_mean(values: Sequence[Decimal]) -> Decimal:
    cut = cut_off(len(values))
    kept = sorted(values)[cut : len(values) - cut]
    return ratio(sum(kept, ZERO), Decimal(len(kept)))


def _smoothed(values: Sequence[Decimal], reach: int) -> list[Decimal]:
    count = len(values)
    around = range(-reach, reach + 1)
    return [
        ratio(sum((values[(place + step) % count] for step in around), ZERO), Decimal(len(around)))
        for place in range(count)
    ]


def _to_one(values: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Cut down to whole units; what is then missing goes to those that lost most, the earlier first."""
    total = sum(values, ZERO)
    if total == 0:  # every bucket was cut off: on no two days was anything traded at the same time
        values, total = [ONE] * len(values), Decimal(len(values))
    exact = [ratio(one, total) for one in values]
    shares = [down(one, UNIT) for one in exact]
    missing = int((ONE - sum(shares, ZERO)) / UNIT)
    for place in sorted(range(len(shares)), key=lambda at: (shares[at] - exact[at], at))[:missing]:
        shares[place] += UNIT
    assert sum(shares, ZERO) == ONE
    return tuple(shares)
