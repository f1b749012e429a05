"""A fill of a child that was refused, or proven absent: it is found, booked and shouted about (I11)."""

from dataclasses import replace

import pytest

from router.engine.parents import may_plan
from router.model import events as e
from router.model import facts as f
from router.model.commands import Query
from router.model.ids import Nanos
from router.model.orders import ChildState
from tests.engine.desk import Desk, Lost, Unclear, account


def never_placed_at_binance() -> Desk:
    """A child whose absence was proven, at a venue whose trade rows carry no id of ours; its parent is over."""
    desk = Desk(archive_after_ms=60_000).start()
    for venue in desk.venues:
        desk.read(venue.account, movements=())
    desk.market("binance ask 100.00 1.0")
    desk.submit("P1 buy 1.0 limit 101 rounds 1")
    child = desk.child("binance")
    desk.answer("binance", Lost(why="no answer"))
    while not child.state.ended:
        desk.later(200)
        desk.missing("binance")
    assert child.state is ChildState.NEVER_PLACED
    desk.commands.clear()
    return desk


def test_a_stream_that_names_a_child_that_was_never_placed_makes_the_engine_look() -> None:
    """The copy was accepted after all: its fill is booked, and somebody is told (I11)."""
    desk = never_placed_at_binance()
    child = desk.child("binance")

    desk.tell(e.OrderHinted(account=account("binance"), client_id=child.order.client_id, venue_order_id=None, hint="N"))
    assert [one.order for one in desk.wanted(Query)] == [child.order]  # type: ignore[union-attr]
    desk.found("binance", "FILLED", "1.0@100.00#B1")

    assert (child.filled, child.suspected_ns) == (1, None)
    assert desk.breaches() == [f.BreachKind.FILL_WITHOUT_ORDER]


def test_a_row_without_an_id_is_held_against_children_that_were_never_placed() -> None:
    """It is counted as somebody's, the child that could have made it is looked up, and only once."""
    desk = never_placed_at_binance()
    child, of = desk.child("binance"), account("binance")
    trade = desk.trade("binance", "1.0@100.00#B1")
    holds = {"USD": "999899.99", "USDT": "1000000", "BTC": "1001"}
    assert trade.client_id is None

    desk.read(of, movements=(), trades=(trade,), holds=holds)
    desk.read(of, movements=(), trades=(trade,), holds=holds)
    assert [one.order for one in desk.wanted(Query)] == [child.order]  # type: ignore[union-attr]
    desk.found("binance", "FILLED", "1.0@100.00#B1")
    desk.later(1_000)
    desk.read(of, movements=(), trades=(trade,), holds=holds)

    assert child.filled == 1
    assert desk.breaches() == [f.BreachKind.FILL_WITHOUT_ORDER]
    assert not desk.engine.state.ledgers[of].unexplained
    assert desk.engine.state.gate_open(of)


@pytest.mark.parametrize(
    ("text", "late_ns"), [("1.0@101.01#B1", 0), ("1.1@100.00#B1", 0), ("1.0@100.00#B1", -(10**12))]
)
def test_a_row_a_child_cannot_have_made_is_somebody_else_s(text: str, late_ns: int) -> None:
    """Beyond its limit, more than it asked for, or from before it was decided."""
    desk = never_placed_at_binance()
    trade = desk.trade("binance", text)

    desk.read(account("binance"), movements=(), trades=(replace(trade, venue_time_ns=Nanos(desk.now_ns + late_ns)),))

    assert not desk.wanted(Query)


def test_a_suspicion_lasts_until_the_venue_has_answered_late_enough() -> None:
    """Unclear is asked again, an early absence too; a new driver asks; meanwhile its parent stands still."""
    desk = never_placed_at_binance()
    child = desk.child("binance")
    desk.tell(e.OrderHinted(account=account("binance"), client_id=child.order.client_id, venue_order_id=None, hint="N"))
    desk.missing("binance")
    desk.wanted(Query)
    desk.later(100)
    assert len(desk.wanted(Query)) == 1
    desk.looked_up(child, Unclear(why="timeout"))
    desk.later(400)
    assert len(desk.wanted(Query)) == 1

    successor = desk.restarted()
    successor.start(epoch=2, read=False)
    child = successor.child("binance")
    assert [one.order for one in successor.wanted(Query)] == [child.order]  # type: ignore[union-attr]
    assert not may_plan(successor.engine.state, successor.engine.state.parent(child.order.parent_id), desk.now_ns)
    successor.missing("binance")

    assert child.suspected_ns is None
    successor.later(10_000)
    assert not [one for one in successor.wanted(Query) if one.order == child.order]  # type: ignore[union-attr]
    assert not successor.breaches()


def test_a_child_that_has_left_the_state_is_brought_back_by_a_stream_that_names_it() -> None:
    """Not one that was there and ended: what a stream says of it again is no news."""
    desk = never_placed_at_binance()
    child, of = desk.child("binance"), account("binance")
    trade = desk.trade("binance", "1.0@100.00#B1")
    desk.market("kraken ask 99.00 1.0")
    desk.submit("P2 buy 1.0 limit 101 rounds 1")
    filled = desk.child("kraken")
    desk.fill("kraken")
    for _ in range(4):
        desk.later(60_000)
        for venue in desk.venues:
            desk.read(venue.account, movements=())
    assert not desk.engine.state.blotter.children
    desk.commands.clear()

    for one in (child, filled):
        hint = e.OrderHinted(
            account=one.order.account, client_id=one.order.client_id, venue_order_id=None, hint="FILLED"
        )
        desk.tell(hint)

    assert [one.order.client_id for one in desk.wanted(Query)] == [child.order.client_id]  # type: ignore[union-attr]
    assert [parent.order.ref_id for parent in desk.engine.state.blotter.parents.values()] == ["P1"]
    desk.read(of, trades=(replace(trade, client_id=child.order.client_id),))
    assert desk.breaches() == [f.BreachKind.FILL_WITHOUT_ORDER]
