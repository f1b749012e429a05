"""The database server dies at a COMMIT, all of it at once: what the store was told, or is not told, is true."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from router.model.errors import AppendLost, AppendUnclear, StoreUnavailable
from router.store import JournalStore, open_store
from router.store.audit import audit
from tests.store.cluster import Cluster, cluster_of_ones_own
from tests.store.makers import booked, client_id, intended, row
from tests.waiting import eventually

pytestmark = [pytest.mark.nightly, pytest.mark.postgres, pytest.mark.timeout(600)]
_KILLS = 12
_LEASE_MS = 50
_COMMIT_S = 0.012
"""About as long as an append takes here: kills are spread over it."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with cluster_of_ones_own() as made:
        yield made


async def test_a_server_killed_at_a_commit_leaves_what_it_answered(cluster: Cluster) -> None:
    """Returned: there. `nothing was appended`: not there, and never will be. Unclear: one of both, whole."""
    chance = random.Random(20_261_120)
    acknowledged: list[int] = []
    absent: list[int] = []
    unclear: list[int] = []
    number = 0
    for turn in range(_KILLS):
        store = await _driving(cluster.url, f"driver {turn}")
        try:
            dying: asyncio.Task[None] | None = None
            failed = len(absent) + len(unclear)
            while dying is None or not dying.done():
                number += 1
                try:
                    await store.append([row(intended(number)), row(booked(number, f"T{number}"))])
                except AppendUnclear:
                    unclear.append(number)
                    break
                except StoreUnavailable:
                    absent.append(number)
                    break
                acknowledged.append(number)
                dying = dying or asyncio.create_task(_killed_and_back(cluster, chance.uniform(0, 4 * _COMMIT_S)))
            assert dying is not None
            if len(absent) + len(unclear) > failed:  # else it died between two appends, and the next one found it back
                with pytest.raises(AppendLost):
                    await store.append([row(intended(10**6))])
            await dying
        finally:
            await store.close()
    store = await _driving(cluster.url, "the last")
    try:
        there = {fact.order.client_id for one in await store.read(0, 10**6) for fact in one.row.facts if _intends(fact)}
        assert (await audit(store)).clean
        assert {client_id(number) for number in acknowledged} <= there
        assert not {client_id(number) for number in absent} & there
        assert len(absent) + len(unclear) > 0
        assert len(there) <= len(acknowledged) + len(unclear)
        print(f"{_KILLS} kills: {len(acknowledged)} acknowledged, {len(absent)} known absent, {len(unclear)} unclear")
    finally:
        await store.close()


def _intends(fact: object) -> bool:
    return type(fact).__name__ == "ChildIntended"


async def _driving(url: str, holder: str) -> JournalStore:
    async def opened() -> JournalStore | None:
        try:
            return await open_store(url, "lab")
        except StoreUnavailable:
            return None

    store = await eventually(opened)
    assert store is not None
    assert await eventually(lambda: store.take_lease(holder, _LEASE_MS))
    return store


async def _killed_and_back(cluster: Cluster, after_s: float) -> None:
    """Killed a moment later, and started again: by then the store may still be looking for it."""
    await asyncio.sleep(after_s)
    await asyncio.to_thread(cluster.kill)
    await asyncio.to_thread(cluster.start)
