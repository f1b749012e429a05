"""Crypto.com: channel `trade`. The answer to a subscription brings recent trades; pushes bear the id -1."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_cryptocom import check_accepted
from connectors.ccxt_venue.mapping import Row, ns_of_ms, number, rows, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print

_CHANNEL = "trade"
_PUSH = -1


def cryptocom_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """All instruments are subscribed by one request; its answer names one of them, or none."""
    symbols = tuple(symbol_by_id.values())

    def stands(message: Json) -> Iterable[str]:
        return symbols if message.get("method") == "subscribe" and str(message.get("code", 0)) == "0" else ()

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        result = message.get("result")
        if not isinstance(result, dict) or result.get("channel") != _CHANNEL:
            return None
        symbol = symbol_by_id.get(text(result, "instrument_name"))
        past = message.get("id", _PUSH) != _PUSH
        newest_first = rows(result.get("data"))
        return () if symbol is None else [_print(symbol, each, past=past) for each in reversed(newest_first)]

    return PlainTrades(symbols, stands=stands, take=take)


def _print(symbol: str, told: Row, *, past: bool) -> Print:
    at_ns = ns_of_ms(text(told, "t"))
    return Print(symbol, text(told, "d"), number(told, "p"), number(told, "q"), side(told.get("s")), at_ns, past)
