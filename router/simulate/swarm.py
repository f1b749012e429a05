"""What a seed switches on. Each class of faults is off with an even chance, so that no fault hides behind another.

(Swarm testing: leaving features out at random finds more than having all of them on.)
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connectors.sim import WireFaults


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How much of everything. Times in virtual seconds."""

    name: str
    parents: tuple[int, int]
    faulty_s: float
    heal_s: float
    strength: float
    """Times every probability; 0 is a world without faults."""


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "calm": Profile(name="calm", parents=(8, 16), faulty_s=120, heal_s=300, strength=0.0),
        "default": Profile(name="default", parents=(10, 24), faulty_s=240, heal_s=900, strength=1.0),
        "storm": Profile(name="storm", parents=(10, 24), faulty_s=240, heal_s=900, strength=3.0),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Swarm:
    """One seed's choice. Rates are per virtual second, probabilities per occasion.

    `strikes`: probability to be killed, and to be paused, at each named point. `pause_s_max`: the longest pause.
    """

    kinds: tuple[str, ...]
    parents: int
    wire: WireFaults
    read_lag_ms: int
    trade_lag_ms: int
    spelled: bool
    skew_ms: int
    kill_rate: float
    pause_rate: float
    strike_kill: float
    strike_pause: float
    pause_s_max: float
    outage_rate: float
    storm_rate: float
    symbol_halt_rate: float
    stale_rate: float
    gap_rate: float
    rests_rate: float
    rejects_rate: float
    drain_rate: float
    cancel_share: float
    halt_rate: float
    slow_socket: float
    commit_slow: float
    commit_lost: float
    database_down_rate: float


def draw(seed: int, profile: Profile) -> Swarm:
    """The seed's swarm."""
    draws = random.Random(f"{seed}:{profile.name}:swarm")

    def on(most: float) -> float:
        """Off, or up to three times more or less than `most`."""
        if draws.random() < 0.5:  # noqa: PLR2004 - an even chance
            return 0.0
        return most * draws.choice((0.3, 1.0, 3.0)) * profile.strength

    return Swarm(
        kinds=tuple(sorted(draws.sample(("perm", "first", "open", "never", "none"), draws.randint(2, 5)))),
        parents=draws.randint(*profile.parents),
        wire=WireFaults(
            not_sent=on(0.02),
            lost=on(0.03),
            late=on(0.03),
            twice=on(0.03),
            turned_away=on(0.03),
            limited=on(0.02),
            answer_lost=on(0.05),
            answer_late=on(0.05),
            garbled=on(0.05),
            hint_lost=on(0.2),
            hint_twice=on(0.2),
            hint_late=on(0.2),
        ).scaled(1.0),
        read_lag_ms=draws.choice((0, 0, 300, 2_000)),
        trade_lag_ms=draws.choice((0, 0, 500, 3_000)),
        spelled=draws.random() < 0.1,  # noqa: PLR2004 - the codec costs more than all the rest
        skew_ms=draws.choice((0, 200)) if profile.strength else 0,
        kill_rate=on(1 / 30),
        pause_rate=on(1 / 40),
        strike_kill=on(0.002),
        strike_pause=on(0.002),
        pause_s_max=draws.choice((2.0, 15.0, 90.0)),
        outage_rate=on(1 / 60),
        storm_rate=on(1 / 60),
        symbol_halt_rate=on(1 / 90),
        stale_rate=on(1 / 60),
        gap_rate=on(1 / 20),
        rests_rate=on(1 / 90),
        rejects_rate=on(1 / 90),
        drain_rate=on(1 / 60),
        cancel_share=on(0.1),
        halt_rate=on(1 / 120),
        slow_socket=on(0.2),
        commit_slow=on(0.03),
        commit_lost=on(0.005),
        database_down_rate=on(1 / 120),
    )
