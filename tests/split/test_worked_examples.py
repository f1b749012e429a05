"""The worked examples of the algorithms page, to the last digit it prints."""

from decimal import Decimal

from router.model.ids import AccountId, Asset, VenueId
from router.model.side import Side
from router.split.check import violations
from router.split.compare import compare
from router.split.plan import Plan, Reserve, SplitOptions, SplitRequest
from router.split.split import split
from tests.split.markets import lid, market

W1 = """
    A BTC/USD fee=10 : 60000x0.5 60010x1.0 60050x2
    B BTC/USD fee=5 : 60020x0.4 60030x1.2 60060x2
    C BTC/USD fee=25 : 59950x0.6 59990x1.0
"""
W3 = """
    K BTC/USD fee=16 : 60000x1 60020x2
    X BTC/USDT fee=10 : 60080x1 60100x3
    Y BTC/USDC fee=8 : 60010x1.5
"""
W7 = """
    V BTC/USDT fee=10 : 100.2x0.5 100.0x1
    V BTC/USD fee=10 : 100.05x0.6 99.9x1
    W BTC/USD fee=5 : 100.0x0.4 99.95x0.7 99.5x2
"""


def test_w1_the_sweep_is_ordered_by_all_in_price():
    """The venue with the best quotes gets nothing: its fee makes it the dearest."""
    request = SplitRequest(view=market(W1), side=Side.BUY, quantity=Decimal(3))
    plan = split(request)
    assert quantities(plan) == {lid("A"): Decimal("1.4"), lid("B"): Decimal("1.6")}
    assert plan.all_in_cost == Decimal("180185.031")
    assert plan.marginal_price == Decimal("60070.01")
    assert plan.residual == 0
    assert plan.residual_reason is None
    assert violations(request, plan) == ()
    assert [one.listing_id for one in plan.exclusions] == [lid("C")]


def test_w1_against_what_others_would_have_done():
    request = SplitRequest(view=market(W1), side=Side.BUY, quantity=Decimal(3))
    found = compare(request, split(request))
    assert found.best_single is not None
    assert found.fee_blind is not None
    assert found.best_single.venue == VenueId("B")
    assert found.best_single.plan.all_in_cost == Decimal("180218.064")
    assert found.best_single.saving == Decimal("33.033")
    assert found.fee_blind.plan.all_in_cost == Decimal("180292.909")
    assert found.fee_blind.saving == Decimal("107.878")
    by_venue = {one.venue: one.plan for one in found.singles}
    assert by_venue[VenueId("A")].all_in_cost == Decimal("180265.085")
    assert by_venue[VenueId("C")].residual == Decimal("1.4")


def test_w3_three_quote_currencies_are_one_book():
    """Marked by inventory: the dearer-looking USDT quote is the cheaper one at 0.9990."""
    plan = split(SplitRequest(view=market(W3, USDT="0.9990", USDC="1"), side=Side.BUY, quantity=Decimal(3)))
    assert quantities(plan) == {
        lid("K"): Decimal("0.5"),
        lid("X", "BTC/USDT"): Decimal(1),
        lid("Y", "BTC/USDC"): Decimal("1.5"),
    }
    assert plan.all_in_cost == Decimal("180214.95192")


def test_w3_a_rate_that_includes_buying_the_currency_moves_the_split():
    """At the replacement rate 0.99929982 kraken's first level is cheaper."""
    plan = split(SplitRequest(view=market(W3, USDT="0.99929982", USDC="1"), side=Side.BUY, quantity=Decimal(3)))
    assert quantities(plan) == {
        lid("K"): Decimal(1),
        lid("X", "BTC/USDT"): Decimal("0.5"),
        lid("Y", "BTC/USDC"): Decimal("1.5"),
    }
    assert plan.all_in_cost is not None
    assert round(plan.all_in_cost, 6) == Decimal("180231.997559")


def test_w3_the_balance_caps_one_venue_along_its_book():
    """100000 USDT buys 1.66256 when each level costs its own price, fee included."""
    plan = split(
        SplitRequest(
            view=market(W3, USDT="0.9990", USDC="1"),
            side=Side.BUY,
            quantity=Decimal(3),
            venues_include={VenueId("X")},
            spendable={(AccountId("X/main"), Asset("USDT")): Decimal(100_000)},
            options=SplitOptions(reserve=Reserve.WALK),
        )
    )
    assert quantities(plan) == {lid("X", "BTC/USDT"): Decimal("1.66256")}
    assert plan.residual_reason == "balance"


def test_w4_lots_and_a_minimum_make_a_greedy_plan_impossible():
    """0.002 at A would leave B less than its minimum; half at A and more at B fills everything."""
    request = SplitRequest(
        view=market("""
            A BTC/USD fee=10 step=0.001 minimum=0.001 notional=10 : 60000x1
            B BTC/USD fee=10 notional=25 : 60036x1
        """),
        side=Side.BUY,
        quantity=Decimal("0.00234"),
        options=SplitOptions(residual_price=Decimal(61000)),
    )
    plan = split(request)
    assert quantities(plan) == {lid("A"): Decimal("0.001"), lid("B"): Decimal("0.00134")}
    assert plan.all_in_cost is not None
    assert round(plan.all_in_cost, 6) == Decimal("140.588688")
    assert violations(request, plan) == ()


def test_w7_two_listings_of_one_account_share_its_base():
    """0.8 at V over both its books, the better first; the rest goes to W."""
    held = {(AccountId("V/main"), Asset("BTC")): Decimal("0.8"), (AccountId("W/main"), Asset("BTC")): Decimal(5)}
    request = SplitRequest(
        view=market(W7, Side.SELL, USDT="0.999"), side=Side.SELL, quantity=Decimal("1.5"), spendable=held
    )
    plan = split(request)
    assert quantities(plan) == {
        lid("V", "BTC/USDT"): Decimal("0.5"),
        lid("V"): Decimal("0.3"),
        lid("W"): Decimal("0.7"),
    }
    assert plan.all_in_cost == Decimal("149.9348426")
    assert violations(request, plan) == ()


def test_w7_without_the_shared_balance():
    plan = split(SplitRequest(view=market(W7, Side.SELL, USDT="0.999"), side=Side.SELL, quantity=Decimal("1.5")))
    assert quantities(plan) == {
        lid("V", "BTC/USDT"): Decimal("0.5"),
        lid("V"): Decimal("0.6"),
        lid("W"): Decimal("0.4"),
    }
    assert plan.all_in_cost == Decimal("149.9498201")


def quantities(plan: Plan) -> dict[str, Decimal]:
    return {line.listing_id: line.quantity for line in plan.lines}
