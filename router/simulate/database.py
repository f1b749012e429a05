"""The router's own database in virtual time: real tables, statements and rules, in memory, behind a wire that fails.

`JournalStore` and its SQL are the live ones; what is simulated is the way to the database and back, its clock, and how
a commit ends. A statement runs at the database at one instant, whatever becomes of the process that sent it.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar, cast

from router.journal.rows import appended
from router.model.errors import StoreUnavailable
from router.model.facts import Fact
from router.model.ids import Nanos
from router.model.requests import Request
from router.ports import Appended, JournalRow, Lease
from router.simulate.agenda import Agenda, Whose
from router.simulate.loop import VirtualLoop
from router.store import JournalStore, open_store
from router.store import statements as sql
from router.store.base import stored_row
from router.store.dialect import Sql
from router.store.identity import Identity
from router.store.schema import SCHEMA
from router.store.session import MaybeWritten, NotWritten, Row, Step
from router.store.sqlite import SqliteSession

T = TypeVar("T")
MODE = "lab"
SHARD = "main"
_MS = 1_000_000
_DAY_MS = 86_400_000
_EPOCH_JULIAN = 2440587.5
_ALL = 1 << 40


class Trouble(Protocol):
    """What a database does wrong, drawn by the world. Times in ns."""

    def commit_ns(self) -> int | None:
        """How long the next commit takes, there and back; None: it is refused."""
        ...

    def read_ns(self) -> int | None:
        """How long the next read takes; None: it fails."""
        ...

    def commit_unclear(self) -> bool:
        """Of a process that died at its commit: was the request not on its way yet?"""
        ...

    def commit_ends(self) -> "MaybeEnds | None":
        """Is this commit's answer lost? How it ended then."""
        ...

    def decided(self, facts: tuple[Fact, ...]) -> None:
        """These facts are durable."""
        ...

    async def at_point(self, name: str) -> None:
        """A kill, a pause or a cancellation may strike exactly here."""
        ...


class MaybeEnds:
    """How a commit ended whose answer is lost.

    `written_ns`: when it took place after all (0: at once), None never. `settles`: can the old transaction be made sure
    not to commit any more. `readable`: can what is read now be believed.
    """

    def __init__(self, *, written_ns: int | None, settles: bool, readable: bool) -> None:
        self.written_ns = written_ns
        self.settles = settles
        self.readable = readable


class SimDatabase:
    """What is durable. One per world; every process has a session on it. `file`: in a file instead of in memory."""

    def __init__(self, agenda: Agenda, deployment: str, file: Path | None = None) -> None:
        self.agenda = agenda
        self.identity = Identity(mode=MODE, deployment=deployment, incarnation=1, schema_version=SCHEMA)
        self.waiting: list[asyncio.Future[None]] = []
        self._read: tuple[Appended, ...] = ()
        self.connection = _connect(file)
        self.connection.execute("UPDATE meta SET deployment = ?", (deployment,))
        self.connection.create_function("julianday", 1, lambda _now: _EPOCH_JULIAN + self._now_ms() / _DAY_MS)

    def _now_ms(self) -> float:
        return self.agenda.now_ns // _MS + 0.5  # a julian day as a float is good to a twentieth of a ms

    def read(self) -> list[JournalRow]:
        """All rows, from the first."""
        return [one.row for one in self.appended()]

    def appended(self) -> tuple[Appended, ...]:
        """All rows as they were stored, hashes unchecked. What was read before is not read again: rows never change."""
        rows = self.select(sql.JOURNAL_FROM, SHARD, len(self._read) + 1, _ALL)
        self._read += tuple(appended(stored_row(row)) for row in rows)
        return self._read

    def select(self, statement: Sql, *args: object) -> list[Row]:
        """Look straight into it, as only a judge may."""
        return self.connection.execute(statement.sqlite, statement.in_sqlite_order(args)).fetchall()

    def insert(self, request: Request) -> bool:
        """Another process asks for something. False: it was there already."""
        values = (request.entity, request.kind, request.key, request.principal)
        return bool(self.select(sql.ASK, *values, request.body, request.body_hash, request.asked_ns))

    def ring(self, loop: VirtualLoop) -> None:
        """There is news: wake who waits for it."""
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            loop.after(0, future, None, None)

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()


class SimSession(SqliteSession):
    """A process's connection. The transaction itself is the real one."""

    def __init__(self, database: SimDatabase, trouble: Trouble, loop: VirtualLoop, whose: Whose) -> None:
        super().__init__(Path("simulated"))
        self._database = database
        self._trouble = trouble
        self._loop = loop
        self._whose = whose
        self._writer = self._reader = database.connection
        self._settles = True
        self.carries: tuple[tuple[Fact, ...], ...] = ()
        """The facts of the rows that the next transaction appends: the judge hears of them when they are durable."""

    async def write(self, steps: Sequence[Step]) -> list[list[Row]]:
        """See `Session`."""
        carried, self.carries = self.carries, ()
        took_ns = self._trouble.commit_ns()
        if took_ns is None:
            await self._answered(_MS, None)
            raise NotWritten("database is locked")
        if not carried:
            return await self._at_database(took_ns, lambda: self._write(steps))
        await self._trouble.at_point("append sent")
        ends = self._trouble.commit_ends()
        if ends is None:
            return await self._at_database(took_ns, lambda: self._append(steps, carried))
        self._settles = ends.settles
        if ends.written_ns is not None:
            self._loop.agenda.after(took_ns // 2 + ends.written_ns, lambda: self._append_unheard(steps, carried))
        await self._answered(took_ns, None)
        raise MaybeWritten("the connection was lost at COMMIT", readable=ends.readable)

    async def read(self, statement: Sql, *args: object) -> list[Row]:
        """See `Session`."""
        took_ns = self._trouble.read_ns()
        if took_ns is None:
            await self._answered(_MS, None)
            raise StoreUnavailable("the database cannot be reached")
        return await self._at_database(took_ns, lambda: self._read(statement, args))

    async def settle(self) -> bool:
        """See `Session`."""
        await self._answered(_MS, None)
        return self._settles

    async def get_ready(self) -> None:
        """See `Session`."""

    async def news(self, timeout_s: float) -> None:
        """See `Session`. It wakes like PostgreSQL, not by a poll."""
        bell: asyncio.Future[None] = self._loop.create_future()
        self._database.waiting.append(bell)
        await asyncio.wait([bell], timeout=timeout_s)
        bell.cancel()
        self._database.waiting = [one for one in self._database.waiting if one is not bell]

    async def announce(self) -> None:
        """See `Session`."""
        self._database.ring(self._loop)

    async def close(self) -> None:
        """See `Session`. The database stays for the others."""

    def _append(self, steps: Sequence[Step], carried: tuple[tuple[Fact, ...], ...]) -> list[list[Row]]:
        answers = self._write(steps)
        for facts in carried:
            self._trouble.decided(facts)
        return answers

    def _append_unheard(self, steps: Sequence[Step], carried: tuple[tuple[Fact, ...], ...]) -> None:
        try:
            self._append(steps, carried)
        except Exception:  # noqa: BLE001 - refused, and nobody is there to hear it
            return

    async def _at_database(self, took_ns: int, work: Callable[[], T]) -> T:
        """Half the time there, half the time back; done even if the sender is no more."""
        answer: asyncio.Future[T | Exception] = self._loop.create_future()
        there_ns = took_ns // 2

        def arrived() -> None:
            if self._whose.dead and self._trouble.commit_unclear():
                return
            try:
                result: T | Exception = work()
            except Exception as error:  # noqa: BLE001 - it goes back to whoever asked
                result = error
            self._loop.after(took_ns - there_ns, answer, result, self._whose)

        self._loop.agenda.after(there_ns, arrived)
        result = await answer
        if isinstance(result, Exception):
            raise result
        return result

    async def _answered(self, after_ns: int, result: T) -> T:
        answer: asyncio.Future[T] = self._loop.create_future()
        self._loop.after(after_ns, answer, result, self._whose)
        return await answer


class SimStore(JournalStore):
    """The real store, with a name for each place where a process may be struck between two statements."""

    def __init__(self, session: SimSession, database: SimDatabase, trouble: Trouble) -> None:
        super().__init__(session, database.identity, SHARD)
        self._simulated = session
        self._trouble = trouble
        self.lets_go = False
        """Was the lease given back, or is it about to be?"""
        self.heard_halts: set[int] = set()
        """Halts that were read from the table and are not journaled yet: from here on nothing may leave."""

    def _steps(self, rows: Sequence[JournalRow], chained: Sequence[object]) -> list[Step]:
        self._simulated.carries = tuple(row.facts for row in rows)
        return super()._steps(rows, chained)  # type: ignore[arg-type]

    async def append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        """See the port."""
        done = await super().append(rows)
        await self._trouble.at_point("appended")
        self.heard_halts.difference_update(cast("int", row.request_id) for row in rows)
        return done

    async def read(self, after_seq: int, limit: int) -> tuple[Appended, ...]:
        """See the port."""
        await self._trouble.at_point("recovering")
        return await super().read(after_seq, limit)

    async def open_requests(self, limit: int) -> tuple[Request, ...]:
        """See the port."""
        found = await super().open_requests(limit)
        self.heard_halts.update(cast("int", one.id) for one in found if one.kind == "HALT")
        return found

    async def take_lease(self, holder: str, ttl_ms: int) -> Lease | None:
        """See the port."""
        lease = await super().take_lease(holder, ttl_ms)
        await self._trouble.at_point("lease taken")
        return lease

    async def save_snapshot(self, seq: int, row_hash: str, at_ns: Nanos, version: int, payload: bytes) -> None:
        """See the port."""
        await self._trouble.at_point("saving")
        await super().save_snapshot(seq, row_hash, at_ns, version, payload)
        await self._trouble.at_point("saved")

    async def release_lease(self, lease: Lease) -> None:
        """See the port."""
        self.lets_go = True
        await self._trouble.at_point("releasing")
        await super().release_lease(lease)


def _connect(file: Path | None) -> sqlite3.Connection:
    if file is not None:
        file.write_bytes(_empty())
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        return connection
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(_empty())
    return connection


@cache
def _empty() -> bytes:
    """A database as the migrations make it, and its one row of identity. They take a while, so once per process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        asyncio.run(_make(path))
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode=DELETE")  # all of it in the one file
            return connection.serialize()
        finally:
            connection.close()


async def _make(path: Path) -> None:
    store = await open_store(f"sqlite:///{path}", MODE)
    await store.close()
