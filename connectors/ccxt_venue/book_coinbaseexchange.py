"""Coinbase Exchange books: a snapshot and absolute changes on the socket, without any number.

What can be checked is checked: a heartbeat a second for every product, a book that crosses, and the best levels of REST
when a book is quiet. A lost change is seen by none of them until it crosses the book.
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
    levels,
)

_ORDER_FRAMES = frozenset({"received", "open", "change", "done", "match", "activate"})


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    live: bool = False


class CoinbaseexchangeBooks:
    """All books of one connection."""

    shares_pulse = False
    numbered = True

    def __init__(self, symbol_by_product: Mapping[str, str]) -> None:
        self._symbol_by_product = symbol_by_product
        self._books = {symbol: _Book() for symbol in symbol_by_product.values()}

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """`snapshot`, `l2update`, `heartbeat`; an error ends the connection, of which ccxt would tell nobody."""
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "error":
            raise StreamRefused(f"subscription refused: {message.get('message')}")
        if kind not in {"snapshot", "l2update", "heartbeat"}:
            return None
        symbol = self._symbol_by_product.get(str(message.get("product_id")))
        return () if symbol is None else self._frame(symbol, self._books[symbol], kind, message)

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Snapshots come on the socket: none is ever wanted from REST."""
        message = f"{symbol}: no snapshot was wanted ({type(body).__name__})"
        raise AssertionError(message)

    def agrees(self, symbol: str, body: Json) -> bool:
        """The best levels: neither side carries a number that could be compared."""
        return same_top(self._books[symbol].mirror, body["bids"], body["asks"])

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        self._books = {symbol: _Book() for symbol in self._books}

    @staticmethod
    def _frame(symbol: str, book: _Book, kind: str, message: Mapping[str, Json]) -> Iterable[Signal]:
        if kind == "snapshot":
            book.mirror.set_whole(levels(message["bids"]), levels(message["asks"]))
            book.live = True
            return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)
        if not book.live:
            return ()
        if kind == "heartbeat":
            return (BookAlive(symbol),)
        bids, asks = _split(message["changes"])
        book.mirror.change(bids, asks)
        if book.mirror.bids and book.mirror.asks and max(book.mirror.bids) >= min(book.mirror.asks):
            book.live = False
            return (BookBroken(symbol, "crossed"),)
        return (BookChanged(symbol, bids, asks),)


def _split(changes: Iterable[Sequence[str]]) -> tuple[Levels, Levels]:
    rows = list(changes)
    bids, asks = (levels([row[1:] for row in rows if row[0] == side]) for side in ("buy", "sell"))
    return bids, asks


class CoinbaseexchangeOrders:
    """The `user` channel: the full feed, cut to our orders."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every frame names its order; a match names both sides', one of which is ours."""
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "error":
            raise StreamRefused(f"subscription refused: {message.get('message')}")
        if kind not in _ORDER_FRAMES:
            return None
        ids = [message.get(name) for name in ("order_id", "taker_order_id", "maker_order_id")]
        hint = f"{kind} {message.get('reason') or ''}".strip()
        return [OrderTouched(message.get("client_oid"), str(each), hint) for each in ids if each]

    def confirms(self, message: Json) -> bool:
        """The list of subscriptions holds the channel."""
        if not isinstance(message, dict) or message.get("type") != "subscriptions":
            return False
        return any(channel.get("name") == "user" for channel in message.get("channels", ()))
