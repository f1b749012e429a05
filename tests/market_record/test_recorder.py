"""The recorder beside a market that moves: what it writes, what it loses, and that it says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from router.market_record import recorder as recorder_module
from router.market_record.archive import Archive, Head
from router.market_record.reading import Reader
from router.market_record.recorder import Recorder
from router.market_record.sampling import Cadence
from router.model.errors import StoreUnavailable
from router.model.ids import Nanos
from router.runtime.clock import SystemClock
from router.store import open_store
from tests.market_record.makers import BTC, MS, view
from tests.waiting import eventually

CADENCE = Cadence(change_ms=5, quiet_ms=5_000, after_ms=0, write_ms=10, keep_days=1)


class Moving:
    """A market whose best bid rises with every look, while a parent works on it."""

    def __init__(self, clock: SystemClock) -> None:
        self.clock = clock
        self.working = True
        self.looks = 0
        self.shown = 0

    def worked_on(self):
        self.looks += 1
        return [BTC] if self.working else []

    def view(self, _instrument):
        self.shown += 1
        return view(self.clock.now() // MS, f"{90 + self.shown / 1000}")

    async def looked_at(self, times: int) -> None:
        """So many times more."""
        until = self.looks + times
        await eventually(lambda: self.looks >= until)


class Ears:
    """What the log would hear."""

    def __init__(self) -> None:
        self.taken = 0
        self.lost = 0
        self.unwritten: list[str] = []

    def samples_taken(self, count: int) -> None:
        self.taken += count

    def samples_lost(self, count: int, why: str) -> None:
        self.lost += count

    def record_unwritten(self, why: str) -> None:
        self.unwritten.append(why)


@asynccontextmanager
async def recorded(archive: Archive) -> AsyncIterator[tuple[Moving, Ears]]:
    clock, ears = SystemClock(), Ears()
    market = Moving(clock)
    recorder = Recorder(archive=archive, cadence=CADENCE, market=market, now=clock.now, told=ears)
    task = asyncio.create_task(recorder.run())
    try:
        yield market, ears
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    await (await open_store(url, "lab")).close()
    archive = Archive(url)
    yield archive
    await archive.close()


async def test_a_restart_goes_on_in_the_sequence_and_says_what_it_missed(archive: Archive):
    """Every sample once, in order, the chain whole; between the two runs a gap."""
    async with recorded(archive) as (_, first):
        await eventually(lambda: first.taken > 5)
    stopped = await archive.head()
    async with recorded(archive) as (_, second):
        await eventually(lambda: second.taken > 5)

    walked = await archive.verify()
    found = await Reader(archive).between(BTC, 0, 2**62)
    bids = [one.bid for one in found.samples]
    assert walked.breaks == ()
    assert walked.blocks > stopped.seq
    assert len(bids) == first.taken + second.taken
    assert len(set(bids)) >= max(first.taken, second.taken)
    assert [gap.why for gap in found.gaps] == ["no recorder was running"]
    assert found.gaps[0].from_ns == stopped.last_ns


async def test_with_nothing_in_use_nothing_is_written_but_the_end(archive: Archive):
    async with recorded(archive) as (market, ears):
        await eventually(lambda: ears.taken)
        market.working = False
        await market.looked_at(2)
        await eventually(lambda: ears.taken == market.shown)
        idle = await archive.head()
        await market.looked_at(10)  # half as many turns to write
        assert (await archive.head()).seq == idle.seq
    assert (await archive.head()).seq == idle.seq + 1


class Stuck(Archive):
    """A database that is there, and takes nothing until it is mended."""

    mended = False

    async def append(self, head: Head, block):
        if not self.mended:
            raise StoreUnavailable("the market record: it is locked")
        return await super().append(head, block)


async def test_what_cannot_be_kept_is_thrown_away_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Memory is bounded; when the database is back, the record says how many samples are missing, and where."""
    monkeypatch.setattr(recorder_module, "_KEPT_MAX", 20)
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    await (await open_store(url, "lab")).close()
    archive = Stuck(url)
    async with recorded(archive) as (_, ears):
        await eventually(lambda: ears.lost >= 20)
        assert len(ears.unwritten) == 1
        archive.mended = True
        await eventually(lambda: ears.taken > 5)

    found = await Reader(archive).between(BTC, 0, 2**62)
    lost = [gap for gap in found.gaps if gap.lost]
    assert sum(gap.lost for gap in lost) == ears.lost
    assert all(gap.to_ns > gap.from_ns > Nanos(0) for gap in lost)
    assert len(found.samples) == ears.taken
    assert (await archive.verify()).breaks == ()
    await archive.close()
