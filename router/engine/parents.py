"""Where a parent stands after something changed: does it end, wait, or want the market looked at?"""

from collections.abc import Mapping
from decimal import Decimal

from router.baskets import ends_with_others
from router.engine import archiving, piloting, sizing, timers
from router.engine.draft import Draft
from router.engine.resting import kept, last_rested, resting_of, withdraw, withdraw_outdated
from router.engine.state import State
from router.engine.volume import volume_of
from router.model.commands import Look
from router.model.facts import ArrivalSeen, ParentMoved
from router.model.ids import InstrumentId, Nanos
from router.model.money import ZERO, plain, ratio, roughly
from router.model.orders import RECOVERED, ParentOrder, ParentState
from router.orders import counting
from router.orders.records import Parent
from router.ports.policy import Policy, Progress, Target

START_GRACE_NS = 10_000_000_000
"""How long after a start planning waits for accounts that were not read yet."""
PARENTS_MAX = 500
"""Parents worked at once (I18): overload refuses new ones, never a cancel or a fill."""


def settle(draft: Draft, policies: Mapping[str, Policy]) -> None:
    """End the touched parents that are done; ask for one look per instrument for those with something due."""
    due: dict[InstrumentId, Decimal] = {}
    for parent_id in draft.touched:
        parent = draft.state.parent(parent_id)
        if parent.state.ended or parent.order.policy == RECOVERED:
            continue
        piloting.settle(draft, parent, progress(draft.state, parent))
        if _ended(draft, parent, policies):
            continue
        quantity = _to_look_for(draft, parent, policies)
        if quantity > 0:
            instrument = parent.order.instrument
            due[instrument] = due.get(instrument, ZERO) + quantity
    for instrument, quantity in due.items():
        draft.do(Look(instrument=instrument, quantity=quantity))


def progress(state: State, parent: Parent) -> Progress:
    """What a policy may know of its parent."""
    children, order, arrival = tuple(state.blotter.children_of(parent)), parent.order, parent.arrival
    doubtful = sum((counting.unsettled(order, child) for child in children if child.state.in_doubt), ZERO)
    as_asked = order.asked is None
    return Progress(
        order=sizing.as_counted(order),
        accepted_ns=parent.accepted_ns,
        filled=sum((counting.filled(order, child) for child in children), ZERO),
        working=sum((counting.unsettled(order, child) for child in children), ZERO) - doubtful,
        in_doubt=doubtful,
        rounds=_rounds(parent),
        last_round_ns=parent.last_round_ns,
        last_round_sent=parent.last_round_sent,
        lot=arrival.lot if arrival is not None and as_asked else None,
        slice_min=ZERO if arrival is None else _least_slice(order, arrival),
        arrival_mid=None if arrival is None else arrival.mid,
        volume=volume_of(parent),
        triggered_ns=parent.triggered_ns,
        most=piloting.most(parent),
        base=None if as_asked else sum((child.exposure for child in children), ZERO),
        resting=resting_of(state, parent),
        last_rested=last_rested(state, parent),
    )


def _rounds(parent: Parent) -> int:
    """Rounds that count against its policy's."""
    before = parent.rounds_stopped + (parent.pilot.rounds if parent.pilot is not None else 0)
    if not parent.order.envelope.in_force.one_round:
        before += parent.rounds_before
    return max(parent.rounds - before, 0)


def _least_slice(order: ParentOrder, arrival: ArrivalSeen) -> Decimal:
    """The smallest slice a venue took at arrival, in what the order counts."""
    if not order.quantity_basis.by_value or arrival.mid is None:
        return arrival.slice_min
    with roughly():
        return arrival.slice_min * arrival.mid


def may_plan(state: State, parent: Parent, now_ns: Nanos) -> bool:
    """Is there nothing that forbids new children of this parent?"""
    return may_rest(state, parent) and not _still_starting(state, now_ns)


def may_rest(state: State, parent: Parent) -> bool:
    """May what stands go on standing? What nobody would place now is taken off; but a start takes nothing off."""
    lost = state.restoring is not None or parent.order.id in state.hunts
    free = (parent.state.plannable or parent.held) and not parent.breached and not state.halted and not lost
    if any(child.suspected_ns is not None for child in state.blotter.children_of(parent)):
        return False  # what is planned anew may have been filled already
    return free


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
    newest = next((child for child in reversed(tuple(state.blotter.children_of(parent))) if child.counts), None)
    each = None if newest is None or newest.counts is None else ratio(newest.counts, newest.order.quantity)
    end = _end_of(parent, done, policies, draft.now_ns, halted=state.halted, configured=configured, newest=each)
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
    newest: Decimal | None,
) -> tuple[ParentState, str] | None:
    if parent.breached:
        return ParentState.FAILED, "an invariant did not hold: see the alerts"
    left = done.order.quantity - done.filled
    if left <= 0:
        return ParentState.FILLED, "filled"
    worthless = parent.dust == left and parent.order.quantity_basis.by_value
    if done.filled > 0 and (worthless or left < sizing.least_left(parent, newest)):
        return ParentState.FILLED, f"filled within a lot: {plain(left)} is left, and no venue here takes so little"
    if parent.state is ParentState.CANCEL_PENDING:
        return ParentState.CANCELLED, parent.reason
    if not configured:
        return ParentState.CANCELLED, f"{parent.order.instrument} is no longer configured"
    if done.base is not None and done.base >= parent.order.quantity:
        most = f"all that it may trade is done, {plain(parent.order.quantity)} base"
        return ParentState.DONE_PARTIAL, f"{most}: {plain(left)} is left of what was asked"
    if halted:
        return None  # no policy is asked: what halted us may be the policy (D17)
    target = policies[parent.order.policy].target(done, now_ns, None)
    if parent.dust == left:
        target = Target(quantity=done.filled, finished=True, reason=f"{plain(left)} is left")
    if not target.finished or (parent.dust != left and ends_with_others(parent, now_ns)):
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
    if not may_rest(draft.state, parent):
        withdraw(draft, parent)
    withdraw_outdated(draft, parent)
    if not may_plan(draft.state, parent, draft.now_ns):
        ends = (parent.order.envelope.ends_ns(parent.accepted_ns), piloting.due_ns(parent))
        later = [at_ns for at_ns in ends if at_ns is not None and at_ns > draft.now_ns]
        if parent.state is ParentState.PAUSED and later:
            draft.wake(timers.parent(parent.order.id), min(later))
        return ZERO
    done = progress(draft.state, parent)
    target = policies[parent.order.policy].target(done, draft.now_ns, None)
    if target.quotes is not None:
        withdraw(draft, parent, kept(done.resting, target.quotes).keys())
    if target.not_before_ns is not None:
        draft.wake(timers.parent(parent.order.id), target.not_before_ns)
    if parent.order.id in draft.barred:
        return ZERO
    due = done.open_quantity if parent.order.id in draft.renewed else done.due(target)
    return sizing.depth(parent, max(due, done.order.quantity - done.filled) if target.look else due)
