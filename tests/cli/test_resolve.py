"""A quarantine, from the shell: what is doubtful is listed, and a person's word ends it."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.lab.faults import FaultKind
from router.app.exits import ExitCode
from tests.cli.test_beside_a_driver import said
from tests.e2e.desk import desk_at
from tests.e2e.rig import TERMS, UNLICENSED
from tests.waiting import eventually

TIMINGS = {"lease_ttl_ms": 2_000, "approval_age_ms": 1_000, "request_poll_ms": 10, "snapshot_every": 15}
SEATS = (replace(UNLICENSED, terms={**TERMS, "quarantine_after_ms": 300}),)


@pytest.mark.nightly
async def test_a_person_says_never_placed_and_the_parent_goes_on(tmp_path: Path) -> None:
    """It is listed with what it may come to; asked twice it is one asking; then the quantity is bought elsewise."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", SEATS, timings=TIMINGS) as desk:
        await desk.control.inject(UNLICENSED.name, FaultKind.RESET_BEFORE, call="place")
        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "recovered" in driver.err.read_text())
        order = desk.order("R1", "0.1", params={"rounds_max": 1_000})
        assert (await said(desk, "submit", "--order", str(order)))[0] == ExitCode.OK

        async def listed() -> bool:
            code, out = await said(desk, "doubts", "--json")
            lines = json.loads(out)
            return code == ExitCode.IN_DOUBT and [one["state"] for one in lines] == ["QUARANTINED"]

        await eventually(listed)
        [line] = json.loads((await said(desk, "doubts", "--json"))[1])
        assert (line["exposure"], line["decided_by"]) == ("0.1", None)
        assert (await said(desk, "resolve", "R1/1", "--as", "filled", "--evidence", "?"))[0] == ExitCode.BAD_INPUT
        await desk.control.clear_faults()
        word = ("resolve", "R1/1", "--as", "never-placed", "--evidence", "the venue's desk, ticket 17")
        code, out = await said(desk, *word)
        assert (code, out.split(":")[0]) == (ExitCode.OK, "resolved")
        assert (await said(desk, *word))[0] == ExitCode.BAD_INPUT  # it is not in quarantine any more
        assert await desk.execute("again", order).ended() == ExitCode.FILLED
        shown = json.loads((await said(desk, "show", "R1", "--json"))[1])
        assert [one["kind"] for one in shown["words"]] == ["RESOLUTION_REFUSED", "RESOLVED", "RESOLUTION_REFUSED"]
        driver.send(signal.SIGTERM)
        assert await driver.ended() == 0
