"""How much an order asked for, in base, where it asked for something else: an amount of money, or base after fees."""

from collections.abc import Sequence
from decimal import Decimal

from router.model import rounding
from router.model.money import ZERO, exactly, ratio
from router.model.orders import ParentOrder, ParentState
from router.tca.record import FillSeen

_FINEST = Decimal("1e-8")


def size_of(order: ParentOrder, state: ParentState, fills: Sequence[FillSeen], arrival_mid: Decimal | None) -> Decimal:
    """Its quantity. For money: what was done, and what is left as much as it was worth at arrival."""
    if order.asked is None:
        return order.quantity
    with exactly():
        done = sum((one.quantity for one in fills), ZERO)
        paid = sum((one.quantity * one.price for one in fills), ZERO)
    if state is ParentState.FILLED:
        return done
    if not order.quantity_basis.by_value:
        return max(order.asked, done)
    if not arrival_mid:
        return done or order.quantity
    return done + rounding.down(ratio(max(order.asked - paid, ZERO), arrival_mid), _FINEST)
