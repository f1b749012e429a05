"""Coinbase Advanced Trade books: snapshot and updates on the socket, every frame of a connection numbered.

`sequence_num` counts all frames of the connection, whatever their channel; ccxt ignores it. A hole in it
may be in any book, so it breaks all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    live: bool = False


class CoinbaseBooks:
    """All books of one connection. A product may be read under several symbols (BTC-USDC is an alias of BTC-USD)."""

    shares_pulse = False
    numbered = False

    def __init__(self, symbols_by_product: Mapping[str, Sequence[str]]) -> None:
        self._symbols_by_product = symbols_by_product
        self._last: int | None = None
        self._books = self._fresh()

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """Any frame: its number is checked first."""
        if not isinstance(message, dict) or "sequence_num" not in message:
            return None
        number, last = int(message["sequence_num"]), self._last
        self._last = number
        if last is not None and number != last + 1:
            return self._break_all(f"gap: frame {number} after {last}")
        if message.get("channel") == "heartbeats":
            return [BookAlive(symbol) for symbol, book in self._books.items() if book.live]
        if message.get("channel") != "l2_data":
            return None
        return [signal for event in message["events"] for signal in self._event(event)]

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Coinbase's snapshots come on the socket: none is ever wanted from REST."""
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
        """Start over; the next connection counts from its own beginning."""
        self._last = None
        self._books = self._fresh()

    def _fresh(self) -> dict[str, _Book]:
        return {symbol: _Book() for symbols in self._symbols_by_product.values() for symbol in symbols}

    def _break_all(self, why: str) -> list[Signal]:
        live = [symbol for symbol, book in self._books.items() if book.live]
        self._books = self._fresh()
        return [BookBroken(symbol, why) for symbol in live or self._books]

    def _event(self, event: Mapping[str, Json]) -> Iterable[Signal]:
        bids, asks = _split(event.get("updates", ()))
        for symbol in self._symbols_by_product.get(event["product_id"], ()):
            book = self._books[symbol]
            if event["type"] == "snapshot":
                book.mirror.set_whole(bids, asks)
                book.live = True
                yield BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks))
            elif book.live:
                book.mirror.change(bids, asks)
                yield BookChanged(symbol, bids, asks)


def _split(updates: Iterable[Mapping[str, Json]]) -> tuple[Levels, Levels]:
    bids: Levels = []
    asks: Levels = []
    for update in updates:
        side = bids if update["side"] == "bid" else asks
        side.append(level(update["price_level"], update["new_quantity"]))
    return bids, asks


class CoinbaseOrders:
    """The `user` channel."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every order of every event, snapshots included."""
        if not isinstance(message, dict) or message.get("channel") != "user":
            return None
        return [
            OrderTouched(order.get("client_order_id"), order.get("order_id"), str(order.get("status")))
            for event in message.get("events", ())
            for order in event.get("orders", ())
        ]

    def confirms(self, message: Json) -> bool:
        """A list of subscriptions that holds the channel, or its first frame."""
        if not isinstance(message, dict):
            return False
        listed = any("user" in event.get("subscriptions", {}) for event in message.get("events", ()))
        return message.get("channel") == "user" or (message.get("channel") == "subscriptions" and listed)
