"""Where the streams end: books are updated at once, reports go through the door."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from router.book.books import Books, ViewPolicy
from router.model.events import OrderHinted, StreamRestored
from router.model.ids import AccountId, InstrumentId, ListingId, Nanos
from router.model.instruments import Instrument, Listing
from router.model.market import MarketView
from router.model.public_trades import PublicTrade
from router.model.stream_notes import StreamNote
from router.runtime.inbox import Inbox
from router.runtime.stream_health import StreamHealth

Noted = Callable[[AccountId, StreamNote, bool], None]
"""Told of every note of a stream or a clock, and whether it is news."""
Lost = Callable[[ListingId, str], None]
"""Told when a book becomes unusable, or public trades may be missing: for the log, never for a decision."""


class Market:
    """A `VenueSink`: every listing's newest book, and the view of it when a decision asks."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        policy: ViewPolicy,
        inbox: Inbox,
        on_book_lost: Lost,
        on_trades_lost: Lost,
        on_noted: Noted,
    ) -> None:
        self._instruments = {instrument.id: instrument for instrument in instruments}
        self._listings: dict[ListingId, Listing] = {}
        self._books = Books()
        self._policy = policy
        self._inbox = inbox
        self._on_book_lost = on_book_lost
        self._on_trades_lost = on_trades_lost
        self._on_noted = on_noted
        self.health = StreamHealth()
        self.watched = False
        self._moved = asyncio.Event()
        self._lost: set[ListingId] = set()

    def add(self, listings: Iterable[Listing]) -> None:
        """Listings of an account that has been started; newer rules and fees replace older ones."""
        self._listings.update({listing.id: listing for listing in listings})

    def listings(self) -> tuple[Listing, ...]:
        """All there are."""
        return tuple(self._listings.values())

    def knows(self, instrument: InstrumentId) -> bool:
        """Is it configured? A parent of an instrument that no longer is finds no market."""
        return instrument in self._instruments

    def view(self, instrument: InstrumentId, quantity: Decimal, now_ns: Nanos) -> MarketView:
        """The market of an instrument now, as deep as `quantity` can reach."""
        return self._books.view(
            self._instruments[instrument], quantity, now_ns, listings=self.listings(), policy=self._policy
        )

    def watch(self, *, wanted: bool) -> None:
        """Does anybody want to be told when a book moves? Who begins to is told at once: it may have moved before."""
        if wanted and not self.watched:
            self._moved.set()
        self.watched = wanted

    async def moved(self) -> None:
        """Returns once a book has moved since it last did, while it was watched."""
        await self._moved.wait()
        self._moved.clear()

    def _move(self) -> None:
        if self.watched:
            self._moved.set()

    def ages(self, now_ns: Nanos) -> dict[ListingId, tuple[int, str | None]]:
        """Age in ns of each listing's book, and why it is unusable, if it is."""
        ages: dict[ListingId, tuple[int, str | None]] = {}
        for instrument in self._instruments:
            for book in self.view(instrument, Decimal(0), now_ns).listings:
                ages[book.listing.id] = (book.book_age_ns, book.unusable)
        return ages

    # The streams.

    def book_snapshot(
        self, listing: ListingId, bids: Mapping[float, float], asks: Mapping[float, float], received_ns: Nanos
    ) -> str | None:
        """The whole book."""
        self._move()
        return self._told(listing, self._books.book_snapshot(listing, bids, asks, received_ns))

    def book_delta(
        self, listing: ListingId, bids: list[tuple[float, float]], asks: list[tuple[float, float]], received_ns: Nanos
    ) -> str | None:
        """Changed levels."""
        self._move()
        return self._told(listing, self._books.book_delta(listing, bids, asks, received_ns))

    def book_lost(self, listing: ListingId, why: str) -> None:
        """Not to be trusted until the next snapshot."""
        self._books.book_lost(listing, why)
        self._told(listing, why)

    def book_heartbeat(self, listing: ListingId, received_ns: Nanos) -> None:
        """Alive, nothing changed."""
        self._books.book_heartbeat(listing, received_ns)

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        """Public trades are whole from here on."""
        self._books.trades_started(listing, received_ns)

    def public_trade(self, trade: PublicTrade) -> None:
        """Somebody traded."""
        self._books.public_trade(trade)

    def trades_lost(self, listing: ListingId, why: str) -> None:
        """Prints may be missing."""
        self._books.trades_lost(listing)
        self._on_trades_lost(listing, why)

    def book_confirmed(self, listing: ListingId, asked_ns: Nanos) -> None:
        """Both sides are what the venue shows."""
        self._books.book_confirmed(listing, asked_ns)

    def listing_changed(self, listing: Listing) -> None:
        """Newer rules of a listing that is known."""
        self.add([listing])

    def order_hint(self, hint: OrderHinted) -> None:
        """A reason to look."""
        self._inbox.put(hint)

    def read_wanted(self, account: AccountId, why: str) -> None:
        """Read what was missed."""
        self._inbox.put(StreamRestored(account=account, why=why))

    def noted(self, account: AccountId, note: StreamNote) -> None:
        """Counted, and told of."""
        self._on_noted(account, note, self.health.note(account, note))

    def _told(self, listing: ListingId, unusable: str | None) -> str | None:
        """A loss is news once, until the book is whole again."""
        if unusable is None:
            self._lost.discard(listing)
        elif listing not in self._lost:
            self._lost.add(listing)
            self._on_book_lost(listing, unusable)
        return unusable
