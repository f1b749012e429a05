"""Ours against theirs: what an account's own record says that our blotter does not know yet.

Pure. Its promises: (1) every difference is named once; (2) after the differences are applied, running it again on the
same read yields none but the look-ups of children still living; (3) an order without our tag is reported and never
touched; (4) nothing is concluded from an order *not* being listed: a living child is looked up instead.
"""

from dataclasses import dataclass

from router.model.ids import ClientOrderId
from router.model.orders import ChildState, VenueOrder, VenueTrade, booking_key
from router.model.outcomes import AccountRead
from router.orders.blotter import Blotter
from router.orders.client_ids import is_ours
from router.orders.records import Child

_MAY_BE_ALIVE = frozenset({ChildState.PENDING_NEW, ChildState.IN_DOUBT, ChildState.WORKING, ChildState.PENDING_CANCEL})


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """What has to be done about an account read.

    `fills`: trades of known children not booked yet. `revived`: open orders whose child had ended before they were
    asked for. `orphans`: open orders with our tag and no intent. `strangers`: other people's open orders. `alive`:
    living children that the list of open orders shows as what was sent. `to_look_up`: the account's other living ones.
    `unexplained`: trades of orders with our tag and no intent, one per order.
    """

    fills: tuple[tuple[ClientOrderId, VenueTrade], ...]
    revived: tuple[tuple[ClientOrderId, VenueOrder], ...]
    orphans: tuple[VenueOrder, ...]
    strangers: tuple[VenueOrder, ...]
    alive: tuple[tuple[ClientOrderId, VenueOrder], ...]
    to_look_up: tuple[ClientOrderId, ...]
    unexplained: tuple[VenueTrade, ...]


def reconcile(blotter: Blotter, read: AccountRead, deployment: str) -> Differences:
    """Compare one account's read with the blotter."""
    known = [
        (blotter.find(read.account, order.symbol, order.client_id, order.venue_order_id), order)
        for order in read.open_orders
    ]
    unknown = [order for child, order in known if child is None]
    alive = {child.order.client_id: order for child, order in known if child is not None and _shows(order, child)}
    living = [child.order.client_id for child in blotter.living() if child.order.account == read.account]
    return Differences(
        fills=_unbooked(blotter, read),
        revived=tuple(
            (child.order.client_id, order) for child, order in known if child is not None and _ended_before(child, read)
        ),
        orphans=tuple(order for order in unknown if is_ours(order.client_id, deployment)),
        strangers=tuple(order for order in unknown if not is_ours(order.client_id, deployment)),
        alive=tuple((client_id, alive[client_id]) for client_id in living if client_id in alive),
        to_look_up=tuple(client_id for client_id in living if client_id not in alive),
        unexplained=_unexplained(blotter, read, deployment),
    )


def _unbooked(blotter: Blotter, read: AccountRead) -> tuple[tuple[ClientOrderId, VenueTrade], ...]:
    """A list that repeats a trade repeats no fill."""
    found: dict[str, tuple[ClientOrderId, VenueTrade]] = {}
    for trade in read.trades:
        child = blotter.find(read.account, trade.symbol, trade.client_id, trade.venue_order_id)
        key = booking_key(trade)
        if child is not None and blotter.booked_to(key) is None:
            found.setdefault(key, (child.order.client_id, trade))
    return tuple(found.values())


def _unexplained(blotter: Blotter, read: AccountRead, deployment: str) -> tuple[VenueTrade, ...]:
    found = {
        trade.client_id: trade
        for trade in read.trades
        if is_ours(trade.client_id, deployment)
        and blotter.find(read.account, trade.symbol, trade.client_id, trade.venue_order_id) is None
    }
    return tuple(found.values())


def _ended_before(child: Child, read: AccountRead) -> bool:
    return child.state.ended and child.ended_ns is not None and child.ended_ns < read.asked_ns


def _shows(order: VenueOrder, child: Child) -> bool:
    """Is the row, beyond a name, the order that was sent, and is nothing executed that is not booked?

    Of a child that the venue said has ended, or of whom nobody knows, a list that may be older proves no life.
    """
    if child.state not in _MAY_BE_ALIVE:
        return False
    sent = child.order
    same = (order.symbol, order.side, order.quantity) == (sent.symbol, sent.side, sent.quantity)
    return same and not order.status.ended and order.executed <= child.filled
