"""One decision made durable: what `append` costs on both databases, beside the disk and the drivers alone.

A row is a decision as the live shell appends it: the view of three listings, twenty levels a side, the plan, and an
intent per child, so the rows grow with the children. Wall time, because a commit is waiting for a disk: the first row
of each table, `fdatasync` after writing as many bytes in place, is what this disk can do at that moment, and the ratio
to it is what is worth reading. `bare` is one INSERT of the same payload by the driver alone.

PostgreSQL is measured where a server answers at SOR_TEST_POSTGRES_URL, in a database of its own.
"""

import asyncio
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path

from bench.measure import Table, table
from router.journal.chain import GENESIS
from router.journal.rows import stored
from router.model.events import MarketSeen, Stamped
from router.model.facts import ChildIntended, PlannedChild, RoundPlanned
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    ParentId,
    VenueId,
)
from router.model.instruments import FeeIn, Listing
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.orders import ChildOrder, TimeInForce
from router.model.side import Side
from router.ports.store import JournalRow
from router.store import open_store

CHILDREN = (1, 5, 16)
LISTINGS = 3
LEVELS = 20
Commit = Callable[[JournalRow], Awaitable[object]]

_numbers = count(1)


def run(*, quick: bool) -> Iterator[Table]:
    rounds, commits = (2, 20) if quick else (7, 150)
    yield _codec_table(rounds)
    for children in CHILDREN:
        yield asyncio.run(_commit_table(children, rounds, commits))


async def _commit_table(children: int, rounds: int, commits: int) -> Table:
    spent: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sor-bench-")))
        contestants = {
            "fdatasync in place": await stack.enter_async_context(_disk(folder, children)),
            "sqlite3, bare INSERT": await stack.enter_async_context(_bare_sqlite(folder, children)),
            "SqliteStore.append": await stack.enter_async_context(_store(f"sqlite:///{folder / 'sor.db'}")),
        }
        url = await server(stack)
        if url is not None:
            contestants["asyncpg, bare INSERT"] = await stack.enter_async_context(_bare_postgres(url, children))
            contestants["PostgresStore.append"] = await stack.enter_async_context(_store(url))
        for commit in contestants.values():
            await _median_ns(commit, 10, children)
        for _ in range(rounds):
            for name, commit in contestants.items():
                spent.setdefault(name, []).append(await _median_ns(commit, commits, children))
    size = len(stored(_decision(children), "main", 1, 1, GENESIS).payload)
    notes = [
        f"{name}: {1e9 / statistics.median(times):.0f} commits/s, one after the other, {children} intents in each"
        for name, times in spent.items()
        if name.endswith("append")
    ]
    notes.append(f"payload {size} bytes; wall time, median of {commits} commits per round")
    if url is None:
        notes.append("PostgreSQL: not measured, no server answers at SOR_TEST_POSTGRES_URL")
    return table(f"One decision with {children} children, durable", spent, unit="us", notes=notes)


async def _median_ns(commit: Commit, commits: int, children: int) -> float:
    times = []
    for row in [_decision(children) for _ in range(commits)]:
        began = time.perf_counter_ns()
        await commit(row)
        times.append(time.perf_counter_ns() - began)
    return statistics.median(times)


def _codec_table(rounds: int) -> Table:
    """What of an append is ours: writing the row as JSON and hashing it."""
    spent: dict[str, list[float]] = {f"{children} children": [] for children in CHILDREN}
    for _ in range(rounds):
        for children in CHILDREN:
            rows = [_decision(children) for _ in range(50)]
            began = time.thread_time_ns()
            for row in rows:
                stored(row, "main", 1, 1, GENESIS)
            spent[f"{children} children"].append((time.thread_time_ns() - began) / len(rows))
    return table("A decision as JSON, chained (CPU time of this thread)", spent, unit="us")


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[Commit]:
    store = await open_store(url, "lab")
    try:
        assert await store.take_lease("bench", 3_600_000) is not None
        yield lambda row: store.append([row])
    finally:
        await store.close()


@asynccontextmanager
async def _disk(folder: Path, children: int) -> AsyncIterator[Commit]:
    """A log written in place, as long as it needs: no file system metadata changes."""
    size = 32 << 20
    file = os.open(folder / "log", os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(file, bytes(size), 0)
    os.fsync(file)
    payload = stored(_decision(children), "main", 1, 1, GENESIS).payload.encode()
    offsets = count(0, len(payload))

    async def commit(_row: JournalRow) -> None:
        os.pwrite(file, payload, next(offsets) % (size - len(payload)))
        os.fdatasync(file)

    yield commit
    os.close(file)


_TABLE = "CREATE TABLE bare (seq BIGINT PRIMARY KEY, payload TEXT)"


@asynccontextmanager
async def _bare_sqlite(folder: Path, children: int) -> AsyncIterator[Commit]:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(_TABLE)
    payload = stored(_decision(children), "main", 1, 1, GENESIS).payload

    async def commit(_row: JournalRow) -> None:
        connection.execute("INSERT INTO bare VALUES (?, ?)", (next(_numbers), payload))

    yield commit
    connection.close()


@asynccontextmanager
async def _bare_postgres(url: str, children: int) -> AsyncIterator[Commit]:
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE SCHEMA bare; {_TABLE.replace('bare', 'bare.bare')}")
    insert = await connection.prepare("INSERT INTO bare.bare VALUES ($1, $2)")
    payload = stored(_decision(children), "main", 1, 1, GENESIS).payload

    async def commit(_row: JournalRow) -> None:
        await insert.fetch(next(_numbers), payload)

    yield commit
    await connection.close()


async def server(stack: AsyncExitStack) -> str | None:
    """A database of our own on the server, dropped afterwards; None where no server answers."""
    import asyncpg

    url = os.environ.get("SOR_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"sor_bench_{secrets.token_hex(4)}"
    try:
        connection = await asyncpg.connect(url, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return None
    stack.push_async_callback(connection.close)
    await connection.execute(f'CREATE DATABASE "{name}"')
    stack.push_async_callback(connection.execute, f'DROP DATABASE "{name}" WITH (FORCE)')
    return f"{url.rpartition('/')[0]}/{name}"


def _decision(children: int) -> JournalRow:
    at_ns = Nanos(time.time_ns())
    orders = [_child() for _ in range(children)]
    planned = RoundPlanned(
        parent_id=ParentId("parent"),
        round=1,
        at_ns=at_ns,
        due=Decimal(5),
        children=tuple(
            PlannedChild(
                client_id=order.client_id,
                listing_id=order.listing_id,
                quantity=order.quantity,
                limit_price=order.limit_price,
                expected_price=order.limit_price,
                effective_price=order.limit_price,
            )
            for order in orders
        ),
        residual=Decimal(0),
        residual_reason=None,
        all_in_cost=Decimal("300000.12"),
        marginal_price=Decimal("60012.34"),
        exclusions=(),
    )
    intended = tuple(
        ChildIntended(order=order, reserved_asset="USD", reserved=Decimal("30000.05"), notional=Decimal("30000.05"))
        for order in orders
    )
    return JournalRow(stamped=Stamped(at_ns=at_ns, event=MarketSeen(view=_VIEW)), facts=(planned, *intended))


def _child() -> ChildOrder:
    number = next(_numbers)
    return ChildOrder(
        client_id=ClientOrderId(secrets.token_hex(16)),
        parent_id=ParentId(f"parent {number}"),
        entity=EntityId("desk"),
        number=number,
        venue=VenueId("kraken"),
        account=AccountId("kraken/main"),
        listing_id=ListingId("kraken/main:BTC/USD"),
        symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        side=Side.BUY,
        quantity=Decimal("0.31250"),
        limit_price=Decimal("60000.10"),
        time_in_force=TimeInForce.IOC,
        decided_at_ns=Nanos(1_700_000_000_000_000_000),
        deadline_ns=Nanos(1_700_000_002_500_000_000),
    )


def _listing(number: int) -> Listing:
    account = AccountId(f"venue{number}/main")
    return Listing(
        id=ListingId(f"{account}:BTC/USD"),
        instrument=InstrumentId("BTC/USD"),
        venue=VenueId(f"venue{number}"),
        account=account,
        symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        tick=Decimal("0.1"),
        step=Decimal("0.00001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(5),
        max_quantity=None,
        taker_fee_bps=Decimal(26),
        fee_in=FeeIn.QUOTE,
    )


def _side(sign: int) -> tuple[Level, ...]:
    return tuple(Level(Decimal("60000.1") + sign * level, Decimal("0.12345")) for level in range(1, LEVELS + 1))


_VIEW = MarketView(
    instrument=InstrumentId("BTC/USD"),
    at_ns=Nanos(1_700_000_000_000_000_000),
    listings=tuple(
        ListingView(listing=_listing(number), bids=_side(-1), asks=_side(1), book_age_ns=3_000_000, book_seq=77_777)
        for number in range(LISTINGS)
    ),
    fx=(FxMark(asset=Asset("USDT"), rate=Decimal("0.9998"), age_ns=5_000_000, source="kraken/main:USDT/USD"),),
)
