"""The store's rules, once for both databases: compare-and-append, the lease, the request table, snapshots.

Compare-and-append: a row goes in at *my last seq + 1*, chained to *my last hash*. Of two writers that both believe they
drive, the key lets one pass. After any error the place is read back: our own row there means that it was written; any
other answer means that this store's picture of the journal is over, and it refuses to append until a lease is taken
anew. An insert is never repeated.
"""

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Sequence
from typing import TypeVar, cast

from router.journal.chain import GENESIS, ChainBroken
from router.journal.rows import StoredRow, appended, facts_of, stored
from router.model.archive import ArchivedParent
from router.model.errors import (
    AppendLost,
    AppendUnclear,
    BadInput,
    SameKeyOtherBody,
    SideRowTaken,
    StoreUnavailable,
    WrongStore,
)
from router.model.facts import Fact, FillBooked, ParentArchived
from router.model.ids import EntityId, Nanos
from router.model.requests import Request, RequestKind, RequestState
from router.ports.store import Appended, JournalRow, Lease, Remembered, Unknown
from router.store import statements as sql
from router.store.dialect import Sql
from router.store.identity import Identity
from router.store.session import MaybeWritten, NotWritten, Row, Session, Step, Taken
from router.store.side_rows import beside, steps_for

SNAPSHOTS_KEPT = 8
_OUR_PLACE = "the row before is the one this writer knows"
_POLL_S = 1.0
"""However well waking works, open requests are looked for this often."""

T = TypeVar("T")


class JournalStore:
    """`router.ports.store.Store` over a database session. Made by `open_store`."""

    def __init__(self, session: Session, identity: Identity, shard: str) -> None:
        self._session = session
        self._shard = shard
        self._identity = identity
        self._lease: Lease | None = None
        self._seq = 0
        self._hash = GENESIS
        self._lost: str | None = "no lease was taken"
        self._one_append = asyncio.Lock()
        self._running: set[asyncio.Task[object]] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shard={self._shard!r}, seq={self._seq}, mode={self._identity.mode!r})"

    @property
    def mode(self) -> str:
        """The mode this database belongs to."""
        return self._identity.mode

    @property
    def deployment(self) -> str:
        """The deployment's id, made once with the database."""
        return self._identity.deployment

    @property
    def incarnation(self) -> int:
        """How often this database was brought back from a backup, plus one."""
        return self._identity.incarnation

    @property
    def last_seq(self) -> int:
        """The newest row this store knows of: as of its opening, its lease or its own last append."""
        return self._seq

    # Appending.

    async def append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        """See the port. Not undone by cancellation: once begun, it runs to its end and the store knows how it ended."""
        return await self._whole(self._append(rows))

    async def _append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        async with self._one_append:
            if self._lost is not None or self._lease is None:
                raise AppendLost(f"this store may not append: {self._lost}")
            if not rows:
                return ()
            chained = self._chained(rows, self._lease.epoch)
            try:
                await self._session.write(self._steps(rows, chained))
            except Taken as error:
                # The journal's own place is a race that was lost; a side row is a bug.
                lost = error.must == _OUR_PLACE
                await self._read_back(chained, AppendLost(str(error)) if lost else SideRowTaken(str(error)))
            except NotWritten as error:
                await self._read_back(chained, StoreUnavailable(f"nothing was appended: {error}"))
            except MaybeWritten as error:
                await self._settle(chained, error)
            except BaseException as error:
                self._lost = f"an append ended in {type(error).__name__}"
                raise
            self._seq, self._hash = chained[-1].seq, chained[-1].hash
            return tuple(
                Appended(seq=place.seq, epoch=place.epoch, hash=place.hash, row=row)
                for place, row in zip(chained, rows, strict=True)
            )

    def _chained(self, rows: Sequence[JournalRow], epoch: int) -> list[StoredRow]:
        places: list[StoredRow] = []
        seq, previous = self._seq, self._hash
        for row in rows:
            seq += 1
            places.append(stored(row, self._shard, seq, epoch, previous))
            previous = places[-1].hash
        return places

    def _steps(self, rows: Sequence[JournalRow], chained: Sequence[StoredRow]) -> list[Step]:
        columns = [(r.shard, r.seq, r.epoch, r.at_ns, r.kind, r.payload, r.hash) for r in chained]
        steps = [Step(sql.APPEND_FIRST, ((*columns[0], self._hash),), must=_OUR_PLACE)]
        if len(columns) > 1:
            steps.append(Step(sql.APPEND_NEXT, tuple(columns[1:])))
        placed = zip((place.seq for place in chained), rows, strict=True)
        return steps + steps_for(beside(placed), self._shard)

    async def _settle(self, chained: Sequence[StoredRow], error: MaybeWritten) -> None:
        """COMMIT's answer is missing. Return if the rows are there; raise what is known otherwise."""
        self._lost = f"the outcome of an append is not known: {error}"
        certain = await self._session.settle()
        if not error.readable:
            raise AppendUnclear(self._lost) from error
        otherwise: Exception = (
            StoreUnavailable(f"nothing was appended: {error}") if certain else AppendUnclear(self._lost)
        )
        await self._read_back(chained, otherwise)
        self._lost = None

    async def _read_back(self, chained: Sequence[StoredRow], otherwise: Exception) -> None:
        """Return if our own rows stand at their place; raise `AppendLost` if others do, `otherwise` if none does."""
        last = chained[-1]
        self._lost = str(otherwise)
        try:
            there = [
                stored_row(row) for row in await self._session.read(sql.JOURNAL_FROM, self._shard, chained[0].seq, 1)
            ]
            ours = [stored_row(row) for row in await self._session.read(sql.JOURNAL_ROW, self._shard, last.seq)]
        except StoreUnavailable as error:
            raise AppendUnclear(str(error)) from error
        if ours == [last]:
            # The chain vouches for all rows before: they could not be others and lead to the same hash.
            self._lost = None
            return
        if there and there[0].seq == chained[0].seq:
            self._lost = f"seq {chained[0].seq} was written by epoch {there[0].epoch}"
            raise AppendLost(self._lost)
        raise otherwise

    # Reading.

    async def read(self, after_seq: int, limit: int) -> tuple[Appended, ...]:
        """See the port. Raises `ChainBroken`."""
        rows = await self.stored_rows(after_seq - 1, limit + 1) if after_seq > 0 else await self.stored_rows(0, limit)
        previous = GENESIS
        if after_seq > 0:
            if not rows or rows[0].seq != after_seq:
                raise ChainBroken(after_seq, "there is no such row")
            previous, rows = rows[0].hash, rows[1:]
        for place, row in enumerate(rows, start=after_seq + 1):
            if row.seq != place:
                raise ChainBroken(place, "there is no such row")
            if row.hash != row.hash_after(previous):
                raise ChainBroken(place, "its hash does not fit its content and the row before")
            previous = row.hash
        return tuple(map(appended, rows))

    async def stored_rows(self, after_seq: int, limit: int) -> tuple[StoredRow, ...]:
        """Rows as they stand in the table, nothing checked."""
        return tuple(map(stored_row, await self._session.read(sql.JOURNAL_FROM, self._shard, after_seq + 1, limit)))

    async def recall(self, unknown: Unknown) -> Remembered:
        """See the port."""
        if not unknown:
            return Remembered()
        keys = [*unknown.rows, *unknown.claimed]
        found = await self._session.read(sql.BOOKED, self._shard, json.dumps(keys)) if keys else ()
        booked = cast("dict[str, int]", {key: seq for key, seq in found})  # noqa: C416 - rows are no pairs to a checker
        free = [named for key, named in unknown.rows.items() if key not in booked]
        children = {*unknown.children, *(client_id for client_id, _ in free if client_id is not None)}
        parents = {*unknown.parents}
        for key in booked.keys() & unknown.claimed:
            facts = await self._facts_at(booked[key])
            parents |= {f.fill.parent_id for f in facts if isinstance(f, FillBooked) and f.fill.booking_key == key}
        names = (parents, children, {*unknown.orders, *(key for _, key in free)})
        rows = (
            await self._session.read(sql.ARCHIVED, self._shard, *(json.dumps(sorted(one)) for one in names))
            if any(names)
            else ()
        )
        seqs = dict.fromkeys(cast("int", row[1]) for row in rows)
        return Remembered(
            parents=tuple([one for seq in seqs for one in await self._archived_at(seq)]),
            booked=frozenset(booked.keys() & unknown.rows.keys()),
        )

    async def _archived_at(self, seq: int) -> tuple[ArchivedParent, ...]:
        """Whoever left by this row: one parent, or the legs of one basket."""
        found = tuple(fact.parent for fact in await self._facts_at(seq) if isinstance(fact, ParentArchived))
        if not found:
            raise StoreUnavailable(f"row {seq} does not hold the parent that was archived there")
        return found

    async def _facts_at(self, seq: int) -> tuple[Fact, ...]:
        (row,) = await self._session.read(sql.JOURNAL_ROW, self._shard, seq)
        return facts_of(stored_row(row).payload)

    async def newest_row(self) -> tuple[int, str] | None:
        """Sequence number and hash of the journal's last row, whoever wrote it."""
        head = await self._session.read(sql.JOURNAL_HEAD, self._shard)
        return (cast("int", head[0][0]), cast("str", head[0][2])) if head else None

    async def rows_of(self, statement: Sql, *args: object) -> list[Row]:
        """Any reading statement, for those who audit the tables beside the journal."""
        return await self._session.read(statement, *args)

    @property
    def shard(self) -> str:
        """Which journal of the database this is."""
        return self._shard

    # The lease.

    async def take_lease(self, holder: str, ttl_ms: int) -> Lease | None:
        """See the port. Learns the journal's head: what is appended next follows on what stands there now."""
        return await self._whole(self._take_lease(holder, ttl_ms))

    async def _take_lease(self, holder: str, ttl_ms: int) -> Lease | None:
        async with self._one_append:
            before = await self._session.read(sql.LEASE_BEFORE, self._shard)
            taken = await self._write_one(sql.TAKE_LEASE, self._shard, holder, ttl_ms)
            if not taken:
                return None
            epoch = cast("int", taken[0][0])
            lease = Lease(holder=holder, epoch=epoch, unreleased=_unreleased(before, epoch))
            await self._session.get_ready()
            await self.learn_head()
            self._lease, self._lost = lease, None
            return lease

    async def learn_head(self) -> None:
        """Look up the newest row."""
        self._seq, self._hash = await self.newest_row() or (0, GENESIS)

    async def renew_lease(self, lease: Lease, ttl_ms: int) -> bool:
        """See the port."""
        return bool(await self._write_one(sql.RENEW_LEASE, self._shard, lease.holder, lease.epoch, ttl_ms))

    async def release_lease(self, lease: Lease) -> None:
        """See the port. This store may not append under it any more."""
        if self._lease == lease:
            self._lease, self._lost = None, "the lease was released"
        await self._write_one(sql.RELEASE_LEASE, self._shard, lease.holder, lease.epoch)

    async def holder(self) -> tuple[str, int, int] | None:
        """(holder, epoch, milliseconds left) of the lease, if it is held now."""
        rows = await self._session.read(sql.LEASE, self._shard)
        if not rows or cast("int", rows[0][2]) <= 0:
            return None
        return cast("str", rows[0][0]), cast("int", rows[0][1]), cast("int", rows[0][2])

    # The door.

    async def ask(self, request: Request) -> Request:
        """See the port."""
        if hashlib.sha256(request.body.encode()).hexdigest() != request.body_hash:
            raise BadInput("body_hash", "is not the SHA-256 of the body")
        values = (request.entity, request.kind, request.key, request.principal)
        inserted = await self._write_one(sql.ASK, *values, request.body, request.body_hash, request.asked_ns)
        if inserted:
            await self._session.announce()
            return _request(inserted[0])
        found = await self.asked(request.entity, request.kind, request.key)
        assert found is not None
        if found.body != request.body:
            field = "ref_id" if request.kind in {RequestKind.PARENT, RequestKind.BASKET} else "key"
            raise SameKeyOtherBody(
                field, f"{request.key} was used before for a different {request.kind.lower()} request"
            )
        return found

    async def asked(self, entity: EntityId, kind: RequestKind, key: str) -> Request | None:
        """See the port."""
        rows = await self._session.read(sql.ASKED, entity, kind, key)
        return _request(rows[0]) if rows else None

    async def open_requests(self, limit: int) -> tuple[Request, ...]:
        """See the port."""
        return tuple(map(_request, await self._session.read(sql.OPEN_REQUESTS, limit)))

    async def wait_requests(self, timeout_s: float, after_id: int = 0) -> bool:
        """True as soon as there is an open request with an id above `after_id`; False after `timeout_s` without one.

        Ids can become visible out of order on PostgreSQL: whoever passes `after_id` looks through `open_requests` now
        and then, too.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while not await self._session.read(sql.OPEN_REQUEST_AFTER, after_id):
            left = ends - loop.time()
            if left <= 0:
                return False
            await self._session.news(min(left, _POLL_S))
        return True

    # Learned fill chances.

    async def keep_chances(self, version: str, body: str, kept_ns: Nanos) -> bool:
        """Store a learned set for ever, under the version its content makes. False: it is there already."""
        digest = hashlib.sha256(body.encode()).hexdigest()
        return bool(await self._write_one(sql.KEEP_CHANCES, version, body, digest, kept_ns))

    async def chances(self, version: str) -> str | None:
        """The body of a learned set, if there is one. Raises `WrongStore` for one that was changed."""
        rows = await self._session.read(sql.CHANCES, version)
        return _chances(rows[0]) if rows else None

    async def all_chances(self) -> tuple[str, ...]:
        """All bodies, the newest first. Raises `WrongStore` as `chances` does."""
        return tuple(map(_chances, await self._session.read(sql.ALL_CHANCES)))

    # Volume curves.

    async def keep_curve(self, curve_id: str, asof: str, body: str, kept_ns: Nanos) -> bool:
        """Store a curve under its name and day, for ever. False: the very same is there already.

        Raises `BadInput` where another one has that name and day.
        """
        digest = hashlib.sha256(body.encode()).hexdigest()
        if await self._write_one(sql.KEEP_CURVE, curve_id, asof, body, digest, kept_ns):
            return True
        if await self.curve(curve_id, asof) == body:
            return False
        raise BadInput("curve_id", f"{curve_id} of {asof} is another curve already, and none is changed: take a new id")

    async def curve(self, curve_id: str, asof: str) -> str | None:
        """The body of a curve, if there is one. Raises `WrongStore` for one that was changed."""
        rows = await self._session.read(sql.CURVE, curve_id, asof)
        return _curve(rows[0]) if rows else None

    async def curves(self) -> tuple[str, ...]:
        """The bodies of all curves by name, each name's newest day first. Raises `WrongStore` as `curve` does."""
        return tuple(map(_curve, await self._session.read(sql.CURVES)))

    # Snapshots and identity.

    async def save_snapshot(self, seq: int, row_hash: str, at_ns: Nanos, version: int, payload: bytes) -> None:
        """See the port."""
        await self._write(
            [
                Step(sql.SAVE_SNAPSHOT, ((self._shard, seq, version, row_hash, at_ns, payload),)),
                Step(sql.DROP_OLD_SNAPSHOTS, ((self._shard, SNAPSHOTS_KEPT),)),
            ]
        )

    async def newest_snapshot(self, version: int) -> tuple[int, str, bytes] | None:
        """See the port."""
        rows = await self._session.read(sql.NEWEST_SNAPSHOT, self._shard, version)
        if not rows:
            return None
        seq, row_hash, payload = rows[0]
        return cast("int", seq), cast("str", row_hash), bytes(cast("bytes", payload))

    async def snapshot_before(self, version: int, seq: int) -> tuple[int, str, bytes] | None:
        """As `newest_snapshot`, the newest that reaches no further than `seq`."""
        rows = await self._session.read(sql.SNAPSHOT_BEFORE, self._shard, version, seq)
        if not rows:
            return None
        found, row_hash, payload = rows[0]
        return cast("int", found), cast("str", row_hash), bytes(cast("bytes", payload))

    async def bump_incarnation(self) -> int:
        """A backup was restored: no client order id from now on can be one given out before. The new number."""
        rows = await self._write_one(sql.BUMP_INCARNATION)
        self._identity = self._identity.reborn(cast("int", rows[0][0]))
        return self._identity.incarnation

    async def close(self) -> None:
        """Wait for an append that is under way, then let go of the database. The lease is not released by this."""
        if self._running:
            await asyncio.wait(self._running)
        self._lease, self._lost = None, "the store was closed"
        await self._session.close()

    # Tables beside the journal, which another room keeps.

    async def transact(self, steps: Sequence[Step]) -> list[list[Row]]:
        """All steps in one durable transaction, or none; cancellation does not cut it.

        Raises `Taken` when a key is taken or a `must` does not hold, `StoreUnavailable` when it was not written, or may
        have been: what is asked for here can be asked for again.
        """
        return await self._whole(self._transact(steps))

    async def _transact(self, steps: Sequence[Step]) -> list[list[Row]]:
        try:
            return await self._session.write(steps)
        except (NotWritten, MaybeWritten) as error:
            raise StoreUnavailable(f"the database did not take it: {error}") from error

    async def announce(self) -> None:
        """A request was put on the table by `transact`: wake whoever drives."""
        await self._session.announce()

    # Writing what may be repeated: unlike an append, each of these can be asked for again without harm.

    async def _write_one(self, statement: Sql, *args: object) -> list[Row]:
        return (await self._write([Step(statement, (args,))]))[0]

    async def _write(self, steps: Sequence[Step]) -> list[list[Row]]:
        try:
            return await self._session.write(steps)
        except (Taken, NotWritten, MaybeWritten) as error:
            raise StoreUnavailable(f"the database did not take it: {error}") from error

    async def _whole(self, work: Coroutine[object, object, T]) -> T:
        """Run to the end even if the caller is cancelled: the driver must not be cut off between BEGIN and COMMIT."""
        task = asyncio.create_task(work)
        self._running.add(cast("asyncio.Task[object]", task))
        task.add_done_callback(lambda done: self._finished(cast("asyncio.Task[object]", done)))
        return await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[object]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: when the caller was cancelled, nobody else will look


def _unreleased(before: Sequence[Row], epoch: int) -> bool:
    """Was the lease still somebody's when this epoch took it? In doubt, yes: others may have come between."""
    if not before:
        return epoch != 1
    last_epoch, expires_at_ms = cast("tuple[int, int]", tuple(before[0]))
    return expires_at_ms != 0 or epoch != last_epoch + 1


def stored_row(row: Row) -> StoredRow:
    """A row of the journal as the database gives it."""
    shard, seq, epoch, at_ns, kind, payload, row_hash = cast("tuple[str, int, int, Nanos, str, str, str]", tuple(row))
    return StoredRow(shard=shard, seq=seq, epoch=epoch, at_ns=at_ns, kind=kind, payload=payload, hash=row_hash)


def _chances(row: Row) -> str:
    body, digest = cast("tuple[str, str]", tuple(row))
    if hashlib.sha256(body.encode()).hexdigest() != digest:
        raise WrongStore("a stored set of fill chances is not what was stored: its digest does not fit")
    return body


def _curve(row: Row) -> str:
    body, digest = cast("tuple[str, str]", tuple(row))
    if hashlib.sha256(body.encode()).hexdigest() != digest:
        raise WrongStore("a stored volume curve is not what was stored: its digest does not fit")
    return body


def _request(row: Row) -> Request:
    number, entity, kind, key, principal, body, body_hash, asked_ns, consumed_seq = cast(
        "tuple[int, EntityId, str, str, str, str, str, Nanos, int | None]", tuple(row)
    )
    return Request(
        id=number,
        entity=entity,
        kind=RequestKind(kind) if kind in RequestKind.__members__ else RequestKind.UNKNOWN,
        key=key,
        principal=principal,
        body=body,
        body_hash=body_hash,
        asked_ns=asked_ns,
        state=RequestState.OPEN if consumed_seq is None else RequestState.CONSUMED,
        consumed_seq=consumed_seq,
    )
