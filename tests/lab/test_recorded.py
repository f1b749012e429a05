"""`sor record` writes a day down, and the lab plays it again: the same books, no secret in it, never too large."""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.lab.tapes import find_tapes
from connectors.tape import Room, TapeWriter, read_manifest, rows
from router.app.record import Recorded, Wanted, record
from router.config import load
from router.drill.stand import NIGHTLY_SEATS, SEATS, Seat, urls_of, write_config
from router.model.errors import BadInput
from router.observe import Redactor
from router.runtime.clock import SystemClock
from tests.waiting import eventually

DEPTH = 10
Books = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """A recording, what the books were when it ended, and the secrets that were about."""

    folder: Path
    done: Recorded
    books: Books
    secrets: Sequence[str]


def venues(seats: Sequence[Seat]) -> tuple[LabVenueSettings, ...]:
    return tuple(LabVenueSettings(name=seat.name, protocol=seat.protocol) for seat in seats)


def symbols(seats: Sequence[Seat]) -> dict[str, str]:
    return {seat.name: symbol for seat in seats for symbol in seat.symbols}


async def books_of(control: LabControl, seats: Sequence[Seat]) -> Books:
    return {venue: await control.book(venue, symbol, DEPTH) for venue, symbol in symbols(seats).items()}


@asynccontextmanager
async def recorded(folder: Path, seats: Sequence[Seat]) -> AsyncIterator[Day]:
    """A second of venues in motion, private feeds and all; two sockets die on the way, and somebody trades."""
    stop, begun = asyncio.Event(), asyncio.Event()
    recorders: list[Any] = []
    async with Lab(LabSettings(venues=venues(seats), seed=5)) as lab, LabControl(lab.control_url) as control:
        config = load(write_config(folder, urls_of(lab), seats))
        held = [key for each in lab.keys.values() for key in each]
        keys = [text for key in held for text in (key.key, key.secret, key.passphrase) if text]
        wanted = Wanted(
            folder=folder / "day", venues=None, symbols=None, for_s=None, private=True, bytes_max=50_000_000
        )

        def running(those: Sequence[Any]) -> None:
            recorders.extend(those)
            begun.set()

        work = asyncio.create_task(
            record(config, SystemClock(), wanted, Redactor(keys).text, stop, beside_driver=False, running=running)
        )
        await asyncio.wait([work, asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED)
        await eventually(lambda: all(one.whole for one in recorders))
        await asyncio.sleep(0.4)
        struck = {seat.name for seat in seats} - {"coinbase"}
        for name in struck:
            await control.inject(name, FaultKind.WS_KILL, frames="delta")
        await eventually(lambda: all(one.gaps.found for one in recorders if one.settings.venue in struck))
        await eventually(lambda: all(one.whole for one in recorders))
        for venue, symbol in symbols(seats).items():
            await control.place(venue, symbol, "BUY", "0.01", "1000")
        for _ in range(3):
            await control.print_trade(seats[1].name, symbols(seats)[seats[1].name], "BUY", "0.777", "61700")
            await asyncio.sleep(0.1)
        await control.pause()
        await asyncio.sleep(0.3)
        truth = await books_of(control, seats)
        stop.set()
        done = await work
    yield Day(wanted.folder, done, truth, keys)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """Of the lab's three venues."""
    async with recorded(tmp_path_factory.mktemp("recording"), SEATS) as made:
        yield made


def text_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


async def assert_played_as_recorded(day: Day, seats: Sequence[Seat]) -> None:
    settings = LabSettings(venues=venues(seats), tapes=str(find_tapes(str(day.folder))), speed=40)
    async with Lab(settings) as lab, LabControl(lab.control_url) as control:
        await eventually(lambda: all(source.ended for source in lab._sources.values()))  # type: ignore[attr-defined]
        played = await books_of(control, seats)
        prints = await control.prints(seats[1].name, symbols(seats)[seats[1].name])
    for venue, book in day.books.items():
        assert len(book["bids"]) == DEPTH
        assert _in_numbers(played[venue]) == _in_numbers(book), venue
    assert "0.777" in {str(Decimal(one["quantity"])) for one in prints}


@pytest.mark.asyncio(loop_scope="module")
async def test_the_books_of_a_played_day_are_those_of_the_recorded_one(day: Day) -> None:
    """Level by level, at all three venues, over connections that broke on the way."""
    await assert_played_as_recorded(day, SEATS)


@pytest.mark.nightly
async def test_a_day_of_the_other_protocols_is_played_as_recorded(tmp_path: Path) -> None:
    """Whatever their books are joined from."""
    async with recorded(tmp_path, NIGHTLY_SEATS) as made:
        await assert_played_as_recorded(made, NIGHTLY_SEATS)


def _in_numbers(book: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
    return {side: [[str(float(price)), str(float(size))] for price, size in levels] for side, levels in book.items()}


@pytest.mark.asyncio(loop_scope="module")
async def test_no_secret_is_in_any_file(day: Day) -> None:
    """Keys, secrets, tokens and signatures; and the private tapes are not empty for all that."""
    files = sorted(day.folder.iterdir())
    private = [path for path in files if "_private_" in path.name]

    for path in files:
        text = text_of(path)
        assert not [secret for secret in day.secrets if secret in text or secret[:24] in text], path.name
    assert len(private) == len(SEATS)
    assert all('"k":"recv"' in text_of(path) for path in private)
    assert "1000" in "".join(map(text_of, private))


@pytest.mark.asyncio(loop_scope="module")
async def test_the_manifest_names_every_file_and_every_gap(day: Day) -> None:
    """By hash; the sockets that died left a hole, which is stated with its reason."""
    manifest = read_manifest(day.folder)
    assert manifest is not None
    named = {file["name"] for told in manifest["venues"].values() for file in told["files"] + told["private_files"]}

    assert named == {path.name for path in day.folder.iterdir()} - {"MANIFEST.json"}
    assert manifest["ended"] == "it was stopped"
    gaps = [gap for gap in manifest["venues"]["binance"]["gaps"] if not gap["why"].startswith("public trades")]
    assert gaps
    assert all(gap["from_ns"] < gap["to_ns"] and gap["why"] for gap in gaps)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_tape_that_was_changed_is_not_played(day: Day, tmp_path: Path) -> None:
    """One byte is enough."""
    files = {path.name: path.read_bytes() for path in day.folder.iterdir()}
    victim = next(name for name in files if name.startswith("binance_") and "private" not in name)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content[:-1] if name == victim else content)

    with pytest.raises(BadInput, match="is not what was recorded"):
        Lab(LabSettings(venues=venues(SEATS), tapes=str(tmp_path)))


def test_files_are_bounded_and_rotate(tmp_path: Path) -> None:
    """However badly it compresses; what is there is whole up to the last row that was taken."""
    room = Room(bytes_max=60_000)
    tape = TapeWriter(tmp_path, "noise", {"venue": "noise"}, room, file_bytes_max=20_000)
    taken = 0
    while tape.write(taken * 2_000_000_000, "recv", "books", "ws://x", os.urandom(14_900)):
        taken += 1
    files = tape.close()

    assert 20_000 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= 60_000
    assert len(files) > 1
    kept = [row["ts_ns"] for row in rows([tmp_path / file["name"] for file in files]) if row["k"] == "recv"]
    assert kept == [number * 2_000_000_000 for number in range(taken)]


def test_a_recorder_that_was_killed_leaves_what_can_be_read(tmp_path: Path) -> None:
    """All but the last moment; a file that ends in the middle of a row ends before it."""
    tape = TapeWriter(tmp_path, "cut", {"venue": "cut"}, Room(bytes_max=10**9), file_bytes_max=10**9)
    for number in range(5):
        tape.write(number * 2_000_000_000, "recv", "books", "ws://x", json.dumps({"n": number}))

    found = list(rows([tmp_path / "cut_000.jsonl.gz"]))

    assert [row["k"] for row in found] == ["meta", *["recv"] * 5]
    tape.close()
