"""Which venue cost what, by the published numbers."""

from decimal import Decimal

from router.model.ids import Asset
from router.model.market import MarketView
from router.model.money import bps_of
from router.model.orders import Fee
from router.model.side import Side
from router.model.trades import Traded
from router.split.plan import SplitRequest
from router.split.split import split
from router.tca.attribution import Done, attribution
from router.tca.result import result_of
from tests.split.markets import lid, market
from tests.split.test_worked_examples import W1

USD = Asset("USD")
MID = Decimal(59985)


def test_the_printed_example():
    """W19: a retry at A, and 0.4 of what B had shown was not there."""
    view = market(W1)
    planned = split(SplitRequest(view=view, side=Side.BUY, quantity=Decimal(3)))
    assert planned.all_in_cost is not None
    done = {
        lid("A"): _done(view, "10", "0.5@60000 0.9@60010 0.4@60055"),
        lid("B"): _done(view, "5", "0.4@60020 0.8@60030"),
    }
    found = attribution(Side.BUY, view, MID, planned.all_in_cost, done)

    assert found is not None
    assert [one.all_in for one in found.venues] == [Decimal("108139.031"), Decimal("72068.016")]
    assert (found.total, found.liquidity, found.routing) == (
        Decimal("252.047"),
        Decimal("230.031"),
        Decimal("16.010"),
    )
    assert [one.slippage for one in found.venues] == [Decimal("6.006"), 0]
    assert f"{bps_of(found.total, 3 * MID):.4f}" == "14.0061"
    single = Decimal("180218.064")
    savings = [bps_of(single - cost, 3 * MID) for cost in (planned.all_in_cost, found.total + 3 * MID)]
    assert [f"{saving:.4f}" for saving in savings] == ["1.8356", "0.6122"]


def test_more_than_was_shown_is_counted_at_the_last_level_and_said():
    """And a sell's costs are positive where it brought less than it showed."""
    view = market("A BTC/USD : 100x1 99x1", Side.SELL)
    done = {lid("A"): Done(quantity=Decimal(3), all_in=Decimal(290))}
    found = attribution(Side.SELL, view, Decimal(101), Decimal(199), done)

    assert found is not None
    assert (found.venues[0].swept, found.venues[0].beyond_depth, found.venues[0].slippage) == (298, 1, 8)
    assert found.total == 13


def test_a_listing_that_showed_nothing_cannot_be_judged():
    """No book at the decision: unknown, not zero."""
    view = market("A BTC/USD : 100x1")

    assert attribution(Side.BUY, view, MID, MID, {lid("B"): Done(quantity=Decimal(1), all_in=MID)}) is None


def _done(view: MarketView, fee_bps: str, fills: str) -> Done:
    trades = []
    for one in fills.split():
        quantity, price = map(Decimal, one.split("@"))
        fee = Fee(asset=USD, amount=quantity * price * Decimal(fee_bps) / 10_000)
        trades.append(Traded(quote=USD, quantity=quantity, price=price, fees=(fee,)))
    found = result_of(Side.BUY, Asset("BTC"), [(trade, view) for trade in trades])
    assert found.all_in is not None
    return Done(quantity=found.totals.quantity, all_in=found.all_in)
