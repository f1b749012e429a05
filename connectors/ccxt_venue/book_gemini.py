"""Gemini spot books: changes with the size that remains, counted per socket.

ccxt's books of several symbols come over `multimarketdata`, where each frame of a socket, heartbeats included, bears
`socket_sequence`: a frame that is lost may have been any book's. The other stream, `l2` of version 2, counts nothing;
it is read here as well, because recordings hold it. ccxt checks neither.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest

from connectors.ccxt_venue.calls import AnswerUnusable, StreamRefused
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

_COMPARED = 100
_BIDS = frozenset({"bid", "buy"})
_ASKS = frozenset({"ask", "sell"})


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    live: bool = False


class GeminiBooks:
    """All books of one connection."""

    shares_pulse = True
    numbered = True  # by what is in them: heartbeats are five seconds apart, and quiet is not yet silence

    def __init__(self, symbol_by_id: Mapping[str, str]) -> None:
        self._symbol_by_id = {market_id.upper(): symbol for market_id, symbol in symbol_by_id.items()}
        self._only = next(iter(self._symbol_by_id)) if len(self._symbol_by_id) == 1 else ""
        self._books = {symbol: _Book() for symbol in symbol_by_id.values()}
        self._sequence: int | None = None

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A frame of either stream; every one that is counted must be the next."""
        check_accepted(message)
        kind = message.get("type") if isinstance(message, dict) else None
        if kind not in {"update", "heartbeat", "l2_updates"}:
            return None
        if not self._follows(message):
            return self._break_all(f"gap: frame {message['socket_sequence']}")
        if kind == "heartbeat":
            return [BookAlive(symbol) for symbol, book in self._books.items() if book.live]
        return self._l2(message) if kind == "l2_updates" else self._update(message)

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Gemini's snapshots come on the socket: none is ever wanted from REST."""
        message = f"{symbol}: no snapshot was wanted ({type(body).__name__})"
        raise AssertionError(message)

    def agrees(self, symbol: str, body: Json) -> bool:
        """Nothing came for a while: does REST show the very same best levels?"""
        book = self._books[symbol]
        told = Mirror()
        told.set_whole(_rest(body["bids"]), _rest(body["asks"]))
        return book.live and _best(told) == _best(book.mirror)

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        self._sequence = None
        for symbol in self._books:
            self._books[symbol] = _Book()

    def _follows(self, message: Mapping[str, Json]) -> bool:
        if "socket_sequence" not in message:
            return True
        number = int(message["socket_sequence"])
        follows = self._sequence is None or number == self._sequence + 1
        self._sequence = number
        return follows

    def _break_all(self, why: str) -> Iterable[Signal]:
        broken = [BookBroken(symbol, why) for symbol, book in self._books.items() if book.live]
        for symbol in self._books:
            self._books[symbol] = _Book()
        return broken

    def _update(self, message: Mapping[str, Json]) -> Iterable[Signal]:
        """Changes by symbol. A symbol's first frame is `initial` throughout, and its whole book."""
        events: dict[str, list[Mapping[str, Json]]] = {}
        for event in message["events"]:
            if event["type"] == "change":
                symbol = self._symbol_by_id.get(str(event.get("symbol", self._only)).upper())
                if symbol is not None:
                    events.setdefault(symbol, []).append(event)
        signals: list[Signal] = []
        for symbol, changes in events.items():
            rows = [(str(change["side"]), change["price"], change["remaining"]) for change in changes]
            whole = all(change.get("reason") == "initial" for change in changes)
            signals += self._changed(symbol, rows, whole=whole)
        return signals

    def _l2(self, message: Mapping[str, Json]) -> Iterable[Signal]:
        """`[side, price, size]`. The first frame of a symbol brings recent trades, and its whole book."""
        symbol = self._symbol_by_id.get(str(message["symbol"]).upper())
        if symbol is None:
            return ()
        whole = "trades" in message or not self._books[symbol].live
        return self._changed(symbol, message["changes"], whole=whole)

    def _changed(self, symbol: str, rows: Iterable[Sequence[str]], *, whole: bool) -> Iterable[Signal]:
        book = self._books[symbol]
        bids: Levels = []
        asks: Levels = []
        for side, price, size in rows:
            if side not in _BIDS | _ASKS:
                raise AnswerUnusable(f"side {side} is not known")
            (bids if side in _BIDS else asks).append(level(price, size))
        if whole:
            book.mirror.set_whole(bids, asks)
            book.live = True
            return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)
        if not book.live:
            return ()
        book.mirror.change(bids, asks)
        return (BookChanged(symbol, bids, asks),)


def _rest(rows: Iterable[Mapping[str, Json]]) -> Levels:
    return [level(row["price"], row["amount"]) for row in rows]


def _best(mirror: Mirror) -> tuple[Levels, Levels]:
    """The levels that are compared, best first."""
    return nlargest(_COMPARED, mirror.bids.items()), nsmallest(_COMPARED, mirror.asks.items())


def check_accepted(message: Json) -> None:
    """A refusal ends the connection: ccxt looks for it in the wrong field, and waits on."""
    if isinstance(message, dict) and message.get("result") == "error":
        raise StreamRefused(f"the venue said {message.get('reason')}")


class GeminiOrders:
    """The order events."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """A list of events; each names its order."""
        check_accepted(message)
        if not isinstance(message, list):
            return None
        return [
            OrderTouched(each.get("client_order_id"), _text(each.get("order_id")), str(each.get("type")))
            for each in message
            if isinstance(each, dict)
        ]

    def confirms(self, message: Json) -> bool:
        """The acknowledgement that comes first."""
        return isinstance(message, dict) and message.get("type") == "subscription_ack"


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
