"""The recorded three-market tapes as a market history: constant rescale, contract sizes, one clock."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from connectors.lab import tapes
from connectors.lab.core import SymbolRules
from router.evaluation.history import BookHistory, Ladders, MarketHistory
from router.model.ids import AccountId, Asset, InstrumentId, Nanos, VenueId, account_id, listing_id
from router.model.instruments import FeeIn, Instrument, Listing
from router.model.market import FxMark
from router.model.side import Side

BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
_RULES = {
    # tick, step, least quantity, least notional: the listing rules of the venue that each tape plays
    "binance": ("0.01", "0.00001", "0.00001", "5"),
    "kraken": ("0.1", "0.00000001", "0.00005", "0.5"),
    "coinbase": ("0.01", "0.00000001", "0.00000001", "1"),
}
QUOTES = {"binance": "USDT", "kraken": "USD", "coinbase": "USD"}


def listing(venue: str, fee_bps: Decimal) -> Listing:
    tick, step, least, notional = _RULES[venue]
    account: AccountId = account_id(VenueId(venue), "main")
    symbol = f"BTC/{QUOTES[venue]}"
    return Listing(
        id=listing_id(account, symbol),
        instrument=BTC_USD.id,
        venue=VenueId(venue),
        account=account,
        symbol=symbol,
        base=BTC_USD.base,
        quote=Asset(QUOTES[venue]),
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(least),
        min_notional=Decimal(notional),
        max_quantity=None,
        taker_fee_bps=fee_bps,
        fee_in=FeeIn.QUOTE,
    )


def recorded(folder: Path, fees: dict[str, Decimal]) -> MarketHistory:
    """All three markets from the moment the last has its book until the first ends."""
    books, begins, ends = [], 0, 2**63
    for role in tapes.ROLES:
        book, last = _book(folder, role, fees[role.venue])
        books.append(book)
        begins, ends = max(begins, book.moments[0]), min(ends, last)
    return MarketHistory(
        name="recorded",
        instrument=BTC_USD,
        books=tuple(books),
        fx=tuple(FxMark(asset=Asset(asset), rate=Decimal(1), age_ns=0, source="declared") for asset in ("USD", "USDT")),
        begins_ns=Nanos(begins),
        ends_ns=Nanos(ends),
    )


def charged(history: MarketHistory, fees: dict[str, Decimal]) -> MarketHistory:
    """The same market under another fee table."""
    return replace(
        history,
        books=tuple(
            BookHistory(
                listing=replace(one.listing, taker_fee_bps=fees[one.listing.venue]),
                moments=one.moments,
                books=one.books,
            )
            for one in history.books
        ),
    )


def _book(folder: Path, role: tapes.TapeRole, fee_bps: Decimal) -> tuple[BookHistory, int]:
    one = listing(role.venue, fee_bps)
    rules = SymbolRules(
        symbol=one.symbol,
        base=one.base,
        quote=one.quote,
        tick=one.tick,
        step=one.step,
        min_quantity=one.min_quantity,
        min_notional=one.min_notional,
    )
    rescaler, ladders, book = tapes.Rescaler(role, rules), Ladders(), BookHistory(listing=one)
    path = min(folder.glob(role.pattern))
    last = 0
    for beat in tapes.beats(path, futures=role.futures):
        if beat.trade is not None:
            continue
        last = beat.ts_ns
        ladders.change(Side.BUY, rescaler.apply(Side.BUY, beat.bids).items())
        ladders.change(Side.SELL, rescaler.apply(Side.SELL, beat.asks).items())
        book.add(max(beat.ts_ns, book.moments[-1] if book.moments else 0), *ladders.top())
    return book, last
