"""Bands and trades back to them, as printed."""

from decimal import Decimal

import pytest

from router.baskets import buy_budget, scale_of
from router.rebalance import five_twenty_five, fixed_cost_width, no_trade_width, trade


@pytest.mark.parametrize(("gamma", "bps", "weight", "points"), [(5, 20, ".4", "3.2573"), (3, 10, ".5", "3.1498")])
def test_w23_no_trade_width(gamma: int, bps: int, weight: str, points: str) -> None:
    """Proportional costs: half a width in points."""
    width = no_trade_width(Decimal(weight), Decimal(bps) / 10_000, Decimal(gamma))

    assert round(width * 100, 4) == Decimal(points)


def test_w23_fixed_cost() -> None:
    """A fixed cost of 2e-6 of the net asset value."""
    assert round(fixed_cost_width(Decimal(".4"), Decimal("2e-6"), Decimal(5)) * 100, 4) == Decimal("2.2931")


def test_w24_bands_and_trades() -> None:
    """Only the asset below its quarter is out of its band: 15,000 to the edge, 40,000 to the target."""
    nav, values = (
        Decimal(1_000_000),
        {"BTC": Decimal(540_000), "ETH": Decimal(300_000), "SOL": Decimal(60_000), "cash": Decimal(100_000)},
    )
    targets = {"BTC": Decimal(".5"), "ETH": Decimal(".3"), "SOL": Decimal(".1"), "cash": Decimal(".1")}

    bands = {name: five_twenty_five(target) for name, target in targets.items()}
    edge = {name: trade(value, targets[name], bands[name], nav) for name, value in values.items()}
    whole = trade(values["SOL"], targets["SOL"], bands["SOL"], nav, fraction=Decimal(1))

    assert bands == {"BTC": Decimal(".05"), "ETH": Decimal(".05"), "SOL": Decimal(".025"), "cash": Decimal(".025")}
    assert edge == {"BTC": 0, "ETH": 0, "SOL": 15_000, "cash": 0}
    assert whole == 40_000


def test_w24_funding() -> None:
    """What is left of cash above its buffer, and of the sells after fees, each side at 10 bps."""
    fee = Decimal("0.001")

    budget = buy_budget(Decimal(5_000), Decimal(10_000), [Decimal(30_000)], fee)
    scale = scale_of(budget, Decimal(40_000))

    assert round(buy_budget(Decimal(20_000), Decimal(10_000), [Decimal(40_000)], fee), 4) == Decimal("49910.0899")
    assert round(budget, 4) == Decimal("24945.0549")
    assert round(scale, 10) == Decimal("0.6236263736")
    assert [round(scale * one, 4) for one in (Decimal(25_000), Decimal(15_000))] == [
        Decimal("15590.6593"),
        Decimal("9354.3956"),
    ]
