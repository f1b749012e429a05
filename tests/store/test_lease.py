"""Who drives: one holder at a time by the database's clock, under an epoch that only grows."""

import asyncio

from router.ports.store import Lease
from router.store import JournalStore
from tests.store.conftest import Opener, Sql
from tests.store.makers import row
from tests.waiting import eventually


async def test_a_held_lease_is_not_given_away(opened: Opener):
    """The second who asks is told no."""
    first, second = await opened(), await opened()

    assert await first.take_lease("first", 60_000) == Lease(holder="first", epoch=1)
    assert await second.take_lease("second", 60_000) is None
    held = await second.holder()
    assert held is not None
    assert held[:2] == ("first", 1)
    assert 0 < held[2] <= 60_000


async def test_a_released_lease_is_free_at_once(opened: Opener):
    """A planned hand-over does not wait, and the epoch grows."""
    first, second = await opened(), await opened()
    lease = await first.take_lease("first", 60_000)
    assert lease is not None
    await first.release_lease(lease)

    assert await second.holder() is None
    assert await second.take_lease("second", 60_000) == Lease(holder="second", epoch=2)


async def test_an_expired_lease_can_be_stolen_and_is_lost_for_good(opened: Opener):
    """Whoever slept too long learns it when renewing."""
    first, second = await opened(), await opened()
    old = await first.take_lease("first", 1)
    assert old is not None

    new = await eventually(lambda: second.take_lease("second", 60_000))

    assert new == Lease(holder="second", epoch=2, unreleased=True)
    assert not await first.renew_lease(old, 60_000)
    assert await second.renew_lease(new, 60_000)


async def test_renewing_keeps_it(opened: Opener):
    """A lease that is renewed does not run out."""
    first, second = await opened(), await opened()
    lease = await first.take_lease("first", 60_000)
    assert lease is not None
    assert await first.renew_lease(lease, 120_000)

    held = await second.holder()

    assert held is not None
    assert held[2] > 60_000


async def test_releasing_another_ones_lease_does_nothing(opened: Opener):
    """A late goodbye of the predecessor does not end its successor."""
    first, second = await opened(), await opened()
    old = await first.take_lease("first", 1)
    assert old is not None
    assert await eventually(lambda: second.take_lease("second", 60_000))

    await first.release_lease(old)

    assert await second.holder() is not None


async def test_of_many_who_ask_at_once_one_gets_it(opened: Opener):
    """One conditional statement decides."""
    stores = [await opened() for _ in range(4)]

    leases = await asyncio.gather(*(store.take_lease(f"n{n}", 60_000) for n, store in enumerate(stores)))

    assert len([lease for lease in leases if lease is not None]) == 1


async def test_the_epoch_exceeds_the_journals(store: JournalStore, opened: Opener, sql: Sql):
    """A lease table that was lost or set back does not bring an old epoch up again."""
    await store.append([row()])
    await sql("UPDATE journal SET epoch = 41")
    await sql("DELETE FROM lease")
    assert await (await opened()).take_lease("next", 1) == Lease(holder="next", epoch=42, unreleased=True)
    await sql("UPDATE lease SET epoch = 3, expires_at_ms = 0")
    assert await (await opened()).take_lease("third", 1) == Lease(holder="third", epoch=42, unreleased=True)


async def test_a_successor_goes_on_where_the_journal_ends(store: JournalStore, opened: Opener, sql: Sql):
    """Taking the lease is when the head is learnt, however long ago the store was opened."""
    waiting = await opened()
    await store.append([row(), row()])
    await sql("UPDATE lease SET expires_at_ms = 0")

    assert await waiting.take_lease("next", 60_000) is not None

    assert [one.seq for one in await waiting.append([row()])] == [3]
