"""A store on each kind of database, opened as a driver opens it."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from router.store import JournalStore, open_store

Opener = Callable[..., Awaitable[JournalStore]]
Sql = Callable[..., Awaitable[list[tuple[object, ...]]]]


@pytest.fixture(scope="session")
def one_postgres_database(postgres_server: str) -> Iterator[str]:
    """A database for all tests of this folder: making one per test is most of what such a test takes."""
    name = f"sor_store_{secrets.token_hex(6)}"
    asyncio.run(_run(postgres_server, f'CREATE DATABASE "{name}"'))
    yield f"{postgres_server.rpartition('/')[0]}/{name}"
    asyncio.run(_run(postgres_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.fixture
async def postgres_url(one_postgres_database: str) -> str:
    """That database, emptied."""
    await _run(one_postgres_database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return one_postgres_database


async def _run(url: str, text: str) -> None:
    server = await asyncpg.connect(url)
    try:
        await server.execute(text)
    finally:
        await server.close()


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opener]:
    """Opens stores on one database, as many as a test wants, and closes them afterwards."""
    async with AsyncExitStack() as stack:

        async def open_one(*, lease: str | None = None, url: str = database_url, mode: str = "lab") -> JournalStore:
            store = await open_store(url, mode)
            stack.push_async_callback(store.close)
            if lease is not None:
                assert await store.take_lease(lease, 60_000) is not None
            return store

        yield open_one


@pytest.fixture
async def store(opened: Opener) -> JournalStore:
    """A store that drives."""
    return await opened(lease="driver")


@pytest.fixture
def sql(database_url: str) -> Sql:
    """Straight into the database, past everything of ours: how a test tampers, and how it looks for itself."""

    async def run(text: str) -> list[tuple[object, ...]]:
        if database_url.startswith("sqlite"):
            connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
            try:
                return connection.execute(text).fetchall()
            finally:
                connection.close()
        server = await asyncpg.connect(database_url)
        try:
            return [tuple(found) for found in await server.fetch(text)]
        finally:
            await server.close()

    return run
