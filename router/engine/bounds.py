"""The market as one parent may use it: its own bounds on a child's size and worth, and on what a venue may get."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from router.engine.sizing import unit
from router.model.ids import ListingId, VenueId
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, ratio
from router.model.orders import ParentOrder
from router.model.rounding import down
from router.split.plan import Cap


def bounded(order: ParentOrder, view: MarketView) -> MarketView:
    """The view under the order's own rules for a child. The same object where it has none."""
    if order.envelope.max_child_quantity is None and order.envelope.min_child_notional is None:
        return view
    return replace(view, listings=tuple(_bounded(order, view, book) for book in view.listings))


def _bounded(order: ParentOrder, view: MarketView, book: ListingView) -> ListingView:
    listing, most, least = book.listing, order.envelope.max_child_quantity, order.envelope.min_child_notional
    if most is not None:
        most = down(most, listing.step)
        listing = replace(
            listing, max_quantity=most if listing.max_quantity is None else min(most, listing.max_quantity)
        )
    if least is not None and (rate := view.fx_rate(listing.quote)) is not None:
        listing = replace(listing, min_notional=max(listing.min_notional, ratio(least, rate)))
    return replace(book, listing=listing)


def venue_caps(order: ParentOrder, view: MarketView, got: Mapping[VenueId, Decimal]) -> tuple[Cap, ...]:
    """What each venue may still get of the order, all its listings together; it has `got` so much of it already.

    In base, or in money where the order asks for that.
    """
    share = order.envelope.max_share_per_venue
    if share is None:
        return ()
    listings: dict[VenueId, set[ListingId]] = defaultdict(set)
    for book in view.listings:
        listings[book.listing.venue].add(book.listing.id)
    most, by_value = order.size * share, order.quantity_basis.by_value
    caps = []
    for venue, ids in sorted(listings.items()):
        left = max(most - got.get(venue, ZERO), ZERO)
        weights = {one.listing.id: unit(order, one.listing) for one in view.listings if one.listing.id in ids}
        caps.append(
            Cap(
                name=f"max_share_per_venue at {venue}",
                listings=frozenset(ids),
                quantity=None if by_value else left,
                notional=left if by_value else None,
                weights=weights,
            )
        )
    return tuple(caps)
