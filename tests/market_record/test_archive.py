"""The record in either database: its chain shows every hand laid on it; what is too old goes without breaking it."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.market_record.archive import Archive, Head
from router.market_record.reading import Reader
from router.market_record.samples import Block, Gap
from router.model.ids import Nanos
from router.store import open_store
from tests.market_record.makers import BTC, MS, sample

SECOND = 1_000


def block(number: int) -> Block:
    """Second `number`: two samples, a gap in every fifth."""
    at_ms = number * SECOND
    gaps = (Gap(from_ns=Nanos(at_ms * MS), to_ns=Nanos(at_ms * MS + 1), why="test"),) if number % 5 == 0 else ()
    samples = (sample(at_ms + 100), sample(at_ms + 600, "99.7"))
    return Block(first_ns=Nanos(at_ms * MS), last_ns=Nanos((at_ms + SECOND) * MS), samples=samples, gaps=gaps)


@asynccontextmanager
async def filled(url: str) -> AsyncIterator[Archive]:
    """Twelve blocks of a second each."""
    await (await open_store(url, "lab")).close()
    archive = Archive(url)
    head: Head | None = Head()
    for number in range(12):
        assert head is not None
        head = await archive.append(head, block(number))
    yield archive
    await archive.close()


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with filled(f"sqlite:///{tmp_path / 'sor.db'}") as found:
        yield found


async def test_what_was_written_is_read_between_two_times(archive: Archive):
    found = await Reader(archive).between(BTC, 3_600 * MS, 5_100 * MS)
    assert [one.at_ns // MS for one in found.samples] == [3_600, 4_100, 4_600, 5_100]
    assert [gap.from_ns // MS for gap in found.gaps] == [5_000]

    reader = Reader(archive)
    then = await reader.at(BTC, 4_500 * MS, age_ms_max=1_000)
    assert then is not None
    assert then.at_ns == 4_100 * MS
    assert await reader.at(BTC, 60_000 * MS, age_ms_max=1_000) is None  # past the end: nothing was observed


HANDS = {
    "a later price": "UPDATE market_block SET payload = (SELECT payload FROM market_block WHERE seq = 3) WHERE seq = 4",
    "another time": "UPDATE market_block SET first_ns = first_ns + 1 WHERE seq = 4",
    "a block out of the middle": "DELETE FROM market_block WHERE seq = 6",
    "the tail": "DELETE FROM market_block WHERE seq > 10",
    "the beginning": "DELETE FROM market_block WHERE seq < 3",
    "a hash": "UPDATE market_block SET hash = previous WHERE seq = 9",
    "bytes that are no block": "UPDATE market_block SET payload = previous WHERE seq = 9",
    "all of it": "DELETE FROM market_block",
    "the row that names the end": "DELETE FROM market_record",
}


async def test_every_hand_laid_on_it_is_seen(tmp_path: Path):
    """On a copy each: the walk finds something wrong in every one of them, and nothing in the original."""
    path, breaks = tmp_path / "sor.db", {}
    async with filled(f"sqlite:///{path}") as archive:
        assert (await archive.verify()).breaks == ()
    for number, (hand, statement) in enumerate(HANDS.items()):
        copy = tmp_path / f"{number}.db"
        shutil.copy(path, copy)
        with sqlite3.connect(copy) as tampered:
            tampered.execute(statement)
        archive = Archive(f"sqlite:///{copy}")
        breaks[hand] = (await archive.verify()).breaks
        await archive.close()

    assert [hand for hand, found in breaks.items() if not found] == []


async def test_old_blocks_go_and_what_remains_is_whole(database_url: str):
    """The place of the cut is remembered, so that what is there is judged from it; in either database."""
    async with filled(database_url) as archive:
        assert await archive.cut(4_500 * MS) == 4
        walked = await archive.verify()
        assert (walked.blocks, walked.breaks) == (8, ())
        assert await archive.cut(4_500 * MS) == 0

        head = await archive.head()
        assert head.seq == 12
        assert await archive.append(head, block(12)) is not None
        assert await archive.append(head, block(13)) is None
        assert (await archive.verify()).breaks == ()
        found = await Reader(archive).between(BTC, 0, 2**62)
        assert len(found.samples) == 18


async def test_of_two_writers_the_second_goes_on_behind_the_first(archive: Archive):
    """A driver that lost its lease cannot fork the chain; a write whose answer was lost is found to be done."""
    head = await archive.head()
    first = await archive.append(head, block(12))
    assert await archive.append(head, block(12)) == first
    assert await archive.append(head, block(13)) is None
    assert (await archive.verify()).blocks == 13


async def test_a_database_of_the_first_schema_is_brought_up(tmp_path: Path):
    """Opening it to drive adds the tables and keeps the journal; a mere reader is told to wait for that."""
    from router.model.errors import WrongStore

    path = tmp_path / "sor.db"
    url = f"sqlite:///{path}"
    await (await open_store(url, "lab")).close()
    with sqlite3.connect(path) as old:
        old.executescript(
            "DROP TABLE market_block; DROP TABLE market_record; DROP TABLE archived_parent; DROP TABLE archived_child;"
            "DROP TABLE volume_curve;"
            "DROP TABLE access_user; DROP TABLE access_key; DROP TABLE access_session; DROP TABLE access_record;"
            "DROP TABLE access_change; DROP TABLE http_asking;"
            "DROP TABLE decision_record; DROP TABLE fill_model; DROP TABLE order_cost;"
            "UPDATE schema_revision SET version_num = '0001';"
            "UPDATE meta SET schema_version = 1"
        )
    with pytest.raises(WrongStore, match="the next order or driver upgrades it"):
        await open_store(url, "lab", create=False)

    await (await open_store(url, "lab")).close()
    await (await open_store(url, "lab", create=False)).close()
    archive = Archive(url)
    assert await archive.append(Head(), block(0)) is not None
    await archive.close()
