"""The haircut a split is given: what of each displayed level is expected to be there, what the rest costs instead."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from router.model import rounding
from router.model.fill_chances import ChanceStep, FillChances
from router.model.ids import ListingId, VenueId
from router.model.market import MarketView
from router.model.money import ONE, ZERO, exactly, fraction_of_bps
from router.model.side import Side
from router.split.evaluate import expected_fill, levels_for
from router.split.plan import Landing, SplitRequest
from router.split.split import split

MISSED = Decimal("0.5")
DRIFT_BPS = ONE
"""What the market is expected to have moved against us by the time a miss is made up for."""
_PLACES = Decimal("1E-6")


def landed(request: SplitRequest, chances: FillChances, misses: Mapping[VenueId, int]) -> SplitRequest:
    """The request by expected price. `misses`: how often this parent came away with less than it asked, by venue.

    The fallback is what the last unit costs of a plan for what is asked and for what is expected to miss of it, plus a
    drift. Where nothing can be planned, or everything is certain, the request is left as it is.
    """
    survival = survival_of(request.view, request.side, chances, misses)
    if all(chance == ONE for one in survival.values() for chance in one):
        return request
    certain = split(request)
    if certain.marginal_price is None:
        return request
    with exactly():
        asked = sum((line.quantity for line in certain.lines), ZERO)
        hopeful = replace(request, landing=Landing(survival=survival, fallback_price=certain.marginal_price))
        missing = asked - expected_fill(hopeful, certain)
        step = min(one.listing.step for one in request.view.listings)
        more = rounding.up(missing, step)
    wider = split(replace(request, quantity=request.quantity + more)) if more > 0 else certain
    with exactly():
        marginal = wider.marginal_price or certain.marginal_price
        fallback = marginal * (ONE + request.side.sign * fraction_of_bps(DRIFT_BPS))
    return replace(request, landing=Landing(survival=survival, fallback_price=fallback))


def survival_of(
    view: MarketView, side: Side, chances: FillChances, misses: Mapping[VenueId, int]
) -> dict[ListingId, tuple[Decimal, ...]]:
    """By listing and level, never better with depth; each miss of this parent at a venue halves it."""
    found = {}
    for one in view.listings:
        steps = chances.steps(view.instrument, one.listing.venue, one.book_age_ns)
        halved = MISSED ** misses.get(one.listing.venue, 0)
        before, told = ZERO, []
        for level in levels_for(one, side):
            told.append(rounding.down(_at(steps, before + one.listing.step) * halved, _PLACES))
            before += level.size
        if told:
            found[one.listing.id] = tuple(told)
    return found


def _at(steps: tuple[ChanceStep, ...], quantity: Decimal) -> Decimal:
    return next(one.chance for one in steps if one.quantity is None or quantity <= one.quantity)
