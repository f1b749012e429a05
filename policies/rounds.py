"""Everything at once, round by round, until it is done or the rounds are used up."""

from router.model.ids import Nanos
from router.ports.policy import Progress, Target

_MS = 1_000_000


def in_rounds(
    progress: Progress, now_ns: Nanos, *, rounds_max: int, round_wait_ms: int, listings_max: int | None = None
) -> Target:
    """Everything, if no round is out and one is left.

    A child in doubt does not hold the others up: its full quantity stays counted until it is resolved.
    """
    order, committed = progress.order, progress.committed
    if progress.filled >= order.quantity:
        return Target(quantity=order.quantity, finished=True, reason="filled")
    if progress.working > 0:
        return Target(quantity=committed, reason="a round is out")
    if progress.rounds >= rounds_max:
        return Target(quantity=committed, finished=True, reason=f"{progress.rounds} rounds used up")
    if progress.last_round_ns is not None and not progress.last_round_sent:
        again_ns = Nanos(progress.last_round_ns + round_wait_ms * _MS)
        if now_ns < again_ns:
            return Target(quantity=committed, not_before_ns=again_ns, reason="the last round could send nothing")
    return Target(quantity=order.quantity, listings_max=listings_max)
