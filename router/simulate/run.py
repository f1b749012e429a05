"""One seed, from the first event to the verdict; and many of them."""

import hashlib
from dataclasses import dataclass

from router.model.money import exactly
from router.model.orders import ChildState
from router.model.terms import Fence
from router.simulate.judge import Breach
from router.simulate.process import MS
from router.simulate.swarm import PROFILES, Profile, Swarm, draw
from router.simulate.world import KINDS, START_NS, S, SimWorld

_LOOK_NS = 5 * S
_QUIET_LOOKS = 3
_SETTLE_NS = 30 * S
"""After everything has ended, accounts are read once more: balances must come out too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one seed. `digest` is the same in every process that runs it."""

    seed: int
    profile: str
    breaches: tuple[Breach, ...]
    parents: int
    children: int
    accepted: int
    quarantined: int
    virtual_s: float
    steps: int
    reached: dict[str, int]
    digest: str

    @property
    def again(self) -> str:
        """The command that runs it again."""
        return f"sor simulate --seed {self.seed} --profile {self.profile}"


def simulate(seed: int, profile: Profile | str = "default", swarm: Swarm | None = None) -> Outcome:
    """Run one seed to its end."""
    return simulated(seed, profile, swarm)[0]


def simulated(seed: int, profile: Profile | str = "default", swarm: Swarm | None = None) -> tuple[Outcome, SimWorld]:
    """The same, with the world as it was left."""
    profile = PROFILES[profile] if isinstance(profile, str) else profile
    world = SimWorld(seed, profile, swarm or draw(seed, profile))
    with exactly():
        return _run(seed, world), world


def _run(seed: int, world: SimWorld) -> Outcome:
    agenda = world.agenda
    world.begin()
    _until(world, START_NS + int(world.profile.faulty_s * S))
    world.heal()
    end_ns = agenda.now_ns + int(world.profile.heal_s * S)
    quiet = 0
    while agenda.now_ns < end_ns and quiet < _QUIET_LOOKS:
        _until(world, agenda.now_ns + _LOOK_NS)
        quiet = quiet + 1 if world.quiet() else 0
    _until(world, agenda.now_ns + _SETTLE_NS)
    while (driver := world.driver) is None or not driver.idle:
        _until(world, agenda.now_ns + MS)
    unfenced = frozenset(one.account for one in world.listings() if KINDS[str(one.venue)].fence is not Fence.DEADLINE)
    world.judge.conclude(driver.engine, world.journal, agenda.now_ns, unfenced=unfenced)
    children = driver.engine.state.blotter.children.values()
    return Outcome(
        seed=seed,
        profile=world.profile.name,
        breaches=tuple(world.judge.breaches),
        parents=len(driver.engine.state.blotter.parents),
        children=len(children),
        accepted=world.judge.accepts,
        quarantined=sum(1 for child in children if child.state is ChildState.QUARANTINED),
        virtual_s=(agenda.now_ns - START_NS) / S,
        steps=agenda.steps,
        reached=dict(sorted(world.reached.items())),
        digest=_digest(world),
    )


def _until(world: SimWorld, until_ns: int) -> None:
    while world.agenda.take(until_ns):
        pass


def _digest(world: SimWorld) -> str:
    found = hashlib.blake2b(world.journal.digest().encode(), digest_size=16)
    for account, venue in sorted((str(one.account), world.venue(one.account)) for one in world.listings()):
        found.update(account.encode())
        found.update(repr(venue.all_trades()).encode())
    return found.hexdigest()
