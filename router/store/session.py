"""What the store needs of a database driver: run these statements as one transaction, and say exactly how it ended.

The store's rules are written once, over this; a driver knows its database's errors and nothing of journals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from router.store.dialect import Sql

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a transaction, once per tuple of arguments.

    Where `must` is set, each run must give back exactly one row; otherwise the transaction is undone and `must` says
    what did not hold.
    """

    sql: Sql
    args: tuple[tuple[object, ...], ...]
    must: str | None = None


class Taken(Exception):
    """A unique key is taken, or `must` did not hold. Nothing was written."""

    def __init__(self, why: str, *, must: str | None = None) -> None:
        self.must = must
        super().__init__(why)


class NotWritten(Exception):
    """The transaction failed before its COMMIT was sent. Nothing was written, nor will be."""


class MaybeWritten(Exception):
    """The answer to COMMIT is missing or bad: it may or may not have been written.

    `readable` says whether what a read gives back now can be believed to be on the disk.
    """

    def __init__(self, why: str, *, readable: bool) -> None:
        self.readable = readable
        super().__init__(why)


class Session(Protocol):
    """One database, by one driver: a connection that writes, one that reads."""

    async def write(self, steps: Sequence[Step]) -> list[list[Row]]:
        """All steps in one durable transaction; the rows each gave back.

        Raises `Taken`, `NotWritten`, `MaybeWritten`.
        """
        ...

    async def read(self, sql: Sql, *args: object) -> list[Row]:
        """Rows committed by anybody. Raises `StoreUnavailable`."""
        ...

    async def settle(self) -> bool:
        """After `MaybeWritten`: make sure the old transaction cannot commit any more. False: it could not be done."""
        ...

    async def get_ready(self) -> None:
        """This process is going to drive: do now what would slow its first writes down."""
        ...

    async def news(self, timeout_s: float) -> None:
        """Return when a request may have come in, or after `timeout_s`. Waking for nothing is allowed."""
        ...

    async def announce(self) -> None:
        """Wake those who wait for `news` in other processes, where the database can."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
