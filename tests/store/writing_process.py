"""A process that appends for as long as it lives, and says what it was told is durable. Run by test_kill.py."""

import asyncio
import sys
import time
from itertools import count

from router.model.facts import Fact
from router.ports.store import JournalRow
from router.store import JournalStore, open_store
from tests.store.makers import booked, counted, intended, request
from tests.store.makers import row as row_at
from tests.waiting import eventually


async def main(url: str, holder: str) -> None:
    store = await open_store(url, "lab")
    assert await eventually(lambda: store.take_lease(holder, 50))
    for turn in count(store.last_seq + 1):
        await write(store, turn * 10)
        print(store.last_seq, flush=True)


def row(*facts: Fact, request_id: int | None = None) -> JournalRow:
    """At this process's own time: its successor's rows must not lie before."""
    return row_at(*facts, request_id=request_id, at_ns=time.time_ns())


async def write(store: JournalStore, number: int) -> None:
    """A batch with something in every table, or a single row, turn by turn."""
    asked = await store.ask(request(f"r{number}"))
    if number % 20:
        await store.append([row(intended(number), request_id=asked.id)])
        return
    await store.append(
        [
            row(intended(number), intended(number + 1), request_id=asked.id),
            row(counted(number, 2)),
            row(booked(number, f"T{number}"), booked(number, f"U{number}")),
        ]
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
