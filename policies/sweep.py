"""SWEEP: all of it now, in immediate-or-cancel rounds, each planned on the live book and reaching further."""

from dataclasses import replace

from policies.reach import reach_bps
from policies.rounds import in_rounds
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.policies import SweepParams
from router.ports.policy import Progress, Target


class Sweep:
    """The whole quantity is due at once; a round ends before the next is planned."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:  # noqa: ARG002 - any market will do
        """Everything, until it is done or the rounds are used up."""
        params = progress.order.params
        assert isinstance(params, SweepParams)
        target = in_rounds(progress, now_ns, rounds_max=params.rounds_max, round_wait_ms=params.round_wait_ms)
        return replace(target, reach_bps=reach_bps(params.reach_bps, progress.rounds))
