"""Bitget spot books: snapshot and changes on the socket, with a CRC32 over the 25 best levels of each side.

The checksum is over the digits as sent, so they are kept. A change without one is held against `pseq`, the number of
the change before; one with neither cannot be checked and breaks the book, which is then polled (ccxt just goes on).
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest

from connectors.ccxt_venue.book_numbered import same_top
from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import (
    BookBroken,
    BookChanged,
    BookWhole,
    Json,
    Mirror,
    OrderTouched,
    Sides,
    Signal,
    levels,
)

_CHECKED = 25
_BOOKS = "books"
SPOT = frozenset({"sp", "spot"})

Digits = dict[float, tuple[str, str]]


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    bids: Digits = field(default_factory=dict)
    asks: Digits = field(default_factory=dict)
    live: bool = False
    seq: str | None = None


class BitgetBooks:
    """All books of one connection."""

    shares_pulse = False
    numbered = True

    def __init__(self, symbol_by_id: Mapping[str, str]) -> None:
        self._symbol_by_id = symbol_by_id
        self._books = {symbol: _Book() for symbol in symbol_by_id.values()}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A `books` frame of the spot market."""
        check_accepted(message)
        argument = message.get("arg") if isinstance(message, dict) else None
        if not isinstance(argument, dict) or argument.get("channel") != _BOOKS or "data" not in message:
            return None
        symbol = self._symbol_by_id.get(str(argument.get("instId")))
        if symbol is None or str(argument.get("instType")).lower() not in SPOT:
            return ()
        book, whole = self._books[symbol], message.get("action") == "snapshot"
        return [signal for data in message["data"] for signal in self._data(symbol, book, data, whole=whole)]

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
        """Start over."""
        self._books = {symbol: _Book() for symbol in self._books}

    @staticmethod
    def _data(symbol: str, book: _Book, data: Mapping[str, Json], *, whole: bool) -> Iterable[Signal]:
        if not whole and not book.live:
            return ()
        bids, asks = levels(data["bids"]), levels(data["asks"])
        if whole:
            book.bids, book.asks = {}, {}
            book.mirror.set_whole(bids, asks)
        else:
            book.mirror.change(bids, asks)
        _remember(book.bids, data["bids"])
        _remember(book.asks, data["asks"])
        why = None if whole else _unproven(book, data)
        book.seq = None if data.get("seq") is None else str(data["seq"])
        book.live = why is None
        if why is not None:
            return (BookBroken(symbol, why),)
        if whole:
            return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)
        return (BookChanged(symbol, bids, asks),)


def _unproven(book: _Book, data: Mapping[str, Json]) -> str | None:
    """Why a change does not prove itself complete; None when it does."""
    if data.get("checksum"):
        return None if checksum(book.bids, book.asks) == int(data["checksum"]) else "checksum"
    if data.get("pseq") is not None:
        return None if str(data["pseq"]) == book.seq else f"gap: change after {data['pseq']}, not {book.seq}"
    return "neither checksum nor number: a lost change could not be seen"


def _remember(side: Digits, rows: Iterable[Sequence[str]]) -> None:
    for price, size in ((str(row[0]), str(row[1])) for row in rows):
        if float(size) > 0:
            side[float(price)] = (price, size)
        else:
            side.pop(float(price), None)


def checksum(bids: Digits, asks: Digits) -> int:
    """CRC32, signed, over best bid, best ask, second bid, and so on: price and size as sent, colons between."""
    best_bids = [bids[price] for price in nlargest(_CHECKED, bids)]
    best_asks = [asks[price] for price in nsmallest(_CHECKED, asks)]
    words: list[str] = []
    for place in range(_CHECKED):
        for side in (best_bids, best_asks):
            if place < len(side):
                words += side[place]
    unsigned = zlib.crc32(":".join(words).encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned


def check_accepted(message: Json) -> None:
    """A refused subscription or log-in ends the connection."""
    if isinstance(message, dict) and message.get("event") == "error":
        raise StreamRefused(f"subscription refused: {message.get('code')} {message.get('msg')}")


class BitgetOrders:
    """The `orders` channel."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every row names its order by both ids."""
        check_accepted(message)
        argument = message.get("arg") if isinstance(message, dict) else None
        if not isinstance(argument, dict) or argument.get("channel") != "orders" or "data" not in message:
            return None
        return [
            OrderTouched(each.get("clientOid"), str(each["orderId"]), str(each.get("status")))
            for each in message["data"]
        ]

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription, or its first snapshot."""
        if not isinstance(message, dict) or not isinstance(message.get("arg"), dict):
            return False
        return message["arg"].get("channel") == "orders" and (message.get("event") == "subscribe" or "data" in message)
