"""Views and samples with little in them."""

from decimal import Decimal

from router.market_record.samples import Sample
from router.market_record.sampling import sample_of
from router.model.ids import Asset, InstrumentId, Nanos
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.public_trades import TradeCounters
from tests.split.markets import BTC_USD as BTC
from tests.split.markets import listing

MS = 1_000_000


def counters(epoch: int, prints: int, quantity: str) -> TradeCounters:
    volume = Decimal(quantity)
    return TradeCounters(Nanos(epoch), prints, volume, volume * 100, volume, Decimal(0), Nanos(epoch + prints))


def view(
    at_ms: int,
    bid: str = "99.5",
    *,
    age_ns: int = 0,
    trades: TradeCounters | None = None,
    unusable: str | None = None,
    instrument: InstrumentId = BTC,
) -> MarketView:
    """One venue; the ask stands still."""
    book = ListingView(
        listing=listing("kraken"),
        bids=(Level(Decimal(bid), Decimal("0.10000001")), Level(Decimal(1), Decimal(1))),
        asks=(Level(Decimal("100.5"), Decimal(2)),),
        book_age_ns=age_ns,
        book_seq=7,
        unusable=unusable,
        trades=trades,
    )
    usd = FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="reporting currency")
    return MarketView(instrument=instrument, at_ns=Nanos(at_ms * MS), listings=(book,), fx=(usd,))


def sample(at_ms: int, bid: str = "99.5", trades: TradeCounters | None = None) -> Sample:
    return sample_of(view(at_ms, bid, trades=trades))
