"""VWAP: slices as large as a stored curve of the day's volume says their times are."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from policies.pacing import by_slices, lot_of
from policies.slices import Slice, borders_ns, middles_ns, number_of_slices, schedule, shares_of
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import ONE, ZERO, ratio, roughly
from router.model.policies import VolumeCurve, VwapParams
from router.ports.policy import Progress, Target

DAY_NS = 86_400_000_000_000
_WEEK = 7
_FIRST_WEEKDAY = 3
"""1970 began on a Thursday: day 0 is the fourth of its week."""
_SATURDAY = 5


class Vwap:
    """As TWAP, along the curve."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:  # noqa: ARG002 - any market will do
        """The slices whose time has come."""
        params = progress.order.params
        assert isinstance(params, VwapParams)
        return by_slices(progress, now_ns, vwap_slices(progress, params), params.slicing)


def vwap_slices(progress: Progress, params: VwapParams) -> tuple[Slice, ...]:
    """The schedule, from what was accepted alone. Chance moves times, never sizes: those are the curve's."""
    order, ends_ns = progress.order, progress.ends_ns
    assert ends_ns is not None
    count = number_of_slices(params.slicing, progress.starts_ns, ends_ns)
    borders = borders_ns(progress.starts_ns, ends_ns, count)
    weights = weights_between(params.curve, borders)
    times = middles_ns(borders, order.envelope.randomize)
    return schedule(order.quantity, shares_of(weights), times, lot_of(progress), progress.slice_min)


def weights_between(curve: VolumeCurve, borders: Sequence[Nanos]) -> tuple[Decimal, ...]:
    """The curve's weight of each window; all alike where the curve knows of none in any of them."""
    weights = tuple(_weight(curve, begin, end) for begin, end in pairwise(borders))
    return weights if any(weights) else (ONE,) * len(weights)


def _weight(curve: VolumeCurve, begin_ns: Nanos, end_ns: Nanos) -> Decimal:
    """Each bucket's weight, as far as the window covers the bucket."""
    weight, at_ns = ZERO, int(begin_ns)
    while at_ns < end_ns:
        day, in_day = divmod(at_ns, DAY_NS)
        buckets = curve.weekend if (day + _FIRST_WEEKDAY) % _WEEK >= _SATURDAY else curve.weekday
        number = in_day * len(buckets) // DAY_NS
        until = min(day * DAY_NS + -(-(number + 1) * DAY_NS // len(buckets)), int(end_ns))
        with roughly():
            weight += buckets[number] * ratio(Decimal((until - at_ns) * len(buckets)), Decimal(DAY_NS))
        at_ns = until
    return weight
