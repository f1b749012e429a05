"""Who is compared: rules that turn a look at the market into orders. All see the same, pay the same, wait the same.

Every rule keeps lots and minimums (an order below one is not sent), and re-plans what is left in the same rounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from policies.reach import reach_bps
from router.book.consolidated import ladder
from router.learn.landing import landed
from router.model import rounding
from router.model.fill_chances import FillChances
from router.model.ids import ListingId
from router.model.instruments import Listing
from router.model.market import ListingView
from router.model.money import BPS, ZERO, ratio
from router.model.side import Side
from router.split.arrival import delays_ms
from router.split.compare import cost_of
from router.split.evaluate import levels_for, sweep
from router.split.plan import Plan, SplitRequest
from router.split.reach import split_within
from router.split.rivals import fee_blind
from router.split.split import split


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One immediate-or-cancel order. `quantity` in base; `limit_price` in quote; it leaves `after_ms` later."""

    listing_id: ListingId
    quantity: Decimal
    limit_price: Decimal
    after_ms: int = 0


Rule = Callable[[SplitRequest, int], tuple[Sent, ...]]
"""What to send at once, seeing this, after so many rounds; what it leaves is asked for again when all has come back."""

CCXT_SLIPPAGE_BPS = Decimal(25)
"""How far beyond the expected price `ccxt.OrderRouter` sets a limit unless told otherwise."""


def this_router(first_reach_bps: Decimal | None, slack_bps: Decimal = ZERO) -> Rule:
    """SWEEP's round: the split of what is within reach, every limit at the worst level its line needs.

    `slack_bps` sets the limits so far beyond that: an experiment, never sent.
    """

    def rule(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:
        sent = _as_planned(split_within(request, reach_bps(first_reach_bps, rounds)))
        return tuple(_beyond(request, one, slack_bps) for one in sent) if slack_bps else sent

    return rule


def by_expected_price(chances: FillChances) -> Rule:
    """SWEEP's round of the split by expected price, with these chances that what is displayed is there."""

    def rule(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:
        return _as_planned(split_within(landed(request, chances, {}), reach_bps(None, rounds)))

    return rule


def synchronised(rule: Rule, latency_ms: Mapping[str, int]) -> Rule:
    """What `rule` sends, held back so that all of it should arrive at once. `latency_ms` by venue."""

    def held_back(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:
        venues = {one.listing.id: one.listing.venue for one in request.view.listings}
        sent = rule(request, rounds)
        delays = delays_ms({venues[one.listing_id]: latency_ms[venues[one.listing_id]] for one in sent})
        return tuple(replace(one, after_ms=delays[venues[one.listing_id]]) for one in sent)

    return held_back


def best_single(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:  # noqa: ARG001 - the same in every round
    """Everything at the one venue where this much is cheapest now."""
    plan = split(request)
    if plan.residual_price is None:
        return ()
    same = replace(request, options=replace(request.options, residual_price=plan.residual_price))
    venues = sorted({one.listing.venue for one in request.view.listings})
    plans = [split(replace(same, venues_include=frozenset({venue}))) for venue in venues]
    return _as_planned(min(plans, key=lambda one: cost_of(same, _priced(one, plan.residual_price))))


def proportional(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:  # noqa: ARG001 - the same in every round
    """Shares by displayed depth within 10 bps of each best price, lots rounded down, the rest to the deepest."""
    depths = {one.listing.id: _depth(one, request.side) for one in request.view.listings if one.unusable is None}
    whole = sum(depths.values(), ZERO)
    if not whole:
        return ()
    views = {one.listing.id: one for one in request.view.listings}
    shares = {
        listing: rounding.down(ratio(request.quantity * depth, whole), views[listing].listing.step)
        for listing, depth in depths.items()
    }
    deepest = max(sorted(depths), key=lambda listing: depths[listing])
    left = request.quantity - sum(shares.values(), ZERO)
    shares[deepest] = rounding.down(shares[deepest] + left, views[deepest].listing.step)
    return _sent(request, shares)


def sequential(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:  # noqa: ARG001 - the same in every round
    """One venue after the other: of the split only the line with the best price, the rest after its answer."""
    plan = split(request)
    lines = sorted(plan.lines, key=lambda line: (line.effective_price * request.side.sign, line.listing_id))
    return _as_planned(replace(plan, lines=tuple(lines[:1])))


def by_raw_price(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:  # noqa: ARG001 - the same in every round
    """The sweep that ignores fees."""
    return _as_planned(fee_blind(request))


def merged_levels(request: SplitRequest, rounds: int) -> tuple[Sent, ...]:  # noqa: ARG001 - the same in every round
    """The rule of ccxt.OrderRouter's quotes: all levels by fee-adjusted price, no lots or minimums thought of.

    Its legs are cut to the venue's step when they are sent, and what is then below a minimum is refused. Limits stand
    25 bps beyond the expected price, its default. It sends one leg after the other by default; here all at once.
    """
    taken: dict[ListingId, Decimal] = {}
    left = request.quantity
    for rung in ladder(request.view, request.side):
        part = min(rung.size, left)
        taken[rung.listing_id] = taken.get(rung.listing_id, ZERO) + part
        left -= part
        if left <= 0:
            break
    listings = _listings(request)
    cut = {listing: rounding.down(amount, listings[listing].step) for listing, amount in taken.items()}
    return tuple(_beyond(request, one, CCXT_SLIPPAGE_BPS, average=True) for one in _sent(request, cut))


RIVALS: dict[str, Rule] = {
    "best single venue": best_single,
    "proportional": proportional,
    "sequential": sequential,
    "fee-blind sweep": by_raw_price,
    "merged levels (ccxt.OrderRouter)": merged_levels,
}


def _as_planned(plan: Plan) -> tuple[Sent, ...]:
    return tuple(
        Sent(listing_id=line.listing_id, quantity=line.quantity, limit_price=line.limit_price) for line in plan.lines
    )


def _priced(plan: Plan, residual_price: Decimal | None) -> Plan:
    """A plan that could use nothing counts its residual like the others."""
    return plan if plan.residual_price is not None else replace(plan, residual_price=residual_price)


def _sent(request: SplitRequest, shares: dict[ListingId, Decimal]) -> tuple[Sent, ...]:
    """Orders that reach as deep as their quantity needs; none below a minimum."""
    views = {one.listing.id: one for one in request.view.listings}
    found = []
    for listing, quantity in sorted(shares.items()):
        one = views[listing]
        if quantity <= 0 or not levels_for(one, request.side):
            continue
        limit = rounding.limit_price(
            request.side, sweep(one, request.side, quantity, _rate(request, one)).worst_price, one.listing.tick
        )
        if quantity >= one.listing.min_quantity and quantity * limit >= one.listing.min_notional:
            found.append(Sent(listing_id=listing, quantity=quantity, limit_price=limit))
    return tuple(found)


def _beyond(request: SplitRequest, one: Sent, bps: Decimal, *, average: bool = False) -> Sent:
    """The same order, its limit so far beyond its worst level (or beyond the average price it expects)."""
    view = next(view for view in request.view.listings if view.listing.id == one.listing_id)
    price = one.limit_price
    if average:
        price = sweep(view, request.side, one.quantity, _rate(request, view)).average_price
    wide = price + request.side.sign * ratio(price * bps, BPS)
    return replace(one, limit_price=rounding.limit_price(request.side, wide, view.listing.tick))


def _depth(one: ListingView, side: Side) -> Decimal:
    levels = levels_for(one, side)
    if not levels:
        return ZERO
    edge = levels[0].price * (1 + side.sign * Decimal("0.001"))
    return sum((level.size for level in levels if (level.price - edge) * side.sign <= 0), ZERO)


def _rate(request: SplitRequest, one: ListingView) -> Decimal:
    rate = request.view.fx_rate(one.listing.quote)
    assert rate is not None
    return rate


def _listings(request: SplitRequest) -> dict[ListingId, Listing]:
    return {one.listing.id: one.listing for one in request.view.listings}
