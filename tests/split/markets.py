"""Markets as text, for tests: one line per listing.

    kraken BTC/USD fee=16 step=0.001 minimum=0.001 notional=10 : 60000x1 60020x2

Levels are those an order on the given side takes, best first. The account is `<venue>/main`.
"""

from decimal import Decimal

from router.model.ids import Asset, InstrumentId, ListingId, Nanos, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.side import Side

BTC_USD = InstrumentId("BTC/USD")


def market(text: str, side: Side = Side.BUY, **fx: str) -> MarketView:
    """The view the text describes; `fx` gives rates in USD by currency."""
    rates = {"USD": "1", **fx}
    return MarketView(
        instrument=BTC_USD,
        at_ns=Nanos(0),
        listings=tuple(_listing_view(line, side) for line in text.strip().splitlines()),
        fx=tuple(
            FxMark(asset=Asset(asset), rate=Decimal(rate), age_ns=0, source="test") for asset, rate in rates.items()
        ),
    )


def lid(venue: str, symbol: str = "BTC/USD") -> ListingId:
    return listing_id(account_id(VenueId(venue), "main"), symbol)


def listing(venue: str, symbol: str = "BTC/USD", **rules: str) -> Listing:
    base, _, quote = symbol.partition("/")
    maximum = rules.get("maximum")
    return Listing(
        id=lid(venue, symbol),
        instrument=InstrumentId(rules.get("instrument", "BTC/USD")),
        venue=VenueId(venue),
        account=account_id(VenueId(venue), "main"),
        symbol=symbol,
        base=Asset(base),
        quote=Asset(quote),
        tick=Decimal(rules.get("tick", "0.01")),
        step=Decimal(rules.get("step", "0.00001")),
        min_quantity=Decimal(rules.get("minimum", "0")),
        min_notional=Decimal(rules.get("notional", "0")),
        max_quantity=Decimal(maximum) if maximum is not None else None,
        taker_fee_bps=Decimal(rules.get("fee", "0")),
        fee_in=FeeIn(rules.get("fee_in", "QUOTE")),
    )


def _listing_view(line: str, side: Side) -> ListingView:
    head, _, tail = line.partition(":")
    venue, symbol, *rules = head.split()
    levels = tuple(Level(*map(Decimal, level.split("x"))) for level in tail.split())
    return ListingView(
        listing=listing(venue, symbol, **dict(rule.split("=") for rule in rules)),
        bids=() if side is Side.BUY else levels,
        asks=levels if side is Side.BUY else (),
        book_age_ns=0,
        book_seq=1,
    )
