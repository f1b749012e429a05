"""Binance (and Binance US): the `@trade` streams. Trade ids count up by one per symbol."""

from collections.abc import Iterable

from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.mapping import ns_of_ms, number, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print
from router.model.side import Side


def binance_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """All symbols are subscribed by one request, whose answer names none."""
    symbols = tuple(symbol_by_id.values())

    def stands(message: Json) -> Iterable[str]:
        return symbols if "id" in message and message.get("result", "") is None else ()

    def take(message: Json) -> Iterable[Print] | None:
        if "error" in message:
            raise StreamRefused(f"subscription refused: {message['error']}")
        told = message.get("data", message)
        if not isinstance(told, dict) or told.get("e") != "trade":
            return None
        symbol = symbol_by_id.get(text(told, "s"))
        # `m`: was the buyer the maker?
        taker = Side.SELL if told.get("m") is True else Side.BUY
        price, size, at_ns = number(told, "p"), number(told, "q"), ns_of_ms(text(told, "T"))
        return () if symbol is None else (Print(symbol, text(told, "t"), price, size, taker, at_ns),)

    return PlainTrades(symbols, stands=stands, take=take, numbered=True)
