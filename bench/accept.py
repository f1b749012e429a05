"""How soon an order is on disk that comes in over HTTP: 100 a second for a minute, on both databases.

The server, its driver and the lab are processes of their own. Orders are sent by the clock whether or not earlier ones
were answered, and an order's time counts from when it was due, so a server that stops shows. One in twenty is sent
twice at once under one Idempotency-Key. Afterwards the database is asked: every answered order is one request and,
where somebody drives, one parent; anything more is a duplicate.

PostgreSQL is measured where a server answers at SOR_TEST_POSTGRES_URL, in a database of its own.
"""

import asyncio
import os
import secrets
import signal
import sqlite3
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import aiohttp

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from router.drill.stand import SEATS, lab_settings, set_books, urls_of, write_config

PER_S = 100
SECONDS = 60
TWICE_EVERY = 20
QUANTITY = Decimal("0.0005")
_MS = 1_000
_READY_S = 60


@dataclass(frozen=True)
class Accepted:
    """One run."""

    name: str
    answers: Counter[int]
    times_ms: list[float]
    requests: int
    parents: int | None
    duplicates: int
    lost: int
    bought: Decimal | None
    """At the venues, by their own record, when the last order had been answered."""

    def __str__(self) -> str:
        times = sorted(self.times_ms)
        at = {share: times[min(int(len(times) * share), len(times) - 1)] for share in (0.5, 0.9, 0.99)}
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))
        ordered = QUANTITY * self.requests
        driven = (
            "nobody drives"
            if self.parents is None
            else f"{self.parents} taken by then, {self.bought} of {ordered} BTC bought at the venues"
        )
        return (
            f"\n{self.name}: {PER_S} orders a second, {answers}\n"
            f"  accept p50 {at[0.5]:.1f} ms, p90 {at[0.9]:.1f}, p99 {at[0.99]:.1f}, worst {times[-1]:.1f}\n"
            f"  {self.requests} requests on disk, duplicates {self.duplicates}, lost {self.lost}; {driven}"
        )


def run(*, quick: bool) -> Iterator[Accepted]:
    seconds = 3 if quick else SECONDS
    for postgres in (False, True):
        for commands in (("api",), ("serve", "api"), ("serve",)):
            found = asyncio.run(_run(commands, seconds, postgres=postgres))
            if found is not None:
                yield found


async def _run(commands: Sequence[str], seconds: int, *, postgres: bool) -> Accepted | None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with _database(folder, postgres=postgres) as url:
            if url is None:
                return None
            async with Lab(lab_settings(SEATS)) as lab, LabControl(lab.control_url) as control:
                await set_books(control, SEATS)
                changes = {"database": url, "http": {"rate_per_s": 10_000}, "log": {"level": "warning"}}
                config = write_config(folder, urls_of(lab), SEATS, **changes)
                async with AsyncExitStack() as stack:
                    for command in commands:  # the last one is asked
                        base = await stack.enter_async_context(_server(command, config, folder))
                    title = f"{'PostgreSQL' if postgres else 'SQLite'}, sor {' + sor '.join(commands)}"
                    return await _measured(title, base, seconds, url, control, driven="serve" in commands)


@asynccontextmanager
async def _database(folder: Path, *, postgres: bool) -> AsyncIterator[str | None]:
    if not postgres:
        yield f"sqlite:///{folder / 'sor.db'}"
        return
    import asyncpg

    server = os.environ.get("SOR_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    name = f"sor_bench_{secrets.token_hex(6)}"
    try:
        connection = await asyncpg.connect(server, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        yield None
        return
    await connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.close()


@asynccontextmanager
async def _server(command: str, config: Path, folder: Path) -> AsyncIterator[str]:
    """The process, once it is ready to take orders (driven: once it trades)."""
    port = 20_000 + secrets.randbelow(20_000)
    arguments = ("-m", "router.cli", command, "--http", f"127.0.0.1:{port}", "--config", str(config))
    with (folder / f"{command}.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}"
            await _ready(base, "readyz" if command == "serve" else "livez", folder / f"{command}.log")
            yield base
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def _ready(base: str, probe: str, log: Path) -> None:
    give_up = time.monotonic() + _READY_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < give_up:
            try:
                async with session.get(f"{base}/{probe}") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
    said = await asyncio.to_thread(log.read_text)
    raise RuntimeError(f"the server is not ready:\n{said[-2_000:]}")


async def _measured(title: str, base: str, seconds: int, url: str, control: LabControl, *, driven: bool) -> Accepted:
    answers: Counter[int] = Counter()
    times_ms: list[float] = []
    taken: set[str] = set()
    began = time.monotonic() + 0.5

    async def one(session: aiohttp.ClientSession, number: int, key: str) -> None:
        due = began + number / PER_S
        await asyncio.sleep(max(0, due - time.monotonic()))
        body = {"ref_id": f"B{number}", "instrument": "BTC/USD", "side": "BUY", "base_quantity": str(QUANTITY)}
        async with session.post(f"{base}/v1/orders", json=body, headers={"Idempotency-Key": key}) as answer:
            await answer.read()
        times_ms.append((time.monotonic() - due) * _MS)
        answers[answer.status] += 1
        if answer.status in (200, 201):
            taken.add(body["ref_id"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        sends = []
        for number in range(seconds * PER_S):
            key = str(uuid.uuid4())
            sends.append(one(session, number, key))
            if number % TWICE_EVERY == 0:
                sends.append(one(session, number, key))
        await asyncio.gather(*sends)
    asked = [str(row[0]) for row in await _rows(url, "SELECT key FROM request WHERE kind = 'PARENT'")]
    journaled = [str(row[0]) for row in await _rows(url, "SELECT ref_id FROM parent")]
    bought = Decimal(0)
    for seat in SEATS:
        bought += sum((Decimal(one["executed"]) for one in await control.orders(seat.name)), Decimal(0))
    return Accepted(
        name=title,
        answers=answers,
        times_ms=times_ms,
        requests=len(asked),
        parents=len(journaled) if driven else None,
        duplicates=len(asked) - len(set(asked)) + len(journaled) - len(set(journaled)),
        lost=len(taken - set(asked)),
        bought=bought if driven else None,
    )


async def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            return database.execute(query).fetchall()
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
