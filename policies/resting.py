"""What policies that rest have in common: where to stand, at which price, and what stands already."""

from collections.abc import Iterable
from decimal import Decimal

from policies.consolidated import usable
from router.model.market import Level, ListingView, MarketView
from router.model.money import ZERO, ratio, roughly
from router.model.orders import ParentOrder
from router.model.policies import RestVenue
from router.model.rounding import limit_price
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


def other_side(book: ListingView, side: Side) -> tuple[Level, ...]:
    """The levels it would trade with."""
    return book.asks if side is Side.BUY else book.bids


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
    view: MarketView, order: ParentOrder, limit: Decimal, rule: RestVenue
) -> tuple[ListingView, Decimal] | None:
    """The book to stand in, with its currency's mark: the best one by the rule, the first of equals."""
    books = [(book, rate) for book, rate in usable(view, order.may_use) if own_side(book, order.side)]
    if not books:
        return None
    if rule is RestVenue.SHORTEST_QUEUE:
        return min(books, key=lambda one: queue_ahead(one[0], order.side, at_limit(one[0], one[1], order.side, limit)))
    with roughly():
        return min(books, key=lambda one: -order.side.sign * own_side(one[0], order.side)[0].price * one[1])


def queue_ahead(book: ListingView, side: Side, price: Decimal) -> Decimal:
    """Base that stands at `price` (quote) or better on our side."""
    better = [level for level in own_side(book, side) if (level.price - price) * side.sign >= 0]
    return sum((level.size for level in better), ZERO)
