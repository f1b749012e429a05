"""From a lease to trading: how long a start takes, by the length of the journal and by the orders still open.

`journal`: rows are written through the store in large batches, each row's facts as a driver writes them but with a
small event, parents that are over for `ARCHIVE_AFTER_NS` leave the state as a driver lets them, and a snapshot is taken
`TAIL` rows before the end, where the default configuration would have one. Timed is what a driver does before it may
listen to anything: read the snapshot, then check and fold the rows behind it; and then a whole start, from the lease
until each account is read and an order that waits is at a venue. On SQLite, and on PostgreSQL where a server answers.

`open`: children whose fate nobody knows, at three lab venues that answer after 20 ms, and one order waiting in the
request table; the accounts were read by a driver before, and the venues' published rate limits hold. Once all the
children rest in the books, once all of them filled while nobody was there. Timed from the lease: until each account is
read, until that order's first child is at a venue, and, of those that rest, until the last is known again. Wall time:
read it on a quiet machine.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bench.histories import PRICE, QUANTITY, ROWS_A_PARENT, SYMBOLS, ended, row, unanswered
from bench.journal import server
from bench.measure import Row, Table
from bench.wire import lab, moved
from connectors.ccxt_venue.registry import dialect_of
from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from router.app.execute import submit
from router.app.parts import Router, build_driving, opened
from router.config import Config, load
from router.engine import Engine
from router.engine.image import IMAGE_VERSION
from router.model.facts import ParentArchived
from router.model.ids import AccountId, Nanos
from router.model.orders import ChildState, TimeInForce
from router.observe import Observe
from router.observe.logs import silent
from router.orders.archive import kept as archived
from router.ports import JournalRow
from router.requests import OrderBody
from router.requests.bodies import parse
from router.runtime.recovery import recover, save
from router.store import JournalStore, open_store

TAIL = 2_000
ANSWER_MS = 20
PARENTS_A_DAY = 28_800
"""Twenty a minute, day and night."""
_BATCH = 4_500
ARCHIVE_AFTER_NS = 900_000_000_000
_DAY_NS = 86_400_000_000_000
_GIVE_UP_S = 300.0
_ASK = Decimal(60_000)
_UNKNOWN = frozenset({ChildState.PENDING_NEW, ChildState.IN_DOUBT})


def run(*, quick: bool) -> Iterator[Table]:
    yield asyncio.run(_journal_table(20_000 if quick else 1_000_000))
    if (found := asyncio.run(_journal_on_a_server(20_000 if quick else 1_000_000))) is not None:
        yield found
    for filled in (False, True):
        yield asyncio.run(_open_table(60 if quick else 1_000, filled=filled))


async def _journal_table(rows: int) -> Table:
    with tempfile.TemporaryDirectory(prefix="sor-bench-") as folder:
        path = Path(folder) / "sor.db"
        url = f"sqlite:///{path}"
        note, took = await _journal_at(url, rows)
        note += f", {path.stat().st_size / 1e6:.0f} MB"
    return _table(f"recovery: SQLite, a journal of {rows} rows, its newest snapshot {TAIL} rows back", took, [note])


async def _journal_on_a_server(rows: int) -> Table | None:
    async with AsyncExitStack() as stack:
        url = await server(stack)
        if url is None:
            return None
        note, took = await _journal_at(url, rows)
    return _table(f"recovery: PostgreSQL, a journal of {rows} rows, its newest snapshot {TAIL} rows back", took, [note])


async def _journal_at(url: str, rows: int) -> tuple[str, dict[str, float]]:
    began = time.monotonic()
    parents, kept, snapshot = await _write(url, rows)
    note = (
        f"{rows} rows, {parents} parents in {parents / PARENTS_A_DAY:.1f} days,"
        f" written in {time.monotonic() - began:.0f} s; {kept} parents in a snapshot of {snapshot / 1e6:.1f} MB"
    )
    took = {"snapshot and tail": await _recovery_s(url)}
    async with lab() as control:
        await _set_books(control, ask=_ASK)
        async with opened(_config(url), Observe(silent())) as router:
            await control.inject("*", FaultKind.SLOW, times=None, delay_ms=ANSWER_MS)
            await _submit_next(router)
            spent = time.process_time()
            took |= await _start(router, 0)
            return f"{note}; the whole start took {time.process_time() - spent:.1f} s of processor time", took


async def _submit_next(router: Router) -> None:
    body = {"ref_id": "NEXT", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "0.01"}
    await submit(router, parse(OrderBody, body), "bench")


async def _recovery_s(url: str) -> float:
    store = await open_store(url, "lab")
    try:
        began = time.monotonic()
        await recover(store, {}, _raise)
        return time.monotonic() - began
    finally:
        await store.close()


async def _write(url: str, rows: int) -> tuple[int, int, int]:
    """How many parents were written; how many of them the snapshot holds, and its bytes."""
    store = await open_store(url, "lab")
    try:
        lease = await store.take_lease("bench", 3_600_000)
        assert lease is not None
        engine, parents, at_ns = Engine({}), rows // ROWS_A_PARENT, time.time_ns()
        first_ns = at_ns - parents * (_DAY_NS // PARENTS_A_DAY)
        batch: list[JournalRow] = []
        until_snapshot = parents - TAIL // ROWS_A_PARENT
        kept = snapshot = 0
        for number in range(parents):
            at_ns = first_ns + number * (_DAY_NS // PARENTS_A_DAY)
            batch += ended(store.deployment, number, Nanos(at_ns))
            if len(batch) >= _BATCH or number in {until_snapshot, parents - 1}:
                await _append(store, engine, batch)
                await _append(store, engine, list(_over(engine, Nanos(at_ns))))
                batch = []
            if number == until_snapshot:
                head = await store.newest_row()
                assert head is not None
                await save(store, engine, *head, Nanos(at_ns))
                saved = await store.newest_snapshot(IMAGE_VERSION)
                assert saved is not None
                kept, snapshot = len(engine.state.blotter.parents), len(saved[2])
        await store.release_lease(lease)
        return parents, kept, snapshot
    finally:
        await store.close()


def _over(engine: Engine, at_ns: Nanos) -> Iterator[JournalRow]:
    """Parents that are over for long enough leave."""
    blotter = engine.state.blotter
    old = [one for one in blotter.parents.values() if at_ns - (one.ended_ns or at_ns) >= ARCHIVE_AFTER_NS]
    return (row(at_ns, ParentArchived(parent=archived(blotter, one), at_ns=at_ns)) for one in old)


async def _append(store: JournalStore, engine: Engine, batch: list[JournalRow]) -> None:
    await store.append(batch)
    for one in batch:
        engine.recover(one.stamped.at_ns, one.facts)


async def _open_table(children: int, *, filled: bool) -> Table:
    with tempfile.TemporaryDirectory(prefix="sor-bench-") as folder:
        async with lab() as control:
            await _set_books(control, ask=PRICE if filled else _ASK)
            config = _config(f"sqlite:///{Path(folder) / 'bench.db'}")
            async with opened(config, Observe(silent())) as router:
                await _open_books(router)
            async with opened(config, Observe(silent())) as router:
                await _leave_open(router, control, children, filled=filled)
                await _set_books(control, ask=_ASK)
                await control.inject("*", FaultKind.SLOW, times=None, delay_ms=ANSWER_MS)
                await _submit_next(router)
                took = await _start(router, 0 if filled else children)
    fate = "that filled meanwhile" if filled else "that rest"
    title = f"recovery: {children} children {fate}, their fate unknown, three venues that answer in {ANSWER_MS} ms"
    return _table(title, took, [])


async def _set_books(control: LabControl, ask: Decimal) -> None:
    await control.set_book("kraken", "USDT/USD", bids=[("0.9999", "1000000")], asks=[("1.0001", "1000000")])
    for venue, symbol in SYMBOLS.items():
        await control.set_book(venue, symbol, bids=[(str(ask - 10), "1000")], asks=[(str(ask), "1000")])


def _config(url: str) -> Config:
    config = load(None)
    only = [venue for venue in config.venues if venue.venue in SYMBOLS]
    return replace(
        config,
        venues=tuple(replace(venue, loopback=moved(venue.loopback), rate_scale=1) for venue in only),
        database_url=url,
        timings=replace(config.timings, approval_age_ms=2_000),
    )


async def _open_books(router: Router) -> None:
    """A first driver has read every account, as it would have before it left anything open."""
    lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
    assert lease is not None
    engine = build_driving(router)
    driving = asyncio.create_task(engine.driver.run(lease))
    await engine.driver.ready()
    assert all(gate.open for gate in engine.driver.engine.state.gates.values())
    engine.driver.stop()
    await driving


async def _leave_open(router: Router, control: LabControl, children: int, *, filled: bool) -> None:
    """As a driver leaves them that dies with everything on its way: the intents here, the orders there."""
    tif = TimeInForce.IOC if filled else TimeInForce.GTC
    store = router.store
    lease = await store.take_lease("bench", 60_000)
    assert lease is not None
    rows = []
    for taken, orders in unanswered(store.deployment, children // 10, 10, router.clock.now(), tif):
        rows.append(taken)
        for order in orders:
            name = dialect_of(str(order.venue)).encode_id(order.client_id)
            await control.place(order.venue, order.symbol, "BUY", QUANTITY, PRICE, tif=tif, client_id=name)
    await store.append(rows)
    await store.release_lease(lease)


async def _start(router: Router, resting: int) -> dict[str, float]:
    """Seconds from the lease to each of what is waited for; for the fate of children only where there are `resting`."""
    engine = build_driving(router)
    took: dict[str, float] = {}
    began = time.monotonic()
    lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
    assert lease is not None
    driving = asyncio.create_task(engine.driver.run(lease))

    async def until(name: str, so: Callable[[], bool]) -> None:
        while not so():
            assert not driving.done(), driving
            assert time.monotonic() - began < _GIVE_UP_S, f"{name}: {took}"
            await asyncio.sleep(0.02)
        took[name] = time.monotonic() - began

    def read(venue: str) -> Callable[[], bool]:
        def probe() -> bool:
            state = engine.driver.engine.state
            ours = state.started is not None and state.started.epoch == lease.epoch
            return ours and state.gate_open(AccountId(f"{venue}/main"))

        return probe

    def sent() -> bool:
        """The one parent that was not there before has a child that a venue took."""
        blotter = engine.driver.engine.state.blotter
        new = [child for child in blotter.children.values() if child.order.limit_price != PRICE]
        return any(child.state in {ChildState.WORKING, ChildState.FILLED} for child in new)

    def known() -> bool:
        old = [
            child for child in engine.driver.engine.state.blotter.children.values() if child.order.limit_price == PRICE
        ]
        return len(old) >= resting and not any(child.state in _UNKNOWN for child in old)

    try:
        await asyncio.gather(
            *(until(f"{venue} is read", read(venue)) for venue in SYMBOLS),
            until("the next order's child is at a venue", sent),
            *([until("the fate of the last child is known", known)] if resting else []),
        )
    finally:
        engine.driver.stop()
        await driving
    return dict(sorted(took.items(), key=lambda one: one[1]))


def _table(title: str, took_s: dict[str, float], notes: list[str]) -> Table:
    base = next(iter(took_s.values()))
    rows = [Row(name=name, median=s * 1e3, best=s * 1e3, worst=s * 1e3, ratio=s / base) for name, s in took_s.items()]
    return Table(title=title, unit="ms", rows=rows, notes=[*notes, "wall time, one run"])


def _raise(error: Exception) -> None:
    raise error
