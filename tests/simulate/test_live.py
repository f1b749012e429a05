"""Seeds of the live shell, struck at its awaits, judged by what the venues and the database know."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from router.simulate.live import simulate_live
from router.simulate.run import Outcome
from router.simulate.swarm import Profile
from tests.simulate.shell_mutants import PLANTED, SHORT, Planted

ROOT = Path(__file__).parents[2]
STORM = Profile(name="short storm", parents=(3, 6), faulty_s=60, heal_s=900, strength=3.0)


def told(outcome: Outcome) -> str:
    return "\n".join(
        [f"seed {outcome.seed}, {outcome.profile}", *(f"{one.invariant}: {one.detail}" for one in outcome.breaches)]
    )


def test_the_live_shell_does_nothing_twice_and_loses_nothing() -> None:
    """Killed, frozen, cancelled, drained at any await, beside a second driver, over a database that fails."""
    outcomes = [simulate_live(seed, profile) for seed in range(3) for profile in (SHORT, STORM)]

    broken = [told(outcome) for outcome in outcomes if outcome.breaches]
    assert not broken, "\n\n".join(broken)
    assert sum(outcome.children for outcome in outcomes) > 100


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("profile", "block"), [("calm", 0), *((profile, block) for profile in ("default", "storm") for block in range(8))]
)
def test_many_seeds_of_the_live_shell(profile: str, block: int) -> None:
    """20 seeds a block."""
    outcomes = [simulate_live(seed, profile) for seed in range(20 * block, 20 * (block + 1))]

    broken = [told(outcome) for outcome in outcomes if outcome.breaches]
    assert not broken, "\n\n".join(broken)


def test_a_seed_of_the_live_shell_is_the_same_in_every_process_and_on_a_file(tmp_path: Path) -> None:
    """Another process, another order of hashes, a database on disk: the same chain of rows and the same trades."""
    code = (
        "from router.simulate.live import simulate_live; from tests.simulate.test_live import SHORT; "
        "print(simulate_live(2, SHORT).digest)"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "777"},
    ).stdout

    assert simulate_live(2, SHORT, file=tmp_path / "sor.db").digest + "\n" == other


BY_DAY = {"a_halt_queues", "a_request_is_consumed_by_itself"}


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param(one, id=one.mistake.__name__, marks=() if one.mistake.__name__ in BY_DAY else pytest.mark.nightly)
        for one in PLANTED
    ],
)
def test_a_planted_mistake_of_the_shell_is_found(planted: Planted) -> None:
    """By one of the first seeds, which is clean without it."""
    for seed in range(24):
        with planted.mistake():
            found = simulate_live(seed, SHORT, planted.swarm(seed), planted.strikes)
        if found.breaches:
            clean = simulate_live(seed, SHORT, planted.swarm(seed), planted.strikes)
            assert not clean.breaches, told(clean)
            return
    pytest.fail("no seed finds it")
