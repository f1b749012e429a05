"""The checks every child passes, on by default. Each is one reason to refuse, or None."""

from router.model.orders import ChildOrder, QuantityBasis
from router.model.rounding import on_grid
from router.model.side import Side
from router.risk.review import Check, RiskView

_MS = 1_000_000


def not_halted(order: ChildOrder, view: RiskView) -> str | None:  # noqa: ARG001 - one signature for all checks
    """A halt stops every new child."""
    return "halted" if view.halted else None


def gate_open(order: ChildOrder, view: RiskView) -> str | None:
    """An account is traded on only after it was read and reconciled."""
    return None if view.gate_open else f"{order.account} is not open"


def never_over(order: ChildOrder, view: RiskView) -> str | None:
    """I1: done plus all that may still trade never exceeds the parent."""
    if view.exposure + order.quantity > view.parent.quantity:
        return f"would expose {view.exposure + order.quantity} of a parent of {view.parent.quantity}"
    return None


def never_over_size(order: ChildOrder, view: RiskView) -> str | None:
    """I1 in what the parent asked for. What a buyer receives net may be over by less than a lot."""
    if view.counts is None:
        return None
    total, parent = view.counted + view.counts, view.parent
    if parent.quantity_basis is QuantityBasis.NET and order.side is Side.BUY:
        total -= view.listing.step
        over = total >= parent.size
    else:
        over = total > parent.size
    return f"would come to {total} of the {parent.size} asked for" if over else None


def within_limit(order: ChildOrder, view: RiskView) -> str | None:
    """Never beyond the parent's limit, in reporting currency."""
    limit = view.parent.limit_price
    if limit is None:
        return None
    price = order.limit_price * view.fx_rate
    worse = price > limit if order.side is Side.BUY else price < limit
    return f"limit {price} is beyond the parent's {limit}" if worse else None


def within_collar(order: ChildOrder, view: RiskView) -> str | None:
    """A child's limit stays near the market, whatever one venue's book says."""
    price = order.limit_price * view.fx_rate
    if (price - view.collar_price) * order.side.sign > 0:
        return f"limit {price} is beyond the collar {view.collar_price}"
    return None


def book_fresh(order: ChildOrder, view: RiskView) -> str | None:  # noqa: ARG001 - one signature for all checks
    """No decision on a book that is old or known to be wrong."""
    if view.book.unusable is not None:
        return f"book unusable: {view.book.unusable}"
    if view.book.book_age_ns > view.limits.book_age_ms_max * _MS:
        return f"book is {view.book.book_age_ns // _MS} ms old"
    return None


def venue_rules(order: ChildOrder, view: RiskView) -> str | None:
    """Tick, step and minimums, after rounding: a refusal we can foresee is not sent."""
    listing = view.listing
    if not on_grid(order.quantity, listing.step):
        return f"quantity {order.quantity} is off the step {listing.step}"
    if not on_grid(order.limit_price, listing.tick):
        return f"limit {order.limit_price} is off the tick {listing.tick}"
    if order.quantity <= 0 or order.quantity < listing.min_quantity:
        return f"quantity {order.quantity} is below the minimum {listing.min_quantity}"
    if listing.max_quantity is not None and order.quantity > listing.max_quantity:
        return f"quantity {order.quantity} is above the maximum {listing.max_quantity}"
    if order.quantity * order.limit_price < listing.min_notional:
        return f"notional is below the minimum {listing.min_notional} {listing.quote}"
    return None


def child_notional(order: ChildOrder, view: RiskView) -> str | None:  # noqa: ARG001 - one signature for all checks
    """No single child above its cap."""
    cap = view.limits.child_notional_max
    return f"child notional {view.notional:.2f} is above {cap}" if view.notional > cap else None


def day_notional(order: ChildOrder, view: RiskView) -> str | None:  # noqa: ARG001 - one signature for all checks
    """Sent orders count at once, filled or not (RTS 6 Art 15)."""
    total = view.day_notional + view.notional
    cap = view.limits.day_notional_max
    return f"the day's notional {total:.2f} would be above {cap}" if total > cap else None


def balance(order: ChildOrder, view: RiskView) -> str | None:
    """I6: what is reserved is really there, in the worst case."""
    if view.reserves > view.available:
        return f"needs {view.reserves}, {order.account} may spend {view.available}"
    return None


def outstanding(order: ChildOrder, view: RiskView) -> str | None:
    """A venue that can neither refuse a late copy nor tell it apart gets one child at a time."""
    cap = view.terms.outstanding_max
    if cap is not None and view.outstanding >= cap:
        return f"{order.account} takes {cap} outstanding child(ren)"
    return None


CHECKS: tuple[Check, ...] = (
    not_halted,
    gate_open,
    never_over,
    never_over_size,
    within_limit,
    within_collar,
    book_fresh,
    venue_rules,
    child_notional,
    day_notional,
    balance,
    outstanding,
)
