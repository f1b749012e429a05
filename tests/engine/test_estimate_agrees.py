"""What an order is estimated at is what its first round does on the same market."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from router.app.estimate import estimate_on
from router.model import facts as f
from router.model.ids import AccountId, Asset, EntityId, RefId
from router.model.orders import ParentOrder
from router.orders.client_ids import parent_id
from router.requests import OrderBody
from router.requests.bodies import parse
from router.requests.orders import RESTING, TAKING, order_model
from tests.engine.desk import DEPLOYMENT, Desk

ASKS = """
    kraken   bid  99.90 5.0
    kraken   ask 100.00 1.0 fee 5bp
    kraken   ask 100.20 4.0
    binance  bid  99.90 5.0
    binance  ask 100.10 2.0 fee 5bp
    coinbase bid  99.80 5.0
    coinbase ask 100.30 5.0
"""
AN_HOUR = {"duration": "1h", "params": {"slices": 10}}
CURVE = {"curve_id": "flat", "curve_asof": "2026-01-01", "built_from": "a story", "weekday": ["1"], "weekend": ["1"]}
FIELDS: dict[str, dict[str, Any]] = {
    "SWEEP": {},
    "BEST_SINGLE": {},
    "TWAP": AN_HOUR,
    "VWAP": {"duration": "1h", "params": {"slices": 10, "curve": CURVE}},
    "POV": {"params": {"target_rate": "0.1"}},
    "IS": AN_HOUR,
    "SNIPER": {"params": {"trigger_price": "100.5", "min_quantity": "0.1"}},
}
"""What each policy asks for."""
Lines = list[tuple[str, Decimal, Decimal]]


@pytest.fixture
def desk() -> Desk:
    """Prices on three venues."""
    desk = Desk().start()
    desk.market(ASKS)
    return desk


def order_of(policy: str, quantity: str, **fields: Any) -> ParentOrder:
    """An order as its owner writes it."""
    data = {"ref_id": "P1", "instrument": "BTC/USD", "side": "BUY", "base_quantity": quantity, "policy": policy}
    id_ = parent_id(deployment=DEPLOYMENT, entity=EntityId("acme"), ref_id=RefId("P1"))
    return order_model(parse(OrderBody, data | fields), id_, EntityId("acme"), "ann")


def estimated(desk: Desk, policy: str, quantity: str, **fields: Any) -> Lines:
    """Orders of the plan."""
    state = desk.engine.state
    free = {
        (AccountId(f"{venue}/main"), Asset(asset)): state.available(AccountId(f"{venue}/main"), Asset(asset))
        for venue in desk.books
        for asset in ("USD", "BTC")
    }
    order = order_of(policy, quantity, **fields)
    found = estimate_on(desk.view(), order, limits=desk.limits, balances=free)
    return [(one.listing_id, one.quantity, one.limit_price) for one in found.found.plan.lines]


def traded(desk: Desk, policy: str, quantity: str, **fields: Any) -> Lines:
    """Orders of the first round."""
    desk.order("P1", policy, quantity, **fields)
    rounds = [fact for fact in desk.facts if isinstance(fact, f.RoundPlanned)]
    return [(one.listing_id, one.quantity, one.limit_price) for one in rounds[0].children]


@pytest.mark.parametrize("policy", sorted(TAKING))
def test_every_policy_that_is_worked_can_be_estimated(desk: Desk, policy: str):
    """Of the whole order, taken now."""
    assert sum(quantity for _, quantity, _ in estimated(desk, policy, "1.5", **FIELDS[policy])) == Decimal("1.5")


RESTS: dict[str, dict[str, Any]] = {
    "LIMIT_OR_BETTER": {"limit_price": "99.50"},
    "ICEBERG": {"limit_price": "99.50", "params": {"display_quantity": "0.5"}},
    "PEG": {},
    "PASSIVE_THEN_SWEEP": {"duration": "1h", "params": {"slices": 1}},
}


@pytest.mark.parametrize("policy", sorted(RESTING))
def test_what_would_rest_first_is_what_rests(desk: Desk, policy: str):
    """Where, how much and at which price, before anything is sent."""
    found = estimate_on(desk.view(), order_of(policy, "1.5", **RESTS[policy]), limits=desk.limits, balances=None)
    quotes = [(one.listing_id, one.quantity, one.price) for one in found.rests]

    assert quotes
    assert quotes == traded(desk, policy, "1.5", **RESTS[policy])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"all_in_limit_price": "100.15"},
        {"max_share_per_venue": "0.4"},
        {"max_child_quantity": "1.5"},
        {"max_children_outstanding": 2},
        {"min_child_notional": "150"},
        {"max_venues": 1},
        {"price_collar_bps": "10"},
        {"policy": "BEST_SINGLE"},
    ],
    ids=lambda fields: next(iter(fields), "plain"),
)
def test_the_first_round_does_what_was_estimated(desk: Desk, fields: dict[str, Any]):
    """Under each bound an order can carry for its children."""
    given = {"policy": "SWEEP", "quantity": "5"} | fields
    lines = estimated(desk, **given)
    assert lines
    assert lines == traded(desk, **given)


def test_a_price_that_stands_alone_is_not_estimated_at_either(desk: Desk):
    """One venue is far from the others: what looks cheap there is not for sale."""
    desk.market(
        ASKS.replace("coinbase bid  99.80", "coinbase bid 80.00").replace("coinbase ask 100.30", "coinbase ask 90.00")
    )
    lines = estimated(desk, "SWEEP", "5")
    assert lines == traded(desk, "SWEEP", "5")
    assert not [listing for listing, *_ in lines if listing.startswith("coinbase")]


def test_several_orders_where_the_largest_binds_are_estimated_too(desk: Desk):
    """As many as a round may send."""
    book = desk.books["kraken"]
    desk.books["kraken"] = replace(book, listing=replace(book.listing, max_quantity=Decimal("1.25")))
    lines = estimated(desk, "SWEEP", "5")
    assert lines == traded(desk, "SWEEP", "5")
    assert len([listing for listing, *_ in lines if listing.startswith("kraken")]) > 1
