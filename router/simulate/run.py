"""One seed, from the first event to the verdict; and many of them."""

import hashlib
from collections import Counter
from dataclasses import dataclass

from router.model.ids import AccountId
from router.model.instruments import Listing
from router.model.money import exactly
from router.model.orders import ChildState
from router.model.terms import Fence
from router.simulate.judge import Breach, whole
from router.simulate.scene import KINDS, MS, START_NS, S
from router.simulate.swarm import PROFILES, Profile, Swarm, draw
from router.simulate.world import SimWorld

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


def again(seed: int, profile: Profile) -> str:
    """The command that runs a seed again."""
    usual = PROFILES.get(profile.name)
    hours = "" if usual == profile else f" --hours {profile.faulty_s / 3_600:g}"
    return f"sor simulate --seed {seed} --profile {profile.name}{hours}"


def simulate(seed: int, profile: Profile | str = "default", swarm: Swarm | None = None) -> Outcome:
    """Run one seed to its end."""
    return simulated(seed, profile, swarm)[0]


def simulated(seed: int, profile: Profile | str = "default", swarm: Swarm | None = None) -> tuple[Outcome, SimWorld]:
    """The same, with the world as it was left."""
    profile = PROFILES[profile] if isinstance(profile, str) else profile
    world = SimWorld(seed, profile, swarm or draw(seed, profile))
    with exactly():
        return _run(seed, world), world


def settle(world: SimWorld) -> None:
    """The phase with faults, and then time for everything to come to its end."""
    agenda = world.agenda
    until(world, START_NS + int(world.profile.faulty_s * S))
    world.heal()
    end_ns = agenda.now_ns + int(world.profile.heal_s * S)
    quiet = 0
    while agenda.now_ns < end_ns and quiet < _QUIET_LOOKS:
        until(world, agenda.now_ns + _LOOK_NS)
        quiet = quiet + 1 if world.quiet() else 0
    until(world, agenda.now_ns + _SETTLE_NS)


def _run(seed: int, world: SimWorld) -> Outcome:
    agenda = world.agenda
    world.begin()
    settle(world)
    while (driver := world.driver) is None or not driver.idle:
        until(world, agenda.now_ns + MS)
    world.judge.conclude(
        driver.engine,
        world.journal,
        agenda.now_ns,
        unfenced=may_leave_doubts(world),
        backlog=driver.backlog,
        standing=world.trouble.orphans_standing(),
    )
    blotter = whole(driver.engine, world.journal.read())
    children = blotter.children.values()
    return Outcome(
        seed=seed,
        profile=world.profile.name,
        breaches=tuple(world.judge.breaches),
        parents=len(blotter.parents),
        children=len(children),
        accepted=world.judge.accepts,
        quarantined=sum(1 for child in children if child.state is ChildState.QUARANTINED),
        virtual_s=(agenda.now_ns - START_NS) / S,
        steps=agenda.steps,
        reached=reached(world),
        digest=_digest(world),
    )


def reached(world: SimWorld) -> dict[str, int]:
    """What happened, in the world and at its venues, and how often."""
    found = Counter(world.reached)
    for listing in world.listings():
        found.update(world.venue(listing.account).reached)
    found.update({"halt took hold": len(world.judge.kills), "accepted after a halt, in time": world.judge.raced})
    return dict(sorted(found.items()))


def may_leave_doubts(world: SimWorld) -> frozenset[AccountId]:
    """Accounts where a child may end up with a person."""
    return frozenset(one.account for one in world.listings() if _may_leave_a_doubt(world, one))


def _may_leave_a_doubt(world: SimWorld, listing: Listing) -> bool:
    """Where nothing proves absence, or others' trades or a short memory may stand in the way of a proof."""
    fenced = KINDS[str(listing.venue)].fence is Fence.DEADLINE
    return not fenced or world.swarm.retention_s is not None or listing.account in world.judge.touched


def until(world: SimWorld, until_ns: int) -> None:
    """Take every step that is due by then."""
    while world.agenda.take(until_ns):
        pass


def _digest(world: SimWorld) -> str:
    found = hashlib.blake2b(world.journal.digest().encode(), digest_size=16)
    for account, venue in sorted((str(one.account), world.venue(one.account)) for one in world.listings()):
        found.update(account.encode())
        found.update(repr(venue.all_trades()).encode())
    return found.hexdigest()
