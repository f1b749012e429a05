"""Bybit spot books (v5, `orderbook.50`): snapshot and deltas on the socket, each numbered `u`, one after the other.

ccxt ignores `u`: a lost delta would leave its book wrong for good. Here a hole in the numbers breaks the
book. A frame whose `u` is 1 is a whole book whatever it calls itself: the venue's service has restarted. There is no
heartbeat, so a quiet book is told from a dead socket by REST: the venue shows the very levels we hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest

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

_RESTARTED = 1


@dataclass(slots=True)
class _Book:
    mirror: Mirror = field(default_factory=Mirror)
    last_u: int | None = None
    last_seq: int = 0


class BybitBooks:
    """All books of one connection, at one depth."""

    shares_pulse = False
    numbered = True

    def __init__(self, symbol_by_id: Mapping[str, str], depth: int) -> None:
        self._symbol_by_id = symbol_by_id
        self._depth = depth
        self._books = self._fresh()

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols read."""
        return tuple(self._books)

    def take(self, message: Json) -> Iterable[Signal] | None:
        """A frame of an order book topic."""
        check_accepted(message)
        if not isinstance(message, dict) or not str(message.get("topic", "")).startswith("orderbook."):
            return None
        data = message["data"]
        symbol = self._symbol_by_id.get(data["s"])
        if symbol is None:
            return ()
        book, number = self._books[symbol], int(data["u"])
        if message["type"] == "snapshot" or number == _RESTARTED:
            return self._whole(symbol, book, data, number)
        if book.last_u is None:
            return ()
        if number != book.last_u + 1:
            why = f"gap: update {number} after {book.last_u}"
            self._books[symbol] = _Book()
            return (BookBroken(symbol, why),)
        bids, asks = levels(data["b"]), levels(data["a"])
        book.mirror.change(bids, asks)
        book.last_u, book.last_seq = number, int(data["seq"])
        # What falls out of the depth asked for is removed by the venue, too; should it ever not be, it is not kept.
        gone_bids, gone_asks = book.mirror.keep_best(self._depth)
        return (BookChanged(symbol, bids + gone_bids, asks + gone_asks),)

    def snapshot(self, symbol: str, body: Json) -> Iterable[Signal]:
        """Bybit's snapshots come on the socket: none is ever wanted from REST."""
        message = f"{symbol}: no snapshot was wanted ({type(body).__name__})"
        raise AssertionError(message)

    def agrees(self, symbol: str, body: Json) -> bool:
        """Not older than ours by the cross sequence, and the same levels. (`u` counts another depth's frames there.)"""
        book = self._books[symbol]
        if book.last_u is None or int(body["seq"]) < book.last_seq:
            return False
        bids, asks = dict(levels(body["b"])), dict(levels(body["a"]))
        depth = self._depth
        return {price: bids[price] for price in nlargest(depth, bids)} == book.mirror.bids and {
            price: asks[price] for price in nsmallest(depth, asks)
        } == book.mirror.asks

    def held(self, symbol: str) -> Sides:
        """The book as passed on."""
        mirror = self._books[symbol].mirror
        return mirror.bids, mirror.asks

    def forget(self) -> None:
        """Start over."""
        self._books = self._fresh()

    def _fresh(self) -> dict[str, _Book]:
        return {symbol: _Book() for symbol in self._symbol_by_id.values()}

    @staticmethod
    def _whole(symbol: str, book: _Book, data: Mapping[str, Json], number: int) -> Iterable[Signal]:
        book.mirror.set_whole(levels(data["b"]), levels(data["a"]))
        book.last_u, book.last_seq = number, int(data["seq"])
        return (BookWhole(symbol, dict(book.mirror.bids), dict(book.mirror.asks)),)


def check_accepted(message: Json) -> None:
    """A refused login or subscription ends the connection: ccxt rejects a future nobody waits for, and waits on."""
    if isinstance(message, dict) and message.get("success") is False:
        raise StreamRefused(f"{message.get('op')} refused: {message.get('ret_msg')}")


class BybitOrders:
    """The `order` and `execution` topics of the private stream."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every row names its order; other products of the account are not ours."""
        check_accepted(message)
        topic = str(message.get("topic", "")).partition(".")[0] if isinstance(message, dict) else ""
        if topic not in {"order", "execution"}:
            return None
        return [
            OrderTouched(
                each.get("orderLinkId") or None,
                each.get("orderId"),
                f"{topic} {each.get('orderStatus') or each.get('execType')}",
            )
            for each in message["data"]
            if each.get("category") == "spot"
        ]

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription."""
        return isinstance(message, dict) and message.get("op") == "subscribe" and message.get("success") is True
