"""SWEEP: all of it now, in immediate-or-cancel rounds, each planned on the live book."""

from router.model.ids import Nanos
from router.model.market import MarketView
from router.ports.policy import Progress, Target

_MS = 1_000_000


class Sweep:
    """The whole quantity is due at once; a round ends before the next is planned.

    A child in doubt does not hold the others up: its full quantity stays counted until it is resolved.
    """

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:  # noqa: ARG002 - any market will do
        """Everything, until it is done or the rounds are used up."""
        order = progress.order
        committed = progress.filled + progress.working + progress.in_doubt
        if progress.filled >= order.quantity:
            return Target(quantity=order.quantity, finished=True, reason="filled")
        if progress.working > 0:
            return Target(quantity=committed, reason="a round is out")
        if progress.rounds >= order.params.rounds_max:
            return Target(quantity=committed, finished=True, reason=f"{progress.rounds} rounds used up")
        if progress.last_round_ns is not None and not progress.last_round_sent:
            again_ns = Nanos(progress.last_round_ns + order.params.round_wait_ms * _MS)
            if now_ns < again_ns:
                return Target(quantity=committed, not_before_ns=again_ns, reason="the last round could send nothing")
        return Target(quantity=order.quantity)
