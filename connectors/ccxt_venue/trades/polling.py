"""Public trades by REST, for while no stream brings them: what a page shows, and if it follows the last one. Pure.

A page holds the newest trades. One that has none in common with the page before may have left some out: what is counted
then begins anew. So does it when the stream is back, because nobody knows what was traded between the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from connectors.budget import NS_PER_MS
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.mapping import Row, decimal_of, side
from connectors.ccxt_venue.trades.decoding import Print
from router.model.ids import Nanos

PAGE_ROWS = 500
_PAGE_ROWS: Mapping[str, int] = MappingProxyType({"bybit": 60, "cryptocom": 150})
"""The most a venue gives, where that is less."""
_TELLS_TAKER = frozenset({"binance", "binanceus", "bitstamp", "bybit", "gemini", "kraken", "okx"})
"""Venues whose side, as ccxt passes it on, is surely the taker's. Of the others' prints none is told."""
COSTS_AS = "publicGetPublicTrades"
"""As what it is counted against a venue's limits."""
MORE_PARAMS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {name: {"fetchTradesMethod": "publicGetTrades"} for name in ("binance", "binanceus")}
)
"""ccxt asks these for aggregates, whose ids and counts are not those of trades."""


def page_rows(ccxt_id: str) -> int:
    """How many trades to ask for."""
    return _PAGE_ROWS.get(ccxt_id, PAGE_ROWS)


def prints_of(ccxt_id: str, symbol: str, trades: Iterable[Row]) -> list[Print]:
    """Trades as ccxt parsed them, oldest first. Raises `AnswerUnusable` for one without an id."""
    return [_print(symbol, each, taker=ccxt_id in _TELLS_TAKER) for each in trades]


def _print(symbol: str, told: Row, *, taker: bool) -> Print:
    if told.get("symbol") != symbol or told.get("id") in {None, ""}:
        raise AnswerUnusable("a public trade without an id, or of another market")
    price, size = decimal_of(told.get("price"), "price"), decimal_of(told.get("amount"), "amount")
    if price <= 0 or size < 0:
        raise AnswerUnusable("a public trade of nothing, or at no price")
    at_ms = told.get("timestamp")
    at_ns = None if at_ms is None else Nanos(int(Decimal(str(at_ms))) * NS_PER_MS)
    return Print(symbol, str(told["id"]), price, size, side(told.get("side")) if taker else None, at_ns)


class Pages:
    """What is known of one listing's pages since the first of them."""

    def __init__(self) -> None:
        self._last: frozenset[str | None] | None = None

    def follows(self, page: Sequence[Print], rows: int) -> bool:
        """Is all that was traded since the page before on this one, of at most `rows`? False for the first of all."""
        before, ids = self._last, frozenset(each.trade_id for each in page)
        if before is None or ids:
            self._last = ids
        if before is None:
            return False
        if not ids or ids & before:
            return True
        return not before and len(page) < rows  # nothing had been traded at all, and all there is now is shown
