"""Never twice, never lost: what happens when an answer is missing."""

from dataclasses import replace
from decimal import Decimal

from router.engine import Engine, State, timers
from router.model import facts as f
from router.model.commands import Query, ReadAccount
from router.model.events import HaltAsked, HaltLevel, OrderHinted
from router.model.orders import ChildState, ParentState
from router.model.terms import Fence
from router.orders.lifecycle import TRANSITIONS, Heard
from router.runtime.recovery import SNAPSHOTS
from tests.engine.desk import MS, Desk, Exists, Lost, Missing, NotSent, Refused, Unclear, account, terms

BOOK = """
    kraken   ask 100.00 5.0
    binance  ask 100.50 5.0
"""


def lost_at_kraken(desk: Desk, text: str = "P1 buy 1") -> None:
    """A child left for kraken and its answer did not come."""
    desk.market(BOOK)
    desk.submit(text)
    assert desk.sent == ["kraken buy 1 @ 100.00"]
    desk.answer("kraken", Lost(why="connection reset"))


def test_a_lost_answer_is_looked_up_and_never_resent(desk: Desk) -> None:
    """Its full quantity stays reserved, so nothing else is sent for it either."""
    lost_at_kraken(desk)

    assert desk.states("kraken") == [ChildState.IN_DOUBT]
    assert len(desk.wanted(Query)) == 1
    assert desk.sent == []
    assert desk.engine.state.blotter.exposure(desk.engine.state.parent(desk.child("kraken").order.parent_id)) == 1


def test_a_lost_order_that_filled_is_found_and_booked(desk: Desk) -> None:
    """Evidence settles the doubt."""
    lost_at_kraken(desk)

    desk.found("kraken", "FILLED", "1@100.00#T1")

    assert desk.states("kraken") == [ChildState.FILLED]
    assert desk.sent == []


def test_not_found_before_the_deadline_proves_nothing(desk: Desk) -> None:
    """Ten clean misses asked too early leave the child in doubt."""
    lost_at_kraken(desk)

    for _ in range(10):
        desk.missing("kraken")

    assert desk.states("kraken") == [ChildState.IN_DOUBT]
    assert desk.sent == []


def test_absence_is_proven_after_the_deadline_and_only_then_replaced(desk: Desk) -> None:
    """Three misses asked after the last moment: never placed; a new intent with a new id follows."""
    lost_at_kraken(desk)
    first = desk.child("kraken").order.client_id
    desk.later(351)

    desk.missing("kraken")
    desk.missing("kraken")
    assert desk.sent == []
    desk.missing("kraken")

    assert desk.engine.state.blotter.children[first].state is ChildState.NEVER_PLACED
    assert desk.sent == ["kraken buy 1 @ 100.00"]
    assert desk.child("kraken").order.client_id != first


def test_old_answers_are_judged_by_when_they_were_asked(desk: Desk) -> None:
    """A process that froze must not take stale misses for proof on waking."""
    lost_at_kraken(desk)
    asked_ns = desk.now_ns
    desk.later(10_000)

    for _ in range(3):
        desk.missing("kraken", asked_ns=asked_ns)

    assert desk.states("kraken") == [ChildState.IN_DOUBT]


def test_one_endpoint_alone_proves_nothing(desk: Desk) -> None:
    """However often it says so: a replica that stands still knows nothing of an order that is there."""
    lost_at_kraken(desk)
    desk.later(1_000)

    for _ in range(9):
        desk.looked_up(desk.child("kraken"), Missing(endpoints=("order",)))
        desk.later(30)

    assert desk.states("kraken") == [ChildState.IN_DOUBT]


def test_a_failed_look_up_is_no_evidence(desk: Desk) -> None:
    """Trouble on the line proves neither presence nor absence."""
    lost_at_kraken(desk)
    desk.later(1_000)

    for _ in range(5):
        desk.looked_up(desk.child("kraken"), Unclear(why="502"))

    assert desk.states("kraken") == [ChildState.IN_DOUBT]


def test_a_stranger_s_trade_blocks_the_proof(desk: Desk) -> None:
    """A trade on the symbol and side that nobody explains could be ours."""
    lost_at_kraken(desk)
    desk.later(1_000)
    stranger = desk.trade("kraken", "0.5@100.00#X1")

    for _ in range(3):
        desk.looked_up(desk.child("kraken"), Missing(endpoints=("open", "closed", "trades"), strangers=(stranger,)))

    assert desk.states("kraken") == [ChildState.IN_DOUBT]


def test_a_doubt_without_a_fence_goes_to_a_person(desk: Desk) -> None:
    """A venue with neither deadline nor dedupe: quarantined, its exposure kept, the parent stays open."""
    desk.market("coinbase ask 100.00 5.0")
    parent = desk.submit("P1 buy 1 rounds 1")
    desk.answer("coinbase", Lost(why="time-out"))
    desk.later(6_000)

    desk.missing("coinbase")

    assert desk.states("coinbase") == [ChildState.QUARANTINED]
    assert not parent.state.ended
    assert desk.engine.state.blotter.exposure(parent) == 1


def test_a_licensed_dedupe_sends_the_same_id_as_a_counted_copy() -> None:
    """The copy is counted durably before it may leave, under the same id."""
    desk = Desk(venues=(terms("coinbase", Fence.PERMANENT_DEDUPE),)).start()
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1")
    assert desk.sent == ["coinbase buy 1 @ 100.00"]
    desk.answer("coinbase", Lost(why="time-out"))

    noted = desk.missing("coinbase")

    assert [fact.copy for fact in noted if isinstance(fact, f.CopyCounted)] == [2]
    assert desk.sent == ["coinbase buy 1 @ 100.00 copy 2"]
    assert len(desk.states("coinbase")) == 1


def test_copies_come_ever_more_slowly() -> None:
    """The venue is looked at in between: an answer that proves nothing was followed by 168 copies in ten seconds."""
    desk = Desk(venues=(terms("coinbase", Fence.PERMANENT_DEDUPE),)).start()
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.answer("coinbase", Lost(why="an answer that proves nothing"))
    desk.missing("coinbase")

    noted = desk.answer("coinbase", Lost(why="an answer that proves nothing"), copy=2)
    assert not any(isinstance(fact, f.CopyCounted) for fact in noted)

    noted = desk.missing("coinbase")
    assert not any(isinstance(fact, f.CopyCounted) for fact in noted)

    noted = desk.missing("coinbase")
    assert [fact.copy for fact in noted if isinstance(fact, f.CopyCounted)] == [3]


def test_a_refusal_of_a_second_copy_settles_only_that_copy() -> None:
    """The first copy may still be the order: a refusal releases nothing."""
    desk = Desk(venues=(terms("coinbase", Fence.PERMANENT_DEDUPE),)).start()
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.answer("coinbase", Lost(why="time-out"))
    desk.missing("coinbase")

    desk.answer("coinbase", Refused(code="INSUFFICIENT_FUND", text="", transient=False), copy=2)

    assert desk.states("coinbase") == [ChildState.IN_DOUBT]


def test_exists_is_a_reason_to_look_never_a_rejection(desk: Desk) -> None:
    """A duplicate reply means that the order is there."""
    desk.market(BOOK)
    desk.submit("P1 buy 1")
    desk.wanted(Query)

    desk.answer("kraken", Exists(code="EOrder:Duplicate"))

    assert desk.states("kraken") == [ChildState.IN_DOUBT]
    assert len(desk.wanted(Query)) == 1


def test_a_terminal_report_before_the_rest_answer_changes_nothing_when_the_answer_comes(desk: Desk) -> None:
    """Reports race: the late answer is no anomaly and the venue is not suspended."""
    desk.market("kraken ask 100.00 5.0")
    parent = desk.submit("P1 buy 1")
    child = desk.child("kraken")
    desk.tell(
        OrderHinted(account=child.order.account, client_id=child.order.client_id, venue_order_id=None, hint="filled")
    )
    desk.found("kraken", "FILLED", "1@100.00#T1")

    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1@100.00#T1")

    assert desk.states("kraken") == [ChildState.FILLED]
    assert desk.engine.state.blotter.filled(parent) == 1
    assert desk.breaches() == []
    assert desk.engine.state.gate_open(account("kraken"))


def test_an_ended_order_is_closed_only_when_its_fills_are_booked(desk: Desk) -> None:
    """A record that says more was executed than the trades show keeps the full exposure."""
    desk.market("kraken ask 100.00 5.0")
    parent = desk.submit("P1 buy 1")
    desk.accept("kraken")

    desk.found("kraken", "EXPIRED", "0.2@100.00#T1", executed="0.5")
    assert desk.states("kraken") == [ChildState.CLOSING]
    assert desk.engine.state.blotter.exposure(parent) == 1
    desk.found("kraken", "EXPIRED", "0.2@100.00#T1", "0.3@100.00#T2")

    assert desk.states("kraken")[0] is ChildState.EXPIRED
    assert desk.engine.state.blotter.filled(parent) == Decimal("0.5")


def test_a_fill_after_never_placed_is_booked_and_stops_the_parent(desk: Desk) -> None:
    """A fill is for ever; that it could not be is an alarm, not a reason to forget it."""
    lost_at_kraken(desk, "P1 buy 1 limit 100.20")
    child = desk.child("kraken")
    trade = desk.trade("kraken", "1@100.00#T1")
    desk.market("kraken ask 120.00 5.0")
    desk.later(351)
    for _ in range(3):
        desk.missing("kraken")
    assert child.state is ChildState.NEVER_PLACED

    desk.read(account("kraken"), trades=(replace(trade, client_id=child.order.client_id),))

    parent = desk.engine.state.parent(child.order.parent_id)
    assert child.filled == 1
    assert desk.breaches() == [f.BreachKind.FILL_WITHOUT_ORDER]
    assert parent.state is ParentState.FAILED


def test_an_order_alive_after_its_end_suspends_its_venue(desk: Desk) -> None:
    """The one anomaly."""
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1@100.00#T1")

    desk.later(1)
    desk.found("kraken", "OPEN", "1@100.00#T1")

    assert desk.breaches() == [f.BreachKind.ALIVE_AFTER_END]
    assert not desk.engine.state.gate_open(account("kraken"))


def test_a_restart_puts_unanswered_intents_in_doubt_and_resends_nothing(desk: Desk) -> None:
    """Wherever a driver stopped between intent and answer it looks alike: the successor looks up, it does not send."""
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")

    successor = desk.restarted().start(epoch=2)

    assert successor.states("kraken") == [ChildState.IN_DOUBT]
    assert successor.sent == []
    assert successor.wanted(Query)
    assert len(successor.wanted(ReadAccount)) == 3


def test_recovery_is_the_fold_of_the_facts(desk: Desk) -> None:
    """Applying what was journaled gives the state that wrote it, to the byte."""
    lost_at_kraken(desk)
    desk.later(100)
    desk.missing("kraken")
    desk.submit("P2 buy 0.5 limit 101")
    desk.tell(HaltAsked(level=HaltLevel.NEW, reason="x", principal="ann"))

    successor = desk.restarted()
    successor.engine.state.last_ns = desk.engine.state.last_ns

    assert SNAPSHOTS.dumps(successor.engine.state.image()) == SNAPSHOTS.dumps(desk.engine.state.image())


def test_a_snapshot_restores_the_same_state(desk: Desk) -> None:
    """Image, bytes, image again."""
    lost_at_kraken(desk)
    image = SNAPSHOTS.dumps(desk.engine.state.image())

    restored = Engine({}, State.of(SNAPSHOTS.loads(image)))  # type: ignore[arg-type]

    assert SNAPSHOTS.dumps(restored.state.image()) == image


def test_every_pair_of_state_and_report_is_in_the_table() -> None:
    """The table is total: nothing that can be heard is unforeseen."""
    assert set(TRANSITIONS) == set(ChildState)
    for row in TRANSITIONS.values():
        assert set(row) == set(Heard)


def test_not_sent_of_a_second_copy_releases_nothing() -> None:
    """Only the copy is settled; the intent has another one out."""
    desk = Desk(venues=(terms("coinbase", Fence.PERMANENT_DEDUPE),)).start()
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.answer("coinbase", Lost(why="time-out"))
    desk.missing("coinbase")

    desk.answer("coinbase", NotSent(why="halted"), copy=2)

    assert desk.states("coinbase") == [ChildState.IN_DOUBT]


def test_a_quarantined_child_is_looked_up_soon_and_then_more_slowly(desk: Desk) -> None:
    """A venue that comes back a moment after proves it sooner than any person; one that stays away costs it little."""
    desk.market("coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1 rounds 1")
    desk.answer("coinbase", Lost(why="time-out"))
    desk.later(6_000)
    child, waits_ms = desk.child("coinbase"), []
    for _ in range(14):
        desk.looked_up(child, Unclear(why="502"))
        assert child.state in {ChildState.IN_DOUBT, ChildState.QUARANTINED}
        due_ns = desk.engine.state.timers[timers.look(child.order.client_id)]
        waits_ms.append((due_ns - desk.now_ns) // MS)
        desk.now_ns = due_ns

    assert child.state is ChildState.QUARANTINED
    assert waits_ms == [20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 30_000, 30_000, 30_000]

    desk.found("coinbase", "FILLED", "1@100.00#T1")
    assert child.state is ChildState.FILLED
