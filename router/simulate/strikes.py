"""What a seed does to the live shell: how often it is struck, where, and how."""

import random
from dataclasses import dataclass

from router.simulate.swarm import Profile


@dataclass(frozen=True, kw_only=True, slots=True)
class Strikes:
    """What a seed does to the shell beside what `Swarm` does to the world.

    `per_step`: strikes per step of a process, at exactly one await; `at_points`: probability at each named point;
    `shares`: of kill, pause, cancel, drain. `drain_rate`: SIGTERM per virtual second.
    """

    per_step: float
    at_points: float
    shares: tuple[float, float, float, float]
    drain_rate: float
    read_lost: float
    standby: bool
    snapshot_every: int
    halt_at_wire: float = 0.0
    """How often people ask for a halt just while a request is being built."""


def strikes_of(seed: int, profile: Profile) -> Strikes:
    """The seed's."""
    draws = random.Random(f"{seed}:{profile.name}:strikes on the shell")

    def on(*most: float) -> float:
        return draws.choice(most) * profile.strength if draws.random() < 0.5 else 0.0  # noqa: PLR2004 - an even chance

    return Strikes(
        per_step=on(1 / 6_000, 1 / 1_500, 1 / 400),
        at_points=on(0.003, 0.01, 0.03),
        shares=(draws.random(), draws.random(), draws.random(), draws.random()),
        drain_rate=on(1 / 60, 1 / 15),
        read_lost=on(0.0005),
        standby=profile.strength > 0 and draws.random() < 0.5,  # noqa: PLR2004 - an even chance
        snapshot_every=draws.choice((7, 40, 400)),
        halt_at_wire=on(0.005, 0.02),
    )
