"""The one place that rounds what is sent. Directed, so that rounding is never against the customer.

Quantity goes down to the step; a buy's price down to the tick, a sell's up: never worse than the limit given.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from router.model.side import Side

_CONTEXT = Context(prec=60)


def down(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value`."""
    return _to_grid(value, step, ROUND_FLOOR)


def up(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` not below `value`."""
    return _to_grid(value, step, ROUND_CEILING)


def nearest(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of `step` nearest to `value`, halves to the even one: for points of a schedule."""
    return _to_grid(value, step, ROUND_HALF_EVEN)


def limit_price(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    """`price` on the tick grid, never worse for us than given."""
    return down(price, tick) if side is Side.BUY else up(price, tick)


def on_grid(value: Decimal, step: Decimal) -> bool:
    """Is `value` a whole number of steps?"""
    return down(value, step) == value


def steps_in(value: Decimal, step: Decimal) -> int:
    """How many whole steps fit into `value`."""
    return int(_CONTEXT.divide(value, step).to_integral_value(rounding=ROUND_FLOOR))


def _to_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    assert step > 0
    return _CONTEXT.multiply(_CONTEXT.divide(value, step).to_integral_value(rounding=rounding), step)
