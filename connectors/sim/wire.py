"""The way to a venue and back: what it does to a request is drawn from a seed.

A request may be lost, arrive late (later than its sender waits, later than its deadline), arrive twice, be turned away
before the engine; its answer may be lost or come late. Faults are probabilities; 0 everywhere is a sound wire.
"""

import random
from dataclasses import dataclass, fields, replace

_MS = 1_000_000
_NEAR = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class WireFaults:
    """How often each goes wrong, per request."""

    not_sent: float = 0.0
    """The connection cannot be made: provably not one byte left."""
    lost: float = 0.0
    late: float = 0.0
    """It arrives 0.5 to 25 s later."""
    twice: float = 0.0
    """A proxy sends it again a moment later."""
    turned_away: float = 0.0
    """A 503 before the engine: nothing happened, which the sender cannot know."""
    limited: float = 0.0
    """Refused for its rate, by a code that proves that nothing happened."""
    answer_lost: float = 0.0
    answer_late: float = 0.0
    """The answer comes after 1 to 10 s."""
    garbled: float = 0.0
    """The answer comes and cannot be used."""
    hint_lost: float = 0.0
    hint_twice: float = 0.0
    hint_late: float = 0.0

    def scaled(self, factor: float) -> "WireFaults":
        """Every probability times `factor`, at most 0.9."""
        return replace(self, **{one.name: min(getattr(self, one.name) * factor, 0.9) for one in fields(self)})


SOUND = WireFaults()


@dataclass(frozen=True, kw_only=True, slots=True)
class Journey:
    """What becomes of one request. Times in ns after it left.

    `arrives`: when copies of it reach the engine; empty when none does. `back_ns`: how long the answer takes from the
    engine to the sender; None when it never comes. `speaks`: which copy's answer that is. `usable`: can it be read.
    `fails`: a verdict that comes without the engine having seen anything (`not sent`, `turned away`, `limited`), after
    `back_ns`.
    """

    arrives: tuple[int, ...]
    back_ns: int | None
    speaks: int = 0
    usable: bool = True
    fails: str | None = None


class Wire:
    """Draws journeys. `latency_ms`: one way, from quick to slow."""

    def __init__(self, draws: random.Random, latency_ms: tuple[float, float]) -> None:
        self.faults = SOUND
        self.down = False
        """Nothing gets through: connections are refused."""
        self.storming = False
        """Every request is refused for its rate."""
        self.closed = False
        """Maintenance: everything is answered with a 503 before the engine."""
        self._draws = draws
        self._quick, self._slow = latency_ms

    def journey(self) -> Journey:
        """One request's."""
        there, back = self.latency_ns(), self.latency_ns()
        faults = self.faults
        if self.down or self._happens(faults.not_sent):
            return Journey(arrives=(), back_ns=back, fails="not sent")
        if self.storming or self._happens(faults.limited):
            return Journey(arrives=(), back_ns=there + back, fails="limited")
        if self.closed or self._happens(faults.turned_away):
            return Journey(arrives=(), back_ns=there + back, fails="turned away")
        if self._happens(faults.lost):
            return Journey(arrives=(), back_ns=None)
        if self._happens(faults.late):
            # Half of them about the time a deadline passes, where it matters most.
            there = self._between(500, 4_000) if self._happens(_NEAR) else self._between(2_000, 25_000)
        arrives = (there, there + self._between(0, 3_000)) if self._happens(faults.twice) else (there,)
        speaks = len(arrives) - 1 if self._happens(_NEAR) else 0
        if self._happens(faults.answer_lost):
            return Journey(arrives=arrives, back_ns=None)
        if self._happens(faults.answer_late):
            back = self._between(1_000, 10_000)
        return Journey(arrives=arrives, back_ns=back, speaks=speaks, usable=not self._happens(faults.garbled))

    def hint_delays_ns(self) -> tuple[int, ...]:
        """After how long a private stream's word arrives; empty when it does not, two when it is repeated."""
        if self.down or self.closed or self._happens(self.faults.hint_lost):
            return ()
        first = self._between(500, 8_000) if self._happens(self.faults.hint_late) else self.latency_ns()
        return (first, first + self._between(0, 500)) if self._happens(self.faults.hint_twice) else (first,)

    def latency_ns(self) -> int:
        """One way."""
        return int(self._draws.uniform(self._quick, self._slow) * _MS)

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._draws.random() < probability

    def _between(self, least_ms: float, most_ms: float) -> int:
        return int(self._draws.uniform(least_ms, most_ms) * _MS)
