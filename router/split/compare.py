"""What the plan saves against others on the same view: best single venue, proportional, sequential, fee-blind."""

from dataclasses import dataclass, replace
from decimal import Decimal

from router.book.consolidated import top
from router.model.ids import VenueId
from router.model.money import bps_of, exactly
from router.split.evaluate import objective
from router.split.plan import Plan, SplitRequest
from router.split.rivals import fee_blind, proportional, sequential
from router.split.split import split


@dataclass(frozen=True, kw_only=True, slots=True)
class Counterfactual:
    """Another way to do the same. `venue` for a single-venue plan.

    `saving` of our plan over it in reporting currency, `saving_bps` of quantity x consolidated mid (None without a
    mid); positive is good for us. What either leaves unfilled counts at our plan's residual price.
    """

    name: str
    venue: VenueId | None
    plan: Plan
    saving: Decimal
    saving_bps: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Our plan beside what others would have done. None where nobody could have done anything."""

    plan: Plan
    best_single: Counterfactual | None
    fee_blind: Counterfactual | None
    proportional: Counterfactual | None
    sequential: Counterfactual | None
    singles: tuple[Counterfactual, ...]


def compare(request: SplitRequest, plan: Plan) -> Comparison:
    """Cost the alternatives to `plan`, which was made for `request`."""
    if plan.residual_price is None:
        return Comparison(plan=plan, best_single=None, fee_blind=None, proportional=None, sequential=None, singles=())
    same = replace(request, options=replace(request.options, residual_price=plan.residual_price))
    singles = tuple(
        _against(same, plan, "single venue", venue, split(replace(same, venues_include=frozenset({venue}))))
        for venue in _venues(same)
    )
    return Comparison(
        plan=plan,
        best_single=min(singles, key=lambda one: (one.saving, one.venue), default=None),
        fee_blind=_against(same, plan, "fee-blind sweep", None, fee_blind(same)),
        proportional=_against(same, plan, "proportional to depth", None, proportional(same)),
        sequential=_against(same, plan, "one after another", None, sequential(same)),
        singles=singles,
    )


def cost_of(request: SplitRequest, plan: Plan) -> Decimal:
    """The figure plans are compared by: smaller is better, the residual at the plan's residual price."""
    assert plan.residual_price is not None
    return objective(request, plan, plan.residual_price)


def _venues(request: SplitRequest) -> list[VenueId]:
    """Venues the request allows, by name."""
    allowed = {one.listing.venue for one in request.view.listings} - set(request.venues_exclude)
    if request.venues_include is not None:
        allowed &= set(request.venues_include)
    return sorted(allowed)


def _against(request: SplitRequest, plan: Plan, name: str, venue: VenueId | None, other: Plan) -> Counterfactual:
    mid = top(request.view).mid
    with exactly():
        saving = cost_of(request, other) - cost_of(request, plan)
        whole = None if mid is None else mid * request.quantity
    return Counterfactual(
        name=name,
        venue=venue,
        plan=other,
        saving=saving,
        saving_bps=None if whole is None else bps_of(saving, whole),
    )
