"""Where a basket stands after something changed: which legs look again, which end because nothing can move any more."""

from collections.abc import Mapping
from decimal import Decimal

from router.baskets import (
    Standing,
    bound,
)
from router.engine import archiving, parents, timers
from router.engine.draft import Draft
from router.engine.parents import may_plan, progress
from router.engine.releasing import finished, held, holding, renewed, standings, waits_for_a_person
from router.engine.state import State
from router.model import facts as f
from router.model.baskets import BasketState
from router.model.ids import ParentId
from router.model.money import cut, plain, ratio
from router.model.orders import ParentState
from router.orders.records import Parent
from router.ports.policy import Policy

_HUNDRED = Decimal(100)


def settle(draft: Draft, policies: Mapping[str, Policy]) -> None:
    """Where every touched parent stands after something changed, and with a leg all of its basket."""
    again = True
    while again:
        _spread(draft, policies)
        parents.settle(draft, policies)
        again = _close_touched(draft, policies)


def _spread(draft: Draft, policies: Mapping[str, Policy]) -> None:
    """What changed for a leg changed for all of its basket: which of them may go on, and which need not look?"""
    for parent_id in tuple(draft.touched):
        leg = draft.state.parent(parent_id).order.leg
        for other in () if leg is None else draft.state.blotter.legs(leg.basket_id):
            draft.touch(other)
    draft.barred.clear()
    draft.renewed.clear()
    for basket_id in _baskets(draft):
        for parent_id, now in holding(draft.state, basket_id, policies, draft.now_ns).items():
            parent = draft.state.parent(parent_id)
            if held(parent, now):
                draft.barred.add(parent_id)
            elif renewed(parent, now):
                draft.renewed.add(parent_id)


def _baskets(draft: Draft) -> tuple[ParentId, ...]:
    """Of the touched legs."""
    orders = (draft.state.parent(parent_id).order for parent_id in draft.touched)
    return tuple(dict.fromkeys(order.leg.basket_id for order in orders if order.leg is not None))


def _close_touched(draft: Draft, policies: Mapping[str, Policy]) -> bool:
    """End the legs of baskets in which nothing can move any more. True where others may go on because of that."""
    again = False
    for basket_id in _baskets(draft):
        again = _close(draft, basket_id, policies) or again
    return again


def _close(draft: Draft, basket_id: ParentId, policies: Mapping[str, Policy]) -> bool:
    state = draft.state
    waiting = [one for one in standings(state, basket_id) if not one.ended]
    now = holding(state, basket_id, policies, draft.now_ns) if waiting else {}
    if waiting and all(_is_stuck(draft, one, policies, now.get(one.parent.order.id)) for one in waiting):
        free = [one for one in waiting if not any(not child.state.ended for child in one.children)]
        done = [one for one in free if finished(state, one.parent, policies, draft.now_ns)]
        going = done or free
        for one in going:
            _end(draft, one.parent, policies)
        if len(going) < len(waiting):
            for one in waiting:
                draft.touch(one.parent)
            return bool(going)
    if _has_ended(draft, basket_id):
        draft.note(f.BasketEnded(basket_id=basket_id, state=_end_state(state, basket_id), at_ns=draft.now_ns))
    return False


def _is_stuck(draft: Draft, leg: Standing, policies: Mapping[str, Policy], now: f.LegReleased | None) -> bool:
    """Can it do nothing more, unless another leg does? `now`: what its release would rest on."""
    state, parent = draft.state, leg.parent
    if not bound(parent.order) and not waits_for_a_person(leg):
        return False  # it comes to its end by itself
    if not may_plan(state, parent, draft.now_ns) or parent.held:
        return False
    if not all(child.state.ended for child in leg.children) and not waits_for_a_person(leg):
        return False
    return held(parent, now) or (finished(state, parent, policies, draft.now_ns) and not renewed(parent, now))


def _end(draft: Draft, parent: Parent, policies: Mapping[str, Policy]) -> None:
    done = progress(draft.state, parent)
    said = parent.released
    spent = said is not None and said.verdict is f.ReleaseVerdict.SPENT
    why = said.reason if said is not None and spent else None
    why = why or policies[parent.order.policy].target(done, draft.now_ns, None).reason
    if parent.residual_reason and not spent:
        why = f"{why}: {parent.residual_reason}"
    part = cut(ratio(done.filled, parent.order.quantity) * _HUNDRED, 4) if done.filled else "0"
    reason = f"scaled to {part} % of {plain(parent.order.quantity)}: {why}"
    draft.let_sleep(timers.parent(parent.order.id))
    state = ParentState.DONE_PARTIAL if done.filled > 0 else ParentState.EXPIRED
    draft.note(f.ParentMoved(parent_id=parent.order.id, state=state, at_ns=draft.now_ns, reason=reason))
    archiving.arrange(draft)


def _has_ended(draft: Draft, basket_id: ParentId) -> bool:
    """Has the last of its legs ended by this decision?"""
    legs = draft.state.blotter.legs(basket_id)
    names = {leg.order.id for leg in legs}
    ended_now = any(
        (isinstance(fact, f.ParentMoved) and fact.state.ended and fact.parent_id in names)
        or (isinstance(fact, f.ParentTurnedDown) and fact.order.id in names)
        for fact in draft.facts
    )
    said = any(isinstance(fact, f.BasketEnded) and fact.basket_id == basket_id for fact in draft.facts)
    return ended_now and not said and all(leg.state.ended for leg in legs)


def _end_state(state: State, basket_id: ParentId) -> BasketState:
    ends = {leg.state for leg in state.blotter.legs(basket_id)}
    if ends == {ParentState.FILLED}:
        return BasketState.COMPLETED
    if ParentState.FAILED in ends:
        return BasketState.FAILED
    if ends == {ParentState.REJECTED}:
        return BasketState.REJECTED
    return BasketState.CANCELLED if ParentState.CANCELLED in ends else BasketState.COMPLETED_ADJUSTED
