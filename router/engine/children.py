"""What is learnt of a child: the lifecycle table is asked, fills are booked, doubts are followed until they end."""

from decimal import Decimal

from router.book.collar import collar_prices
from router.engine import charging, timers
from router.engine.draft import Draft
from router.engine.state import State
from router.model import facts as f
from router.model.commands import Cancel, Look, Place, Query
from router.model.events import LookedUp, PlaceAnswered
from router.model.ids import AccountId, ClientOrderId, Nanos, VenueOrderId
from router.model.market import MarketView
from router.model.money import ZERO
from router.model.orders import (
    ChildState,
    Fill,
    ParentState,
    TimeInForce,
    VenueOrder,
    VenueOrderStatus,
    VenueTrade,
    booking_key,
)
from router.model.outcomes import Accepted, Exists, Found, LookUp, Lost, Missing, NotSent, Refused, Unclear
from router.model.terms import VenueTerms
from router.orders import resolver
from router.orders.lifecycle import Cell, Heard, after
from router.orders.records import Child, Parent
from router.risk import Refusal, approve_copy

_MS = 1_000_000
_PAUSE_MS = 1_000
_GATE_PAUSE_MS = 100
"""What stopped one copy at the last gate (a lease that was late, say) would stop the next: not a round per turn."""
_ACCOUNT_SOON_NS = 1_000 * _MS
START_LOOK_NS = 15_000 * _MS
"""After a start, how long a child waits for its account to be read before it is looked up by itself: longer than a slow
reading takes, which must not share the venue's limit with a thousand look-ups."""
RESTS_LOOK_NS = 15_000 * _MS
"""How often an order that stands is looked up by itself: streams and its account's readings tell of it sooner."""
_IOC_RESTS_NS = 10_000 * _MS
"""An immediate-or-cancel order that is open for so long is not what the venue took it for."""

_ENDED = {
    VenueOrderStatus.FILLED: Heard.ENDED_FILLED,
    VenueOrderStatus.CANCELLED: Heard.ENDED_CANCELLED,
    VenueOrderStatus.EXPIRED: Heard.ENDED_EXPIRED,
    VenueOrderStatus.REJECTED: Heard.ENDED_REJECTED,
}
_AT_THE_VENUE = frozenset({ChildState.WORKING, ChildState.PENDING_CANCEL})


def on_place_answered(draft: Draft, event: PlaceAnswered) -> None:
    """One copy's answer. A refusal settles the intent only if that was its only copy."""
    child = draft.state.blotter.children[event.client_id]
    match event.outcome:
        case Accepted(venue_order_id=venue_order_id) if (why := _another_order(child, venue_order_id)) is not None:
            _contradict(draft, child, f"the answer {why}")
        case Accepted(venue_order_id=venue_order_id):
            _hear(draft, child, Heard.TAKEN, "accepted", venue_order_id=venue_order_id, answer=event)
            look(draft, child)
            if draft.state.parent(child.order.parent_id).state is ParentState.CANCEL_PENDING:
                cancel(draft, child)
        case Refused() as refused:
            settles = child.copies == 1
            heard = Heard.REFUSED if settles else Heard.DOUBTED
            _hear(draft, child, heard, f"{refused.code}: {refused.text}", answer=event)
            if refused.transient:
                _pause(draft, child.order.account, refused.retry_after_ms or _PAUSE_MS, refused.code)
        case NotSent(why=why, by_gate=by_gate):
            settles = child.copies == 1
            _hear(draft, child, Heard.NOT_SENT if settles else Heard.DOUBTED, f"not sent: {why}", answer=event)
            _pause(draft, child.order.account, _GATE_PAUSE_MS if by_gate else _PAUSE_MS, why)
        case Exists(code=code):
            _hear(draft, child, Heard.DOUBTED, f"the venue says that the id exists ({code})", answer=event)
        case Lost(why=why):
            _hear(draft, child, Heard.DOUBTED, why, answer=event)
    if child.state is ChildState.IN_DOUBT:
        look(draft, child)


def on_looked_up(draft: Draft, event: LookedUp) -> None:
    """An answer to a look-up: the venue's record settles, a clean absence is weighed, trouble is asked again."""
    child = draft.state.blotter.children[event.client_id]
    match event.look_up.result:
        case Found(order=order) if (why := _another_order(child, order.venue_order_id)) is not None:
            _contradict(draft, child, f"the record {why}")
            _hear(draft, child, Heard.UNDECIDABLE, f"the record {why}")
        case Found(order=order, trades=trades):
            for trade in trades:
                book(draft, child, trade)
            hear_record(draft, child, order, event.look_up.asked_ns)
        case Missing(endpoints=endpoints, strangers=strangers):
            for trade in _its_own(draft, child, strangers):
                book(draft, child, trade)  # no list names the order any more, and it traded: it was there
            _note_evidence(draft, child, event, endpoints, unexplained=_unexplained(draft, child, strangers))
            _doubt_if_forgotten(draft, child, event.look_up.asked_ns)
        case Unclear():
            if not child.state.ended or child.suspected_ns is not None:
                draft.note(_evidence(child, f.EvidenceKind.UNCLEAR, event, ()))
    if child.suspected_ns is not None:
        _follow_suspicion(draft, child, event.look_up)
    follow(draft, child)


def suspect(draft: Draft, child: Child, why: str) -> None:
    """It cannot be at its venue, and something says it is: ask, and nothing new of its parent before the answer."""
    terms = draft.state.terms(child.order.account)
    if child.suspected_ns is not None or terms is None:
        return
    settles_ns = Nanos(draft.now_ns + terms.read_lag_ms * _MS)
    draft.note(f.LateFillSuspected(client_id=child.order.client_id, why=why, settles_ns=settles_ns, at_ns=draft.now_ns))
    draft.touch(draft.state.parent(child.order.parent_id))  # what rests in its stead is withdrawn
    look(draft, child)


def _follow_suspicion(draft: Draft, child: Child, look_up: LookUp) -> None:
    """Over once the venue's record is booked whole, or once it cleanly knows nothing for long enough."""
    assert child.suspected_ns is not None
    match look_up.result:
        case Found(order=order) if order.status.ended and child.filled >= order.executed:
            over = True
        case Missing(endpoints=endpoints):
            over = look_up.asked_ns >= child.suspected_ns and len(set(endpoints)) >= resolver.ENDPOINTS_NEEDED
        case _:
            over = False
    if over:
        draft.note(f.SuspicionEnded(client_id=child.order.client_id, at_ns=draft.now_ns))
        draft.touch(draft.state.parent(child.order.parent_id))


def book(draft: Draft, child: Child, trade: VenueTrade) -> None:
    """Book a venue trade to a child, once, whatever state the child is in."""
    owner = draft.state.blotter.booked_to(booking_key(trade))
    if owner == child.order.client_id:
        return
    if (why := _not_its_trade(child, trade, owner)) is not None:
        _contradict(draft, child, f"trade {trade.trade_id} {why}")
        return
    if (why := _another_order(child, trade.venue_order_id)) is not None:
        # Our id stands on it, so it is our money that moved: it counts, and the venue has to explain itself.
        _contradict(draft, child, f"trade {trade.trade_id} {why}")
    order, was = child.order, child.state
    _note_fill(draft, child, trade)
    parent = draft.state.parent(order.parent_id)
    if was.never_taken:
        breach(draft, f.BreachKind.FILL_WITHOUT_ORDER, child, f"trade {trade.trade_id} after {was}")
    if child.filled > order.quantity:
        breach(draft, f.BreachKind.OVERFILLED, child, f"filled {child.filled} of {order.quantity}")
    elif (exposure := draft.state.blotter.overfill(parent)) is not None:
        detail = f"a late fill after {was}: the parent of {parent.order.quantity} is exposed to {exposure}"
        breach(draft, f.BreachKind.OVERFILLED, child, detail)
    _hear(draft, child, Heard.EXECUTED, f"trade {trade.trade_id}")


def _note_fill(draft: Draft, child: Child, trade: VenueTrade) -> None:
    fill = Fill(client_id=child.order.client_id, parent_id=child.order.parent_id, trade=trade)
    draft.note(f.FillBooked(fill=fill, at_ns=draft.now_ns))
    charging.on_booked(draft, child.order.listing_id, trade)
    draft.touch(draft.state.parent(child.order.parent_id))


def _not_its_trade(child: Child, trade: VenueTrade, owner: ClientOrderId | None) -> str | None:
    """Why a row that names this child cannot be a trade of it."""
    if owner is not None:
        return f"is booked to {owner} already"
    if trade.symbol != child.order.symbol or trade.side is not child.order.side:
        return f"is a {trade.side} of {trade.symbol}, the order a {child.order.side} of {child.order.symbol}"
    if trade.quantity <= 0 or trade.price <= 0:
        return f"has quantity {trade.quantity} at {trade.price}"
    return None


def _another_order(child: Child, venue_order_id: VenueOrderId) -> str | None:
    """We never amend, so a venue's name for an order never changes: another name is another order under our id."""
    known = child.venue_order_id
    return None if known in {None, venue_order_id} else f"is of {venue_order_id}, and the order is {known}"


def _contradict(draft: Draft, child: Child, why: str) -> None:
    """What the venue says of a child cannot be: an alarm, and nothing new goes to the account."""
    breach(draft, f.BreachKind.CONTRADICTED, child, why)
    _close_gate(draft, child.order.account, why)


def _doubt_if_forgotten(draft: Draft, child: Child, asked_ns: Nanos) -> None:
    """It was there, and no list has it any more: venues forget what ended, and how it ended a person has to say."""
    terms = draft.state.terms(child.order.account)
    if terms is None or child.state not in _AT_THE_VENUE:
        return
    if child.filled >= child.order.quantity:
        _hear(draft, child, Heard.ENDED_FILLED, "filled, and the venue no longer has it")
        return
    since_ns = child.order.decided_at_ns
    if child.rests:  # it may have stood for hours: what counts is since when the venue does not show it
        since_ns = asked_ns if child.missing_since_ns is None else child.missing_since_ns
    age_ns = asked_ns - since_ns
    if age_ns > terms.quarantine_after_ms * _MS:
        _hear(draft, child, Heard.UNDECIDABLE, f"the venue had it, and no longer has it after {age_ns // _MS} ms")


def look(draft: Draft, child: Child) -> None:
    """Ask the venue now what became of the child."""
    draft.do(Query(order=child.order, venue_order_id=child.venue_order_id))


def follow(draft: Draft, child: Child) -> None:
    """Arrange what comes next for a child that has not ended."""
    terms = draft.state.terms(child.order.account)
    if child.suspected_ns is not None and terms is not None:
        again_ns = Nanos(draft.now_ns + resolver.backed_off_ns(child, terms))
        draft.wake(timers.look(child.order.client_id), max(again_ns, child.suspected_ns))
        return
    if child.state.ended:
        draft.let_sleep(timers.look(child.order.client_id))
        return
    if terms is None:
        return
    if child.state is ChildState.IN_DOUBT:
        _resolve(draft, child, terms)
        return
    if child.state is ChildState.CLOSING and _overdue(child, terms, draft.now_ns):
        _hear(draft, child, Heard.UNDECIDABLE, f"ended at the venue, but its fills are not shown: {child.reason}")
    if child.stands:
        wait_ns = RESTS_LOOK_NS
    elif child.state is ChildState.QUARANTINED:
        wait_ns = resolver.quarantined_ns(child, terms)
    else:
        wait_ns = resolver.backed_off_ns(child, terms)
    draft.wake(timers.look(child.order.client_id), Nanos(draft.now_ns + wait_ns))


def _overdue(child: Child, terms: VenueTerms, now_ns: Nanos) -> bool:
    return child.doubt_since_ns is not None and now_ns - child.doubt_since_ns > terms.quarantine_after_ms * _MS


def revive(draft: Draft, child: Child, asked_ns: Nanos) -> bool:
    """The venue shows a child open that had ended: an anomaly, decided by the lifecycle table; unless that is old."""
    if child.ended_ns is not None and asked_ns <= child.ended_ns + _may_lag_ns(draft, child):
        return False
    _hear(draft, child, Heard.ALIVE, "open at the venue after its end")
    return True


def doubt_after_restart(draft: Draft, child: Child) -> None:
    """A driver took over: an intent without an answer may have left, wherever that one stopped.

    Its account is read before it is looked up: one reading tells of a thousand open orders, and a look-up for each
    would use up the venue's limit before anything may be sent there. The timer is for an account that cannot be read.
    """
    if child.state is ChildState.PENDING_NEW:
        _hear(draft, child, Heard.DOUBTED, "the router restarted before the answer was known")
    draft.wake(timers.look(child.order.client_id), Nanos(draft.now_ns + START_LOOK_NS))


def seen_whole(draft: Draft, child: Child) -> None:
    """Its account's list of trades has told of all of it: nothing is left that a look-up could find."""
    if child.filled == child.order.quantity and not child.state.ended:
        _hear(draft, child, Heard.ENDED_FILLED, "the account's trades make up all of it")
        follow(draft, child)


def seen_open(draft: Draft, child: Child, order: VenueOrder, asked_ns: Nanos) -> None:
    """Its account's own list of open orders has it: as good as a look-up that found it alive, and no reason for one.

    Streams and the next reading tell what becomes of it; a look-up for each of a thousand would keep both waiting.
    """
    hear_record(draft, child, order, asked_ns)
    draft.wake(timers.look(child.order.client_id), Nanos(draft.now_ns + START_LOOK_NS))


def settle_filled(draft: Draft, child: Child, trades: tuple[VenueTrade, ...], why: str) -> None:
    """People say that a quarantined child is over, and with these trades all of it is booked."""
    for trade in trades:
        _note_fill(draft, child, trade)
    heard = Heard.SETTLED_FILLED if child.filled >= child.order.quantity else Heard.SETTLED_PART
    _hear(draft, child, heard, why)


def settle_absent(draft: Draft, child: Child, why: str) -> None:
    """People say that a quarantined child never reached its venue."""
    _hear(draft, child, Heard.SETTLED_ABSENT, why)


def cancel(draft: Draft, child: Child) -> None:
    """Ask the venue to cancel a child it is known to have."""
    if child.state is ChildState.WORKING:
        draft.do(Cancel(order=child.order, venue_order_id=child.venue_order_id))
        _hear(draft, child, Heard.CANCEL_SENT, "cancel sent")


def _resolve(draft: Draft, child: Child, terms: VenueTerms) -> None:
    parent = draft.state.parent(child.order.parent_id)
    match _next_step(draft.state, child, parent, terms, draft.now_ns):
        case resolver.Absent(proof=proof):
            _hear(draft, child, Heard.ABSENCE_PROVEN, proof)
            follow(draft, child)
        case resolver.AskPerson(why=why):
            _hear(draft, child, Heard.UNDECIDABLE, why)
            follow(draft, child)
        case resolver.SendSameId():
            # Not at a price the market has left behind: `on_market` sends it, if this look shows that it has not.
            draft.do(Look(instrument=parent.order.instrument, quantity=child.order.quantity))
            draft.wake(timers.look(child.order.client_id), Nanos(draft.now_ns + resolver.backed_off_ns(child, terms)))
        case resolver.LookAgain(at_ns=at_ns):
            draft.wake(timers.look(child.order.client_id), at_ns)


def on_market(draft: Draft, view: MarketView) -> None:
    """Copies that are due of this instrument may leave now, where a new child might still ask their price."""
    state = draft.state
    for child in state.blotter.living():
        parent, terms = state.parent(child.order.parent_id), state.terms(child.order.account)
        if child.state is not ChildState.IN_DOUBT or parent.order.instrument != view.instrument or terms is None:
            continue
        due = isinstance(_next_step(state, child, parent, terms, draft.now_ns), resolver.SendSameId)
        if due and _within_collar(state, child, view):
            _send_copy(draft, child)


def _within_collar(state: State, child: Child, view: MarketView) -> bool:
    order = child.order
    worst, rate = (
        collar_prices(view, order.side, state.limits.collar_bps).get(order.listing_id),
        view.fx_rate(order.quote),
    )
    return worst is not None and rate is not None and (order.limit_price * rate - worst) * order.side.sign <= 0


def _next_step(state: State, child: Child, parent: Parent, terms: VenueTerms, now_ns: Nanos) -> resolver.Step:
    wanted = parent.state.plannable and not parent.breached and not state.halted
    return resolver.next_step(child, terms, now_ns, wanted=wanted, started_ns=state.started_ns)


def _send_copy(draft: Draft, child: Child) -> None:
    """The same id once more, counted durably before it leaves; where it may not leave now, keep looking."""
    state, order = draft.state, child.order
    approved = approve_copy(
        order,
        gate_open=state.gate_open(order.account),
        halted=state.halted,
        halt_epoch=state.halt_epoch,
        now_ns=draft.now_ns,
    )
    if isinstance(approved, Refusal):
        terms = state.terms(order.account)
        assert terms is not None
        draft.wake(timers.look(order.client_id), Nanos(draft.now_ns + terms.look_up_wait_ms * _MS))
        return
    copy = child.copies + 1
    draft.note(f.CopyCounted(client_id=order.client_id, copy=copy, deadline_ns=None))
    draft.do(Place(order=approved, copy=copy, deadline_ns=None))


def _hear(
    draft: Draft,
    child: Child,
    heard: Heard,
    reason: str,
    *,
    venue_order_id: str | None = None,
    order: VenueOrder | None = None,
    answer: PlaceAnswered | None = None,
) -> None:
    """Ask the table; write down what changed; what changed nothing is not worth a fact."""
    state = after(child.state, heard)
    if state is Cell.ANOMALY:
        kind = f.BreachKind.ALIVE_AFTER_END if child.state.ended else f.BreachKind.CONTRADICTED
        breach(draft, kind, child, f"{heard} in {child.state}: {reason}")
        _close_gate(draft, child.order.account, f"{child.order.client_id}: {heard} in {child.state}")
        return
    named = venue_order_id or (None if order is None else order.venue_order_id)
    executed = None if order is None or order.executed == child.executed else order.executed
    learnt_name = named is not None and named != child.venue_order_id
    back = heard is Heard.ALIVE and child.missing_since_ns is not None
    if state is child.state and not learnt_name and executed is None and not back:
        return
    draft.note(
        f.ChildMoved(
            client_id=child.order.client_id,
            state=state,
            at_ns=draft.now_ns,
            reason=reason,
            venue_order_id=VenueOrderId(named) if named is not None and learnt_name else None,
            executed=executed,
            refused_for_good=state is ChildState.REJECTED and _for_good(answer),
            not_sent=state is ChildState.REJECTED and answer is not None and isinstance(answer.outcome, NotSent),
            durable_ns=None if answer is None else answer.durable_ns,
            sent_ns=None if answer is None else answer.sent_ns,
        )
    )
    draft.touch(draft.state.parent(child.order.parent_id))
    if state.ended:
        draft.let_sleep(timers.look(child.order.client_id))
        if child.filled > 0:
            _read_account_soon(draft, child.order.account)


def _for_good(answer: PlaceAnswered | None) -> bool:
    """Something about the order, not about the moment: that a post-only one would have traded is the moment's."""
    if answer is None or not isinstance(answer.outcome, Refused):
        return False
    return not (answer.outcome.transient or answer.outcome.would_cross)


def hear_record(draft: Draft, child: Child, order: VenueOrder, asked_ns: Nanos) -> None:
    """The venue's own record of the order. It ends the child only once every executed unit is booked (I3b)."""
    if not order.status.ended:
        if child.ended_ns is not None and asked_ns <= child.ended_ns + _may_lag_ns(draft, child):
            return  # asked before its end was known, or shown by then: an old answer, not a new life
        _hear(draft, child, Heard.ALIVE, "open at the venue", order=order)
        _end_what_should_have_ended(draft, child)
    elif child.filled > max(_executed(child, order), child.executed or ZERO):
        why = f"{order.status} with {order.executed} executed, and {child.filled} is booked"
        _contradict(draft, child, why)
    elif child.filled < _executed(child, order):
        why = f"{order.status} at the venue, {_executed(child, order) - child.filled} executed and not booked yet"
        _hear(draft, child, Heard.ENDED_UNBOOKED, why, order=order)
    else:
        filled_whole = child.filled >= child.order.quantity
        heard = Heard.ENDED_FILLED if filled_whole else _ENDED[order.status]
        _hear(draft, child, heard, f"{order.status} at the venue", order=order)


def _may_lag_ns(draft: Draft, child: Child) -> int:
    """How long after its end a list may still show open what once stood there."""
    terms = draft.state.terms(child.order.account)
    return terms.read_lag_ms * _MS if terms is not None and child.rests else 0


def _end_what_should_have_ended(draft: Draft, child: Child) -> None:
    """A cancel whose answer was lost is asked again; an IOC that rests on the book is taken off it.

    So is one that was in doubt when its parent was cancelled, and turns out to stand.
    """
    rests = child.order.time_in_force is TimeInForce.IOC and draft.now_ns - child.order.decided_at_ns > _IOC_RESTS_NS
    unwanted = draft.state.parent(child.order.parent_id).state is ParentState.CANCEL_PENDING
    if child.state is ChildState.PENDING_CANCEL:
        draft.do(Cancel(order=child.order, venue_order_id=child.venue_order_id))
    elif rests or unwanted:
        cancel(draft, child)


def _executed(child: Child, order: VenueOrder) -> Decimal:
    """What the record says was executed; FILLED says all of it, whatever a lagging figure beside it shows."""
    return child.order.quantity if order.status is VenueOrderStatus.FILLED else order.executed


def _note_evidence(
    draft: Draft, child: Child, event: LookedUp, endpoints: tuple[str, ...], *, unexplained: bool
) -> None:
    if child.state.ended and child.suspected_ns is None:
        return
    kind = f.EvidenceKind.STRANGERS if unexplained else f.EvidenceKind.MISSING
    draft.note(_evidence(child, kind, event, endpoints))


def _evidence(child: Child, kind: f.EvidenceKind, event: LookedUp, endpoints: tuple[str, ...]) -> f.EvidenceNoted:
    return f.EvidenceNoted(
        client_id=child.order.client_id, kind=kind, asked_ns=event.look_up.asked_ns, endpoints=endpoints
    )


def _unexplained(draft: Draft, child: Child, strangers: tuple[VenueTrade, ...]) -> bool:
    """Is any of these trades not one of a child we know?"""
    blotter = draft.state.blotter
    return any(
        blotter.find(child.order.account, trade.symbol, trade.client_id, trade.venue_order_id) is None
        for trade in strangers
    )


def _its_own(draft: Draft, child: Child, trades: tuple[VenueTrade, ...]) -> list[VenueTrade]:
    """Those among these trades that name this very child."""
    find, account = draft.state.blotter.find, child.order.account
    return [one for one in trades if find(account, one.symbol, one.client_id, one.venue_order_id) is child]


def breach(draft: Draft, kind: f.BreachKind, child: Child, detail: str) -> None:
    """An alarm about a child, once; it stops its parent."""
    if f"{kind}|{detail}" in child.breaches:
        return
    order = child.order
    draft.note(
        f.BreachRaised(kind=kind, account=order.account, client_id=order.client_id, detail=detail, at_ns=draft.now_ns)
    )
    draft.touch(draft.state.parent(order.parent_id))


def _close_gate(draft: Draft, account: AccountId, reason: str) -> None:
    gate = draft.state.gates.get(account)
    if gate is not None and not gate.open and gate.reason == reason:
        return
    draft.note(f.GateMoved(account=account, open=False, reason=reason, at_ns=draft.now_ns))


def _pause(draft: Draft, account: AccountId, pause_ms: int, reason: str) -> None:
    until_ns = Nanos(draft.now_ns + pause_ms * _MS)
    if until_ns > draft.state.pauses.get(account, 0):
        draft.note(f.AccountPaused(account=account, until_ns=until_ns, reason=reason))
        draft.wake(timers.pause(account), until_ns)


def _read_account_soon(draft: Draft, account: AccountId) -> None:
    """Balances moved: read them, but not once per child."""
    soon_ns = Nanos(draft.now_ns + _ACCOUNT_SOON_NS)
    due_ns = draft.state.timers.get(timers.account(account))
    if due_ns is None or due_ns > soon_ns:
        draft.wake(timers.account(account), soon_ns)
