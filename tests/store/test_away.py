"""The database goes away and comes back: whoever follows it says so in our words, and follows again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from router.model.errors import StoreUnavailable
from router.store import JournalStore
from router.store.projector import Projector
from router.store.queries import Queries
from tests.store.conftest import Sql
from tests.store.makers import ENTITY, row, tick
from tests.waiting import eventually

pytestmark = pytest.mark.postgres
_THROW_OUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
async def projector(store: JournalStore, database_url: str) -> AsyncIterator[Projector]:
    made = Projector(database_url, ENTITY)
    yield made
    await made.close()


async def test_a_projector_outlives_the_connections_it_had(store: JournalStore, projector: Projector, sql: Sql) -> None:
    """Thrown out by the server, it is at the journal's end again a moment later."""
    following = asyncio.create_task(projector.run(every_s=0.01))
    try:
        await store.append([row(tick(1))])
        await eventually(lambda: _at(projector, 1))
        for _ in range(3):
            await sql(_THROW_OUT)
            await asyncio.sleep(0.02)
        await eventually(lambda: _at(projector, 1))
        assert not following.done()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_trouble_has_our_own_name(store: JournalStore, database_url: str, sql: Sql) -> None:
    """Nobody outside of the store has to know whose library could not connect."""
    queries = Queries(database_url.replace("127.0.0.1:5432", "127.0.0.1:1"))
    try:
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await queries.halt()
    finally:
        await queries.close()


async def _at(projector: Projector, seq: int) -> bool:
    try:
        return await projector.as_of_seq() == seq
    except StoreUnavailable:
        return False
