"""One parent, nothing goes wrong: both sides tell the same story."""

from decimal import Decimal
from pathlib import Path

import pytest

from router.app.execute import ExitCode
from tests.e2e.rig import order, quantity_of, standing
from tests.e2e.truth import assert_venues_agree


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_parent_over_three_venues_is_what_the_venues_say(tmp_path: Path, database_url: str, side: str) -> None:
    """Venue trades at several prices, each booked once, fees and balances to the last digit."""
    async with standing(tmp_path, database=database_url) as stand:
        parent_id = await stand.submit(order("R1", "1.2", side))
        await stand.ended(parent_id)
        executed = await stand.result(parent_id)
        agreed = await assert_venues_agree(stand.control, database_url)
    assert executed.exit_code is ExitCode.FILLED
    orders = agreed.orders_of(parent_id)
    assert quantity_of(orders) == Decimal("1.2")
    assert {found["symbol"] for found in orders} == {"BTC/USDT", "BTC/USD"}
