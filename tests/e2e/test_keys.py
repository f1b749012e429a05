"""A key that changes under a running router: what it may do now is told, and where it must not, nothing is traded."""

from dataclasses import replace
from pathlib import Path

import pytest

from router.cli import report
from router.model.ids import AccountId
from tests.e2e.rig import KRAKEN, TERMS, standing
from tests.waiting import eventually

OFTEN = {**TERMS, "reconcile_every_ms": 50}
DAILY = replace(KRAKEN, terms=OFTEN, more={"key_check": "refuse", "key_check_every_s": 1})


@pytest.mark.asyncio
async def test_a_key_that_learns_to_withdraw_shuts_its_account(tmp_path: Path) -> None:
    """At the next check, with the reason; and opens it again once it has lost that power."""
    async with standing(tmp_path, (DAILY,)) as stand:
        gates = stand.engine.driver.engine.state.gates
        await eventually(lambda: stand.gate_open(DAILY))
        await stand.control.grant("kraken", withdraw=True)
        await eventually(lambda: not stand.gate_open(DAILY))
        assert gates[AccountId("kraken/main")].reason == "its key can withdraw or transfer"

        await stand.router.projector.catch_up()
        queries = stand.router.queries
        line = report.venues_report(stand.config, await queries.venue_accounts(), ())[0]
        assert (line["key"]["may_withdraw"], line["key"]["refused"]) == (True, True)
        assert [alert.detail for alert in await queries.alerts(kind="GATE_CLOSED")] == [
            "its key can withdraw or transfer"
        ]
        assert b'sor_key_doubts{account="kraken/main"} 1.0' in stand.router.observe.exposition()

        await stand.control.grant("kraken", withdraw=False)
        await eventually(lambda: stand.gate_open(DAILY))


@pytest.mark.asyncio
async def test_in_the_lab_such_a_key_is_reported(tmp_path: Path) -> None:
    """Nothing is refused where there is no money, but it is shown."""
    seat = replace(KRAKEN, terms=OFTEN, more={"key_check_every_s": 1})
    async with standing(tmp_path, (seat,)) as stand:
        await stand.control.grant("kraken", withdraw=True)

        def reported() -> bool:
            key = stand.engine.driver.engine.state.keys.get(AccountId("kraken/main"))
            return key is not None and key.doubts == ("can withdraw or transfer",)

        await eventually(reported)
        assert stand.gate_open(seat)
