"""From a parent in the request table to the first byte of its child on the wire, over the lab, split by stage.

A real driver, real database, unmodified ccxt, a lab with standing books in a process of its own. The stages come
from the router's own journal: `request` (row inserted -> event), `decide` (view, plan, risk, facts, hand-over),
`commit` (the append that holds the intent), `ccxt` (intent on disk -> first byte: task, budget, build, sign, last
gate), `socket` (first byte -> the venue's engine, by its own record). Beside it the same ccxt's `create_order`
alone, limiter off, from call to the same first byte. Wall time: run it on a quiet machine, and read the ratios.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import aiohttp
import ccxt.async_support as ccxt

from bench.measure import Row, Table
from connectors.lab.client import LabControl
from router.app.drive import drive_while
from router.app.execute import submit
from router.app.parts import Router, opened
from router.config import load
from router.model.events import ParentSubmitted, PlaceAnswered
from router.model.facts import ChildIntended
from router.observe import Observe
from router.observe.logs import silent
from router.ports import Appended, JournalRow
from router.requests import OrderBody
from router.requests.bodies import parse
from router.store import JournalStore

PORT = 8760
_US = 1_000


def run(*, quick: bool) -> Iterator[Table]:
    parents = 10 if quick else 60
    with tempfile.TemporaryDirectory() as folder:
        stages, alone = asyncio.run(_measure(Path(folder), parents))
    total = [sum(parts) for parts in zip(*stages.values(), strict=True)]
    shown = {"ccxt create_order alone: call -> first byte": alone} | stages | {"all of it": total}
    base = statistics.median(alone)
    yield Table(
        title=f"wire: us per child on binance over the lab, sqlite, {parents} parents",
        unit="us",
        rows=[
            Row(
                name=name,
                median=statistics.median(times) / _US,
                best=min(times) / _US,
                worst=max(times) / _US,
                ratio=statistics.median(times) / base,
            )
            for name, times in shown.items()
        ],
        notes=["wall time; the durable commit is a disk sync, and is not hidden behind signing yet"],
    )


async def _measure(folder: Path, parents: int) -> tuple[dict[str, list[float]], list[float]]:
    async with lab() as control:
        for venue in ("kraken", "coinbase"):
            await control.pause(venue)
        await control.set_book("binance", "BTC/USDT", bids=[("60000", "1000")], asks=[("60001", "1000")])
        await control.set_book("kraken", "USDT/USD", bids=[("0.9999", "1000000")], asks=[("1.0001", "1000000")])
        config = load(None)
        only = [venue for venue in config.venues if venue.venue in {"binance", "kraken"}]
        moved = tuple(replace(venue, loopback=moved(venue.loopback)) for venue in only)
        config = replace(
            config,
            venues=moved,
            database_url=f"sqlite:///{folder / 'bench.db'}",
            timings=replace(config.timings, approval_age_ms=2_000),
        )
        async with opened(config, Observe(silent())) as router:
            timed = TimedStore(router.store)
            children = await _stages(replace(router, store=timed), parents)
            placed = {order["client_id"]: int(order["placed_ns"]) for order in await control.orders("binance")}
        stages = _split(children, timed.intent_commits_ns, placed)
        return stages, await _alone(moved[0].loopback or "", moved[0], parents)


class TimedStore:
    """The real store, and how long each append that held an intent took."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self.intent_commits_ns: list[float] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        began = time.monotonic_ns()
        appended = await self._store.append(rows)
        if any(isinstance(fact, ChildIntended) for row in rows for fact in row.facts):
            self.intent_commits_ns.append(time.monotonic_ns() - began)
        return appended


@dataclass(frozen=True)
class Sent:
    """One child's moments, by the router's clock."""

    client_id: str
    asked_ns: int
    submitted_ns: int
    durable_ns: int
    sent_ns: int


def _split(children: Sequence[Sent], commits_ns: Sequence[float], placed: dict[str, int]) -> dict[str, list[float]]:
    """Stages of each child: one parent is one child is one commit here."""
    both = list(zip(children, commits_ns, strict=True))
    return {
        "request seen": [float(one.submitted_ns - one.asked_ns) for one in children],
        "decide": [one.durable_ns - one.submitted_ns - commit for one, commit in both],
        "commit": [commit for _, commit in both],
        "ccxt: build, sign, last gate": [float(one.sent_ns - one.durable_ns) for one in children],
        "socket: into the venue's engine": [float(placed[one.client_id] - one.sent_ns) for one in children],
    }


async def _stages(router: Router, parents: int) -> list[Sent]:
    lease = await router.store.take_lease(router.holder, 60_000)
    assert lease is not None
    done = asyncio.Event()
    asked: dict[str, int] = {}
    driving = asyncio.create_task(drive_while(router, lease, lambda _: not done.is_set()))
    await asyncio.sleep(3)
    for number in range(parents):
        asked[f"B{number}"] = router.clock.now()
        body = {"ref_id": f"B{number}", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "0.01"}
        await submit(router, parse(OrderBody, body | {"venues": {"include": ["binance"]}}), "bench")
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    done.set()
    await driving
    return await _from_journal(router, asked)


async def _from_journal(router: Router, asked: dict[str, int]) -> list[Sent]:
    sent: list[Sent] = []
    submitted: list[tuple[str, int]] = []
    after = 0
    while rows := await router.store.read(after, 500):
        for one in rows:
            stamped = one.row.stamped
            match stamped.event:
                case ParentSubmitted(order=order):
                    submitted.append((order.ref_id, stamped.at_ns))
                case PlaceAnswered(client_id=client_id, durable_ns=durable_ns, sent_ns=int(sent_ns)):
                    ref, at_ns = submitted[-1]
                    sent.append(Sent(client_id, asked[ref], at_ns, durable_ns, sent_ns))
        after = rows[-1].seq
    return sent


async def _alone(base: str, venue: object, orders: int) -> list[float]:
    """The same class, the same session settings, nothing of ours around it."""
    sent: list[int] = []

    async def first_byte(_session: object, _context: object, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        if params.method == "POST":
            sent.append(time.monotonic_ns())

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(first_byte)
    session = aiohttp.ClientSession(trace_configs=[trace])
    keys = {name: secret.reveal() for name, secret in venue.credentials.items()}
    exchange = ccxt.binance(
        keys
        | {
            "session": session,
            "enableRateLimit": False,
            "urls": {"api": {"public": f"{base}/api/v3", "private": f"{base}/api/v3", "sapi": f"{base}/sapi/v1"}},
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    try:
        await exchange.load_markets()
        times = []
        for number in range(orders + 1):
            began = time.monotonic_ns()
            params = {"timeInForce": "IOC", "clientOrderId": f"alone{number}"}
            await exchange.create_order("BTC/USDT", "limit", "buy", Decimal("0.01"), Decimal(60001), params)
            times.append(float(sent[-1] - began))
            await asyncio.sleep(0.02)
        return times[1:]
    finally:
        await exchange.close()
        await session.close()


def moved(loopback: str | None) -> str:
    assert loopback is not None
    return loopback.replace(":87", f":{PORT // 100}").replace(f"{PORT // 100}0", f"{PORT // 10}")


@asynccontextmanager
async def lab() -> AsyncIterator[LabControl]:
    """Standing books in another process, so that it does not share our loop."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connectors.lab", "--port", str(PORT), "--static"), stderr=subprocess.DEVNULL
    )
    try:
        async with LabControl(f"http://127.0.0.1:{PORT}") as control:
            for _ in range(200):
                try:
                    await control.venues()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
            yield control
    finally:
        process.terminate()
        await process.wait()
