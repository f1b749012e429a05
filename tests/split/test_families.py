"""Four families of random splits with the settings of production: proven close, and no worse than an exact solver."""

import random
from decimal import Decimal
from functools import cache

import pytest

from router.model.money import bps_of
from router.split.check import violations
from router.split.compare import compare
from router.split.proof import Proof, prove
from router.split.verify import faults
from tests.split.families import FAMILIES, solved

CLOSE_BPS = Decimal("0.01")
BY_DAY = 40
BY_NIGHT = 1_000


@pytest.mark.parametrize("family", FAMILIES)
def test_proven_close_and_no_worse_than_the_solver(family: str):
    """Always within the rules; 95 % proven to a hundredth of a basis point; some of them beside the solver."""
    _judge(family, range(BY_DAY), beside_solver=8)


@pytest.mark.nightly
@pytest.mark.parametrize("family", FAMILIES)
def test_a_thousand_each_and_all_beside_the_solver(family: str):
    _judge(family, range(BY_NIGHT), beside_solver=1)


def _judge(family: str, numbers: range, *, beside_solver: int) -> None:
    proven = 0
    for number in numbers:
        request, proof = _case(family, number)
        certificate = proof.certificate
        assert certificate is not None
        assert violations(request, proof.plan) == ()
        assert faults(request, proof.plan, certificate) == ()
        assert proof.better is None or violations(request, proof.better) == ()
        gap_bps = certificate.gap_bps - (proof.better_bps or 0)
        proven += gap_bps <= CLOSE_BPS
        if number % beside_solver == 0:
            best = certificate.upper - (proof.better_bps or 0) * certificate.notional / 10_000
            other = solved(request, certificate.residual_price)
            if other is not None:
                assert bps_of(best - other, certificate.notional) <= CLOSE_BPS, (family, number)
                # A fee in base is rounded at the 24th place, level by level in the bound and once in a cost.
                assert certificate.lower <= other + Decimal("1E-18"), (family, number)
    assert proven >= 0.95 * len(numbers)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_dearer_than_the_best_single_venue_or_a_proportional_split(family: str):
    """Under the same rules, to a thousandth of a basis point, which is where the search stops looking."""
    _dominates(family, range(BY_DAY))


@pytest.mark.nightly
@pytest.mark.parametrize("family", FAMILIES)
def test_no_dearer_over_five_hundred(family: str):
    _dominates(family, range(500))


def _dominates(family: str, numbers: range) -> None:
    for number in numbers:
        request, proof = _case(family, number)
        found = compare(request, proof.plan)
        for other in (found.best_single, found.proportional, found.sequential, found.fee_blind):
            assert other is not None
            assert violations(request, other.plan) == ()
            assert other.saving_bps is not None
            assert other.saving_bps >= Decimal("-0.001"), (family, number, other.name)


@cache
def _case(family: str, number: int) -> tuple[object, Proof]:
    request = FAMILIES[family](random.Random(f"{family}/{number}"))
    return request, prove(request)
