"""OKX spot books (`books`, 400 levels): snapshot and updates on the socket, chained by number, with a checksum.

Each update names the number it follows (`prevSeqId`) and its own (`seqId`). Numbers skip, and may fall after
maintenance: only the chain counts. The checksum is a signed CRC32 over `price:size` of the 25 best bids and asks in
turn, in the venue's own digits; ccxt does not look at it. The venue may leave it out or send 0. An update
that carries neither number nor checksum cannot be verified, so it breaks the book.
"""

import zlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.ccxt_venue.decoders import (
    BookAlive,
    BookBroken,
    BookChanged,
    BookWhole,
    Json,
    Levels,
    OrderTouched,
    Sides,
    Signal,
    levels,
)

DEPTH = 400
_CHECKED = 25
_FIRST = -1
_UINT32 = 0xFFFFFFFF


@dataclass(slots=True)
class _Side:
    """One side, `prices` rising; `texts` are the levels as the venue wrote them."""

    prices: list[float] = field(default_factory=list)
    sizes: dict[float, float] = field(default_factory=dict)
    texts: dict[float, str] = field(default_factory=dict)

    def take(self, rows: Sequence[Sequence[str]]) -> Levels:
        """Apply changed levels; returns them as numbers."""
        changed = levels(rows)
        for row, (price, size) in zip(rows, changed, strict=True):
            if size > 0:
                if price not in self.sizes:
                    insort(self.prices, price)
                self.sizes[price] = size
                self.texts[price] = f"{row[0]}:{row[1]}"
            elif price in self.sizes:
                del self.prices[bisect_left(self.prices, price)], self.sizes[price], self.texts[price]
        return changed

    def equals(self, rows: Iterable[Sequence[str]]) -> bool:
        """Are these the very levels held?"""
        return dict(levels(rows)) == self.sizes


@dataclass(slots=True)
class _Book:
    bids: _Side = field(default_factory=_Side)
    asks: _Side = field(default_factory=_Side)
    live: bool = False
    last: int | None = None

    def checksum(self) -> int:
        """As the venue computes it, unsigned. Where one side is shorter, the other goes on alone."""
        bids = [self.bids.texts[price] for price in reversed(self.bids.prices[-_CHECKED:])]
        asks = [self.asks.texts[price] for price in self.asks.prices[:_CHECKED]]
        both = min(len(bids), len(asks))
        turns = [text for pair in zip(bids, asks, strict=False) for text in pair]
        return zlib.crc32(":".join(turns + bids[both:] + asks[both:]).encode())


class OkxBooks:
    """All books of one connection."""

    shares_pulse = False
    numbered = True
    """By its contents: REST books carry no number, but the whole of them can be compared."""

    def __init__(self, symbol_by_id: Mapping[str, str]) -> None:
        self._symbol_by_id = symbol_by_id
        self._books = {symbol: _Book() for symbol in symbol_by_id.values()}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A frame of the channel. Answers to subscriptions, errors and pongs are ccxt's."""
        arg = message.get("arg") if isinstance(message, dict) else None
        if not isinstance(arg, dict) or arg.get("channel") != "books" or "data" not in message:
            return None
        symbol = self._symbol_by_id.get(arg["instId"])
        if symbol is None:
            return ()
        whole = message["action"] == "snapshot"
        return [signal for data in message["data"] for signal in self._data(symbol, data, whole=whole)]

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """OKX's snapshots come on the socket: none is ever wanted from REST."""
        message = f"{symbol}: no snapshot was wanted ({type(body).__name__})"
        raise AssertionError(message)

    def agrees(self, symbol: str, body: Json) -> bool:
        """Level by level."""
        book = self._books[symbol]
        return book.live and book.bids.equals(body["bids"]) and book.asks.equals(body["asks"])

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        book = self._books[symbol]
        return book.bids.sizes, book.asks.sizes

    def forget(self) -> None:
        """Start over."""
        self._books = {symbol: _Book() for symbol in self._books}

    def _data(self, symbol: str, data: Mapping[str, Json], *, whole: bool) -> Iterable[Signal]:
        if whole:
            book = self._books[symbol] = _Book(live=True)
        else:
            book = self._books[symbol]
            if not book.live:
                return ()  # broken: only a snapshot mends it
            why = _unchained(book, data)
            if why is not None:
                return self._broken(symbol, why)
        bids, asks = book.bids.take(data["bids"]), book.asks.take(data["asks"])
        book.last = None if data.get("seqId") is None else int(data["seqId"])
        told = data.get("checksum")
        if told and book.checksum() != int(told) & _UINT32:
            return self._broken(symbol, "checksum")
        if whole:
            return (BookWhole(symbol, dict(book.bids.sizes), dict(book.asks.sizes)),)
        return (BookChanged(symbol, bids, asks),) if bids or asks else (BookAlive(symbol),)

    def _broken(self, symbol: str, why: str) -> Iterable[Signal]:
        self._books[symbol] = _Book()
        return (BookBroken(symbol, why),)


def _unchained(book: _Book, data: Mapping[str, Json]) -> str | None:
    """Why an update does not follow what we hold; None when it does."""
    previous = data.get("prevSeqId")
    if previous is None:
        return None if data.get("checksum") else "an update with neither number nor checksum"
    if int(previous) == _FIRST or int(previous) != book.last:
        return f"gap: update after {previous}, not after {book.last}"
    return None


class OkxOrders:
    """The `orders` channel."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every row names its order."""
        if not isinstance(message, dict) or not _is_orders(message) or "data" not in message:
            return None
        return [
            OrderTouched(each.get("clOrdId"), each.get("ordId"), f"{each.get('state')} {each.get('accFillSz')}")
            for each in message["data"]
        ]

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription, or its first frame."""
        if not isinstance(message, dict) or not _is_orders(message):
            return False
        return message.get("event") == "subscribe" or "data" in message


def _is_orders(message: Mapping[str, Json]) -> bool:
    arg = message.get("arg")
    return isinstance(arg, dict) and arg.get("channel") == "orders"
