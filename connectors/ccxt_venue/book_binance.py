"""Binance spot books: a diff stream numbered U..u, joined to a REST snapshot by its lastUpdateId.

Rules (binance web-socket-streams, "how to manage a local order book"): buffer; drop events whose u is not above the
snapshot's id; the first one kept must hold id + 1; from then on each U must be the last u + 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
    SnapshotWanted,
    levels,
)

# A snapshot that never catches up with the stream must not let the buffer grow: 100 ms apart, this is half a minute.
_BUFFER_MAX = 300


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    last_id: int | None = None
    buffer: list[Mapping[str, Json]] | None = None


class BinanceBooks:
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
        """A depth update, plain or wrapped by the combined stream."""
        update = message.get("data", message) if isinstance(message, dict) else None
        if not isinstance(update, dict) or update.get("e") != "depthUpdate":
            return None
        symbol = self._symbol_by_id.get(update["s"])
        return () if symbol is None else self._update(symbol, self._books[symbol], update)

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Start the book from a snapshot and whatever was buffered."""
        book = self._books[symbol]
        buffered = book.buffer or []
        last_id = int(body["lastUpdateId"])
        if buffered and int(buffered[0]["U"]) > last_id + 1:
            return (SnapshotWanted(symbol),)  # older than everything we have: ask again
        book.last_id = last_id
        book.buffer = None
        book.mirror.set_whole(levels(body["bids"]), levels(body["asks"]))
        later = [update for update in buffered if int(update["u"]) > last_id]
        for update in later:
            if not self._follows(book, update):
                return self._broken(symbol, book, update)
            self._apply(book, update)
        return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)

    def agrees(self, symbol: str, body: Json) -> bool:
        """Same number of the last update."""
        return self._books[symbol].last_id == int(body["lastUpdateId"])

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        for symbol in self._books:
            self._books[symbol] = _Book()

    def _update(self, symbol: str, book: _Book, update: Mapping[str, Json]) -> Iterable[Signal]:
        if book.last_id is None:
            if book.buffer is None:
                book.buffer = [update]
                return (SnapshotWanted(symbol),)
            book.buffer.append(update)
            del book.buffer[:-_BUFFER_MAX]
            return ()
        if int(update["u"]) <= book.last_id:
            return ()
        if not self._follows(book, update):
            return self._broken(symbol, book, update)
        bids, asks = self._apply(book, update)
        return (BookChanged(symbol, bids, asks),)

    @staticmethod
    def _follows(book: _Book, update: Mapping[str, Json]) -> bool:
        assert book.last_id is not None
        return int(update["U"]) <= book.last_id + 1

    @staticmethod
    def _apply(book: _Book, update: Mapping[str, Json]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        bids, asks = levels(update["b"]), levels(update["a"])
        book.mirror.change(bids, asks)
        book.last_id = int(update["u"])
        return bids, asks

    @staticmethod
    def _broken(symbol: str, book: _Book, update: Mapping[str, Json]) -> Iterable[Signal]:
        why = f"gap: update {update['U']} after {book.last_id}"
        book.last_id = None
        book.buffer = [update]
        return BookBroken(symbol, why), SnapshotWanted(symbol)


class BinanceOrders:
    """The user data stream of the websocket API: execution reports under `event`."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """An execution report names its order; for a cancel, `C` is the id the order was placed under."""
        event = message.get("event", message) if isinstance(message, dict) else None
        if isinstance(event, dict) and event.get("e") == "eventStreamTerminated":
            raise StreamRefused("the venue ended the user data stream")  # ccxt would wait on
        if not isinstance(event, dict) or event.get("e") != "executionReport":
            return None
        client_id = event.get("C") if event.get("C") not in {None, "", "null"} else event.get("c")
        return (OrderTouched(client_id, _text(event.get("i")), f"{event.get('x')} {event.get('X')}"),)

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription holds its id."""
        return (
            isinstance(message, dict)
            and isinstance(message.get("result"), dict)
            and "subscriptionId" in message["result"]
        )


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
