"""Costs of simulated orders: partial fills, cancels, fees in strange assets, faults, whatever the seeds bring."""

import pytest

from router.simulate.run import simulated
from router.tca.cost import OrderCost, measure
from router.tca.fold import Fold

_NIGHTLY = 900
_PARENTS_NIGHTLY = 20_000


def costs(seed: int) -> list[OrderCost]:
    """Of every parent of a seed that ended. That the parts of each add up is asserted where they are made."""
    _, world = simulated(seed)
    fold = Fold()
    for row in world.journal.rows:
        fold.follow(row.stamped.event, row.facts)
    return [measure(fold.record(parent_id)) for parent_id in fold.ended()]


def assert_valued(found: list[OrderCost]) -> None:
    """Nothing filled is without a cost, but where a note says why."""
    for one in found:
        assert one.filled == sum(fill.quantity for fill in one.record.fills)
        if None not in {one.average, one.arrival_mid, one.final_mid}:
            assert one.shortfall is not None
            assert one.shortfall.done == one.filled
        elif one.filled:
            assert one.flags


def test_simulated_orders_add_up() -> None:
    """A seed by day."""
    found = costs(3)
    assert sum(len(one.attributions) for one in found) > 0
    assert_valued(found)


@pytest.mark.nightly
@pytest.mark.timeout(7_200)
def test_twenty_thousand_simulated_orders_add_up() -> None:
    """To the last digit, each of them, and each venue's part."""
    parents = 0
    for seed in range(_NIGHTLY):
        found = costs(seed)
        assert_valued(found)
        parents += len(found)
    assert parents >= _PARENTS_NIGHTLY
