"""A database on a server: one connection that writes, one that reads, one that listens.

When the answer to COMMIT is missing, the old server process may still be at it. So before anything is read back the
old process is ended and seen to be gone: only then is an absent row absent for good.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import asyncpg

from router.model.errors import StoreUnavailable, WrongStore
from router.store.dialect import Sql
from router.store.session import MaybeWritten, NotWritten, Row, Step, Taken
from router.store.stuck import throw_out_for_ever

COMMAND_S = 10.0
GOODBYE_S = 2.0
RECONNECT_S = 5.0
"""How long a lost server is looked for before it is called unavailable."""
SESSION_SETTINGS = {
    "application_name": "sor",
    "idle_in_transaction_session_timeout": "3000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""Of every session. Who stops inside a transaction, or whose machine is gone, holds locks that a successor waits for:
for 3 s (the first is in ms), or until the server finds after 11 s that nobody is there, and not for hours."""
_PAUSE_S = 0.1
_CHANNEL = "sor_request"

_TABLES = Sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
_NOTIFY = Sql(f"SELECT pg_notify('{_CHANNEL}', '')")
_MYSELF = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_THERE = Sql("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2")
_END = Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2")

TROUBLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The last is what the driver raises when a connection is lost in the middle of preparing a statement."""


class PostgresSession:
    """`Session` over asyncpg, whose statement cache keeps every statement prepared."""

    def __init__(self, dsn: str, shown: str) -> None:
        self._dsn = dsn
        self._shown = shown
        self._writer: asyncpg.Connection | None = None
        self._reader: asyncpg.Connection | None = None
        self._listener: asyncpg.Connection | None = None
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._news = asyncio.Event()
        self._process: tuple[int, dt.datetime] | None = None
        self._doubtful: tuple[int, dt.datetime] | None = None
        self._throwing_out: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and check that what is committed here is durable. Raises `StoreUnavailable`, `WrongStore`."""
        self._reader = await self._connect()
        self._writer = await self._connect_writer()
        self._throwing_out = asyncio.create_task(throw_out_for_ever(self.read))

    async def tables(self) -> set[str]:
        """Names of all tables in the schema we would use."""
        return {str(row[0]) for row in await self.read(_TABLES)}

    async def write(self, steps: Sequence[Step]) -> list[list[Row]]:
        """See `Session`."""
        async with self._writing:
            return await self._write(steps)

    async def _write(self, steps: Sequence[Step]) -> list[list[Row]]:
        try:
            if self._writer is None or self._writer.is_closed():
                self._writer = await self._connect_writer()
        except StoreUnavailable as error:
            raise NotWritten(str(error)) from error
        if len(steps) == 1 and len(steps[0].args) == 1:
            return [await self._write_at_once(self._writer, steps[0])]
        return await self._write_together(self._writer, steps)

    async def _write_at_once(self, connection: asyncpg.Connection, step: Step) -> list[Row]:
        """One statement is a transaction by itself: one way to the server and back instead of three."""
        try:
            return await _run(connection, step)
        except Taken:
            raise
        except asyncpg.UniqueViolationError as error:
            raise Taken(str(error)) from error
        except BaseException as error:
            if isinstance(error, asyncpg.PostgresError) and not connection.is_closed():
                raise NotWritten(f"{type(error).__name__}: {error}") from error  # the server said no, and lives
            self._doubt(connection)
            if isinstance(error, Exception):
                raise MaybeWritten(f"{type(error).__name__}: {error}", readable=True) from error
            raise

    async def _write_together(self, connection: asyncpg.Connection, steps: Sequence[Step]) -> list[list[Row]]:
        try:
            await connection.execute("BEGIN")
            answers = [await _run(connection, step) for step in steps]
        except BaseException as error:
            # COMMIT was not sent: whether we can still say ROLLBACK or not, the server will undo it.
            await self._undo(connection)
            if isinstance(error, asyncpg.UniqueViolationError):
                raise Taken(str(error)) from error
            if isinstance(error, TROUBLE):
                raise NotWritten(f"{type(error).__name__}: {error}") from error
            raise
        try:
            said = await connection.execute("COMMIT")
        except BaseException as error:
            self._doubt(connection)
            if isinstance(error, Exception):
                raise MaybeWritten(f"{type(error).__name__}: {error}", readable=True) from error
            raise
        if said != "COMMIT":
            raise NotWritten(f"the server answered COMMIT with {said}")
        return answers

    def _doubt(self, connection: asyncpg.Connection) -> None:
        """Nothing more is said over this connection; what it may have done is settled over another."""
        self._doubtful, self._writer = self._process, None
        connection.terminate()

    async def _undo(self, connection: asyncpg.Connection) -> None:
        try:
            await connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - a connection that cannot even do this is of no use
            self._writer = None
            connection.terminate()

    async def read(self, sql: Sql, *args: object) -> list[Row]:
        """See `Session`. A read may be repeated, so a connection that was cut while idle is simply made again."""
        async with self._reading:
            for last in (False, True):
                try:
                    if self._reader is None or self._reader.is_closed():
                        self._reader = await self._connect()
                    return [tuple(row) for row in await self._reader.fetch(sql.postgres, *args)]
                except TROUBLE as error:
                    if self._reader is not None:
                        self._reader.terminate()
                    if last:
                        raise StoreUnavailable(
                            f"{self._shown} cannot be read: {type(error).__name__}: {error}"
                        ) from error
        raise AssertionError

    async def settle(self) -> bool:
        """See `Session`."""
        doubtful = self._doubtful
        if doubtful is None:
            return True
        ends = asyncio.get_running_loop().time() + RECONNECT_S
        while asyncio.get_running_loop().time() < ends:
            with suppress(StoreUnavailable):
                await self.read(_END, *doubtful)
                if not await self.read(_THERE, *doubtful):
                    self._doubtful = None
                    return True
            await asyncio.sleep(_PAUSE_S / 10)
        return False

    async def get_ready(self) -> None:
        """See `Session`."""

    async def news(self, timeout_s: float) -> None:
        """See `Session`."""
        with suppress(StoreUnavailable, TimeoutError):
            if self._listener is None or self._listener.is_closed():
                self._listener = await self._connect()
                await self._listener.add_listener(_CHANNEL, self._heard)
                return  # something may have come between the caller's last look and now
            await asyncio.wait_for(self._news.wait(), timeout_s)
        self._news.clear()

    def _heard(self, *_notification: object) -> None:
        self._news.set()

    async def announce(self) -> None:
        """See `Session`. Missing it costs the others a poll, so trouble here is nobody's."""
        with suppress(StoreUnavailable):
            await self.read(_NOTIFY)

    async def close(self) -> None:
        """See `Session`."""
        if self._throwing_out is not None:
            self._throwing_out.cancel()
            await asyncio.gather(self._throwing_out, return_exceptions=True)
        for connection in (self._listener, self._reader, self._writer):
            if connection is not None and not connection.is_closed():
                try:
                    await connection.close(timeout=GOODBYE_S)
                except TROUBLE:
                    connection.terminate()

    async def _connect_writer(self) -> asyncpg.Connection:
        connection = await self._connect()
        myself = await connection.fetchrow(_MYSELF)
        assert myself is not None
        self._process = (myself[0], myself[1])
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            await connection.close()
            raise WrongStore(f"{self._shown} is a standby: it cannot be written")
        return connection

    async def _connect(self) -> asyncpg.Connection:
        return await _patiently(self._connect_once, self._shown)

    async def _connect_once(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._dsn,
            timeout=RECONNECT_S,
            command_timeout=COMMAND_S,
            server_settings={"synchronous_commit": "on", **SESSION_SETTINGS},
        )


async def _patiently(connect: Callable[[], Awaitable[asyncpg.Connection]], shown: str) -> asyncpg.Connection:
    """A server that restarts is back in a moment; one that refuses us, or does not know the database, is not."""
    ends = asyncio.get_running_loop().time() + RECONNECT_S
    while True:
        try:
            return await connect()
        except asyncpg.InvalidCatalogNameError as error:
            raise WrongStore(f"{shown}: there is no such database; create it first") from error
        except TROUBLE as error:
            refused = isinstance(error, asyncpg.InvalidAuthorizationSpecificationError)
            if refused or asyncio.get_running_loop().time() > ends:
                raise StoreUnavailable(f"{shown} cannot be reached: {type(error).__name__}: {error}") from error
        await asyncio.sleep(_PAUSE_S)


async def _run(connection: asyncpg.Connection, step: Step) -> list[Row]:
    text = step.sql.postgres
    if step.must is None and len(step.args) > 1:
        await connection.executemany(text, step.args)
        return []
    answer: list[Row] = []
    for args in step.args:
        rows = await connection.fetch(text, *args)
        if step.must is not None and len(rows) != 1:
            raise Taken(f"this does not hold: {step.must} ({args[0]!r})", must=step.must)
        answer.extend(tuple(row) for row in rows)
    return answer
