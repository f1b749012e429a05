"""Bybit's order book topics: the best N levels of a book, each frame numbered by `u`, one after the other.

A level that comes into view is sent, one that leaves it is removed. After a restart of the service the numbers begin
again, with a snapshot whose `u` is 1.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.lab.bybit_render import levels, millis
from connectors.lab.core import Exchange

DEPTHS = frozenset({1, 50, 200, 1000})
_FIRST = 18_521_287

Json = dict[str, Any]
_Side = dict[Decimal, Decimal]


class BookTopic:
    """One book at one depth, as all its subscribers hold it."""

    def __init__(self, exchange: Exchange, symbol: str, market_id: str, depth: int) -> None:
        self.name = f"orderbook.{depth}.{market_id}"
        self._exchange = exchange
        self._symbol = symbol
        self._market_id = market_id
        self._depth = depth
        self._update_id = _FIRST
        self._bids, self._asks = self._seen()

    def snapshot(self, sequence: int, now_ns: int) -> Json:
        """The whole book as of the last frame."""
        return self._frame("snapshot", self._bids, self._asks, sequence, now_ns)

    def change(self, touched: set[Decimal], sequence: int, now_ns: int) -> Json | None:
        """The next frame, None when nothing in view was touched."""
        bids, asks = self._seen()
        changed = _changes(self._bids, bids, touched), _changes(self._asks, asks, touched)
        self._bids, self._asks = bids, asks
        if not changed[0] and not changed[1]:
            return None
        self._update_id += 1
        return self._frame("delta", *changed, sequence, now_ns)

    def restart(self, sequence: int, now_ns: int) -> Json:
        """The first frame after a restart of the service."""
        self._update_id = 1
        self._bids, self._asks = self._seen()
        return self.snapshot(sequence, now_ns)

    def _seen(self) -> tuple[_Side, _Side]:
        bids, asks = self._exchange.book(self._symbol, self._depth)
        return dict(bids), dict(asks)

    def _frame(self, kind: str, bids: _Side, asks: _Side, sequence: int, now_ns: int) -> Json:
        data = {
            "s": self._market_id,
            "b": levels(sorted(bids.items(), reverse=True)),
            "a": levels(sorted(asks.items())),
            "u": self._update_id,
            "seq": sequence,
        }
        return {"topic": self.name, "type": kind, "ts": millis(now_ns), "data": data, "cts": millis(now_ns)}


def _changes(before: Mapping[Decimal, Decimal], after: Mapping[Decimal, Decimal], touched: set[Decimal]) -> _Side:
    gone = {price: Decimal(0) for price in before if price not in after}
    new = {price: size for price, size in after.items() if before.get(price) != size or price in touched}
    return {**gone, **new}
