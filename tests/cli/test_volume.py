"""`sor volume` and curves from the market record, over a record written here."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from router.curves.days import DAY_NS, day_number
from router.market_record.archive import Archive
from router.market_record.samples import Block, Gap, Sample
from router.model.ids import Nanos
from router.store import open_store
from tests.market_record.makers import MS, counters, sample

WEDNESDAY = day_number("2026-01-28") * DAY_NS
STEP_S = 5
Sor = Callable[..., tuple[int, Any, str]]


def samples(seconds: int) -> Iterator[Sample]:
    """One every five seconds from midnight: a bitcoin in each, three in the second ten minutes."""
    total = 0
    for second in range(0, seconds + 1, STEP_S):
        total += 3 if 600 < second <= 1_200 else 1
        yield sample(WEDNESDAY // MS + second * 1_000, trades=counters(WEDNESDAY - 1, total, str(total)))


async def record(url: str, seconds: int) -> None:
    await (await open_store(url, "lab")).close()
    archive = Archive(url)
    head, last_ns = await archive.head(), WEDNESDAY
    told = samples(seconds)
    while part := tuple(islice(told, 2_000)):
        until_ns = part[-1].at_ns
        gap = Gap(from_ns=Nanos(until_ns), to_ns=Nanos(until_ns + DAY_NS), why="no recorder was running")
        gaps = (gap,) if len(part) < 2_000 else ()
        block = Block(first_ns=Nanos(last_ns), last_ns=until_ns, samples=part, gaps=gaps)
        written = await archive.append(head, block)
        assert written is not None
        head, last_ns = written, until_ns
    await archive.close()


@pytest.fixture
def sor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sor:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, Any, str]:
        done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        return done.exit_code, json.loads(done.stdout), done.stderr

    return run


def url(tmp_path: Path) -> str:
    (tmp_path / ".sor").mkdir()
    return f"sqlite:///{tmp_path / '.sor' / 'lab.db'}"


def test_volume_per_venue_and_bucket_without_ours(sor: Sor, tmp_path: Path) -> None:
    """Ours by the venue's trade id, once; from the last sample on nothing is known, and the record says why."""
    asyncio.run(record(url(tmp_path), 1_800))
    with sqlite3.connect(tmp_path / ".sor" / "lab.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(fill)")]
        for key, trade in (("a", "t1"), ("b", "t1"), ("c", "t2")):
            row = dict.fromkeys(columns, "x") | {"booking_key": key, "trade_id": trade, "quantity": "0.25"}
            row |= {"account": "kraken/main", "symbol": "BTC/USD", "venue_time_ns": WEDNESDAY + 300 * 10**9}
            row |= {"price": "100", "fees_json": "[]", "maker": 0, "booked_ns": 1, "seq": 1}
            database.execute(f"INSERT INTO fill VALUES ({','.join('?' * len(columns))})", [row[one] for one in columns])

    span = ("--from", "2026-01-28T00:00:00Z", "--to", "2026-01-28T00:40:00Z")
    code, report, said = sor("volume", "--instrument", "BTC/USD", *span, "--bucket", "10m")

    assert code == 0, said
    assert (report["whole"], report["total"]) == (
        False,
        {"prints": 600, "quantity": "600", "own": "0.5", "others": "599.5"},
    )
    [kraken] = report["listings"]
    assert kraken["listing"] == "kraken/main:BTC/USD"
    assert [(one["from"], one["why"]) for one in kraken["missing"]] == [
        ("2026-01-28T00:30:00.000000Z", "there is no sample: no recorder was running")
    ]
    assert [(one["others"], one["whole"]) for one in report["buckets"]] == [
        ("119.5", True),
        ("360", True),
        ("120", True),
        ("0", False),
    ]
    done = CliRunner().invoke(app, ["volume", *span])
    assert "no recorder was running from 2026-01-28T00:30:00.000000Z" in " ".join(done.stdout.split())


def test_a_curve_of_the_record(sor: Sor, tmp_path: Path) -> None:
    """Of part of a day, where so long a silence is allowed; a day without a record is left out and named."""
    asyncio.run(record(url(tmp_path), 1_800))
    code, error, _ = sor("curves", "build", "--record", "--from", "2026-01-28", "--to", "2026-01-28", "--no-keep")
    assert (code, error["field"]) == (2, "from")
    assert "is silent from 00:30 to 24:00" in error["error"]

    days = ("--from", "2026-01-28", "--to", "2026-01-29", "--silence-max", "24h", "--bucket", "10m")
    code, curve, said = sor("curves", "build", "--record", *days, "--no-keep")

    assert code == 0, said
    assert (curve["days_used"], curve["sources"]) == (["2026-01-28"], [])
    assert [one["day"] for one in curve["days_left_out"]] == ["2026-01-29"]
    assert Decimal(curve["weekday"][1]) / Decimal(curve["weekday"][2]) == pytest.approx(3)
    assert sum(map(Decimal, curve["weekday"])) == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ([], "from"),
        (["--from", "today"], "from"),
        (["--from", "2026-01-28T00:00:00Z", "--to", "2026-01-28T00:00:00Z"], "to"),
        (["--from", "2026-01-28T00:00:00Z", "--to", "2026-01-29T00:00:00Z", "--bucket", "1s"], "bucket"),
        (["--from", "2026-01-28T00:00:00Z", "--instrument", "btc"], "instrument"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(sor: Sor, arguments: list[str], field: str) -> None:
    """Exit code 2, the field first."""
    code, error, said = sor("volume", *arguments)

    assert (code, error["field"], said.count("\n")) == (2, field, 1)


def test_without_a_record_nothing_is_known(sor: Sor) -> None:
    """And that is no error, and no zero either."""
    code, report, _ = sor("volume", "--from", "2026-01-28T00:00:00Z")

    assert (code, report["whole"], report["listings"]) == (0, False, [])
