"""What an order cost, from the store of a real run."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.app.exits import ExitCode
from router.app.period_costs import measured
from router.market_record.archive import Archive
from router.model.ids import Nanos
from router.runtime.clock import SystemClock
from router.store.order_costs import OrderCosts
from router.store.queries import Queries
from tests.e2e.desk import Desk, desk_at, printed


async def told(desk: Desk, ref: str, *more: str) -> tuple[int | None, Any]:
    run = desk.sor(f"tca{len(more)}{ref}", "tca", ref, "--json", *more)
    code = await run.ended()
    return code, json.loads(run.out.read_text())


async def period(desk: Desk, name: str) -> Any:
    run = desk.sor(name, "tca", "--from", "2020-01-01", "--json")
    assert await run.ended() == ExitCode.OK
    return json.loads(run.out.read_text())


async def _measured(url: str) -> AsyncIterator[int]:
    """As it is once the horizons are over."""
    queries, archive, costs = Queries(url), Archive(url), OrderCosts(url)
    try:
        async for done in measured(queries, archive, costs, Nanos(0), SystemClock().now()):
            yield done
    finally:
        await costs.close()
        await archive.close()
        await queries.close()


async def test_what_an_order_cost(tmp_path: Path) -> None:
    """Its parts add up, the journal alone gives the same record, and an order that nobody took costs nothing yet."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        done = desk.execute("one", desk.order(quantity="0.3"))
        assert await done.ended() == ExitCode.FILLED

        code, report = await told(desk, "R1")
        checked, same = await told(desk, "R1", "--check")
        unknown, refused = await told(desk, "R2")
        early = await period(desk, "early")
        found = [done async for done in _measured(desk.database_url)]
        late = await period(desk, "late")

    assert (code, checked, unknown) == (ExitCode.OK, ExitCode.OK, ExitCode.BAD_INPUT)
    assert same == report
    assert refused["field"] == "ref_id"
    assert report["outcome"]["average_all_in"] == printed(done)["all_in_price"]
    shortfall = {name: Decimal(report["shortfall"][name]) for name in ("delay", "trading", "fx", "opportunity", "fees")}
    assert sum(shortfall.values()) == Decimal(report["shortfall"]["total"])
    [attribution] = report["attribution"]
    slippages = sum(Decimal(one["slippage"]) for one in attribution["venues"])
    assert Decimal(attribution["liquidity"]) + slippages + Decimal(attribution["routing"]) == Decimal(
        attribution["total"]
    )
    assert slippages == 0  # its books stand still
    assert (early["orders"], early["not_over_yet"], found) == (0, 1, [1])  # its markouts are half an hour away
    assert (late["orders"], late["not_over_yet"], late["fills"]) == (1, 0, report["outcome"]["fills"])
    [group] = late["groups"]
    assert group["key"] == {"policy": "SWEEP"}
    assert group["bps"]["shortfall"]["by_notional"]["value"] == pytest.approx(
        float(report["shortfall"]["bps"]["total"])
    )
