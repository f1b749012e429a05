"""The splitter against every possible plan, on markets small enough to try them all."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.book.effective import spend_factor
from router.model.market import ListingView
from router.model.money import ZERO, exactly
from router.model.side import Side
from router.split.check import violations
from router.split.compare import compare, cost_of
from router.split.evaluate import levels_for, sweep
from router.split.plan import Reserve, SplitOptions, SplitRequest
from router.split.split import split
from tests.split.markets import market

ONE = Decimal(1)
NOISE = Decimal("1e-9")


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_plan_is_sound_and_no_worse_than_the_alternatives(seed: int):
    """Within every rule, and at most as dear as the best single venue and the fee-blind sweep, residual priced in."""
    request = any_request(random.Random(seed))
    plan = split(request)
    assert violations(request, plan) == ()
    found = compare(request, plan)
    for other in (found.best_single, found.fee_blind):
        if other is not None:
            assert violations(replace(request, options=replace(request.options)), other.plan) == ()
            assert other.saving >= -NOISE * request.quantity * (plan.residual_price or ONE)


@pytest.mark.parametrize("seed", range(12))
def test_against_every_possible_plan(seed: int):
    """Of 25 random small markets with lots that do not nest, at most one misses the cheapest and none beats it."""
    rng = random.Random(seed)
    missed = 0
    for _ in range(25):
        request = any_request(rng)
        plan = split(request)
        if plan.residual_price is None:
            continue
        best = cheapest(request, plan.residual_price)
        gap = cost_of(request, plan) - best
        assert gap >= -NOISE * abs(best)
        missed += gap > NOISE * abs(best)
    assert missed <= 1


def any_request(rng: random.Random) -> SplitRequest:
    side = rng.choice(list(Side))
    view = market("\n".join(any_listing(rng, side, number) for number in range(rng.choice([2, 3, 3]))), side)
    spendable = None
    if rng.random() < 0.4:
        spendable = {
            (one.listing.account, one.listing.quote if side is Side.BUY else one.listing.base): (
                Decimal(rng.randint(500, 6000)) if side is Side.BUY else Decimal(rng.randint(1, 40)) / 10
            )
            for one in view.listings
        }
    return SplitRequest(
        view=view,
        side=side,
        quantity=Decimal(rng.randint(1, 60)) / 10,
        limit_price=rng.choice([None, None, Decimal(1000 + rng.randint(-5, 40))]),
        spendable=spendable,
        options=SplitOptions(
            residual_price=rng.choice([None, Decimal(1000) + side.sign * rng.randint(0, 60)]),
            children_max=rng.choice([None, None, 1, 2]),
            reserve=rng.choice(list(Reserve)),
        ),
    )


def any_listing(rng: random.Random, side: Side, number: int) -> str:
    price, levels = 1000 + rng.randint(-10, 30), []
    for _ in range(rng.randint(1, 4)):
        levels.append(f"{price}x{rng.randint(1, 30) / 10}")
        price += rng.randint(1, 15) * side.sign
    rules = {
        "step": rng.choice(["0.1", "0.2", "0.3", "0.5", "1", "0.7"]),
        "tick": "1",
        "fee": rng.choice(["0", "5", "10", "26", "40", "-2"]),
        "minimum": rng.choice(["0", "0.5", "1", "1.5"]),
        "notional": rng.choice(["0", "0", "500", "1200"]),
        "fee_in": rng.choice(["QUOTE", "QUOTE", "BASE", "RECEIVED"]),
    }
    return f"v{number} BTC/USD " + " ".join(f"{key}={value}" for key, value in rules.items()) + " : " + " ".join(levels)


def cheapest(request: SplitRequest, residual_price: Decimal) -> Decimal:
    """The least objective over every combination of allowed quantities."""
    with exactly():
        choices = [[(ZERO, ZERO), *allowed(request, one)] for one in request.view.listings]
        costs = []
        for chosen in itertools.product(*choices):
            quantity = sum((one[0] for one in chosen), ZERO)
            children = sum(1 for one in chosen if one[0])
            if quantity <= request.quantity and children <= (request.options.children_max or len(chosen)):
                cost = sum((one[1] for one in chosen), ZERO) + (request.quantity - quantity) * residual_price
                costs.append(request.side.sign * cost)
        return min(costs)


def allowed(request: SplitRequest, one: ListingView) -> Iterator[tuple[Decimal, Decimal]]:
    """Every (quantity, all-in) this listing may take by itself; each listing here has an account of its own."""
    listing, side = one.listing, request.side
    quantity = ZERO
    while (quantity := quantity + listing.step) <= request.quantity:
        swept = sweep(one, side, quantity, ONE)
        judged_at = levels_for(one, side)[0].price if side is Side.BUY else swept.worst_price
        if swept.beyond_depth or quantity < listing.min_quantity or quantity * judged_at < listing.min_notional:
            continue
        if request.limit_price is not None and (swept.worst_price - request.limit_price) * side.sign > 0:
            continue
        if request.spendable is not None:
            value = swept.notional if request.options.reserve is Reserve.WALK else quantity * swept.worst_price
            spent = (quantity if side is Side.SELL else value) * spend_factor(listing, side)
            asset = listing.base if side is Side.SELL else listing.quote
            if spent > request.spendable[listing.account, asset]:
                continue
        yield quantity, swept.all_in
