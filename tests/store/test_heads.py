"""A journal that was rewritten from end to end is a valid chain, and not the one whose head was exported."""

from dataclasses import replace

import pytest

from router.journal.bundle import Bundler, check
from router.journal.heads import Head, HeadSigner, HeadUnreadable, SignedHead, read_head
from router.model.ids import ParentId
from router.store import JournalStore
from router.store.audit import audit
from tests.store.conftest import Sql
from tests.store.makers import PARENT, booked, counted, intended, row

SIGNER = HeadSigner(HeadSigner.new_secret())


async def exported(store: JournalStore) -> SignedHead:
    newest = await store.newest_row()
    assert newest is not None
    seq, row_hash = newest
    return SIGNER.sign(Head(deployment=store.deployment, shard=store.shard, seq=seq, hash=row_hash, at_ns=5))


async def found(store: JournalStore, *heads: SignedHead, key: str | None = None) -> list[tuple[int, str]]:
    return [(one.seq, one.why) for one in (await audit(store, heads, key)).breaks]


async def test_the_journal_bears_its_exported_heads_out(store: JournalStore):
    """Heads of before and of now."""
    await store.append([row(intended(1))])
    first = await exported(store)
    await store.append([row(counted(1, 2)), row(booked(1, "T1"))])

    assert await found(store, first, await exported(store), key=SIGNER.key) == []


async def test_a_rewritten_journal_is_seen(store: JournalStore, sql: Sql):
    """Every hash fits, and the rows are others."""
    await store.append([row()])
    head = await exported(store)
    [written] = await store.stored_rows(0, 1)
    forged = replace(written, at_ns=written.at_ns + 1)
    await sql(f"UPDATE journal SET at_ns = at_ns + 1, hash = '{forged.hash_after('0' * 64)}' WHERE seq = 1")

    assert (await audit(store)).clean
    assert await found(store, head) == [(1, "it is not the row whose hash was exported: rewritten up to here")]


async def test_a_cut_tail_is_seen(store: JournalStore, sql: Sql):
    """Even where nothing beside the journal knew of it."""
    await store.append([row(), row()])
    head = await exported(store)
    await sql("DELETE FROM journal WHERE seq = 2")

    assert await found(store, head) == [(2, "the journal ends at 1, but seq 2 was exported")]


async def test_a_head_that_somebody_else_made_is_seen(store: JournalStore):
    """By its key, or by its signature."""
    await store.append([row()])
    head = await exported(store)
    stranger = HeadSigner(HeadSigner.new_secret()).sign(head.head)
    forged = replace(head, head=replace(head.head, at_ns=6))

    assert await found(store, stranger, key=SIGNER.key) == [
        (1, f"its exported head was signed by another key, {stranger.key[:16]}")
    ]
    assert await found(store, forged) == [(1, "its exported head does not bear its signature")]


async def test_a_head_is_a_line(store: JournalStore):
    """There and back; anything else is refused."""
    await store.append([row()])
    head = await exported(store)

    assert read_head(head.line()) == head
    with pytest.raises(HeadUnreadable):
        read_head('{"seq": 1}')


async def test_one_parents_story_can_be_checked_alone(store: JournalStore):
    """Its rows in full, all others sealed, tied to the head that was exported after them."""
    await store.append([row(), row(intended(1)), row(), row(booked(1, "T1")), row()])
    bundler = Bundler.of(ParentId(PARENT))
    rows = await store.stored_rows(0, 10)
    for one in rows:
        bundler.take(one)

    bundle = bundler.bundle(store.deployment, [await exported(store)])

    assert [(one["seq"], "payload" in one) for one in bundle["rows"]] == [
        (2, True),
        (3, False),
        (4, True),
        (5, False),
    ]
    assert len(bundle["heads"]) == 1
    assert check(bundle, SIGNER.key) == ()


async def test_a_bundle_that_was_touched_shows_it(store: JournalStore):
    """A payload, a sealed row, a missing row, another signer."""
    await store.append([row(intended(1)), row(), row(booked(1, "T1"))])
    bundler = Bundler.of(ParentId(PARENT))
    for one in await store.stored_rows(0, 10):
        bundler.take(one)
    bundle = bundler.bundle(store.deployment, [await exported(store)])
    first, sealed, last = bundle["rows"]

    def broken(**changes: object) -> set[int]:
        return {one.seq for one in check(bundle | changes)}

    assert broken(rows=[first | {"payload": first["payload"] + " "}, sealed, last]) == {1}
    assert broken(rows=[first, sealed | {"sealed": "0" * 64}, last]) == {2}
    assert broken(rows=[first, last]) == {3}
    assert broken(rows=[first, sealed]) >= {3}
    assert {one.seq for one in check(bundle, "f" * 64)} == {3}
    assert broken(rows=[]) == {0}
