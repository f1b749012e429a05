"""What differs from venue to venue, as one interface: a few facts, and the venue's own way to say each call.

A dialect holds no connection and no state. It asks through `Ask` and reads raw rows, so that each can be tested with a
handful of recorded answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from connectors.budget import Limit
from connectors.ccxt_venue.clients import Adapted, Exchange
from connectors.ccxt_venue.decoders import BookDecoder, OrderDecoder
from connectors.ccxt_venue.mapping import Names, Row
from connectors.ccxt_venue.trades.decoding import TradeDecoder
from connectors.ccxt_venue.verdict import Judge
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import AccountId, ClientOrderId, Nanos, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.orders import ChildOrder, VenueOrder, VenueTrade

Json = Any


class Ask(Protocol):
    """One signed or public request: ccxt's name of the endpoint, its parameters, the parsed answer.

    Raises `CallFailed` (see `calls`); what it returns is whole JSON under a good status, without a venue error.
    """

    async def __call__(self, endpoint: str, params: Mapping[str, object]) -> Json:
        """Ask the venue."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """Until when the venue may take the request, on its own clock; `now_ns` is that clock's time at decision."""

    at_ns: Nanos
    now_ns: Nanos

    @property
    def left_ms(self) -> int:
        """Whole milliseconds left."""
        return (self.at_ns - self.now_ns) // 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Whose account is spoken for, and what the venue's names mean."""

    account: AccountId
    names: Names


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The child that is looked for. `since_ns`: the venue's clock, hours before it can have been placed.

    A list that can be narrowed to our id is not cut by time at all: only what no name reaches starts at `since_ns`.
    `as_sent`: the child's quantity and limit are known; False where only its id, symbol and side are.
    """

    child: ChildOrder
    venue_order_id: VenueOrderId | None
    since_ns: Nanos
    as_sent: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """No endpoint asked knows the order; `strangers` are trades since then that no order we could name explains."""

    endpoints: tuple[str, ...]
    strangers: tuple[VenueTrade, ...]


class Dialect(Judge, Protocol):
    """One venue."""

    @property
    def client_class(self) -> type[Adapted]:
        """The venue's class of ccxt with ours mixed in."""
        ...

    @property
    def fee_in(self) -> FeeIn:
        """Which asset fees are taken in."""
        ...

    @property
    def takes_deadline(self) -> bool:
        """Can a request carry the time after which the venue refuses it?"""
        ...

    @property
    def dedupes_for_ever(self) -> bool:
        """Does the venue say that an id is good for one order, ever?"""
        ...

    @property
    def limits(self) -> Sequence[Limit]:
        """The venue's published limits."""
        ...

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Constructor keys of ccxt's class for this account, hosts included."""
        ...

    def share(self, *private: Exchange) -> None:
        """Give instances that use one key what they must share."""
        ...

    def cost(self, endpoint: str, params: Mapping[str, object], /) -> Mapping[str, int]:
        """What a call counts against `limits`, by name of the limit. `createOrder` is an endpoint here."""
        ...

    def encode_id(self, client_id: ClientOrderId) -> str:
        """Our id as the venue spells it."""
        ...

    def create_params(self, child: ChildOrder, deadline: Deadline | None, /) -> Mapping[str, object]:
        """Ccxt's `params` for a priced limit order with our id: immediate-or-cancel, resting, or resting post-only."""
        ...

    async def touch(self, ask: Ask) -> None:
        """The cheapest public call to the host that takes orders."""
        ...

    async def server_time(self, ask: Ask, exchange: Exchange, /) -> tuple[Nanos, int]:
        """The venue's clock, and its resolution in nanoseconds."""
        ...

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str], /) -> Mapping[str, Decimal]:
        """This account's taker rate per symbol."""
        ...

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """What the key may do."""
        ...

    async def cancel(
        self, ask: Ask, desk: Desk, child: ChildOrder, venue_order_id: VenueOrderId | None, /
    ) -> str | None:
        """None when the venue took the cancel; else why it did not, or why that is not known."""
        ...

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """The venue's record of the child, or its absence over every endpoint this venue needs."""
        ...

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, since_ns: Nanos, /) -> Sequence[VenueTrade]:
        """All trades of an order. Rows that name another are refused by the caller, not here."""
        ...

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Every asset with a balance."""
        ...

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """All open orders, ours and foreign."""
        ...

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, until_ns: Nanos, /
    ) -> Sequence[VenueTrade]:
        """All trades of the account since then, every page, oldest first. `until_ns` fixes the pages."""
        ...

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """The book by REST: (bids, asks), each a list of rows that begin with price and size."""
        ...

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """The REST book as the book decoder wants it, raw."""
        ...

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """Subscribe, in ccxt's words. Frames are tapped and never resolve it: it returns only by failing."""
        ...

    def book_decoder(self, symbols: Mapping[str, Row]) -> BookDecoder:
        """Reads the public stream; `symbols` are ccxt's markets by unified symbol."""
        ...

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """Subscribe to public trades, in the same way."""
        ...

    def trade_decoder(self, symbols: Mapping[str, Row]) -> TradeDecoder:
        """Reads the stream of public trades."""
        ...

    def order_decoder(self) -> OrderDecoder:
        """Reads the private stream."""
        ...
