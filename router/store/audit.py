"""Is the database what was written? The journal's chain, and the tables written in its transactions against it.

A chain shows every row that was changed, moved or taken out, but not rows cut off its end. Those are shown by what
the other tables still know of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from router.journal.converters import CodecError
from router.journal.heads import SignedHead, judge
from router.journal.rows import row_of
from router.journal.verify import Break, Walk, step
from router.ports.store import JournalRow
from router.store import statements as sql
from router.store.base import JournalStore
from router.store.side_rows import beside

_PAGE_ROWS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What an audit found. `rows` is the last sequence number walked, `head` the hash there."""

    rows: int
    head: str
    breaks: tuple[Break, ...]

    @property
    def clean(self) -> bool:
        """Nothing is wrong."""
        return not self.breaks


@dataclass(slots=True)
class _Expected:
    """What the tables beside the journal must hold, going by the journal. Each value ends in its journal row."""

    intents: dict[object, tuple[object, ...]] = field(default_factory=dict)
    copies: dict[object, int] = field(default_factory=dict)
    bookings: dict[object, tuple[object, ...]] = field(default_factory=dict)
    requests: dict[object, tuple[object, ...]] = field(default_factory=dict)
    archived: dict[object, tuple[object, ...]] = field(default_factory=dict)

    def take(self, seq: int, row: JournalRow) -> None:
        """Add what this row wrote beside itself."""
        found = beside([(seq, row)])
        for client_id, *rest in found.intents:
            self.intents[client_id] = tuple(rest)
            self.copies[client_id] = 1
        for client_id, copy, _seq in found.copies:
            self.copies[client_id] = copy
        self.bookings.update((key, (at,)) for key, at in found.bookings)
        self.archived.update((parent_id, (at,)) for parent_id, at in found.archived)
        self.requests.update((number, (at,)) for number, at in found.consumed)


async def audit(store: JournalStore, heads: Sequence[SignedHead] = (), key: str | None = None) -> Audit:
    """Walk the whole journal and compare, with the exported heads too. Rows appended meanwhile are not judged.

    `key`: who is expected to have signed the heads; None takes the first one's word.
    """
    walk, breaks, expected = Walk(), list[Break](), _Expected()
    told = {signed.head.seq for signed in heads}
    hashes: dict[int, str] = {}
    while page := await store.stored_rows(walk.seq, _PAGE_ROWS):
        for row in page:
            walk, wrong = step(walk, row)
            breaks.extend(wrong)
            if row.seq in told:
                hashes[row.seq] = row.hash
            with suppress(CodecError):  # which the walk has reported
                expected.take(row.seq, row_of(row.at_ns, row.payload))
    breaks.extend(judge(heads, hashes, walk.seq, shard=store.shard, deployment=store.deployment, key=key))
    breaks.extend(await _beyond(store, walk.seq))
    if not breaks:
        # Where rows are damaged or gone, what they wrote beside them cannot be told, and would only drown the cause.
        breaks.extend(await _beside_the_journal(store, expected, walk.seq))
    return Audit(rows=walk.seq, head=walk.hash, breaks=tuple(breaks))


async def _beyond(store: JournalStore, end: int) -> list[Break]:
    """Tables that know of rows the journal has not: its tail was cut off (unless it has grown meanwhile)."""
    known = [(str(what), cast("int", seq)) for what, seq in await store.rows_of(sql.BEYOND_HEAD, store.shard, end)]
    head = await store.rows_of(sql.JOURNAL_HEAD, store.shard)
    now = cast("int", head[0][0]) if head else 0
    return [
        Break(seq=end + 1, why=f"the journal ends at {end}, but a {what} row knows seq {seq}: its tail is missing")
        for what, seq in known
        if seq > now
    ]


async def _beside_the_journal(store: JournalStore, expected: _Expected, end: int) -> list[Break]:
    """What does not fit, of what the journal's rows up to `end` wrote."""
    intents: dict[object, tuple[object, ...]] = {}
    copies: dict[object, int] = {}
    for client_id, parent_id, number, copied, seq in await store.rows_of(sql.INTENTS, store.shard):
        intents[client_id] = (parent_id, number, seq)
        copies[client_id] = cast("int", copied)
    bookings = {key: (seq,) for key, seq in await store.rows_of(sql.BOOKINGS, store.shard)}
    requests = {number: (seq,) for number, seq in await store.rows_of(sql.CONSUMED)}
    archived = {parent_id: (seq,) for parent_id, seq in await store.rows_of(sql.ARCHIVE_ROWS, store.shard)}
    return [
        *_differences("intent", expected.intents, intents, end),
        *_differences("booking", expected.bookings, bookings, end),
        *_differences("request", expected.requests, requests, end),
        *_differences("archived parent", expected.archived, archived, end),
        # A copy counted since the walk is no fault; one the journal counted and the table does not know is.
        *(
            Break(seq=cast("int", expected.intents[client_id][-1]), why=f"intent {client_id}: copies do not fit")
            for client_id, counted in expected.copies.items()
            if client_id in expected.intents and copies.get(client_id, counted) < counted
        ),
    ]


def _differences(
    what: str, journal: Mapping[object, tuple[object, ...]], table: Mapping[object, tuple[object, ...]], end: int
) -> Iterator[Break]:
    for key in sorted(journal.keys() | table.keys(), key=str):
        said, there = journal.get(key), table.get(key)
        seq = cast("int", (said or there or (0,))[-1])
        if said != there and seq <= end:
            why = "is missing" if there is None else "is not in the journal" if said is None else "is another"
            yield Break(seq=seq, why=f"{what} {key} {why}")
