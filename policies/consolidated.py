"""What a policy reads off all books together: best prices, mid, depth and slope, in reporting currency."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from router.model.ids import VenueId
from router.model.market import Level, ListingView, MarketView
from router.model.money import ZERO, ratio, roughly
from router.model.side import Side
from router.ports.policy import Progress

_HALF = Decimal("0.5")
May = Callable[[VenueId], bool]


def anywhere(venue: VenueId) -> bool:  # noqa: ARG001 - any
    """Every venue may be used."""
    return True


def usable(view: MarketView, may_use: May = anywhere) -> Iterator[tuple[ListingView, Decimal]]:
    """Books that may be traded on and have a mark for their currency, with that mark."""
    for book in view.listings:
        rate = view.fx_rate(book.listing.quote)
        if book.unusable is None and rate is not None and may_use(book.listing.venue):
            yield book, rate


def best(view: MarketView, side: Side, may_use: May = anywhere) -> Decimal | None:
    """The best price an order on `side` would take; None without one."""
    with roughly():
        prices = [
            other_side(book, side)[0].price * rate for book, rate in usable(view, may_use) if other_side(book, side)
        ]
    if not prices:
        return None
    return min(prices) if side is Side.BUY else max(prices)


def mids(view: MarketView, may_use: May = anywhere) -> list[Decimal]:
    """The mid of every book with two sides, lowest first."""
    with roughly():
        both = [(book, rate) for book, rate in usable(view, may_use) if book.bids and book.asks]
        return sorted((book.bids[0].price + book.asks[0].price) * _HALF * rate for book, rate in both)


def mid(view: MarketView, may_use: May = anywhere) -> Decimal | None:
    """The median of the books' own mids: one odd quote does not move it once there are three. None without one."""
    ranked = mids(view, may_use)
    if not ranked:
        return None
    middle = len(ranked) // 2
    with roughly():
        return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) * _HALF


def counted(progress: Progress, base: Decimal, view: MarketView) -> Decimal:
    """So much base in what the order counts: itself, or what it is worth at the mid; without any mid, nothing."""
    if not progress.order.quantity_basis.by_value:
        return base
    middle = mid(view, progress.order.may_use)
    with roughly():
        return ZERO if middle is None else base * middle


def depth(view: MarketView, side: Side, limit_price: Decimal | None, may_use: May = anywhere) -> Decimal:
    """Base that an order on `side` could take at `limit_price` or better."""
    return sum((size for _, size in _levels(view, side, limit_price, may_use)), ZERO)


def book_slope(view: MarketView, side: Side, may_use: May = anywhere) -> Decimal | None:
    """How much the average price worsens per unit taken: a line through the best price, fitted to all levels shown.

    None where less than two levels are shown, or they do not worsen.
    """
    levels = sorted(_levels(view, side, None, may_use), reverse=side is Side.SELL)
    if not levels:
        return None
    with roughly():
        touch, taken, paid, over, under = levels[0][0], ZERO, ZERO, ZERO, ZERO
        for price, size in levels:
            taken, paid = taken + size, paid + abs(price - touch) * size
            over, under = over + paid, under + taken * taken
        return ratio(over, under) if over > 0 else None


def _levels(view: MarketView, side: Side, limit: Decimal | None, may_use: May) -> list[tuple[Decimal, Decimal]]:
    with roughly():
        books = usable(view, may_use)
        found = [(level.price * rate, level.size) for book, rate in books for level in other_side(book, side)]
    return [one for one in found if limit is None or _within(one[0], limit, side)]


def _within(price: Decimal, limit: Decimal, side: Side) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


def other_side(book: ListingView, side: Side) -> tuple[Level, ...]:
    """The levels an order on `side` would trade with."""
    return book.asks if side is Side.BUY else book.bids
