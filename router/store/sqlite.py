"""An embedded database: one connection that writes, one that reads, each on its own thread.

WAL with `synchronous=FULL`: a COMMIT returns when the log is on the disk. A COMMIT that fails is never believed, not
even when the row can be read afterwards: after a failed fsync the page in memory and the disk may differ for good, so
the session refuses to write any more.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from router.model.errors import StoreUnavailable, WrongStore
from router.store.dialect import Sql
from router.store.session import MaybeWritten, NotWritten, Row, Step, Taken

BUSY_S = 5.0
LOG_BYTES = 4 << 20
"""How large the log is made before driving: writes in place are synced sooner than writes that make a file grow."""
CHECKPOINT_COMMITS = 100
_LOG_PAGES_MANY = 4_000
"""A log of more pages than this was written to during every checkpoint so far: fold it in between two commits."""
POLL_S = 0.02
_NORMAL, _FULL = 1, 2
_TABLES = Sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")

T = TypeVar("T")


class SqliteSession:
    """`Session` over the standard library's sqlite3.

    With `synced` False a COMMIT does not wait for the disk: a power cut may take the last ones back, whole. For what
    nothing that leaves this machine depends on.
    """

    def __init__(self, path: Path, *, synced: bool = True) -> None:
        self._path = path
        self._synced = synced
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="sor-journal")
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="sor-reader")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._broken: str | None = None
        self._commits = 0
        self._checkpoint: asyncio.Task[None] | None = None

    async def open(self, *, create: bool) -> None:
        """Connect. Raises `WrongStore` if there is no database here (and none may be made), or something else."""
        if create:
            _make_private(self._path)
        elif not self._path.exists():
            raise WrongStore(f"there is no database at {self._path}")
        try:
            self._writer = await self._on(self._write_thread, self._connect_writer)
            self._reader = await self._on(self._read_thread, self._connect_reader)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"{self._path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            raise WrongStore(f"{self._path} is not a database of ours: {error}") from error

    async def tables(self) -> set[str]:
        """Names of all tables."""
        return {str(row[0]) for row in await self.read(_TABLES)}

    async def write(self, steps: Sequence[Step]) -> list[list[Row]]:
        """See `Session`."""
        answers = await self._on(self._write_thread, lambda: self._write(steps))
        self._commits += 1
        if self._commits % CHECKPOINT_COMMITS == 0 and (self._checkpoint is None or self._checkpoint.done()):
            self._checkpoint = asyncio.create_task(self._fold_log())
        return answers

    async def _fold_log(self) -> None:
        """Move the log into the database beside the order path; a COMMIT never does it on its way."""
        with suppress(sqlite3.Error):  # it is tried again soon, and nothing depends on it
            pages = await self._on(self._read_thread, lambda: _checkpoint(self._reader))
            if pages > _LOG_PAGES_MANY:
                await self._on(self._write_thread, lambda: _checkpoint(self._writer))

    async def read(self, sql: Sql, *args: object) -> list[Row]:
        """See `Session`."""
        try:
            return await self._on(self._read_thread, lambda: self._read(sql, args))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path} cannot be read: {error}") from error

    async def settle(self) -> bool:
        """See `Session`. The failed COMMIT was this thread's own, and is over."""
        return True

    async def get_ready(self) -> None:
        """See `Session`."""
        await self._on(self._write_thread, self._grow_log)

    async def news(self, timeout_s: float) -> None:
        """See `Session`. SQLite wakes nobody, so this is a short poll."""
        await asyncio.sleep(min(timeout_s, POLL_S))

    async def announce(self) -> None:
        """See `Session`."""

    async def close(self) -> None:
        """See `Session`."""
        if self._checkpoint is not None:
            await self._checkpoint
        await self._on(self._read_thread, lambda: _close(self._reader))
        await self._on(self._write_thread, lambda: _close(self._writer))
        self._read_thread.shutdown()
        self._write_thread.shutdown()

    async def _on(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def _connect_writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous={_FULL if self._synced else _NORMAL}")
        connection.execute("PRAGMA fullfsync=ON")  # on macOS fsync alone does not reach the disk
        connection.execute("PRAGMA wal_autocheckpoint=0")  # `_fold_log` does it
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == (_FULL if self._synced else _NORMAL)
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _grow_log(self) -> None:
        """A transaction that is undone leaves its pages in the log file, to be written over by those that count."""
        log = self._path.with_name(f"{self._path.name}-wal")
        if self._writer is None or (log.exists() and log.stat().st_size >= LOG_BYTES):
            return
        page = 4_000
        self._writer.execute("PRAGMA cache_size=10")  # what does not fit is written out before COMMIT
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.execute("CREATE TABLE growing (page BLOB)")
        self._writer.executemany("INSERT INTO growing VALUES (zeroblob(?))", [(page,)] * (LOG_BYTES // page))
        self._writer.execute("ROLLBACK")
        self._writer.execute("PRAGMA cache_size=-2000")

    def _write(self, steps: Sequence[Step]) -> list[list[Row]]:
        connection = self._writer
        if connection is None or self._broken is not None:
            raise NotWritten(self._broken or "the session is closed")
        try:
            connection.execute("BEGIN IMMEDIATE")
            answers = [_run(connection, step) for step in steps]
        except BaseException as error:
            _undo(connection)
            if isinstance(error, sqlite3.IntegrityError):
                raise Taken(str(error)) from error
            if isinstance(error, sqlite3.Error):
                raise NotWritten(str(error)) from error
            raise
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._broken = f"an earlier COMMIT failed: {error}"
            _undo(connection)
            raise MaybeWritten(str(error), readable=False) from error
        return answers

    def _read(self, sql: Sql, args: tuple[object, ...]) -> list[Row]:
        if self._reader is None:
            raise StoreUnavailable("the session is closed")
        return self._reader.execute(sql.sqlite, sql.in_sqlite_order(args)).fetchall()


def _run(connection: sqlite3.Connection, step: Step) -> list[Row]:
    sql = step.sql
    if step.must is None and len(step.args) > 1:
        connection.executemany(sql.sqlite, map(sql.in_sqlite_order, step.args))
        return []
    answer: list[Row] = []
    for args in step.args:
        rows = connection.execute(sql.sqlite, sql.in_sqlite_order(args)).fetchall()
        if step.must is not None and len(rows) != 1:
            raise Taken(f"this does not hold: {step.must} ({args[0]!r})", must=step.must)
        answer.extend(rows)
    return answer


def _checkpoint(connection: sqlite3.Connection | None) -> int:
    """Fold in what can be without waiting for anybody; how many pages the log had."""
    if connection is None:
        return 0
    _busy, pages, _folded = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Another process may be opening the same new file; the busy handler is not asked for a change of journal mode."""
    wanted = "PRAGMA journal_mode=WAL"
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    # The mode cannot change inside a transaction, so the write lock is no help: try again behind whoever was first.
    for _ in range(_WAL_TRIES):
        try:
            connection.execute(wanted)
        except sqlite3.OperationalError:
            connection.execute("BEGIN IMMEDIATE")  # waits for as long as the busy time-out says
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute(wanted)


_WAL_TRIES = 20


def _make_private(path: Path) -> None:
    """A new database is its owner's to read: it holds what was traded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
