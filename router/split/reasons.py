"""Sentences: why a listing got nothing or was held back, and why something is left over."""

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal

from router.model.ids import Asset
from router.model.market import ListingView
from router.model.money import plain, readable
from router.model.side import Side
from router.split.curve import Curve, End
from router.split.evaluate import levels_for
from router.split.plan import SplitRequest

DUST = "dust below every minimum"
NO_LISTING = "no usable listing"
CHILDREN = "children limit"
CAP = "balance or cap"
_LARGE = 100
_HELD_BACK = frozenset({End.BALANCE, End.MAX_QUANTITY, End.CHILD_NOTIONAL})


def not_allowed(request: SplitRequest, one: ListingView, rates: Container[Asset]) -> str | None:
    """Why a listing takes no part whatever its price; None when it may."""
    listing = one.listing
    if listing.id in request.blocked:
        return request.blocked[listing.id]
    if request.venues_include is not None and listing.venue not in request.venues_include:
        return f"{listing.venue} is not among the venues asked for"
    if listing.venue in request.venues_exclude:
        return f"{listing.venue} is excluded"
    if one.unusable is not None:
        return one.unusable
    if listing.quote not in rates:
        return f"no mark for {listing.quote}"
    if not levels_for(one, request.side):
        return f"no depth: no {'asks' if request.side is Side.BUY else 'bids'}"
    return None


def ended(end: End | None, request: SplitRequest) -> str:
    """What stops a curve, for people."""
    limit = {End.LIMIT: request.limit_price, End.ALL_IN_LIMIT: request.all_in_limit_price}.get(end) if end else None
    if limit is not None:
        return f"{end} {plain(limit)}"
    return str(end) if end is not None else str(End.ENOUGH)


def dear(request: SplitRequest) -> str:
    """Better left than taken at this price."""
    given = request.options.residual_price
    return "a lot costs more than leaving it" if given is None else f"beyond the residual price {plain(given)}"


def too_small(curve: Curve, request: SplitRequest, scale: Decimal) -> str:
    """Why a listing cannot take even its minimum."""
    minimum = plain(Decimal(curve.minimum) / scale)
    if curve.end is End.ENOUGH or (curve.end is End.DEPTH and request.quantity * scale < curve.minimum):
        return f"its minimum order {minimum} is above the quantity"
    why = ended(curve.end, request)
    if curve.end is End.BALANCE and curve.spendable is not None:
        asset = curve.view.listing.quote if request.side is Side.BUY else curve.view.listing.base
        why = f"balance {plain(curve.spendable)} {asset}"
    return f"{why}: short of its minimum order {minimum}" if curve.cums else why


def unused(curve: Curve, marginal: float | None, side: Side, scale: Decimal) -> str:
    """Why a listing that could have been used was not."""
    best = curve.best()
    assert best is not None
    shown = _shown(best * side.sign)
    if marginal is not None and best >= marginal:
        worse = "dearer" if side is Side.BUY else "brings less"
        return f"{worse}: {shown} against {_shown(marginal * side.sign)} for the last unit taken"
    return f"its minimum order {plain(Decimal(curve.minimum) / scale)} from {shown} all in does not pay here"


def held_back(curve: Curve, taken: int, scale: Decimal) -> str | None:
    """Why a used listing could not have taken more; None when nothing but price decided."""
    if curve.end not in _HELD_BACK or taken + curve.step <= curve.cums[-1]:
        return None
    return f"{curve.end} allows no more than {plain(Decimal(taken) / scale)}"


def left_over(
    curves: Sequence[Curve],
    units: Sequence[int],
    left: int,
    rest_price: float,
    request: SplitRequest,
    *,
    children_full: bool,
    fits: Sequence[bool],
) -> str:
    """The cause that binds for what is left, over all listings that could be priced; those with 0 units included.

    `fits` says of each whether what it shares with others has room for one more lot. Where it has not, that is the
    cause: a price nobody named is only reckoned from what the caps let through.
    """
    if not curves:
        return NO_LISTING
    increments = [curve.step if taken else curve.minimum for curve, taken in zip(curves, units, strict=True)]
    if left < min(increments):
        return DUST
    causes = []
    shared = CAP if request.caps else str(End.BALANCE)
    priced = request.options.residual_price is not None
    for curve, taken, increment, room in zip(curves, units, increments, fits, strict=True):
        if not curve.can(taken + increment):
            causes.append(ended(curve.end, request))
        elif left < increment:
            continue
        elif not taken and children_full:
            causes.append(CHILDREN)
        elif not room and not priced:
            causes.append(shared)
        elif curve.full(taken + increment) - curve.full(taken) >= increment * rest_price:
            causes.append(dear(request))
        else:
            causes.append(shared)
    if shared in causes and not priced:
        causes = [cause for cause in causes if cause != dear(request)]
    return joined(causes) or DUST


def joined(causes: Iterable[str]) -> str:
    """Each once, in order."""
    return "; ".join(dict.fromkeys(causes))


def _shown(price: float) -> str:
    if abs(price) >= _LARGE:
        return f"{price:,.2f}"
    return readable(Decimal(repr(price)))
