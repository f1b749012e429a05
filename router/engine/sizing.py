"""From what an order asks for to base: how much of it a round may trade, on the market of that moment (D56).

An order may ask for an amount of money, or for base after fees. Its policy then works towards that amount, and what is
due of it is turned to base only where children are planned: by the books and fees of the view that is stored with the
round. No price is remembered.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from policies.consolidated import usable
from router.model import rounding
from router.model.instruments import Listing
from router.model.market import ListingView, MarketView
from router.model.money import ONE, ZERO, fraction_of_bps, ratio, roughly
from router.model.orders import ParentOrder, QuantityBasis
from router.model.side import Side
from router.model.terms import RiskLimits
from router.orders.records import Parent
from router.split.evaluate import levels_for
from router.split.plan import Cap

_FINEST = Decimal("1e-8")
_SMALLEST = Decimal("1e-12")
_FEE_BPS_MOST = Decimal(100)
"""A fee in base where no venue has told one yet."""
_DEEPER = 2
"""How much deeper than the mid says a look for an amount of money reaches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sized:
    """What a splitter is asked for what is due: at most `quantity` (base), within `caps`."""

    quantity: Decimal
    caps: tuple[Cap, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What a round was asked for: `base`, of which `residual` was not sent; `counted` in what its order counts."""

    base: Decimal
    residual: Decimal
    counted: Decimal | None = None


def accepted(order: ParentOrder, limits: RiskLimits, view: MarketView | None) -> ParentOrder:
    """The order with the most base it may ever trade: fixed here, and what every never-over check holds it to.

    Net of fees that is what the highest fee in base makes necessary; of an amount of money, the router's own limit.
    """
    if order.quantity_basis is QuantityBasis.GROSS:
        return order
    if order.quantity_basis.by_value:
        return replace(order, quantity=limits.parent_quantity_max)
    if order.side is Side.SELL:
        return replace(order, quantity=order.size)
    listings = [] if view is None else [one.listing for one in view.listings if order.may_use(one.listing.venue)]
    steps = [one.step for one in listings]
    least = min((unit(order, one) for one in listings), default=ONE - fraction_of_bps(_FEE_BPS_MOST))
    return replace(order, quantity=rounding.up(ratio(order.size, least), max(steps, default=_FINEST)))


def field(order: ParentOrder) -> str:
    """What the order's owner gave its size as."""
    return "quote_value" if order.quantity_basis.by_value else "base_quantity"


def worth(order: ParentOrder, price: Decimal | None) -> Decimal | None:
    """What it comes to in reporting currency at this price; None without one."""
    if order.quantity_basis.by_value:
        return order.size
    with roughly():
        return None if price is None else order.quantity * price


def as_counted(order: ParentOrder) -> ParentOrder:
    """The order as its policy works it: its quantity is what it asks for, in what it counts."""
    return order if order.asked is None else replace(order, quantity=order.size)


def unit(order: ParentOrder, listing: Listing) -> Decimal:
    """What a unit traded at this listing counts: of base, or of quote where money is counted; at the full fee."""
    tau, sign = fraction_of_bps(listing.taker_fee_bps), order.side.sign
    in_base = listing.fee_in_base(order.side)
    match order.quantity_basis:
        case QuantityBasis.NET if in_base:
            return ONE - sign * tau
        case QuantityBasis.VALUE_NET if not in_base:
            return ONE + sign * tau
        case _:
            return ONE


def counts(order: ParentOrder, book: ListingView, quantity: Decimal, limit: Decimal, rate: Decimal) -> Decimal | None:
    """What a child may come to of what its order asked for, a sale at the best bid; None where that is base.

    Rounded up as it is counted later (`router.orders.counting`): what risk lets pass is what the fold finds.
    """
    if order.quantity_basis is QuantityBasis.GROSS:
        return None
    each = unit(order, book.listing)
    if order.quantity_basis.by_value:
        each *= rate * (limit if order.side is Side.BUY else book.bids[0].price)
    return rounding.up(quantity * each, _SMALLEST)


def sized(order: ParentOrder, view: MarketView, due: Decimal, room: Decimal, base_max: Decimal | None = None) -> Sized:
    """What is due (in what the order counts) as a request to the splitter: never above `room`, its base still free."""
    if base_max is not None:
        room = min(room, base_max)
    if order.quantity_basis is QuantityBasis.GROSS:
        return Sized(quantity=min(due, room))
    listings = frozenset(one.listing.id for one in view.listings)
    weights = {one.listing.id: unit(order, one.listing) for one in view.listings}
    if order.quantity_basis.by_value:
        cap = Cap(name="quote_value", listings=listings, notional=due, weights=weights)
        return Sized(quantity=min(room, _bought(order, view, due)), caps=(cap,))
    if order.side is Side.SELL:
        return Sized(quantity=min(room, due), caps=(Cap(name="net", listings=listings, quantity=due, weights=weights),))
    step = min((one.listing.step for one in view.listings), default=_FINEST)
    cap = Cap(name="net", listings=listings, quantity=due + step - _SMALLEST, weights=weights)
    gross = rounding.up(ratio(due, min(weights.values(), default=ONE)), step)
    return Sized(quantity=min(room, gross), caps=(cap,))


def due_of(
    order: ParentOrder,
    lot: Decimal | None,
    due: Decimal,
    size: Sized,
    sent: Sequence[tuple[Decimal, Decimal | None]],
) -> Due:
    """For the record. Of money what is left under a lot's worth is no residual: no lot could be bought for it.

    `sent`: each child's quantity, and what it counts.
    """
    base = sum((quantity for quantity, _ in sent), ZERO)
    if order.asked is None:
        return Due(base=size.quantity, residual=size.quantity - base)
    left = due - sum((counted or ZERO for _, counted in sent), ZERO)
    each = max((ratio(counted or ZERO, quantity) for quantity, counted in sent), default=ZERO)
    with roughly():
        if sent and left < (lot or ZERO) * each:
            return Due(base=base, residual=ZERO, counted=due)
    return Due(base=size.quantity, residual=size.quantity - base, counted=due)


def buys_nothing(order: ParentOrder, book: ListingView, rate: Decimal | None, due: Decimal) -> bool:
    """Is this money less than the least the listing takes comes to at its best price? Not known is no."""
    levels = levels_for(book, order.side)
    if rate is None or not levels:
        return False
    listing, price = book.listing, levels[0].price
    least = max(listing.step, rounding.up(max(listing.min_quantity, ratio(listing.min_notional, price)), listing.step))
    come_to = counts(order, book, least, price, rate)
    return come_to is not None and come_to > due


def _bought(order: ParentOrder, view: MarketView, due: Decimal) -> Decimal:
    """As much base as the money is for at the cheapest level there is; all there is room for without any."""
    prices = [price for book, rate in usable(view, order.may_use) for price in _prices(order, book, rate)]
    return rounding.up(ratio(due, min(prices)), _FINEST) if prices else order.quantity


def _prices(order: ParentOrder, book: ListingView, rate: Decimal) -> Iterator[Decimal]:
    """The cheapest in reporting currency, as the order counts it."""
    levels = levels_for(book, order.side)
    if levels:
        with roughly():
            yield min(levels[0].price, levels[-1].price) * rate * unit(order, book.listing)


def depth(parent: Parent, due: Decimal) -> Decimal:
    """How deep a look has to reach for what is due, in base."""
    order = parent.order
    if order.quantity_basis is QuantityBasis.GROSS or due <= 0:
        return due
    if not order.quantity_basis.by_value:
        return min(order.quantity, due * _DEEPER)
    middle = None if parent.arrival is None else parent.arrival.mid
    if middle is None:
        return order.quantity
    return min(order.quantity, rounding.up(ratio(due * _DEEPER, middle), _FINEST))


def least_left(parent: Parent, newest: Decimal | None) -> Decimal:
    """What is left counts as nothing below this: what the least that a venue takes counts; 0 while it is not known.

    `newest`: what a unit of base of its newest child may count.
    """
    order, arrival = parent.order, parent.arrival
    if order.quantity_basis is QuantityBasis.GROSS or arrival is None or arrival.lot is None or newest is None:
        return ZERO
    if not order.quantity_basis.by_value:
        return arrival.lot
    least = arrival.lot if order.envelope.min_child_notional is not None else max(arrival.lot, arrival.slice_min)
    with roughly():
        return least * newest
