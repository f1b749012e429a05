"""The times a real venue is given: half a minute until a lost order is proven absent. A night's row."""

from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.lab.faults import FaultKind as Fault
from router.drill.stand import BINANCE, KRAKEN, Seat
from router.model.orders import ChildState, ParentState
from tests.e2e.conftest import Stands
from tests.e2e.rig import order, quantity_of
from tests.e2e.truth import assert_venues_agree

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.nightly, pytest.mark.timeout(240)]

REAL = {
    "request_ttl_ms": 2_500,
    "engine_wait_ms": 10_000,
    "read_lag_ms": 15_000,
    "look_up_wait_ms": 250,
    "quarantine_after_ms": 900_000,
}
SEATS = [replace(seat, name=f"real{seat.name}", terms=REAL) for seat in (BINANCE, KRAKEN)]


@pytest.mark.parametrize("seat", SEATS, ids=lambda seat: seat.name)
async def test_a_lost_order_is_replaced_only_after_the_real_bound(stands: Stands, seat: Seat) -> None:
    """Deadline, engine wait and read lag as configured for a real venue; then a new intent, and one order in all."""
    stand = await stands.sound(seat)
    await stand.fresh([seat])
    await stand.control.inject(seat.name, Fault.RESET_BEFORE, call="place")
    parent_id = await stand.submit(order(f"real-times_{seat.name}", "0.4", venues={"include": [seat.name]}))

    state = await stand.ended(parent_id, within_s=120)

    agreed = await assert_venues_agree(stand.control, stand.config.database_url)
    parent = stand.parent(parent_id)
    assert parent is not None
    blotter = stand.engine.driver.engine.state.blotter
    lost, placed = (blotter.children[client_id] for client_id in parent.children)
    assert (state, lost.state, placed.state) == (ParentState.FILLED, ChildState.NEVER_PLACED, ChildState.FILLED)
    assert quantity_of(agreed.orders_of(parent_id)) == Decimal("0.4")
    bound_ns = sum(REAL[name] for name in ("request_ttl_ms", "engine_wait_ms", "read_lag_ms")) * 1_000_000
    assert placed.order.decided_at_ns - lost.order.decided_at_ns > bound_ns
