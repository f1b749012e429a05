"""What children count towards what their parent asked for: base, base with fees taken in it, or money.

By facts alone: an intent says what it may come to, a fill what it came to, and a child's value in reporting currency
goes by the mark it was sent under. Sums are rounded up: what is counted is never less than what was used.
"""

from decimal import Decimal

from router.model import rounding
from router.model.money import ZERO, ratio, roughly
from router.model.orders import ParentOrder, QuantityBasis
from router.orders.blotter import Blotter
from router.orders.records import Child, Parent

_FINEST = Decimal("1e-12")


def filled(order: ParentOrder, child: Child) -> Decimal:
    """What its fills count."""
    match order.quantity_basis:
        case QuantityBasis.GROSS:
            return child.filled
        case QuantityBasis.NET:
            return child.filled - order.side.sign * child.fee_base
        case QuantityBasis.VALUE:
            return _in_reporting(child, child.spent)
        case QuantityBasis.VALUE_NET:
            return _in_reporting(child, child.spent + order.side.sign * child.fee_quote)


def unsettled(order: ParentOrder, child: Child) -> Decimal:
    """What may still fill of it, at the most it may count; of an adopted child its worth at its limit."""
    if order.quantity_basis is QuantityBasis.GROSS or not child.unsettled:
        return child.unsettled
    whole = child.counts
    if whole is None:
        whole = child.notional if order.quantity_basis.by_value else child.order.quantity
    with roughly():
        return rounding.up(ratio(whole * child.unsettled, child.order.quantity), _FINEST)


def committed(blotter: Blotter, parent: Parent) -> Decimal:
    """Done, or possibly done, of what the parent asked for."""
    order, children = parent.order, tuple(blotter.children_of(parent))
    return sum((filled(order, one) + unsettled(order, one) for one in children), ZERO)


def _in_reporting(child: Child, amount: Decimal) -> Decimal:
    """An amount of the child's quote by the mark it was sent under."""
    if not amount:
        return ZERO
    with roughly():
        worth = amount * child.notional
        return rounding.up(ratio(worth, child.order.quantity * child.order.limit_price), _FINEST)
