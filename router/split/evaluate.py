"""The one exact cost evaluator, shared by planner, checker, TCA and tests.

Everything in here is Decimal from the raw book under `exactly()`. The search may estimate; what is reported is this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from router.book.effective import all_in_here, expected_fee_here, factor_here
from router.model.ids import ListingId
from router.model.market import Level, ListingView
from router.model.money import ONE, ZERO, exactly, ratio
from router.model.orders import Fee
from router.model.side import Side
from router.split.plan import Landing, Plan, SplitRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What taking `quantity` of one listing's displayed depth comes to.

    `notional` in quote; `all_in` in reporting currency, what a buy costs or a sell brings with its fee; `worst_price`
    is the deepest level touched. `beyond_depth` of the quantity was not displayed and is counted at the last level.
    """

    listing_id: ListingId
    quantity: Decimal
    notional: Decimal
    worst_price: Decimal
    fee: Fee
    all_in: Decimal
    beyond_depth: Decimal

    @property
    def average_price(self) -> Decimal:
        """In quote per unit of base, before the fee."""
        return ratio(self.notional, self.quantity)

    @property
    def effective_price(self) -> Decimal:
        """In reporting currency per unit of base, all in."""
        return ratio(self.all_in, self.quantity)


def levels_for(view: ListingView, side: Side) -> tuple[Level, ...]:
    """What an order on `side` takes, best first."""
    return view.asks if side is Side.BUY else view.bids


def sweep(view: ListingView, side: Side, quantity: Decimal, rate: Decimal) -> Swept:
    """Walk the displayed book for `quantity` > 0; `rate` values the quote. The listing must show at least one level."""
    with exactly():
        return sweep_here(view, side, quantity, rate)


def sweep_here(view: ListingView, side: Side, quantity: Decimal, rate: Decimal) -> Swept:
    """`sweep` for a caller who is under `exactly()` already."""
    levels = levels_for(view, side)
    assert quantity > 0
    assert levels
    left, notional, worst = quantity, ZERO, levels[0].price
    for price, size in levels:
        worst = price
        if size >= left:
            notional += price * left
            left = ZERO
            break
        notional += price * size
        left -= size
    notional += worst * left
    return Swept(
        listing_id=view.listing.id,
        quantity=quantity,
        notional=notional,
        worst_price=worst,
        fee=expected_fee_here(view.listing, side, quantity, notional),
        all_in=all_in_here(view.listing, side, notional, rate),
        beyond_depth=left,
    )


def priced(
    view: ListingView, side: Side, rate: Decimal, landing: Landing | None = None
) -> Iterator[tuple[Decimal, Decimal]]:
    """(all-in price per unit in reporting currency, size) of each level, best first, for a caller under `exactly()`.

    With a `landing` the price expected: the level's own as far as it survives, the fallback's for the rest. It never
    gets better with depth: where the fallback is better than the level, the worst price so far stands.
    """
    listing, sign = view.listing, side.sign
    chances = (ONE,) if landing is None else landing.survival.get(listing.id, (ONE,))
    certain, worst = chances == (ONE,), None
    factor = factor_here(listing, side, rate)
    for at, (price, size) in enumerate(levels_for(view, side)):
        value = all_in_here(listing, side, price, rate) if factor is None else price * factor
        if not certain and landing is not None:
            chance = chances[min(at, len(chances) - 1)]
            value = chance * value + (ONE - chance) * landing.fallback_price
        if worst is not None and (worst - value) * sign > 0:
            value = worst
        worst = value
        yield value, size


def expected(view: ListingView, side: Side, quantity: Decimal, rate: Decimal, landing: Landing) -> Decimal:
    """What `quantity`, which must be displayed, is expected to cost or bring all in, misses at the fallback price."""
    with exactly():
        left, total = quantity, ZERO
        for price, size in priced(view, side, rate, landing):
            total += price * min(size, left)
            left -= min(size, left)
            if not left:
                break
        return total


def expected_fill(request: SplitRequest, plan: Plan) -> Decimal:
    """How much of what is sent should be there at the first pass, in base."""
    landing = request.landing
    filled = ZERO
    with exactly():
        for view, quantity in sent_to(request, plan):
            chances = (ONE,) if landing is None else landing.survival.get(view.listing.id, (ONE,))
            left = quantity
            for at, (_, size) in enumerate(levels_for(view, request.side)):
                filled += min(size, left) * chances[min(at, len(chances) - 1)]
                left -= min(size, left)
    return filled


def sent_to(request: SplitRequest, plan: Plan) -> Iterator[tuple[ListingView, Decimal]]:
    """Each listing a plan sends to, and how much in all."""
    totals: dict[ListingId, Decimal] = {}
    for line in plan.lines:
        totals[line.listing_id] = totals.get(line.listing_id, ZERO) + line.quantity
    for view in request.view.listings:
        if view.listing.id in totals:
            yield view, totals[view.listing.id]


def order_cost(request: SplitRequest, listing: ListingId) -> Decimal:
    """What an order at this listing counts as, beside what it trades for; reporting currency."""
    return request.options.order_costs.get(listing, request.options.order_cost)


def objective(request: SplitRequest, plan: Plan, residual_price: Decimal) -> Decimal:
    """What plans are judged by, less is better: all-in cost, expected where it is uncertain, a sell's with minus.

    Orders count at their cost, the residual at `residual_price` per unit.
    """
    side = request.side
    with exactly():
        total = ZERO
        for view, quantity in sent_to(request, plan):
            rate = request.view.fx_rate(view.listing.quote)
            assert rate is not None
            if request.landing is None:
                total += sweep(view, side, quantity, rate).all_in
            else:
                total += expected(view, side, quantity, rate, request.landing)
        orders = sum((order_cost(request, line.listing_id) for line in plan.lines), ZERO)
        return side.sign * (total + plan.residual * residual_price) + orders
