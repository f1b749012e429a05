"""The door is a table: asked once, answered once, whoever asks and however often."""

import asyncio
from dataclasses import replace

import pytest

from router.model.errors import BadInput, SameKeyOtherBody
from router.model.ids import EntityId
from router.model.requests import RequestKind, RequestState
from router.store import JournalStore
from tests.store.conftest import Opener
from tests.store.makers import request, row


async def test_a_request_is_stored_and_found(store: JournalStore):
    """With everything that was asked."""
    stored = await store.ask(request())

    assert stored == replace(request(), id=stored.id)
    assert await store.asked(stored.entity, stored.kind, stored.key) == stored
    assert await store.open_requests(9) == (stored,)
    assert await store.asked(stored.entity, stored.kind, "another") is None


async def test_the_same_request_twice_is_one(store: JournalStore, opened: Opener):
    """A retry, here or from another process, gets what is stored: also its being consumed."""
    first = await store.ask(request())
    await store.append([row(request_id=first.id)])

    again = await (await opened()).ask(replace(request(), principal="somebody else"))

    assert again.id == first.id
    assert again.state is RequestState.CONSUMED
    assert again.principal == "desk"


async def test_the_same_reference_for_something_else_is_refused(store: JournalStore):
    """It names the field, and the stored request stays."""
    first = await store.ask(request(body={"quantity": "5"}))

    with pytest.raises(SameKeyOtherBody, match="ref_id"):
        await store.ask(request(body={"quantity": "6"}))

    assert await store.open_requests(9) == (first,)


async def test_a_reference_belongs_to_its_entity_and_kind(store: JournalStore):
    """Another owner, or another kind of request, may use the same word."""
    await store.ask(request(body={"a": 1}))
    await store.ask(request(body={"b": 1}, kind=RequestKind.CANCEL))
    await store.ask(replace(request(body={"c": 1}), entity=EntityId("other")))

    assert len(await store.open_requests(9)) == 3


async def test_a_body_that_is_not_what_its_hash_says_is_refused(store: JournalStore):
    """Whoever inserts it is wrong about one of the two."""
    with pytest.raises(BadInput, match="body_hash"):
        await store.ask(replace(request(), body="{}"))


async def test_open_requests_come_oldest_first(store: JournalStore):
    """As they were asked, up to the limit."""
    for number in range(4):
        await store.ask(request(f"r{number}"))

    assert [one.key for one in await store.open_requests(3)] == ["r0", "r1", "r2"]


async def test_many_ask_the_same_at_once(opened: Opener):
    """One row, and everybody gets it."""
    stores = [await opened() for _ in range(4)]

    answers = await asyncio.gather(*(store.ask(request()) for store in stores))

    assert len({answer.id for answer in answers}) == 1


async def test_waiting_wakes_for_a_new_request(store: JournalStore, opened: Opener):
    """Asked in another process, heard here, long before the wait would end."""
    asker = await opened()
    waiting = asyncio.create_task(store.wait_requests(60))
    asked = await asker.ask(request())

    assert await waiting
    assert await store.wait_requests(60)
    assert not await store.wait_requests(0, after_id=asked.id or 0)


async def test_waiting_ends_without_a_request(store: JournalStore):
    """Nothing asked, nothing heard."""
    assert not await store.wait_requests(0.05)


async def test_a_request_asked_while_nobody_waits_is_not_missed(store: JournalStore, opened: Opener):
    """What was there before the wait ends it at once; what comes after a wait ends the next."""
    asker = await opened()
    first = await asker.ask(request("r1"))
    assert await store.wait_requests(60)
    await asker.ask(request("r2"))
    assert await store.wait_requests(60, after_id=first.id or 0)
