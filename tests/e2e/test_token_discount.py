"""A fee paid in the venue's token: routed by while the account holds enough of it, and not a moment longer."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.model.ids import AccountId, Asset, ListingId, ParentId
from router.model.orders import ParentState
from router.store.tables import AlertTable
from tests.e2e.rig import BINANCE, KRAKEN, TERMS, Stand, order, standing
from tests.waiting import eventually

OFTEN = {**TERMS, "reconcile_every_ms": 100}
SEATS = tuple(replace(seat, terms=OFTEN, more={"fee_check_every_s": 1}) for seat in (BINANCE, KRAKEN))
ACCOUNT, LISTING, TOKEN = AccountId("binance/main"), ListingId("binance/main:BTC/USDT"), Asset("BNB")
DISCOUNT = {"bps": "12", "token": TOKEN, "token_price": "600", "token_bps": "9", "listed": True}


@pytest.mark.asyncio
async def test_orders_follow_the_token_and_leave_it_when_it_runs_short(tmp_path: Path) -> None:
    """At 9 bp Binance beats 10 bp elsewhere, at 12 bp it does not; what it charges either way is no surprise."""
    fx = {"USDT": {"declared": 1}, "BNB": {"declared": 600}}
    async with standing(tmp_path, SEATS, fx=fx) as stand:
        state = stand.engine.driver.engine.state
        await stand.control.charge("binance", **DISCOUNT)
        await stand.control.deposit("binance", TOKEN, "5")
        await eventually(lambda: _told(stand) and state.available(ACCOUNT, TOKEN) == 5)

        assert await _charged(stand, await _filled(stand, "R1")) == {"BNB"}
        [counted_on] = await _alerts(stand, "FEE_DISCOUNT")
        assert counted_on.detail == "reckoned at 9 bp in BNB: 1 BNB is 600 by declared"

        left = (await stand.control.balances("binance"))["main"]["BNB"]["total"]
        await stand.control.deposit("binance", TOKEN, str(Decimal("0.002") - Decimal(left)))
        await eventually(lambda: state.available(ACCOUNT, TOKEN) == Decimal("0.002"))

        assert await _charged(stand, await _filled(stand, "R2")) == set()
        short = (await _alerts(stand, "FEE_DISCOUNT"))[0]
        assert "reckoned at 12 bp without BNB" in short.detail
        assert "may be needed, 0.002 are there" in short.detail

        # The venue's own fall-back: what is left pays as long as it lasts, the rest costs the full rate.
        here = {"include": ["binance"]}
        assert await _charged(stand, await _filled(stand, "R3", "0.125", venues=here)) == {"BTC"}
        assert await _charged(stand, await _filled(stand, "R4", "0.0125", venues=here)) == {"BNB"}

        assert await _alerts(stand, "FEE_SURPRISE") == []
        await eventually(lambda: _agrees(stand))
        assert await _alerts(stand, "UNEXPLAINED") == []


def _told(stand: Stand) -> bool:
    terms = stand.engine.driver.engine.state.fee_terms.get(LISTING)
    return bool(terms) and terms[-1].discount is not None and terms[-1].discount.on is True


async def _filled(stand: Stand, ref_id: str, quantity: str = "0.125", **fields: Any) -> ParentId:
    parent = await stand.submit(order(ref_id, quantity, **fields))
    assert await stand.ended(parent) is ParentState.FILLED
    return parent


async def _charged(stand: Stand, parent: ParentId) -> set[str]:
    """In what Binance took its fees for the parent; nothing where it had no part in it."""
    blotter = stand.engine.driver.engine.state.blotter
    ours = {child.venue_order_id for child in blotter.children_of(blotter.parents[parent])}
    trades = [trade for trade in await stand.control.trades("binance") if str(trade["order_id"]) in ours]
    return {str(trade["fee_asset"]) for trade in trades}


async def _alerts(stand: Stand, kind: str) -> Sequence[AlertTable]:
    await stand.router.projector.catch_up()
    return list(await stand.router.queries.alerts(kind=kind))


async def _agrees(stand: Stand) -> bool:
    """Our books are the lab's balances, to the last digit, at both venues."""
    for venue in ("binance", "kraken"):
        held = (await stand.control.balances(venue))["main"]
        ledger = stand.engine.driver.engine.state.ledgers[AccountId(f"{venue}/main")]
        books = {asset: amount for asset, amount in ledger.expected.items() if amount}
        if books != {asset: Decimal(one["total"]) for asset, one in held.items() if Decimal(one["total"])}:
            return False
    return True
