"""Bybit spot: topic `publicTrade`. Every push is called a snapshot; none of them is history."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_bybit import check_accepted
from connectors.ccxt_venue.mapping import Row, ns_of_ms, number, rows, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print

_TOPIC = "publicTrade."


def bybit_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """All symbols are subscribed by one request, whose answer names none."""
    symbols = tuple(symbol_by_id.values())

    def stands(message: Json) -> Iterable[str]:
        return symbols if message.get("op") == "subscribe" and message.get("success") is True else ()

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        if not str(message.get("topic", "")).startswith(_TOPIC):
            return None
        symbol = symbol_by_id.get(message["topic"].removeprefix(_TOPIC))
        return () if symbol is None else [_print(symbol, each) for each in rows(message.get("data"))]

    return PlainTrades(symbols, stands=stands, take=take)


def _print(symbol: str, told: Row) -> Print:
    at_ns = ns_of_ms(text(told, "T"))
    return Print(symbol, text(told, "i"), number(told, "p"), number(told, "v"), side(told.get("S")), at_ns)
