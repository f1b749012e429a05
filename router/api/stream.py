"""What happens, as it happens: server-sent events with a snapshot first, and the same to be fetched."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from router.api.call import Answer, Call
from router.api.desk import Desk
from router.api.events import LAST
from router.api.feed import START, Feed
from router.api.models import EventsQuery
from router.api.orders import open_refs

_WRITE_S = 10.0
_BATCH = 500
_OPEN_CHILDREN = 1_000

StillGood = Callable[[], Awaitable[bool]]


async def fetch(feed: Feed, call: Call) -> Answer:
    """Events after an id, oldest first: nothing is lost by whoever keeps `next_after`."""
    asked = call.asked(EventsQuery)
    items, after = await feed.after(asked.after or START, asked.limit)
    return Answer(data={"items": items, "next_after": after})


async def snapshot(desk: Desk) -> dict[str, Any]:
    """How it stands: open orders with their living children, and whether anything may leave, all of one row."""
    seen = await desk.queries.standing(desk.entity)
    halted = seen.halted
    return {
        "id": f"{seen.as_of_seq}-{LAST}",
        "type": "snapshot",
        "as_of_seq": seen.as_of_seq,
        "halted": None if halted is None else halted.detail,
        "orders": [desk.reports.line(one) for one in seen.parents],
        "children": [
            {
                "client_id": one.client_id,
                "parent_id": one.parent_id,
                "number": one.number,
                "account": one.account,
                "symbol": one.symbol,
                "side": one.side,
                "state": one.state,
            }
            for one in seen.children[:_OPEN_CHILDREN]
        ],
        "received": await open_refs(desk),
    }


async def pour(
    desk: Desk, feed: Feed, response: web.StreamResponse, last_id: str | None, still_good: StillGood, heartbeat_s: float
) -> None:
    """Until the listener is gone, too slow, or not allowed any more. Without a last id a snapshot comes first."""
    if last_id is None:
        first = await snapshot(desk)
        await _write(response, _said(first))
        last_id = str(first["id"])
    quiet_since = asked_at = asyncio.get_running_loop().time()
    while True:
        events, last_id = await feed.after(last_id, _BATCH)
        now = asyncio.get_running_loop().time()
        if now - asked_at >= heartbeat_s:  # also where there is no silence
            if not await still_good():
                return
            asked_at = now
        if events:
            await _write(response, "".join(map(_said, events)))
        elif now - quiet_since >= heartbeat_s:
            await _write(response, ": heartbeat\n\n")
        else:
            await feed.wait(int(last_id.partition("-")[0]), heartbeat_s - (now - quiet_since))
            continue
        quiet_since = now


def _said(event: dict[str, Any]) -> str:
    data = json.dumps(event, separators=(",", ":"))  # one line: JSON escapes what would end it
    return f"id: {event['id']}\nevent: {event['type']}\ndata: {data}\n\n"


async def _write(response: web.StreamResponse, text: str) -> None:
    await asyncio.wait_for(response.write(text.encode()), _WRITE_S)
