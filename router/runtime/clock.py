"""The one place that makes a timestamp."""

import time

from router.model.ids import Nanos


class SystemClock:
    """UTC anchored once, then carried by the monotonic clock: a step of the wall clock does not move it (D14).

    It never shows less than `floor_ns`, the last time that was journaled, whoever wrote it.
    """

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._floor_ns = Nanos(0)

    def now(self) -> Nanos:
        """UTC nanoseconds, never going back."""
        self._floor_ns = Nanos(max(self._floor_ns, time.monotonic_ns() + self._offset_ns))
        return self._floor_ns

    def raise_floor(self, floor_ns: Nanos) -> None:
        """Somebody before us journaled this time: go on from there.

        The anchor moves, so that time keeps running: a clock that stood still would let no lease and no deadline pass.
        """
        self._offset_ns += max(floor_ns - self.now(), 0)
