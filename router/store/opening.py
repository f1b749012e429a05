"""Open the router's database: make it if it is not there, refuse it if it is not ours or not for this mode."""

import uuid
from typing import TYPE_CHECKING, cast

from router.model.errors import BadInput, WrongStore
from router.store import statements as sql
from router.store.base import JournalStore
from router.store.identity import Identity
from router.store.location import Location, PostgresServer, SqliteFile, locate
from router.store.schema import SCHEMA, migrate
from router.store.session import Session, Step
from router.store.sqlite import SqliteSession

if TYPE_CHECKING:
    from router.store.postgres import PostgresSession

_OURS = {"meta", "journal"}


class SqliteStore(JournalStore):
    """The store in a file."""


class PostgresStore(JournalStore):
    """The store on a server."""


async def open_store(url: str, mode: str, *, create: bool = True, shard: str = "main") -> JournalStore:
    """The store at `url`, which belongs to `mode`. With `create`, an absent or empty database becomes one.

    With `create`, too, an older schema is brought to this one; a mere reader is refused until that was done.

    Raises `BadInput` for a URL of another kind, `WrongStore` for a database that is absent, somebody else's, of another
    mode or schema, `StoreUnavailable` when it cannot be reached.
    """
    location = locate(url)
    session = await _session(location, create=create)
    try:
        identity = await _identity(session, url, mode, create=create)
        if create and identity.mode == mode and identity.schema_version < SCHEMA:
            await migrate(url)
            identity = await _identity(session, url, mode, create=False)
        _check(identity, mode, location)
        kind = SqliteStore if isinstance(location, SqliteFile) else PostgresStore
        store = kind(session, identity, shard)
        await store.learn_head()
    except BaseException:
        await session.close()
        raise
    return store


async def open_beside(url: str) -> Session:
    """A connection to a database that is there, for what is written beside the journal and not with it.

    A power cut may take its last commits back. Raises `WrongStore`, `StoreUnavailable`.
    """
    return await _session(locate(url), create=False, synced=False)


async def _session(location: Location, *, create: bool, synced: bool = True) -> "SqliteSession | PostgresSession":
    match location:
        case SqliteFile(path=path):
            file = SqliteSession(path, synced=synced)
            await file.open(create=create)
            return file
        case PostgresServer(dsn=dsn):
            server = _postgres_session(dsn, str(location))
            await server.open()
            return server


def _postgres_session(dsn: str, shown: str) -> "PostgresSession":
    try:
        from router.store.postgres import PostgresSession  # noqa: PLC0415 - its driver is an extra, not in every install
    except ImportError as error:
        raise BadInput("database", "PostgreSQL needs its driver: pip install 'crypto-sor[postgres]'") from error
    return PostgresSession(dsn, shown)


async def _identity(session: "SqliteSession | PostgresSession", url: str, mode: str, *, create: bool) -> Identity:
    tables = await session.tables()
    if not tables and create:
        await migrate(url)
    elif not tables >= _OURS:
        raise WrongStore(f"{locate(url)} holds no journal of ours" + (", but other tables" if tables else ""))
    rows = await session.read(sql.META)
    if not rows and create:
        # Two processes may be here at once: the first one's row stays, both read it.
        await session.write([Step(sql.FIRST_META, ((mode, uuid.uuid4().hex, SCHEMA),))])
        rows = await session.read(sql.META)
    if not rows:
        raise WrongStore(f"{locate(url)} was prepared, but never opened")
    found = cast("tuple[str, str, int, int]", tuple(rows[0]))
    return Identity(mode=found[0], deployment=found[1], incarnation=found[2], schema_version=found[3])


def _check(identity: Identity, mode: str, location: Location) -> None:
    if identity.schema_version != SCHEMA:
        older = "; the next order or driver upgrades it" if identity.schema_version < SCHEMA else ""
        known = f"this version of sor knows schema {SCHEMA}"
        raise WrongStore(f"{location} has schema {identity.schema_version}; {known}{older}")
    if identity.mode != mode:
        raise WrongStore(f"{location} belongs to mode {identity.mode}; it is not opened in mode {mode}")
