"""The verifier is no rubber stamp: whatever is changed about a plan or its proof, it is refused."""

import ast
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import router.split
from router.book.effective import all_in
from router.model.money import ZERO, exactly, ratio
from router.split.certificate import Certificate, Cut, Duals, Leaf, Status
from router.split.evaluate import objective, sweep
from router.split.plan import Plan, PlanLine, SplitRequest
from router.split.proof import prove
from router.split.verify import faults
from tests.split.families import FAMILIES

Forged = tuple[str, Plan, Certificate]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_forgery_is_refused(family: str):
    assert sum(_refused(family, number) for number in range(6)) >= 75


@pytest.mark.nightly
@pytest.mark.timeout(1_800)
def test_ten_thousand_forgeries_are_refused():
    refused, number = 0, 0
    while refused < 10_000:
        refused += sum(_refused(family, number) for family in FAMILIES)
        number += 1


def test_the_verifier_shares_nothing_with_the_search():
    """It may know the evaluator, the meaning of a plan and of a certificate, and the other half of the checker."""
    folder = Path(router.split.__file__).parent
    for name in ("check", "verify"):
        tree = ast.parse((folder / f"{name}.py").read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
        ours = {one.rpartition(".")[2] for one in imported if one and one.startswith("router.split.")}
        assert ours <= {"certificate", "check", "evaluate", "plan"}


def _refused(family: str, number: int) -> int:
    rng = random.Random(f"{family}/{number}")
    request = FAMILIES[family](rng)
    proof = prove(request)
    assert proof.certificate is not None
    assert faults(request, proof.plan, proof.certificate) == ()
    count = 0
    for what, plan, certificate in (
        *_forged_proofs(rng, proof.plan, proof.certificate),
        *_forged_plans(rng, request, proof.plan, proof.certificate),
    ):
        assert faults(request, plan, certificate), (family, number, what)
        count += 1
    return count


def _forged_proofs(rng: random.Random, plan: Plan, told: Certificate) -> Iterator[Forged]:
    by = told.notional * Decimal(rng.choice(["1e-9", "1e-6", "1e-4"])) * rng.choice([1, -1])
    yield "a cost", plan, replace(told, upper=told.upper + by)
    yield "a bound", plan, replace(told, lower=told.lower + by)
    yield "the bound of the root", plan, replace(told, lower_hull=told.lower_hull + by)
    yield "the linear bound", plan, replace(told, lower_lp=told.lower_lp + by)
    yield "the gap", plan, replace(told, gap_bps=told.gap_bps + Decimal("1e-7"))
    # Both ends moved so that the gap fits them: the cheapest lie there is.
    gap = told.upper - told.lower - abs(by)
    yield (
        "a better bound that fits",
        plan,
        replace(told, lower=told.lower + abs(by), gap_bps=_bps(gap, told.notional), status=told.status),
    )
    yield "the notional", plan, replace(told, notional=told.notional * 2, gap_bps=told.gap_bps / 2)
    yield "the residual's price", plan, replace(told, residual_price=told.residual_price + 1)
    yield "the number of boxes", plan, replace(told, nodes=told.nodes + 2)
    other = Status.NODE_LIMIT if told.status is Status.OPTIMAL else Status.OPTIMAL
    yield "the status", plan, replace(told, status=other)
    yield "a multiplier", plan, replace(told, root=_moved(told.root))
    yield "a leaf said to be empty", plan, replace(told, tree=_emptied(told.tree))
    if isinstance(told.tree, Cut):
        tree = told.tree
        yield "half the tree", plan, replace(told, tree=tree.below)
        yield "a cut elsewhere", plan, replace(told, tree=replace(tree, quantity=tree.quantity + Decimal("1E-9")))
        yield "a cut of a stranger", plan, replace(told, tree=replace(tree, listing_id=tree.listing_id + "x"))


def _forged_plans(rng: random.Random, request: SplitRequest, plan: Plan, told: Certificate) -> Iterator[Forged]:
    if not plan.lines:
        return
    yield "its cost", replace(plan, all_in_cost=(plan.all_in_cost or ZERO) + Decimal("1E-8")), told
    yield "its marginal price", replace(plan, marginal_price=(plan.marginal_price or ZERO) + Decimal("0.01")), told
    line = rng.choice(plan.lines)
    for name in ("quantity", "limit_price", "expected_price", "effective_price", "expected_fee"):
        changed = replace(line, **{name: getattr(line, name) + Decimal("0.01")})
        yield f"its {name}", _with(plan, line, changed), told
    yield "a line twice", replace(plan, lines=(*plan.lines, line)), told
    yield "a line gone", replace(plan, lines=tuple(one for one in plan.lines if one is not line)), told
    step = _step(request, line)
    yield "a lot too many", _costed(request, plan, {line.listing_id: line.quantity + step}, conserved=False), told
    less = _costed(request, plan, {line.listing_id: line.quantity - step})
    yield from _if_it_costs_otherwise("a lot left", request, less, told)
    for taker in plan.lines:
        if taker is not line and _step(request, taker) == step:
            moved = {line.listing_id: line.quantity - step, taker.listing_id: taker.quantity + step}
            yield from _if_it_costs_otherwise("a lot moved", request, _costed(request, plan, moved), told)
    for cap in request.caps:
        # As much as the cap allows, and a lot more, at one of its listings.
        if line.listing_id in cap.listings and cap.quantity is not None and cap.quantity + step < request.quantity:
            over = cap.quantity - cap.quantity % step + step
            yield "a cap broken", _costed(request, plan, {line.listing_id: over}, conserved=False), told


def _if_it_costs_otherwise(what: str, request: SplitRequest, plan: Plan, told: Certificate) -> Iterator[Forged]:
    """A plan of the same cost would be as good."""
    if objective(request, plan, told.residual_price) != told.upper:
        yield what, plan, told


def _costed(request: SplitRequest, plan: Plan, quantities: dict[str, Decimal], *, conserved: bool = True) -> Plan:
    """The plan with other quantities and every figure right for them."""
    with exactly():
        lines, total, worst = [], ZERO, []
        for line in plan.lines:
            quantity = quantities.get(line.listing_id, line.quantity)
            if quantity <= 0:
                continue
            view = next(one for one in request.view.listings if one.listing.id == line.listing_id)
            rate = request.view.fx_rate(view.listing.quote) or ZERO
            swept = sweep(view, request.side, quantity, rate)
            total += swept.all_in
            worst.append(all_in(view.listing, request.side, swept.worst_price, rate))
            told = {
                "quantity": quantity,
                "limit_price": swept.worst_price,
                "expected_price": swept.average_price,
                "effective_price": swept.effective_price,
                "expected_fee": swept.fee.amount,
            }
            lines.append(replace(line, **told))
        residual = request.quantity - sum((line.quantity for line in lines), ZERO) if conserved else plan.residual
        return replace(
            plan,
            lines=tuple(lines),
            residual=residual,
            residual_reason="forged" if residual else None,
            all_in_cost=total if lines else None,
            marginal_price=max(worst, key=lambda price: price * request.side.sign, default=None),
        )


def _with(plan: Plan, line: PlanLine, changed: PlanLine) -> Plan:
    return replace(plan, lines=tuple(changed if one is line else one for one in plan.lines))


def _step(request: SplitRequest, line: PlanLine) -> Decimal:
    return next(one.listing.step for one in request.view.listings if one.listing.id == line.listing_id)


def _moved(duals: Duals) -> Duals:
    return replace(duals, marginal_price=duals.marginal_price * Decimal("1.01"))


def _emptied(tree: Cut | Leaf) -> Cut | Leaf:
    if isinstance(tree, Leaf):
        return Leaf(duals=None)
    return (
        replace(tree, above=_emptied(tree.above)) if _has_bound(tree.above) else replace(tree, below=Leaf(duals=None))
    )


def _has_bound(tree: Cut | Leaf) -> bool:
    return isinstance(tree, Cut) or tree.duals is not None


def _bps(part: Decimal, whole: Decimal) -> Decimal:
    return ratio(part * 10_000, whole)
