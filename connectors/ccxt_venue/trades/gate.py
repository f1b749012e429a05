"""Gate spot: channel `spot.trades`, one print a frame."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_gate import check_accepted
from connectors.ccxt_venue.mapping import ns_of_ms, number, row, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print

_CHANNEL = "spot.trades"


def gate_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """All pairs are subscribed by one request, whose answer names none."""
    symbols = tuple(symbol_by_id.values())

    def stands(message: Json) -> Iterable[str]:
        asked = message.get("channel") == _CHANNEL and message.get("event") == "subscribe"
        return symbols if asked and message.get("error") is None else ()

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        if message.get("channel") != _CHANNEL or message.get("event") != "update":
            return None
        result = message.get("result")
        told = [row(each) for each in (result if isinstance(result, list) else [result])]
        return [
            Print(
                symbol_by_id[each["currency_pair"]],
                text(each, "id"),
                number(each, "price"),
                number(each, "amount"),
                side(each.get("side")),
                ns_of_ms(text(each, "create_time_ms")),
            )
            for each in told
            if text(each, "currency_pair") in symbol_by_id
        ]

    return PlainTrades(symbols, stands=stands, take=take)
