"""Coinbase Advanced Trade: channel `market_trades`, newest first, every frame of the connection numbered.

A hole in `sequence_num` may be in any product's trades, so it breaks all of them. `side` is the maker's.
"""

from collections.abc import Iterable, Mapping, Sequence

from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.mapping import Row, ns_of_iso, number, rows, side, text
from connectors.ccxt_venue.trades.decoding import Json, Print, PrintsMissed, TradeSignal, opposite

_CHANNEL = "market_trades"


class CoinbaseTrades:
    """All products of one connection. A product may be read under several symbols (an alias of it)."""

    numbered = False
    beat_ms = 1_000

    def __init__(self, symbols_by_product: Mapping[str, Sequence[str]]) -> None:
        self._symbols_by_product = symbols_by_product
        self._last: int | None = None
        self.symbols = tuple(dict.fromkeys(symbol for each in symbols_by_product.values() for symbol in each))

    def stands(self, message: Json) -> Iterable[str]:
        """A list of subscriptions that holds the channel."""
        if not isinstance(message, dict) or message.get("channel") != "subscriptions":
            return ()
        return [
            symbol
            for event in rows(message.get("events"))
            for product in event.get("subscriptions", {}).get(_CHANNEL, ())
            for symbol in self._symbols_by_product.get(product, ())
        ]

    def take(self, message: Json) -> Iterable[TradeSignal] | None:
        """Any frame: its number is checked first."""
        if not isinstance(message, dict):
            return None
        if message.get("type") == "error":
            raise StreamRefused(f"subscription refused: {message.get('message')}")
        if "sequence_num" not in message:
            return None
        signals: list[TradeSignal] = []
        number_, last = int(message["sequence_num"]), self._last
        self._last = number_
        if last is not None and number_ != last + 1:
            signals += [PrintsMissed(symbol, f"gap: frame {number_} after {last}") for symbol in self.symbols]
        if message.get("channel") == _CHANNEL:
            signals += [each for event in rows(message.get("events")) for each in self._event(event)]
        elif not signals:
            return None
        return signals

    def forget(self) -> None:
        """The next connection counts from its own beginning."""
        self._last = None

    def _event(self, event: Row) -> Iterable[Print]:
        past = event.get("type") == "snapshot"
        for each in reversed(rows(event.get("trades"))):
            for symbol in self._symbols_by_product.get(text(each, "product_id"), ()):
                yield Print(
                    symbol,
                    text(each, "trade_id"),
                    number(each, "price"),
                    number(each, "size"),
                    opposite(side(each.get("side"))),
                    ns_of_iso(text(each, "time")),
                    past,
                )
