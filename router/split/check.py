"""Is a plan allowed, and costed right? An independent reading of the rules, by other code than made it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from router.book.effective import all_in_at_most_here, all_in_here, spend_factor
from router.model import rounding
from router.model.ids import AccountId, Asset, ListingId
from router.model.market import ListingView
from router.model.money import ZERO, exactly, ratio
from router.model.side import Side
from router.split.evaluate import Swept, sweep
from router.split.plan import Plan, PlanLine, Reserve, SplitRequest

Lines = dict[ListingId, list[PlanLine]]


def violations(request: SplitRequest, plan: Plan) -> tuple[str, ...]:
    """Every rule the plan breaks, as sentences; none for a sound plan."""
    with exactly():
        return tuple(_violations(request, plan))


def _violations(request: SplitRequest, plan: Plan) -> Iterator[str]:
    views = {one.listing.id: one for one in request.view.listings}
    by_listing: Lines = defaultdict(list)
    for line in plan.lines:
        by_listing[line.listing_id].append(line)
    if sum((line.quantity for line in plan.lines), ZERO) + plan.residual != request.quantity:
        yield "lines and residual do not add up to the quantity asked"
    if plan.residual < 0:
        yield "more is planned than was asked"
    if bool(plan.residual) is not bool(plan.residual_reason):
        yield "a residual needs a reason, and only a residual does"
    if request.options.children_max is not None and len(plan.lines) > request.options.children_max:
        yield "more children than allowed"
    explained = {one.listing_id for one in plan.exclusions} | set(by_listing)
    for listing_id in sorted(set(views) - explained):
        yield f"{listing_id} got nothing and no reason"
    for listing_id in sorted(set(by_listing) - set(views)):
        yield f"{listing_id} is not in the view"
    if set(by_listing) - set(views):
        return
    sound = True
    for listing_id, lines in by_listing.items():
        for sentence in _listing(request, lines, views[listing_id]):
            sound = False
            yield sentence
    if not sound:
        return
    yield from _overspent(request, by_listing, views)
    yield from _over_caps(request, by_listing, views)
    yield from _miscosted(request, plan, by_listing, views)


def _listing(request: SplitRequest, lines: Sequence[PlanLine], one: ListingView) -> Iterator[str]:
    listing = one.listing
    rate = request.view.fx_rate(listing.quote)
    if one.unusable is not None or listing.id in request.blocked or rate is None:
        yield f"{listing.id} must not be used"
        return
    if request.venues_include is not None and listing.venue not in request.venues_include:
        yield f"{listing.id} was not asked for"
    if listing.venue in request.venues_exclude:
        yield f"{listing.id} was excluded"
    if len(lines) > max(1, request.options.orders_each_max):
        yield f"{listing.id}: more orders than may go to one listing"
    if len(lines) > 1 and listing.max_quantity is None:
        yield f"{listing.id}: two lines at one listing"
    for line in lines:
        if not rounding.on_grid(line.quantity, listing.step) or not rounding.on_grid(line.limit_price, listing.tick):
            yield f"{listing.id}: off its grid"
        if (
            line.quantity <= 0
            or line.quantity < listing.min_quantity
            or (listing.max_quantity is not None and line.quantity > listing.max_quantity)
        ):
            yield f"{listing.id}: quantity out of its bounds"
            return
        if line.quantity * line.limit_price < listing.min_notional:
            yield f"{listing.id}: below its minimum notional"
    yield from _price(request, lines, one, rate)


def _price(request: SplitRequest, lines: Sequence[PlanLine], one: ListingView, rate: Decimal) -> Iterator[str]:
    listing, side, limit = one.listing, request.side, lines[0].limit_price
    if any(line.limit_price != limit for line in lines):
        yield f"{listing.id}: its orders have different limit prices"
        return
    if request.limit_price is not None and (limit * rate - request.limit_price) * side.sign > 0:
        yield f"{listing.id}: beyond the limit"
    all_in = all_in_at_most_here(listing, side, limit, rate)
    if request.all_in_limit_price is not None and (all_in - request.all_in_limit_price) * side.sign > 0:
        yield f"{listing.id}: beyond the all-in limit"
    collar = request.collar_prices.get(listing.id)
    if collar is not None and (limit * rate - collar) * side.sign > 0:
        yield f"{listing.id}: beyond the collar"
    total = sum((line.quantity for line in lines), ZERO)
    swept = sweep(one, side, total, rate)
    if swept.beyond_depth:
        yield f"{listing.id}: more than is displayed"
    if (swept.worst_price - limit) * side.sign > 0:
        yield f"{listing.id}: its limit price does not reach its deepest level"
    elif limit != rounding.limit_price(side, swept.worst_price, listing.tick):
        yield f"{listing.id}: its limit price reaches further than its deepest level"
    child_max = request.options.child_notional_max
    valued_at = limit if side is Side.BUY else one.bids[0].price
    if child_max is not None and total * valued_at * rate > child_max:
        yield f"{listing.id}: above the child notional limit"


def _overspent(request: SplitRequest, by_listing: Lines, views: dict[ListingId, ListingView]) -> Iterator[str]:
    if request.spendable is None:
        return
    spent: dict[tuple[AccountId, Asset], Decimal] = defaultdict(lambda: ZERO)
    for listing_id, lines in by_listing.items():
        one = views[listing_id]
        asset = one.listing.quote if request.side is Side.BUY else one.listing.base
        spent[one.listing.account, asset] += _spend(request, lines, one)
    for balance, amount in spent.items():
        if amount > request.spendable.get(balance, ZERO):
            yield f"{balance[0]} spends {amount} {balance[1]} of {request.spendable.get(balance, ZERO)}"


def _spend(request: SplitRequest, lines: Sequence[PlanLine], one: ListingView) -> Decimal:
    factor = spend_factor(one.listing, request.side)
    total = sum((line.quantity for line in lines), ZERO)
    if request.side is Side.SELL:
        return total * factor
    if request.options.reserve is Reserve.WORST:
        return total * lines[0].limit_price * factor
    return sweep(one, request.side, total, Decimal(1)).notional * factor


def _over_caps(request: SplitRequest, by_listing: Lines, views: dict[ListingId, ListingView]) -> Iterator[str]:
    for cap in request.caps:
        quantity, notional = ZERO, ZERO
        for listing_id, lines in by_listing.items():
            if listing_id in cap.listings:
                one = views[listing_id]
                rate = request.view.fx_rate(one.listing.quote)
                assert rate is not None
                total = sum((line.quantity for line in lines), ZERO)
                quantity += total * cap.weight(listing_id)
                valued_at = lines[0].limit_price if request.side is Side.BUY else one.bids[0].price
                notional += total * valued_at * rate * cap.weight(listing_id)
        if cap.quantity is not None and quantity > cap.quantity:
            yield f"{cap.name}: {quantity} is above its cap {cap.quantity}"
        if cap.notional is not None and notional > cap.notional:
            yield f"{cap.name}: worth {notional}, above its cap {cap.notional}"


def _miscosted(
    request: SplitRequest, plan: Plan, by_listing: Lines, views: dict[ListingId, ListingView]
) -> Iterator[str]:
    side, total, marginal = request.side, ZERO, None
    for listing_id, lines in by_listing.items():
        one = views[listing_id]
        rate = request.view.fx_rate(one.listing.quote)
        assert rate is not None
        upto, before = ZERO, None
        for line in lines:
            upto += line.quantity
            swept = sweep(one, side, upto, rate)
            if (line.expected_price, line.effective_price, line.expected_fee, line.fee_asset) != _told(swept, before):
                yield f"{listing_id}: its prices or its fee are not what the evaluator says"
            before = swept
        assert before is not None
        total += before.all_in
        worst = all_in_here(one.listing, side, before.worst_price, rate)
        if marginal is None or (worst - marginal) * side.sign > 0:
            marginal = worst
    if plan.all_in_cost != (total if plan.lines else None):
        yield "the cost is not what the evaluator says"
    if plan.marginal_price != marginal:
        yield "the marginal price is not that of the dearest level used"


def _told(swept: Swept, before: Swept | None) -> tuple[Decimal, Decimal, Decimal, Asset]:
    quantity, notional, all_in, fee = swept.quantity, swept.notional, swept.all_in, swept.fee.amount
    if before is not None:
        quantity, notional = quantity - before.quantity, notional - before.notional
        all_in, fee = all_in - before.all_in, fee - before.fee.amount
    return ratio(notional, quantity), ratio(all_in, quantity), fee, swept.fee.asset
