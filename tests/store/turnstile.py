"""Two writers on one real server, led statement by statement: which of them goes next is the test's to say.

Each statement of a writer waits at the turnstile. A statement let through may block on a lock the other one holds: then
its writer is passed over until the database lets it go on, as it would be in real life.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from itertools import combinations
from typing import Any

BLOCKED_S = 0.03
"""A statement that has not come back by then waits for the other writer's lock."""


class Turnstile:
    """Lets the statements of named writers through, one at a time, in the order of a schedule."""

    def __init__(self) -> None:
        self._at_gate: dict[str, asyncio.Future[None]] = {}
        self._came = asyncio.Event()
        self._inside: dict[str, asyncio.Event] = {}

    async def run(self, who: str, statement: Awaitable[Any]) -> Any:
        """One statement of `who`: waits for its turn, then goes."""
        turn = asyncio.get_running_loop().create_future()
        self._at_gate[who] = turn
        self._came.set()
        done = self._inside[who] = asyncio.Event()
        try:
            await turn
            return await statement
        finally:
            self._at_gate.pop(who, None)
            done.set()

    async def lead(self, schedule: Sequence[str], writers: dict[str, "asyncio.Task[Any]"]) -> None:
        """Let through by the schedule; what is left over after it goes as it comes."""
        for who in schedule:
            await self._one(who, writers[who])
        while not all(task.done() for task in writers.values()):
            for who, task in writers.items():
                await self._one(who, task)

    async def _one(self, who: str, writer: "asyncio.Task[Any]") -> None:
        """The next statement of `who`, if it comes to one within the time in which a blocked one would."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + BLOCKED_S
        while who not in self._at_gate or self._at_gate[who].done():
            if writer.done() or loop.time() > ends:
                return
            await asyncio.sleep(0)
            await asyncio.sleep(0.0005)
        done = self._inside[who]
        self._at_gate[who].set_result(None)
        try:
            await asyncio.wait_for(done.wait(), BLOCKED_S)
        except TimeoutError:
            return


class Held:
    """A connection whose statements pass the turnstile."""

    def __init__(self, connection: Any, turnstile: Turnstile, who: str) -> None:
        self._connection = connection
        self._turnstile = turnstile
        self._who = who

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, *args: Any) -> Any:
        return await self._turnstile.run(self._who, self._connection.execute(*args))

    async def fetch(self, *args: Any) -> Any:
        return await self._turnstile.run(self._who, self._connection.fetch(*args))

    async def executemany(self, *args: Any) -> Any:
        return await self._turnstile.run(self._who, self._connection.executemany(*args))


def schedules(first: int, second: int) -> Iterator[tuple[str, ...]]:
    """Every order in which so many statements of `a` and so many of `b` can go."""
    for places in combinations(range(first + second), first):
        yield tuple("a" if place in places else "b" for place in range(first + second))
