"""Virtual time: what happens next, and whose step it is.

A step belongs to a process or to the world. A killed process takes no further step, not even its clean-up; a paused one
takes its steps when it goes on, all the later for it (RELIABILITY §6.1). Steps at one instant happen in the order they
were put down.
"""

import heapq
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
    """All that is still to happen. `steps` counts what did."""

    def __init__(self, start_ns: Nanos) -> None:
        self.now_ns = start_ns
        self.steps = 0
        self._heap: list[tuple[int, int, Step, Whose | None]] = []
        self._put = 0

    def at(self, when_ns: int, step: Step, whose: Whose | None = None) -> None:
        """Take this step then; now, if that has passed."""
        self._put += 1
        heapq.heappush(self._heap, (max(when_ns, self.now_ns), self._put, step, whose))

    def after(self, delay_ns: int, step: Step, whose: Whose | None = None) -> None:
        """Take this step so much later."""
        self.at(self.now_ns + delay_ns, step, whose)

    def take(self, until_ns: int) -> bool:
        """Take the next step that is due by then; False when there is none."""
        if not self._heap or self._heap[0][0] > until_ns:
            self.now_ns = Nanos(max(self.now_ns, until_ns))
            return False
        when_ns, put, step, whose = heapq.heappop(self._heap)
        if whose is not None:
            if whose.dead:
                return True
            if whose.paused_until_ns > when_ns:
                heapq.heappush(self._heap, (whose.paused_until_ns, put, step, whose))
                return True
        self.now_ns = Nanos(when_ns)
        self.steps += 1
        step()
        return True
