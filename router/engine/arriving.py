"""The market a parent comes into: what it is measured from, what it can be cut into, and if that works at all."""

from decimal import Decimal

from policies.consolidated import mid, usable
from policies.slices import number_of_slices
from router.engine.draft import Draft
from router.model import facts as f
from router.model.ids import Nanos
from router.model.instruments import Listing
from router.model.market import MarketView
from router.model.money import ONE, ZERO, plain, ratio, roughly
from router.model.orders import ParentOrder
from router.model.policies import (
    IcebergParams,
    IsParams,
    PassiveThenSweepParams,
    Slicing,
    TwapParams,
    VwapParams,
    rests,
)
from router.model.rounding import down, up
from router.orders.records import Parent

_MARGIN = Decimal("1.05")
"""A venue's minimum in value is met at a price that has fallen by so much too."""
_S = 1_000_000_000


def arrive(draft: Draft, parent: Parent, view: MarketView | None) -> None:
    """Write the market down, once, when there is one."""
    if parent.arrival is not None or view is None:
        return
    smallest, lot = smallest_slice(view, parent.order)
    middle = mid(view, parent.order.may_use)
    if middle is None or smallest is None:
        return  # the next look tells
    draft.note(f.ArrivalSeen(parent_id=parent.order.id, mid=middle, lot=lot, slice_min=smallest, at_ns=draft.now_ns))


def smallest_slice(view: MarketView, order: ParentOrder) -> tuple[Decimal | None, Decimal | None]:
    """The smallest quantity that a listing the order may use takes now, and the finest step of them all (base)."""
    smallest: list[Decimal] = []
    lots: list[Decimal] = []
    for book, rate in usable(view, order.may_use):
        prices = [side[0].price for side in (book.bids, book.asks) if side]
        if not prices:
            continue
        if rests(order.params) and order.limit_price is not None:
            prices.append(ratio(order.limit_price, rate))  # where it stands, its minimum in value is met at its limit
        wanted = order.envelope.min_child_notional
        notional = max(book.listing.min_notional, ZERO if wanted is None else ratio(wanted, rate))
        smallest.append(_smallest(book.listing, notional, min(prices)))
        lots.append(book.listing.step)
    return min(smallest, default=None), min(lots, default=None)


def _smallest(listing: Listing, notional: Decimal, price: Decimal) -> Decimal:
    with roughly():
        worth = ratio(notional * _MARGIN, price)
    return max(up(worth, listing.step), up(listing.min_quantity, listing.step), listing.step)


def infeasible(order: ParentOrder, now_ns: Nanos, view: MarketView | None) -> str | None:
    """Why an order can never be worked as it asks, with the nearest that can; None when it can, or nobody knows yet."""
    ends_ns = order.envelope.ends_ns(now_ns)
    if ends_ns is not None and ends_ns <= order.envelope.starts_ns(now_ns):
        return "end_time: is over already"
    smallest = None if view is None else smallest_slice(view, order)[0]
    whole = None if view is None else _whole(order, view)
    if smallest is None or whole is None:
        return None
    if order.envelope.max_child_quantity is not None and order.envelope.max_child_quantity < smallest:
        return f"max_child_quantity: no venue here takes less than {plain(smallest)}"
    if (why := _too_dear(order, view)) is not None:
        return why
    if (pct := order.envelope.pilot_pct) is not None:
        with roughly():
            if whole * pct / 100 < smallest:
                least = -(-smallest * 100 // whole) if whole else ZERO
                return f"pilot_pct: {least} is the least: no venue here takes less than {plain(smallest)}"
    match order.params:
        case TwapParams() | PassiveThenSweepParams():
            return _thin_slices(order, whole, order.params.slicing, now_ns, ends_ns, smallest)
        case VwapParams() | IsParams():
            return _too_small(order, whole, smallest)
        case IcebergParams(display_quantity=shown) if shown < smallest:
            return f"params.display_quantity: no venue here takes less than {plain(smallest)}"
        case _:
            return None


def _too_dear(order: ParentOrder, view: MarketView | None) -> str | None:
    """Does every listing it may use charge more for taking than it allows?"""
    most = order.envelope.max_fee_bps
    if most is None or view is None:
        return None
    fees = [one.listing.taker_fee_bps for one in view.listings if order.may_use(one.listing.venue)]
    least = min(fees, default=most)
    return None if least <= most else f"max_fee_bps: {plain(least)} is the least that is charged here"


def _whole(order: ParentOrder, view: MarketView) -> Decimal | None:
    """About how much base the order comes to on this market; None where that is not known."""
    if not order.quantity_basis.by_value:
        return order.size
    middle = mid(view, order.may_use)
    return None if middle is None else down(ratio(order.size, middle), Decimal("1e-12"))


def _too_small(order: ParentOrder, whole: Decimal, smallest: Decimal) -> str | None:
    if whole >= smallest:
        return None
    if not order.quantity_basis.by_value:
        return f"base_quantity: no venue here takes less than {plain(smallest)}"
    with roughly():
        least = up(order.size * ratio(smallest, whole), Decimal("0.01")) if whole else ZERO
    return f"quote_value: no venue here takes less than {plain(least)}"


def _thin_slices(
    order: ParentOrder, whole: Decimal, slicing: Slicing, now_ns: Nanos, ends_ns: Nanos | None, smallest: Decimal
) -> str | None:
    """Are slices of equal size, by chance a bit smaller, below what any venue takes?"""
    assert ends_ns is not None
    starts_ns = order.envelope.starts_ns(now_ns)
    count = number_of_slices(slicing, starts_ns, ends_ns)
    chance = order.envelope.randomize
    with roughly():
        least = ONE - Decimal(0 if chance is None else chance.size_pct) / 100
        most = int(ratio(whole * least, smallest))
        thin = down(ratio(whole * least, Decimal(count)), Decimal("1e-12"))
    if count <= most:
        return None
    if most == 0:
        return _too_small(order, whole, smallest) or "randomize.size_pct: makes slices too small for any venue here"
    if slicing.slice_ms is None:
        advice = f"params.slices: {most} is the most"
    else:
        advice = f"params.slice_interval: {-(-(ends_ns - starts_ns) // (most * _S))}s is the least"
    return f"{advice}: slices may be of {plain(thin)}, and no venue here takes less than {plain(smallest)}"
