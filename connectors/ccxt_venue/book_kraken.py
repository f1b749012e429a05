"""Kraken spot books (websocket v2): snapshot and updates on the socket, a CRC32 over the ten best levels in each.

The checksum is over the digits the venue wrote. ccxt has parsed them to floats, so they are written again with the
market's own number of decimals: exact, because venue numbers have at most 15 digits. ccxt itself ignores the checksum,
and crashes when asked to check it.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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

_CHECKED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Digits:
    """How many decimals a market's prices and sizes are written with."""

    price: int
    size: int


@dataclass(slots=True)
class _Book:
    digits: Digits
    mirror: Mirror = field(default_factory=Mirror)
    live: bool = False
    bid_texts: dict[float, str] = field(default_factory=dict)
    """Each level as the checksum has it: written once, read with every frame."""
    ask_texts: dict[float, str] = field(default_factory=dict)

    def write(self, bids: Levels, asks: Levels) -> None:
        """Note how changed levels are written."""
        for texts, levels in ((self.bid_texts, bids), (self.ask_texts, asks)):
            for price, size in levels:
                if size > 0:
                    texts[price] = written(price, self.digits.price) + written(size, self.digits.size)
                else:
                    texts.pop(price, None)

    def checksum(self) -> int:
        """CRC32 over the ten best asks, rising, then the ten best bids, falling."""
        asks, bids = self.ask_texts, self.bid_texts
        best = [asks[price] for price in sorted(asks)[:_CHECKED]]
        best += [bids[price] for price in sorted(bids, reverse=True)[:_CHECKED]]
        return zlib.crc32("".join(best).encode())


class KrakenBooks:
    """All books of one connection, at one depth."""

    shares_pulse = True
    numbered = False

    def __init__(self, digits: Mapping[str, Digits], depth: int) -> None:
        self._digits = digits
        self._depth = depth
        self._books = {symbol: _Book(each) for symbol, each in digits.items()}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A book frame; a heartbeat keeps every book alive."""
        check_accepted(message)
        channel = message.get("channel") if isinstance(message, dict) else None
        if channel == "heartbeat":
            return [BookAlive(symbol) for symbol, book in self._books.items() if book.live]
        if channel != "book":
            return None
        signals: list[Signal] = []
        for data in message["data"]:
            book = self._books.get(data["symbol"])
            if book is not None:
                signals.extend(self._data(data["symbol"], book, data, whole=message["type"] == "snapshot"))
        return signals

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Kraken's snapshots come on the socket: none is ever wanted from REST."""
        message = f"{symbol}: no snapshot was wanted ({type(body).__name__})"
        raise AssertionError(message)

    def agrees(self, _symbol: str, _body: Json) -> bool:
        """REST books carry no number."""
        return False

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        self._books = {symbol: _Book(each) for symbol, each in self._digits.items()}

    def _data(self, symbol: str, book: _Book, data: Mapping[str, Json], *, whole: bool) -> Iterable[Signal]:
        bids, asks = _levels(data.get("bids", ())), _levels(data.get("asks", ()))
        if whole:
            book.mirror.set_whole(bids, asks)
            book.bid_texts, book.ask_texts = {}, {}
        elif not book.live:
            return ()
        else:
            book.mirror.change(bids, asks)
        # The venue keeps `depth` levels and does not send a removal for one that falls out of them.
        gone_bids, gone_asks = book.mirror.keep_best(self._depth)
        book.write(bids, asks)
        book.write(gone_bids, gone_asks)
        book.live = book.checksum() == data["checksum"]
        if not book.live:
            return (BookBroken(symbol, "checksum"),)
        if whole:
            return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)
        return (BookChanged(symbol, bids + gone_bids, asks + gone_asks),)


def written(value: float, decimals: int) -> str:
    """Digits as the checksum has them: no point, no zeros in front."""
    return f"{value:.{decimals}f}".replace(".", "").lstrip("0")


def _levels(rows: Iterable[Mapping[str, Json]]) -> Levels:
    return [level(row["price"], row["qty"]) for row in rows]


def check_accepted(message: Json) -> None:
    """A refused subscription ends the connection: ccxt rejects a future nobody waits for, and waits on."""
    if isinstance(message, dict) and message.get("method") == "subscribe" and message.get("success") is False:
        raise StreamRefused(f"subscription refused: {message.get('error')}")


class KrakenOrders:
    """The `executions` channel."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every execution names its order; the snapshots at subscription do too."""
        check_accepted(message)
        if not isinstance(message, dict) or message.get("channel") != "executions":
            return None
        return [
            OrderTouched(
                each.get("cl_ord_id"), each.get("order_id"), f"{each.get('exec_type')} {each.get('order_status')}"
            )
            for each in message.get("data", ())
        ]

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription, or its first snapshot."""
        if not isinstance(message, dict):
            return False
        result = message.get("result")
        acknowledged = isinstance(result, dict) and result.get("channel") == "executions"
        return message.get("channel") == "executions" or (acknowledged and message.get("success") is True)
