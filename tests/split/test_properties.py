"""What holds of every plan, whatever the market."""

import random
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from router.book.effective import all_in_here
from router.model.money import ZERO, exactly
from router.split.plan import Plan, SplitRequest
from router.split.split import split
from tests.split.families import adversarial, realistic
from tests.split.wild import wild_request

seeds = st.integers(0, 10**9)
NOISE = Decimal("1e-9")


@settings(max_examples=120)
@given(seed=seeds)
def test_nothing_is_lost_and_nothing_made(seed: int):
    """Lines and residual are the quantity asked, to the last digit, and no line is nothing."""
    for request in (wild_request(seed), adversarial(random.Random(seed))):
        plan = split(request)
        assert sent(plan) + plan.residual == request.quantity
        assert plan.residual >= 0
        assert all(line.quantity > 0 for line in plan.lines)


@settings(max_examples=120)
@given(seed=seeds)
def test_rounding_is_never_worse_than_the_limit_given(seed: int):
    """A limit off every tick, in another currency, before and after fees: no child reaches past it."""
    rng = random.Random(seed)
    request = realistic(rng)
    sign = request.side.sign
    limit = Decimal(f"{60_000 + sign * rng.uniform(-20, 60):.7f}")
    all_in_limit = Decimal(f"{60_000 + sign * rng.uniform(0, 120):.7f}")
    plan = split(replace(request, limit_price=limit, all_in_limit_price=all_in_limit))
    views = {one.listing.id: one.listing for one in request.view.listings}
    for line in plan.lines:
        listing = views[line.listing_id]
        rate = request.view.fx_rate(listing.quote) or ZERO
        with exactly():
            assert (line.limit_price * rate - limit) * sign <= 0
            assert (all_in_here(listing, request.side, line.limit_price, rate) - all_in_limit) * sign <= 0
            assert line.limit_price % listing.tick == 0
            assert line.quantity % listing.step == 0


@settings(max_examples=60)
@given(seed=seeds)
def test_a_wider_limit_never_makes_the_best_plan_worse(seed: int):
    """What may be taken grows with the limit, so the figure plans are judged by can only fall."""
    rng = random.Random(seed)
    request = realistic(rng)
    sign = request.side.sign
    request = replace(request, options=replace(request.options, residual_price=Decimal(60_000 + sign * 600)))
    costs = [
        objective_of(replace(request, limit_price=Decimal(60_000 + sign * far))) for far in (-10, 0, 5, 15, 40, 200)
    ]
    slack = NOISE * request.quantity * 60_000 + request.quantity * 60_000 * Decimal("1e-7")
    assert all(wider <= tighter + slack for tighter, wider in pairwise(costs))


def objective_of(request: SplitRequest) -> Decimal:
    plan = split(request)
    assert request.options.residual_price is not None
    with exactly():
        spent = plan.all_in_cost or ZERO
        return request.side.sign * (spent + plan.residual * request.options.residual_price)


def sent(plan: Plan) -> Decimal:
    return sum((line.quantity for line in plan.lines), ZERO)
