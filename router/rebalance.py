"""How far holdings may drift from their targets before it is worth trading, and how far back to trade.

Weights, drifts and widths are shares of the net asset value (0.05: five points); all to 60 digits, for decisions and
plans only. What is bought and sold of it becomes a basket.
"""

from decimal import Decimal

from router.model.money import ONE, ZERO, ratio, roughly
from router.model.rounding import nearest

_THIRD = ONE / 3
_QUARTER = ONE / 4
_POINTS_MOST = Decimal("0.05")
_RELATIVE = Decimal("0.25")
_FINE = Decimal("1E-30")


def no_trade_width(weight: Decimal, cost: Decimal, risk_aversion: Decimal) -> Decimal:
    """Half the width of the region in which one risky asset is left alone, at one-way proportional `cost`.

    (3 / (2 gamma) * cost * w^2 * (1 - w)^2) ^ (1/3): Janecek and Shreve; W23. Beyond it trade to its edge.
    """
    with roughly():
        spread = weight * (ONE - weight)
        return _root(ratio(3 * cost * spread * spread, 2 * risk_aversion), _THIRD)


def fixed_cost_width(weight: Decimal, cost: Decimal, risk_aversion: Decimal) -> Decimal:
    """The same for a fixed cost a trade, as a share of the net asset value. Beyond it trade to the target.

    (12 * cost * w^2 * (1 - w)^2 / gamma) ^ (1/4); W23.
    """
    with roughly():
        spread = weight * (ONE - weight)
        return _root(ratio(12 * cost * spread * spread, risk_aversion), _QUARTER)


def _root(value: Decimal, power: Decimal) -> Decimal:
    return ZERO if value == 0 else nearest(value**power, _FINE)


def five_twenty_five(target: Decimal) -> Decimal:
    """The band of the 5/25 rule: five points, or a quarter of the target where that is less. (W24)"""
    with roughly():
        return min(_POINTS_MOST, target * _RELATIVE)


def trade(value: Decimal, target: Decimal, band: Decimal, nav: Decimal, *, fraction: Decimal = ZERO) -> Decimal:
    """What to buy of an asset (negative: to sell) in the currency of `value`; nothing within its band.

    `fraction` of the way from the band's edge to the target: 0 is the edge, 1 the target. (W24)
    """
    with roughly():
        drift = ratio(value, nav) - target
        if abs(drift) <= band:
            return ZERO
        rest = band * (ONE - fraction)
        return (rest.copy_sign(drift) - drift) * nav
