"""A whole parent in mode paper: three public venues, no key, one order, and the tables at the end."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from router.app.execute import ExitCode, execute
from router.app.parts import opened
from router.config import load
from router.drill.stand import SEATS, lab_settings, set_books, urls_of, write_config
from router.model.errors import WrongStore
from tests.e2e.rig import order, watched
from tests.paper.rig import recomputed
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def public() -> AsyncIterator[tuple[Lab, LabControl]]:
    """Three venues with thin books, on which the router has no account it knows of."""
    async with Lab(lab_settings()) as lab, LabControl(lab.control_url) as control:
        await set_books(control)
        yield lab, control


def paper_config(folder: Path, lab: Lab) -> Path:
    """Coinbase's rate for anybody, 120 bps, would leave it out of every plan."""
    return write_config(folder, urls_of(lab), mode="paper", paper={"taker_fee_bps": {"coinbase": 10}})


def kept_in(folder: Path) -> list[Path]:
    """The accounts' files."""
    return sorted(folder.glob("*.paper.db"))


def executed_in(folder: Path) -> Decimal:
    """What the paper accounts executed in all, read from their files."""
    total = Decimal(0)
    for file in kept_in(folder):
        with sqlite3.connect(file) as connection:
            ready = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'trade'").fetchone()
            rows = connection.execute("SELECT quantity FROM trade").fetchall() if ready else []
        connection.close()
        total += sum((Decimal(row[0]) for row in rows), Decimal(0))
    return total


async def test_a_parent_is_filled_without_keys_and_without_the_venues(public, tmp_path: Path):
    """Over all three books at their prices; the venues know of no order, and every account adds up."""
    lab, control = public
    config = load(paper_config(tmp_path, lab))
    async with opened(config, watched()) as router:
        done = await execute(router, order("P1", "1.2"), principal="test", wait_s=30)

    assert done.exit_code is ExitCode.FILLED
    assert done.detail is not None
    assert done.detail.totals.quantity == Decimal("1.2") == executed_in(tmp_path)
    assert {child.venue for child in done.detail.children} == {seat.name for seat in SEATS}
    assert all(child.venue_order_id.startswith("paper-") for child in done.detail.children)
    for seat in SEATS:
        assert await control.orders(seat.name) == []
        assert recomputed(tmp_path / f"e2e.{seat.name}-main.paper.db")
    assert [file.name for file in kept_in(tmp_path)] == sorted(f"e2e.{seat.name}-main.paper.db" for seat in SEATS)


async def test_the_accounts_go_on_where_they_stood(public, tmp_path: Path):
    """A second process buys with what the first one left, and the first order's fills stay booked once."""
    lab, _ = public
    config = load(paper_config(tmp_path, lab))
    for ref_id in ("P1", "P2"):
        async with opened(config, watched()) as router:
            done = await execute(router, order(ref_id, "0.4"), principal="test", wait_s=30)
            assert done.exit_code is ExitCode.FILLED
            again = await execute(router, order(ref_id, "0.4"), principal="test", wait_s=30)
            assert again.detail == done.detail
    assert executed_in(tmp_path) == Decimal("0.8")


async def test_a_paper_database_is_of_no_other_mode(public, tmp_path: Path):
    """What was rehearsed is never taken for what was traded."""
    lab, _ = public
    async with opened(load(paper_config(tmp_path, lab)), watched()):
        pass
    with pytest.raises(WrongStore):
        async with opened(load(write_config(tmp_path, urls_of(lab), mode="lab")), watched()):
            pass


_RUN = """
import asyncio, sys
from pathlib import Path
from router.app.execute import execute
from router.app.parts import opened
from router.config import load
from tests.e2e.rig import order, watched

async def main(path):
    async with opened(load(Path(path)), watched()) as router:
        await execute(router, order("P1", "3"), principal="test", wait_s=60)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_kill_in_the_middle_is_survived(public, tmp_path: Path):
    """The router dies as soon as a paper fill is on disk; run again, the order is filled, each fill booked once."""
    lab, control = public
    await set_books(control, asks=(("60010", "0.2"),))
    path = paper_config(tmp_path, lab)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _RUN, str(path), cwd=ROOT)
    await eventually(lambda: executed_in(tmp_path) > 0, every_s=0.002)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert executed_in(tmp_path) < 3

    await set_books(control)
    async with opened(load(path), watched()) as router:
        done = await execute(router, order("P1", "3"), principal="test", wait_s=60)

    assert done.exit_code is ExitCode.FILLED
    assert done.detail is not None
    assert done.detail.totals.quantity == Decimal(3) == executed_in(tmp_path)
