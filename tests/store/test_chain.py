"""What was written can be checked by anybody, and a change shows where it was made."""

import pytest

from router.journal.chain import GENESIS, row_hash, seal
from router.store import JournalStore
from router.store.audit import audit
from tests.store.conftest import Sql
from tests.store.makers import booked, counted, intended, request, row


@pytest.fixture
async def written(store: JournalStore) -> JournalStore:
    """A journal with something beside every row."""
    asked = await store.ask(request())
    await store.append([row(request_id=asked.id), row(intended(1), intended(2))])
    await store.append([row(counted(2, 2)), row(booked(1, "T1"), booked(1, "T2")), row(), row(intended(3))])
    return store


async def test_an_untouched_journal_is_clean(written: JournalStore):
    """Every row follows from the one before, and the tables beside it hold what it says."""
    found = await audit(written)

    assert found.breaks == ()
    assert found.clean
    assert (found.rows, found.head) == (6, (await written.stored_rows(5, 1))[0].hash)


@pytest.mark.parametrize(
    ("tampering", "at"),
    [
        ("UPDATE journal SET payload = REPLACE(payload, '0.1', '0.2') WHERE seq = 4", {4}),
        ("UPDATE journal SET kind = 'MarketSeen' WHERE seq = 2", {2}),
        ("UPDATE journal SET at_ns = at_ns + 1 WHERE seq = 2", {2}),
        ("UPDATE journal SET at_ns = 1 WHERE seq = 3", {3}),
        ("UPDATE journal SET epoch = 0 WHERE seq = 5", {5}),
        ("UPDATE journal SET epoch = 7 WHERE seq = 5", {5, 6}),
        ("UPDATE journal SET hash = REPLACE(hash, SUBSTR(hash, 1, 8), '00000000') WHERE seq = 3", {3, 4}),
        ("DELETE FROM journal WHERE seq = 3", {4}),
        ("DELETE FROM journal WHERE seq = 1", {2}),
        ("DELETE FROM journal WHERE seq = 6", {6}),
        ("DELETE FROM journal WHERE seq > 3", {4}),
        ("DELETE FROM journal", {1}),
        ("UPDATE journal SET payload = 'not JSON' WHERE seq = 2", {2}),
        ("DELETE FROM booking WHERE seq = 4", {4}),
        ("UPDATE intent SET copies = 1 WHERE number = 2", {2}),
        ("UPDATE intent SET number = 9 WHERE number = 1", {2}),
        ("INSERT INTO booking (shard, booking_key, seq) VALUES ('main', 'planted', 2)", {2}),
        ("UPDATE request SET consumed_seq = NULL", {1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_tampering_shows_where(written: JournalStore, sql: Sql, tampering: str, at: set[int]):
    """Each kind of change is found, at the row it was made and nowhere it was not."""
    await sql(tampering)

    assert {one.seq for one in (await audit(written)).breaks} == at


async def test_two_rows_exchanged_show(written: JournalStore, sql: Sql):
    """The same rows in another order are another history."""
    await sql("UPDATE journal SET seq = 99 WHERE seq = 3")
    await sql("UPDATE journal SET seq = 3 WHERE seq = 4")
    await sql("UPDATE journal SET seq = 4 WHERE seq = 99")

    assert {one.seq for one in (await audit(written)).breaks} >= {3, 4}


async def test_a_rewritten_row_shows_at_its_successor(written: JournalStore, sql: Sql):
    """Whoever mends the hash of the row he changed breaks the next one."""
    first = (await written.stored_rows(0, 1))[0]
    forged = row_hash(GENESIS, first.shard, 1, first.epoch, first.at_ns + 1, first.kind, seal(first.payload))
    await sql(f"UPDATE journal SET at_ns = at_ns + 1, hash = '{forged}' WHERE seq = 1")

    assert {one.seq for one in (await audit(written)).breaks} == {2}


def test_the_hash_covers_every_column():
    """No two different rows give the same bytes."""
    columns = ("main", 12, 3, 4, "Kind", seal("{}"))
    base = row_hash(GENESIS, *columns)

    others = [
        row_hash("1" * 64, *columns),
        *(row_hash(GENESIS, *columns[:i], columns[i] * 2, *columns[i + 1 :]) for i in range(6)),
        row_hash(GENESIS, "main", 1, 23, 4, "Kind", "{}"),
    ]

    assert len({base, *others}) == len(others) + 1
