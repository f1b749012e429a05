"""Compare-and-append: what is in the journal is what one writer meant, in order, whole."""

import asyncio

import pytest

from router.journal.chain import GENESIS, ChainBroken
from router.journal.verify import breaks
from router.model.errors import AppendLost, SideRowTaken
from router.store import JournalStore
from tests.store.conftest import Opener, Sql
from tests.store.makers import booked, client_id, counted, intended, request, row, tick


async def test_rows_come_back_as_they_were_appended(store: JournalStore, opened: Opener):
    """Event, facts, order and time survive the database, and each row is chained to the one before."""
    rows = [row(tick(1)), row(intended(1), intended(2)), row(booked(1, "T1"))]

    appended = await store.append(rows[:1]) + await store.append(rows[1:])

    assert [one.seq for one in appended] == [1, 2, 3]
    assert await (await opened()).read(0, 10) == appended
    assert [one.row for one in appended] == rows
    assert breaks(await store.stored_rows(0, 10)) == ()


async def test_reading_goes_on_after_a_given_row(store: JournalStore):
    """A follower that knows row 2 gets rows 3 and on, in pages."""
    await store.append([row() for _ in range(5)])

    assert [one.seq for one in await store.read(2, 2)] == [3, 4]
    assert [one.seq for one in await store.read(4, 9)] == [5]
    assert await store.read(5, 9) == ()


async def test_a_batch_is_one_transaction(store: JournalStore, sql: Sql):
    """Where one row of a batch cannot stand, none does."""
    await store.append([row(intended(1))])

    with pytest.raises(SideRowTaken):
        await store.append([row(intended(2)), row(intended(1))])

    assert await sql("SELECT seq FROM journal") == [(1,)]
    assert await sql("SELECT client_id FROM intent") == [(client_id(1),)]


async def test_without_a_lease_nothing_is_appended(opened: Opener):
    """A store that only reads refuses to write the journal."""
    store = await opened()

    with pytest.raises(AppendLost, match="no lease"):
        await store.append([row()])


async def test_of_two_writers_the_second_fails(opened: Opener, sql: Sql):
    """Both know the same last row; the key lets one of them follow it."""
    first = await opened(lease="first")
    await first.append([row()])
    await sql("UPDATE lease SET expires_at_ms = 0")
    second = await opened(lease="second")
    await sql("DELETE FROM lease")  # not even the lease's epoch is there to help

    await first.append([row(tick(1))])
    with pytest.raises(AppendLost, match="written by epoch 1"):
        await second.append([row(tick(2))])

    assert [one.row.facts for one in await first.read(1, 9)] == [(tick(1),)]


async def test_a_writer_that_lost_does_not_append_again(opened: Opener, sql: Sql):
    """Its picture of the journal is over, until it takes a lease anew."""
    first = await opened(lease="first")
    await sql("DELETE FROM lease")
    second = await opened(lease="second")
    await second.append([row()])
    for _ in range(2):
        with pytest.raises(AppendLost):
            await first.append([row()])
    await sql("UPDATE lease SET expires_at_ms = 0")

    lease = await first.take_lease("first", 60_000)

    assert lease is not None
    assert [one.seq for one in await first.append([row()])] == [2]


async def test_two_writers_at_the_same_moment(opened: Opener, sql: Sql):
    """Whoever comes first, the journal holds one row per place, and all losers know that they lost."""
    writers = [await opened(lease=f"writer {n}") for n in range(1)]
    for n in range(1, 4):
        await sql("DELETE FROM lease")
        writers.append(await opened(lease=f"writer {n}"))
    await sql("DELETE FROM lease")

    outcomes = await asyncio.gather(*(w.append([row(tick(n))]) for n, w in enumerate(writers)), return_exceptions=True)

    won = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    assert len(won) == 1
    assert all(isinstance(outcome, tuple | AppendLost) for outcome in outcomes)
    assert await sql("SELECT seq FROM journal") == [(1,)]


async def test_a_stale_epoch_is_refused_even_where_its_place_is_free(opened: Opener, sql: Sql):
    """The successor has taken the lease and written nothing yet: its predecessor may not write any more."""
    stale = await opened(lease="stale")
    await stale.append([row()])
    await sql("UPDATE lease SET expires_at_ms = 0")
    successor = await opened(lease="successor")

    with pytest.raises(AppendLost):
        await stale.append([row()])

    assert (await successor.append([row()]))[0].seq == 2


async def test_an_epoch_below_the_row_before_is_refused(opened: Opener, sql: Sql):
    """Were the lease lost with a restore, the journal itself still knows who wrote last."""
    store = await opened(lease="driver")
    await store.append([row()])
    await sql("UPDATE journal SET epoch = 9")

    with pytest.raises(AppendLost):
        await store.append([row()])


async def test_an_intent_id_is_used_once(store: JournalStore):
    """The same client order id, or the same number of a parent, is never intended twice."""
    await store.append([row(intended(1))])

    with pytest.raises(SideRowTaken):
        await store.append([row(intended(1))])


async def test_a_fill_is_booked_once(store: JournalStore, sql: Sql):
    """A venue trade that was booked stays booked once, whatever the engine says."""
    await store.append([row(intended(1)), row(booked(1, "T1"))])

    with pytest.raises(SideRowTaken):
        await store.append([row(booked(1, "T1"))])

    assert await sql("SELECT COUNT(*) FROM booking") == [(1,)]


async def test_copies_are_counted_one_by_one(store: JournalStore, sql: Sql):
    """The second copy follows the first; a number that was counted, or one too far, is refused."""
    await store.append([row(intended(1)), row(counted(1, 2))])
    assert await sql("SELECT copies FROM intent") == [(2,)]

    with pytest.raises(SideRowTaken, match="copy"):
        await store.append([row(counted(1, 2))])


async def test_a_request_is_consumed_with_its_row(store: JournalStore):
    """One transaction: the request is closed exactly if its event is in the journal, and only once."""
    asked = await store.ask(request())
    await store.append([row(request_id=asked.id)])

    found = await store.asked(asked.entity, asked.kind, asked.key)
    assert found is not None
    assert found.consumed_seq == 1
    assert await store.open_requests(9) == ()
    with pytest.raises(SideRowTaken, match="request"):
        await store.append([row(request_id=asked.id)])


async def test_a_cancelled_append_still_ends(store: JournalStore):
    """Cancelling the caller cuts nothing in two: the row is written whole and the store knows it."""
    task = asyncio.create_task(store.append([row(tick(1))]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    appended = await store.append([row(tick(2))])

    assert [one.row.facts for one in await store.read(0, 9)] == [(tick(1),), (tick(2),)]
    assert appended[0].seq == 2


async def test_an_empty_append_is_nothing(store: JournalStore):
    """No rows, no transaction."""
    assert await store.append([]) == ()
    assert store.last_seq == 0


async def test_a_missing_row_is_seen_while_reading(store: JournalStore, sql: Sql):
    """A gap raises at the row that is not there."""
    await store.append([row() for _ in range(4)])
    await sql("DELETE FROM journal WHERE seq = 3")

    with pytest.raises(ChainBroken) as broken:
        await store.read(0, 9)
    assert broken.value.seq == 3
    with pytest.raises(ChainBroken):
        await store.read(3, 9)


async def test_the_first_row_follows_the_genesis(store: JournalStore):
    """Every journal begins at the same hash."""
    await store.append([row()])
    first = (await store.stored_rows(0, 1))[0]
    assert first.hash == first.hash_after(GENESIS)
