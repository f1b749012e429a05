"""SQLAlchemy engines for what is not on the order path: migrations, the query tables, the people who read them."""

import sqlite3
from collections.abc import Callable

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from router.store.location import Location, PostgresServer, SqliteFile

BUSY_MS = 10_000


def engine_for(location: Location) -> AsyncEngine:
    """An engine whose transactions take the write lock at their beginning, so that none fails half-way on it."""
    match location:
        case SqliteFile(path=path):
            engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
            event.listen(engine.sync_engine, "connect", _sqlite_connected)
            event.listen(engine.sync_engine, "begin", _sqlite_begin)
            return engine
        case PostgresServer(dsn=dsn):
            return create_async_engine("postgresql+asyncpg://", async_creator=_postgres_creator(dsn))


def _postgres_creator(dsn: str) -> "Callable[[], object]":
    import asyncpg  # noqa: PLC0415 - an extra, not in every install

    from router.store.postgres import SESSION_SETTINGS  # noqa: PLC0415 - brings asyncpg with it

    async def connect() -> object:
        return await asyncpg.connect(dsn, server_settings=SESSION_SETTINGS)

    return connect


def _sqlite_connected(connection: sqlite3.Connection, _record: object) -> None:
    # We say BEGIN ourselves: the driver's own idea of when a transaction starts leaves DDL outside of it.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    # Followers can be rebuilt, so their commits need not reach the disk; the journal's own connection is FULL.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
