"""Costs of many orders: lines kept and read back, and groups of them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.app.period_costs import groups, read, spelled, venues
from router.model.ids import Nanos
from router.tca.cost import measure
from router.tca.line import CostLine, line_of
from tests.tca.test_cost import record

DAY_NS = 86_400_000_000_000
START_NS = 1_767_225_600_000_000_000


def line(number: int, **changed: object) -> CostLine:
    """An order on a day of its own that cost 1.6015 bps times its number of the mid."""
    one = line_of(measure(record()), f"{number:064x}")
    made = replace(one, parent_id=f"P{number}", ref_id=f"r{number}", decided_ns=Nanos(START_NS + number * DAY_NS))
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_line_is_the_order_in_short() -> None:
    """Its figures are the report's, and it comes back from its own spelling."""
    one = line(1)

    assert (one.total, one.paper, one.notional, one.arrival_cost) == (Decimal("3.203"), 200, 200, Decimal("3.203"))
    assert [(part.listing_id, part.slippage, part.filled) for part in one.listings] == [("A/main:BTC/USD", 0, 2)]
    assert read(spelled(one)) == one


def test_groups_weigh_by_notional_and_say_how_sure_they_are() -> None:
    """Ten orders of one policy, one of another: the small group has no interval."""
    many = [line(number, total=Decimal(number), paper=Decimal(100)) for number in range(10)]
    other = line(10, policy="TWAP", total=None)
    [sweep, twap] = groups([*many, other], ["policy"])

    assert (sweep.key, sweep.orders, sweep.left_out) == (("SWEEP",), 10, 0)
    short = sweep.figures["shortfall"]
    assert (short.by_notional.value, short.by_order.value, short.median) == (450, 450, 450)
    assert short.by_notional.low is not None
    assert short.by_notional.low < 450
    assert (twap.orders, twap.left_out, "shortfall" in twap.figures) == (1, 1, False)
    assert twap.figures["arrival"].by_notional.how == "too few to say"


def test_a_large_order_counts_for_more() -> None:
    """By notional; by order it counts as one."""
    [both] = groups(
        [line(1, total=Decimal(1), paper=Decimal(100)), line(2, total=Decimal(0), paper=Decimal(900))], ["side"]
    )

    assert (both.figures["shortfall"].by_notional.value, both.figures["shortfall"].by_order.value) == (10, 50)


def test_sizes_days_and_venues_are_groups_too() -> None:
    """The parts of an order belong to the venues they were filled at."""
    found = [line(1, paper=Decimal(999)), line(2, paper=Decimal(1_000)), line(3, paper=Decimal(2_000_000))]
    assert {one.key for one in groups(found, ["size"])} == {("below 1000",), ("from 1000",), ("from 1000000",)}
    assert [one.key for one in groups(found[:1], ["day", "hour"])] == [("2026-01-02", "00")]

    [venue] = venues(found)
    assert (venue.venue, venue.orders, venue.children, venue.filled_share) == ("A", 3, 3, 1)
    assert venue.rejected is not None
    assert venue.rejected[0] == 0
    assert venue.rejected[2] == pytest.approx(0.5615, abs=1e-4)
