"""How far a round goes, and which levels a decision rests on."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.side import Side
from router.split.plan import SplitRequest
from router.split.reach import reachable, split_within
from router.split.split import split
from tests.split.markets import market

DEEP = f"A BTC/USD fee=4 : {' '.join(f'{60000 + rank}x1' for rank in range(60))}"
OTHER = f"B BTC/USD fee=5 : {' '.join(f'{60001 + 2 * rank}x1' for rank in range(60))}"


@pytest.mark.parametrize("quantity", ["1", "20", "33.5"])
def test_the_levels_that_are_kept_give_the_same_plan(quantity: str) -> None:
    """Every level the quantity can come to, and hardly one more."""
    request = SplitRequest(view=market(f"{DEEP}\n{OTHER}"), side=Side.BUY, quantity=Decimal(quantity))
    kept = reachable(request.view, Side.BUY, request.quantity)

    assert split(replace(request, view=kept)) == split(request)
    for one in kept.listings:
        assert request.quantity <= sum(level.size for level in one.asks) <= request.quantity + 4


def test_a_round_takes_only_what_is_within_reach() -> None:
    """1.9 bps of 60,000 are 11.4: the levels from 60,000 to 60,011."""
    request = SplitRequest(view=market(DEEP), side=Side.BUY, quantity=Decimal(30))

    near = split_within(request, Decimal("1.9"))

    assert [line.quantity for line in near.lines] == [Decimal(12)]
    assert near.residual == Decimal(18)
    assert split_within(request, None) == split(request)


def test_a_round_is_never_lost_to_its_reach() -> None:
    """Nothing that near can be sent: the minimum needs deeper levels. So nearness is given up."""
    request = SplitRequest(
        view=market(f"{DEEP.replace('fee=4', 'fee=4 minimum=5')}"), side=Side.BUY, quantity=Decimal(8)
    )

    assert split_within(request, Decimal("0.1")) == split(request)
