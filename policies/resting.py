"""What policies that rest have in common: where to stand, at which price, and what stands already."""

from collections.abc import Iterable
from decimal import Decimal

from policies.consolidated import other_side, usable
from router.model.market import Level, ListingView, MarketView
from router.model.money import ZERO, ratio, roughly
from router.model.orders import ParentOrder
from router.model.policies import RestVenue
from router.model.rounding import down, limit_price
from router.model.side import Side
from router.ports.policy import Progress, Quote, Resting


def standing(progress: Progress) -> tuple[Resting, ...]:
    """What rests and is not being withdrawn."""
    return tuple(one for one in progress.resting if not one.leaving)


def as_quotes(resting: Iterable[Resting]) -> tuple[Quote, ...]:
    """Leave these where they are."""
    return tuple(Quote(listing_id=one.listing_id, price=one.price, quantity=one.left) for one in resting)


def taking_out(progress: Progress) -> Decimal:
    """Quantity on its way that does not rest: a round that is out, or a child being withdrawn."""
    return progress.working - sum((one.left for one in standing(progress)), ZERO)


def own_side(book: ListingView, side: Side) -> tuple[Level, ...]:
    """The levels an order on `side` would stand among."""
    return book.bids if side is Side.BUY else book.asks


def passive(book: ListingView, side: Side, price: Decimal) -> Decimal:
    """`price` (quote) on the tick grid, and a tick short of the best price of the other side at least."""
    listing = book.listing
    on_grid = limit_price(side, price, listing.tick)
    against = other_side(book, side)
    if not against:
        return on_grid
    edge = against[0].price - side.sign * listing.tick
    return min(on_grid, edge) if side is Side.BUY else max(on_grid, edge)


def at_limit(book: ListingView, rate: Decimal, side: Side, limit: Decimal) -> Decimal:
    """A limit in reporting currency as a passive price of this book."""
    return passive(book, side, ratio(limit, rate))


def where_to_rest(
    view: MarketView, order: ParentOrder, quantity: Decimal, rule: RestVenue
) -> tuple[ListingView, Decimal] | None:
    """The book for `quantity` (base) to stand in, with its currency's mark: the best by the rule, the first of equals.

    One that takes so little, if there is any; one where somebody stands on the order's own side, if there is any.
    """
    books = [(book, rate) for book, rate in usable(view, order.may_use) if book.bids or book.asks]
    books = [one for one in books if takes(one[0], one[1], order, quantity)] or books
    books = [one for one in books if own_side(one[0], order.side)] or books
    if not books:
        return None
    if rule is RestVenue.SHORTEST_QUEUE:
        return min(books, key=lambda one: queue_ahead(one[0], order.side, _rests_at(one[0], one[1], order)))
    with roughly():
        return min(books, key=lambda one: -order.side.sign * _touch(one[0], order.side) * one[1])


def takes(book: ListingView, rate: Decimal, order: ParentOrder, quantity: Decimal) -> bool:
    """Is the quantity, on this book's step, at least what its venue takes at the price it would stand at?"""
    listing = book.listing
    quantity = down(quantity, listing.step)
    if quantity <= 0 or quantity < listing.min_quantity:
        return False
    return quantity * _rests_at(book, rate, order) >= listing.min_notional


def _rests_at(book: ListingView, rate: Decimal, order: ParentOrder) -> Decimal:
    """At its limit; without one at the touch."""
    if order.limit_price is not None:
        return at_limit(book, rate, order.side, order.limit_price)
    return passive(book, order.side, _touch(book, order.side))


def _touch(book: ListingView, side: Side) -> Decimal:
    """The best price of the own side; where nobody stands there, of the other."""
    return (own_side(book, side) or other_side(book, side))[0].price


def queue_ahead(book: ListingView, side: Side, price: Decimal) -> Decimal:
    """Base that stands at `price` (quote) or better on our side."""
    better = [level for level in own_side(book, side) if (level.price - price) * side.sign >= 0]
    return sum((level.size for level in better), ZERO)
