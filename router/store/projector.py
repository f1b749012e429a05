"""A watcher that follows the journal and fills the tables people query. It never calls in, and may always start over.

The cursor moves in the transaction that writes the rows, from where it was read: of two projectors on one database one
goes ahead and the other follows. The journal is read and the rows are worked out before that transaction begins, so
that on SQLite the write lock, which the journal needs too, is held for moments.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

from sqlalchemy import ColumnElement, CursorResult, and_, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import SQLModel

from router.journal.rows import facts_of
from router.model.errors import StoreUnavailable
from router.model.ids import AccountId, ClientOrderId, EntityId, Nanos, ParentId
from router.model.money import ZERO
from router.store.engines import engine_for
from router.store.location import locate
from router.store.projection import KEYS, NOBODY, Change, Followed, Key, Known, Owner, Projection, Values, names_unknown
from router.store.tables import FOLLOWING, JOURNAL, BalanceTable, ChildTable, CursorTable, ParentTable, core

NAME = "query tables"
BATCH_ROWS = 200
_KNOWN_MAX = 1_000
"""Names kept from earlier batches; past this they are forgotten and looked up again where needed."""

_CURSOR = core(CursorTable)


class Projector:
    """Follows one shard of the journal at `url`. `entity` owns the venue accounts of this deployment."""

    def __init__(self, url: str, entity: EntityId, shard: str = "main") -> None:
        self._engine: AsyncEngine = engine_for(locate(url))
        self._entity = entity
        self._shard = shard
        self._known = Known()

    async def catch_up(self) -> int:
        """Follow to the journal's end as it is now. Returns the sequence number reached."""
        async with self._engine.connect() as connection:
            end = await self._end(connection)
            reached = await self._reached(connection)
        while reached < end:
            reached = await self._batch()
        return reached

    async def run(self, every_s: float = 0.2) -> None:
        """Follow until cancelled. A database that is away meanwhile is followed again when it is back."""
        while True:
            with suppress(StoreUnavailable):
                await self.catch_up()
            await asyncio.sleep(every_s)

    async def rebuild(self) -> int:
        """Forget everything and follow from the beginning."""
        async with self._writing() as connection:
            for table in FOLLOWING:
                await connection.execute(delete(core(table)))
            await connection.execute(delete(_CURSOR).where(self._mine()))
        self._known = Known()
        return await self.catch_up()

    async def as_of_seq(self) -> int:
        """How far the tables have followed."""
        async with self._engine.connect() as connection:
            return await self._reached(connection)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def _batch(self) -> int:
        """Follow by one batch; where the cursor stands then, whether we or another projector moved it."""
        async with self._engine.connect() as connection:
            reached = await self._reached(connection)
            rows = await self._rows_after(connection, reached)
            if not rows:
                return reached
            await self._look_up(connection, rows)
        projection = Projection(self._entity, self._known)
        projection.follow(rows)
        async with self._writing() as connection:
            if await self._advance(connection, reached, rows[-1].seq):
                for table, changes in projection.changes.items():
                    await _write(connection, table, changes)
                for account, (seq, asked_ns) in projection.reported.items():
                    await _zero_unnamed(connection, account, seq, asked_ns)
        return rows[-1].seq

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    async def _end(self, connection: AsyncConnection) -> int:
        found = await connection.execute(select(func.max(JOURNAL.c.seq)).where(JOURNAL.c.shard == self._shard))
        return cast("int", found.scalar_one_or_none() or 0)

    async def _reached(self, connection: AsyncConnection) -> int:
        found = await connection.execute(select(_CURSOR.c.as_of_seq).where(self._mine()))
        return cast("int", found.scalar_one_or_none() or 0)

    async def _rows_after(self, connection: AsyncConnection, reached: int) -> list[Followed]:
        columns = select(JOURNAL.c.seq, JOURNAL.c.at_ns, JOURNAL.c.payload)
        after = and_(JOURNAL.c.shard == self._shard, JOURNAL.c.seq > reached)
        found = await connection.execute(columns.where(after).order_by(JOURNAL.c.seq).limit(BATCH_ROWS))
        return [Followed(seq=seq, at_ns=Nanos(at_ns), facts=facts_of(payload)) for seq, at_ns, payload in found]

    async def _look_up(self, connection: AsyncConnection, rows: Sequence[Followed]) -> None:
        """Learn the names the rows speak of and earlier batches introduced."""
        if len(self._known.children) + len(self._known.parents) > _KNOWN_MAX:
            self._known = Known()
        children, parents = names_unknown(rows, self._known)
        if children:
            self._known.children.update(dict.fromkeys(children, NOBODY))
            child = core(ChildTable).c
            owners = select(child.client_id, child.entity, child.account, child.quote)
            for client_id, entity, account, quote in await connection.execute(
                owners.where(child.client_id.in_(children))
            ):
                owner = Owner(entity=entity, account=account, quote=quote)
                self._known.children[ClientOrderId(client_id)] = owner
        if parents:
            parent = core(ParentTable).c
            for parent_id, entity in await connection.execute(
                select(parent.id, parent.entity).where(parent.id.in_(parents))
            ):
                self._known.parents[ParentId(parent_id)] = entity

    async def _advance(self, connection: AsyncConnection, reached: int, to_seq: int) -> bool:
        """Move the cursor, if it still stands where it was read."""
        if reached == 0:
            first = _insert(connection, CursorTable).values(name=NAME, shard=self._shard, as_of_seq=to_seq)
            return _count(await connection.execute(first.on_conflict_do_nothing())) == 1
        onward = update(_CURSOR).where(self._mine(), _CURSOR.c.as_of_seq == reached).values(as_of_seq=to_seq)
        return _count(await connection.execute(onward)) == 1

    def _mine(self) -> ColumnElement[bool]:
        return and_(_CURSOR.c.name == NAME, _CURSOR.c.shard == self._shard)


async def _write(connection: AsyncConnection, table: type[SQLModel], changes: Mapping[Key, Change]) -> None:
    """All changes of one table, in one statement per set of columns."""
    whole: list[Values] = []
    some: defaultdict[tuple[str, ...], list[Values]] = defaultdict(list)
    for key, change in changes.items():
        named = dict(zip(KEYS[table], key, strict=True))
        if change.whole:
            whole.append(change.values)
        elif change.else_values:
            # A row may have to be made: columns nobody has spoken of yet get their first value, and keep it later.
            row = {**change.else_values, **change.values, **named}
            await connection.execute(_put(connection, table, tuple(change.values)), [row])
        else:
            some[tuple(sorted(change.values))].append({**change.values, **{f"key_{k}": v for k, v in named.items()}})
    if whole:
        await connection.execute(_put(connection, table, tuple(whole[0])), whole)
    columns = core(table).c
    for names, values in some.items():
        here = and_(*(columns[name] == bindparam(f"key_{name}") for name in KEYS[table]))
        columns_given: Values = {name: bindparam(name) for name in names}
        await connection.execute(update(core(table)).where(here).values(columns_given), values)


async def _zero_unnamed(connection: AsyncConnection, account: AccountId, seq: int, asked_ns: Nanos) -> None:
    """An asset that an account's newest report does not name is zero, as the engine takes it."""
    balance = core(BalanceTable)
    older = and_(balance.c.account == account, balance.c.seq < seq)
    await connection.execute(update(balance).where(older).values(total=ZERO, free=ZERO, asked_ns=asked_ns, seq=seq))


def _put(
    connection: AsyncConnection, table: type[SQLModel], overwrite: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    statement = _insert(connection, table)
    given = {name: statement.excluded[name] for name in overwrite if name not in KEYS[table]}
    return statement.on_conflict_do_update(index_elements=list(KEYS[table]), set_=given)


def _insert(connection: AsyncConnection, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    """Only the dialects' own INSERT knows what to do about a conflict; both say it alike."""
    return sqlite.insert(core(table)) if connection.dialect.name == "sqlite" else postgresql.insert(core(table))


def _count(result: object) -> int:
    return cast("CursorResult[object]", result).rowcount
