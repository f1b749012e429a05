"""What the splitter is asked for one order on one market: by a round of it, and by an estimate before it is sent."""

from collections.abc import Mapping
from decimal import Decimal

from policies.envelope import stricter
from router.book.collar import collar_prices, outliers
from router.engine.bounds import bounded, venue_caps
from router.engine.sizing import Sized
from router.model.ids import ListingId, VenueId
from router.model.market import MarketView
from router.model.money import plain
from router.model.orders import ParentOrder
from router.model.terms import RiskLimits
from router.ports.policy import Target
from router.split.plan import Spendable, SplitOptions, SplitRequest

ORDERS_EACH_MAX = 4
"""How many orders one round may send to a listing whose largest order binds."""
_NOTHING_YET: Mapping[VenueId, Decimal] = {}
_NOTHING_BLOCKED: Mapping[ListingId, str] = {}


def split_request(
    order: ParentOrder,
    view: MarketView,
    size: Sized,
    target: Target,
    limits: RiskLimits,
    *,
    spendable: Spendable | None,
    living: int = 0,
    blocked: Mapping[ListingId, str] = _NOTHING_BLOCKED,
    got: Mapping[VenueId, Decimal] = _NOTHING_YET,
) -> SplitRequest:
    """Divide a size within the order's own bounds, its policy's, and the router's.

    `living`: how many children it has that have not ended; `got`: what each venue has of it (base); `blocked`: listings
    that get nothing for a reason beside the market's.
    """
    collars = collar_prices(view, order.side, limits.collar_bps)
    return SplitRequest(
        view=bounded(order, view),
        side=order.side,
        quantity=size.quantity,
        limit_price=stricter(order.side, order.limit_price, target.limit_price),
        all_in_limit_price=order.envelope.all_in_limit_price,
        collar_prices=collars,
        spendable=spendable,
        venues_include=order.venues_include,
        venues_exclude=order.venues_exclude,
        blocked={**_dear(order, view), **outliers(view, limits.collar_bps), **blocked}
        if collars
        else _all_blocked(view),
        caps=(*size.caps, *venue_caps(order, view, got)),
        options=SplitOptions(
            child_notional_max=limits.child_notional_max,
            children_max=places_left(order, target, living),
            orders_each_max=ORDERS_EACH_MAX,
        ),
    )


def places_left(order: ParentOrder, target: Target, living: int) -> int | None:
    """How many more children it may have now, with so many that have not ended; None is no bound."""
    most = order.envelope.max_children_outstanding
    if most is None:
        return target.listings_max
    left = max(most - living, 0)
    return left if target.listings_max is None else min(left, target.listings_max)


def _dear(order: ParentOrder, view: MarketView) -> dict[ListingId, str]:
    """Listings that charge more for taking than the order lets them, without a token's discount."""
    most = order.envelope.max_fee_bps
    if most is None:
        return {}
    fees = {one.listing.id: one.listing.taker_fee_bps for one in view.listings}
    return {one: f"charges {plain(fee)} bp, above max_fee_bps {plain(most)}" for one, fee in fees.items() if fee > most}


def _all_blocked(view: MarketView) -> dict[ListingId, str]:
    return {book.listing.id: "no mid anywhere to hold its price against" for book in view.listings}
