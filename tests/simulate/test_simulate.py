"""Seeds of the simulation, judged by what the venues know."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from router.simulate.run import Outcome, simulate

ROOT = Path(__file__).parents[2]
STORMS = range(40)


def told(outcome: Outcome) -> str:
    return "\n".join([outcome.again, *(f"{one.invariant}: {one.detail}" for one in outcome.breaches)])


@pytest.mark.parametrize("seed", range(4))
def test_a_calm_world_fills_what_it_can(seed: int) -> None:
    """Without faults every child is accepted once, but those that may not take and would have; every end is reached."""
    outcome = simulate(seed, "calm")

    assert not outcome.breaches, told(outcome)
    refused = outcome.reached.get("post-only would have taken", 0)
    assert outcome.accepted + refused == outcome.children > 0
    assert outcome.quarantined == 0


@pytest.mark.nightly
@pytest.mark.parametrize("seed", STORMS)
def test_nothing_twice_nothing_lost_in_a_storm(seed: int) -> None:
    """Three times as much of everything that goes wrong: the invariants hold and everything comes to its end."""
    outcome = stormed(seed)

    assert not outcome.breaches, told(outcome)


@pytest.mark.nightly
def test_a_storm_leaves_something_to_do() -> None:
    """In one seed or another nothing can be sent at all; in most there is."""
    assert sum(stormed(seed).children > 0 for seed in STORMS) > len(STORMS) / 2


@cache
def stormed(seed: int) -> Outcome:
    return simulate(seed, "storm")


def test_a_seed_is_the_same_in_every_process() -> None:
    """Another process, another order of hashes: the same rows and the same trades."""
    code = "from router.simulate.run import simulate; print(simulate(5).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "777")
    }

    assert digests == {simulate(5).digest + "\n"}
