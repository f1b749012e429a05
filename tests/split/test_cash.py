"""What it costs that the cash lies where it lies."""

from decimal import Decimal

from router.model.ids import AccountId, Asset
from router.model.side import Side
from router.split.cash import price_of_cash
from router.split.plan import Reserve, SplitOptions, SplitRequest
from tests.split.markets import market
from tests.split.test_worked_examples import W7

V, W = AccountId("V/main"), AccountId("W/main")
BTC, USD = Asset("BTC"), Asset("USD")


def test_w7_the_shared_base_at_v_costs_what_the_two_plans_differ_by():
    """Half a bitcoin more at V would have saved 1.5 cents; the first one is worth 5 cents each."""
    request = SplitRequest(
        view=market(W7, Side.SELL, USDT="0.999"),
        side=Side.SELL,
        quantity=Decimal("1.5"),
        spendable={(V, BTC): Decimal("0.8"), (W, BTC): Decimal(5)},
    )
    found = price_of_cash(request)
    assert found is not None
    assert found.free.all_in_cost == Decimal("149.9498201")
    assert found.lost == Decimal("149.9498201") - Decimal("149.9348426")
    assert [(one.account, one.asset, round(one.worth, 6)) for one in found.shadows] == [(V, BTC, Decimal("0.049925"))]


def test_a_dollar_where_it_is_short_is_worth_what_it_saves():
    """A dollar more at V buys a hundredth there that costs 102 at W: two hundredths of a dollar."""
    request = SplitRequest(
        view=market("""
            V BTC/USD : 100x10
            W BTC/USD : 102x10
        """),
        side=Side.BUY,
        quantity=Decimal(2),
        spendable={(V, USD): Decimal(100), (W, USD): Decimal(1000)},
        options=SplitOptions(reserve=Reserve.WALK),
    )
    found = price_of_cash(request)
    assert found is not None
    assert found.lost == 2
    assert found.lost_bps == 100
    assert [(one.account, one.worth) for one in found.shadows] == [(V, Decimal("0.02"))]


def test_nothing_is_lost_where_every_balance_is_enough():
    request = SplitRequest(
        view=market("V BTC/USD : 100x10"),
        side=Side.BUY,
        quantity=Decimal(2),
        spendable={(V, USD): Decimal(1000)},
    )
    found = price_of_cash(request)
    assert found is not None
    assert found.lost == 0
    assert found.shadows == ()
    assert price_of_cash(SplitRequest(view=request.view, side=Side.BUY, quantity=Decimal(2))) is None
