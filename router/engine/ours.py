"""The market without our own orders: nobody follows its own price, and no order of ours takes another one of ours."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from router.engine.state import State
from router.model.ids import ListingId
from router.model.market import Level, ListingView, MarketView
from router.model.money import ZERO
from router.model.orders import ChildState
from router.model.side import Side
from router.orders.records import Child

_SHOWN = frozenset({ChildState.WORKING, ChildState.PENDING_CANCEL})


def as_others_stand(state: State, view: MarketView, side: Side) -> MarketView:
    """The view less what of ours stands on `side`: what a price that follows the market follows. The same without any.

    A book may not show yet what was just placed, and then somebody else's size is taken off: too little is never ours.
    """
    standing = [child for child in _resting(state, side) if child.state in _SHOWN]
    if not standing:
        return view
    ours: dict[ListingId, dict[Decimal, Decimal]] = defaultdict(dict)
    for child in standing:
        at, price = ours[child.order.listing_id], child.order.limit_price
        at[price] = at.get(price, ZERO) + child.unsettled
    return replace(view, listings=tuple(_less(book, side, ours.get(book.listing.id, {})) for book in view.listings))


def not_ours_to_take(state: State, view: MarketView, side: Side) -> MarketView:
    """The view as far as an order on `side` reaches before it would meet one of ours. The same where none rests."""
    edges: dict[ListingId, Decimal] = {}
    for child in _resting(state, side.other):
        price, known = child.order.limit_price, edges.get(child.order.listing_id)
        if known is None or (known - price) * side.sign > 0:
            edges[child.order.listing_id] = price
    if not edges:
        return view
    return replace(view, listings=tuple(_short_of(book, side, edges.get(book.listing.id)) for book in view.listings))


def would_meet(state: State, side: Side, listing_id: ListingId, price: Decimal) -> bool:
    """Could an order that rests there trade with one of ours on the other side, also with one that is on its way?

    One that only takes, and waits for a person, is never sent again.
    """
    return any(
        child.order.listing_id == listing_id
        and child.order.side is side.other
        and (child.rests or child.state is not ChildState.QUARANTINED)
        and (price - child.order.limit_price) * side.sign >= 0
        for child in state.blotter.living()
    )


def _resting(state: State, side: Side) -> Iterable[Child]:
    return [child for child in state.blotter.living() if child.rests and child.order.side is side]


def _less(book: ListingView, side: Side, ours: dict[Decimal, Decimal]) -> ListingView:
    levels = [
        Level(level.price, level.size - ours.get(level.price, ZERO))
        for level in (book.bids if side is Side.BUY else book.asks)
    ]
    left = tuple(level for level in levels if level.size > 0)
    return replace(book, bids=left) if side is Side.BUY else replace(book, asks=left)


def _short_of(book: ListingView, side: Side, edge: Decimal | None) -> ListingView:
    if edge is None:
        return book
    levels = book.asks if side is Side.BUY else book.bids
    left = tuple(level for level in levels if (edge - level.price) * side.sign > 0)
    return replace(book, asks=left) if side is Side.BUY else replace(book, bids=left)
