"""What comes in during a transaction shares the next one: a commit waits for the disk, whatever is in it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from router.model.errors import StoreUnavailable
from router.model.requests import Request
from router.store import JournalStore, statements
from router.store import asking_statements as sql
from router.store.session import Step, Taken

MOST = 64
FREE = "the reference is free"


@dataclass(frozen=True, slots=True)
class Kept:
    """The row of an asking, and the requests that go on the table with it: `unique` if its key was free, or nothing."""

    asking: tuple[object, ...]
    unique: Request | None
    others: Sequence[Request]

    def steps(self) -> list[Step]:
        """By itself: what does not hold is told apart."""
        found = [Step(sql.KEEP_ASKING, (self.asking,))]
        if self.unique is not None:
            found.append(Step(statements.ASK, (request_row(self.unique),), must=FREE))
        return [*found, *(Step(statements.ASK, (request_row(one),)) for one in self.others)]


class Together:
    """Writes in the order of coming. Raises from `write` what a transaction of its own would have raised."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store
        self._waiting: list[tuple[Kept, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, kept: Kept) -> None:
        """On disk on return. Raises `Taken`, `StoreUnavailable`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((kept, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            if len(batch) == 1 or not await self._at_once(batch):
                for kept, done in batch:
                    await self._alone(kept, done)
            with suppress(StoreUnavailable):  # whoever drives looks by itself, too
                await self._store.announce()

    async def _at_once(self, batch: Sequence[tuple[Kept, "asyncio.Future[None]"]]) -> bool:
        """False: something of it does not hold, nothing was written, and each has to be asked for by itself."""
        unique = [request_row(kept.unique) for kept, _ in batch if kept.unique is not None]
        others = [request_row(one) for kept, _ in batch for one in kept.others]
        steps = [
            Step(sql.KEEP_ASKING, tuple(kept.asking for kept, _ in batch)),
            Step(statements.ASK_NEW, tuple(unique)),
            Step(statements.ASK, tuple(others)),
        ]
        try:
            await self._store.transact([step for step in steps if step.args])
        except Taken:
            return False
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
            for _, done in batch:
                _tell(done, error)
        else:
            for _, done in batch:
                _tell(done, None)
        return True

    async def _alone(self, kept: Kept, done: "asyncio.Future[None]") -> None:
        try:
            await self._store.transact(kept.steps())
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
            _tell(done, error)
        else:
            _tell(done, None)


def _tell(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():
        return  # whoever asked is gone; what was written stays
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def request_row(request: Request) -> tuple[object, ...]:
    """For `statements.ASK`."""
    who = (request.entity, request.kind.value, request.key, request.principal)
    return (*who, request.body, request.body_hash, request.asked_ns)
