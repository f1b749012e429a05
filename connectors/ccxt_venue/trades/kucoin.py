"""KuCoin: topic `/market/match`, one print a frame. `side` is the taker's, `time` in nanoseconds."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_kucoin import check_accepted
from connectors.ccxt_venue.mapping import decimal_of, number, row, side, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print
from router.model.ids import Nanos

_TOPIC = "/market/match:"


def kucoin_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """The one subscription of the connection is acknowledged without naming a symbol."""
    symbols = tuple(symbol_by_id.values())

    def stands(message: Json) -> Iterable[str]:
        return symbols if message.get("type") == "ack" else ()

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        if not str(message.get("topic", "")).startswith(_TOPIC) or message.get("type") != "message":
            return None
        told = row(message.get("data"))
        symbol = symbol_by_id.get(text(told, "symbol"))
        price, size, taker = number(told, "price"), number(told, "size"), side(told.get("side"))
        at_ns = Nanos(int(decimal_of(told.get("time"), "time")))
        return () if symbol is None else (Print(symbol, text(told, "tradeId"), price, size, taker, at_ns),)

    return PlainTrades(symbols, stands=stands, take=take)
