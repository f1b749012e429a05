"""Where a parent stands after something changed: does it end, wait, or want the market looked at?"""

from collections.abc import Mapping
from decimal import Decimal

from router.engine import archiving, timers
from router.engine.draft import Draft
from router.engine.state import State
from router.engine.volume import volume_of
from router.model.commands import Look
from router.model.facts import ParentMoved
from router.model.ids import InstrumentId, Nanos
from router.model.money import ZERO
from router.model.orders import RECOVERED, ParentState
from router.orders.records import Parent
from router.ports.policy import Policy, Progress, Target

START_GRACE_NS = 10_000_000_000
"""How long after a start planning waits for accounts that were not read yet."""


def settle(draft: Draft, policies: Mapping[str, Policy]) -> None:
    """End the touched parents that are done; ask for one look per instrument for those with something due."""
    due: dict[InstrumentId, Decimal] = {}
    for parent_id in draft.touched:
        parent = draft.state.parent(parent_id)
        if parent.state.ended or parent.order.policy == RECOVERED or _ended(draft, parent, policies):
            continue
        quantity = _to_look_for(draft, parent, policies)
        if quantity > 0:
            instrument = parent.order.instrument
            due[instrument] = due.get(instrument, ZERO) + quantity
    for instrument, quantity in due.items():
        draft.do(Look(instrument=instrument, quantity=quantity))


def progress(state: State, parent: Parent) -> Progress:
    """What a policy may know of its parent."""
    children = tuple(state.blotter.children_of(parent))
    doubtful = sum((child.unsettled for child in children if child.state.in_doubt), ZERO)
    return Progress(
        order=parent.order,
        accepted_ns=parent.accepted_ns,
        filled=sum((child.filled for child in children), ZERO),
        working=sum((child.unsettled for child in children), ZERO) - doubtful,
        in_doubt=doubtful,
        rounds=parent.rounds - parent.rounds_stopped,
        last_round_ns=parent.last_round_ns,
        last_round_sent=parent.last_round_sent,
        lot=None if parent.arrival is None else parent.arrival.lot,
        slice_min=ZERO if parent.arrival is None else parent.arrival.slice_min,
        arrival_mid=None if parent.arrival is None else parent.arrival.mid,
        volume=volume_of(parent),
        triggered_ns=parent.triggered_ns,
    )


def may_plan(state: State, parent: Parent, now_ns: Nanos) -> bool:
    """Is there nothing that forbids new children of this parent?"""
    lost = state.restoring is not None or parent.order.id in state.hunts
    free = (parent.state.plannable or parent.held) and not parent.breached and not state.halted and not lost
    if any(child.suspected_ns is not None for child in state.blotter.children_of(parent)):
        return False  # what is planned anew may have been filled already
    return free and not _still_starting(state, now_ns)


def _still_starting(state: State, now_ns: Nanos) -> bool:
    """Plan on all venues or wait a little: right after a start the first one read is not the whole market."""
    return now_ns < state.started_ns + START_GRACE_NS and any(gate.starting for gate in state.gates.values())


def _ended(draft: Draft, parent: Parent, policies: Mapping[str, Policy]) -> bool:
    """Move a parent to its end if it has reached one. Only once every child has ended (I17)."""
    state = draft.state
    if any(not child.state.ended for child in state.blotter.children_of(parent)):
        return False
    if parent.order.id in state.hunts:
        return False  # it may have children that nobody here knows
    configured = state.instrument(parent.order.instrument) is not None
    done = progress(state, parent)
    end = _end_of(parent, done, policies, draft.now_ns, halted=state.halted, configured=configured)
    if end is None:
        return False
    state_name, reason = end
    draft.let_sleep(timers.parent(parent.order.id))
    draft.note(ParentMoved(parent_id=parent.order.id, state=state_name, at_ns=draft.now_ns, reason=reason))
    archiving.arrange(draft)
    return True


def _end_of(
    parent: Parent,
    done: Progress,
    policies: Mapping[str, Policy],
    now_ns: Nanos,
    *,
    halted: bool,
    configured: bool,
) -> tuple[ParentState, str] | None:
    if parent.breached:
        return ParentState.FAILED, "an invariant did not hold: see the alerts"
    if done.filled >= parent.order.quantity:
        return ParentState.FILLED, "filled"
    if parent.state is ParentState.CANCEL_PENDING:
        return ParentState.CANCELLED, parent.reason
    if not configured:
        return ParentState.CANCELLED, f"{parent.order.instrument} is no longer configured"
    if halted:
        return None  # no policy is asked: what halted us may be the policy (D17)
    left = parent.order.quantity - done.filled
    target = policies[parent.order.policy].target(done, now_ns, None)
    if parent.dust == left:
        target = Target(quantity=done.filled, finished=True, reason=f"{left} is left")
    if not target.finished:
        return None
    reason = f"{target.reason}: {parent.residual_reason}" if parent.residual_reason else target.reason
    return (ParentState.DONE_PARTIAL if done.filled > 0 else ParentState.EXPIRED), reason


def hold(draft: Draft, parent: Parent, target: Target) -> None:
    """Its own bounds hold a parent back, or let it go on: either is said once."""
    if target.held and not parent.held:
        _move(draft, parent, ParentState.PAUSED, f"held: {target.reason}", held=True)
    elif parent.held and not target.held:
        _move(draft, parent, going_on(parent), "its bounds allow it again")


def going_on(parent: Parent) -> ParentState:
    """The state of a parent that is paused no longer."""
    return ParentState.WORKING if parent.rounds else ParentState.ACCEPTED


def _move(draft: Draft, parent: Parent, state: ParentState, reason: str, *, held: bool = False) -> None:
    draft.note(ParentMoved(parent_id=parent.order.id, state=state, at_ns=draft.now_ns, reason=reason, held=held))


def living(state: State, parent: Parent) -> int:
    """How many of its children have not ended."""
    return sum(1 for child in state.blotter.children_of(parent) if not child.state.ended)


def _to_look_for(draft: Draft, parent: Parent, policies: Mapping[str, Policy]) -> Decimal:
    """How deep a look at the market has to reach, 0 for none; where something is due later, a timer is set."""
    if not may_plan(draft.state, parent, draft.now_ns):
        ends_ns = parent.order.envelope.ends_ns(parent.accepted_ns)
        if parent.state is ParentState.PAUSED and ends_ns is not None and ends_ns > draft.now_ns:
            draft.wake(timers.parent(parent.order.id), ends_ns)
        return ZERO
    done = progress(draft.state, parent)
    target = policies[parent.order.policy].target(done, draft.now_ns, None)
    if target.not_before_ns is not None:
        draft.wake(timers.parent(parent.order.id), target.not_before_ns)
    due = done.due(target)
    return max(due, parent.order.quantity - done.filled) if target.look else due
