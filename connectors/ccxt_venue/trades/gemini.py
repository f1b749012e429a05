"""Gemini: trades of `multimarketdata`, whose frames are counted per socket, heartbeats included.

The other stream, `l2` of version 2, counts nothing; it is read here as well, because recordings hold it.
"""

from collections.abc import Iterable

from connectors.ccxt_venue.book_gemini import check_accepted
from connectors.ccxt_venue.mapping import Row, ns_of_ms, number, rows, side, text, text_or_none
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, Print, PrintsMissed, TradeSignal
from router.model.ids import Nanos
from router.model.side import Side

_TAKER = {"bid": Side.SELL, "ask": Side.BUY}
"""By the maker's side; an auction has neither."""


class GeminiTrades:
    """All symbols of one connection."""

    numbered = False
    beat_ms = 5_000

    def __init__(self, symbol_by_id: MarketIds) -> None:
        self._symbol_by_id = {market_id.upper(): symbol for market_id, symbol in symbol_by_id.items()}
        self._only = next(iter(self._symbol_by_id)) if len(self._symbol_by_id) == 1 else ""
        self._last: int | None = None
        self.symbols = tuple(symbol_by_id.values())

    def stands(self, message: Json) -> Iterable[str]:
        """The symbols are named when the socket is opened: its first frame shows that they are streamed."""
        return self.symbols if isinstance(message, dict) and "socket_sequence" in message else ()

    def take(self, message: Json) -> Iterable[TradeSignal] | None:
        """A frame of either stream; every one that is counted must be the next."""
        check_accepted(message)
        if not isinstance(message, dict):
            return None
        signals: list[TradeSignal] = list(self._missed(message))
        if message.get("type") == "update":
            at_ns = None if message.get("timestampms") is None else ns_of_ms(message["timestampms"])
            signals += [each for event in rows(message.get("events")) for each in self._event(event, at_ns)]
        elif message.get("type") in {"trade", "l2_updates"}:
            signals += self._l2(message)
        elif message.get("type") != "heartbeat":
            return None
        return signals

    def forget(self) -> None:
        """The next connection counts from its own beginning."""
        self._last = None

    def _missed(self, message: Row) -> Iterable[PrintsMissed]:
        if "socket_sequence" not in message:
            return ()
        number_, last = int(message["socket_sequence"]), self._last
        self._last = number_
        if last is None or number_ == last + 1:
            return ()
        return [PrintsMissed(symbol, f"gap: frame {number_} after {last}") for symbol in self.symbols]

    def _event(self, event: Row, at_ns: Nanos | None) -> Iterable[Print]:
        symbol = self._symbol_by_id.get(str(event.get("symbol", self._only)).upper())
        if event.get("type") != "trade" or symbol is None:
            return ()
        taker = _TAKER.get(str(event.get("makerSide")).lower())
        # Version 1 has no id of its own but `tid`; an auction's print stands for many trades.
        return (
            Print(symbol, text_or_none(event, "tid"), number(event, "price"), number(event, "amount"), taker, at_ns),
        )

    def _l2(self, message: Row) -> Iterable[Print]:
        """A trade by itself is new; those beside the first levels are history."""
        past = message["type"] == "l2_updates"
        told = rows(message.get("trades") or []) if past else [message]
        for each in reversed(told):
            symbol = self._symbol_by_id.get(text(each, "symbol").upper())
            if symbol is not None:
                price, size, taker = number(each, "price"), number(each, "quantity"), side(each.get("side"))
                at_ns = ns_of_ms(text(each, "timestamp"))
                yield Print(symbol, text(each, "event_id"), price, size, taker, at_ns, past)
