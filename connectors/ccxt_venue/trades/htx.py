"""HTX spot: channels `market.*.trade.detail`. The venue pings every five seconds; `direction` is the taker's."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_htx import check_accepted
from connectors.ccxt_venue.mapping import Row, ns_of_ms, number, row, rows, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print

_HEAD, _TAIL = "market.", ".trade.detail"
_BEAT_MS = 5_000


def htx_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """One subscription a market."""

    def stands(message: Json) -> Iterable[str]:
        symbol = symbol_by_id.get(_market(message.get("subbed")) or "")
        return (symbol,) if message.get("status") == "ok" and symbol is not None else ()

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        market = _market(message.get("ch"))
        if market is None:
            return None
        symbol = symbol_by_id.get(market)
        newest_first = rows(row(message.get("tick")).get("data"))
        return () if symbol is None else [_print(symbol, each) for each in reversed(newest_first)]

    return PlainTrades(symbol_by_id.values(), stands=stands, take=take, beat_ms=_BEAT_MS)


def _market(channel: Json) -> str | None:
    if not isinstance(channel, str) or not (channel.startswith(_HEAD) and channel.endswith(_TAIL)):
        return None
    return channel.removeprefix(_HEAD).removesuffix(_TAIL)


def _print(symbol: str, told: Row) -> Print:
    at_ns = ns_of_ms(text(told, "ts"))
    price, size, taker = number(told, "price"), number(told, "amount"), side(told.get("direction"))
    return Print(symbol, text(told, "tradeId"), price, size, taker, at_ns)
