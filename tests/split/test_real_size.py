"""The splitter on markets of real size, beside an exact solver whose answer is costed again by our evaluator."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from bench.markets import case
from router.model.money import ONE, ZERO
from router.model.side import Side
from router.split.check import violations
from router.split.compare import compare, cost_of
from router.split.evaluate import sweep
from router.split.plan import Reserve, SplitOptions, SplitRequest
from router.split.split import split

BPS = Decimal("0.0001")


@pytest.mark.parametrize(("venues", "reached"), [(3, 5), (3, 50), (10, 50)])
def test_no_dearer_than_the_best_single_venue_or_the_fee_blind_sweep(venues: int, reached: int):
    """To a thousandth of a basis point, which is where the search stops looking for better lots."""
    for number in range(15):
        request = case(f"dominance/{venues}/{reached}/{number}", venues, reached).request()
        plan = split(request)
        assert violations(request, plan) == ()
        found = compare(request, plan)
        for other in (found.best_single, found.fee_blind):
            assert other is not None
            assert other.saving >= -BPS / 1000 * request.quantity * (plan.residual_price or ONE)


@pytest.mark.parametrize("venues", [3, 10])
def test_small_parents_lose_nothing_that_could_be_filled(venues: int):
    """Where minimums bite: nothing unfilled that the solver fills, and 0.025 bps apart at the mean."""
    gaps = []
    for number in range(40):
        request = case(f"small/{venues}/{number}", venues, 5, small=True).request()
        request = replace(request, options=SplitOptions(reserve=Reserve.WALK))
        plan = split(request)
        if plan.residual_price is None:
            continue
        quantities = solved(request, float(plan.residual_price))
        filled = sum(quantities, ZERO)
        assert request.quantity - plan.residual >= filled - request.quantity / 100
        gaps.append((cost_of(request, plan) - cost(request, quantities, plan.residual_price)) / request.quantity)
    assert max(gaps) < 60_000 * 2 * BPS
    assert sum(gaps) / len(gaps) < 60_000 * BPS / 40


def cost(request: SplitRequest, quantities: list[Decimal], residual_price: Decimal) -> Decimal:
    swept = [
        sweep(one, Side.BUY, quantity, ONE).all_in
        for one, quantity in zip(request.view.listings, quantities, strict=True)
        if quantity
    ]
    return sum(swept, ZERO) + (request.quantity - sum(quantities, ZERO)) * residual_price


def solved(request: SplitRequest, residual_price: float) -> list[Decimal]:
    """HiGHS on: fill of each level, lots of each venue, venue used or not, shortfall. Prices relative to the best."""
    views, wanted = request.view.listings, float(request.quantity)
    levels = [
        (rank, float(price) * (1 + float(one.listing.taker_fee_bps) / 1e4), min(float(size), wanted))
        for rank, one in enumerate(views)
        for price, size in one.asks
    ]
    count, venues, best = len(levels), len(views), min(level[1] for level in levels)
    steps = np.array([float(one.listing.step) for one in views])
    rows, low, high = [], [], []

    def row(low_value: float, high_value: float, cells: list[tuple[int, float]]) -> None:
        made = np.zeros(count + 2 * venues + 1)
        for at, value in cells:
            made[at] = value
        rows.append(made)
        low.append(low_value)
        high.append(high_value)

    for rank, one in enumerate(views):
        mine = [at for at, level in enumerate(levels) if level[0] == rank]
        lots, used = count + rank, count + venues + rank
        least = max(float(one.listing.min_quantity), float(one.listing.min_notional) / float(one.asks[0].price))
        least = np.ceil(least / steps[rank] - 1e-9) * steps[rank]
        row(0, 0, cells=[*((at, 1.0) for at in mine), (lots, -steps[rank])])
        row(-np.inf, 0, cells=[(lots, steps[rank]), (used, -wanted)])
        row(0, np.inf, cells=[(lots, steps[rank]), (used, -least)])
        assert request.spendable is not None
        balance = float(request.spendable[one.listing.account, one.listing.quote])
        row(-np.inf, balance, cells=[(at, levels[at][1]) for at in mine])
    row(wanted, wanted, cells=[*((count + rank, steps[rank]) for rank in range(venues)), (-1, 1.0)])
    top = [*(level[2] for level in levels), *np.floor(wanted / steps + 1e-9), *[1.0] * venues, wanted]
    found = milp(
        [*(level[1] - best for level in levels), *[0.0] * 2 * venues, residual_price - best],
        integrality=[*[0] * count, *[1] * 2 * venues, 0],
        bounds=Bounds(0, top),
        constraints=LinearConstraint(np.array(rows), low, high),
        options={"mip_rel_gap": 0},
    )
    assert found.x is not None
    return [round(lots) * one.listing.step for lots, one in zip(found.x[count : count + venues], views, strict=True)]
