"""Displayed size that may be gone: the worked examples W8 and W9."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.ids import VenueId
from router.model.side import Side
from router.split.evaluate import expected, expected_fill
from router.split.plan import Landing, Plan, SplitRequest
from router.split.split import split
from tests.split.markets import lid, market

W8 = SplitRequest(
    view=market("""
        A BTC/USD : 100.00x4 100.05x4
        B BTC/USD : 100.06x8
        C BTC/USD : 100.02x2 100.10x6
    """),
    side=Side.BUY,
    quantity=Decimal(10),
)
SURVIVAL = Landing(
    survival={
        lid("A"): (Decimal("0.60"),),
        lid("B"): (Decimal("0.95"),),
        lid("C"): (Decimal("0.90"), Decimal("0.85")),
    },
    fallback_price=Decimal("100.30"),
)


def test_w8_the_displayed_price_and_the_landed_price_choose_differently():
    landed = replace(W8, landing=SURVIVAL)
    plan, greedy = split(landed), split(W8)
    assert taken(plan) == {lid("B"): 8, lid("C"): 2}
    assert taken(greedy) == {lid("A"): 8, lid("C"): 2}
    assert cost(landed, plan) == Decimal("1000.672")
    assert cost(landed, greedy) == Decimal("1001.176")
    assert expected_fill(landed, plan) == Decimal("9.4")
    assert expected_fill(landed, greedy) == Decimal("6.6")
    assert round((cost(landed, greedy) - cost(landed, plan)) / cost(landed, plan) * 10_000, 4) == Decimal("5.0366")


@pytest.mark.parametrize(
    ("quantity", "shares", "filled"), [(3, (1, 2, 0), "2.45"), (5, (2, 2, 1), "3.75"), (8, (3, 2, 3), "5.10")]
)
def test_w9_at_one_price_the_next_unit_goes_where_it_is_likeliest_to_be(
    quantity: int, shares: tuple[int, ...], filled: str
):
    tails = {"A": ".9 .7 .4 .1", "B": ".8 .75 .3 .2", "C": ".6 .5 .45 .4"}
    request = SplitRequest(
        view=market("\n".join(f"{venue} BTC/USD step=1 : 100x1 100x1 100x1 100x1" for venue in tails)),
        side=Side.BUY,
        quantity=Decimal(quantity),
        landing=Landing(
            survival={lid(venue): tuple(map(Decimal, text.split())) for venue, text in tails.items()},
            fallback_price=Decimal(101),
        ),
    )
    plan = split(request)
    assert taken(plan) == {lid(venue): share for venue, share in zip(tails, shares, strict=True) if share}
    assert expected_fill(request, plan) == Decimal(filled)


def test_equal_prices_go_to_the_likelier_listing_first():
    """Ties: all-in price, then survival, then the order's cost, then the name."""
    request = SplitRequest(
        view=market("""
            A BTC/USD : 100x1
            B BTC/USD : 100x1
        """),
        side=Side.BUY,
        quantity=Decimal(1),
        landing=Landing(survival={lid("A"): (Decimal("0.9"),)}, fallback_price=Decimal(100)),
    )
    assert taken(split(request)) == {lid("B"): 1}
    assert taken(split(replace(request, landing=None))) == {lid("A"): 1}
    assert taken(split(replace(request, venues_exclude=(VenueId("B"),)))) == {lid("A"): 1}


def taken(plan: Plan) -> dict[str, Decimal]:
    return {line.listing_id: line.quantity for line in plan.lines}


def cost(request: SplitRequest, plan: Plan) -> Decimal:
    assert request.landing is not None
    views = {one.listing.id: one for one in request.view.listings}
    return sum(
        (
            expected(views[line.listing_id], request.side, line.quantity, Decimal(1), request.landing)
            for line in plan.lines
        ),
        Decimal(0),
    )
