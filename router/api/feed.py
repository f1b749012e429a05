"""Follows the journal once for everybody who listens, and keeps the newest events in memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from router.api.events import LAST, Event, events_of, place_of
from router.journal.rows import StoredRow, facts_of
from router.model.errors import StoreUnavailable
from router.store import JournalStore

_KEPT = 20_000
_ROWS = 64
_EVERY_S = 0.05
_AGAIN_S = 1.0
START = "0-0"


class Feed:
    """Events after any id: from memory where they are new, else from the journal."""

    def __init__(self, store: JournalStore, failed: Callable[[Exception], None]) -> None:
        self._store = store
        self._failed = failed
        self._kept: deque[Event] = deque(maxlen=_KEPT)
        self._from: tuple[int, int] | None = None
        """Everything after this place is in memory; None while nothing is followed."""
        self._seq = 0
        self.listeners = 0
        """Decoding the journal is work: it is done while somebody listens."""
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        """For ever, while anybody listens. A database that is away is followed again when it is back."""
        while True:
            try:
                if not self.listeners:
                    self._from = None
                    self._kept.clear()
                elif self._from is None:
                    await self._begin()
                while self._from is not None and (rows := await self._store.stored_rows(self._seq, _ROWS)):
                    await self._take(rows)
            except StoreUnavailable:
                await asyncio.sleep(_AGAIN_S)
            except Exception as error:  # noqa: BLE001 - a row nobody here can read: listeners wait, the rest goes on
                self._failed(error)
                await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(_EVERY_S)

    async def _begin(self) -> None:
        """From here on; whoever waits already looks again, in the journal."""
        async with self._moved:
            self._seq = await self._newest()
            self._from = (self._seq, LAST)
            self._moved.notify_all()

    async def _take(self, rows: Sequence[StoredRow]) -> None:
        for row in rows:
            for event in events_of(row.seq, row.at_ns, facts_of(row.payload)):
                if len(self._kept) == _KEPT:
                    self._from = place_of(self._kept[0]["id"])
                self._kept.append(event)
        async with self._moved:
            self._seq = rows[-1].seq
            self._moved.notify_all()

    async def _newest(self) -> int:
        found = await self._store.newest_row()
        return 0 if found is None else found[0]

    async def after(self, event_id: str, most: int) -> tuple[list[Event], str]:
        """At most so many events after that one, and the id to go on from, which moves on where nothing is told."""
        place = place_of(event_id)
        if self._from is None or place < self._from:
            return await self._from_journal(event_id, place, most)
        end, newer = self._seq, list[Event]()
        for event in reversed(self._kept):
            if place_of(event["id"]) <= place:
                break
            newer.append(event)
        found = [one for one in reversed(newer) if place_of(one["id"])[0] <= end]
        if len(found) > most:
            return found[:most], str(found[most - 1]["id"])
        return found, _later(event_id, f"{end}-{LAST}")

    async def _from_journal(self, event_id: str, place: tuple[int, int], most: int) -> tuple[list[Event], str]:
        events: list[Event] = []
        seq = max(place[0] - 1, 0)
        while len(events) < most and (rows := await self._store.stored_rows(seq, _ROWS)):
            for row in rows:
                events += [
                    one for one in events_of(row.seq, row.at_ns, facts_of(row.payload)) if place_of(one["id"]) > place
                ]
                seq = row.seq
                if len(events) >= most:
                    break
        if len(events) >= most:
            return events[:most], events[most - 1]["id"]
        return events, _later(event_id, f"{seq}-{LAST}")

    async def wait(self, seq: int, timeout_s: float) -> None:
        """Until a row after `seq` was followed, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self._seq > seq)


def _later(one: str, other: str) -> str:
    return max(one, other, key=place_of)
