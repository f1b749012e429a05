"""The watcher that samples and writes. It reads what is there and calls nothing in; nobody waits for it.

What it cannot write it keeps for a while, in bounded memory; what it cannot keep it throws away and says so in a gap.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from router.market_record.archive import Archive, Head
from router.market_record.samples import Block, Gap, Sample
from router.market_record.sampling import Cadence, InUse, Sampler
from router.model.errors import StoreUnavailable
from router.model.ids import InstrumentId, Nanos
from router.model.market import MarketView

_NS_PER_MS = 1_000_000
_NS_PER_DAY = 86_400 * 1_000_000_000
_KEPT_MAX = 5_000
"""Samples kept while they cannot be written: some minutes of a few instruments, a few megabytes."""
_BLOCK_MAX = 500
_GAPS_MAX = 100
_LATE = 5
"""A look that comes so many times later than meant leaves a gap."""
_CUT_EVERY_S = 60
_CUT_NEXT_S = 1
"""While there is more to cut."""
_NOT_RUNNING = "no recorder was running"
_STOOD_STILL = "the recorder stood still"
_NOT_WRITTEN = "samples could not be written"


class Market(Protocol):
    """What is looked at."""

    def worked_on(self) -> Iterable[InstrumentId]:
        """Instruments with a parent that has not ended."""
        ...

    def view(self, instrument: InstrumentId) -> MarketView | None:
        """The newest market of an instrument; None where there is none."""
        ...


class Told(Protocol):
    """Who is told of what the log should know."""

    def samples_taken(self, count: int) -> None:
        """So many were written."""
        ...

    def samples_lost(self, count: int, why: str) -> None:
        """So many were thrown away."""
        ...

    def record_unwritten(self, why: str) -> None:
        """A write failed; it is tried again."""
        ...


class Recorder:
    """One tenure's recorder. `now` is the router's clock."""

    def __init__(
        self, *, archive: Archive, cadence: Cadence, market: Market, now: Callable[[], Nanos], told: Told
    ) -> None:
        self._archive = archive
        self._cadence = cadence
        self._market = market
        self._now = now
        self._told = told
        self._in_use = InUse(cadence)
        self._samplers: dict[InstrumentId, Sampler] = {}
        self._samples: deque[Sample] = deque()
        self._gaps: deque[Gap] = deque()
        self._head = Head()
        self._pending: Block | None = None
        """Taken out to be written, until it is known to be."""
        self._writing: asyncio.Future[None] | None = None
        self._since_ns = 0
        self._looked_ns = Nanos(0)
        self._failing = False

    async def run(self) -> None:
        """Until cancelled; then what is left is written."""
        await self._begin()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._look_for_ever())
                tasks.create_task(self._write_for_ever())
                tasks.create_task(self._cut_for_ever())
        finally:
            await self._end()

    async def _begin(self) -> None:
        """Go on where the record ends, with what was being worked on when it did."""
        since_ns = self._now() - self._cadence.after_ms * _NS_PER_MS
        while not await self._read_on(since_ns):  # noqa: ASYNC110 - nobody tells when it is back
            await asyncio.sleep(self._cadence.write_ms / 1000)
        now = self._looked_ns = self._now()
        self._since_ns = self._head.last_ns or now
        if self._since_ns < now:
            self._gap(Gap(from_ns=Nanos(self._since_ns), to_ns=now, why=_NOT_RUNNING))

    async def _read_on(self, since_ns: int) -> bool:
        try:
            self._head = await self._archive.head()
            lately = await self._archive.last_worked_on(since_ns)
        except StoreUnavailable as error:
            self._failed(str(error))
            return False
        for instrument, at_ns in lately.items():
            self._in_use.worked_on(instrument, at_ns)
        return True

    # Looking

    def look(self) -> None:
        """Sample everything in use, now."""
        now = self._now()
        if now - self._looked_ns > _LATE * max(self._cadence.change_ms, self._cadence.quiet_ms) * _NS_PER_MS:
            self._gap(Gap(from_ns=Nanos(self._looked_ns), to_ns=now, why=_STOOD_STILL))
        self._looked_ns = now
        for instrument in self._market.worked_on():
            self._in_use.worked_on(instrument, now)
        for instrument in self._in_use.at(now):
            view = self._market.view(instrument)
            sample = None if view is None else self._sampler(instrument).look(view)
            if sample is not None:
                self._keep(sample)

    async def _look_for_ever(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(self._cadence.change_ms / 1000)

    def _sampler(self, instrument: InstrumentId) -> Sampler:
        if instrument not in self._samplers:
            self._samplers[instrument] = Sampler(self._cadence.quiet_ms)
        return self._samplers[instrument]

    def _keep(self, sample: Sample) -> None:
        self._samples.append(sample)
        if len(self._samples) > _KEPT_MAX:
            self._throw_away(_KEPT_MAX // 2)

    def _throw_away(self, count: int) -> None:
        """The oldest: what is recent is asked for first."""
        gone = [self._samples.popleft() for _ in range(count)]
        self._told.samples_lost(count, _NOT_WRITTEN)
        self._gap(Gap(from_ns=gone[0].at_ns, to_ns=gone[-1].at_ns, why=_NOT_WRITTEN, lost=count))

    def _gap(self, gap: Gap) -> None:
        """Many gaps become one that spans them: what is said of them is bounded, too."""
        self._gaps.append(gap)
        if len(self._gaps) > _GAPS_MAX:
            one, other = self._gaps.popleft(), self._gaps.popleft()
            to_ns = Nanos(max(one.to_ns, other.to_ns))
            self._gaps.appendleft(Gap(from_ns=one.from_ns, to_ns=to_ns, why=one.why, lost=one.lost + other.lost))

    # Writing

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._cadence.write_ms / 1000)
            self._writing = asyncio.ensure_future(self._write())
            await asyncio.shield(self._writing)  # a write that has begun is not given up: how did it end?

    async def _end(self) -> None:
        """What is left, and where nothing is, an empty block: it says until when there was nothing to say."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        self.look()
        await self._write(even_empty=True)

    async def _write(self, *, even_empty: bool = False) -> None:
        """Everything there is, in blocks of bounded size. With nothing in use none is written."""
        while self._pending is not None or self._samples or self._gaps or even_empty:
            even_empty = False
            if self._pending is None:
                self._pending = self._next_block()
            try:
                head = await self._archive.append(self._head, self._pending)
                if head is None:  # somebody else wrote, who drives now or drove before: go on behind him
                    self._head = await self._archive.head()
                    self._pending = _not_before(self._head.last_ns, self._pending)
                    continue
            except StoreUnavailable as error:
                self._failed(str(error))
                return
            self._told.samples_taken(len(self._pending.samples))
            self._head, self._pending, self._failing = head, None, False

    def _next_block(self) -> Block:
        samples = tuple(self._samples.popleft() for _ in range(min(len(self._samples), _BLOCK_MAX)))
        gaps = tuple(self._gaps)
        self._gaps.clear()
        first_ns = self._since_ns
        self._since_ns = max(first_ns, samples[-1].at_ns if self._samples else self._now())
        return Block(first_ns=Nanos(first_ns), last_ns=Nanos(self._since_ns), samples=samples, gaps=gaps)

    def _failed(self, why: str) -> None:
        """Told once, until a write succeeds again."""
        if not self._failing:
            self._failing = True
            self._told.record_unwritten(why)

    async def _cut_for_ever(self) -> None:
        while True:
            gone = 0
            try:
                gone = await self._archive.cut(self._now() - self._cadence.keep_days * _NS_PER_DAY)
            except StoreUnavailable as error:
                self._failed(str(error))
            await asyncio.sleep(_CUT_NEXT_S if gone else _CUT_EVERY_S)


def _not_before(at_ns: int, block: Block) -> Block:
    """The same, told after somebody's block that reaches until then."""
    first_ns = max(block.first_ns, at_ns)
    return replace(block, first_ns=Nanos(first_ns), last_ns=Nanos(max(block.last_ns, first_ns)))
