"""What end-to-end tests stand on: a lab, a configuration that points at it, and a router that drives."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings
from router.app.execute import Executed, result, submit
from router.app.parts import Driving, Router, build_driving, opened
from router.config import Config, load
from router.drill.stand import (
    ALL_SEATS,
    BINANCE,
    BITSTAMP,
    BYBIT,
    COINBASE,
    GEMINI,
    KRAKEN,
    NIGHTLY_SEATS,
    OKX,
    SEATS,
    TERMS,
    UNFENCED,
    UNLICENSED,
    Seat,
    lab_settings,
    set_books,
    urls_of,
    write_config,
)
from router.model.ids import AccountId, InstrumentId, ParentId
from router.model.orders import ParentState
from router.observe import Observe, Redactor, open_log
from router.orders.records import Parent
from router.requests import OrderBody
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from tests.waiting import eventually

__all__ = [
    "ALL_SEATS",
    "BINANCE",
    "BITSTAMP",
    "BYBIT",
    "COINBASE",
    "GEMINI",
    "KRAKEN",
    "NIGHTLY_SEATS",
    "OKX",
    "SEATS",
    "TERMS",
    "UNFENCED",
    "UNLICENSED",
    "Seat",
    "Stand",
    "archived",
    "archiving_soon",
    "books_seen",
    "driving",
    "lab_settings",
    "order",
    "quantity_of",
    "set_books",
    "standing",
    "urls_of",
    "watched",
    "write_config",
]


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
    engine: Driving
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
async def driving(router: Router) -> AsyncIterator[tuple[Driving, "asyncio.Task[None]"]]:
    """A driver under the lease, ready; drained at the end."""
    lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
    assert lease is not None
    engine = build_driving(router)
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


async def books_seen(engine: Driving) -> None:
    """Every listing's book is there: an order planned now may choose among all of them."""

    def probe() -> bool:
        view = engine.market.view(InstrumentId("BTC/USD"), Decimal(1), SystemClock().now())
        return all(book.unusable is None for book in view.listings)

    await eventually(probe)


def archiving_soon(router: Router) -> Router:
    """Orders leave the state sooner after their end than a configuration may say."""
    return replace(router, config=replace(router.config, timings=replace(router.config.timings, archive_after_ms=100)))


async def archived(router: Router, parent_id: ParentId) -> None:
    """Somebody drives until an order that is over has left the state."""
    async with driving(router) as (engine, _):
        await eventually(lambda: parent_id not in engine.driver.engine.state.blotter.parents)


def quantity_of(orders: Sequence[Mapping[str, Any]]) -> Decimal:
    """What some venue orders executed in all."""
    return sum((Decimal(order["executed"]) for order in orders), Decimal(0))
