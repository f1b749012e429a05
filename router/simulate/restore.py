"""The fault class of a restored backup: the database goes, and a copy from some time before takes its place.

Whoever drives dies with it, paused ones too: that no driver of the life before is still about is the operator's word.
Requests that rows of the lost time had consumed are handed in again by those who made them.
"""

import random

from router.simulate.scene import S
from router.simulate.swarm import Profile, Swarm
from router.simulate.world import SimWorld


class RestoredWorld(SimWorld):
    """Once, in the middle of its faulty phase, the journal is cut back to an older prefix.

    Nobody amends: of an amendment that was lost nothing is left to be found, and the parent is told as overfilled.
    """

    amends = False

    def __init__(self, seed: int, profile: Profile, swarm: Swarm) -> None:
        super().__init__(seed, profile, swarm)
        self._chance = random.Random(f"{seed}:{profile.name}:restore")

    def begin(self) -> None:
        """As ever; and some time later the journal is cut."""
        super().begin()
        at_ns = self.agenda.now_ns + int(self._chance.uniform(0.3, 0.9) * self.profile.faulty_s * S)
        self.agenda.at(at_ns, self._bring_back)

    def _bring_back(self) -> None:
        for process in tuple(self.processes):
            self.kill(process)
        kept = self._chance.randint(0, len(self.journal.rows))
        self.count("restored from a backup")
        self.journal.cut_back(kept)
        self.judge.archived.clear()
        self.incarnation += 1
