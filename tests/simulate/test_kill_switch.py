"""The kill switch: after a halt no venue accepts anything once the longest request deadline is over (I5)."""

from dataclasses import replace
from unittest.mock import patch

import pytest

from router.runtime.switch import Switch
from router.simulate.run import Outcome, simulate
from router.simulate.swarm import PROFILES, draw

_EVERY_S = 4
"""Virtual seconds between two words of somebody at the switch."""
_KILLS_A_NIGHT = 10_000
_SEEDS_MOST = 2_000
_RACES_LEAST = 50
"""Orders on their way to a venue when the switch fell: a night without them would show little."""
_SEEDS_TO_SEE_IT = 20


def kills(seed: int) -> Outcome:
    """A seed's world, in which somebody is at the kill switch all the time."""
    profile = PROFILES["default"]
    return simulate(seed, profile, replace(draw(seed, profile), halt_rate=1 / _EVERY_S, slow_socket=0.5))


def test_nothing_is_accepted_after_a_kill() -> None:
    """Some of them; ten thousand at night."""
    outcome = kills(1)
    assert not outcome.breaches, outcome.breaches
    assert outcome.reached["halt took hold"] > 10


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_nothing_is_accepted_after_ten_thousand_kills() -> None:
    """Whatever else goes wrong at the same time."""
    done = raced = accepted = 0
    for seed in range(_SEEDS_MOST):
        outcome = kills(seed)
        assert not outcome.breaches, (seed, outcome.breaches)
        done += outcome.reached["halt took hold"]
        raced += outcome.reached["accepted after a halt, in time"]
        accepted += outcome.accepted
        if done >= _KILLS_A_NIGHT:
            print(f"{done:,} kills over {seed + 1:,} seeds, {accepted:,} orders accepted, {raced:,} of them raced one")
            assert raced >= _RACES_LEAST
            return
    raise AssertionError(f"only {done} kills in {_SEEDS_MOST} seeds")


@pytest.mark.nightly
def test_a_gate_that_does_not_look_at_the_switch_is_seen() -> None:
    """The planted mistake: what was approved before a kill leaves after it."""
    with patch.object(Switch, "gate", lambda *_args: lambda: None):
        assert any("I5" in {one.invariant for one in kills(seed).breaches} for seed in range(_SEEDS_TO_SEE_IT))
