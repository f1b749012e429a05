"""`sor` in a process of its own, with a death planned at a named moment.

The process is forked from a server that has the imports done, so a test may afford many. What runs in it is the product
as it is shipped; the moment is planned from outside, around the parts `sor` is built of: the store it appends to and
the venue ports it calls. At the moment the process ends itself with SIGKILL: no handler runs, nothing is flushed.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from router.app import parts
from router.drill.process import Started as Sor
from router.drill.process import command, start
from router.model.commands import Seek
from router.model.facts import CopyCounted, Fact, FillBooked
from router.model.ids import AccountId, Nanos, VenueOrderId
from router.model.market import MarketView
from router.model.orders import Approved, ChildOrder
from router.model.outcomes import AccountRead, LookUp, PlaceOutcome
from router.ports import Appended, Gate, JournalRow, Policy, Progress, Target, VenuePort


class Point(StrEnum):
    """Where in its work the process dies."""

    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    """The facts are durable; nothing that follows from them has left."""
    BEFORE_SEND = "before send"
    """A copy is on its way through the connector, short of the socket."""
    AT_THE_GATE = "at the gate"
    """The copy is built and signed, the connection stands, no byte has left."""
    PAST_THE_GATE = "past the gate"
    """The gate has let the copy go and no byte has left: here the process does not die, it stands still."""
    AFTER_SEND = "after send"
    """The last gate is behind the copy by `delay_ms`; its answer is not there (the lab is asked to be slow)."""
    AFTER_ANSWER = "after answer"
    """The answer was read, and nothing was made of it yet."""
    BEFORE_FILL = "before a fill is booked"
    AFTER_FILL = "after a fill was booked"
    BEFORE_COPY = "before a copy is counted"
    LOOKING_UP = "at a look-up"
    LOOKED_UP = "after a look-up"
    READING = "at an account read"
    READ = "after an account read"


@dataclass(frozen=True, slots=True)
class Moment:
    """The `number`-th time that `point` is passed, counted from 1."""

    point: Point
    number: int = 1
    delay_ms: int = 60


class _Fuse:
    """Counts, and ends the process."""

    def __init__(self, moment: Moment | None) -> None:
        self._moment = moment
        self._passed = 0

    def pass_by(self, point: Point) -> None:
        if self.due(point):
            die()

    def due(self, point: Point) -> bool:
        if self._moment is None or self._moment.point is not point:
            return False
        self._passed += 1
        return self._passed == self._moment.number

    @property
    def delay_s(self) -> float:
        return 0.0 if self._moment is None else self._moment.delay_ms / 1_000


def die() -> None:
    """`kill -9` of ourselves."""
    os.kill(os.getpid(), signal.SIGKILL)


class _MortalStore:
    """A store in whose hands the process may die; otherwise the store itself."""

    def __init__(self, store: Any, fuse: _Fuse) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        facts: list[Fact] = [fact for row in rows for fact in row.facts]
        books = any(isinstance(fact, FillBooked) for fact in facts)
        self._fuse.pass_by(Point.BEFORE_COMMIT)
        if books:
            self._fuse.pass_by(Point.BEFORE_FILL)
        if any(isinstance(fact, CopyCounted) for fact in facts):
            self._fuse.pass_by(Point.BEFORE_COPY)
        appended: tuple[Appended, ...] = await self._store.append(rows)
        self._fuse.pass_by(Point.AFTER_COMMIT)
        if books:
            self._fuse.pass_by(Point.AFTER_FILL)
        return appended


class _MortalPort:
    """A venue port in whose hands the process may die; otherwise the port itself."""

    def __init__(self, port: VenuePort, fuse: _Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def place(
        self, order: Approved[ChildOrder], deadline_ns: Nanos | None, gate: Gate
    ) -> tuple[PlaceOutcome, Nanos | None]:
        def last_gate() -> str | None:
            self._fuse.pass_by(Point.AT_THE_GATE)
            reason = gate()
            if reason is None and self._fuse.due(Point.PAST_THE_GATE):
                os.kill(os.getpid(), signal.SIGSTOP)
            if reason is None and self._fuse.due(Point.AFTER_SEND):
                asyncio.get_running_loop().call_later(self._fuse.delay_s, die)
            return reason

        self._fuse.pass_by(Point.BEFORE_SEND)
        answer = await self._port.place(order, deadline_ns, last_gate)
        self._fuse.pass_by(Point.AFTER_ANSWER)
        return answer

    async def look_up(self, order: ChildOrder, venue_order_id: VenueOrderId | None) -> LookUp:
        self._fuse.pass_by(Point.LOOKING_UP)
        found = await self._port.look_up(order, venue_order_id)
        self._fuse.pass_by(Point.LOOKED_UP)
        return found

    async def seek(self, wanted: Seek) -> LookUp:
        return await self._port.seek(wanted)

    async def read_account(self, trades_since_ns: Nanos) -> AccountRead:
        self._fuse.pass_by(Point.READING)
        read = await self._port.read_account(trades_since_ns)
        self._fuse.pass_by(Point.READ)
        return read


class Bug(StrEnum):
    """When a planted bug in the policy shows, for parents whose reference begins with BUG; then it does every time."""

    AT_ONCE = "when the order is taken"
    PLANNED = "when its first round was planned"
    FILLED = "when its first fills are booked"


class Faulty:
    """A policy with a bug."""

    def __init__(self, policy: Policy, bug: Bug) -> None:
        self._policy = policy
        self._bug = bug

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        shows = {Bug.AT_ONCE: True, Bug.PLANNED: progress.rounds > 0, Bug.FILLED: progress.filled > 0}
        assert not (progress.order.ref_id.startswith("BUG") and shows[self._bug]), "a planted bug"
        return self._policy.target(progress, now_ns, view)


def sor(*arguments: str, folder: Path, name: str, moment: Moment | None = None, bug: Bug | None = None) -> Sor:
    """Start `sor` with these arguments. Its output goes to files in `folder` that carry `name`.

    `moment` is when it dies; `bug` what is wrong with its policy.
    """
    return start(_run, arguments, moment, bug, folder=folder, name=name)


def _run(arguments: tuple[str, ...], moment: Moment | None, bug: Bug | None) -> int:
    _plan(_Fuse(moment), bug)
    return command(*arguments)


def _plan(fuse: _Fuse, bug: Bug | None) -> None:
    """Around the parts, not inside them: `router.app.parts` is where they are put together."""
    open_store, build_ports = parts.open_store, parts.build_ports

    async def open_mortal_store(*args: Any, **kwargs: Any) -> Any:
        return _MortalStore(await open_store(*args, **kwargs), fuse)

    def build_mortal_ports(*args: Any, **kwargs: Any) -> Mapping[AccountId, VenuePort]:
        return {account: _MortalPort(port, fuse) for account, port in build_ports(*args, **kwargs).items()}

    changed: dict[str, Any] = {"open_store": open_mortal_store, "build_ports": build_mortal_ports}
    if bug is not None:
        changed["POLICIES"] = {name: Faulty(policy, bug) for name, policy in parts.POLICIES.items()}
    for name, part in changed.items():
        setattr(parts, name, part)
