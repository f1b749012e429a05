"""Splits by expected price, where the driver was started with a learned set of fill chances (D64)."""

from router.engine.state import State
from router.learn.landing import landed
from router.model.ids import VenueId
from router.model.orders import ChildState
from router.orders.records import Parent
from router.split.plan import SplitRequest

_CAME_BACK = frozenset({ChildState.CANCELLED, ChildState.EXPIRED})
"""How an order ends that the venue had, and of which something was not there."""


def expecting(state: State, parent: Parent, request: SplitRequest) -> SplitRequest:
    """The request with what of it is expected to be there; as it is where nothing learned is switched on."""
    chances = state.settings.fill_chances
    if chances is None:
        return request
    misses: dict[VenueId, int] = {}
    for child in state.blotter.children_of(parent):
        if child.state in _CAME_BACK and child.filled < child.order.quantity:
            misses[child.order.venue] = misses.get(child.order.venue, 0) + 1
    return landed(request, chances, misses)


def version_of(state: State) -> str | None:
    """Of the set in use."""
    chances = state.settings.fill_chances
    return None if chances is None else chances.version
