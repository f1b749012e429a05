"""One account's connector, brought up step by step, so that each step can be judged by itself. It places nothing.

Beside a driver it may spend a tenth of each published limit and none of the headroom, which is the driver's. Where the
numbers of a key's requests have to grow (kraken, gemini, bitfinex) it then leaves the key alone: of two processes that
count for one key, each makes the venue refuse the other's requests (D8).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from time import perf_counter

from connectors import keys
from connectors.budget import NS_PER_S, Budget, Limit, Urgency
from connectors.ccxt_venue import mapping
from connectors.ccxt_venue.assembly import assemble
from connectors.ccxt_venue.calls import CallKind, Forbidden
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Row
from connectors.ccxt_venue.venue import CcxtVenue
from connectors.ccxt_venue.wire import certificates
from connectors.settings import BookSource, VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos
from router.model.instruments import Listing, TokenDiscount
from router.model.keys import KeyReading
from router.model.outcomes import PlaceOutcome
from router.ports.clock import Clock
from router.ports.venue import VenueSink

SHARE = 10
"""Beside a driver: one part in so many of each limit."""
_CLOCK_READINGS = 3
_LOOK_S = 0.02
_SAMPLE = ClientOrderId("5046a0ce0c1e8a5c9f0e2d4b6a798c10")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockRead:
    """The venue's clock against ours. `trouble`: why it cannot be relied on; `skewed`: why they are too far apart."""

    offset_ns: int
    error_ns: int
    skewed: str | None
    trouble: str | None


class Checkup(CcxtVenue):
    """A connector for looking only. Call `reach` first; `stop` at the end."""

    def __init__(self, settings: VenueSettings, clock: Clock, *, beside_driver: bool) -> None:
        super().__init__(settings, clock)
        self._rows: list[Row] = []
        if beside_driver:
            limits = [_share(limit.scaled(settings.limits_factor)) for limit in self._dialect.limits]
            self._budget = Budget(limits, clock)

    async def reach(self) -> None:
        """Connect and read the markets. Raises `SorError`."""
        ca_file = self.settings.client_options.get("cafile")
        trusted = certificates(None if ca_file is None else str(ca_file))
        self._clients = assemble(self._dialect, self.settings, self._clock, trusted, self._budget)
        markets = await self._load_markets()
        self._desk = Desk(account=self.account, names=mapping.names_of(markets.values()))
        self._rows = [mapping.market_of(markets, symbol, self.settings.venue) for symbol in self.settings.symbols]
        mapping.check_books_apart(self._rows, self.settings.venue)

    @property
    def counts_requests(self) -> bool:
        """Must the numbers of this key's requests grow, so that only one process may use it?"""
        return hasattr(self._running.queries, "turn")

    async def read_venue_clock(self) -> ClockRead:
        """A few readings, intersected. Raises `CallFailed`."""
        for _ in range(_CLOCK_READINGS):
            await self._read_clock(CallKind.SET_UP)
        return ClockRead(
            offset_ns=self._venue_clock.offset_ns,
            error_ns=self._venue_clock.error_ns or 0,
            skewed=self._venue_clock.skewed,
            trouble=self._venue_clock.trouble(self._clock.now())
            if self._dialect.takes_deadline
            else self._venue_clock.contradiction,
        )

    async def balances(self) -> Sequence[Balance]:
        """What the key may read. Raises `CallFailed`."""
        return await self._dialect.balances(self._ask(CallKind.ACCOUNT), self._at_desk)

    async def key_reading(self) -> KeyReading:
        """What the key may do, and whether it is fit to trade with. Raises `CallFailed`."""
        powers, now_ns = await self._dialect.key_powers(self._ask(CallKind.SET_UP)), self._clock.now()
        return keys.read(powers, self.settings.attest, self.settings.unfit_keys_are, now_ns, now_ns)

    async def fees_bps(self) -> Mapping[str, Decimal]:
        """The taker rate per symbol. Raises `SorError`."""
        return await self._fees(self._rows)

    async def token_discounts(self, fees: Mapping[str, Decimal]) -> Mapping[str, TokenDiscount]:
        """What paying in the venue's token would make of those rates, as far as it can be read."""
        return await self._discounts(CallKind.SET_UP, fees) or {}

    def rules(
        self, fees: Mapping[str, Decimal], discounts: Mapping[str, TokenDiscount] | None = None
    ) -> tuple[Listing, ...]:
        """Ticks, steps and minimums as an order would meet them. Raises `SorError` for a rule that cannot be read."""
        listings = tuple(
            mapping.listing(
                market,
                venue=self.settings.venue,
                account=self.account,
                instrument=self.settings.symbols[str(market["symbol"])],
                fee_bps=fees.get(str(market["symbol"]), Decimal(0)),
                fee_in=self._dialect.fee_in,
                discount=(discounts or {}).get(str(market["symbol"])),
            )
            for market in self._rows
        )
        self._listings = {listing.symbol: listing for listing in listings}
        return listings

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Those whose rules were read."""
        return tuple(self._listings.values())

    def leave_key_alone(self) -> None:
        """From here on only what is public."""
        self.settings = replace(self.settings, credentials={})

    def stream(self, sink: VenueSink) -> None:
        """Start the streams, the private one where there is a key that may be used."""
        self._start_feeds(sink)

    async def confirmed(self, within_s: float) -> bool | None:
        """Did the venue confirm the private stream in time? None where orders are polled."""
        if self.settings.books is BookSource.POLL or self._order_feed is None:
            return None
        ends = asyncio.get_running_loop().time() + within_s
        while not self._order_feed.up and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110 - a look, not an event
            await asyncio.sleep(_LOOK_S)
        return self._order_feed.up

    async def latencies_ms(self, calls: int) -> list[float]:
        """How long the cheapest public call takes over a connection that stands, waits for the budget left out."""
        taken: list[float] = []
        reader = self._ask(CallKind.TOUCH)

        async def ask(endpoint: str, params: Mapping[str, object]) -> object:
            cost = self._dialect.cost(endpoint, params)
            await asyncio.sleep(self._budget.wait_ns(cost, Urgency.NORMAL, self._clock.now()) / NS_PER_S)
            began = perf_counter()
            answer = await reader(endpoint, params)
            taken.append((perf_counter() - began) * 1000)
            return answer

        for _ in range(calls + 1):
            await self._dialect.touch(ask)
        return taken[1:]  # the first one connects

    def spelled_id(self) -> str:
        """An id of ours as this venue would be sent it."""
        return self.encode_id(_SAMPLE)

    async def place(self, *_args: object, **_kwargs: object) -> tuple[PlaceOutcome, Nanos | None]:
        """Never."""
        message = "a check places no orders"
        raise Forbidden(message)


def _share(limit: Limit) -> Limit:
    return replace(limit, units=max(1, (limit.units - limit.reserved) // SHARE), reserved=0)
