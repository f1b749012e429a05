"""What an adversary tried: rows that are not ours, evidence that lies, orders that do not end."""

from dataclasses import replace
from decimal import Decimal

from router.engine import timers
from router.model import facts as f
from router.model.commands import Cancel
from router.model.events import CancelAnswered, CancelAsked, Started
from router.model.ids import InstrumentId, VenueOrderId
from router.model.orders import ChildState, ParentState
from router.model.outcomes import Accepted, CancelTaken, Found, Lost, Missing
from router.model.side import Side
from router.model.terms import Fence
from tests.engine.desk import BTC_USD, DEPLOYMENT, MS, Desk, NotSent, account, terms


def working(desk: Desk, text: str = "P1 buy 1") -> None:
    """A child at kraken the venue has taken."""
    desk.market("kraken ask 100.00 5.0")
    desk.submit(text)
    desk.accept("kraken")
    assert desk.sent


def test_a_trade_of_another_symbol_or_side_is_never_booked(desk: Desk) -> None:
    """A row that names our order and describes another is a contradiction: booked nowhere, the venue suspended."""
    working(desk)
    child = desk.child("kraken")
    stranger = replace(desk.trade("kraken", "1@100.00#T1"), symbol="ETH/USD", side=Side.SELL)
    desk.looked_up(child, Found(order=desk.record("kraken", "FILLED", Decimal(1)), trades=(stranger,)))

    assert child.filled == 0
    assert desk.breaches() == [f.BreachKind.CONTRADICTED]
    assert not desk.engine.state.gate_open(account("kraken"))


def test_a_record_of_another_order_under_our_id_is_never_believed(desk: Desk) -> None:
    """We never amend: another venue id is another order. The account stays shut until a person has decided."""
    working(desk)
    child = desk.child("kraken")
    record = replace(desk.record("kraken", "EXPIRED", Decimal(0)), venue_order_id=VenueOrderId("another"))

    desk.looked_up(child, Found(order=record, trades=()))
    desk.read(account("kraken"))

    assert desk.states("kraken") == [ChildState.QUARANTINED]
    assert desk.breaches() == [f.BreachKind.CONTRADICTED]
    assert not desk.engine.state.gate_open(account("kraken"))


def test_a_trade_of_another_order_under_our_id_is_booked_and_alarmed(desk: Desk) -> None:
    """It is our money that moved, whatever the venue calls the order; the name that was known stays."""
    working(desk)
    child = desk.child("kraken")
    known = child.venue_order_id
    other = replace(
        desk.trade("kraken", "0.4@100.00#T1"), venue_order_id=VenueOrderId("another"), client_id=child.order.client_id
    )

    desk.read(account("kraken"), trades=(other,))

    assert (child.filled, child.venue_order_id) == (Decimal("0.4"), known)
    assert desk.breaches() == [f.BreachKind.CONTRADICTED]
    assert not desk.engine.state.gate_open(account("kraken"))


def test_an_answer_that_names_another_order_is_never_believed(desk: Desk) -> None:
    """A second answer to the same intent does not rename it."""
    working(desk)
    known = desk.child("kraken").venue_order_id

    desk.answer("kraken", Accepted(venue_order_id=VenueOrderId("another")))

    assert desk.child("kraken").venue_order_id == known
    assert desk.breaches() == [f.BreachKind.CONTRADICTED]


def test_an_order_the_venue_has_forgotten_goes_to_a_person(desk: Desk) -> None:
    """It was there and no list has it any more: how it ended nobody can prove, and it must not wait unseen for ever."""
    working(desk)
    desk.missing("kraken")
    assert desk.states("kraken") == [ChildState.WORKING]
    desk.later(5_001)

    desk.missing("kraken")

    assert desk.states("kraken") == [ChildState.QUARANTINED]
    assert desk.breaches() == []


def test_a_trade_of_an_order_no_list_names_proves_that_it_was_there(desk: Desk) -> None:
    """The venue forgets orders before trades: a lost child whose own trade is shown is not absent."""
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.answer("kraken", Lost(why="no answer"))
    child = desk.child("kraken")
    own = replace(desk.trade("kraken", "1@100.00#T1"), client_id=child.order.client_id)
    desk.later(1_000)

    for _ in range(4):
        desk.looked_up(child, Missing(endpoints=("order", "closed", "trades"), strangers=(own,)))
        desk.later(100)

    assert child.filled == 1
    assert desk.states("kraken") == [ChildState.FILLED]
    assert desk.breaches() == []


def test_a_negative_trade_does_not_unfill_a_child(desk: Desk) -> None:
    """Quantities of trades are positive, whatever a venue writes."""
    working(desk)
    child = desk.child("kraken")
    trades = (desk.trade("kraken", "1@100.00#T1"), desk.trade("kraken", "-1@100.00#T2"))
    desk.looked_up(child, Found(order=desk.record("kraken", "FILLED", Decimal(1)), trades=trades))

    assert child.filled == 1
    assert f.BreachKind.CONTRADICTED in desk.breaches()


def test_one_trade_belongs_to_one_child(desk: Desk) -> None:
    """The second child that is shown the same trade is a contradiction, not a second fill."""
    desk.market("""
        kraken   ask 100.00 5.0
    """)
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    trade = desk.trade("kraken", "1@100.00#T1")
    first = desk.child("kraken")
    desk.submit("P2 buy 1")
    desk.accept("kraken")
    second = desk.child("kraken")
    desk.looked_up(first, Found(order=_record_of(desk, first), trades=(trade,)))

    desk.looked_up(second, Found(order=_record_of(desk, second), trades=(trade,)))

    assert (first.filled, second.filled) == (1, 0)
    assert f.BreachKind.CONTRADICTED in desk.breaches()


def test_a_late_fill_that_overfills_the_parent_is_an_alarm(desk: Desk) -> None:
    """It is booked, and somebody is told."""
    working(desk)
    late = desk.trade("kraken", "1@100.00#T1")
    desk.found("kraken", "EXPIRED")
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "1@100.00#T2")

    desk.read(account("kraken"), trades=(late,))

    assert desk.breaches() == [f.BreachKind.OVERFILLED]


def test_a_record_with_less_than_is_booked_is_a_contradiction(desk: Desk) -> None:
    """An ended order cannot have executed less than its trades."""
    working(desk)

    desk.found("kraken", "EXPIRED", "0.6@100.00#T1", executed="0.2")

    assert desk.breaches() == [f.BreachKind.CONTRADICTED]


def test_a_filled_record_with_a_lagging_figure_is_no_contradiction(desk: Desk) -> None:
    """FILLED says all of it: a figure beside it that is behind its own trades shuts no venue."""
    working(desk)

    desk.found("kraken", "FILLED", "1@100.00#T1", executed="0.5")

    assert desk.breaches() == []
    assert desk.states("kraken") == [ChildState.FILLED]


def test_a_lost_cancel_is_asked_again(desk: Desk) -> None:
    """As long as the venue shows the order open."""
    working(desk)
    parent = desk.engine.state.parent(desk.child("kraken").order.parent_id)
    desk.tell(CancelAsked(parent_id=parent.order.id, principal="ann"))
    assert len(desk.wanted(Cancel)) == 1

    desk.found("kraken", "OPEN")

    assert len(desk.wanted(Cancel)) == 1


def test_a_cancel_that_was_taken_is_not_the_end(desk: Desk) -> None:
    """The order may fill until the venue's own record says that it ended."""
    working(desk)
    child = desk.child("kraken")
    desk.tell(CancelAsked(parent_id=child.order.parent_id, principal="ann"))

    desk.tell(CancelAnswered(client_id=child.order.client_id, outcome=CancelTaken()))
    assert desk.states("kraken") == [ChildState.PENDING_CANCEL]

    desk.found("kraken", "FILLED", "1@100.00#T1")
    assert desk.states("kraken") == [ChildState.FILLED]


def test_an_ioc_that_rests_is_cancelled(desk: Desk) -> None:
    """A venue that ignored the time in force gets a cancel."""
    working(desk)
    desk.later(10_001)

    desk.found("kraken", "OPEN")

    assert len(desk.wanted(Cancel)) == 1
    assert desk.states("kraken") == [ChildState.PENDING_CANCEL]


def test_fills_that_are_never_shown_go_to_a_person(desk: Desk) -> None:
    """CLOSING does not last for ever."""
    working(desk)
    desk.found("kraken", "EXPIRED", "0.2@100.00#T1", executed="0.5")
    desk.later(5_001)

    desk.found("kraken", "EXPIRED", executed="0.5")

    assert desk.states("kraken") == [ChildState.QUARANTINED]


def test_a_copy_that_never_left_costs_neither_a_round_nor_the_day(desk: Desk) -> None:
    """What the last gate stopped did not happen."""
    desk.market("kraken ask 100.00 5.0")
    parent = desk.submit("P1 buy 1 rounds 2")
    spent = desk.engine.state.day_notional(parent.order.entity, desk.now_ns)
    for _ in range(6):
        desk.answer("kraken", NotSent(why="its approval is 80 ms old", by_gate=True))
        desk.later(400)

    assert parent.state is ParentState.WORKING
    assert desk.sent
    assert desk.engine.state.day_notional(parent.order.entity, desk.now_ns) == spent


def test_a_parent_of_an_instrument_that_is_gone_ends(desk: Desk) -> None:
    """A restart without its instrument ends it with the reason; nothing dies of it."""
    desk.market("kraken ask 200.00 5.0")
    parent = desk.submit("P1 buy 1 limit 100")
    successor = desk.restarted()
    other = replace(BTC_USD, id=InstrumentId("ETH/USD"))
    successor.tell(
        Started(
            deployment=DEPLOYMENT,
            incarnation=1,
            epoch=2,
            version="test",
            instruments=(other,),
            terms=successor.venues,
            limits=successor.limits,
        )
    )

    ended = successor.engine.state.parent(parent.order.id)
    assert ended.state is ParentState.CANCELLED
    assert "no longer configured" in ended.reason


def _record_of(desk: Desk, child):  # type: ignore[no-untyped-def]
    order = child.order
    record = desk.record("kraken", "FILLED", order.quantity)
    return replace(record, client_id=order.client_id, venue_order_id=f"kraken-{order.client_id[-8:]}")


def test_a_copy_does_not_leave_at_a_price_the_market_has_left_behind() -> None:
    """Its intent was approved on the market of then; the same id cannot carry another price (I13)."""
    desk = Desk(venues=(terms("coinbase", Fence.PERMANENT_DEDUPE),)).start()
    desk.market("coinbase bid 99.90 5.0\n coinbase ask 100.00 5.0")
    desk.submit("P1 buy 1 limit 101")
    assert desk.sent == ["coinbase buy 1 @ 100.00"]
    desk.answer("coinbase", Lost(why="time-out"))

    desk.market("coinbase bid 59.90 5.0\n coinbase ask 60.00 5.0")
    desk.missing("coinbase")
    assert desk.sent == []
    desk.later(1_000)
    desk.missing("coinbase")
    assert desk.sent == []

    desk.market("coinbase bid 99.40 5.0\n coinbase ask 99.50 5.0")
    desk.missing("coinbase")
    assert desk.sent == ["coinbase buy 1 @ 100.00 copy 2"]


def test_an_order_that_was_in_doubt_when_its_parent_was_cancelled_is_cancelled_once_it_is_found(desk: Desk) -> None:
    """It could not be cancelled then: nobody knew whether it was there."""
    desk.market("kraken ask 100.00 5.0")
    parent = desk.submit("P1 buy 1")
    desk.answer("kraken", Lost(why="time-out"))
    desk.tell(CancelAsked(parent_id=parent.order.id, principal="ann"))
    assert desk.wanted(Cancel) == []

    desk.found("kraken", "OPEN")

    assert len(desk.wanted(Cancel)) == 1
    assert desk.states("kraken") == [ChildState.PENDING_CANCEL]


def test_a_reading_that_was_out_meanwhile_does_not_put_off_the_next(desk: Desk) -> None:
    """A fill asks for the account's balances soon; an answer from before it is not that reading."""
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.later(500)
    asked_ns = desk.now_ns
    desk.found("kraken", "FILLED", "1@100.00#T1")
    soon_ns = desk.engine.state.timers[timers.account(account("kraken"))]
    assert soon_ns - asked_ns <= 1_000 * MS

    desk.read(account("kraken"))

    assert desk.engine.state.timers[timers.account(account("kraken"))] == soon_ns
