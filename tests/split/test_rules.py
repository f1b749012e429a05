"""What a plan must respect, one rule at a time, and what it says when something stays unfilled."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.ids import AccountId, Asset, VenueId
from router.model.instruments import TokenDiscount
from router.model.side import Side
from router.split.check import violations
from router.split.plan import Cap, Plan, Reserve, SplitOptions, SplitRequest
from router.split.split import split
from tests.split.markets import lid, market

A = lid("A")
B = lid("B")


def planned(text: str, quantity: str, side: Side = Side.BUY, **more: object) -> tuple[SplitRequest, Plan]:
    fx = more.pop("fx", {})
    request = replace(
        SplitRequest(view=market(text, side, **fx), side=side, quantity=Decimal(quantity)),
        **more,
    )
    plan = split(request)
    assert violations(request, plan) == ()
    return request, plan


def taken(plan: Plan) -> dict[str, str]:
    return {line.listing_id: str(line.quantity.normalize()) for line in plan.lines}


def why(plan: Plan, listing_id: str) -> str:
    return next(one.reason for one in plan.exclusions if one.listing_id == listing_id)


def test_nothing_beyond_the_limit_and_the_limit_is_named():
    _, plan = planned(
        """
        A BTC/USD : 59990x1 60000x1 60010x1
        B BTC/USD : 60005x5
        """,
        "3",
        limit_price=Decimal(60_000),
    )
    assert taken(plan) == {A: "2"}
    assert plan.residual == 1
    assert plan.residual_reason == "beyond limit 60000"
    assert plan.lines[0].limit_price == Decimal(60_000)
    assert why(plan, B) == "beyond limit 60000"


def test_the_limit_is_compared_after_fx_and_lands_on_the_tick():
    """At 0.9990 a limit of 60000 USD is 60060.06 USDT: 60060.0 on a tick of 0.5, and one level more fits."""
    _, plan = planned(
        "A BTC/USDT tick=0.5 : 60060x1 60060.5x1", "2", fx={"USDT": "0.9990"}, limit_price=Decimal(60_000)
    )
    assert plan.lines[0].quantity == 1
    assert plan.lines[0].limit_price == Decimal(60_060)


def test_a_sell_limit_works_the_other_way_round():
    _, plan = planned("A BTC/USD : 60010x1 60000x1 59990x1", "3", Side.SELL, limit_price=Decimal(60_000))
    assert taken(plan) == {A: "2"}
    assert plan.residual_reason == "beyond limit 60000"


@pytest.mark.parametrize(("reserve", "quantity"), [(Reserve.WORST, "1.81818"), (Reserve.WALK, "1.90909")])
def test_a_balance_must_cover_what_the_venue_blocks(reserve: Reserve, quantity: str):
    """200 buys 1 at 100 and more at 110; blocked is the whole quantity at the limit price."""
    _, plan = planned(
        "A BTC/USD : 100x1 110x5",
        "3",
        spendable={(AccountId("A/main"), Asset("USD")): Decimal(200)},
        options=SplitOptions(reserve=reserve),
    )
    assert taken(plan) == {A: quantity}
    assert plan.residual_reason == "balance"
    assert why(plan, A) == f"balance allows no more than {quantity}"


def test_a_balance_too_small_for_the_minimum_order_is_named():
    _, plan = planned(
        """
        A BTC/USD notional=10 : 100x5
        B BTC/USD : 101x5
        """,
        "1",
        spendable={
            (AccountId("A/main"), Asset("USD")): Decimal(9),
            (AccountId("B/main"), Asset("USD")): Decimal(1000),
        },
    )
    assert taken(plan) == {B: "1"}
    assert why(plan, A) == "balance 9 USD: short of its minimum order 0.1"


def test_an_account_without_the_currency_gets_nothing():
    _, plan = planned("A BTC/USD : 100x5", "1", spendable={})
    assert plan.lines == ()
    assert plan.residual_reason == "balance"
    assert plan.all_in_cost is None


def test_what_no_venue_takes_is_dust():
    _, plan = planned(
        """
        A BTC/USD step=0.001 : 100x5
        B BTC/USD notional=10 : 101x5
        """,
        "1.0005",
    )
    assert taken(plan) == {A: "1"}
    assert plan.residual == Decimal("0.0005")
    assert plan.residual_reason == "dust below every minimum"


def test_a_parent_below_every_minimum_is_dust_as_a_whole():
    _, plan = planned("A BTC/USD notional=10 : 100x5", "0.05")
    assert plan.lines == ()
    assert plan.residual_reason == "dust below every minimum"
    assert why(plan, A) == "its minimum order 0.1 is above the quantity"


def test_no_depth_is_said():
    _, plan = planned("A BTC/USD : 100x1", "3")
    assert plan.residual == 2
    assert plan.residual_reason == "no depth"


def test_what_is_dear_is_taken_all_the_same():
    """Without a limit the customer wants it done: an unfilled unit always counts as worse than any level needed."""
    _, plan = planned("A BTC/USD : 100x1 150x5", "2")
    assert taken(plan) == {A: "2"}
    assert plan.residual_price == Decimal("150.75")


def test_a_given_residual_price_says_what_is_too_dear():
    _, plan = planned("A BTC/USD : 100x1 101x5", "2", options=SplitOptions(residual_price=Decimal("100.5")))
    assert taken(plan) == {A: "1"}
    assert plan.residual_reason == "beyond the residual price 100.5"


def test_the_collar_stops_a_plan_as_a_limit_does_under_its_own_name():
    """The tighter of the two binds, and the one that binds is named."""
    text = "A BTC/USD : 100x1 102x1 104x1"
    _, plan = planned(text, "3", limit_price=Decimal(103), collar_prices={A: Decimal(101)})
    assert taken(plan) == {A: "1"}
    assert plan.residual_reason == "beyond collar"
    _, plan = planned(text, "3", limit_price=Decimal(103), collar_prices={A: Decimal(110)})
    assert taken(plan) == {A: "2"}
    assert plan.residual_reason == "beyond limit 103"


def test_an_order_has_a_largest_size():
    _, plan = planned("A BTC/USD maximum=0.7 : 100x5", "1")
    assert taken(plan) == {A: "0.7"}
    assert plan.residual_reason == "maximum order quantity"


def test_a_child_has_a_largest_value():
    _, plan = planned(
        "A BTC/USDT : 100x5", "1", fx={"USDT": "0.5"}, options=SplitOptions(child_notional_max=Decimal(20))
    )
    assert plan.lines[0].quantity == Decimal("0.4")
    assert plan.residual_reason == "child notional limit"


def test_the_number_of_children_is_limited():
    """W6 without fees: two children at most, A and C are the best pair."""
    text = """
        A BTC/USD : 100.00x3 100.30x5
        B BTC/USD : 100.05x3 100.35x5
        C BTC/USD : 100.10x6
        D BTC/USD : 100.02x2 100.50x5
    """
    costs = {4: "900.29", 3: "900.44", 2: "900.60", 1: "911.50"}
    for children_max, cost in costs.items():
        request, plan = planned(text, "9", options=SplitOptions(children_max=children_max, residual_price=Decimal(110)))
        assert plan.all_in_cost is not None
        assert plan.all_in_cost + plan.residual * 110 == Decimal(cost)
        assert len(plan.lines) <= children_max
        assert request.quantity == 9


def test_a_split_stopped_by_a_cap_says_nothing_of_price():
    """The next lot is dear only against what the cap let through; a price somebody named is a reason of its own."""
    text = """
        A BTC/USD : 100x1 200x5
        B BTC/USD : 101x1 200x5
    """
    caps = (Cap(name="both", listings=frozenset({A, B}), quantity=Decimal(2)),)
    _, plan = planned(text, "3", caps=caps)
    assert plan.residual_reason == "balance or cap"
    _, plan = planned(text, "3", caps=caps, options=SplitOptions(residual_price=Decimal(150)))
    assert plan.residual_reason == "beyond the residual price 150"


def test_w2_a_fee_in_a_third_asset_is_in_the_price_of_a_split():
    """A quarter off: 50037.5 a unit bought, 49962.5 sold, and the fee is told in the token, at its mark."""
    token = TokenDiscount(token=Asset("BNB"), taker_fee_bps=Decimal("7.5"), on=True)
    for side, price in ((Side.BUY, "50037.5"), (Side.SELL, "49962.5")):
        view = market("A BTC/USD fee=10 : 50000x2", side)
        paid = replace(view.listings[0].listing, discount=token, token_price=Decimal(500))
        view = replace(view, listings=(replace(view.listings[0], listing=paid),))
        request = SplitRequest(view=view, side=side, quantity=Decimal(1))
        plan = split(request)
        assert violations(request, plan) == ()
        assert plan.lines[0].effective_price == plan.all_in_cost == Decimal(price)
        assert (plan.lines[0].expected_fee, plan.lines[0].fee_asset) == (Decimal("0.075"), "BNB")


def test_blocked_excluded_and_unusable_listings_keep_their_reason():
    text = """
        A BTC/USD : 100x5
        B BTC/USD : 99x5
        C BTC/USD : 98x5
        D BTC/EUR : 90x5
        E BTC/USD :
    """
    view = market(text)
    stale = replace(view.listings[2], unusable="stale: 9000 ms old, limit 2000 ms")
    view = replace(view, listings=(*view.listings[:2], stale, *view.listings[3:]))
    request = SplitRequest(
        view=view, side=Side.BUY, quantity=Decimal(1), blocked={B: "gate closed"}, venues_exclude=(VenueId("F"),)
    )
    plan = split(request)
    assert taken(plan) == {A: "1"}
    assert {one.listing_id: one.reason for one in plan.exclusions} == {
        B: "gate closed",
        lid("C"): "stale: 9000 ms old, limit 2000 ms",
        lid("D", "BTC/EUR"): "no mark for EUR",
        lid("E"): "no depth: no asks",
    }
    nowhere = split(replace(request, venues_include=()))
    assert nowhere.residual_reason == "no usable listing"
    assert nowhere.residual == 1


def test_the_same_request_gives_the_same_plan():
    """Equal all-in prices go to the listing that sorts first, whatever the order of the view."""
    text = """
        B BTC/USD fee=10 : 100x1 101x1
        A BTC/USD fee=10 : 100x1 101x1
    """
    request = SplitRequest(view=market(text), side=Side.BUY, quantity=Decimal("0.5"))
    turned = replace(request, view=replace(request.view, listings=request.view.listings[::-1]))
    assert taken(split(request)) == {A: "0.5"}
    assert repr(split(request)) == repr(split(turned))


def test_the_checker_sees_a_broken_plan():
    """It is no rubber stamp: each tampering is named."""
    request, plan = planned("A BTC/USD notional=10 tick=0.5 : 100x1 101x5", "2", limit_price=Decimal(101))
    line = plan.lines[0]
    for tampered, said in [
        (replace(line, quantity=line.quantity + 1), "add up"),
        (replace(line, limit_price=Decimal("101.5")), "beyond the limit"),
        (replace(line, limit_price=Decimal("101.3")), "off its grid"),
        (replace(line, limit_price=Decimal(100)), "does not reach"),
        (replace(line, quantity=Decimal("0.05")), "minimum notional"),
    ]:
        assert any(said in one for one in violations(request, replace(plan, lines=(tampered,))))
    assert any("spends" in one for one in violations(replace(request, spendable={}), plan))
    assert any("cost" in one for one in violations(request, replace(plan, all_in_cost=Decimal(1))))
