"""All listings' books, and the view of an instrument a decision is made on.

Connectors push through the `book_*` and trades calls (the shape of `VenueSink`); each that changes a book answers with
the reason, if the book is unusable afterwards, so that the shell can report it and ask for a new snapshot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.book.fx import FxPolicy, NoMark, mark
from router.book.trade_count import TradeCount
from router.book.venue_book import VenueBook
from router.model.ids import Asset, ListingId, Nanos
from router.model.instruments import Instrument, Listing
from router.model.market import FxMark, ListingView, MarketView
from router.model.public_trades import PublicTrade, TradeCounters
from router.model.side import Side

_NS_PER_MS = 1_000_000
_NEVER = "no book yet"
_NO_FX = FxPolicy()
_NAME = {Side.BUY: "asks", Side.SELL: "bids"}
"""What an order on this side would take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewPolicy:
    """When a book may be used.

    `side_age_ms_max` bounds how long a side may stand still while the other moves (`VenueBook.still_ns`); None: ever.
    """

    book_age_ms_max: int
    fx: FxPolicy = _NO_FX
    side_age_ms_max: int | None = None


class Books:
    """Every listing of every account, by listing id."""

    def __init__(self) -> None:
        self._books: dict[ListingId, VenueBook] = {}
        self._trades: dict[ListingId, TradeCount] = {}

    def book_snapshot(
        self, listing: ListingId, bids: Mapping[float, float], asks: Mapping[float, float], received_ns: Nanos
    ) -> str | None:
        """The whole book, price -> size."""
        return self._book(listing).snapshot(bids, asks, received_ns)

    def book_delta(
        self,
        listing: ListingId,
        bids: Sequence[tuple[float, float]],
        asks: Sequence[tuple[float, float]],
        received_ns: Nanos,
    ) -> str | None:
        """Changed levels, (price, new size), size 0 removes."""
        return self._book(listing).apply(bids, asks, received_ns)

    def book_lost(self, listing: ListingId, why: str) -> None:
        """The book can no longer be trusted until the next snapshot."""
        self._book(listing).lose(why)

    def book_heartbeat(self, listing: ListingId, received_ns: Nanos) -> None:
        """The stream lives although nothing changed."""
        self._book(listing).heartbeat(received_ns)

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        """Every public trade from here on will be told."""
        self._trades.setdefault(listing, TradeCount()).start(received_ns)

    def public_trade(self, trade: PublicTrade) -> None:
        """Count it."""
        count = self._trades.get(trade.listing)
        if count is not None:
            count.add(trade)

    def trades_lost(self, listing: ListingId) -> None:
        """Prints may be missing until they start again."""
        self._trades.setdefault(listing, TradeCount()).lose()

    def trades(self, listing: ListingId) -> TradeCounters | None:
        """What has been traded at a listing; None while that is not known."""
        count = self._trades.get(listing)
        return None if count is None else count.counters

    def book_confirmed(self, listing: ListingId, asked_ns: Nanos) -> None:
        """The venue shows the very book that was streamed."""
        self._book(listing).confirm(asked_ns)

    def book(self, listing: ListingId) -> VenueBook | None:
        """One listing's book, if it was ever heard of."""
        return self._books.get(listing)

    def view(
        self,
        instrument: Instrument,
        quantity: Decimal,
        now_ns: Nanos,
        *,
        listings: Sequence[Listing],
        policy: ViewPolicy,
        side: Side | None = None,
    ) -> MarketView:
        """The market of `instrument` now, each listing as deep as `quantity` can reach.

        `listings` are all there are: those of other instruments serve as FX books. With `side` only the levels an
        order on that side would take go deep, the others just far enough to know the top.
        """
        ours = sorted((one for one in listings if one.instrument == instrument.id), key=lambda one: one.id)
        # Of every currency there is a rule for: a fee may be taken in a third one.
        assets = sorted({one.quote for one in ours} | {rule.asset for rule in policy.fx.rules})
        marks = {
            asset: mark(asset, instrument.reporting, policy.fx, listings, self._books.get, now_ns) for asset in assets
        }
        return MarketView(
            instrument=instrument.id,
            at_ns=now_ns,
            listings=tuple(self._listing_view(one, quantity, now_ns, policy, marks, side) for one in ours),
            fx=tuple(found for found in marks.values() if isinstance(found, FxMark)),
        )

    def _listing_view(
        self,
        listing: Listing,
        quantity: Decimal,
        now_ns: Nanos,
        policy: ViewPolicy,
        marks: Mapping[Asset, FxMark | NoMark],
        side: Side | None,
    ) -> ListingView:
        book, trades = self._books.get(listing.id), self.trades(listing.id)
        if book is None:
            return ListingView(
                listing=listing, bids=(), asks=(), book_age_ns=0, book_seq=0, unusable=_NEVER, trades=trades
            )
        quote = marks[listing.quote]
        why = _why_not(book, now_ns, policy) or (quote.reason if isinstance(quote, NoMark) else None)
        shallow = Decimal(0)
        return ListingView(
            listing=listing,
            bids=book.levels(Side.SELL, shallow if side is Side.BUY else quantity),
            asks=book.levels(Side.BUY, shallow if side is Side.SELL else quantity),
            book_age_ns=book.age_ns(now_ns),
            book_seq=book.seq,
            unusable=why,
            trades=trades,
        )

    def _book(self, listing: ListingId) -> VenueBook:
        book = self._books.get(listing)
        if book is None:
            book = self._books[listing] = VenueBook()
        return book


def _why_not(book: VenueBook, now_ns: Nanos, policy: ViewPolicy) -> str | None:
    if book.unusable is not None:
        return book.unusable
    for side in Side:
        if book.best(side) is None:
            return f"one-sided: no {_NAME[side]}"
    age_ms = book.age_ns(now_ns) // _NS_PER_MS
    if age_ms > policy.book_age_ms_max:
        return f"stale: {age_ms} ms old, limit {policy.book_age_ms_max} ms"
    if policy.side_age_ms_max is not None:
        for side in Side:
            still_ms = book.still_ns(side, now_ns) // _NS_PER_MS
            if still_ms > policy.side_age_ms_max:
                return f"still: {_NAME[side]} unchanged for {still_ms} ms while the other side moves"
    return None
