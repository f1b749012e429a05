"""Where a venue's largest order binds, several go there; caps hold over all of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.ids import Asset
from router.model.instruments import TokenDiscount
from router.model.side import Side
from router.split.check import violations
from router.split.plan import Cap, Plan, SplitOptions, SplitRequest
from router.split.reasons import CAP
from router.split.split import split
from tests.split.markets import lid, market

LARGE = SplitRequest(
    view=market("""
        A BTC/USD maximum=0.7 step=0.1 : 100x1 101x1
        B BTC/USD step=0.1 : 103x5
    """),
    side=Side.BUY,
    quantity=Decimal("2.5"),
    options=SplitOptions(orders_each_max=5),
)


def orders(plan: Plan) -> list[tuple[str, str, int]]:
    return [(line.listing_id, str(line.quantity), int(line.limit_price)) for line in plan.lines]


def test_as_many_orders_as_it_takes_of_about_the_same_size():
    """2.0 at A need three orders of at most 0.7: each takes what the ones before leave, all at one limit price."""
    plan = split(LARGE)
    assert violations(LARGE, plan) == ()
    assert orders(plan) == [
        (lid("A"), "0.6", 101),
        (lid("A"), "0.7", 101),
        (lid("A"), "0.7", 101),
        (lid("B"), "0.5", 103),
    ]
    assert [round(line.expected_price * line.quantity, 9) for line in plan.lines[:2]] == [60, Decimal("70.3")]
    assert plan.lines[2].expected_price == 101
    assert plan.all_in_cost == Decimal(100 + 101) + Decimal("51.5")


@pytest.mark.parametrize(("most", "taken"), [(4, "2.0"), (3, "1.4"), (2, "0.7"), (1, "0")])
def test_the_number_of_orders_counts_them_all(most: int, taken: str):
    request = replace(LARGE, options=SplitOptions(orders_each_max=5, children_max=most, residual_price=Decimal(110)))
    plan = split(request)
    assert violations(request, plan) == ()
    assert len(plan.lines) == min(most, 4)
    assert sum(line.quantity for line in plan.lines if line.listing_id == lid("A")) == Decimal(taken)


def test_an_order_s_cost_is_counted_for_each():
    """At 3 an order, the third one at A costs more than it saves over B."""
    request = replace(LARGE, options=SplitOptions(orders_each_max=5, order_cost=Decimal(3)))
    plan = split(request)
    assert violations(request, plan) == ()
    assert len(plan.lines) < 4


def test_a_cap_holds_over_the_listings_it_names():
    """A counterparty's limit in quantity, then in money at the limit prices."""
    both = frozenset({lid("A"), lid("B")})
    for cap in (
        Cap(name="desk", listings=both, quantity=Decimal("1.2")),
        Cap(name="desk", listings=both, notional=Decimal("121.2")),
    ):
        request = replace(LARGE, caps=(cap,))
        plan = split(request)
        assert violations(request, plan) == ()
        assert sum(line.quantity for line in plan.lines) == Decimal("1.2")
        assert CAP in (plan.residual_reason or "").split("; ")


def test_the_checker_sees_a_broken_cap():
    """A plan made without the cap, sound but for it."""
    plan, both = split(LARGE), frozenset({lid("A"), lid("B")})
    for cap in (
        Cap(name="desk", listings=both, quantity=Decimal("2.4")),
        Cap(name="desk", listings=both, notional=Decimal("253.4")),
    ):
        assert [sentence.split(":")[0] for sentence in violations(replace(LARGE, caps=(cap,)), plan)] == ["desk"]
    enough = Cap(name="desk", listings=both, quantity=Decimal("2.5"), notional=Decimal("253.5"))
    assert violations(replace(LARGE, caps=(enough,)), plan) == ()


def test_the_all_in_limit_is_compared_with_the_fee():
    """101 and a fee of 10 bps is 101.101: within 101.2, not within 101.1."""
    text = "A BTC/USD fee=10 step=0.1 : 100x1 101x1"
    for limit, taken in [("101.2", "2"), ("101.1", "1")]:
        request = SplitRequest(view=market(text), side=Side.BUY, quantity=Decimal(3), all_in_limit_price=Decimal(limit))
        plan = split(request)
        assert violations(request, plan) == ()
        assert sum(line.quantity for line in plan.lines) == Decimal(taken)
    assert plan.residual_reason == "beyond all-in limit 101.1"


def test_the_all_in_limit_does_not_count_on_a_tokens_discount():
    """The token may run out on the way: the limit is held at the full fee, venues are compared with the discount."""
    text = "A BTC/USD fee=10 step=0.1 : 100x1 101x1\nB BTC/USD fee=8 step=0.1 : 100x1"
    view = market(text)
    first = view.listings[0]
    discount = TokenDiscount(token=Asset("TOK"), taker_fee_bps=Decimal(5), on=True)
    paid = replace(first.listing, discount=discount, token_price=Decimal(1))
    view = replace(view, listings=(replace(first, listing=paid), *view.listings[1:]))
    for limit, taken in [("101.2", "2"), ("101.1", "1"), ("100.09", "0")]:
        request = SplitRequest(view=view, side=Side.BUY, quantity=Decimal(3), all_in_limit_price=Decimal(limit))
        plan = split(request)
        assert violations(request, plan) == ()
        here = [line for line in plan.lines if line.listing_id == paid.id]
        assert sum((line.quantity for line in here), Decimal(0)) == Decimal(taken)
        assert all(line.effective_price == line.expected_price * Decimal("1.0005") for line in here)
    one = split(replace(request, quantity=Decimal(1), all_in_limit_price=Decimal("100.2")))
    assert [line.listing_id for line in one.lines] == [paid.id]


def test_no_dust_is_left_where_a_dearer_lot_can_take_it():
    """A cap stops the best listing; what the next one's lots leave is too little for anybody, in later rounds too."""
    request = SplitRequest(
        view=market("""
            A BTC/USD fee=10 step=0.00000001 minimum=0.00005 maximum=0.33316674 : 60020x5
            B BTC/USD fee=10 step=0.00001 minimum=0.00009 : 60020x5
            C BTC/USD fee=13 step=0.00000001 minimum=0.00001666 : 60020x5
        """),
        side=Side.BUY,
        quantity=Decimal("0.40084202"),
    )

    plan = split(request)

    assert violations(request, plan) == ()
    assert plan.residual == 0
