"""A part of an order first, then a pause until somebody has seen what it cost (D57).

The pilot is a bound on what may be done, not an order of its own: its policy works as ever and stops there. What it
measured is told by facts: fills against the mid at arrival, beside what its rounds were planned at.
"""

from decimal import Decimal

from router.engine.draft import Draft
from router.engine.state import State
from router.model import facts as f
from router.model import rounding
from router.model.ids import Nanos
from router.model.money import ZERO, bps_above, cut, plain, ratio, roughly
from router.model.orders import ParentOrder, ParentState
from router.orders import counting
from router.orders.records import Child, Parent
from router.ports.policy import Progress

_MS = 1_000_000
_FINEST = Decimal("1e-8")


def part(order: ParentOrder) -> Decimal | None:
    """How much of it the pilot is, in what the order counts; None without one."""
    if order.envelope.pilot_pct is None:
        return None
    with roughly():
        return rounding.down(order.size * order.envelope.pilot_pct / 100, _FINEST)


def most(parent: Parent) -> Decimal | None:
    """No more than this before a person's word; None where nothing, or nobody any more, has to be waited for."""
    return None if parent.pilot_confirmed else part(parent.order)


def waits(parent: Parent) -> bool:
    """Is its pilot over, and not confirmed?"""
    return parent.pilot is not None and not parent.pilot_confirmed


def settle(draft: Draft, parent: Parent, done: Progress) -> None:
    """Pause a parent whose pilot is over; say so once more when nobody has confirmed it in time."""
    if waits(parent):
        _remind(draft, parent)
        return
    pilot = most(parent)
    if pilot is None or parent.pilot is not None or not parent.state.plannable or done.filled <= 0:
        return
    least = max(done.slice_min, done.lot or ZERO)
    living = any(not child.state.ended for child in draft.state.blotter.children_of(parent))
    if living or pilot - done.filled >= max(least, _FINEST):
        return
    ended = _measured(draft.state, parent, draft.now_ns)
    draft.note(ended)
    move(draft, parent, f"its pilot is over: {said(parent.order, ended)}; `sor continue` lets it go on")


def move(draft: Draft, parent: Parent, reason: str) -> None:
    """It stays, or becomes, paused."""
    draft.note(f.ParentMoved(parent_id=parent.order.id, state=ParentState.PAUSED, at_ns=draft.now_ns, reason=reason))


def due_ns(parent: Parent) -> Nanos | None:
    """When a confirmation is late; None where none is waited for."""
    if not waits(parent) or parent.pilot is None:
        return None
    return Nanos(parent.pilot.at_ns + parent.order.envelope.pilot_timeout_ms * _MS)


def _remind(draft: Draft, parent: Parent) -> None:
    late_ns = due_ns(parent)
    reason = "nobody has confirmed its pilot in time: it stays paused until `sor continue`"
    if (
        late_ns is not None
        and draft.now_ns >= late_ns
        and parent.state is ParentState.PAUSED
        and parent.reason != reason
    ):
        move(draft, parent, reason)


def _measured(state: State, parent: Parent, now_ns: Nanos) -> f.PilotEnded:
    children = tuple(state.blotter.children_of(parent))
    side, order = parent.order.side, parent.order
    base = sum((child.filled - side.sign * child.fee_base for child in children), ZERO)
    with roughly():
        money = sum((_money(order, child) for child in children), ZERO)
        planned = sum((child.effective_price * child.filled for child in children if child.effective_price), ZERO)
    filled = sum((child.filled for child in children if child.effective_price), ZERO)
    middle = None if parent.arrival is None else parent.arrival.mid
    price = ratio(money, base) if base else None
    expected = ratio(planned, filled) if filled else None
    return f.PilotEnded(
        parent_id=order.id,
        counted=sum((counting.filled(order, child) for child in children), ZERO),
        all_in_price=price,
        measured_bps=_bps(order, price, middle),
        planned_bps=_bps(order, expected, middle),
        rounds=parent.rounds - parent.rounds_stopped,
        at_ns=now_ns,
        estimated_bps=None if order.estimate is None else order.estimate.slippage_bps,
    )


def _money(order: ParentOrder, child: Child) -> Decimal:
    """Paid or received for its fills in reporting currency, fees apart from those in base."""
    if not child.spent:
        return ZERO
    whole = child.order.quantity * child.order.limit_price
    return (child.spent + order.side.sign * child.fee_quote) * ratio(child.notional, whole)


def _bps(order: ParentOrder, price: Decimal | None, middle: Decimal | None) -> Decimal | None:
    return None if price is None or not middle else order.side.sign * bps_above(price, middle)


def said(order: ParentOrder, ended: f.PilotEnded) -> str:
    """What it came to, in a sentence."""
    price = "?" if ended.all_in_price is None else cut(ended.all_in_price, 4)
    measured, planned = (_shown(one) for one in (ended.measured_bps, ended.planned_bps))
    before = "" if ended.estimated_bps is None else f" and its estimate said {_shown(ended.estimated_bps)}"
    return (
        f"{plain(ended.counted)} of {plain(order.size)} at {price} all in, "
        f"{measured} bps from arrival where its rounds were planned at {planned}{before}"
    )


def _shown(bps: Decimal | None) -> str:
    return "?" if bps is None else cut(bps, 2)
