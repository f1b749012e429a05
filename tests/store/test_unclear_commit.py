"""COMMIT was sent and its answer did not come back: read, never write again."""

from collections.abc import AsyncIterator

import pytest

from router.model.errors import AppendLost, AppendUnclear, StoreUnavailable
from router.store import JournalStore, open_store
from router.store.audit import audit
from tests.store.conftest import Sql
from tests.store.cutter import Cut, Cutter
from tests.store.makers import booked, counted, intended, request, row, tick

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Only a server's connection can be cut."""
    return postgres_url


@pytest.fixture
async def wire(postgres_url: str) -> AsyncIterator[Cutter]:
    async with Cutter(postgres_url) as made:
        yield made


@pytest.fixture
async def driver(wire: Cutter) -> AsyncIterator[JournalStore]:
    """A store that drives, over a wire that can be cut."""
    store = await open_store(wire.url, "lab")
    assert await store.take_lease("driver", 60_000) is not None
    await store.append([row(intended(1))])
    yield store
    await store.close()


@pytest.fixture
async def witness(driver: JournalStore, postgres_url: str) -> AsyncIterator[JournalStore]:
    """Another process, with a wire of its own, that sees what is really there."""
    store = await open_store(postgres_url, "lab")
    yield store
    await store.close()


async def test_committed_with_the_answer_lost_is_found(driver: JournalStore, witness: JournalStore, wire: Cutter):
    """The append succeeds: the row was read back. Once in the journal, once beside it."""
    asked = await driver.ask(request())
    wire.arm(Cut.AFTER)

    rows = [row(intended(2), request_id=asked.id), row(counted(2, 2)), row(booked(2, "T1"))]
    appended = await driver.append(rows)

    assert wire.armed is None
    assert await witness.read(1, 9) == appended
    assert (await audit(witness)).clean


async def test_the_writer_goes_on_after_it(driver: JournalStore, witness: JournalStore, wire: Cutter):
    """Nothing was lost, so nothing has to be recovered."""
    for number in range(2, 6):
        wire.arm(Cut.AFTER)
        await driver.append([row(intended(number))])

    assert driver.last_seq == 5
    assert (await audit(witness)).clean


async def test_never_committed_is_known_and_not_repeated(driver: JournalStore, witness: JournalStore, wire: Cutter):
    """The row is not there and will not come: the append fails, and the writer stops until it starts over."""
    wire.arm(Cut.BEFORE)

    with pytest.raises(StoreUnavailable, match="nothing was appended"):
        await driver.append([row(intended(2))])

    assert len(await witness.read(0, 9)) == 1
    with pytest.raises(AppendLost):
        await driver.append([row(intended(2))])
    assert (await audit(witness)).clean


async def test_a_commit_on_its_way_cannot_arrive_after_the_reading(
    driver: JournalStore, witness: JournalStore, wire: Cutter
):
    """It waited in a buffer while the writer looked and found nothing. It must not come true afterwards."""
    wire.arm(Cut.LATE)
    with pytest.raises(StoreUnavailable):
        await driver.append([row(intended(2))])

    wire.let_go.set()
    await wire.late_is_over.wait()

    assert len(await witness.read(0, 9)) == 1
    assert (await audit(witness)).clean


async def test_one_statement_is_its_own_commit(driver: JournalStore, witness: JournalStore, wire: Cutter):
    """A row with nothing beside it needs no COMMIT; its answer can be lost all the same, and is looked for."""
    wire.arm(Cut.AFTER, at=b"TimerFired")

    appended = await driver.append([row(tick(1))])

    assert wire.armed is None
    assert await witness.read(1, 9) == appended
    assert driver.last_seq == 2


async def test_one_statement_on_its_way_cannot_arrive_after_the_reading(
    driver: JournalStore, witness: JournalStore, wire: Cutter
):
    """As with COMMIT: found absent, it stays absent."""
    wire.arm(Cut.LATE, at=b"TimerFired")
    with pytest.raises(StoreUnavailable, match="nothing was appended"):
        await driver.append([row(tick(1))])

    wire.let_go.set()
    await wire.late_is_over.wait()

    assert len(await witness.read(0, 9)) == 1


async def test_starting_over_after_it(driver: JournalStore, witness: JournalStore, wire: Cutter, sql: Sql):
    """The same process takes the lease anew and goes on where the journal is."""
    wire.arm(Cut.BEFORE)
    with pytest.raises(StoreUnavailable):
        await driver.append([row(intended(2))])
    held = await driver.holder()
    assert held is not None
    await sql("UPDATE lease SET expires_at_ms = 0")

    assert await driver.take_lease("driver again", 60_000) is not None
    appended = await driver.append([row(intended(2))])

    assert [one.seq for one in appended] == [2]
    assert (await audit(witness)).clean


async def test_a_cut_before_commit_is_no_doubt(driver: JournalStore, witness: JournalStore, wire: Cutter):
    """What was never committed cannot be there."""
    wire.arm(Cut.BEFORE, at=b"kraken/main")

    with pytest.raises(StoreUnavailable, match="nothing was appended"):
        await driver.append([row(intended(2))])

    assert len(await witness.read(0, 9)) == 1


async def test_no_way_back_is_unclear(
    driver: JournalStore, witness: JournalStore, wire: Cutter, monkeypatch: pytest.MonkeyPatch
):
    """The server cannot be reached any more: it is said so, not guessed. The row is there, and nobody knows."""
    monkeypatch.setattr("router.store.postgres.RECONNECT_S", 0.3)
    wire.arm(Cut.AFTER)
    wire.stay_down = True

    driver._session._reader.terminate()  # the wire that would be read over is down as well
    with pytest.raises(AppendUnclear):
        await driver.append([row(intended(2))])

    assert len(await witness.read(0, 9)) == 2
    with pytest.raises(AppendLost):
        await driver.append([row(tick())])


async def test_somebody_else_took_the_place_meanwhile(
    driver: JournalStore, witness: JournalStore, wire: Cutter, sql: Sql
):
    """The connection goes, and by the time the writer is back its successor has written there."""
    await sql("UPDATE lease SET expires_at_ms = 0")
    assert await witness.take_lease("successor", 60_000) is not None
    await witness.append([row(tick(7))])
    wire.arm(Cut.BEFORE, at=b"kraken/main")

    with pytest.raises(AppendLost, match="written by epoch 2"):
        await driver.append([row(intended(2))])

    assert [one.row.facts for one in await witness.read(1, 9)] == [(tick(7),)]
