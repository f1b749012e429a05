"""`sor execute` from cron: twice at once, beside a driver, with a reference used before, stopped in the middle."""

import asyncio
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.lab.faults import FaultKind
from router.app.execute import ExitCode
from tests.e2e.desk import DONE, Desk, assert_done_once, desk_at, printed
from tests.e2e.rig import quantity_of
from tests.e2e.truth import assert_venues_agree
from tests.waiting import eventually


@pytest.mark.timeout(240)
async def test_two_at_once_fill_once_and_print_the_same(tmp_path: Path, database_url: str) -> None:
    """One drives, the other follows; nobody can tell from the output which was which.

    They wait for its end, however long a busy machine takes; there, copies that miss their deadline cost rounds.
    """
    async with desk_at(tmp_path, database_url) as desk:
        order = desk.order(params={"rounds_max": 200})
        runs = [desk.execute(name, order, wait_s=120) for name in ("one", "two")]
        codes = await asyncio.gather(*(run.ended(within_s=180) for run in runs))
        assert set(codes) <= DONE, [run.said() for run in runs]
        assert printed(runs[0]) == printed(runs[1])
        await assert_done_once(desk)


async def test_one_beside_a_driver_follows_it(tmp_path: Path) -> None:
    """`sor serve` holds the lease: `execute` asks, follows, and prints what a second one prints too."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "recovered" in driver.err.read_text())
        runs = [desk.execute(name, desk.order()) for name in ("one", "two")]
        codes = await asyncio.gather(*(run.ended() for run in runs))
        assert set(codes) <= DONE, [run.said() for run in (*runs, driver)]
        assert printed(runs[0]) == printed(runs[1])
        assert driver.process.is_alive()
        driver.send(signal.SIGTERM)
        assert await driver.ended() == 0, driver.said()
        await assert_done_once(desk)


async def test_a_reference_used_for_something_else_is_refused(tmp_path: Path) -> None:
    """One sentence that names the field, exit code 2, and the first order is all there is."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        assert await desk.execute("first", desk.order(quantity="0.3")).ended() == ExitCode.FILLED
        other = desk.execute("other", desk.order(quantity="0.4"))
        assert await other.ended() == ExitCode.BAD_INPUT
        assert "ref_id: R1 was used before for a different parent request" in other.said()
        assert "Traceback" not in other.said()
        agreed = await assert_venues_agree(desk.control, desk.database_url)
        [detail] = agreed.ours.parents
        assert quantity_of(agreed.orders_of(detail.parent.id)) == Decimal("0.3")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_quantity", "1e3"),
        ("base_quantity", 1.5),
        ("base_quantity", "-1"),
        ("side", "HOLD"),
        ("instrument", "ETH/USD"),
        ("quote_value", "1000"),
        ("colour", "red"),
    ],
)
async def test_bad_input_is_one_sentence_and_nothing_half_done(tmp_path: Path, field: str, value: object) -> None:
    """The field is named, the exit code is 2, and no venue ever hears of it."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        run = desk.execute(
            "bad", desk.order(**{field: value}) if field != "base_quantity" else desk.order(quantity=value)
        )  # type: ignore[arg-type]
        assert await run.ended() == ExitCode.BAD_INPUT, run.said()
        assert field in run.said()
        assert "Traceback" not in run.said()
        assert [line for line in run.err.read_text().splitlines() if line] != []
        assert not await desk.control.orders("kraken")


@pytest.mark.parametrize("command", ["execute", "serve"])
async def test_sigterm_in_the_middle_drains(tmp_path: Path, command: str) -> None:
    """No new child, the answers under way are taken in, the lease goes back; the next run needs no waiting for it."""
    long_lease = {"lease_ttl_ms": 60_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 15}
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", timings=long_lease) as desk:
        await desk.control.inject("*", FaultKind.SLOW, call="place", times=None, delay_ms=200)
        order = desk.order()
        runs = [desk.sor("serve", "serve")] if command == "serve" else []
        runs.append(desk.execute("first", order))
        await eventually(lambda: _places(desk))
        for run in runs:
            run.send(signal.SIGTERM)
        for run in runs:
            assert await run.ended(within_s=10) in {0, ExitCode.IN_DOUBT}, run.said()
        await desk.control.clear_faults()
        agreed = await assert_venues_agree(desk.control, desk.database_url)
        assert all(child.state not in {"PENDING_NEW", "IN_DOUBT"} for child in agreed.ours.children)
        last = desk.execute("last", order, wait_s=20)
        assert await last.ended() in DONE, last.said()
        await assert_done_once(desk)


async def _places(desk: Desk) -> bool:
    return any(count["fired"] for count in await desk.control.faults())
