"""Which trades a child that cannot be found may have made: the others need no explanation, and no call to get one."""

from router.model.orders import ChildOrder, VenueTrade
from router.model.side import Side


def could_be(child: ChildOrder, trade: VenueTrade) -> bool:
    """On its side, within its limit, of no more than its quantity."""
    within = trade.price <= child.limit_price if child.side is Side.BUY else trade.price >= child.limit_price
    return trade.side is child.side and within and trade.quantity <= child.quantity
