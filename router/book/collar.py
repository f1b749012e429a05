"""How far from the market a child may be limited, measured so that no single venue's book decides it.

The reference is the median of the listings' own mids, after FX: with three venues one odd quote does not move it. A
child is held against the reference or its own listing's mid, whichever is stricter. A listing whose mid is itself a
collar's width away from the others stands aside.
"""

from decimal import Decimal

from router.book.consolidated import usable
from router.model.ids import ListingId
from router.model.market import MarketView
from router.model.money import ONE, bps_of, exactly, fraction_of_bps
from router.model.side import Side

_HALF = Decimal("0.5")
_SOURCES_TO_JUDGE = 3


def mids(view: MarketView) -> dict[ListingId, Decimal]:
    """The mid of every usable listing with two sides, in reporting currency."""
    with exactly():
        return {
            one.listing.id: (one.bids[0].price + one.asks[0].price) * _HALF * rate
            for one, rate in usable(view)
            if one.bids and one.asks
        }


def reference_mid(view: MarketView) -> Decimal | None:
    """The median of the listings' mids: one venue's odd quote does not move it once there are three of them."""
    ranked = sorted(mids(view).values())
    if not ranked:
        return None
    middle = len(ranked) // 2
    with exactly():
        return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) * _HALF


def collar_prices(view: MarketView, side: Side, collar_bps: Decimal) -> dict[ListingId, Decimal]:
    """The worst raw price of a child at each listing, in reporting currency; empty when there is no mid at all."""
    reference, own = reference_mid(view), mids(view)
    if reference is None:
        return {}
    stricter = min if side is Side.BUY else max
    with exactly():
        factor = ONE + side.sign * fraction_of_bps(collar_bps)
        return {
            book.listing.id: stricter(reference, own.get(book.listing.id, reference)) * factor for book in view.listings
        }


def outliers(view: MarketView, collar_bps: Decimal) -> dict[ListingId, str]:
    """Listings whose mid is a collar's width from the median of at least three, and how far."""
    reference, own = reference_mid(view), mids(view)
    if reference is None or len(own) < _SOURCES_TO_JUDGE:
        return {}
    with exactly():
        away = {listing: abs(bps_of(mid - reference, reference)) for listing, mid in own.items()}
    return {
        listing: f"its mid is {bps:.0f} bps from the other venues'" for listing, bps in away.items() if bps > collar_bps
    }
