"""A slice of seeds, run once for a test module, and what must be seen in every slice."""

from router.simulate.many import Ran, Tally, run_seeds
from router.simulate.reach import seldom
from router.simulate.swarm import PROFILES


def add(found: Tally, first: int, seeds: int) -> list[Ran]:
    """Some seeds of the usual profile; those that failed."""
    before = len(found.failed)
    for ran in run_seeds(first, seeds, PROFILES["default"], workers=1):
        found.add(ran)
    return found.failed[before:]


def told(failed: list[Ran]) -> str:
    """Every failure with the command that runs it again."""
    return "\n".join(f"{ran.again}: {breach.invariant}: {breach.detail}" for ran in failed for breach in ran.breaches)


def unreached(found: Tally) -> list[str]:
    """What was never seen."""
    return list(seldom(found.reached))
