"""The venue's published rate limits, spent by one account from one place.

ccxt's own limiter spaces requests evenly and lets a cancel queue behind polls; the published limits do neither. Here a
call goes at once while every limit it counts against still has room, and part of each limit is kept for cancels and
look-ups. What a venue counts by IP is spent by all accounts of one process together, and so is the quiet it asks for.
Pure: time is an argument; `take` is the one that waits.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from router.model.errors import SorError
from router.ports.clock import Clock

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Urgency(Enum):
    """Who goes first when there is not room for all, and who may use the part of a limit that is kept back."""

    IDLE = "idle"
    """Checks that can wait: they use at most half of what normal calls may."""
    NORMAL = "normal"
    ORDER = "order"
    """Placing: before whatever reads, since an approval grows old; without the headroom."""
    OPENING = "opening"
    """Reading an account that nothing may be traded on before: one list ends more doubts than many look-ups, and
    would stand behind them. As much of a limit as theirs."""
    URGENT = "urgent"
    """Look-ups: what ends a doubt. They use the headroom but for a quarter of it."""
    FIRST = "first"
    """Cancels: what takes risk off. All of a limit is theirs."""

    @property
    def rank(self) -> int:
        """Least goes first."""
        return _RANKS[self]


_RANKS = {
    Urgency.FIRST: 0,
    Urgency.ORDER: 1,
    Urgency.OPENING: 2,
    Urgency.URGENT: 3,
    Urgency.NORMAL: 4,
    Urgency.IDLE: 5,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """`units` per `per_ns`, of which the last `reserved` only for cancels and look-ups.

    `by_ip`: the venue counts all accounts of one machine together. `drips`: the venue keeps a counter that runs down
    evenly (Kraken); otherwise it counts a window, and a window is never exceeded wherever it begins.
    """

    name: str
    units: int
    per_ns: int
    reserved: int
    drips: bool = False
    by_ip: bool = False

    def scaled(self, factor: int) -> "Limit":
        """The same limit, `factor` times as wide."""
        return replace(self, units=self.units * factor, reserved=self.reserved * factor)

    def room(self, urgency: Urgency) -> int:
        """How many units a call of this urgency may see used up."""
        if urgency is Urgency.FIRST:
            return self.units
        if urgency in {Urgency.URGENT, Urgency.OPENING}:
            return self.units - self.reserved // 4
        usual = self.units - self.reserved
        return (usual + 1) // 2 if urgency is Urgency.IDLE else usual


QUIET_MS = 1_000
QUIET_MS_MAX = 60_000
BAN_MS = 120_000
"""The shortest ban that a venue of ours publishes (binance, HTTP 418)."""
FORGOTTEN_NS = 60 * NS_PER_S
_DOUBLINGS_MOST = 8
_SLICES = 1_000
_EXACT_NS = 60 * NS_PER_S
_LET_BY_NS = NS_PER_MS


class BudgetExhausted(SorError):
    """The limits leave no room within the caller's patience; nothing was sent."""


class _Window:
    """Units spent within the last `per_ns`: a log, so that no window anywhere holds more than `units`.

    Exact where it is short. In a long one what was spent in the same thousandth of it is one line, as of its last
    call: a day of calls is not kept one by one, and a call waits by that much too long at most.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._spent: deque[tuple[int, int]] = deque()
        self._sum = 0
        self._slice_ns = limit.per_ns // _SLICES if limit.per_ns > _EXACT_NS else 0
        self._began_ns = -limit.per_ns

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
        if self._spent and now_ns - self._began_ns < self._slice_ns:
            last_ns, before = self._spent.pop()
            self._spent.append((max(last_ns, now_ns), before + units))
        else:
            self._began_ns = now_ns
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


_Meter = _Window | _Drip


@dataclass(slots=True)
class _Waiting:
    """A call that could not go at once. Arrival decides between equals."""

    rank: int
    number: int
    cost: Mapping[_Meter, int]
    urgency: Urgency

    def goes_before(self, rank: int, number: int, meters: Collection[_Meter]) -> bool:
        """Is it to be let by, by a call that counts against some of the same?"""
        return (self.rank, self.number) < (rank, number) and not self.cost.keys().isdisjoint(meters)


@dataclass(slots=True)
class Address:
    """What all accounts of this machine share at one venue: what it counts by IP, and the quiet it asks for."""

    meters: dict[str, _Meter] = field(default_factory=dict)
    waiting: list[_Waiting] = field(default_factory=list)
    quiet_until_ns: int = 0
    told_off: int = 0
    arrivals: int = 0


class Addresses:
    """One `Address` per venue, for the accounts of one process. Pure bookkeeping: made where connectors are."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], Address] = {}

    def of(self, ccxt_id: str, host: str | None) -> Address:
        """The one that all accounts at this venue share; `host` tells venues of a lab apart."""
        return self._known.setdefault((ccxt_id, host), Address())


class Budget:
    """What one venue account may still ask for. `address`: what it shares with other accounts; None is all its own."""

    def __init__(self, limits: Sequence[Limit], clock: Clock, address: Address | None = None) -> None:
        self._clock = clock
        self._address = Address() if address is None else address
        self._meters = {limit.name: self._meter(limit) for limit in limits}

    def _meter(self, limit: Limit) -> _Meter:
        made: _Meter = _Drip(limit) if limit.drips else _Window(limit)
        return self._address.meters.setdefault(limit.name, made) if limit.by_ip else made

    def wait_ns(self, cost: Mapping[str, int], urgency: Urgency, now_ns: int) -> int:
        """How long until a call of this cost is within every limit; 0 when it may go now."""
        return self._wait_ns(self._metered(cost), urgency, now_ns)

    def spend(self, cost: Mapping[str, int], now_ns: int) -> None:
        """Count a call that is about to go."""
        for meter, units in self._metered(cost).items():
            meter.spend(units, now_ns)

    def quiet_ns(self, now_ns: int) -> int:
        """For how long nothing at all may leave for this venue: it said so."""
        return max(0, self._address.quiet_until_ns - now_ns)

    def pause(self, until_ns: int) -> None:
        """The venue asked for quiet: nothing of any account goes before `until_ns`.

        Cancels too: who goes on after a 429 is banned, and a banned router cancels nothing for minutes or days.
        """
        self._address.quiet_until_ns = max(self._address.quiet_until_ns, until_ns)

    def told_off(self, retry_after_ms: int | None, *, banned: bool = False) -> None:
        """The venue said "too many" (`banned`: 418). Without a time of its own: twice as long each time in a row."""
        now_ns, address = self._clock.now(), self._address
        under_way = self.quiet_ns(now_ns) > 0  # it answers what left before the venue spoke: one telling-off in all
        if now_ns - address.quiet_until_ns > FORGOTTEN_NS:
            address.told_off = 0
        said_ms = retry_after_ms
        if said_ms is None:
            doubled_ms = 0 if under_way else min(QUIET_MS * 2**address.told_off, QUIET_MS_MAX)
            said_ms = BAN_MS if banned else doubled_ms
        if not under_way:
            address.told_off = min(address.told_off + 1, _DOUBLINGS_MOST)
        self.pause(now_ns + said_ms * NS_PER_MS)

    async def take(self, cost: Mapping[str, int], urgency: Urgency, patience_ns: int | None = None) -> None:
        """Wait until the call is within the limits, and count it. Adds no wait when it is already.

        Who waits is served by urgency, then by arrival: a cancel passes everything that queues for the same limit.
        Raises `BudgetExhausted` when that would take longer than `patience_ns` (None: as long as it takes).
        """
        now_ns = self._clock.now()
        deadline_ns = None if patience_ns is None else now_ns + patience_ns
        metered = self._metered(cost)
        self._address.arrivals += 1
        mine = _Waiting(urgency.rank, self._address.arrivals, metered, urgency)
        self._address.waiting.append(mine)
        try:
            while (wait := self._turn_ns(mine, now_ns)) > 0:
                if deadline_ns is not None and now_ns + wait > deadline_ns:
                    message = f"rate limits leave no room for another {wait // NS_PER_MS} ms"
                    raise BudgetExhausted(message)
                await asyncio.sleep(wait / NS_PER_S)
                now_ns = self._clock.now()
        finally:
            self._address.waiting.remove(mine)
        for meter, units in metered.items():
            meter.spend(units, now_ns)

    def _turn_ns(self, mine: _Waiting, now_ns: int) -> int:
        """Until when this call waits: for room, and for those that go before it; 0 when it is its turn."""
        wait = self._wait_ns(mine.cost, mine.urgency, now_ns)
        for other in self._address.waiting:
            if other.goes_before(mine.rank, mine.number, mine.cost.keys()):
                wait = max(wait, self._wait_ns(other.cost, other.urgency, now_ns), _LET_BY_NS)
        return wait

    def _wait_ns(self, cost: Mapping[_Meter, int], urgency: Urgency, now_ns: int) -> int:
        return max([self.quiet_ns(now_ns), *(meter.wait_ns(units, urgency, now_ns) for meter, units in cost.items())])

    def _metered(self, cost: Mapping[str, int]) -> dict[_Meter, int]:
        return {self._meters[name]: units for name, units in cost.items()}
