"""What trading costs, as the venue takes it: booked to the last digit, and told where it is not what was listed."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.cli.report import parent_report
from router.model.ids import AccountId, ListingId, ParentId
from router.model.orders import ParentState
from router.store.tables import AlertTable
from tests.e2e.rig import BINANCE, TERMS, Stand, order, standing
from tests.waiting import eventually

SEAT = replace(BINANCE, terms={**TERMS, "reconcile_every_ms": 100}, more={"fee_check_every_s": 1})
ACCOUNT, LISTING = AccountId("binance/main"), ListingId("binance/main:BTC/USDT")
BNB = Decimal(600)


@pytest.mark.asyncio
async def test_a_fee_is_booked_as_it_is_taken_and_a_surprising_one_is_told_once(tmp_path: Path) -> None:
    """In quote, in base, in a third asset, as a rebate; and by another rate than the one that is listed."""
    fx = {"USDT": {"declared": 1}, "BNB": {"declared": str(BNB)}}
    async with standing(tmp_path, (SEAT,), fx=fx) as stand:
        await stand.control.deposit("binance", "BNB", "5")
        await eventually(lambda: stand.gate_open(SEAT))

        await stand.control.charge("binance", bps="10", fee_in="QUOTE")
        await _traded(stand, "R1", "BUY", "USDT")
        await stand.control.charge("binance", bps="10", fee_in="BASE")
        await _traded(stand, "R2", "BUY", "BTC")
        assert await _alerts(stand, "FEE") == []

        await stand.control.charge("binance", bps="7.5", token="BNB", token_price=str(BNB))
        await _traded(stand, "R3", "BUY", "BNB")
        [third] = await _alerts(stand, "FEE_SURPRISE")
        assert "BNB; listed are 10 bp" in third.detail

        await stand.control.charge("binance", bps="-5", listed=True)
        await eventually(lambda: stand.engine.driver.engine.state.fees[LISTING] == -5)
        assert [listing.taker_fee_bps for listing in stand.engine.market.listings()] == [-5]
        await _traded(stand, "R4", "SELL", "USDT")
        [changed] = await _alerts(stand, "FEE_CHANGED")
        assert changed.detail == "taking costs -5 bp now, 10 bp before"
        assert len(await _alerts(stand, "FEE_SURPRISE")) == 1

        await stand.control.charge("binance", bps="20")
        await _traded(stand, "R5", "SELL", "USDT")
        await _traded(stand, "R6", "SELL", "USDT")
        dearer, _ = await _alerts(stand, "FEE_SURPRISE")
        assert "20 bp; listed are -5 bp" in dearer.detail
        assert b'sor_fee_surprises_total{listing="binance/main:BTC/USDT"} 2.0' in stand.router.observe.exposition()

        await eventually(lambda: _agrees(stand))
        assert await _alerts(stand, "UNEXPLAINED") == []


async def _traded(stand: Stand, ref_id: str, side: str, fee_in: str) -> None:
    """Filled, charged in that asset, and what it came to is what the lab's own trades say."""
    parent = await stand.submit(order(ref_id, "0.125", side))
    assert await stand.ended(parent) is ParentState.FILLED
    trades = await _trades(stand, parent)
    assert {trade["fee_asset"] for trade in trades} == {fee_in}
    detail = (await stand.result(parent)).detail
    assert detail is not None
    assert detail.totals.fees == {fee_in: sum(Decimal(trade["fee"]) for trade in trades)}
    told = parent_report(detail, await stand.router.queries.rounds_of(detail))["all_in_price"]
    assert abs(Decimal(told) - _all_in(side, trades) / Decimal("0.125")) < Decimal("1e-6")


def _all_in(side: str, trades: Sequence[dict[str, Any]]) -> Decimal:
    """A buyer's fee adds to what it cost, a seller's takes from what it brought; base kept makes the rest dearer."""
    total = Decimal(0)
    for trade in trades:
        quantity, fee = Decimal(trade["quantity"]), Decimal(trade["fee"])
        worth = Decimal(trade["price"]) * quantity
        sign = 1 if side == "BUY" else -1
        if trade["fee_asset"] == "BTC":
            worth = worth * quantity / (quantity - fee)
        else:
            worth += sign * fee * (BNB if trade["fee_asset"] == "BNB" else 1)
        total += worth
    return total


async def _trades(stand: Stand, parent: ParentId) -> list[dict[str, Any]]:
    blotter = stand.engine.driver.engine.state.blotter
    ours = {child.venue_order_id for child in blotter.children_of(blotter.parents[parent])}
    return [trade for trade in await stand.control.trades("binance") if str(trade["order_id"]) in ours]


async def _alerts(stand: Stand, kind: str) -> list[AlertTable]:
    await stand.router.projector.catch_up()
    return list(await stand.router.queries.alerts(kind=kind))


async def _agrees(stand: Stand) -> bool:
    """Our books are the lab's balances, to the last digit."""
    held = (await stand.control.balances("binance"))["main"]
    ledger = stand.engine.driver.engine.state.ledgers[ACCOUNT]
    books = {asset: amount for asset, amount in ledger.expected.items() if amount}
    return books == {asset: Decimal(one["total"]) for asset, one in held.items() if Decimal(one["total"])}
