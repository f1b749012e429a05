"""What commands read from the database. None of it needs a driver, and none of it can disturb one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from router.config import Config
from router.model.errors import BadInput
from router.model.ids import RefId
from router.model.requests import Request, RequestKind, RequestState
from router.store import JournalStore, open_store
from router.store.location import SqliteFile, locate
from router.store.projector import Projector
from router.store.queries import ParentDetail, Queries

_REQUESTS_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """The tables as of now, and what was asked for and no driver has taken yet."""

    config: Config
    store: JournalStore
    projector: Projector
    queries: Queries

    async def order(self, ref_id: str) -> ParentDetail | Request | None:
        """The parent with this reference; the request for it, where no driver has made a parent of it."""
        detail = await self._parent(ref_id)
        if detail is not None:
            return detail
        asked = await self.store.asked(self.config.entity, RequestKind.PARENT, ref_id)
        if asked is not None and asked.state is RequestState.CONSUMED:
            await self.projector.catch_up()  # it may have been taken between the two looks
            return await self._parent(ref_id) or asked
        return asked

    async def waiting(self) -> tuple[Request, ...]:
        """Orders that were asked for and not taken yet, newest first."""
        asked = await self.store.open_requests(_REQUESTS_MOST)
        ours = [one for one in asked if (one.kind, one.entity) == (RequestKind.PARENT, self.config.entity)]
        return tuple(reversed(ours))

    async def _parent(self, ref_id: str) -> ParentDetail | None:
        return await self.queries.parent_by_ref(self.config.entity, RefId(ref_id))


@asynccontextmanager
async def reading(config: Config) -> AsyncIterator[Reading]:
    """The tables, brought up to the journal's end first. Raises `WrongStore` where there is no database."""
    store = await open_store(config.database_url, config.mode, create=False)
    projector = Projector(config.database_url, config.entity)
    queries = Queries(config.database_url)
    try:
        await projector.catch_up()
        yield Reading(config, store, projector, queries)
    finally:
        await queries.close()
        await projector.close()
        await store.close()


@asynccontextmanager
async def reading_if_there(config: Config) -> AsyncIterator[Reading | None]:
    """The same, or None where nobody has made the database's file yet."""
    location = locate(config.database_url)
    if isinstance(location, SqliteFile) and not location.path.exists():
        yield None
        return
    async with reading(config) as found:
        yield found


async def driver_of(config: Config) -> str | None:
    """Who drives now, if anybody does; nobody where there is no database yet."""
    async with store_if_there(config) as store:
        held = None if store is None else await store.holder()
    return None if held is None else held[0]


@asynccontextmanager
async def store_if_there(config: Config) -> AsyncIterator[JournalStore | None]:
    """The database, or None where nobody has made its file yet."""
    location = locate(config.database_url)
    if isinstance(location, SqliteFile) and not location.path.exists():
        yield None
        return
    store = await open_store(config.database_url, config.mode, create=False)
    try:
        yield store
    finally:
        await store.close()


async def order_of_ref(found: Reading | None, ref_id: str) -> ParentDetail | Request:
    """What there is under this reference. Raises `BadInput` when nobody ever gave it, database or no database."""
    order = None if found is None else await found.order(ref_id)
    if order is None:
        raise BadInput("ref_id", f"{ref_id} is not known here; `sor orders` lists what is")
    return order
