"""A quote service on loopback with the answers of ccxt's hosted one, made from the lab's own books.

What `ccxt.OrderRouter.fetch_route` asks of it: `GET /route?from=USD&to=BTC&amountOut=0.4&exchanges=kraken`.
"""

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from aiohttp import web

from connectors.lab.client import LabControl
from router.drill.stand import Seat
from router.model.errors import SorError

_DEPTH = 50


class Quotes:
    """`async with Quotes(seat, control) as quotes: ... quotes.url`. `old_ms`: how old a quote says it is.

    `asked`: how often somebody wanted one.
    """

    def __init__(self, seat: Seat, control: LabControl, old_ms: int) -> None:
        self._seat = seat
        self._control = control
        self._old_ms = old_ms
        self._runner: web.AppRunner | None = None
        self.asked = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/route", self._route)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Its `baseUrl`."""
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _route(self, request: web.Request) -> web.Response:
        [symbol] = self._seat.symbols
        base, _, quote = symbol.partition("/")
        asked = request.query
        if (asked.get("from"), asked.get("to")) != (quote, base) or "amountOut" not in asked:
            raise SorError(f"a quote nobody foresaw: {dict(asked)}")
        book = await self._control.book(self._seat.name, symbol, _DEPTH)
        self.asked += 1
        return web.json_response(self._quoted(symbol, Decimal(asked["amountOut"]), book))

    def _quoted(self, symbol: str, wanted: Decimal, book: Mapping[str, list[list[str]]]) -> dict[str, Any]:
        base, _, quote = symbol.partition("/")
        amount, cost = swept(book["asks"], wanted)
        told = {
            "requestId": f"quote-{self.asked}",
            "calculatedAt": time.time_ns() // 1_000_000 - self._old_ms,
            "from": quote,
            "to": base,
            "strategy": "split_optimal",
            "exactSide": "out",
        }
        if not amount:
            return {**told, "hops": [], "fullyFillable": False, "fillRatio": 0, "unroutableReason": "no_liquidity"}
        leg = {
            "exchangeId": self._seat.protocol,
            "amount": float(amount),
            "averagePrice": float(cost / amount),
            "effectivePrice": float(cost / amount),
            "feeCost": 0,
        }
        hop = {"pair": symbol, "side": "buy", "base": base, "quote": quote, "from": quote, "to": base, "legs": [leg]}
        return {
            **told,
            "hops": [hop],
            "amountIn": float(cost),
            "amountOut": float(amount),
            "fullyFillable": amount == wanted,
            "fillRatio": float(amount / wanted),
        }


def swept(asks: list[list[str]], wanted: Decimal) -> tuple[Decimal, Decimal]:
    """What a buyer of `wanted` gets from these levels, and what it costs."""
    amount = cost = Decimal(0)
    for price, size in asks:
        taken = min(Decimal(size), wanted - amount)
        amount += taken
        cost += taken * Decimal(price)
    return amount, cost
