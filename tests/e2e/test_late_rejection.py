"""A venue that says yes and then no: the order is accepted, and its record says it was rejected."""

from decimal import Decimal
from pathlib import Path

from router.drill.stand import BYBIT
from router.model.orders import ChildState, ParentState
from tests.e2e.rig import order, quantity_of, standing
from tests.e2e.truth import assert_venues_agree
from tests.waiting import eventually


async def test_an_order_rejected_after_its_answer_frees_its_quantity(tmp_path: Path) -> None:
    """The children end as rejected with nothing filled, in doubt is nothing; when the market opens the rest is done."""
    async with standing(tmp_path, (BYBIT,)) as stand:
        await stand.control.halt("bybit", "BTC/USDT")
        parent_id = await stand.submit(order("LATE", "0.4"))

        def states() -> list[ChildState]:
            parent = stand.parent(parent_id)
            blotter = stand.engine.driver.engine.state.blotter
            return [] if parent is None else [child.state for child in blotter.children_of(parent)]

        await eventually(lambda: ChildState.REJECTED in states())
        await stand.control.halt("bybit", "BTC/USDT", halted=False)
        ended = await stand.ended(parent_id)
        assert set(states()) <= {ChildState.REJECTED, ChildState.FILLED, ChildState.EXPIRED, ChildState.CANCELLED}
        assert ended is ParentState.FILLED
        agreed = await assert_venues_agree(stand.control, stand.config.database_url)
        assert quantity_of(agreed.orders_of(parent_id)) == Decimal("0.4")
