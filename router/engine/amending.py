"""What people ask of a parent that is being worked: wait, go on, go on under other terms."""

from dataclasses import replace
from decimal import Decimal

from router.engine import piloting
from router.engine.arriving import infeasible
from router.engine.draft import Draft
from router.engine.parents import going_on
from router.engine.resting import withdraw
from router.model import events as e
from router.model import facts as f
from router.model.ids import ParentId
from router.model.money import plain, ratio, roughly
from router.model.orders import RECOVERED, ParentOrder, ParentState
from router.model.side import Side
from router.orders.records import Parent


def on_pause_asked(draft: Draft, event: e.PauseAsked) -> None:
    """Nothing new leaves of a paused parent; what is out is followed to its end. Asking twice is asking once."""
    for leg in draft.state.blotter.legs(event.parent_id):
        on_pause_asked(draft, replace(event, parent_id=leg.order.id))
    parent = _working(draft, event.parent_id)
    if parent is None:
        return
    paused = parent.state is ParentState.PAUSED and not parent.held
    if event.resume and (why := _not_as_asked(parent, event)) is not None:
        draft.note(f.AmendRefused(parent_id=event.parent_id, why=why, principal=event.principal, at_ns=draft.now_ns))
        return
    if event.resume and piloting.waits(parent) and parent.pilot is not None:
        draft.note(f.PilotConfirmed(parent_id=event.parent_id, principal=event.principal, at_ns=draft.now_ns))
        _move(draft, parent, going_on(parent), f"pilot confirmed by {event.principal}")
    elif event.resume and paused:
        _move(draft, parent, going_on(parent), f"resumed by {event.principal}")
    elif not event.resume and not paused:
        _move(draft, parent, ParentState.PAUSED, f"paused by {event.principal}")
    draft.touch(parent)


def _not_as_asked(parent: Parent, event: e.PauseAsked) -> str | None:
    """A pilot is confirmed by that word and by no other."""
    if piloting.waits(parent) and not event.confirms:
        return "ref_id: its pilot waits for a word: `sor continue` gives it"
    if event.confirms and not piloting.waits(parent):
        return "ref_id: no pilot of it waits for a word"
    return None


def on_amend_asked(draft: Draft, event: e.AmendAsked) -> None:
    """The same parent under other terms, if they can be kept; else it stays as it is, and the row says why."""
    parent = _working(draft, event.parent_id)
    if parent is None:
        _refuse(draft, event, _past_changing(draft, event.parent_id))
        return
    order = _amended(parent.order, event)
    if order == parent.order:
        return
    why = _why_not(draft, parent, order)
    if why is not None:
        _refuse(draft, event, why)
        return
    draft.note(f.ParentAmended(order=order, principal=event.principal, at_ns=draft.now_ns))
    withdraw(draft, parent)
    draft.touch(parent)


def _amended(order: ParentOrder, event: e.AmendAsked) -> ParentOrder:
    if event.quantity is not None:
        order = replace(order, quantity=event.quantity)
    if event.limit_price is not None:
        order = replace(order, limit_price=event.limit_price)
    if event.end_ns is not None:
        order = replace(order, envelope=replace(order.envelope, end_ns=event.end_ns, duration_ms=None))
    return order


def _why_not(draft: Draft, parent: Parent, order: ParentOrder) -> str | None:
    limits, exposure = draft.state.limits, draft.state.blotter.exposure(parent)
    if order.asked is not None and order.quantity != parent.order.quantity:
        return "base_quantity: the order is sized otherwise; only its limit_price and end_time can be amended"
    if order.quantity < exposure:
        return f"base_quantity: {plain(exposure)} is done, out or in doubt already"
    if order.quantity > limits.parent_quantity_max:
        return f"base_quantity: {order.quantity} is above the parent limit {limits.parent_quantity_max}"
    if (too_much := _worth_too_much(draft, parent, order)) is not None:
        return too_much
    ends_ns = order.envelope.ends_ns(parent.accepted_ns)
    if ends_ns is not None and ends_ns <= draft.now_ns:
        return "end_time: is over already"
    return infeasible(order, parent.accepted_ns, None)


def _worth_too_much(draft: Draft, parent: Parent, order: ParentOrder) -> str | None:
    """Is it worth more than before, and more than a parent may be? One that has sent nothing is judged by its round."""
    cap, price = draft.state.limits.parent_notional_max, _price(draft, parent, order)
    if order.quantity_basis.by_value:
        return None  # what it asks for cannot be amended
    if price is None:
        more = order.quantity > parent.order.quantity and parent.children
        return "base_quantity: no price is known to hold it against the parent limit" if more else None
    before = _price(draft, parent, parent.order)
    with roughly():
        worth = order.quantity * price
        if worth <= cap or (before is not None and worth <= parent.order.quantity * before):
            return None
    return f"base_quantity: worth {worth:.2f}, above the parent limit {cap}"


def _price(draft: Draft, parent: Parent, order: ParentOrder) -> Decimal | None:
    """What a unit of it may come to in reporting currency: a buy's limit, else the dearest price that is known."""
    if order.side is Side.BUY and order.limit_price is not None:
        return order.limit_price
    arrived = None if parent.arrival is None else parent.arrival.mid
    sent = [ratio(child.notional, child.order.quantity) for child in draft.state.blotter.children_of(parent)]
    return max((one for one in (order.limit_price, arrived, *sent[-1:]) if one is not None), default=None)


def _working(draft: Draft, parent_id: ParentId) -> Parent | None:
    """The parent, if a person's word can still change it."""
    parent = draft.state.blotter.parents.get(parent_id)
    if parent is None or parent.state.ended or parent.order.policy == RECOVERED:
        return None
    return None if parent.state is ParentState.CANCEL_PENDING else parent


def _past_changing(draft: Draft, parent_id: ParentId) -> str:
    """Why no word of a person changes it any more."""
    parent = draft.state.blotter.parents.get(parent_id)
    if parent is None:
        return "ref_id: no order of this reference was taken"
    if parent.state.ended:
        return f"ref_id: it has ended already: {parent.state}"
    cancelled = parent.state is ParentState.CANCEL_PENDING
    return "ref_id: it is being cancelled" if cancelled else "ref_id: it stands for orders that nobody here knows"


def _refuse(draft: Draft, event: e.AmendAsked, why: str) -> None:
    draft.note(f.AmendRefused(parent_id=event.parent_id, why=why, principal=event.principal, at_ns=draft.now_ns))


def _move(draft: Draft, parent: Parent, state: ParentState, reason: str) -> None:
    draft.note(f.ParentMoved(parent_id=parent.order.id, state=state, at_ns=draft.now_ns, reason=reason))
