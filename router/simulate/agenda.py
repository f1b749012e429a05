"""Virtual time: what happens next, and whose step it is.

A step belongs to a process or to the world. A killed process takes no further step, not even its clean-up; a paused one
takes its steps when it goes on, all the later for it. Steps at one instant happen in the order they
were put down, or as a seed decides where one is given.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

from router.model.ids import Nanos

Step = Callable[[], None]

_EPOCH = Nanos(0)


@dataclass(slots=True)
class Whose:
    """A process, as far as time is concerned."""

    dead: bool = False
    paused_until_ns: Nanos = _EPOCH


class Agenda:
    """All that is still to happen. `steps` counts what did. `ties`: decides between steps at one instant."""

    def __init__(self, start_ns: Nanos, ties: random.Random | None = None) -> None:
        self.now_ns = start_ns
        self.steps = 0
        self._ties = ties
        self._heap: list[tuple[int, float, int, Step, Whose | None]] = []
        self._put = 0
        self._of_the_dead: list[Step] = []

    def at(self, when_ns: int, step: Step, whose: Whose | None = None) -> None:
        """Take this step then; now, if that has passed."""
        self._put += 1
        tie = 0.0 if self._ties is None else self._ties.random()
        heapq.heappush(self._heap, (max(when_ns, self.now_ns), tie, self._put, step, whose))

    def after(self, delay_ns: int, step: Step, whose: Whose | None = None) -> None:
        """Take this step so much later."""
        self.at(self.now_ns + delay_ns, step, whose)

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next_ns(self) -> int:
        """When the next step is due."""
        return self._heap[0][0] if self._heap else self.now_ns

    def only_processes(self) -> None:
        """The world stands still: what is left are the steps of processes, and those that the dead never took, now."""
        steps = [one[3] for one in sorted(self._heap, key=lambda one: one[:3]) if one[4] is not None]
        steps += self._of_the_dead
        self._heap.clear()
        self._of_the_dead.clear()
        for step in steps:
            self.at(self.now_ns, step)

    def take(self, until_ns: int) -> bool:
        """Take the next step that is due by then; False when there is none."""
        if not self._heap or self._heap[0][0] > until_ns:
            self.now_ns = Nanos(max(self.now_ns, until_ns))
            return False
        when_ns, tie, put, step, whose = heapq.heappop(self._heap)
        if whose is not None:
            if whose.dead:
                self._of_the_dead.append(step)
                return True
            if whose.paused_until_ns > when_ns:
                heapq.heappush(self._heap, (whose.paused_until_ns, tie, put, step, whose))
                return True
        self.now_ns = Nanos(when_ns)
        self.steps += 1
        step()
        return True
