"""What commands read from the database. None of it needs a driver, and none of it can disturb one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.config import Config
from router.model.errors import BadInput
from router.model.ids import ParentId, RefId
from router.store import open_store
from router.store.location import SqliteFile, locate
from router.store.projector import Projector
from router.store.queries import Explanation, ParentDetail, Queries


@asynccontextmanager
async def reading(config: Config) -> AsyncIterator[Queries]:
    """Queries as of now: the tables are brought up to the journal's end first."""
    store = await open_store(config.database_url, config.mode, create=False)
    await store.close()
    projector = Projector(config.database_url, config.entity)
    try:
        await projector.catch_up()
    finally:
        await projector.close()
    queries = Queries(config.database_url)
    try:
        yield queries
    finally:
        await queries.close()


@asynccontextmanager
async def reading_if_there(config: Config) -> AsyncIterator[Queries | None]:
    """The same, or None where no driver has made the database's file yet."""
    location = locate(config.database_url)
    if isinstance(location, SqliteFile) and not location.path.exists():
        yield None
        return
    async with reading(config) as queries:
        yield queries


async def parent_of(queries: Queries, config: Config, ref_id: str) -> ParentDetail:
    """The parent with this reference. Raises `BadInput` when there is none."""
    detail = await queries.parent_by_ref(config.entity, RefId(ref_id))
    if detail is None:
        raise BadInput("ref_id", f"{ref_id} is not known here; `sor orders` lists what is")
    return detail


async def rounds_of(queries: Queries, detail: ParentDetail) -> tuple[Explanation, ...]:
    """Every decision on a parent beside what was seen."""
    found = []
    for decision in detail.decisions:
        one = await queries.explain(ParentId(decision.parent_id), decision.round)
        if one is not None:
            found.append(one)
    return tuple(found)
