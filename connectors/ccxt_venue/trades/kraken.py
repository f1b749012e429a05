"""Kraken: channel `trade` of websocket v2. `trade_id` counts up by one per book; a snapshot brings the last fifty."""

from collections.abc import Iterable

from connectors.ccxt_venue.book_kraken import check_accepted
from connectors.ccxt_venue.mapping import ns_of_iso, number, rows, side, text
from connectors.ccxt_venue.trades.decoding import Json, PlainTrades, Print

_CHANNEL = "trade"
_BEAT_MS = 1_000


def kraken_trades(symbols: Iterable[str]) -> PlainTrades:
    """Frames name the unified symbol."""
    known = frozenset(symbols)

    def stands(message: Json) -> Iterable[str]:
        result = message.get("result")
        if message.get("method") != "subscribe" or not isinstance(result, dict) or result.get("channel") != _CHANNEL:
            return ()
        return known & {str(result.get("symbol"))}

    def take(message: Json) -> Iterable[Print] | None:
        check_accepted(message)
        if message.get("channel") != _CHANNEL:
            return None
        past = message.get("type") == "snapshot"
        return [
            Print(
                text(each, "symbol"),
                text(each, "trade_id"),
                number(each, "price"),
                number(each, "qty"),
                side(each.get("side")),
                ns_of_iso(text(each, "timestamp")),
                past,
            )
            for each in rows(message.get("data"))
            if each.get("symbol") in known
        ]

    return PlainTrades(known, stands=stands, take=take, numbered=True, beat_ms=_BEAT_MS)
