"""A slice of seeds, run once for a test module, and what must be seen in every slice."""

from router.simulate.many import Ran, Tally, run_seeds
from router.simulate.reach import seldom
from router.simulate.swarm import PROFILES

TEN = 10


class Slice:
    """Seeds of the usual profile, ten at a time, and what they found together."""

    def __init__(self, seeds: range) -> None:
        self.tens = seeds[::TEN]
        self.found = Tally()
        self._ran: set[int] = set()

    def run(self, first: int) -> list[Ran]:
        """Ten of them, from `first` on; those that failed."""
        self._ran.add(first)
        before = len(self.found.failed)
        for ran in run_seeds(first, TEN, PROFILES["default"], workers=1):
            self.found.add(ran)
        return self.found.failed[before:]

    def run_the_rest(self) -> list[Ran]:
        """Those nobody ran here: left out, or run by a worker that is gone."""
        return [ran for first in self.tens if first not in self._ran for ran in self.run(first)]

    @property
    def unreached(self) -> list[str]:
        """What was never seen."""
        return list(seldom(self.found.reached))


def told(failed: list[Ran]) -> str:
    """Every failure with the command that runs it again."""
    return "\n".join(f"{ran.again}: {breach.invariant}: {breach.detail}" for ran in failed for breach in ran.breaches)
