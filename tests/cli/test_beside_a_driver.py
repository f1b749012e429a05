"""Commands while a driver runs: what they say has happened, has happened."""

import json
import signal
import socket
from pathlib import Path

import aiohttp

from router.app.exits import ExitCode
from tests.e2e.desk import Desk, desk_at
from tests.waiting import eventually

TIMINGS = {"lease_ttl_ms": 2_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 15}
"""A lease that a busy machine does not lose by the way."""


async def said(desk: Desk, *command: str) -> tuple[int | None, str]:
    """Exit code and standard output."""
    run = desk.sor(f"run{len(list(desk.folder.iterdir()))}", *command)
    code = await run.ended()
    assert "Traceback" not in run.said()
    return code, run.out.read_text()


async def test_a_halt_is_told_once_it_is_durable(tmp_path: Path) -> None:
    """Who, when and why; asked twice, the first word holds; a resume is told too; an order seen to its end is final."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", timings=TIMINGS) as desk:
        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "recovered" in driver.err.read_text())

        code, halted = await said(desk, "halt", "lunch")
        assert (code, halted.split(" at ")[0], halted.rstrip()[-7:]) == (ExitCode.OK, "halted", ": lunch")
        assert "by local/" in halted
        assert (await said(desk, "halt", "again"))[1].startswith("already halted at ")
        kinds = [one["kind"] for one in json.loads((await said(desk, "alerts", "--json"))[1])]
        assert kinds == ["HALTED"]
        everything = [one["kind"] for one in json.loads((await said(desk, "alerts", "--all", "--json"))[1])]
        assert "GATE_OPENED" in everything
        code, resumed = await said(desk, "resume", "fed")
        assert (code, resumed.split(" at ")[0]) == (ExitCode.OK, "resumed")

        order = desk.order(quantity="0.3")
        assert await desk.execute("first", order).ended() == ExitCode.FILLED
        code, again = await said(desk, "submit", "--order", str(order))
        assert (code, again) == (ExitCode.OK, "already taken; FILLED; see sor show R1\n")

        order = desk.order("R2", policy="TWAP", duration="1h", params={"slices": 2})
        assert (await said(desk, "submit", "--order", str(order)))[0] == ExitCode.OK
        run = desk.sor("late", "amend", "R2", "--end-time", "2001-01-01T00:00:00Z")
        assert (await run.ended(), run.err.read_text()) == (ExitCode.BAD_INPUT, "end_time: is over already\n")
        code, amended = await said(desk, "amend", "R2", "--limit-price", "61000")
        assert (code, "taken; ACCEPTED" in amended) == (ExitCode.OK, True)
        driver.send(signal.SIGTERM)
        assert await driver.ended() == 0


async def test_a_second_server_stands_by_without_pages(tmp_path: Path) -> None:
    """Its port is taken: one warning. When the first dies it drives, and shows the pages."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    changes = {"status": {"port": port}, "timings": TIMINGS}
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", **changes) as desk:
        first = desk.sor("first", "serve")
        await eventually(lambda: first.err.exists() and "recovered" in first.err.read_text())
        second = desk.sor("second", "serve")
        await eventually(lambda: second.err.exists() and "no status pages" in second.err.read_text())
        first.send(signal.SIGKILL)
        await eventually(lambda: "recovered" in second.err.read_text())
        assert "Traceback" not in second.said()
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
            assert (await answer.json())["driving"] is True
        second.send(signal.SIGTERM)
        assert await second.ended() == 0
