"""Two drivers on one database: one works, one stands by; when the first is gone or stands still the second goes on."""

import signal
from pathlib import Path

import pytest

from connectors.lab.faults import FaultKind
from tests.e2e.desk import DONE, Desk, assert_done_once, desk_at
from tests.e2e.runner import Sor
from tests.waiting import eventually

pytestmark = [pytest.mark.nightly, pytest.mark.postgres]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM], ids=lambda how: how.name)
@pytest.mark.parametrize("copies", [1, 3, 5])
async def test_the_standby_takes_over(tmp_path: Path, postgres_url: str, how: signal.Signals, copies: int) -> None:
    """With so many copies out: nothing twice by the venues' record. Woken, the first finds itself replaced."""
    async with desk_at(tmp_path, postgres_url) as desk:
        first = desk.sor("first", "serve")
        await eventually(lambda: _drives(first))
        second = desk.sor("second", "serve")
        out = await desk.control.inject("*", FaultKind.SLOW, call="place", times=None, delay_ms=150)
        asked = desk.sor("submit", "submit", "--order", str(desk.order()))
        assert await asked.ended() == 0, asked.said()
        await eventually(lambda: _sent(desk, out, copies), every_s=0.005)
        first.send(how)
        await desk.control.clear_faults()
        await eventually(lambda: _drives(second))
        follower = desk.execute("follower", desk.order())
        assert await follower.ended() in DONE, follower.said()
        if how is signal.SIGSTOP:
            first.send(signal.SIGCONT)
            await eventually(lambda: "lease lost" in first.err.read_text())
            assert first.process.is_alive(), first.said()  # it stands by now
        second.send(signal.SIGTERM)
        assert await second.ended() == 0, second.said()
        if how is signal.SIGSTOP:
            first.send(signal.SIGTERM)
            assert await first.ended() == 0, first.said()
        await assert_done_once(desk)


def _drives(run: Sor) -> bool:
    return run.err.exists() and "driver started" in run.err.read_text()


async def _sent(desk: Desk, rule: int, copies: int) -> bool:
    """Did so many placings come to the venues? Their answers are on the way."""
    return any(count["id"] == rule and count["matched"] >= copies for count in await desk.control.faults())
