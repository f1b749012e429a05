"""What of a market's listings a parent may use now: accounts, pauses, refusals; what may be spent; who has what."""

from decimal import Decimal

from router.engine.state import State
from router.model.ids import AccountId, Asset, ListingId, Nanos, VenueId
from router.model.market import ListingView, MarketView
from router.model.side import Side
from router.orders import counting
from router.orders.records import Parent

_BOUNCE_WAIT_NS = 250_000_000
_DOUBLINGS_MAX = 7
REFUSALS_MAX = 3
"""After so many refusals in a row a listing gets nothing more of a parent."""


def got(state: State, parent: Parent) -> dict[VenueId, Decimal]:
    """How much of the parent each venue has, done or out, in what its order counts."""
    found: dict[VenueId, Decimal] = {}
    for child in state.blotter.children_of(parent):
        used = counting.filled(parent.order, child) + counting.unsettled(parent.order, child)
        found[child.order.venue] = found.get(child.order.venue, Decimal(0)) + used
    return found


def spendable(state: State, view: MarketView, side: Side) -> dict[tuple[AccountId, Asset], Decimal]:
    """What each account of the market may spend of the asset that an order on `side` gives."""
    assets = {
        (book.listing.account, book.listing.quote if side is Side.BUY else book.listing.base) for book in view.listings
    }
    return {(account, asset): state.available(account, asset) for account, asset in sorted(assets)}


def blocked(state: State, parent: Parent, view: MarketView, now_ns: Nanos) -> dict[ListingId, str]:
    """Listings that must get nothing now, and why."""
    reasons = ((book.listing.id, _block(state, parent, book, now_ns)) for book in view.listings)
    return {listing: reason for listing, reason in reasons if reason is not None}


def _block(state: State, parent: Parent, book: ListingView, now_ns: Nanos) -> str | None:
    account = book.listing.account
    terms = state.terms(account)
    if terms is None:
        return "account is not configured"
    if not state.gate_open(account):
        gate = state.gates.get(account)
        return f"account is shut: {'unknown' if gate is None else gate.reason}"
    if state.pauses.get(account, 0) > now_ns:
        return "account is paused"
    if terms.outstanding_max is not None and state.blotter.outstanding(account) >= terms.outstanding_max:
        return f"account has {terms.outstanding_max} outstanding child(ren), its most"
    if parent.refusals.get(book.listing.id, 0) >= REFUSALS_MAX:
        return f"refused {REFUSALS_MAX} times in a row"
    return None


def bouncing(parent: Parent, listing_id: ListingId, now_ns: Nanos) -> str | None:
    """Why nothing of the parent may be quoted there yet: what was last quoted there was not let stand.

    A post-only order is refused when the market has moved on its way. That is nobody's fault and says nothing about
    the next one, so it is tried again on a new view, after a wait that doubles with each in a row.
    """
    times = parent.bounces.get(listing_id, 0)
    if not times:
        return None
    over_ns = parent.bounced_ns.get(listing_id, 0) + (_BOUNCE_WAIT_NS << min(times - 1, _DOUBLINGS_MAX))
    return f"was not let stand there {times} time(s) in a row" if now_ns < over_ns else None
