"""A start with open orders: each account's own list tells of all of them before any is asked for by itself."""

from dataclasses import replace
from decimal import Decimal

from router.model.commands import Query, ReadAccount
from router.model.events import OrderHinted, StreamRestored, VenueLost
from router.model.orders import ChildState, VenueTrade
from tests.engine.desk import MS, Desk, account, terms

KRAKEN = account("kraken")


def left_open() -> Desk:
    """A child is on its way to kraken, and the driver is replaced."""
    desk = Desk(venues=(terms("kraken"),)).start()
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    assert desk.sent == ["kraken buy 1 @ 100.00"]
    return desk.restarted().start(epoch=2, read=False)


def _traded(desk: Desk, text: str) -> VenueTrade:
    return replace(desk.trade("kraken", text), client_id=desk.child("kraken").order.client_id)


def test_nothing_is_looked_up_before_its_account_was_read() -> None:
    """Not even when a stream begins with all that is open: the reading that is out tells as much."""
    desk = left_open()
    child = desk.child("kraken")
    assert child.state is ChildState.IN_DOUBT
    desk.tell(OrderHinted(account=KRAKEN, client_id=child.order.client_id, venue_order_id=None, hint="open"))
    assert desk.wanted(Query) == []


def test_what_the_account_lists_as_open_is_known_without_a_look_up() -> None:
    """One answer for a thousand orders."""
    desk = left_open()
    desk.read(KRAKEN, open_orders=(desk.record("kraken", "OPEN", Decimal(0)),))
    assert desk.child("kraken").state is ChildState.WORKING
    assert desk.wanted(Query) == []


def test_what_the_accounts_trades_make_up_is_filled_without_a_look_up() -> None:
    """One list of trades for a thousand orders, too."""
    desk = left_open()
    desk.read(KRAKEN, trades=(_traded(desk, "0.4@100.00#T1"), _traded(desk, "0.6@100.00#T2")))
    assert desk.child("kraken").state is ChildState.FILLED
    assert desk.wanted(Query) == []


def test_what_the_accounts_trades_make_up_in_part_is_looked_up() -> None:
    """How the rest ended they do not tell."""
    desk = left_open()
    desk.read(KRAKEN, trades=(_traded(desk, "0.4@100.00#T1"),))
    assert desk.child("kraken").state is ChildState.WORKING
    assert len(desk.wanted(Query)) == 1


def test_what_the_account_does_not_list_is_looked_up() -> None:
    """Nothing is concluded from an order not being listed."""
    desk = left_open()
    desk.read(KRAKEN)
    assert desk.child("kraken").state is ChildState.IN_DOUBT
    assert len(desk.wanted(Query)) == 1


def test_a_row_that_is_not_what_was_sent_is_looked_up() -> None:
    """Executed and not booked, or of another size: the row is a reason to look, and no answer."""
    desk = left_open()
    desk.read(KRAKEN, open_orders=(desk.record("kraken", "OPEN", Decimal("0.4")),))
    assert desk.child("kraken").state is ChildState.IN_DOUBT
    assert len(desk.wanted(Query)) == 1


def test_an_account_that_cannot_be_read_keeps_no_doubt_waiting() -> None:
    """After a while the child is looked up by itself."""
    desk = left_open()
    desk.later(15_000)
    assert len(desk.wanted(Query)) == 1


def test_a_day_of_trades_is_asked_for_until_the_account_was_read() -> None:
    """A start's reading that fails is repeated in full; after it the last minutes do."""
    desk = Desk(venues=(terms("kraken"),)).start()
    desk.later(60_000)
    desk = desk.restarted().start(read=False, epoch=2)
    kraken = account("kraken")
    begun = [one.trades_since_ns for one in desk.wanted(ReadAccount)]  # type: ignore[union-attr]

    desk.tell(VenueLost(account=kraken, why="timeout"))
    desk.later(2_000)
    again = [one.trades_since_ns for one in desk.wanted(ReadAccount)]  # type: ignore[union-attr]
    desk.read(kraken)
    desk.tell(StreamRestored(account=kraken))
    after = [one.trades_since_ns for one in desk.wanted(ReadAccount)]  # type: ignore[union-attr]

    assert begun == again == [1_699_913_600_000_000_000]
    assert after == [desk.now_ns - 600_000 * MS]
