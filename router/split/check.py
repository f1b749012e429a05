"""Is a plan allowed? An independent reading of the rules, by other code than made it."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from router.book.effective import spend_factor
from router.model import rounding
from router.model.ids import AccountId, Asset, ListingId
from router.model.market import ListingView
from router.model.money import ZERO, exactly
from router.model.side import Side
from router.split.evaluate import sweep
from router.split.plan import Plan, PlanLine, Reserve, SplitRequest


def violations(request: SplitRequest, plan: Plan) -> tuple[str, ...]:
    """Every rule the plan breaks, as sentences; none for a sound plan."""
    with exactly():
        return tuple(_violations(request, plan))


def _violations(request: SplitRequest, plan: Plan) -> Iterator[str]:
    views = {one.listing.id: one for one in request.view.listings}
    if sum((line.quantity for line in plan.lines), ZERO) + plan.residual != request.quantity:
        yield "lines and residual do not add up to the quantity asked"
    if plan.residual < 0:
        yield "more is planned than was asked"
    if bool(plan.residual) is not bool(plan.residual_reason):
        yield "a residual needs a reason, and only a residual does"
    if len({line.listing_id for line in plan.lines}) != len(plan.lines):
        yield "two lines at one listing"
    if request.options.children_max is not None and len(plan.lines) > request.options.children_max:
        yield "more children than allowed"
    explained = {one.listing_id for one in plan.exclusions} | {line.listing_id for line in plan.lines}
    for listing_id in sorted(set(views) - explained):
        yield f"{listing_id} got nothing and no reason"
    for line in plan.lines:
        yield from _line(request, line, views[line.listing_id])
    yield from _overspent(request, plan, views)
    if plan.lines and plan.all_in_cost != _cost(request, plan, views):
        yield "the cost is not what the evaluator says"


def _line(request: SplitRequest, line: PlanLine, one: ListingView) -> Iterator[str]:
    listing, side = one.listing, request.side
    rate = request.view.fx_rate(listing.quote)
    if one.unusable is not None or listing.id in request.blocked or rate is None:
        yield f"{listing.id} must not be used"
        return
    if request.venues_include is not None and listing.venue not in request.venues_include:
        yield f"{listing.id} was not asked for"
    if listing.venue in request.venues_exclude:
        yield f"{listing.id} was excluded"
    if not rounding.on_grid(line.quantity, listing.step) or not rounding.on_grid(line.limit_price, listing.tick):
        yield f"{listing.id}: off its grid"
    if line.quantity < listing.min_quantity or (
        listing.max_quantity is not None and line.quantity > listing.max_quantity
    ):
        yield f"{listing.id}: quantity out of its bounds"
    if line.quantity * line.limit_price < listing.min_notional:
        yield f"{listing.id}: below its minimum notional"
    if request.limit_price is not None and (line.limit_price * rate - request.limit_price) * side.sign > 0:
        yield f"{listing.id}: beyond the limit"
    collar = request.collar_prices.get(listing.id)
    if collar is not None and (line.limit_price * rate - collar) * side.sign > 0:
        yield f"{listing.id}: beyond the collar"
    swept = sweep(one, side, line.quantity, rate)
    if swept.beyond_depth:
        yield f"{listing.id}: more than is displayed"
    if (swept.worst_price - line.limit_price) * side.sign > 0:
        yield f"{listing.id}: its limit price does not reach its deepest level"
    child_max = request.options.child_notional_max
    valued_at = line.limit_price if side is Side.BUY else one.bids[0].price
    if child_max is not None and line.quantity * valued_at * rate > child_max:
        yield f"{listing.id}: above the child notional limit"


def _overspent(request: SplitRequest, plan: Plan, views: dict[ListingId, ListingView]) -> Iterator[str]:
    if request.spendable is None:
        return
    spent: dict[tuple[AccountId, Asset], Decimal] = defaultdict(lambda: ZERO)
    for line in plan.lines:
        one = views[line.listing_id]
        asset = one.listing.quote if request.side is Side.BUY else one.listing.base
        spent[one.listing.account, asset] += _spend(request, line, one)
    for balance, amount in spent.items():
        if amount > request.spendable.get(balance, ZERO):
            yield f"{balance[0]} spends {amount} {balance[1]} of {request.spendable.get(balance, ZERO)}"


def _spend(request: SplitRequest, line: PlanLine, one: ListingView) -> Decimal:
    factor = spend_factor(one.listing, request.side)
    if request.side is Side.SELL:
        return line.quantity * factor
    if request.options.reserve is Reserve.WORST:
        return line.quantity * line.limit_price * factor
    return sweep(one, request.side, line.quantity, Decimal(1)).notional * factor


def _cost(request: SplitRequest, plan: Plan, views: dict[ListingId, ListingView]) -> Decimal:
    total = ZERO
    for line in plan.lines:
        one = views[line.listing_id]
        rate = request.view.fx_rate(one.listing.quote)
        assert rate is not None
        total += sweep(one, request.side, line.quantity, rate).all_in
    return total
