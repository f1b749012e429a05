"""Bitfinex: channel `trades`, every frame of the connection numbered once that is asked for.

A trade is told twice under one id: `te` at once, `tu` when it is recorded. The first list of a channel is history.
"""

from collections.abc import Iterable, Mapping, Sequence

from connectors.ccxt_venue.book_bitfinex import check_accepted
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.mapping import decimal_of, ns_of_ms
from connectors.ccxt_venue.trades.decoding import Json, MarketIds, Print, PrintsMissed, TradeSignal
from router.model.side import Side

_CHANNEL = "trades"
_TOLD = frozenset({"te", "tu"})
_BEAT_MS = 15_000


class BitfinexTrades:
    """All markets of one connection."""

    numbered = False
    beat_ms = _BEAT_MS

    def __init__(self, symbol_by_id: MarketIds) -> None:
        self._symbol_by_id = symbol_by_id
        self._by_channel: dict[int, str] = {}
        self._last: int | None = None
        self.symbols = tuple(symbol_by_id.values())

    def stands(self, message: Json) -> Iterable[str]:
        """`subscribed` names the number of the channel."""
        if not isinstance(message, dict) or message.get("event") != "subscribed" or message.get("channel") != _CHANNEL:
            return ()
        symbol = self._symbol_by_id.get(str(message.get("symbol")))
        return () if symbol is None else (symbol,)

    def take(self, message: Json) -> Iterable[TradeSignal] | None:
        """Lists are data, objects are about subscriptions."""
        if isinstance(message, dict):
            return self._event(message)
        if not isinstance(message, list) or len(message) < 2:  # noqa: PLR2004 - a channel and what it says
            return None
        signals: list[TradeSignal] = list(self._missed(message[-1]))
        symbol = self._by_channel.get(message[0])
        if symbol is not None:
            signals += self._prints(symbol, message)
        elif not signals:
            return None
        return signals

    def forget(self) -> None:
        """The next connection counts, and names its channels, anew."""
        self._by_channel = {}
        self._last = None

    def _event(self, message: Mapping[str, Json]) -> Iterable[TradeSignal] | None:
        check_accepted(message)
        for symbol in self.stands(message):
            self._by_channel[int(message["chanId"])] = symbol
        return () if message.get("event") in {"conf", "subscribed"} else None

    def _missed(self, number: Json) -> Iterable[PrintsMissed]:
        if not isinstance(number, int):
            raise AnswerUnusable("a frame without a number")
        last, self._last = self._last, number
        if last is None or number == last + 1:
            return ()
        return [PrintsMissed(symbol, f"gap: frame {number} after {last}") for symbol in self.symbols]

    @staticmethod
    def _prints(symbol: str, message: Sequence[Json]) -> Iterable[Print]:
        if isinstance(message[1], list):
            return [_print(symbol, each, past=True) for each in reversed(message[1])]
        return [_print(symbol, message[2], past=False)] if message[1] in _TOLD else ()


def _print(symbol: str, told: Sequence[Json], *, past: bool) -> Print:
    """[id, time, amount, price]: a positive amount was bought by the taker."""
    amount = decimal_of(told[2], "amount")
    taker = Side.BUY if amount > 0 else Side.SELL
    return Print(symbol, str(told[0]), decimal_of(told[3], "price"), abs(amount), taker, ns_of_ms(told[1]), past)
