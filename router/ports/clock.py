"""Time, as a thing that is handed in."""

from typing import Protocol

from router.model.ids import Nanos


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> Nanos:
        """UTC nanoseconds: an anchor plus a monotonic clock, so that it never goes back."""
        ...


class DriverClock(Clock, Protocol):
    """A clock that heeds the journal."""

    def raise_floor(self, floor_ns: Nanos) -> None:
        """Somebody before us journaled this time: go on from there, never below it."""
        ...
