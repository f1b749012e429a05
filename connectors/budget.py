"""The venue's published rate limits, spent by one account from one place.

ccxt's own limiter spaces requests evenly and lets a cancel queue behind polls; the published limits do neither. Here a
call goes at once while every limit it counts against still has room, and part of each limit is kept for cancels and
look-ups. Pure: time is an argument; `take` is the one that waits.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from router.model.errors import SorError
from router.ports.clock import Clock

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Urgency(Enum):
    """Whether a call may use the part of a limit that is kept back."""

    IDLE = "idle"
    """Checks that can wait: they use at most half of what normal calls may."""
    NORMAL = "normal"
    URGENT = "urgent"
    """Cancels and look-ups: what takes risk off, and what ends a doubt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """`units` per `per_ns`, of which the last `reserved` only for urgent calls.

    `drips`: the venue keeps a counter that runs down evenly (Kraken); otherwise it counts a window, and a window is
    never exceeded wherever it begins.
    """

    name: str
    units: int
    per_ns: int
    reserved: int
    drips: bool = False

    def scaled(self, factor: int) -> "Limit":
        """The same limit, `factor` times as wide."""
        return Limit(
            name=self.name,
            units=self.units * factor,
            per_ns=self.per_ns,
            reserved=self.reserved * factor,
            drips=self.drips,
        )

    def room(self, urgency: Urgency) -> int:
        """How many units a call of this urgency may see used up."""
        if urgency is Urgency.URGENT:
            return self.units
        usual = self.units - self.reserved
        return (usual + 1) // 2 if urgency is Urgency.IDLE else usual


class BudgetExhausted(SorError):
    """The limits leave no room within the caller's patience; nothing was sent."""


class _Window:
    """Units spent within the last `per_ns`: an exact log, so that no window anywhere holds more than `units`."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._spent: deque[tuple[int, int]] = deque()
        self._sum = 0

    def wait_ns(self, units: int, urgency: Urgency, now_ns: int) -> int:
        self._forget(now_ns)
        over = self._sum + units - self._limit.room(urgency)
        if over <= 0:
            return 0
        for at_ns, spent in self._spent:
            over -= spent
            if over <= 0:
                return at_ns + self._limit.per_ns - now_ns
        return self._limit.per_ns

    def spend(self, units: int, now_ns: int) -> None:
        self._spent.append((now_ns, units))
        self._sum += units

    def _forget(self, now_ns: int) -> None:
        while self._spent and self._spent[0][0] + self._limit.per_ns <= now_ns:
            self._sum -= self._spent.popleft()[1]


class _Drip:
    """A counter that grows with each call and runs down by `units` per `per_ns`. Kept in unit-nanoseconds: exact."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._level = 0
        self._at_ns = 0

    def wait_ns(self, units: int, urgency: Urgency, now_ns: int) -> int:
        self._run_down(now_ns)
        over = self._level + (units - self._limit.room(urgency)) * self._limit.per_ns
        return max(0, -(-over // self._limit.units))

    def spend(self, units: int, now_ns: int) -> None:
        self._run_down(now_ns)
        self._level += units * self._limit.per_ns

    def _run_down(self, now_ns: int) -> None:
        elapsed = max(0, now_ns - self._at_ns)
        self._level = max(0, self._level - elapsed * self._limit.units)
        self._at_ns = max(self._at_ns, now_ns)


class Budget:
    """What one venue account may still ask for."""

    def __init__(self, limits: Sequence[Limit], clock: Clock) -> None:
        self._clock = clock
        self._meters = {limit.name: _Drip(limit) if limit.drips else _Window(limit) for limit in limits}
        self._paused_until_ns = 0

    def wait_ns(self, cost: Mapping[str, int], urgency: Urgency, now_ns: int) -> int:
        """How long until a call of this cost is within every limit; 0 when it may go now."""
        waits = [self._meters[name].wait_ns(units, urgency, now_ns) for name, units in cost.items()]
        return max(0, self._paused_until_ns - now_ns, *waits)

    def spend(self, cost: Mapping[str, int], now_ns: int) -> None:
        """Count a call that is about to go."""
        for name, units in cost.items():
            self._meters[name].spend(units, now_ns)

    def pause(self, until_ns: int) -> None:
        """The venue asked for quiet (`Retry-After`): nothing goes before `until_ns`."""
        self._paused_until_ns = max(self._paused_until_ns, until_ns)

    async def take(self, cost: Mapping[str, int], urgency: Urgency, patience_ns: int | None = None) -> None:
        """Wait until the call is within the limits, and count it. Adds no wait when it is already.

        Raises `BudgetExhausted` when that would take longer than `patience_ns` (None: as long as it takes).
        """
        deadline_ns = None if patience_ns is None else self._clock.now() + patience_ns
        while True:
            now_ns = self._clock.now()
            wait = self.wait_ns(cost, urgency, now_ns)
            if wait == 0:
                self.spend(cost, now_ns)
                return
            if deadline_ns is not None and now_ns + wait > deadline_ns:
                message = f"rate limits leave no room for another {wait // 1_000_000} ms"
                raise BudgetExhausted(message)
            await asyncio.sleep(wait / NS_PER_S)
