"""Bitstamp: channels `live_trades_*`, one print a frame. `type` is the taker's side: 0 buy, 1 sell."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_bitstamp import check_accepted
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.mapping import decimal_of, number, row, text
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, PlainTrades, Print
from router.model.ids import Nanos
from router.model.side import Side

_CHANNEL = "live_trades_"
_NS_PER_US = 1_000
_TAKER = {"0": Side.BUY, "1": Side.SELL}


def bitstamp_trades(symbol_by_id: MarketIds) -> PlainTrades:
    """One subscription a market."""

    def stands(message: Json) -> Iterable[str]:
        symbol = symbol_by_id.get(_market(message) or "")
        return (symbol,) if message.get("event") == "bts:subscription_succeeded" and symbol is not None else ()

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        market = _market(message)
        if market is None or message.get("event") != "trade":
            return None
        symbol, told = symbol_by_id.get(market), row(message.get("data"))
        taker = _TAKER.get(text(told, "type"))
        if taker is None:
            raise AnswerUnusable(f"trade type {told['type']} is not known")
        at_ns = Nanos(int(decimal_of(told.get("microtimestamp"), "microtimestamp")) * _NS_PER_US)
        price, size = number(told, "price_str"), number(told, "amount_str")
        return () if symbol is None else (Print(symbol, text(told, "id"), price, size, taker, at_ns),)

    return PlainTrades(symbol_by_id.values(), stands=stands, take=take)


def _market(message: Json) -> str | None:
    channel = message.get("channel")
    return channel.removeprefix(_CHANNEL) if isinstance(channel, str) and channel.startswith(_CHANNEL) else None
