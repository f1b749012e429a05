"""Afterwards: every decision by its name, beside its fills, and decided again to the same bytes."""

import json
import signal
from decimal import Decimal
from pathlib import Path

from router.store.decision_records import DecisionRecords
from tests.e2e.desk import DONE, TIMINGS, desk_at, printed
from tests.waiting import eventually


async def test_a_decision_is_explained_and_decided_again(tmp_path: Path) -> None:
    """By the processes a person would start, on the database an order left behind."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        run = desk.execute("one", desk.order(params={"rounds_max": 200}), wait_s=120)
        assert await run.ended(within_s=180) in DONE, run.said()
        explained = desk.sor("explain", "explain", "R1", "--json")
        assert await explained.ended(within_s=60) == 0, explained.said()
        [first, *_] = json.loads(explained.out.read_text())
        alone = desk.sor("alone", "explain", first["decision"], "--json")
        again = desk.sor("again", "replay", "--decision", first["decision"], "--json")
        strange = desk.sor("strange", "explain", f"{first['decision']}9", "--json")
        assert await alone.ended(within_s=60) == 0, alone.said()
        assert await again.ended(within_s=60) == 0, again.said()
        assert await strange.ended(within_s=60) == 2, strange.said()

    assert json.loads(alone.out.read_text()) == [first]
    assert all(child["filled"] is not None for child in first["plan"])
    replayed = printed(again)
    assert (replayed["diverged"], replayed["decided_again"]) == (None, 1)
    assert replayed["record"]["same_on_the_kept_view"] is True
    assert replayed["record"]["faults"] == []
    planned = [(child["listing"], child["quantity"]) for child in first["plan"]]
    assert [(line["listing"], line["quantity"]) for line in replayed["record"]["lines"]] == planned


async def test_what_is_decided_is_proven_beside_the_driver(tmp_path: Path) -> None:
    """By a process of its own, which leaves with the driver; `sor explain` shows what it kept."""
    slow = {**TIMINGS, "lease_ttl_ms": 5_000}
    url = f"sqlite:///{tmp_path / 'sor.db'}"
    async with desk_at(tmp_path, url, audit={"prove": True}, timings=slow) as desk:
        driver = desk.sor("serve", "serve")
        await eventually(lambda: driver.err.exists() and "recovered" in driver.err.read_text(), within_s=60)
        run = desk.execute("one", desk.order(params={"rounds_max": 200}), wait_s=120)
        assert await run.ended(within_s=180) in DONE, run.said()
        records = DecisionRecords(url)
        await eventually(records.reached, within_s=60)
        await records.close()
        driver.send(signal.SIGTERM)
        assert await driver.ended(within_s=60) == 0, driver.said()
        explained = desk.sor("explain", "explain", "R1", "--round", "1", "--json")
        assert await explained.ended(within_s=60) == 0, explained.said()

    [first] = json.loads(explained.out.read_text())
    assert (first["proof"]["kept"], first["proof"]["failed"]) == (True, None)
    assert Decimal(first["proof"]["gap_bps"]) >= 0
