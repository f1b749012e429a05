"""Server-sent events: a snapshot, what follows, nothing lost and nothing twice over a cut."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from router.access import Role
from router.api.events import place_of
from tests.api.rig import Client, Office, order

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def listen(client: Client, last_id: str | None = None) -> AsyncIterator[dict[str, Any]]:
    """Events as a browser reads them; a comment is `{"type": "heartbeat"}`."""
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    if client.key is not None:
        headers["Authorization"] = f"Bearer {client.key}"
    async with client.session.get(client.url + "/v1/stream", headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        fields: dict[str, str] = {}
        async for line in answer.content:
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                yield {"type": "heartbeat"}
            elif text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif fields:
                event = json.loads(fields["data"])
                assert (event["id"], event["type"]) == (fields["id"], fields["event"])
                yield event
                fields = {}


async def until(client: Client, last_id: str | None, wanted: str) -> list[dict[str, Any]]:
    """Events up to the first of this type."""
    found = []
    async with asyncio.timeout(20):
        async for event in listen(client, last_id):
            found.append(event)
            if event["type"] == wanted:
                break
    return found


async def test_a_snapshot_then_what_follows_and_after_a_cut_all_that_was_missed(desk: Office):
    """Each event once, in order, the same as fetched; from memory and, for who was away long, from the journal."""
    [snapshot] = await until(desk.client, None, "snapshot")
    for number in range(3):
        await desk.client.post("/v1/orders?await_fill_millis=10000", order(f"S{number}", "0.01"))

    last_id, streamed = snapshot["id"], list[dict[str, Any]]()
    for _ in range(3):  # a listener that is cut after each filled order
        heard = await until(desk.client, last_id, "fill.booked")
        streamed += heard
        last_id = heard[-1]["id"]
    fetched = (await desk.client.get(f"/v1/events?limit=1000&after={snapshot['id']}")).data["items"]

    assert [one["id"] for one in streamed] == [one["id"] for one in fetched][: len(streamed)]
    assert streamed == fetched[: len(streamed)]
    places = [place_of(one["id"]) for one in fetched]
    assert places == sorted(set(places))
    accepted = [one["ref_id"] for one in fetched if one["type"] == "order.accepted"]
    assert accepted == ["S0", "S1", "S2"]
    everything, after = [], None
    while True:
        page = (await desk.client.get(f"/v1/events?limit=7{'' if after is None else f'&after={after}'}")).data
        if not page["items"]:
            break
        everything, after = everything + page["items"], page["next_after"]
    assert everything[-len(fetched) :] == fetched
    assert len({one["id"] for one in everything}) == len(everything)


async def test_a_listener_hears_a_beat_and_is_let_go_when_the_key_is_over(desk: Office):
    """A revoked key does not go on listening."""
    key = await desk.key("listener", Role.VIEWER)
    heard = listen(desk.client.by(key))
    async with asyncio.timeout(20):
        types = [(await anext(heard))["type"] for _ in range(2)]
        assert types == ["snapshot", "heartbeat"]
        made = next(one for one in await desk.directory.keys() if one.owner == "listener")
        await desk.directory.revoke_key(made.id, "test")
        assert [one["type"] async for one in heard if one["type"] != "heartbeat"] == []


async def test_a_listener_whose_key_is_over_is_let_go_though_much_happens(desk: Office):
    """A busy desk has no silence to ask in."""
    key = await desk.key("busy", Role.VIEWER)
    heard = listen(desk.client.by(key))
    gates = asyncio.create_task(much_happens(desk))
    try:
        async with asyncio.timeout(20):
            assert (await anext(heard))["type"] == "snapshot"
            made = next(one for one in await desk.directory.keys() if one.owner == "busy")
            await desk.directory.revoke_key(made.id, "test")
        async with asyncio.timeout(3):
            assert "heartbeat" not in [one["type"] async for one in heard]
    finally:
        gates.cancel()
        await desk.client.post("/v1/halt/resume", {"reason": "over"})


async def much_happens(desk: Office) -> None:
    """An event in every tenth of a second."""
    while True:
        await desk.client.post("/v1/halt", {"reason": "a"})
        await asyncio.sleep(0.1)
        await desk.client.post("/v1/halt/resume", {"reason": "b"})
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("wrong", ["x", "1", "1-", "-1", "1-1-1", "9" * 30])
async def test_an_id_that_is_none_is_refused(desk: Office, wrong: str):
    """Before the stream begins."""
    said = await desk.client.get("/v1/stream", headers={"Last-Event-ID": wrong})
    assert (said.status, said.code) == (422, "not_valid")
