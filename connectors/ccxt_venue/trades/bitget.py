"""Bitget spot: channel `trade`, newest first. The first frame of a market is a snapshot of recent trades."""

from collections.abc import Iterable, Sequence

from connectors.ccxt_venue.book_bitget import SPOT, check_accepted
from connectors.ccxt_venue.mapping import decimal_of, ns_of_ms, number, row, side, text, text_or_none
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print

_CHANNEL = "trade"


def bitget_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """Every frame names its channel and market in `arg`."""

    def symbol_of(message: Json) -> str | None:
        arg = message["arg"]
        spot = str(arg.get("instType")).lower() in SPOT
        return symbol_by_id.get(str(arg.get("instId"))) if spot else None

    def stands(message: Json) -> Iterable[str]:
        symbol = symbol_of(message) if _is_ours(message) and message.get("event") == "subscribe" else None
        return () if symbol is None else (symbol,)

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        if not _is_ours(message) or "data" not in message:
            return None
        symbol, past = symbol_of(message), message.get("action") == "snapshot"
        return () if symbol is None else [_print(symbol, each, past=past) for each in reversed(message["data"])]

    return PlainTrades(symbol_by_id.values(), stands=stands, take=take)


def _is_ours(message: Json) -> bool:
    arg = message.get("arg")
    return isinstance(arg, dict) and arg.get("channel") == _CHANNEL


def _print(symbol: str, told: Json, *, past: bool) -> Print:
    if isinstance(told, Sequence):  # version 1, of which there are recordings: [time, price, size, side], no id
        price, size = decimal_of(told[1], "price"), decimal_of(told[2], "size")
        return Print(symbol, None, price, size, side(told[3]), ns_of_ms(told[0]), past)
    each = row(told)
    price, size, taker = number(each, "price"), number(each, "size"), side(each.get("side"))
    return Print(symbol, text_or_none(each, "tradeId"), price, size, taker, ns_of_ms(text(each, "ts")), past)
