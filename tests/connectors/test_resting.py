"""What rests at each venue of the lab: what a maker pays, and a cancel that races a fill."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.lab.client import LabControl
from connectors.lab.faults import Call, FaultKind
from connectors.lab.process import Lab
from router.model import rounding
from router.model.instruments import FeeIn
from router.model.orders import ChildOrder, TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, CancelTaken, CancelUnclear, Found
from tests.connectors.rig import LAB_VENUES, SYMBOLS, child, place

BY_DAY = ("kraken", "okx")
SOME = pytest.mark.parametrize(
    "venue_name",
    [pytest.param(name, marks=[] if name in BY_DAY else [pytest.mark.nightly]) for name in LAB_VENUES],
    indirect=True,
)


def resting(venue_name: str, price: str = "60005", **changes: Any) -> ChildOrder:
    return child(venue_name, price=price, time_in_force=TimeInForce.GTC, **changes)


async def found(venue: CcxtVenue, order: ChildOrder) -> Found:
    looked = (await venue.look_up(order, None)).result
    assert isinstance(looked, Found)
    return looked


@SOME
async def test_a_maker_pays_the_makers_rate(venue: CcxtVenue, venue_name: str, control: LabControl, lab: Lab) -> None:
    """In the venue's asset for fees, cut to its digits; the taker's rate is another at all but two."""
    order, rules = resting(venue_name, post_only=True), lab.venues[venue_name].exchange.rules
    assert isinstance(await place(venue, order), Accepted)

    await control.print_trade(venue_name, SYMBOLS[venue_name], "SELL", "0.2", "60000")

    (trade,) = (await found(venue, order)).trades
    in_base = rules.fee_in is FeeIn.RECEIVED
    exact = Decimal("0.2") * (1 if in_base else 60005) * rules.maker_fee_bps / 10_000
    cut = rounding.down(exact, Decimal(1).scaleb(-rules.fee_digits))
    assert {fee.asset: fee.amount for fee in trade.fees} == (
        {order.base if in_base else order.quote: cut} if cut else {}
    )
    assert trade.maker in {True, None}


@SOME
@pytest.mark.parametrize(("printed", "executed"), [("0.2", "0.2"), ("3", "0.5")], ids=["in part", "whole"])
async def test_a_cancel_that_is_overtaken_by_a_fill(
    venue: CcxtVenue, venue_name: str, control: LabControl, printed: str, executed: str
) -> None:
    """On its way to the venue while strangers trade: what had filled is told, and nothing more fills."""
    order = resting(venue_name)
    accepted = await place(venue, order)
    assert isinstance(accepted, Accepted)
    await control.inject(venue_name, FaultKind.DELAY_REQUEST, call=Call.CANCEL, delay_ms=150)

    cancel = asyncio.create_task(venue.cancel(order, accepted.venue_order_id))
    await asyncio.sleep(0.05)
    await control.print_trade(venue_name, SYMBOLS[venue_name], "SELL", printed, "60000")
    outcome = await cancel
    await control.print_trade(venue_name, SYMBOLS[venue_name], "SELL", "3", "60000")

    whole = executed == "0.5"
    told = await found(venue, order)
    assert isinstance(outcome, CancelUnclear if whole else CancelTaken)
    assert told.order.status is (VenueOrderStatus.FILLED if whole else VenueOrderStatus.CANCELLED)
    assert told.order.executed == sum(trade.quantity for trade in told.trades) == Decimal(executed)
