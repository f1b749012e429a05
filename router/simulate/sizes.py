"""What an order's children used up of what it asked for, by the venues' own records. Knows no engine's sums.

Every book here is in dollars, so that money is quote as it is.
"""

from collections.abc import Iterable
from decimal import Decimal

from connectors.lab.core.records import OrderRecord
from router.model.money import ZERO, roughly
from router.model.orders import ParentOrder, ParentState, QuantityBasis
from router.model.side import Side

_DEAREST = Decimal(100_000)
"""More than a coin ever costs here."""
_LEAST = Decimal("0.0003")
"""More than the least that any venue here takes at any price."""


def used(order: ParentOrder, records: Iterable[OrderRecord]) -> Decimal:
    """Of what it asked for: done, and what may still be done at the children's limits.

    A sale counts at its limit even when it is done: a price that rose while it was on its way is nobody's promise.
    """
    return sum((_used(order, one, at_limit=order.side is Side.SELL) for one in records), ZERO)


def _used(order: ParentOrder, record: OrderRecord, *, at_limit: bool) -> Decimal:
    left = ZERO if record.status.ended else record.remaining
    sign, price = order.side.sign, record.limit_price
    assert price is not None
    cost = record.executed * price if at_limit else record.cost
    match order.quantity_basis:
        case QuantityBasis.GROSS:
            return record.executed + left
        case QuantityBasis.NET:
            return record.executed - sign * record.fees.get("BTC", ZERO) + (left if order.side is Side.SELL else ZERO)
        case QuantityBasis.VALUE:
            return cost + left * price
        case QuantityBasis.VALUE_NET:
            return cost + sign * record.fees.get("USD", ZERO) + left * price * (1 if order.side is Side.BUY else 0)


def slack(order: ParentOrder) -> Decimal:
    """By how much it may be over: what a buyer receives net, by less than a lot."""
    return Decimal("0.0001") if order.quantity_basis is QuantityBasis.NET and order.side is Side.BUY else ZERO


def small(order: ParentOrder, base: Decimal) -> Decimal:
    """A little base in what the order counts, at the dearest."""
    with roughly():
        return base * _DEAREST if order.quantity_basis.by_value else base


def ended_wrongly(
    order: ParentOrder, state: ParentState, filled: Decimal, records: Iterable[OrderRecord]
) -> str | None:
    """FILLED means all of it by its end, or of money and net base all but what no venue takes; and the reverse."""
    if order.asked is None:
        whole = filled == order.quantity
        return None if (state is ParentState.FILLED) == whole else f"is {state} with {filled} filled"
    left = order.size - sum((_used(order, one, at_limit=False) for one in records), ZERO)
    if state is ParentState.FILLED and left > small(order, _LEAST):
        return f"is {state} with {left} of {order.size} left"
    return None
