"""What end-to-end tests stand on: a lab, a configuration that points at it, and a router that drives."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.app.execute import Executed, result, submit
from router.app.parts import Engine, Router, build_engine, opened
from router.config import Config, load
from router.model.ids import AccountId, InstrumentId, ParentId
from router.model.orders import ParentState
from router.observe import Observe, Redactor, open_log
from router.orders.records import Parent
from router.requests import OrderBody
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from tests.waiting import eventually

# Deadlines and lags of the lab: long enough for a busy machine to send in, short enough not to wait for.
TERMS: Mapping[str, int] = {
    "request_ttl_ms": 250,
    "engine_wait_ms": 20,
    "read_lag_ms": 70,
    "look_up_wait_ms": 25,
    "quarantine_after_ms": 900,
}
LAB_READ_LAG_MS = 40
"""How long the lab keeps an order and its trades from look-ups: who asks at once is told that there is none."""
BIDS = (("60000", "0.2"), ("59990", "0.3"), ("59980", "50"))
ASKS = (("60010", "0.2"), ("60020", "0.3"), ("60030", "50"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """One venue account of a configuration: the lab's venue `name`, which speaks `protocol`."""

    name: str
    protocol: str
    symbols: Mapping[str, str]
    licensed: bool = False
    terms: Mapping[str, int] = field(default_factory=lambda: TERMS)
    dead_man_s: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of its venue section."""


BINANCE = Seat(name="binance", protocol="binance", symbols={"BTC/USDT": "BTC/USD"})
KRAKEN = Seat(name="kraken", protocol="kraken", symbols={"BTC/USD": "BTC/USD"})
COINBASE = Seat(name="coinbase", protocol="coinbase", symbols={"BTC/USD": "BTC/USD"}, licensed=True)
UNLICENSED = replace(COINBASE, name="unlicensed", licensed=False)
SEATS = (BINANCE, KRAKEN, COINBASE)
ALL_SEATS = (*SEATS, UNLICENSED)
BYBIT = Seat(name="bybit", protocol="bybit", symbols={"BTC/USDT": "BTC/USD"})
OKX = Seat(name="okx", protocol="okx", symbols={"BTC/USDT": "BTC/USD"})
BITSTAMP = Seat(name="bitstamp", protocol="bitstamp", symbols={"BTC/USD": "BTC/USD"}, licensed=True)
GEMINI = Seat(name="gemini", protocol="gemini", symbols={"BTC/USD": "BTC/USD"})
NIGHTLY_SEATS = (BYBIT, OKX, BITSTAMP, GEMINI)
UNFENCED = (UNLICENSED, GEMINI)
"""Neither a deadline nor a licence: no rule may decide what became of an order that cannot be found."""


def lab_settings(seats: Sequence[Seat] = SEATS, **changes: Any) -> LabSettings:
    """A lab with these venues on free ports, books as set by hand unless said otherwise."""
    venues = tuple(
        LabVenueSettings(name=seat.name, protocol=seat.protocol, read_lag_ms=LAB_READ_LAG_MS) for seat in seats
    )
    return LabSettings(**{"venues": venues, "static": True, "breath_ms": 100, **changes})


async def set_books(lab: LabControl, seats: Sequence[Seat] = SEATS, bids: Any = BIDS, asks: Any = ASKS) -> None:
    """The same book for every bitcoin listing."""
    for seat in seats:
        for symbol, instrument in seat.symbols.items():
            if instrument == "BTC/USD":
                await lab.set_book(seat.name, symbol, bids=bids, asks=asks)


def write_config(folder: Path, urls: Mapping[str, str], seats: Sequence[Seat] = SEATS, **changes: Any) -> Path:
    """A configuration file such as an operator writes; `changes` replace or add sections."""
    text: dict[str, Any] = {
        "mode": "lab",
        "deployment": "e2e",
        "entity": "desk",
        "database": f"sqlite:///{folder / 'sor.db'}",
        "secrets_dir": str(folder / "secrets"),
        "allow_loopback_urls": True,
        "instruments": ["BTC/USD"],
        "fx": {"USDT": {"declared": 1}, "USDC": {"declared": 1}},
        "venues": {
            seat.name: {
                "ccxt_id": seat.protocol,
                "account": "main",
                "symbols": dict(seat.symbols),
                "loopback": urls[seat.name],
                "dedupe_licensed": seat.licensed,
                "timeout_ms": 350,
                "silence_ms": 1_500,
                "terms": dict(seat.terms),
                "dead_man_s": seat.dead_man_s,
                **seat.more,
            }
            for seat in seats
        },
        "timings": {"lease_ttl_ms": 1_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 200},
        "status": {"port": None},
        **changes,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(text))
    return path


def urls_of(lab: Lab) -> dict[str, str]:
    return {name: venue.url for name, venue in lab.venues.items()}


def order(ref_id: str, quantity: str = "0.4", side: str = "BUY", **fields: Any) -> OrderBody:
    body = {"ref_id": ref_id, "instrument": "BTC/USD", "side": side, "base_quantity": quantity, **fields}
    return parse(OrderBody, body)


def watched(log: io.TextIOBase | None = None, level: str = "debug") -> Observe:
    """What a process observes with; its log goes nowhere unless a test wants to read it."""
    return Observe(open_log(log or io.StringIO(), level=level, json=True, redactor=Redactor(())))  # type: ignore[arg-type]


@dataclass(slots=True)
class Stand:
    """A lab and a router that drives it, in this process."""

    lab: Lab
    control: LabControl
    config: Config
    router: Router
    engine: Engine
    running: "asyncio.Task[None]"

    async def submit(self, body: OrderBody) -> ParentId:
        return await submit(self.router, body, "e2e")

    def parent(self, parent_id: ParentId) -> Parent | None:
        assert not self.running.done(), f"the driver has ended: {self.running}"
        return self.engine.driver.engine.state.blotter.parents.get(parent_id)

    async def ended(self, parent_id: ParentId, within_s: float = 20.0) -> ParentState:
        """How the parent ended: decided, and durable, which comes a moment later."""

        def decided() -> bool:
            parent = self.parent(parent_id)
            return parent is not None and parent.state.ended

        async def durable() -> ParentState | None:
            detail = (await self.result(parent_id)).detail
            state = None if detail is None else ParentState(detail.parent.state)
            return state if state is not None and state.ended else None

        await eventually(decided, within_s=within_s)
        return await eventually(durable)

    async def result(self, parent_id: ParentId) -> Executed:
        """What `sor execute` would print."""
        return await result(self.router, parent_id)

    async def fresh(self, seats: Sequence[Seat]) -> None:
        """Nothing is wrong any more, books are as at the beginning, and the router has seen them."""
        await self.control.clear_faults()
        await eventually(lambda: not self.silent())
        await set_books(self.control, seats)
        await books_seen(self.engine)
        await eventually(lambda: all(self.gate_open(seat) for seat in seats))

    def silent(self) -> bool:
        """Is any socket of the lab still held silent by an earlier fault?"""
        venues = self.lab.venues.values()
        return any(session._silent_until_ns > venue.now_ns() for venue in venues for session in venue.sessions)

    def gate_open(self, seat: Seat) -> bool:
        assert not self.running.done(), f"the driver has ended: {self.running}"
        return self.engine.driver.engine.state.gate_open(AccountId(f"{seat.name}/main"))

    async def fired(self, rule_id: int) -> bool:
        """Has the fault been committed?"""
        return any(count["id"] == rule_id and count["fired"] for count in await self.control.faults())

    async def matched(self, rule_id: int) -> int:
        """How often the fault's place came up: for a fault on placing, how many copies the venue was sent."""
        return int(next(count["matched"] for count in await self.control.faults() if count["id"] == rule_id))


@asynccontextmanager
async def standing(
    folder: Path,
    seats: Sequence[Seat] = SEATS,
    lab: LabSettings | None = None,
    around: Callable[[Router], Router] = lambda router: router,
    **changes: Any,
) -> AsyncIterator[Stand]:
    """A lab, and a router that has read its accounts and waits for orders.

    `around` may put something around the router's parts before it drives.
    """
    async with Lab(lab or lab_settings(seats)) as running_lab, LabControl(running_lab.control_url) as control:
        if running_lab.settings.static:
            await set_books(control, seats)
        config = load(write_config(folder, urls_of(running_lab), seats, **changes))
        async with opened(config, watched()) as parts, driving(router := around(parts)) as (engine, running):
            await books_seen(engine)
            yield Stand(running_lab, control, config, router, engine, running)


@asynccontextmanager
async def driving(router: Router) -> AsyncIterator[tuple[Engine, "asyncio.Task[None]"]]:
    """A driver under the lease, ready; drained at the end."""
    lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
    assert lease is not None
    engine = build_engine(router)
    running = asyncio.create_task(engine.driver.run(lease))
    ready = asyncio.create_task(engine.driver.ready())
    try:
        await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield engine, running
    finally:
        ready.cancel()
        engine.driver.stop()
        await asyncio.wait([running])


async def books_seen(engine: Engine) -> None:
    """Every listing's book is there: an order planned now may choose among all of them."""

    def probe() -> bool:
        view = engine.market.view(InstrumentId("BTC/USD"), Decimal(1), SystemClock().now())
        return all(book.unusable is None for book in view.listings)

    await eventually(probe)


def quantity_of(orders: Sequence[Mapping[str, Any]]) -> Decimal:
    """What some venue orders executed in all."""
    return sum((Decimal(order["executed"]) for order in orders), Decimal(0))
