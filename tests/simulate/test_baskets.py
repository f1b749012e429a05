"""Baskets among all faults, judged by what the venues know; and mistakes about their cash, each caught by a seed."""

from collections.abc import Callable

import pytest

from router.simulate.many import run_one, run_seeds
from router.simulate.reach import BASKETS
from router.simulate.swarm import PROFILES
from tests.simulate import basket_mutants as m
from tests.simulate.mutants import Mistake
from tests.simulate.swarm_of import told

PROFILE = PROFILES["baskets"]
SEEDS: dict[Callable[[], Mistake], int] = {
    m.what_was_ordered_counts_as_proceeds: 1,
    m.a_sell_in_doubt_funds_buys: 13,
    m.a_buy_s_fee_is_forgotten: 8,
    m.a_sell_s_fee_is_forgotten: 1,
    m.a_buy_in_doubt_draws_nothing: 1,
    m.proceeds_are_spendable_anywhere: 1,
    m.legs_leave_the_state_one_by_one: 7,
    m.a_basket_never_closes: 0,
}
"""A seed that kills it. When the engine has changed it may be another: they are tried in order."""
SEEDS_MOST = 150
_DAILY = 3


@pytest.mark.parametrize("seed", range(2))
def test_a_basket_spends_what_it_may(seed: int) -> None:
    """Every fault class there is, each seed with its own choice of them."""
    ran = run_one(seed, PROFILE)

    assert not ran.breaches, told([ran])


@pytest.mark.nightly
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("first", range(0, 400, 100))
def test_many_baskets(first: int) -> None:
    """No breach in a hundred seeds, and every situation was there."""
    every = list(run_seeds(first, 100, PROFILE, workers=1))
    failed = [ran for ran in every if ran.breaches]

    assert not failed, told(failed)
    seen = {name for ran in every if ran.outcome is not None for name in ran.outcome.reached}
    assert set(BASKETS) <= seen


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "mistake",
    [pytest.param(one, marks=[] if number < _DAILY else [pytest.mark.nightly]) for number, one in enumerate(SEEDS)],
    ids=lambda mistake: mistake.__name__,
)
def test_the_simulation_kills_it(mistake: Callable[[], Mistake]) -> None:
    """A breach the judge names, or an assertion that trips in the engine; without the mistake the seed is sound."""
    with mistake():
        seeds = (SEEDS[mistake], *range(SEEDS_MOST))
        caught = next((seed for seed in seeds if run_one(seed, PROFILE).breaches), None)

    assert caught is not None
    assert not run_one(caught, PROFILE).breaches
