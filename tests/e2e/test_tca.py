"""What an order cost, from the store of a real run."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from router.app.exits import ExitCode
from tests.e2e.desk import Desk, desk_at, printed


async def told(desk: Desk, ref: str, *more: str) -> tuple[int | None, Any]:
    run = desk.sor(f"tca{len(more)}{ref}", "tca", ref, "--json", *more)
    code = await run.ended()
    return code, json.loads(run.out.read_text())


async def test_what_an_order_cost(tmp_path: Path) -> None:
    """Its parts add up, the journal alone gives the same record, and an order that nobody took costs nothing yet."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}") as desk:
        done = desk.execute("one", desk.order(quantity="0.3"))
        assert await done.ended() == ExitCode.FILLED

        code, report = await told(desk, "R1")
        checked, same = await told(desk, "R1", "--check")
        unknown, refused = await told(desk, "R2")

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
