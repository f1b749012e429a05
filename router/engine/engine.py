"""The engine: a function from what happened to what to do next.

It never waits, never reads a clock, never talks to a venue. `decide` folds each fact into the state as it is written
down; if its decision cannot be made durable the whole engine is thrown away and recovered from the journal, so a fact
that was not stored never outlives the process that thought of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from router import conservation
from router.engine import (
    adopting,
    amending,
    archiving,
    basketing,
    charging,
    children,
    completing,
    conserving,
    probing,
    resolving,
    restoring,
    sizing,
    strangers,
    timers,
    volume,
    waiting,
)
from router.engine.arriving import arrive, infeasible
from router.engine.conserving import TRADES_OVERLAP_NS
from router.engine.draft import Asked, Draft
from router.engine.parents import PARENTS_MAX, START_GRACE_NS
from router.engine.planning import on_market_seen
from router.engine.state import State
from router.model import events as e
from router.model import facts as f
from router.model.commands import Command, ReadAccount, Wake
from router.model.ids import AccountId, ClientOrderId, InstrumentId, Nanos, ParentId, TimerId
from router.model.market import MarketView
from router.model.money import exactly
from router.model.orders import ParentOrder, ParentState
from router.model.outcomes import AccountRead
from router.orders.records import Child
from router.ports.policy import Policy
from router.reconcile import Differences, reconcile

_MS = 1_000_000
START_OVERLAP_NS = 86_400_000 * _MS
"""At a start a day is read again: whatever turned up while nobody looked, and whatever clock was wrong."""
VENUE_RETRY_NS = 2_000 * _MS
_MINUTE_NS = 60_000 * _MS
ESTIMATE_AGE_NS = 10 * _MINUTE_NS
"""How old the estimate may be that an order comes with."""
QUIET = "the driver before did not let go and may still send here: nothing new until it would have been settled"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one event. A decision without facts changed nothing and is not journaled."""

    facts: tuple[f.Fact, ...]
    commands: tuple[Command, ...]
    asked: tuple[Asked, ...] = ()
    """What the splitter was asked on the way: it follows from state and event, and is not kept."""


class Engine:
    """State, and what to do about events. `policies` by the name orders give."""

    def __init__(self, policies: Mapping[str, Policy], state: State | None = None) -> None:
        self.state = State() if state is None else state
        self._policies = policies

    def decide(self, stamped: e.Stamped) -> Decision:
        """Facts and commands for one event. Events come in order of time."""
        assert stamped.at_ns >= self.state.last_ns
        self.state.last_ns = stamped.at_ns
        draft = Draft(self.state, stamped.at_ns)
        with exactly():
            self._handle(draft, stamped.event)
            completing.settle(draft, self._policies)
        return Decision(tuple(draft.facts), tuple(draft.commands), tuple(draft.asked))

    def recover(self, at_ns: Nanos, facts: Iterable[f.Fact]) -> None:
        """Fold a journal row in. Decides nothing."""
        self.state.last_ns = at_ns
        with exactly():
            for fact in facts:
                self.state.apply(fact)

    def awaited(self) -> Mapping[InstrumentId, Decimal]:
        """What to watch the market for, as `router.engine.waiting` has it."""
        return waiting.awaited(self.state)

    def reached_by(self, view: MarketView, now_ns: Nanos) -> tuple[TimerId, ...]:
        """Timers that may fire now: this market has the price their orders wait for."""
        return waiting.reached_by(self.state, self._policies, view, now_ns)

    def _handle(self, draft: Draft, event: e.Event) -> None:  # noqa: C901, PLR0912 - one line per kind of event
        match event:
            case e.MarketSeen(view=view):
                children.on_market(draft, view)
                on_market_seen(draft, event, self._policies)
            case e.PlaceAnswered():
                children.on_place_answered(draft, event)
            case e.LookedUp():
                children.on_looked_up(draft, event)
            case e.OrderHinted():
                _on_hint(draft, event)
            case e.TimerFired():
                _on_timer(draft, event)
            case e.ParentSubmitted():
                self._on_submitted(draft, event.order, event.view)
            case e.BasketSubmitted():
                basketing.on_submitted(draft, event, partial(_refusal, draft, self._policies))
            case e.CancelAsked():
                _on_cancel_asked(draft, event)
            case e.PauseAsked():
                amending.on_pause_asked(draft, event)
            case e.AmendAsked():
                amending.on_amend_asked(draft, event)
            case e.CancelAnswered():
                _on_cancel_answered(draft, event)
            case e.HaltAsked():
                _on_halt_asked(draft, event)
            case e.DifferenceAcknowledged():
                if conserving.on_acknowledged(draft, event):
                    _read_account(draft, event.account)
            case e.AccountSeen():
                _on_account_seen(draft, event)
            case e.VenueLost():
                _on_venue_lost(draft, event)
            case e.StreamRestored() | e.ReconcileAsked():
                _read_account(draft, event.account)
            case e.RequestUnreadable():
                pass  # for the record
            case e.Started():
                _on_started(draft, event)
            case e.RestoreTold():
                restoring.on_told(draft, event)
                for terms in draft.state.settings.terms:
                    _read_account(draft, terms.account, restoring.OVERLAP_NS)
            case e.Sought():
                restoring.on_sought(draft, event)
            case e.Recalled():
                archiving.on_recalled(draft, event)
            case e.ResolveAsked():
                resolving.on_resolve_asked(draft, event.resolution)
            case e.DedupeProbed():
                probing.on_probed(draft, event)

    def _on_submitted(self, draft: Draft, order: ParentOrder, view: MarketView | None) -> None:
        if order.id in draft.state.blotter.parents:
            return  # the same request, seen again
        order = sizing.accepted(order, draft.state.limits, view)
        reason = _refusal(draft, self._policies, order, view)
        if reason is not None:
            draft.note(f.ParentTurnedDown(order=order, at_ns=draft.now_ns, reason=reason))
            archiving.arrange(draft)
            return
        draft.note(f.ParentTaken(order=order, at_ns=draft.now_ns))
        arrive(draft, draft.state.parent(order.id), view)
        if view is not None:
            volume.count(draft, draft.state.parent(order.id), view)
        if restoring.wanted(draft.state, draft.now_ns):
            restoring.hunt(draft, draft.state.parent(order.id))
        draft.touch(draft.state.parent(order.id))


def _refusal(draft: Draft, policies: Mapping[str, Policy], order: ParentOrder, view: MarketView | None) -> str | None:
    now_ns = draft.now_ns
    return _turned_down(draft.state, order, policies) or _stale(order, now_ns) or infeasible(order, now_ns, view)


def _stale(order: ParentOrder, now_ns: Nanos) -> str | None:
    """An estimate is of its moment: nobody approves an order on one of long ago."""
    if order.estimate is None or 0 <= now_ns - order.estimate.at_ns <= ESTIMATE_AGE_NS:
        return None
    old = now_ns > order.estimate.at_ns
    return f"estimate.at: is {'older than 10 minutes' if old else 'not yet'}: ask for an estimate of now"


def _turned_down(state: State, order: ParentOrder, policies: Mapping[str, Policy]) -> str | None:
    """Why a parent cannot be taken, as a sentence that names the field."""
    limits = state.limits
    if (foster := adopting.fostered(state, order.id)) is not None:
        return f"ref_id: orders of this reference from before a restore stand under {foster}: take a new reference"
    if state.blotter.legs(order.id):
        return f"ref_id: {order.ref_id} is the reference of a basket: take another one"
    if state.instrument(order.instrument) is None:
        return f"instrument: {order.instrument} is not configured"
    if order.policy not in policies:
        return f"policy: {order.policy} is not one of {', '.join(policies)}"
    if order.size <= 0:
        return f"{sizing.field(order)}: {order.size} is not positive"
    if order.quantity > limits.parent_quantity_max:
        return f"base_quantity: {order.quantity} is above the parent limit {limits.parent_quantity_max}"
    if order.limit_price is not None and order.limit_price <= 0:
        return f"limit_price: {order.limit_price} is not positive"
    if sum(1 for _ in state.blotter.working_parents()) >= PARENTS_MAX:
        return f"ref_id: {PARENTS_MAX} parents are being worked, more are not taken"
    worth = sizing.worth(order, order.limit_price)
    if worth is not None and worth > limits.parent_notional_max:
        cap = limits.parent_notional_max
        return f"{sizing.field(order)}: worth {worth:.2f} at its limit, above the parent limit {cap}"
    return None


def _on_started(draft: Draft, event: e.Started) -> None:
    """Recovery is start-up: every doubt is looked into, every timer re-armed, every account read before it opens."""
    before, since_ns = draft.state.started, _backed_up_ns(draft.state)
    draft.note(f.DriverStarted(started=event))
    if event.incarnation > (1 if before is None else before.incarnation):
        restoring.begin(draft, since_ns)
    for child in draft.state.blotter.living():
        children.doubt_after_restart(draft, child)
    for child in draft.state.blotter.suspects():
        children.look(draft, child)
    for timer_id, due_ns in draft.state.timers.items():
        draft.do(Wake(timer_id=timer_id, due_ns=due_ns))
    for terms in event.terms:
        _read_account(draft, terms.account, START_OVERLAP_NS)
    draft.wake(timers.grace(), Nanos(draft.now_ns + START_GRACE_NS))
    restoring.resume(draft)
    archiving.on_started(draft)
    draft.touch_all()


def _backed_up_ns(state: State) -> Nanos:
    """Up to when this database knows everything, at least: its accounts were read until then."""
    return min(state.watermarks.values(), default=state.started_ns)


def _on_cancel_asked(draft: Draft, event: e.CancelAsked) -> None:
    for leg in draft.state.blotter.legs(event.parent_id):
        _on_cancel_asked(draft, e.CancelAsked(parent_id=leg.order.id, principal=event.principal))
    parent = draft.state.blotter.parents.get(event.parent_id)
    if parent is None or parent.state.ended or parent.state is ParentState.CANCEL_PENDING:
        return
    draft.note(
        f.ParentMoved(
            parent_id=event.parent_id,
            state=ParentState.CANCEL_PENDING,
            at_ns=draft.now_ns,
            reason=f"cancelled by {event.principal}",
        )
    )
    for child in draft.state.blotter.children_of(parent):
        children.cancel(draft, child)
    draft.touch(parent)


def _on_cancel_answered(draft: Draft, event: e.CancelAnswered) -> None:
    """Taken or unclear, a cancel's answer proves nothing about fills: the order is read."""
    child = draft.state.blotter.children[event.client_id]
    if not child.state.ended:
        children.look(draft, child)


def _on_halt_asked(draft: Draft, event: e.HaltAsked) -> None:
    if event.level is draft.state.halt_level:
        return
    draft.note(f.HaltMoved(level=event.level, reason=event.reason, principal=event.principal, at_ns=draft.now_ns))
    draft.touch_all()


def _on_hint(draft: Draft, event: e.OrderHinted) -> None:
    gate = draft.state.gates.get(event.account)
    starting = gate is not None and gate.starting
    for child in draft.state.blotter.hinted(event.account, event.client_id, event.venue_order_id):
        if child.state.ended:
            children.suspect(draft, child, f"its venue's stream speaks of it: {event.hint}")
        elif not starting:  # a stream begins with all that is open: the reading that is out tells of it in one answer
            children.look(draft, child)


def _on_timer(draft: Draft, event: e.TimerFired) -> None:
    state = draft.state
    if event.timer_id not in state.timers:
        return
    draft.note(f.TimerCleared(timer_id=event.timer_id))
    purpose, whose = timers.parse(event.timer_id)
    match purpose:
        case timers.Purpose.LOOK:
            child = state.blotter.children[ClientOrderId(whose)]
            if not child.state.ended or child.suspected_ns is not None:
                children.look(draft, child)
        case timers.Purpose.PARENT:
            draft.touch(state.parent(ParentId(whose)))
        case timers.Purpose.ACCOUNT:
            _read_account(draft, AccountId(whose))
        case timers.Purpose.RESTORE:
            restoring.resume(draft)
        case timers.Purpose.ARCHIVE:
            archiving.on_timer(draft)
        case timers.Purpose.HUNT:
            restoring.again(draft, ParentId(whose))
        case timers.Purpose.PAUSE | timers.Purpose.GRACE:
            draft.touch_all()


def _read_account(draft: Draft, account: AccountId, overlap_ns: int = TRADES_OVERLAP_NS) -> None:
    """Ask for a full read, far enough back to hold every trade of a child still living."""
    state = draft.state
    if state.terms(account) is None:
        return
    since = [state.watermarks.get(account, draft.now_ns)]
    if state.watermarks.get(account, 0) < state.started_ns:
        overlap_ns = max(overlap_ns, START_OVERLAP_NS)  # the start's own reading has failed, or is still out
    if state.restoring is not None and state.restored_since_ns is not None:
        since.append(state.restored_since_ns)
    since += [child.order.decided_at_ns for child in state.blotter.living() if child.order.account == account]
    draft.do(
        ReadAccount(
            account=account,
            trades_since_ns=Nanos(min(since) - overlap_ns),
            movements=_lists_movements(state, account, draft.now_ns),
        )
    )


def _lists_movements(state: State, account: AccountId, now_ns: Nanos) -> bool:
    """Is the venue's list worth its pages? While a difference only stands, once a minute."""
    ledger = state.ledgers.get(account)
    if ledger is None or ledger.suspected:
        return True
    return bool(ledger.unexplained) and now_ns // _MINUTE_NS != state.watermarks.get(account, 0) // _MINUTE_NS


def _on_account_seen(draft: Draft, event: e.AccountSeen) -> None:
    """Close the difference between the account's own record and ours, then let it be traded on."""
    state, read = draft.state, event.read
    moving = conserving.under_way(state, read)
    differences = reconcile(state.blotter, read, state.settings.deployment)
    draft.note(f.BalancesTaken(account=read.account, asked_ns=read.asked_ns, balances=read.balances))
    for client_id, trade in differences.fills:
        children.book(draft, state.blotter.children[client_id], trade)
    for client_id in dict.fromkeys(client_id for client_id, _ in differences.fills):
        children.seen_whole(draft, state.blotter.children[client_id])
    revived = tuple(
        (client_id, order)
        for client_id, order in differences.revived
        if children.revive(draft, state.blotter.children[client_id], read.asked_ns)
    )
    orphans = adopting.on_orphans(draft, read, differences.orphans)
    differences = replace(differences, orphans=orphans, revived=revived)
    strangers.report(draft, differences)
    strangers.let_go(draft, read)
    strangers.report_trades(draft, differences)
    for client_id, order in differences.alive:
        children.seen_open(draft, state.blotter.children[client_id], order, read.asked_ns)
    for client_id in differences.to_look_up:
        _look_if_alive(draft, state.blotter.children[client_id])
    draft.note(f.WatermarkMoved(account=read.account, trades_until_ns=read.asked_ns))
    if read.key is not None and read.key != state.keys.get(read.account):
        draft.note(f.KeyTold(account=read.account, key=read.key))
    charging.on_read(draft, read)
    restoring.on_read(draft, read.account, read.asked_ns)
    suspicion_ns = conserving.on_read(draft, read, moving)
    _judge_gate(draft, read, differences)
    terms = state.terms(read.account)
    if terms is not None:
        quiet_ns = state.quiet_until_ns(read.account)
        due_ns = draft.now_ns + terms.reconcile_every_ms * _MS
        if quiet_ns is not None and draft.now_ns <= quiet_ns:
            due_ns = min(due_ns, quiet_ns + 1)
        if suspicion_ns is not None:
            due_ns = min(due_ns, suspicion_ns)
        # What asked for a reading soon may have happened while this one was out: it is not in it.
        due_ns = min(due_ns, state.timers.get(timers.account(read.account), due_ns))
        draft.wake(timers.account(read.account), Nanos(due_ns))
    draft.touch_all()


def _look_if_alive(draft: Draft, child: Child) -> None:
    if not child.state.ended:
        children.look(draft, child)


def _judge_gate(draft: Draft, read: AccountRead, differences: Differences) -> None:
    state, account = draft.state, read.account
    reason = _why_shut(state, read, differences)
    quiet_ns = state.quiet_until_ns(account)
    if reason is not None:
        if state.gate_open(account) or state.gates[account].starting:
            draft.note(f.GateMoved(account=account, open=False, reason=reason, at_ns=draft.now_ns))
    elif quiet_ns is not None and read.asked_ns <= quiet_ns:
        if state.gates[account].reason != QUIET:
            draft.note(f.GateMoved(account=account, open=False, reason=QUIET, at_ns=draft.now_ns))
    elif not state.gate_open(account):
        draft.note(f.GateMoved(account=account, open=True, reason="reconciled", at_ns=draft.now_ns))


def _why_shut(state: State, read: AccountRead, differences: Differences) -> str | None:
    """What in an account's own record forbids trading on it; None when nothing does."""
    if (lost := restoring.recovering(state)) is not None:
        return lost
    if strangers.traded_under_our_tag(state, read.account):
        return strangers.OLD_COPY
    if differences.orphans or differences.revived:
        return "orders with our tag that no living intent explains"
    if any(child.breaches and child.order.account == read.account for child in state.blotter.living()):
        return "what the venue says of a living order cannot be"
    if read.key is not None and read.key.refusal is not None:
        return read.key.refusal
    return conservation.why_shut(state.ledgers.get(read.account), state.settings.conservation)


def _on_venue_lost(draft: Draft, event: e.VenueLost) -> None:
    gate = draft.state.gates.get(event.account)
    if gate is None or gate.open or gate.starting:
        draft.note(f.GateMoved(account=event.account, open=False, reason=event.why, at_ns=draft.now_ns))
    draft.wake(timers.account(event.account), Nanos(draft.now_ns + VENUE_RETRY_NS))
    draft.touch_all()
