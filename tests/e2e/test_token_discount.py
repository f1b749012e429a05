"""A fee paid in the venue's token: routed by while the account holds enough of it, and not a moment longer."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from router.app.estimate import estimate
from router.app.parts import Router, opened
from router.cli.market import against
from router.cli.report import explanation_report
from router.config import load
from router.model.ids import AccountId, Asset, ListingId, ParentId
from router.model.orders import ParentOrder, ParentState
from router.model.side import Side
from router.requests.door import parent_order
from router.store.tables import AlertTable
from tests.e2e.rig import (
    BINANCE,
    KRAKEN,
    TERMS,
    Stand,
    driving,
    lab_settings,
    order,
    set_books,
    standing,
    urls_of,
    watched,
    write_config,
)
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

        first = await _filled(stand, "R1")
        assert await _charged(stand, first) == {"BNB"}
        await _explained(stand, first)
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


def _asked(router: Router) -> ParentOrder:
    body = order("E1", "0.125")
    return parent_order(body, router.store.deployment, router.config.entity, "e2e", router.offered)


def _told(stand: Stand) -> bool:
    terms = stand.engine.driver.engine.state.fee_terms.get(LISTING)
    return bool(terms) and terms[-1].discount is not None and terms[-1].discount.on is True


async def _filled(stand: Stand, ref_id: str, quantity: str = "0.125", **fields: Any) -> ParentId:
    parent = await stand.submit(order(ref_id, quantity, **fields))
    assert await stand.ended(parent) is ParentState.FILLED
    return parent


async def _explained(stand: Stand, parent: ParentId) -> None:
    """The decision's record says by what the discount was counted on, and what others would have done has it, too."""
    detail = (await stand.result(parent)).detail
    assert detail is not None
    [one] = await stand.router.queries.rounds_of(detail)
    others = against(one, Side.BUY, None)
    assert others is not None
    assert [line.fee_asset for line in others.plan.lines] == [TOKEN]
    [basis] = explanation_report(one, others, Side.BUY, "BTC/USD", 1)["token_fees"]
    assert (basis["why_not"], basis["rate"], basis["source"]) == (None, "600", "declared")


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


@pytest.mark.asyncio
async def test_an_estimate_follows_the_token_too(tmp_path: Path) -> None:
    """By the balance the last driver read: enough, and the fee is told in the token; without a value for it, not."""
    fees = []
    for folder, fx in (("valued", {"BNB": {"declared": 600}}), ("not", {})):
        async with Lab(lab_settings(SEATS[:1])) as lab, LabControl(lab.control_url) as control:
            await set_books(control, SEATS[:1])
            await control.charge("binance", **DISCOUNT)
            await control.deposit("binance", TOKEN, "5")
            (tmp_path / folder).mkdir()
            path = write_config(tmp_path / folder, urls_of(lab), SEATS[:1], fx={"USDT": {"declared": 1}, **fx})
            async with opened(load(path), watched()) as router:
                async with driving(router) as (engine, _):
                    await eventually(lambda state=engine.driver.engine.state: state.available(ACCOUNT, TOKEN) == 5)
                fees.append((await estimate(router, _asked(router))).fees)

    assert fees[0] == {TOKEN: Decimal(60010) * Decimal("0.125") * Decimal("0.0009") / 600}
    assert set(fees[1]) == {"BTC"}
