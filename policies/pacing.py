"""From a schedule and what is done to what is due: one round per slice, and what later slices make up for."""

from collections.abc import Sequence
from decimal import Decimal

from policies.slices import Slice
from router.model.ids import Nanos
from router.model.money import ZERO, ratio, roughly
from router.model.policies import CatchUp, Slicing
from router.model.rounding import down
from router.ports.policy import Progress, Target

_MS = 1_000_000
FINEST = Decimal("1e-8")
"""The lot of a schedule where no listing's is known."""


def lot_of(progress: Progress) -> Decimal:
    """The lot a schedule is rounded to."""
    return FINEST if progress.lot is None else progress.lot


def waiting(progress: Progress) -> Target | None:
    """What every policy that takes answers first: filled, or a round is out. None when it may go on."""
    if progress.filled >= progress.order.quantity:
        return Target(quantity=progress.order.quantity, finished=True, reason="filled")
    if progress.working > 0:
        return Target(quantity=progress.committed, reason="a round is out")
    return None


def again(progress: Progress, now_ns: Nanos, wait_ms: int) -> Target | None:
    """A pause after a round, before the same is tried again; None when it is over."""
    if progress.last_round_ns is None:
        return None
    again_ns = Nanos(progress.last_round_ns + wait_ms * _MS)
    if now_ns >= again_ns:
        return None
    return Target(quantity=progress.committed, not_before_ns=again_ns, reason="a pause after the last round")


def by_slices(progress: Progress, now_ns: Nanos, slices: Sequence[Slice], slicing: Slicing) -> Target:
    """What is due of a schedule. A slice is one round; the last is tried until the order's time is over."""
    if (wait := waiting(progress)) is not None:
        return wait
    reached = sum(1 for one in slices if one.at_ns <= now_ns)
    if not slices:
        return Target(quantity=progress.committed, finished=True, reason="less than the smallest step of any venue")
    if reached == 0:
        return Target(quantity=progress.committed, not_before_ns=slices[0].at_ns, reason="before its first slice")
    current, later = slices[reached - 1], slices[reached:]
    if later and _had_its_round(progress, current):
        reason = f"slice {reached} of {len(slices)} has had its round"
        return Target(quantity=progress.committed, not_before_ns=later[0].at_ns, reason=reason)
    if (pause := again(progress, now_ns, slicing.round_wait_ms)) is not None:
        return pause
    due = _due(progress, slices, reached, slicing)
    if due <= 0 and later:
        return Target(quantity=progress.committed, not_before_ns=later[0].at_ns, reason="nothing is due in this slice")
    if due <= 0:
        return Target(quantity=progress.committed, finished=True, reason=f"its {len(slices)} slices are over")
    return Target(quantity=progress.committed + due, reason=f"slice {reached} of {len(slices)}")


def _had_its_round(progress: Progress, current: Slice) -> bool:
    return progress.last_round_ns is not None and progress.last_round_sent and progress.last_round_ns >= current.at_ns


def _due(progress: Progress, slices: Sequence[Slice], reached: int, slicing: Slicing) -> Decimal:
    current, later = slices[reached - 1], slices[reached:]
    due = left = max(slices[-1].cumulative - progress.committed, ZERO)
    match slicing.catch_up:
        case CatchUp.NONE:
            due = ZERO if _had_its_round(progress, current) else current.quantity
        case CatchUp.SPREAD if later:
            to_come = current.quantity + sum((one.quantity for one in later), ZERO)
            with roughly():
                due = down(left * ratio(current.quantity, to_come), lot_of(progress))
        case CatchUp.CAP:
            with roughly():
                most = down(current.quantity * slicing.catch_up_cap, lot_of(progress))
            due = min(current.cumulative - progress.committed, most)
    return _tradable(progress, min(due, left), left, last=not later)


def _tradable(progress: Progress, due: Decimal, left: Decimal, *, last: bool) -> Decimal:
    """Nothing below a venue's minimum, and no rest below it either: both wait for a later slice."""
    if last or due == left:
        return due
    return due if due >= progress.slice_min and left - due >= progress.slice_min else ZERO
