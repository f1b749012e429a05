"""Parents that are over leave the state, and come back when somebody speaks of them (D35)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model import events as e
from router.model import facts as f
from router.model.ids import Nanos, TradeId
from router.model.orders import ChildState, ParentState, VenueTrade, booking_key
from router.orders.records import Parent
from router.runtime.recovery import SNAPSHOTS
from tests.engine.desk import LIMITS, Desk, account

AFTER_MS = 60_000


@pytest.fixture
def desk() -> Desk:
    """Prices on two venues; parents leave a minute after their end."""
    desk = Desk(archive_after_ms=AFTER_MS).start()
    desk.market("""
        kraken   ask 100.00 1.0
        binance  ask 100.10 1.0
    """)
    return desk


def cut_short(desk: Desk) -> tuple[Parent, VenueTrade]:
    """A parent of two children: one filled, one filled by half and cancelled; and the trade of that one."""
    parent = desk.submit("P1 buy 2.0 limit 101 rounds 1")
    desk.accept("kraken")
    desk.accept("binance")
    desk.found("kraken", "FILLED", "1.0@100.00#K1")
    half = desk.trade("binance", "0.5@100.10#B1")
    desk.found("binance", "CANCELLED", "0.5@100.10#B1")
    desk.later(5_000)
    assert parent.state is ParentState.DONE_PARTIAL
    return parent, half


def leave(desk: Desk) -> None:
    """Its accounts are read, and its time passes."""
    desk.later(1_000)
    read_all(desk)
    desk.later(2 * AFTER_MS)


def read_all(desk: Desk, *trades: VenueTrade) -> None:
    for venue in ("kraken", "binance"):
        of = account(venue)
        desk.read(of, movements=(), trades=tuple(one for one in trades if one.account == of))


def test_a_parent_that_is_over_leaves_with_its_children(desk: Desk):
    """Nothing of it is kept in the state, and the fold of the journal is the same state."""
    parent, _ = cut_short(desk)
    leave(desk)

    state = desk.engine.state
    assert parent.order.id not in state.blotter.parents
    assert not state.blotter.children
    assert not state.timers.keys() & {"archive:"}
    folded = desk.restarted().engine.state
    assert SNAPSHOTS.dumps(folded.image()) == SNAPSHOTS.dumps(state.image())


def test_it_stays_until_its_accounts_were_read(desk: Desk):
    """What it spent is inside its account's balances before its account of it goes."""
    parent, _ = cut_short(desk)
    desk.later(3 * AFTER_MS)

    assert parent.order.id in desk.engine.state.blotter.parents


def test_a_parent_with_a_living_child_stays(desk: Desk):
    """However long it takes to learn what became of it."""
    parent = desk.submit("P1 buy 1.0 limit 101 rounds 1")
    desk.accept("kraken")
    desk.later(3 * AFTER_MS)
    read_all(desk)
    desk.later(3 * AFTER_MS)

    assert parent.order.id in desk.engine.state.blotter.parents


def test_a_fill_that_turns_up_later_is_booked(desk: Desk):
    """Its parent is brought back, with all that is known of it, and the fill is booked once (I11)."""
    parent, half = cut_short(desk)
    leave(desk)
    late = replace(half, trade_id=TradeId("B2"), quantity=Decimal("0.25"))

    read_all(desk, half, late)
    read_all(desk, half, late)

    booked = [fact.fill.booking_key for fact in desk.facts if isinstance(fact, f.FillBooked)]
    assert booked.count(booking_key(late)) == booked.count(booking_key(half)) == 1
    blotter = desk.engine.state.blotter
    assert blotter.filled(blotter.parents[parent.order.id]) == Decimal("1.75")
    assert not any(isinstance(fact, f.OthersTradeCounted) for fact in desk.facts)
    leave(desk)
    assert not blotter.parents


def test_rows_that_are_booked_already_bring_nobody_back(desk: Desk):
    """A start reads a day again: that must not be a day's parents."""
    _, half = cut_short(desk)
    leave(desk)

    read_all(desk, half)

    assert not any(isinstance(fact, f.ParentRecalled | f.OthersTradeCounted) for fact in desk.facts)


def test_a_reference_is_not_taken_again(desk: Desk):
    """It is the parent it was, however long that is over."""
    parent, _ = cut_short(desk)
    leave(desk)

    desk.tell(e.ParentSubmitted(order=parent.order))

    assert [fact.order.id for fact in desk.facts if isinstance(fact, f.ParentTaken)] == [parent.order.id]
    assert desk.engine.state.parent(parent.order.id).state is ParentState.DONE_PARTIAL


def test_an_order_that_stands_again_is_no_orphan(desk: Desk):
    """It is a child that had ended: an anomaly of its venue, and nobody adopts it."""
    cut_short(desk)
    record = replace(desk.record("binance", "OPEN", Decimal("0.5")))
    leave(desk)
    desk.read(account("binance"), open_orders=(record,))

    assert desk.breaches() == [f.BreachKind.ALIVE_AFTER_END]
    assert not any(isinstance(fact, f.StrangerSeen | f.ChildAdopted) for fact in desk.facts)


def test_a_trade_of_an_archived_child_is_nobody_elses(desk: Desk):
    """A row under another child's id that is booked to one that has left is not booked again."""
    _, half = cut_short(desk)
    leave(desk)
    desk.submit("P2 buy 2.0 limit 101 rounds 1")
    claimed = replace(half, client_id=desk.child("binance").order.client_id)

    read_all(desk, claimed)

    booked = [fact.fill.booking_key for fact in desk.facts if isinstance(fact, f.FillBooked)]
    assert booked.count(booking_key(half)) == 1
    assert any(isinstance(fact, f.ParentRecalled) for fact in desk.facts)


def test_after_a_restart_others_leave_too(desk: Desk):
    """The timer is state: whoever drives next lets go of what ended before."""
    cut_short(desk)
    desk.later(1_000)
    read_all(desk)
    successor = desk.restarted().start(epoch=2)
    successor.later(2 * AFTER_MS)

    assert not successor.engine.state.blotter.parents


def test_nothing_leaves_where_nobody_said_when(desk: Desk):
    """Journals from before know no such setting: they fold to what they always did."""
    never = Desk().start()
    never.market("kraken ask 100.00 1.0")
    never.submit("P1 buy 1.0 limit 99 rounds 1")
    never.later(10 * AFTER_MS)

    assert not any(isinstance(fact, f.ParentArchived) for fact in never.facts)
    assert not any(name.startswith("archive") for name in never.engine.state.timers)


def test_what_is_brought_back_is_what_left(desk: Desk):
    """The records are the same as far as anything may still be asked of them."""
    parent, half = cut_short(desk)
    before = {child.order.client_id: child for child in desk.engine.state.blotter.children_of(parent)}
    leave(desk)
    desk.tell(e.ParentSubmitted(order=parent.order))

    state = desk.engine.state
    back = state.parent(parent.order.id)
    for child in state.blotter.children_of(back):
        was = before[child.order.client_id]
        kept = ("order", "state", "filled", "spent", "booked", "venue_order_id", "ended_ns", "executed", "breaches")
        assert [getattr(child, name) for name in kept] == [getattr(was, name) for name in kept]
        assert child.state in {ChildState.FILLED, ChildState.CANCELLED}
    assert back.recalled_ns == Nanos(desk.now_ns)
    assert state.blotter.booked_to(booking_key(half)) in before


def test_a_parent_that_is_too_large_at_the_market_leaves_too():
    """It was taken, and refused at its first look."""
    desk = Desk(archive_after_ms=AFTER_MS, limits=replace(LIMITS, parent_notional_max=Decimal(1_000))).start()
    desk.market("kraken ask 100.00 1.0")
    parent = desk.submit("P1 buy 20")
    assert parent.state is ParentState.REJECTED
    leave(desk)

    assert not desk.engine.state.blotter.parents
