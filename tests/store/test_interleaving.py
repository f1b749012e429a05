"""Two writers on real PostgreSQL, held between any two statements: the journal stays one story, whoever goes first.

SQLite takes one writer at a time and cannot show any of this. The last test takes the journal's key away and demands
that this suite sees it: the conditions beside the key are not enough at the server's isolation level.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import pytest

from router.journal.verify import breaks
from router.model.errors import SorError
from router.store import JournalStore, open_store
from router.store.audit import audit
from tests.store.conftest import Sql
from tests.store.makers import booked, client_id, intended, request, row, tick
from tests.store.turnstile import Held, Turnstile, schedules

pytestmark = pytest.mark.postgres

Work = Callable[[JournalStore, int], Awaitable[Any]]
_STATEMENTS = 5
"""Of the longest work below: BEGIN, the first row, the others, what stands beside them, COMMIT."""
_FEW = 4
_HOUR_MS = 3_600_000


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


async def _append(store: JournalStore, number: int) -> None:
    await store.append([row(intended(number)), row(booked(number, f"T{number}"))])


async def _append_same_trade(store: JournalStore, number: int) -> None:
    await store.append([row(intended(number)), row(booked(number, "T"))])


async def _consume(store: JournalStore, _number: int) -> None:
    [asked] = await store.open_requests(9)
    await store.append([row(tick(1), request_id=asked.id)])


async def _snapshot(store: JournalStore, number: int) -> None:
    await store.save_snapshot(1, "0" * 64, 1_700_000_000_000_000_000 + number, 1, b"{}")  # type: ignore[arg-type]


async def _ask(store: JournalStore, number: int) -> None:
    await store.ask(request("R1", body={"number": number}))


async def _succeed(store: JournalStore, number: int) -> None:
    """Take the lease the other one let run out, and go on from what stands there."""
    assert await store.take_lease("successor", _HOUR_MS) is not None
    await _append(store, number)


PAIRS: dict[str, tuple[Work, Work]] = {
    "two drivers append": (_append, _append),
    "two drivers book one trade": (_append_same_trade, _append_same_trade),
    "two drivers consume one request": (_consume, _consume),
    "a driver appends, its successor takes over": (_append, _succeed),
    "two drivers keep a snapshot": (_snapshot, _snapshot),
    "two ask for the same, differently": (_ask, _ask),
}
ALL = tuple(schedules(_STATEMENTS, _STATEMENTS))


class Pair:
    """Two stores that both believe they drive, on a journal with one row."""

    def __init__(self, url: str, sql: Sql) -> None:
        self._url = url
        self._sql = sql
        self.stores: list[JournalStore] = []

    async def __aenter__(self) -> Self:
        self.stores = [await open_store(self._url, "lab") for _ in "ab"]
        return self

    async def __aexit__(self, *_error: object) -> None:
        for store in self.stores:
            await store.close()

    async def fresh(self) -> list[JournalStore]:
        """Both at the same row and with the same epoch, and no lease in the database: nothing but the key is left."""
        await self._sql("TRUNCATE booking, intent, request, snapshot, journal, lease CASCADE")
        first, second = self.stores
        assert await first.take_lease("first", _HOUR_MS) is not None
        await first.append([row(tick(9))])
        await self._sql("UPDATE lease SET expires_at_ms = 0")
        assert await second.take_lease("second", _HOUR_MS) is not None
        await self._sql("DELETE FROM lease")
        second._lease = first._lease  # as if the lease had been lost with a restored database
        return self.stores


async def _led(pair: Pair, works: tuple[Work, Work], schedule: Sequence[str]) -> list[Any]:
    """How each of the two ended."""
    stores = await pair.fresh()
    if works[0] is _consume:
        await stores[0].ask(request("R1"))
    turnstile = Turnstile()
    sessions: list[Any] = [store._session for store in stores]
    writers = [session._writer for session in sessions]
    for session, who in zip(sessions, "ab", strict=True):
        session._writer = Held(session._writer, turnstile, who)
    tasks = {
        who: asyncio.create_task(_ending(work(store, number)))
        for number, (who, work, store) in enumerate(zip("ab", works, stores, strict=True), start=1)
    }
    await asyncio.wait_for(turnstile.lead(schedule, tasks), 20)
    for session, writer in zip(sessions, writers, strict=True):
        session._writer = None if writer.is_closed() else writer
    return [tasks["a"].result(), tasks["b"].result()]


async def _ending(work: Awaitable[Any]) -> SorError | None:
    try:
        await work
    except SorError as error:
        return error
    return None


async def _breaches(stores: Sequence[JournalStore], endings: Sequence[SorError | None], sql: Sql) -> list[str]:
    """What is not one story: read straight from the tables."""
    found: list[str] = []
    rows = await stores[0].stored_rows(0, 99)
    if [one.seq for one in rows] != list(range(1, len(rows) + 1)):
        found.append(f"places {[one.seq for one in rows]}")
    if breaks(rows):
        found.append(f"chain {breaks(rows)}")
    if not (audited := await audit(stores[0])).clean:
        found.append(f"audit {audited.breaks}")
    intents = {str(name) for (name,) in await sql("SELECT client_id FROM intent")}
    for number, ending in enumerate(endings, start=1):
        if ending is not None and client_id(number) in intents:
            found.append(f"{number} was told {ending!r}, and its intent stands")
    consumed = await sql("SELECT consumed_seq FROM request WHERE consumed_seq IS NOT NULL")
    if len(consumed) > 1:
        found.append("one request was consumed twice")
    return found


async def _all_hold(pair: Pair, works: tuple[Work, Work], some: Sequence[Sequence[str]], sql: Sql) -> list[str]:
    found = []
    for schedule in some:
        endings = await _led(pair, works, schedule)
        broken = await _breaches(pair.stores, endings, sql)
        if works[0] is not _snapshot and works[0] is not _ask and all(ending is not None for ending in endings):
            broken.append(f"nobody got through: {endings}")
        if works[0] in {_append, _consume} and works[1] is not _succeed and endings.count(None) > 1:
            broken.append("both got through at one place")
        found += [f"{''.join(schedule)}: {what}" for what in broken]
    return found


async def test_held_between_statements(database_url: str, sql: Sql) -> None:
    """A few orders of statements, drawn; all of them, and of every pair, at night."""
    some = random.Random(20_261_120).sample(ALL, _FEW)
    async with Pair(database_url, sql) as pair:
        assert await _all_hold(pair, PAIRS["two drivers append"], some, sql) == []


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", PAIRS)
async def test_every_order_of_their_statements(database_url: str, sql: Sql, what: str) -> None:
    """All 252 ways in which two writers of five statements can go."""
    async with Pair(database_url, sql) as pair:
        assert await _all_hold(pair, PAIRS[what], ALL, sql) == []


async def test_without_the_key_two_writers_get_through(database_url: str, sql: Sql) -> None:
    """The planted mistake: the conditions are all there, the unique key is not. This suite must see it."""
    async with Pair(database_url, sql) as pair:
        await pair.fresh()
        [(key,)] = await sql("SELECT conname FROM pg_constraint WHERE conrelid = 'journal'::regclass AND contype = 'p'")
        await sql(f'ALTER TABLE journal DROP CONSTRAINT "{key}" CASCADE')
        found = await _all_hold(pair, (_append, _append), [tuple("ababababab")], sql)
        assert any("both got through" in what for what in found), found
