"""A clean stop leaves a snapshot that the journal's tail can be folded onto."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from policies import POLICIES
from router.book.books import ViewPolicy
from router.engine import Engine
from router.model.events import Event, HaltAsked, HaltLevel, ParentSubmitted, Started
from router.model.ids import EntityId, InstrumentId, RefId
from router.model.orders import ParentOrder
from router.model.policies import SweepParams
from router.model.requests import Request, RequestKind
from router.model.side import Side
from router.observe import Observe
from router.observe.logs import silent
from router.orders.client_ids import parent_id
from router.ports import Appended, JournalRow, Lease
from router.requests import HaltBody, OrderBody, halt_request, order_request
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.runtime.driver import Driver, DriverSettings
from router.runtime.inbox import Inbox
from router.runtime.market import Market
from router.runtime.recovery import SNAPSHOTS, recover
from router.runtime.switch import Switch
from router.store import JournalStore, open_store
from tests.engine.desk import LIMITS
from tests.waiting import eventually


class SlowStore:
    """A store on a disk that takes its time."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self.begun = 0
        self.releasing = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        """The real append, later."""
        self.begun += 1
        await asyncio.sleep(0.05)
        return await self._store.append(rows)

    async def release_lease(self, lease: Lease) -> None:
        """The same."""
        self.releasing.set()
        await asyncio.sleep(0.05)
        await self._store.release_lease(lease)


async def understand(request: Request) -> Event:
    """A halt, or a parent of an instrument nobody configured: turned down, which is a fact."""
    if request.kind is RequestKind.HALT:
        return HaltAsked(level=HaltLevel.NEW, reason="stop", principal="t")
    if request.kind is RequestKind.RESUME:
        return HaltAsked(level=HaltLevel.NONE, reason="go on", principal="t")
    ref_id = RefId(request.key)
    return ParentSubmitted(
        order=ParentOrder(
            id=parent_id(deployment="d", entity=EntityId("acme"), ref_id=ref_id),
            entity=EntityId("acme"),
            ref_id=ref_id,
            instrument=InstrumentId("ETH/USD"),
            side=Side.BUY,
            quantity=LIMITS.parent_quantity_max,
            limit_price=None,
            policy="SWEEP",
            params=SweepParams(),
        )
    )


def started(lease: Lease) -> Started:
    """No venues at all."""
    return Started(
        deployment="d", incarnation=1, epoch=lease.epoch, version="test", instruments=(), terms=(), limits=LIMITS
    )


def driver_on(store: SlowStore) -> Driver:
    """A driver without venues."""
    clock, inbox, observe = SystemClock(), Inbox(), Observe(silent())
    return Driver(
        settings=DriverSettings(lease_ttl_ms=30_000, request_poll_ms=5, snapshot_every=10_000, drain_ms=2_000),
        store=store,  # type: ignore[arg-type]
        ports={},
        policies=POLICIES,
        market=Market((), ViewPolicy(book_age_ms_max=1_000), inbox, *[lambda *_: None] * 3),
        inbox=inbox,
        switch=Switch(clock, 50),
        clock=clock,
        observe=observe,
        understand=understand,
        started=started,
    )


@pytest.mark.parametrize("appends", [1, 2, 3])
async def test_the_snapshot_of_a_drain_is_never_ahead_of_the_journal(tmp_path: Path, appends: int) -> None:
    """Stopped in the middle of slow appends: image plus tail is the journal from its first row, to the byte."""
    store = await open_store(f"sqlite:///{tmp_path / 'sor.db'}", "lab")
    try:
        body = {"instrument": "ETH/USD", "side": "BUY", "base_quantity": "1"}
        clock = SystemClock()
        for number in range(40):
            order = parse(OrderBody, body | {"ref_id": f"R{number}"})
            await store.ask(order_request(order, entity=EntityId("acme"), principal="t", asked_ns=clock.now()))
        lease = await store.take_lease("t", 30_000)
        assert lease is not None
        slow = SlowStore(store)
        driver = driver_on(slow)
        running = asyncio.create_task(driver.run(lease))
        await eventually(lambda: slow.begun == appends, every_s=0.001)
        driver.stop()
        await running

        refused: list[Exception] = []
        from_image = await recover(store, POLICIES, refused.append)
        from_start = Engine(POLICIES)
        for row in await store.read(0, 10_000):
            from_start.recover(row.row.stamped.at_ns, row.row.facts)
        assert refused == []
        assert SNAPSHOTS.dumps(from_image.engine.state.image()) == SNAPSHOTS.dumps(from_start.state.image())
    finally:
        await store.close()


async def test_a_halt_asked_for_while_nobody_drove_bites_before_the_first_decision(tmp_path: Path) -> None:
    """It is taken first, whatever stands before it in the table."""
    store = await open_store(f"sqlite:///{tmp_path / 'sor.db'}", "lab")
    try:
        clock = SystemClock()
        body = {"instrument": "ETH/USD", "side": "BUY", "base_quantity": "1"}
        for number in range(100):
            order = parse(OrderBody, body | {"ref_id": f"R{number}"})
            await store.ask(order_request(order, entity=EntityId("acme"), principal="t", asked_ns=clock.now()))
        halt = halt_request(
            parse(HaltBody, {"reason": "stop"}),
            resume=False,
            entity=EntityId("acme"),
            principal="t",
            asked_ns=clock.now(),
        )
        await store.ask(halt)

        requests = await store.open_requests(64)
        lease = await store.take_lease("t", 30_000)
        assert lease is not None
        driver = driver_on(SlowStore(store))
        running = asyncio.create_task(driver.run(lease))
        await eventually(lambda: driver.engine.state.halted)
        driver.stop()
        await running

        assert requests[0].kind is RequestKind.HALT
        events = [type(row.row.stamped.event).__name__ for row in await store.read(0, 10)]
        assert "HaltAsked" in events[:2]
    finally:
        await store.close()


async def test_a_resume_that_was_asked_for_before_a_halt_does_not_undo_it(tmp_path: Path) -> None:
    """The halt is taken first, and is the last word all the same."""
    store = await open_store(f"sqlite:///{tmp_path / 'sor.db'}", "lab")
    try:
        clock = SystemClock()
        for resume in (False, True, False):
            body = parse(HaltBody, {"reason": "go on" if resume else "stop"})
            request = halt_request(body, resume=resume, entity=EntityId("acme"), principal="t", asked_ns=clock.now())
            await store.ask(request)
        lease = await store.take_lease("t", 30_000)
        assert lease is not None
        driver = driver_on(SlowStore(store))
        running = asyncio.create_task(driver.run(lease))
        await eventually(lambda: driver.heard_all)
        assert driver.engine.state.halted
        driver.stop()
        await running
        assert await store.open_requests(9) == ()
    finally:
        await store.close()


async def test_who_is_cancelled_while_he_leaves_leaves_all_the_same(tmp_path: Path) -> None:
    """Nothing runs on, the lease is given back, and the cancellation is heard."""
    store = await open_store(f"sqlite:///{tmp_path / 'sor.db'}", "lab")
    try:
        lease = await store.take_lease("t", 30_000)
        assert lease is not None
        before = asyncio.all_tasks()
        driver = driver_on(slow := SlowStore(store))
        running = asyncio.create_task(driver.run(lease))
        await eventually(lambda: driver.heard_all)
        running.cancel()
        await slow.releasing.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert await store.holder() is None
        assert asyncio.all_tasks() == before
    finally:
        await store.close()
