"""Coinbase Exchange: channel `matches`. `trade_id` counts up by one per product; `side` is the maker's.

`last_match`, which a subscription begins with, is history.
"""

from collections.abc import Iterable

from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.mapping import ns_of_iso, number, part, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print, opposite

_CHANNEL = "matches"
_MATCHES = frozenset({"match", "last_match"})
_BEAT_MS = 1_000


def coinbaseexchange_trades(symbol_by_product: MarketIds) -> PlainTrades:
    """Frames name the product."""

    def stands(message: Json) -> Iterable[str]:
        if message.get("type") != "subscriptions":
            return ()
        channels = [each for each in message.get("channels", ()) if each.get("name") == _CHANNEL]
        products = [product for each in channels for product in each.get("product_ids", ())]
        return [symbol_by_product[product] for product in products if product in symbol_by_product]

    def take(message: Json) -> Iterable[Print] | None:
        kind = message.get("type")
        if kind == "error":
            raise StreamRefused(f"subscription refused: {message.get('message')}")
        if kind not in _MATCHES:
            return None
        symbol = symbol_by_product.get(text(message, "product_id"))
        trade, price, size = str(part(message, "trade_id")), number(message, "price"), number(message, "size")
        taker, at_ns = opposite(side(message.get("side"))), ns_of_iso(text(message, "time"))
        return () if symbol is None else (Print(symbol, trade, price, size, taker, at_ns, kind == "last_match"),)

    return PlainTrades(symbol_by_product.values(), stands=stands, take=take, numbered=True, beat_ms=_BEAT_MS)
