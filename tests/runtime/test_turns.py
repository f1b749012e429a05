"""Look-ups of one account: so many at a time, let in from both ends of the queue."""

import asyncio

import pytest

from router.runtime.turns import Turns
from tests.waiting import eventually


class Callers:
    """Who is within, in the order they came in; each stays until it is let go."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.let_in: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *names: str) -> None:
        for name in names:
            self._leave[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._call(name))
        await asyncio.sleep(0)

    async def leave(self, name: str) -> None:
        before = len(self.let_in)
        self._leave[name].set()
        await self._tasks[name]
        await eventually(lambda: len(self.let_in) > before)

    def cancel(self, name: str) -> None:
        self._tasks[name].cancel()

    async def _call(self, name: str) -> None:
        async with self._turns:
            self.let_in.append(name)
            await self._leave[name].wait()


@pytest.fixture
def callers() -> Callers:
    return Callers(Turns(2))


async def test_no_more_than_so_many_at_a_time(callers: Callers) -> None:
    await callers.come("a", "b", "c", "d")
    assert callers.let_in == ["a", "b"]


async def test_the_newest_and_the_oldest_take_turns(callers: Callers) -> None:
    """What trades now does not stand behind a crash's doubts, and the oldest of them is asked about too."""
    await callers.come("a", "b", "c", "d", "e", "f")
    for name in ("a", "b", "f", "c"):
        await callers.leave(name)
    assert callers.let_in == ["a", "b", "f", "c", "e", "d"]


async def test_who_gives_up_waiting_takes_nobodys_place(callers: Callers) -> None:
    """Cancelled while it waits, or in the very moment it is let in."""
    await callers.come("a", "b", "c", "d", "e")
    callers.cancel("e")
    await callers.leave("a")
    assert callers.let_in == ["a", "b", "d"]
    callers._leave["b"].set()
    await asyncio.sleep(0)
    callers.cancel("c")
    await callers.come("f")
    await eventually(lambda: callers.let_in[-1] == "f")
