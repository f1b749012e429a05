"""What a plan is proven to be: the worked examples' bounds, and that the proof is a bound."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.ids import AccountId, Asset, VenueId
from router.model.side import Side
from router.split.certificate import Certificate, Status
from router.split.check import violations
from router.split.plan import Landing, SplitOptions, SplitRequest
from router.split.proof import Effort, prove
from router.split.verify import faults
from tests.split.markets import lid, market
from tests.split.test_oracle import any_request, cheapest
from tests.split.test_worked_examples import W1, W7, quantities
from tests.split.wild import wild_request

TO_THE_END = Effort(tolerance_bps=Decimal(0), nodes_max=3_000)
NOISE = Decimal("1e-9")


def proven(request: SplitRequest) -> tuple[dict[str, Decimal], Certificate]:
    """Quantities and certificate of a plan proven best, whose proof holds."""
    proof = prove(request, TO_THE_END)
    certificate = proof.certificate
    assert certificate is not None
    assert faults(request, proof.plan, certificate) == ()
    assert certificate.status is Status.OPTIMAL
    assert proof.better is None
    assert certificate.lower_lp <= certificate.lower_hull <= certificate.lower <= certificate.upper
    return quantities(proof.plan), certificate


def test_w1_the_sweep_proves_itself():
    _, certificate = proven(SplitRequest(view=market(W1), side=Side.BUY, quantity=Decimal(3)))
    assert certificate.upper == certificate.lower == certificate.lower_lp == Decimal("180185.031")
    assert certificate.root.marginal_price == Decimal("60070.01")
    assert certificate.nodes == 0


def test_w4_the_bound_without_lots_is_short_and_branching_closes_the_gap():
    request = SplitRequest(
        view=market("""
            A BTC/USD fee=10 step=0.001 minimum=0.001 notional=10 : 60000x1
            B BTC/USD fee=10 notional=25 : 60036x1
        """),
        side=Side.BUY,
        quantity=Decimal("0.00234"),
        options=SplitOptions(residual_price=Decimal(61000)),
    )
    taken, certificate = proven(request)
    assert taken == {lid("A"): Decimal("0.001"), lid("B"): Decimal("0.00134")}
    assert round(certificate.upper, 6) == Decimal("140.588688")
    assert round(certificate.lower_lp, 6) == round(certificate.lower_hull, 6) == Decimal("140.552652")
    gap = 10_000 * (certificate.upper - certificate.lower_hull) / certificate.upper
    assert round(gap, 4) == Decimal("2.5632")


def test_w5_an_order_that_costs_and_the_portable_certificate():
    """The best-priced venue stays unused: its order costs too much for what it shows."""
    request = SplitRequest(
        view=market("""
            A BTC/USD : 60000x0.3
            B BTC/USD : 60030x0.5 60045x3
            C BTC/USD : 60020x0.4
        """),
        side=Side.BUY,
        quantity=Decimal(1),
        options=SplitOptions(
            residual_price=Decimal(61000),
            order_costs={lid("A"): Decimal(20), lid("B"): Decimal(1), lid("C"): Decimal(2)},
        ),
    )
    taken, certificate = proven(request)
    assert taken == {lid("B"): Decimal("0.6"), lid("C"): Decimal("0.4")}
    assert certificate.upper == certificate.lower_hull == Decimal("60030.5")
    assert certificate.lower_lp == Decimal("60030.1")
    assert (certificate.root.marginal_price, certificate.root.order_price) == (Decimal(60045), 0)
    _, alone = proven(replace(request, venues_include=frozenset({VenueId("B")})))
    assert alone.upper == Decimal("60038.5")


@pytest.mark.parametrize(("orders", "cost"), [(4, "900.29"), (3, "900.44"), (2, "900.60"), (1, "911.50")])
def test_w6_few_orders(orders: int, cost: str):
    request = SplitRequest(
        view=market("""
            A BTC/USD : 100.00x3 100.30x5
            B BTC/USD : 100.05x3 100.35x5
            C BTC/USD : 100.10x6
            D BTC/USD : 100.02x2 100.50x5
        """),
        side=Side.BUY,
        quantity=Decimal(9),
        options=SplitOptions(children_max=orders, residual_price=Decimal(110)),
    )
    _, certificate = proven(request)
    assert certificate.upper == Decimal(cost)
    if orders == 3:
        assert abs(certificate.lower_hull - Decimal("900.33")) < Decimal("1e-6")


def test_w7_what_more_of_the_shared_base_is_worth_stands_in_the_certificate():
    held = {(AccountId("V/main"), Asset("BTC")): Decimal("0.8"), (AccountId("W/main"), Asset("BTC")): Decimal(5)}
    request = SplitRequest(
        view=market(W7, Side.SELL, USDT="0.999"), side=Side.SELL, quantity=Decimal("1.5"), spendable=held
    )
    _, certificate = proven(request)
    assert certificate.upper == Decimal("-149.9348426")
    shares = dict(certificate.root.shares)
    assert round(shares["balance V/main BTC"], 9) == Decimal("0.049925")


def test_w8_price_against_certainty():
    """What is cheap but may be gone loses to what is dearer and there."""
    request = SplitRequest(
        view=market("""
            A BTC/USD : 100.00x4 100.05x4
            B BTC/USD : 100.06x8
            C BTC/USD : 100.02x2 100.10x6
        """),
        side=Side.BUY,
        quantity=Decimal(10),
        landing=Landing(
            survival={
                lid("A"): (Decimal("0.60"),),
                lid("B"): (Decimal("0.95"),),
                lid("C"): (Decimal("0.90"), Decimal("0.85")),
            },
            fallback_price=Decimal("100.30"),
        ),
    )
    taken, certificate = proven(request)
    assert taken == {lid("B"): Decimal(8), lid("C"): Decimal(2)}
    assert certificate.upper == Decimal("1000.672")


@pytest.mark.parametrize("seed", range(20))
def test_nothing_possible_is_below_the_bound(seed: int):
    """Beside every plan there is, on markets small enough to try them all; and the plan proven is the best of them."""
    rng = random.Random(f"bound/{seed}")
    request = any_request(rng)
    proof = prove(request, TO_THE_END)
    if proof.certificate is None:
        return
    best = cheapest(request, proof.certificate.residual_price)
    assert proof.certificate.lower <= best + NOISE * abs(best)
    saved = (proof.better_bps or 0) * proof.certificate.notional / 10_000
    assert abs(proof.certificate.upper - saved - best) <= NOISE * abs(best)


@pytest.mark.parametrize("seed", [*range(60), 4146])
def test_with_everything_on_at_once_the_proof_closes_and_holds(seed: int):
    """No plan breaks a rule, no proof is doubted by the verifier, and no gap stays open."""
    request = wild_request(seed)
    proof = prove(request, TO_THE_END)
    assert violations(request, proof.plan) == ()
    if proof.certificate is not None:
        assert faults(request, proof.plan, proof.certificate) == ()
        assert proof.certificate.gap_bps - (proof.better_bps or 0) <= Decimal("1e-6")
    if proof.better is not None:
        assert violations(request, proof.better) == ()


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(10))
def test_many_with_everything_on_at_once(block: int):
    for seed in range(1_000 * (block + 1), 1_000 * (block + 2)):
        test_with_everything_on_at_once_the_proof_closes_and_holds(seed)
