"""A driver that stops in the middle of a transaction holds locks. The server throws it out; its successor goes on."""

import asyncio

import pytest

from router.store import JournalStore, open_store
from tests.store.frozen_wire import FrozenWire
from tests.store.makers import booked, counted, intended, row

pytestmark = pytest.mark.postgres

MESSAGES_MOST = 40
"""More than one append of the rows below takes; the last of these points is behind its end."""
AT_ONCE = 8
"""So many of these points at a time: each takes four connections of the server's hundred."""


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


async def _succeeded_after(url: str, messages: int) -> bool:
    """Did the driver stop at this point? Whether or not: its successor takes over and appends."""
    shard, first = f"s{messages}", 10 * messages
    async with FrozenWire(url) as wire:
        frozen = await open_store(wire.url, "lab", shard=shard)
        successor = await open_store(url, "lab", shard=shard)
        assert await frozen.take_lease("frozen", 1) is not None
        wire.freeze_after(messages)
        rows = [row(intended(first + 1)), row(counted(first + 1, 2)), row(booked(first + 1, f"T{messages}"))]
        appending = asyncio.create_task(frozen.append(rows))
        stopped = asyncio.create_task(wire.frozen.wait())
        await asyncio.wait([appending, stopped], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.1)  # what the server has heard, it has done
        await _take_over(successor, first)
        appending.cancel()
        stopped.cancel()
        await asyncio.gather(appending, stopped, return_exceptions=True)
        await successor.close()
    await frozen.close()
    return wire.frozen.is_set()


async def _take_over(successor: JournalStore, first: int) -> None:
    assert await successor.take_lease("successor", 60_000) is not None
    await successor.append([row(intended(first + 2))])
    assert len(await successor.read(0, 9)) == successor.last_seq


@pytest.mark.nightly
async def test_wherever_it_stops_its_successor_appends(database_url: str) -> None:
    """Every message of an append, one after the other: none of them is a place to hold the journal from."""
    store = await open_store(database_url, "lab")
    await store.close()
    few = asyncio.Semaphore(AT_ONCE)

    async def one(point: int) -> bool:
        async with few:
            return await _succeeded_after(database_url, point)

    stops = await asyncio.gather(*(one(point) for point in range(MESSAGES_MOST)))
    assert stops[0]
    assert not stops[-1]
    assert sum(stops) > 10
