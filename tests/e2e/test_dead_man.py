"""A driver is killed with something at the venue: the venue cancels what rests once nobody winds its timer."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.lab.faults import Call, FaultKind
from router.app.exits import ExitCode
from router.drill.stand import KRAKEN, OKX, Seat
from tests.e2e.desk import Desk, desk_at
from tests.waiting import eventually

SECONDS = 60
TIMINGS = {"lease_ttl_ms": 2_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 15}
SEATS = [replace(seat, dead_man_s=SECONDS) for seat in (KRAKEN, OKX)]


@pytest.mark.nightly
@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: seat.name)
async def test_killed_with_an_order_at_the_venue(tmp_path: Path, seat: Seat) -> None:
    """Wound when the order left; nobody winds it after a kill, and what rests is cancelled."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", (seat,), timings=TIMINGS) as desk:
        driver = await _driving_with_an_order_out(desk, seat)
        resting = await desk.control.place(seat.name, next(iter(seat.symbols)), "BUY", "0.1", "50000")
        driver.send(signal.SIGKILL)
        await driver.ended()
        await desk.control.inject(seat.name, FaultKind.CLOCK_OFF, offset_ms=(SECONDS + 1) * 1000)
        await eventually(lambda: _status(desk, seat, resting, "CANCELLED"))


@pytest.mark.nightly
@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: seat.name)
async def test_drained_it_is_stopped(tmp_path: Path, seat: Seat) -> None:
    """A planned stop leaves what rests to rest."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", (seat,), timings=TIMINGS) as desk:
        driver = await _driving_with_an_order_out(desk, seat)
        driver.send(signal.SIGTERM)
        assert await driver.ended() == ExitCode.OK
        assert desk.lab.venues[seat.name].exchange.dead_man_ns("main") is None


async def _driving_with_an_order_out(desk: Desk, seat: Seat):  # type: ignore[no-untyped-def]
    driver = desk.sor("serve", "serve")
    await eventually(lambda: driver.err.exists() and "gate opened" in driver.err.read_text())
    venue = desk.lab.venues[seat.name]
    assert venue.exchange.dead_man_ns("main") is None
    await desk.control.inject(seat.name, FaultKind.SLOW, call=Call.PLACE, times=None, delay_ms=300)
    submitted = desk.sor("submit", "submit", "--order", str(desk.order(quantity="0.3")))
    assert await submitted.ended() == ExitCode.OK, submitted.said()
    await eventually(lambda: venue.exchange.dead_man_ns("main"), every_s=0.005)
    return driver


async def _status(desk: Desk, seat: Seat, order: object, wanted: str) -> bool:
    found = await desk.control.orders(seat.name)
    return any(each["order_id"] == order["order_id"] and each["status"] == wanted for each in found)  # type: ignore[index]
