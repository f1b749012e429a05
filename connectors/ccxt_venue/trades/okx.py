"""OKX: channel `trades`. One row may stand for several fills of one taker at one price; its size is their sum."""

from collections.abc import Iterable

from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.mapping import Row, ns_of_ms, number, rows, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print

_CHANNEL = "trades"


def okx_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """Every frame names its channel and market in `arg`."""

    def stands(message: Json) -> Iterable[str]:
        symbol = symbol_by_id.get(_market(message) or "")
        return (symbol,) if message.get("event") == "subscribe" and symbol is not None else ()

    def take(message: Json) -> Iterable[Print] | None:
        if message.get("event") == "error":
            raise StreamRefused(f"subscription refused: {message.get('code')} {message.get('msg')}")
        market = _market(message)
        if market is None or "data" not in message:
            return None
        symbol = symbol_by_id.get(market)
        return () if symbol is None else [_print(symbol, each) for each in rows(message["data"])]

    return PlainTrades(symbol_by_id.values(), stands=stands, take=take)


def _market(message: Json) -> str | None:
    arg = message.get("arg")
    return str(arg.get("instId")) if isinstance(arg, dict) and arg.get("channel") == _CHANNEL else None


def _print(symbol: str, told: Row) -> Print:
    at_ns = ns_of_ms(text(told, "ts"))
    return Print(symbol, text(told, "tradeId"), number(told, "px"), number(told, "sz"), side(told.get("side")), at_ns)
