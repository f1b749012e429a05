"""Baskets at the door: all legs are taken, or none, and one sentence names the leg and the field."""

from collections.abc import Callable
from decimal import Decimal

from policies.consolidated import mid
from router.baskets import (
    imbalance_binds,
)
from router.engine import archiving, restoring, volume
from router.engine.arriving import arrive, smallest_slice
from router.engine.draft import Draft
from router.engine.parents import PARENTS_MAX
from router.engine.state import State
from router.model import events as e
from router.model import facts as f
from router.model.baskets import Leg
from router.model.market import MarketView
from router.model.money import ZERO, plain, ratio, roughly
from router.model.orders import ParentOrder
from router.model.rounding import up

_PER_MILLE = Decimal("0.001")

Refusal = Callable[[ParentOrder, MarketView | None], str | None]
"""Why an order cannot be taken, as a sentence that names its field."""


def on_submitted(draft: Draft, event: e.BasketSubmitted, refusal: Refusal) -> None:
    """All legs, or none: the first that cannot be taken refuses the whole. Seen again, nothing happens."""
    blotter, terms = draft.state.blotter, _leg(event.legs[0])
    if blotter.legs(terms.basket_id):
        return
    why = _why_not(draft, event, refusal)
    for order in event.legs:
        if why is not None:
            draft.note(f.ParentTurnedDown(order=order, at_ns=draft.now_ns, reason=why))
            continue
        draft.note(f.ParentTaken(order=order, at_ns=draft.now_ns))
        parent, view = draft.state.parent(order.id), _view_of(event, order)
        arrive(draft, parent, view)
        if view is not None:
            volume.count(draft, parent, view)
        if restoring.wanted(draft.state, draft.now_ns):
            restoring.hunt(draft, parent)
    for order in event.legs:
        draft.touch(draft.state.parent(order.id))
    if why is not None:
        archiving.arrange(draft)


def _why_not(draft: Draft, event: e.BasketSubmitted, refusal: Refusal) -> str | None:
    """One sentence that names the leg and the field."""
    state, basket = draft.state, _leg(event.legs[0])
    if basket.basket_id in state.blotter.parents:
        return f"ref_id: {basket.ref_id} is the reference of an order: take another one"
    working = sum(1 for _ in state.blotter.working_parents())
    if working + len(event.legs) > PARENTS_MAX:
        return f"legs: {working} parents are being worked, {PARENTS_MAX} with these are the most"
    for order in event.legs:
        view = _view_of(event, order)
        why = refusal(order, view) or _too_small(order, view) or _worth_too_much(state, order, view)
        if why is not None:
            return f"legs.{_leg(order).number}.{why}"
    return _too_much_today(draft, event) or _cannot_keep_pace(event)


def _view_of(event: e.BasketSubmitted, order: ParentOrder) -> MarketView | None:
    return next((view for view in event.views if view.instrument == order.instrument), None)


def _too_small(order: ParentOrder, view: MarketView | None) -> str | None:
    smallest = None if view is None else smallest_slice(view, order)[0]
    if smallest is None or order.quantity >= smallest:
        return None
    return f"base_quantity: no venue here takes less than {plain(smallest)}"


def _worth_too_much(state: State, order: ParentOrder, view: MarketView | None) -> str | None:
    worth, cap = _worth(order, view), state.limits.parent_notional_max
    return None if worth is None or worth <= cap else f"base_quantity: worth {worth:.2f}, above the parent limit {cap}"


def _worth(order: ParentOrder, view: MarketView | None) -> Decimal | None:
    """At the mid it comes into; None while there is none."""
    middle = None if view is None else mid(view, order.may_use)
    if middle is None:
        return None
    with roughly():
        return order.quantity * middle


def _too_much_today(draft: Draft, event: e.BasketSubmitted) -> str | None:
    """What is left of the day must be enough for all of it: half a basket is what nobody asked for."""
    worth = sum((_worth(order, _view_of(event, order)) or ZERO for order in event.legs), ZERO)
    cap = draft.state.limits.day_notional_max
    sent = draft.state.day_notional(event.legs[0].entity, draft.now_ns)
    if sent + worth <= cap:
        return None
    return f"legs: worth {worth:.2f} together; {sent:.2f} of the day's {cap} are sent already"


def _cannot_keep_pace(event: e.BasketSubmitted) -> str | None:
    """Is the imbalance less than what any venue takes of a leg? Then no side could make the first step."""
    terms = _leg(event.legs[0]).terms
    if not imbalance_binds(terms):
        return None
    least = {order.id: _least_worth(order, _view_of(event, order)) for order in event.legs}
    notional, share = terms.max_imbalance_notional, terms.max_imbalance_share
    for order in event.legs:
        smallest = least[order.id]
        side = [_worth(one, _view_of(event, one)) for one in event.legs if one.side is order.side]
        if smallest is None or None in side:
            continue
        number = _leg(order).number
        if notional is not None and notional < smallest:
            return f"max_leg_imbalance.notional: no venue takes less than {smallest:.2f} of leg {number}"
        with roughly():
            part = ratio(smallest, sum((one for one in side if one is not None), ZERO))
        if share is not None and share < part:
            return (
                f"max_leg_imbalance.share: no venue takes less than {up(part, _PER_MILLE)} of its side of leg {number}"
            )
    return None


def _least_worth(order: ParentOrder, view: MarketView | None) -> Decimal | None:
    smallest, worth = None if view is None else smallest_slice(view, order)[0], _worth(order, view)
    if smallest is None or worth is None:
        return None
    with roughly():
        return ratio(worth * smallest, order.quantity)


def _leg(order: ParentOrder) -> Leg:
    assert order.leg is not None
    return order.leg
