"""Orders that nobody here sent: said once, remembered while they stand, and not for ever (D68)."""

from decimal import Decimal

from router.engine import strangers
from router.model import facts as f
from router.model.ids import ClientOrderId, TradeId, VenueOrderId
from router.model.orders import VenueOrder, VenueOrderStatus, VenueTrade
from router.model.side import Side
from router.orders.client_ids import deployment_tag
from router.runtime.recovery import SNAPSHOTS
from tests.engine.desk import DEPLOYMENT, Desk, account

AFTER_MS = 60_000
KRAKEN = account("kraken")


def by_hand(number: int) -> VenueOrder:
    """Somebody else's order at kraken."""
    return VenueOrder(
        account=KRAKEN,
        symbol="BTC/USD",
        venue_order_id=VenueOrderId(f"hand-{number}"),
        client_id=None,
        side=Side.BUY,
        status=VenueOrderStatus.OPEN,
        quantity=Decimal(1),
        executed=Decimal(0),
        limit_price=Decimal(90),
    )


def said(desk: Desk) -> list[str]:
    return [fact.order.venue_order_id for fact in desk.facts if isinstance(fact, f.StrangerSeen)]


def read(desk: Desk, *orders: VenueOrder, after_ms: int = 1_000) -> None:
    desk.later(after_ms)
    desk.read(KRAKEN, open_orders=orders)


def test_a_stranger_that_went_is_forgotten() -> None:
    """A day of somebody else's market making leaves nothing behind, and the journal folds to the same."""
    desk = Desk(archive_after_ms=AFTER_MS).start()
    for number in range(50):
        read(desk, by_hand(number), after_ms=AFTER_MS // 4)

    assert said(desk) == [f"hand-{number}" for number in range(50)]
    assert len(desk.engine.state.strangers) < 7
    read(desk)
    read(desk, after_ms=AFTER_MS)
    assert not desk.engine.state.strangers
    assert not desk.engine.state.strangers_gone
    again = desk.restarted().engine.state
    assert SNAPSHOTS.dumps(again.image()) == SNAPSHOTS.dumps(desk.engine.state.image())


def test_a_stranger_that_stands_is_said_once() -> None:
    """However long it stands, and whatever another account shows."""
    desk = Desk(archive_after_ms=AFTER_MS).start()
    for _ in range(10):
        read(desk, by_hand(1), after_ms=AFTER_MS)
        desk.read(account("binance"))

    assert said(desk) == ["hand-1"]
    assert not any(isinstance(fact, f.StrangersFollowed) for fact in desk.facts)


def test_a_list_that_leaves_it_out_once_says_nothing() -> None:
    """A copy of the list that lags makes no second report, however often it is asked."""
    desk = Desk(archive_after_ms=AFTER_MS).start()
    for _ in range(10):
        read(desk, by_hand(1), after_ms=AFTER_MS)
        read(desk)
        read(desk, by_hand(1))

    assert said(desk) == ["hand-1"]


def test_a_stranger_that_comes_back_much_later_is_said_again() -> None:
    """It is news once more."""
    desk = Desk(archive_after_ms=AFTER_MS).start()
    read(desk, by_hand(1))
    read(desk)
    read(desk, after_ms=AFTER_MS)
    read(desk, by_hand(1))

    assert said(desk) == ["hand-1", "hand-1"]


def test_orders_under_our_tag_are_told_one_by_one_up_to_a_bound() -> None:
    """Another router that uses our name would fill the state with its ids; the first has shut the account."""
    desk = Desk(archive_after_ms=AFTER_MS).start()
    most = strangers.TAGGED_MOST
    desk.read(KRAKEN, trades=tuple(under_our_tag(number) for number in range(most + 20)))
    desk.read(KRAKEN, trades=tuple(under_our_tag(number) for number in range(most + 40)))

    assert len(desk.engine.state.tagged) == most
    assert len(desk.breaches()) == most
    assert not desk.engine.state.gate_open(KRAKEN)


def under_our_tag(number: int) -> VenueTrade:
    return VenueTrade(
        account=KRAKEN,
        symbol="BTC/USD",
        trade_id=TradeId(str(number)),
        venue_order_id=VenueOrderId(str(number)),
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(1),
        fees=(),
        maker=None,
        venue_time_ns=1,
        client_id=ClientOrderId(f"{deployment_tag(DEPLOYMENT)}{number:08x}8{number:019x}"),
    )
