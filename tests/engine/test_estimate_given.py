"""An order with its estimate: held to it by name, refused when it is old, and told beside what came of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from router.app.estimate import estimate_on
from router.engine.engine import ESTIMATE_AGE_NS
from router.model.errors import BadInput
from router.model.ids import EntityId, InstrumentId, Nanos, ParentId, VenueId
from router.model.orders import EstimateGiven, ParentState
from router.requests import Offered, OrderBody, estimates, parent_order
from router.requests.bodies import parse
from router.requests.orders import order_model, order_written
from tests.engine.desk import LIMITS, Desk

GOOD: dict[str, Any] = {"instrument": "BTC/USD", "side": "BUY", "base_quantity": "1", "randomize": {}}
OFFERED = Offered(instruments=(InstrumentId("BTC/USD"),), venues=frozenset({VenueId("kraken")}))


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market("kraken bid 99.90 50\nkraken ask 100.10 50")
    return desk


def given(desk: Desk) -> EstimateGiven:
    """As `sor estimate` makes it, of an order under another reference."""
    asked = order_model(parse(OrderBody, GOOD | {"ref_id": "asked"}), ParentId("A"), EntityId("acme"), "bob")
    return estimate_on(desk.view(), asked, limits=LIMITS, balances=None).given


def handed_in(estimate: EstimateGiven, **other: Any) -> OrderBody:
    return parse(OrderBody, GOOD | {"ref_id": "T-1", "estimate": estimates.written(estimate)} | other)


def test_an_order_is_held_to_the_estimate_it_comes_with(desk: Desk) -> None:
    """Another reference is the same order; another quantity, or a nicer figure, is not."""
    estimate = given(desk)
    order = parent_order(handed_in(estimate), "test", EntityId("acme"), "ann", OFFERED)
    assert order.estimate == estimate
    assert (estimate.all_in_price, estimate.slippage_bps) == (Decimal("100.1"), Decimal(10))
    assert order_written(order)["estimate"] == estimates.written(estimate)

    nicer = replace(estimate, slippage_bps=Decimal(1))
    for body in (handed_in(estimate, base_quantity="2"), handed_in(nicer)):
        with pytest.raises(BadInput) as caught:
            parent_order(body, "test", EntityId("acme"), "ann", OFFERED)
        assert caught.value.field == "estimate.estimate_id"


def test_an_old_estimate_is_refused_when_the_order_is_taken(desk: Desk) -> None:
    """Ten minutes are the most."""
    estimate = given(desk)
    desk.now_ns = Nanos(desk.now_ns + ESTIMATE_AGE_NS + 1)
    parent = desk.order("T-1", "SWEEP", estimate=estimates.written(estimate), randomize={})
    assert (parent.state, parent.reason) == (
        ParentState.REJECTED,
        "estimate.at: is older than 10 minutes: ask for an estimate of now",
    )


def test_a_pilot_is_told_beside_the_estimate(desk: Desk) -> None:
    """Measured, planned, and as it was estimated."""
    parent = desk.order("T-1", "SWEEP", "4", pilot_pct=25, estimate=estimates.written(given(desk)))
    desk.fill("kraken")
    assert "11 bps from arrival where its rounds were planned at 10 and its estimate said 10" in parent.reason
