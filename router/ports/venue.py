"""A venue account, as the runtime sees it. Everything in here speaks model objects; nothing of ccxt shows."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from router.model.balances import Movement
from router.model.commands import Seek
from router.model.events import OrderHinted
from router.model.ids import AccountId, ClientOrderId, ListingId, Nanos, VenueOrderId
from router.model.instruments import Listing
from router.model.orders import Approved, ChildOrder
from router.model.outcomes import AccountRead, CancelOutcome, LookUp, PlaceOutcome
from router.model.public_trades import PublicTrade
from router.model.stream_notes import StreamNote
from router.model.terms import VenueTerms

Gate = Callable[[], str | None]
"""Called at the socket, right before the first byte: None lets it pass, a reason stops the copy (`NotSent`)."""


class VenueSink(Protocol):
    """Where a connector's streams go. Calls are synchronous, cheap, and never raise into the connector."""

    def book_snapshot(
        self, listing: ListingId, bids: Mapping[float, float], asks: Mapping[float, float], received_ns: Nanos
    ) -> str | None:
        """The whole book, price -> size. Answers why it is unusable, if it is: the connector then starts over."""
        ...

    def book_delta(
        self,
        listing: ListingId,
        bids: list[tuple[float, float]],
        asks: list[tuple[float, float]],
        received_ns: Nanos,
    ) -> str | None:
        """Changed levels, (price, new size), size 0 removes. Answers why the book is unusable now, if it is."""
        ...

    def book_lost(self, listing: ListingId, why: str) -> None:
        """The book can no longer be trusted (gap, checksum, socket down) until the next snapshot."""
        ...

    def book_heartbeat(self, listing: ListingId, received_ns: Nanos) -> None:
        """The venue shows that the stream lives although nothing changed."""
        ...

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        """From now on every public trade of the listing is told, once. Said again: prints were missed, a new start."""
        ...

    def public_trade(self, trade: PublicTrade) -> None:
        """Somebody traded. Only what happened after `trades_started`: history a venue repeats is not passed on."""
        ...

    def trades_lost(self, listing: ListingId, why: str) -> None:
        """Public trades may be missing from now on, until they start again."""
        ...

    def book_confirmed(self, listing: ListingId, asked_ns: Nanos) -> None:
        """REST, asked then, shows the book that was streamed: a side that does not move has not been lost."""
        ...

    def listing_changed(self, listing: Listing) -> None:
        """The account's fee on it, or another rule, is another now: the next view has it."""
        ...

    def order_hint(self, hint: OrderHinted) -> None:
        """A private stream said something about an order."""
        ...

    def read_wanted(self, account: AccountId, why: str) -> None:
        """The account must be read: its streams may have missed something, or its key no longer works."""
        ...

    def noted(self, account: AccountId, note: StreamNote) -> None:
        """What people should know of an account's streams and clock. Nothing is decided on it."""
        ...


@runtime_checkable
class ListsMovements(Protocol):
    """A port of a venue that lists deposits, withdrawals and the like. Not every venue does."""

    async def movements(self) -> tuple[Movement, ...] | None:
        """Those of the last week; None when they could not be read now."""
        ...


class VenuePort(Protocol):
    """One venue account: nine calls and the streams. Never raises for what the world does: outcomes are values."""

    account: AccountId
    terms: VenueTerms

    async def start(self, sink: VenueSink) -> tuple[Listing, ...]:
        """Connect, load the listings and this account's fees, start streams. Raises `SorError` if it cannot."""
        ...

    async def stop(self) -> None:
        """Close everything. Orders in flight are not waited for."""
        ...

    async def place(
        self, order: Approved[ChildOrder], deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        """Send one copy, never more. The second value is when its first byte left (our clock), None if none did."""
        ...

    async def cancel(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> CancelOutcome:
        """Ask for a cancel; repeating it is harmless."""
        ...

    async def look_up(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> LookUp:
        """The order's record by our id, over every endpoint the venue needs, and its trades."""
        ...

    async def seek(self, wanted: Seek) -> LookUp:
        """The record of an order nobody here remembers, by our id alone, and its trades; every endpoint is asked."""
        ...

    async def read_account(self, trades_since_ns: Nanos) -> AccountRead:
        """Balances, open orders, trades since then, every page. Raises `SorError` if it cannot be read whole."""
        ...

    async def dead_man(self, seconds: int | None) -> str | None:
        """Have the venue cancel all that is open at the account after so many seconds from now; None: not any more.

        Answers why that was not, or may not have been, taken; None when it was.
        """
        ...

    def encode_id(self, client_id: ClientOrderId) -> str:
        """Our id as this venue spells it: a pure function."""
        ...
