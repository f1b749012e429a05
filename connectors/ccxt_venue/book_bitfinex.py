"""Bitfinex books: snapshot and changes per channel id, every frame of a connection numbered once that is asked for.

With the flag SEQ_ALL each public frame, whatever its channel, ends with a number one above the last: a hole may be in
any book, so it breaks all of them. (A checksum is offered too, over digits that JSON does not preserve.)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.ccxt_venue.book_numbered import same_top
from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import (
    BookAlive,
    BookBroken,
    BookChanged,
    BookWhole,
    Json,
    Levels,
    Mirror,
    OrderTouched,
    Sides,
    Signal,
    level,
)

SEQ_ALL = 65536
_HEARTBEAT = "hb"
_NUMBERED = 3
_ORDER_FRAMES = frozenset({"on", "ou", "oc"})
_TRADE_FRAMES = frozenset({"te", "tu"})


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    live: bool = False


class BitfinexBooks:
    """All books of one connection."""

    shares_pulse = False
    numbered = True

    def __init__(self, symbol_by_id: Mapping[str, str]) -> None:
        self._symbol_by_id = symbol_by_id
        self._by_channel: dict[int, str] = {}
        self._last: int | None = None
        self._books = {symbol: _Book() for symbol in symbol_by_id.values()}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """Lists are data, objects are about subscriptions."""
        if isinstance(message, dict):
            return self._event(message)
        return self._data(message) if isinstance(message, list) and len(message) > 1 else None

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Snapshots come on the socket: none is ever wanted from REST."""
        message = f"{symbol}: no snapshot was wanted ({type(body).__name__})"
        raise AssertionError(message)

    def agrees(self, symbol: str, body: Json) -> bool:
        """The best levels: REST books carry no number."""
        return same_top(self._books[symbol].mirror, body["bids"], body["asks"])

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over; the next connection counts, and names its channels, anew."""
        self._by_channel = {}
        self._last = None
        self._books = {symbol: _Book() for symbol in self._books}

    def _event(self, message: Mapping[str, Json]) -> Iterable[Signal] | None:
        check_accepted(message)
        kind = message.get("event")
        if kind == "subscribed" and message.get("channel") == "book":
            symbol = self._symbol_by_id.get(str(message.get("symbol")))
            if symbol is not None:
                self._by_channel[int(message["chanId"])] = symbol
        return () if kind in {"conf", "subscribed"} else None

    def _data(self, message: Sequence[Json]) -> Iterable[Signal] | None:
        if len(message) < _NUMBERED or not isinstance(message[-1], int):
            return self._break_all("a frame without a number")
        number, last = message[-1], self._last
        self._last = number
        if last is not None and number != last + 1:
            return self._break_all(f"gap: frame {number} after {last}")
        symbol = self._by_channel.get(message[0])
        return None if symbol is None else self._levels(symbol, self._books[symbol], message[1])

    def _break_all(self, why: str) -> Iterable[Signal]:
        live = [symbol for symbol, book in self._books.items() if book.live]
        self._books = {symbol: _Book() for symbol in self._books}
        return [BookBroken(symbol, why) for symbol in live or self._books]

    @staticmethod
    def _levels(symbol: str, book: _Book, data: Json) -> Iterable[Signal]:
        if data == _HEARTBEAT:
            return (BookAlive(symbol),) if book.live else ()
        if not isinstance(data, list):
            return ()
        if not data or isinstance(data[0], list):
            book.mirror.set_whole(*_sides(data))
            book.live = True
            return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)
        if not book.live:
            return ()
        bids, asks = _sides([data])
        book.mirror.change(bids, asks)
        return (BookChanged(symbol, bids, asks),)


def _sides(rows: Iterable[Sequence[Json]]) -> tuple[Levels, Levels]:
    """[price, count, amount]: a positive amount is a bid; count 0 removes the level."""
    bids: Levels = []
    asks: Levels = []
    for price, count, amount in rows:
        side = bids if amount > 0 else asks
        side.append(level(price, abs(amount) if count else 0))
    return bids, asks


def check_accepted(message: Mapping[str, Json]) -> None:
    """A refused subscription ends the connection, and so does one whose frames would bear no number."""
    kind = message.get("event")
    if kind == "error":
        raise StreamRefused(f"subscription refused: {message.get('code')} {message.get('msg')}")
    if kind == "conf" and message.get("status") != "OK":
        raise StreamRefused("numbers were asked for and refused")


class BitfinexOrders:
    """Channel 0 of the authenticated socket: 45 bits of our id are in it, which name nothing by themselves."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Orders and trades name the venue's id."""
        if isinstance(message, dict):
            if message.get("event") == "auth" and message.get("status") != "OK":
                raise StreamRefused(f"log-in refused: {message.get('code')} {message.get('msg')}")
            return None
        if not isinstance(message, list) or len(message) < _NUMBERED or message[0] != 0:
            return None
        kind, data = message[1], message[2]
        if kind == "os":
            return [OrderTouched(None, str(each[0]), "os") for each in data]
        if kind in _ORDER_FRAMES:
            return (OrderTouched(None, str(data[0]), f"{kind} {data[13]}"),)
        return (OrderTouched(None, str(data[3]), str(kind)),) if kind in _TRADE_FRAMES else None

    def confirms(self, message: Json) -> bool:
        """The log-in is the subscription."""
        return isinstance(message, dict) and message.get("event") == "auth" and message.get("status") == "OK"
