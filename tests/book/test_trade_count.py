"""How much has been traded: counted without rounding, and never across a hole."""

from decimal import Decimal

from router.book.trade_count import TradeCount
from router.model.ids import ListingId, Nanos
from router.model.public_trades import PublicTrade
from router.model.side import Side


def trade(quantity: str, price: str, taker: Side | None = Side.BUY, at: int = 100) -> PublicTrade:
    return PublicTrade(
        listing=ListingId("kraken/main:BTC/USD"),
        trade_id=None,
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker=taker,
        venue_time_ns=None,
        received_ns=Nanos(at),
    )


def test_every_digit_is_counted():
    """Sums no float could hold; a trade nobody took (an auction's) is in neither side."""
    count = TradeCount()
    count.start(Nanos(50))
    for each in (
        trade("0.1", "3"),
        trade("0.2", "3", Side.SELL),
        trade("1e-18", "1e12"),
        trade("5", "2", None, at=110),
    ):
        count.add(each)

    told = count.counters
    assert told is not None
    assert (told.prints, told.epoch_ns, told.last_ns) == (4, 50, 110)
    assert told.quantity == Decimal("5.300000000000000001")
    assert told.notional == Decimal("10.900001")
    assert (told.bought, told.sold) == (Decimal("0.100000000000000001"), Decimal("0.2"))


def test_a_loss_makes_it_unknown_and_a_start_makes_it_new():
    """Nothing is carried over a hole; no epoch has the name of an earlier one, even within one tick of the clock."""
    count = TradeCount()
    count.add(trade("1", "1"))
    assert count.counters is None
    count.start(Nanos(50))
    count.add(trade("1", "1"))
    first = count.counters
    count.lose()
    count.add(trade("1", "1"))
    assert count.counters is None
    count.start(Nanos(50))

    assert first is not None
    assert count.counters is not None
    assert count.counters.prints == 0
    assert count.counters.epoch_ns > first.epoch_ns


def test_digits_that_do_not_fit_end_the_epoch_and_nothing_is_rounded():
    """Somebody prints with sixty digits: the count starts over instead of being a little wrong."""
    count = TradeCount()
    count.start(Nanos(50))
    count.add(trade("1e30", "1"))
    count.add(trade("1e-40", "1", at=120))

    assert count.counters is not None
    assert (count.counters.prints, count.counters.epoch_ns) == (0, 120)
