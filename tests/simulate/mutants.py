"""Mistakes that real routers have made, planted one at a time. Each is killed by a pinned seed, or by a story.

A mutant patches our own code for as long as its context lasts; that is the one place where a test may. Killed means
that the judge found a breach, or that an assertion inside the engine tripped.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from connectors.sim import venue as sim_venue
from policies import resting
from router.engine import archiving, children, engine, intending, parents, planning, quoting, recalling, strangers
from router.engine import state as state_module
from router.engine.draft import Draft
from router.engine.engine import Engine
from router.engine.state import State
from router.model import facts as f
from router.model import rounding
from router.model.commands import Place, Wake
from router.model.events import LookedUp, PlaceAnswered
from router.model.ids import Nanos
from router.model.money import ZERO
from router.model.orders import ChildState
from router.model.outcomes import CancelTaken, Exists, Lost, Missing, NotSent, Refused
from router.model.terms import Fence
from router.orders import resolver
from router.orders.blotter import Blotter
from router.orders.lifecycle import Cell, Heard
from router.orders.records import Child, Evidence
from router.risk import CHECKS, approve_copy, checks
from router.runtime.switch import Switch
from router.simulate.journal import SimJournal
from router.simulate.process import Process
from router.split.plan import SplitOptions

Mistake = AbstractContextManager[object]
_GIVE_UP_NS = 4_000_000_000


def _steps(better: Callable[..., resolver.Step | None]) -> Mistake:
    """The resolver, which asks `better` first."""
    usual = resolver.next_step

    def step(child: Child, terms: Any, now_ns: Nanos, *, wanted: bool, started_ns: Nanos) -> resolver.Step:
        found = better(child, terms, now_ns, wanted)
        return found or usual(child, terms, now_ns, wanted=wanted, started_ns=started_ns)

    return patch.object(resolver, "next_step", step)


def _answers(other: Callable[[PlaceAnswered], PlaceAnswered]) -> Mistake:
    """The engine, which hears another answer to a submit."""
    usual = children.on_place_answered
    return patch.object(children, "on_place_answered", lambda draft, event: usual(draft, other(event)))


def _all(*mistakes: Mistake) -> Mistake:
    @contextmanager
    def together() -> Iterator[None]:
        with ExitStack() as stack:
            for mistake in mistakes:
                stack.enter_context(mistake)
            yield

    return together()


# The nine classics.


def blind_retry_with_the_same_id() -> Mistake:
    return _steps(lambda _child, _terms, _now_ns, wanted: resolver.SendSameId() if wanted else None)


def given_up_and_sent_anew() -> Mistake:
    def old(child: Child, now_ns: Nanos) -> bool:
        return child.doubt_since_ns is not None and now_ns - child.doubt_since_ns > _GIVE_UP_NS

    return _steps(lambda child, _terms, now_ns, _wanted: resolver.Absent(proof="gone") if old(child, now_ns) else None)


def time_out_means_rejected() -> Mistake:
    refused = Refused(code="timeout", text="", transient=False)
    return _answers(lambda event: replace(event, outcome=refused) if isinstance(event.outcome, Lost) else event)


def one_not_found_means_absent() -> Mistake:
    return _steps(lambda child, _terms, _now_ns, _wanted: resolver.Absent(proof="not found") if child.misses else None)


def no_deadline_on_the_wire() -> Mistake:
    return patch.object(Process, "_on_venue_clock", lambda _self, _deadline_ns: None)


def sent_before_it_is_durable() -> Mistake:
    usual = Process._append

    def append(self: Process, rows: Any, commands: Any) -> None:
        for command in commands:
            self._do(command)
        usual(self, rows, [])

    return patch.object(Process, "_append", append)


def fills_are_not_deduplicated() -> Mistake:
    return _all(
        patch.object(Blotter, "booked_to", lambda _self, _key: None),
        patch.object(Blotter, "note_booked", lambda _self, child, key: child.booked.add(key)),
    )


def closed_is_believed_before_its_fills() -> Mistake:
    return patch.object(children, "_executed", lambda child, _order: child.filled)


def doubt_is_not_reserved() -> Mistake:
    def exposure(self: Child) -> Decimal:
        free = self.state.ended or self.state is ChildState.IN_DOUBT
        return self.filled if free else max(self.order.quantity, self.filled)

    return patch.object(Child, "exposure", property(exposure))


# The three found ones.


def a_refusal_settles_whatever_other_copies_do() -> Mistake:
    usual = children.on_place_answered

    def answered(draft: Draft, event: PlaceAnswered) -> None:
        child = draft.state.blotter.children[event.client_id]
        copies, child.copies = child.copies, 1
        try:
            usual(draft, event)
        finally:
            child.copies = copies

    return patch.object(children, "on_place_answered", answered)


def a_parent_ends_before_its_children() -> Mistake:
    usual = parents._ended

    def ended(draft: Draft, parent: Any, policies: Any) -> bool:
        with patch.object(Child, "exposure", property(lambda self: self.filled)):
            living = [child for child in draft.state.blotter.children_of(parent) if not child.state.ended]
            if not living or any(child.state is not ChildState.IN_DOUBT for child in living):
                return usual(draft, parent, policies)
            with patch.object(Blotter, "children_of", lambda _self, _parent: iter(())):
                return usual(draft, parent, policies)

    return patch.object(parents, "_ended", ended)


def evidence_counts_from_when_it_is_weighed() -> Mistake:
    usual = resolver.next_step

    def step(child: Child, terms: Any, now_ns: Nanos, **more: Any) -> resolver.Step:
        fresh = [Evidence(asked_ns=now_ns, endpoints=miss.endpoints) for miss in child.misses]
        return usual(replace(child, misses=fresh), terms, now_ns, **more)

    return patch.object(resolver, "next_step", step)


# The journal and the last gate.


def rows_go_in_whoever_was_there_first() -> Mistake:
    usual = SimJournal.append
    return patch.object(SimJournal, "append", lambda self, _seq, rows: usual(self, len(self.rows), rows))


def a_failed_append_is_carried_out() -> Mistake:
    usual = SimJournal.append

    def append(self: SimJournal, seq: int, rows: Any) -> bool:
        usual(self, seq, rows)
        return True

    return patch.object(SimJournal, "append", append)


def no_last_gate() -> Mistake:
    return patch.object(Switch, "gate", lambda _self, _order, _deadline_ns: lambda: None)


def a_copy_is_not_counted() -> Mistake:
    def send(draft: Draft, child: Child) -> None:
        approved = approve_copy(
            child.order,
            gate_open=True,
            halted=draft.state.halted,
            halt_epoch=draft.state.halt_epoch,
            now_ns=draft.now_ns,
        )
        if not hasattr(approved, "reason"):
            draft.do(Place(order=approved, copy=child.copies, deadline_ns=None))
        draft.wake(children.timers.look(child.order.client_id), Nanos(draft.now_ns + 500_000_000))

    return patch.object(children, "_send_copy", send)


# Restarts.


def nothing_is_doubted_after_a_restart() -> Mistake:
    return patch.object(children, "doubt_after_restart", lambda _draft, _child: None)


def a_clock_that_was_set_is_believed() -> Mistake:
    usual = resolver.last_moment_ns
    return patch.object(resolver, "last_moment_ns", lambda child, terms, _started_ns: usual(child, terms))


def a_halt_is_forgotten_at_a_restart() -> Mistake:
    usual = Engine.recover

    def recover(self: Engine, at_ns: Nanos, facts: Any) -> None:
        usual(self, at_ns, [fact for fact in facts if not isinstance(fact, f.HaltMoved)])

    return patch.object(Engine, "recover", recover)


def timers_are_not_set_again() -> Mistake:
    usual = engine._on_started

    def started(draft: Draft, event: Any) -> None:
        usual(draft, event)
        draft.commands = [command for command in draft.commands if not isinstance(command, Wake)]

    return patch.object(engine, "_on_started", started)


# Answers and evidence.


def exists_means_rejected() -> Mistake:
    refused = Refused(code="duplicate", text="", transient=False)
    return _answers(lambda event: replace(event, outcome=refused) if isinstance(event.outcome, Exists) else event)


def not_sent_although_bytes_left() -> Mistake:
    unsent = NotSent(why="no answer")
    return _answers(lambda event: replace(event, outcome=unsent) if isinstance(event.outcome, Lost) else event)


def one_endpoint_is_enough_for_absence() -> Mistake:
    return patch.object(resolver, "ENDPOINTS_NEEDED", 1)


def trades_nobody_can_explain_are_ignored() -> Mistake:
    return _all(
        patch.object(children, "_unexplained", lambda _draft, _child, _strangers: False),
        patch.object(children, "_its_own", lambda _draft, _child, _trades: []),
    )


def its_own_trade_is_no_proof() -> Mistake:
    return patch.object(children, "_its_own", lambda _draft, _child, _trades: [])


def absence_is_proven_without_a_fence() -> Mistake:
    usual = resolver.last_moment_ns

    def moment(child: Child, terms: Any, started_ns: Nanos) -> Nanos | None:
        deadline_ns = child.deadline_ns or Nanos(child.order.decided_at_ns + terms.request_ttl_ms * 1_000_000)
        fenced = replace(terms, fence=Fence.DEADLINE)
        return usual(replace(child, deadline_ns=deadline_ns), fenced, started_ns)

    return patch.object(resolver, "last_moment_ns", moment)


def a_lookup_that_failed_counts_as_a_miss() -> Mistake:
    usual = children.on_looked_up

    def looked_up(draft: Draft, event: LookedUp) -> None:
        if type(event.look_up.result).__name__ == "Unclear":
            missing = Missing(endpoints=("order", "trades"))
            event = replace(event, look_up=replace(event.look_up, result=missing))
        usual(draft, event)

    return patch.object(children, "on_looked_up", looked_up)


def another_order_is_believed() -> Mistake:
    return patch.object(children, "_another_order", lambda _child, _venue_order_id: None)


def a_cancel_that_was_taken_is_the_end() -> Mistake:
    usual = engine._on_cancel_answered

    def answered(draft: Draft, event: Any) -> None:
        if isinstance(event.outcome, CancelTaken):
            child = draft.state.blotter.children[event.client_id]
            children._hear(draft, child, Heard.ENDED_CANCELLED, "cancelled")
        else:
            usual(draft, event)

    return patch.object(engine, "_on_cancel_answered", answered)


def an_ioc_that_rests_is_left_there() -> Mistake:
    return patch.object(children, "_end_what_should_have_ended", lambda _draft, _child: None)


def an_order_that_lives_again_is_ignored() -> Mistake:
    usual = children.after

    def after(state: ChildState, heard: Heard) -> object:
        found = usual(state, heard)
        return state if found is Cell.ANOMALY else found

    return patch.object(children, "after", after)


def a_forgotten_order_is_waited_for() -> Mistake:
    return patch.object(children, "_doubt_if_forgotten", lambda _draft, _child, _asked_ns: None)


def fills_after_the_end_are_dropped() -> Mistake:
    usual = children.book

    def book(draft: Draft, child: Child, trade: Any) -> None:
        if not child.state.ended:
            usual(draft, child, trade)

    return patch.object(children, "book", book)


# The account.


def an_account_is_never_read_again() -> Mistake:
    usual = engine._read_account

    def read(draft: Draft, account: Any, overlap_ns: int = 0) -> None:
        if overlap_ns == engine.START_OVERLAP_NS:
            usual(draft, account, overlap_ns)

    return patch.object(engine, "_read_account", read)


def a_strangers_trade_is_ours() -> Mistake:
    usual = Blotter.find

    def find(self: Blotter, account: Any, symbol: Any, client_id: Any, venue_order_id: Any) -> Child | None:
        found = usual(self, account, symbol, client_id, venue_order_id)
        return found or next((child for child in self.living() if child.order.account == account), None)

    return patch.object(Blotter, "find", find)


def an_orphan_is_not_reported() -> Mistake:
    return patch.object(strangers, "report", lambda _draft, _differences: None)


def a_quarantined_child_is_left_to_its_person() -> Mistake:
    return patch.object(resolver, "quarantined_ns", lambda _child, _terms: 10**18)


# Limits.


def _without(check: object) -> Mistake:
    return patch.object(intending, "CHECKS", tuple(one for one in CHECKS if one is not check))


def _splits(**changes: object) -> Mistake:
    usual = planning._request
    return patch.object(planning, "_request", lambda *given: replace(usual(*given), **changes))


def no_limit_of_the_day() -> Mistake:
    return _without(checks.day_notional)


def no_cap_of_a_child() -> Mistake:
    return _all(_without(checks.child_notional), _splits(options=SplitOptions(child_notional_max=Decimal(10**9))))


def the_limit_price_is_ignored() -> Mistake:
    return _all(_without(checks.within_limit), _splits(limit_price=None))


def reservations_are_not_counted() -> Mistake:
    def available(self: State, account: Any, asset: Any) -> Decimal:
        holding = self.balances.holdings.get(account, {}).get(asset)
        return ZERO if holding is None else holding.free

    return patch.object(State, "available", available)


def quarantine_is_not_reserved() -> Mistake:
    def exposure(self: Child) -> Decimal:
        free = self.state.ended or self.state is ChildState.QUARANTINED
        return self.filled if free else max(self.order.quantity, self.filled)

    return patch.object(Child, "exposure", property(exposure))


# The archive (D35).


def a_late_fill_of_who_has_left_is_ignored() -> Mistake:
    return patch.object(recalling._Names, "row", lambda _self, _trade: None)


def what_was_booked_is_forgotten_with_its_child() -> Mistake:
    usual = state_module.archive.recalled

    def recalled(known: Any, at_ns: Nanos) -> Any:
        return usual(replace(known, children=tuple(replace(child, booked=()) for child in known.children)), at_ns)

    return patch.object(state_module.archive, "recalled", recalled)


def an_archived_reference_is_taken_again() -> Mistake:
    return patch.object(recalling._Names, "parent", lambda _self, _parent_id: None)


def parents_leave_too_early() -> Mistake:
    usual = archiving._after_ns
    return patch.object(archiving, "_after_ns", lambda state: (usual(state) or 0) // 10)


def parents_leave_without_a_fact() -> Mistake:
    usual = archiving.on_timer

    def on_timer(draft: Draft) -> None:
        before = len(draft.facts)
        usual(draft)
        draft.facts[before:] = [fact for fact in draft.facts[before:] if not isinstance(fact, f.ParentArchived)]

    return patch.object(archiving, "on_timer", on_timer)


def nobody_ever_leaves() -> Mistake:
    return patch.object(archiving, "_may_leave", lambda *_: False)


def strangers_are_remembered_for_ever() -> Mistake:
    return patch.object(strangers, "let_go", lambda _draft, _read: None)


def a_stranger_that_is_left_out_once_is_forgotten() -> Mistake:
    def let_go(draft: Draft, read: Any) -> None:
        shown = {state_module.stranger_key(order) for order in read.open_orders}
        here = [key for key in sorted(draft.state.strangers) if key.startswith(f"{read.account}|")]
        gone = tuple(key for key in here if key not in shown)
        draft.note(
            f.StrangersFollowed(account=read.account, missed=(), back=(), forgotten=gone, asked_ns=read.asked_ns)
        )

    return patch.object(strangers, "let_go", let_go)


# What rests.


def _exposed(free: Callable[[Child], bool]) -> Mistake:
    """Of some children only what filled is counted as out."""

    def exposure(self: Child) -> Decimal:
        return self.filled if self.state.ended or free(self) else max(self.order.quantity, self.filled)

    return patch.object(Child, "exposure", property(exposure))


def placed_before_the_cancel_is_confirmed() -> Mistake:
    return _all(
        patch.object(quoting, "on_its_way", lambda _state, _parent: False),
        _exposed(lambda child: child.state is ChildState.PENDING_CANCEL),
    )


def what_rests_is_not_counted_as_out() -> Mistake:
    return _exposed(lambda child: child.rests and child.state is ChildState.WORKING)


def what_rests_is_counted_twice() -> Mistake:
    usual = parents.progress

    def progress(state: State, parent: Any) -> Any:
        found = usual(state, parent)
        return replace(found, working=found.working + sum((one.left for one in found.resting), ZERO))

    return _all(patch.object(parents, "progress", progress), patch.object(planning, "progress", progress))


def post_only_is_lost_on_the_way() -> Mistake:
    usual = sim_venue.new_order
    return patch.object(sim_venue, "new_order", lambda child: replace(usual(child), post_only=False))


def a_limit_is_rounded_in_the_venues_favour() -> Mistake:
    def other(side: Any, price: Decimal, tick: Decimal) -> Decimal:
        return rounding.limit_price(side.other, price, tick)

    return _all(
        _without(checks.within_limit),
        patch.object(quoting, "limit_price", other),
        patch.object(resting, "limit_price", other),
    )


def what_stands_is_left_there_at_a_pause() -> Mistake:
    return patch.object(parents, "may_rest", lambda _state, _parent: True)


# What was never at a venue, and traded there (I11).


def a_stream_that_speaks_of_what_was_never_placed_is_not_heard() -> Mistake:
    usual = Blotter.hinted

    def hinted(self: Blotter, *given: Any) -> Iterator[Child]:
        return (child for child in usual(self, *given) if not child.state.ended)

    return patch.object(Blotter, "hinted", hinted)


def a_row_without_an_id_is_never_one_of_ours() -> Mistake:
    return patch.object(Blotter, "may_have_made", lambda _self, _trade: iter(()))


def a_fill_after_never_placed_is_ignored() -> Mistake:
    return _all(
        a_stream_that_speaks_of_what_was_never_placed_is_not_heard(), a_row_without_an_id_is_never_one_of_ours()
    )
