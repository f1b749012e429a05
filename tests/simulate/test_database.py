"""The simulated database keeps the store's contract: its own tests, run in virtual time."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from router.model.facts import Fact
from router.model.ids import Nanos
from router.simulate.agenda import Agenda, Whose
from router.simulate.database import MaybeEnds, SimDatabase, SimSession, SimStore
from router.simulate.loop import Deadlock, VirtualLoop
from router.store import JournalStore
from tests.store import test_append, test_lease, test_requests

S = 1_000_000_000


class Sound:
    """A database that does nothing wrong."""

    def commit_ns(self) -> int:
        return 1_000_000

    def read_ns(self) -> int:
        return 100_000

    def commit_unclear(self) -> bool:
        return False

    def commit_ends(self) -> MaybeEnds | None:
        return None

    def decided(self, facts: tuple[Fact, ...]) -> None:
        pass

    async def at_point(self, name: str) -> None:
        pass


def contract() -> list[Any]:
    """Every case of the contract that needs no more than stores and SQL."""
    cases = [
        (f"{module.__name__.rpartition('.')[2]}.{name}", case)
        for module in (test_append, test_lease, test_requests)
        for name, case in vars(module).items()
        if name.startswith("test_") and inspect.iscoroutinefunction(case)
    ]
    return [pytest.param(case, id=name) for name, case in cases if set(inspect.signature(case).parameters) <= NEEDS]


NEEDS = {"store", "opened", "sql"}


@pytest.mark.parametrize("case", contract())
def test_the_stores_contract(case: Callable[..., Awaitable[None]]) -> None:
    """As on SQLite and PostgreSQL."""
    agenda = Agenda(Nanos(1_700_000_000 * S))
    loop = VirtualLoop(agenda)
    database = SimDatabase(agenda, "sim")

    async def opened(*, lease: str | None = None) -> JournalStore:
        store = SimStore(SimSession(database, Sound(), loop, Whose()), database, Sound())
        await store.learn_head()
        if lease is not None:
            assert await store.take_lease(lease, 60_000) is not None
        return store

    async def sql(text: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in database.connection.execute(text).fetchall()]

    async def story() -> None:
        wanted = inspect.signature(case).parameters
        given: dict[str, object] = {"opened": opened, "sql": sql}
        if "store" in wanted:
            given["store"] = await opened(lease="driver")
        await case(**{name: given[name] for name in wanted})

    loop.run(story())
    assert not loop.raised
    database.close()


def test_what_waits_for_nothing_is_found() -> None:
    """Nothing is left that could happen: the loop says so instead of standing still."""
    loop = VirtualLoop(Agenda(Nanos(0)))

    async def wait_for_ever() -> None:
        await loop.create_future()

    with pytest.raises(Deadlock):
        loop.run(wait_for_ever())
