"""What of a parent stands in books: as its policy is told of it, and how it is taken off.

A quantity is withdrawn before it goes anywhere else, and it is counted as out until the venue's own record shows that
it has gone: a cancel that was sent, or acknowledged, is no such record. So no quantity ever stands twice.
"""

from collections.abc import Collection

from router.engine import children
from router.engine.draft import Draft
from router.engine.state import State
from router.model.ids import ClientOrderId, Nanos
from router.model.orders import ChildState
from router.orders.records import Child, Parent
from router.ports.policy import Quote, Resting

_IN_A_BOOK = frozenset({ChildState.WORKING, ChildState.PENDING_CANCEL})


def resting_of(state: State, parent: Parent) -> tuple[Resting, ...]:
    """Its children that stand in a book as far as we know, oldest first."""
    return tuple(_resting(child) for child in state.blotter.children_of(parent) if _stands(child))


def last_rested(state: State, parent: Parent) -> Resting | None:
    """The newest of its children that was sent to rest."""
    sent = [child for child in state.blotter.children_of(parent) if child.rests]
    return _resting(sent[-1]) if sent else None


def on_its_way(state: State, parent: Parent) -> bool:
    """Is a child of it sent and not known to be taken yet, or being withdrawn?"""
    return any(
        child.state in (ChildState.PENDING_NEW, ChildState.PENDING_CANCEL)
        for child in state.blotter.children_of(parent)
    )


def withdraw(draft: Draft, parent: Parent, keep: Collection[ClientOrderId] = ()) -> bool:
    """Ask the venues to take off whatever of it stands and is not to be kept. Was there anything?"""
    going = [
        child
        for child in draft.state.blotter.children_of(parent)
        if child.rests and child.state is ChildState.WORKING and child.order.client_id not in keep
    ]
    for child in going:
        children.cancel(draft, child)
    return bool(going)


def withdraw_outdated(draft: Draft, parent: Parent) -> None:
    """What was on its way when its terms were amended goes as soon as it is known to stand."""
    children_of = draft.state.blotter.children_of(parent)
    withdraw(draft, parent, [one.order.client_id for one in children_of if one.order.number >= parent.amended_from])


def kept(resting: Collection[Resting], quotes: Collection[Quote]) -> dict[ClientOrderId, Quote]:
    """Which of what stands is what should stand, one order for one quote: the same place, price and quantity."""
    found: dict[ClientOrderId, Quote] = {}
    left = list(quotes)
    for one in resting:
        quote = next((quote for quote in left if _same(one, quote)), None)
        if quote is not None and not one.leaving:
            left.remove(quote)
            found[one.client_id] = quote
    return found


def _same(one: Resting, quote: Quote) -> bool:
    return (one.listing_id, one.price, one.left) == (quote.listing_id, quote.price, quote.quantity)


def _stands(child: Child) -> bool:
    return child.rests and child.state in _IN_A_BOOK


def _resting(child: Child) -> Resting:
    order = child.order
    return Resting(
        client_id=order.client_id,
        listing_id=order.listing_id,
        price=order.limit_price,
        left=child.unsettled,
        since_ns=Nanos(order.decided_at_ns),
        leaving=child.state is ChildState.PENDING_CANCEL,
    )
