"""Many venues streaming into one process on one core: how late its loop is, and does its memory stay flat.

The lab is a process of its own on the other core. What is measured is the loop an order would wait in: a timer every
two milliseconds, and how much later than asked it fires.
"""

import asyncio
import gc
import json
import os
import sys
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from bench.feed_world import symbols_of
from connectors.ccxt_venue import CcxtVenue
from connectors.settings import VenueSettings
from router.book.books import ViewPolicy
from router.model.ids import Asset, InstrumentId, ListingId, VenueId, account_id
from router.model.instruments import Instrument
from router.model.terms import Fence, VenueTerms
from router.runtime.clock import SystemClock
from router.runtime.inbox import Inbox
from router.runtime.market import Market

VENUES = ("binance", "kraken", "coinbase", "okx", "bybit", "bitstamp", "gemini")
_PROBE_S = 0.002
_VIEW_S = 0.1
_IDLE_S = 5.0
_WARM_S = 35.0
"""Until every buffer is as full as it will be: Bitstamp's changes are kept for half a minute."""
_SAMPLES_MAX = 60_000


class Samples:
    """Figures in memory that was taken beforehand: what measures must not look like a leak."""

    def __init__(self) -> None:
        self._values = array("d", bytes(8 * _SAMPLES_MAX))
        self._count = 0

    def add(self, value: float) -> None:
        if self._count < _SAMPLES_MAX:
            self._values[self._count] = value
            self._count += 1

    def below(self, share: float) -> float:
        """What `share` of the figures stayed below."""
        ordered = sorted(self._values[: self._count])
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def __str__(self) -> str:
        shares = ", ".join(f"p{100 * share:g} {self.below(share):.2f}" for share in (0.5, 0.99, 0.999))
        return f"{shares}, worst {self.below(1):.1f} ms"


@dataclass(kw_only=True)
class Minute:
    """What was seen. Lateness in ms; memory in kB, the slope by least squares over the second half.

    `late_ms` is wall time, of which others on the same core have their part: `idle_ms` is the same timer in the same
    process before any stream was opened, and `own_ms` the CPU this process used between two timers, which is the most
    it can have kept an order waiting by itself.
    """

    venues: int
    symbols: int
    seconds: float
    messages: int = 0
    cpu_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    late_ms: Samples = field(default_factory=Samples)
    own_ms: Samples = field(default_factory=Samples)
    idle_ms: Samples = field(default_factory=Samples)
    rss_kb: list[tuple[float, int]] = field(default_factory=list)

    @property
    def slope_kb_per_min(self) -> float:
        """How memory grows."""
        points = self.rss_kb[len(self.rss_kb) // 2 :]
        if len(points) < 3:
            return 0.0
        mid = sum(at for at, _ in points) / len(points)
        mean = sum(kb for _, kb in points) / len(points)
        spread = sum((at - mid) ** 2 for at, _ in points)
        return 60 * sum((at - mid) * (kb - mean) for at, kb in points) / spread

    def __str__(self) -> str:
        rate, busy = self.messages / self.seconds, 100 * self.cpu_s / self.seconds
        title = f"feeds: {self.venues} venues x {self.symbols} symbols into one process on one core"
        memory = f"{self.rss_kb[-1][1] / 1024:.0f} MB, slope {self.slope_kb_per_min:+.0f} kB a minute"
        lines = [
            f"\n{title}, {self.seconds:.0f} s of wall time",
            f"  messages                 {rate:.0f}/s, {busy:.0f} % of the core",
            f"  loop lateness            {self.late_ms}",
            f"  before any stream        {self.idle_ms}",
            f"  our CPU between timers   {self.own_ms}",
            f"  memory                   {memory}",
            f"  books                    lost {len(self.lost)}, unusable at the end {len(self.unusable)}",
        ]
        return "\n".join(lines)


class CountingMarket(Market):
    """The router's own, which also counts what it is told."""

    told = 0

    def book_delta(self, *change) -> str | None:  # type: ignore[no-untyped-def, override]
        self.told += 1
        return super().book_delta(*change)


async def minute(
    *, seconds: float, rate: float = 35, venues: tuple[str, ...] = VENUES, symbols: int = 10, pinned: bool = True
) -> Minute:
    """Run it. `pinned`: this process on one core, where the system lets it.

    `rate` is of changes a book and second; venues tell some of them together, so fewer messages come.
    """
    before = os.sched_getaffinity(0) if pinned and hasattr(os, "sched_setaffinity") else None
    world = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.feed_world", ",".join(venues), str(symbols), str(rate)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert world.stdout is not None
        there = json.loads(await world.stdout.readline())
        if before is not None:
            os.sched_setaffinity(0, {min(before)})
        return await _minute(there, seconds, symbols)
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)
        assert world.stdin is not None
        world.stdin.close()
        await world.wait()


async def _minute(there: Mapping[str, Mapping[str, str]], seconds: float, symbols: int) -> Minute:
    clock, seen = SystemClock(), Minute(venues=len(there), symbols=symbols, seconds=seconds)
    bases = [symbol.partition("/")[0] for symbol in symbols_of("kraken", symbols)]
    instruments = [
        Instrument(id=InstrumentId(f"{base}/USD"), base=Asset(base), reporting=Asset("USD")) for base in bases
    ]

    def lost(listing: ListingId, why: str) -> None:
        seen.lost.append(f"{listing}: {why}")

    market = CountingMarket(
        instruments, ViewPolicy(book_age_ms_max=10_000), Inbox(), lost, lambda _listing, _why: None, lambda *_: None
    )
    accounts = [CcxtVenue(_settings(name, where["url"], symbols), clock) for name, where in there.items()]
    background: list[asyncio.Future[None]] = []
    try:
        idle = asyncio.ensure_future(_probe(seen.idle_ms, Samples()))
        await asyncio.sleep(min(seconds, _IDLE_S))
        idle.cancel()
        for account in accounts:
            market.add(await account.start(market))
        await asyncio.sleep(min(seconds, _WARM_S))
        seen.lost.clear()
        gc.collect()
        gc.freeze()
        market.told = 0
        cpu, began = time.process_time(), time.monotonic()
        background = [
            asyncio.ensure_future(_probe(seen.late_ms, seen.own_ms)),
            asyncio.ensure_future(_look(market, instruments, clock)),
            asyncio.ensure_future(_weigh(seen.rss_kb)),
        ]
        await asyncio.sleep(seconds)
        seen.seconds = time.monotonic() - began
        seen.messages, seen.cpu_s = market.told, time.process_time() - cpu
        seen.rss_kb.append((time.monotonic(), _rss_kb()))
        for listing, (_, why) in market.ages(clock.now()).items():
            if why is not None and "no mark" not in why and "USDT" not in why:
                seen.unusable.append(f"{listing}: {why}")
    finally:
        for each in background:
            each.cancel()
        await asyncio.gather(*(account.stop() for account in accounts), *background, return_exceptions=True)
    return seen


async def _probe(late_ms: Samples, own_ms: Samples) -> None:
    while True:
        due, cpu = time.perf_counter() + _PROBE_S, time.thread_time()
        await asyncio.sleep(_PROBE_S)
        late_ms.add((time.perf_counter() - due) * 1000)
        own_ms.add((time.thread_time() - cpu) * 1000)


async def _look(market: Market, instruments: list[Instrument], clock: SystemClock) -> None:
    """Decisions look at markets: ten views a second."""
    turn = 0
    while True:
        await asyncio.sleep(_VIEW_S)
        market.view(instruments[turn % len(instruments)].id, Decimal(5), clock.now())
        turn += 1


async def _weigh(rss_kb: list[tuple[float, int]]) -> None:
    while True:
        rss_kb.append((time.monotonic(), _rss_kb()))
        await asyncio.sleep(1)


def _rss_kb() -> int:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _settings(name: str, url: str, symbols: int) -> VenueSettings:
    account = account_id(VenueId(name), "main")
    return VenueSettings(
        ccxt_id=name,
        venue=VenueId(name),
        account=account,
        symbols={symbol: InstrumentId(f"{symbol.partition('/')[0]}/USD") for symbol in symbols_of(name, symbols)},
        terms=VenueTerms(
            account=account,
            fence=Fence.NONE,
            request_ttl_ms=1_000,
            engine_wait_ms=50,
            read_lag_ms=50,
            look_up_wait_ms=50,
            quarantine_after_ms=5_000,
        ),
        loopback=url,
        loopback_allowed=True,
    )


def run_minute(**how: object) -> Minute:
    """In a loop of its own."""
    return asyncio.run(minute(**how))  # type: ignore[arg-type]
