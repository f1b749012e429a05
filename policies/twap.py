"""TWAP: equal slices over the order's time, each in the middle of its window unless chance moves it."""

from policies.pacing import by_slices, lot_of
from policies.slices import Slice, borders_ns, even_shares, middles_ns, number_of_slices, schedule
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.policies import TwapParams
from router.ports.policy import Progress, Target


class Twap:
    """What is due follows from the time alone; what is missed, from what is done."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:  # noqa: ARG002 - any market will do
        """The slices whose time has come."""
        params = progress.order.params
        assert isinstance(params, TwapParams)
        return by_slices(progress, now_ns, twap_slices(progress, params), params.slicing)


def twap_slices(progress: Progress, params: TwapParams) -> tuple[Slice, ...]:
    """The schedule, from what was accepted alone."""
    order, ends_ns = progress.order, progress.ends_ns
    assert ends_ns is not None
    count = number_of_slices(params.slicing, progress.starts_ns, ends_ns)
    randomize = order.envelope.randomize
    times = middles_ns(borders_ns(progress.starts_ns, ends_ns, count), randomize)
    shares = even_shares(count, randomize)
    return schedule(order.quantity, shares, times, lot_of(progress), progress.slice_min)
