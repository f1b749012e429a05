"""The one door. Whatever happens becomes an event in here, and leaves in the order it came."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from router.model.events import Event


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and the request it consumes, if it came from the request table."""

    event: Event
    request_id: int | None = None


class Inbox:
    """Unbounded on purpose: what fills it is bounded at its sources, and a report is never dropped."""

    def __init__(self) -> None:
        self._arrivals: deque[Arrival] = deque()
        self._something = asyncio.Event()

    def put(self, event: Event, request_id: int | None = None) -> None:
        """Through the door."""
        self._arrivals.append(Arrival(event, request_id))
        self._something.set()

    def put_first(self, event: Event, request_id: int | None = None) -> None:
        """Through the door before all that waits: a halt."""
        self._arrivals.appendleft(Arrival(event, request_id))
        self._something.set()

    def put_back(self, arrivals: Sequence[Arrival]) -> None:
        """Taken and not decided on yet: they are first again, in their order."""
        self._arrivals.extendleft(reversed(arrivals))
        if arrivals:
            self._something.set()

    def nudge(self) -> None:
        """Let a waiting `take` return, with nothing if there is nothing."""
        self._something.set()

    async def take(self, most: int) -> list[Arrival]:
        """Everything that waits, up to `most`; waits for the first, or for a nudge."""
        await self._something.wait()
        taken = [self._arrivals.popleft() for _ in range(min(most, len(self._arrivals)))]
        if not self._arrivals:
            self._something.clear()
        return taken

    def __len__(self) -> int:
        return len(self._arrivals)
