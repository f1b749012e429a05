"""SQLAlchemy engines for what is not on the order path: migrations, the query tables, the people who read them."""

import sqlite3
from collections.abc import Callable

from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from router.model.errors import StoreUnavailable
from router.store.location import Location, PostgresServer, SqliteFile

BUSY_MS = 10_000
IDLE_MS = 30_000
"""How long a transaction here may stand still on a server: rows are worked on between two statements, and no successor
of a driver waits for these locks. Who does wait for one throws its holder out sooner (`router.store.stuck`)."""


def engine_for(location: Location) -> AsyncEngine:
    """An engine whose transactions take the write lock at their beginning, so that none fails half-way on it.

    A database that is gone, full or locked is `StoreUnavailable`, as it is for the journal.
    """
    engine = _engine(location)
    event.listen(engine.sync_engine, "handle_error", _say_unavailable)
    return engine


def _engine(location: Location) -> AsyncEngine:
    match location:
        case SqliteFile(path=path):
            engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
            event.listen(engine.sync_engine, "connect", _sqlite_connected)
            event.listen(engine.sync_engine, "begin", _sqlite_begin)
            return engine
        case PostgresServer(dsn=dsn):
            return create_async_engine("postgresql+asyncpg://", async_creator=_postgres_creator(dsn, str(location)))


def _say_unavailable(context: ExceptionContext) -> None:
    """Whatever is the database's trouble and not a mistake of ours in what we asked it. A cancelled task stays one."""
    if not isinstance(context.original_exception, Exception):
        return
    error = context.sqlalchemy_exception
    if context.is_disconnect or isinstance(error, OperationalError | InterfaceError) or type(error) is DBAPIError:
        message = f"the database cannot be used: {context.original_exception}"
        raise StoreUnavailable(message) from context.original_exception


def _postgres_creator(dsn: str, shown: str) -> "Callable[[], object]":
    import asyncpg  # noqa: PLC0415 - an extra, not in every install

    from router.store.postgres import SESSION_SETTINGS, TROUBLE  # noqa: PLC0415 - brings asyncpg with it

    settings = {**SESSION_SETTINGS, "idle_in_transaction_session_timeout": str(IDLE_MS)}

    async def connect() -> object:
        try:
            return await asyncpg.connect(dsn, server_settings=settings)
        except TROUBLE as error:
            message = f"{shown} cannot be reached: {type(error).__name__}: {error}"
            raise StoreUnavailable(message) from error

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
