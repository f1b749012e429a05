"""BEST_SINGLE: all of it now, each round at the one listing that is best for it. The control beside SWEEP."""

from policies.rounds import in_rounds
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.policies import BestSingleParams
from router.ports.policy import Progress, Target


class BestSingle:
    """As SWEEP, at one listing a round."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:  # noqa: ARG002 - any market will do
        """Everything, until it is done or the rounds are used up."""
        params = progress.order.params
        assert isinstance(params, BestSingleParams)
        rounds, wait_ms = params.rounds_max, params.round_wait_ms
        return in_rounds(progress, now_ns, rounds_max=rounds, round_wait_ms=wait_ms, listings_max=1)
