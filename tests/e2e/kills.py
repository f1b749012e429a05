"""A campaign of kills: every protocol x both databases x every point of reference flows, at random, and twice over.

A case is drawn from its seed and is one story: an order, a flow that goes well or not, one to three deaths of the
process that works it, and a last run that must end it. The verdict is the venues' own record.
`python -m tests.e2e.kills --protocol okx --database sqlite --case 17` runs one again.
"""

import asyncio
import random
import signal
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from connectors.lab.faults import Call, FaultKind
from router.app.exits import ExitCode
from router.model.orders import ChildState
from tests.e2e import rig
from tests.e2e.desk import DONE, DUST, QUANTITY, TIMINGS, Desk, desk_at
from tests.e2e.rig import NIGHTLY_SEATS, TERMS, Seat, quantity_of
from tests.e2e.runner import Moment, Point
from tests.e2e.truth import assert_venues_agree, decoded, read_ours

KILLED = -signal.SIGKILL
UNFENCED = frozenset({"gemini"})
_WAITS_S = (8, 16, 32, 64, 128)
"""How long each of the runs after the deaths waits for the order: one of them has to end it, however busy the machine.
A child is a person's by its age alone only after longer than all of them."""
_START_AND_STOP_S = 60
"""How long a process may take besides, on a machine that is busy with others."""
_MOMENT_S = 24
"""How long a run that is to die waits for its order: on a busy machine its moment comes late."""
_ROUNDS_MOST = 100
"""A copy that a busy machine sends past its deadline costs a round."""


def _terms(protocol: str) -> Mapping[str, int]:
    quarantine_after_ms = 1_500 if protocol in UNFENCED else 1_000 * sum(_WAITS_S)
    return {**TERMS, "request_ttl_ms": 500, "quarantine_after_ms": quarantine_after_ms}


SEATS: Mapping[str, Seat] = {
    seat.name: replace(seat, terms=_terms(seat.protocol), more={**seat.more, "timeout_ms": 600})
    for seat in (*rig.SEATS, *NIGHTLY_SEATS)
}
"""One of each protocol the lab speaks."""
PROTOCOLS = tuple(SEATS)
_OTHERS = tuple(name for name in PROTOCOLS if name not in UNFENCED)
_MOST: Mapping[Point, int] = {
    Point.BEFORE_COMMIT: 12,
    Point.AFTER_COMMIT: 12,
    Point.BEFORE_SEND: 7,
    Point.AT_THE_GATE: 7,
    Point.AFTER_SEND: 7,
    Point.AFTER_ANSWER: 7,
    Point.BEFORE_FILL: 4,
    Point.AFTER_FILL: 4,
    Point.BEFORE_COPY: 1,
    Point.LOOKING_UP: 5,
    Point.LOOKED_UP: 5,
    Point.READING: 4,
    Point.READ: 4,
}
"""Up to which number each point comes up in an order of three rounds over three venues."""
_RECOVERING: Mapping[Point, int] = {
    Point.BEFORE_COMMIT: 3,
    Point.AFTER_COMMIT: 3,
    Point.READING: 3,
    Point.READ: 3,
    Point.LOOKING_UP: 2,
    Point.LOOKED_UP: 2,
    Point.BEFORE_FILL: 1,
    Point.AFTER_FILL: 1,
}
_PER_POINT, _AT_RANDOM, _TWICE = 2, 6, 12


class Flow(StrEnum):
    """What befalls the order besides."""

    WELL = "all goes well"
    LOST = "an answer is lost"
    FAILED = "the venue fails after taking it"
    RESET = "the connection breaks before the venue has it"
    LIMITED = "the venue turns it away for a moment"
    REPEATED = "reports come twice"


_FAULTS: Mapping[Flow, tuple[FaultKind, Mapping[str, Any]]] = {
    Flow.LOST: (FaultKind.ANSWER_LOST, {"call": Call.PLACE, "times": 2}),
    Flow.FAILED: (FaultKind.HTTP_5XX, {"call": Call.PLACE, "times": 2}),
    Flow.RESET: (FaultKind.RESET_BEFORE, {"call": Call.PLACE, "times": 2}),
    Flow.LIMITED: (FaultKind.HTTP_429, {"call": Call.PLACE, "times": 2, "retry_after": "0"}),
    Flow.REPEATED: (FaultKind.REPORT_REPEAT, {"times": None}),
}
_DOUBTFUL = (Flow.LOST, Flow.FAILED)

Death = Moment | float
"""At a named moment, or so many seconds after the start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One story."""

    seats: tuple[str, ...]
    flow: Flow
    deaths: tuple[Death, ...]


@dataclass(slots=True)
class Tally:
    """What a campaign came to."""

    cases: int = 0
    kills: int = 0
    twice: int = 0
    """Cases in which a restart was killed too."""
    missed: int = 0
    """Planned deaths whose moment never came: the run ended its order first."""
    at: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.cases += other.cases
        self.kills += other.kills
        self.twice += other.twice
        self.missed += other.missed
        self.at += other.at

    def told(self) -> str:
        return (
            f"{self.cases} cases, {self.kills} kills, {self.twice} double, {self.missed} moments that never came; "
            + ", ".join(f"{point} {count}" for point, count in sorted(self.at.items()))
        )


def cases(protocol: str, seed: int = 1) -> Sequence[Case]:
    """All of a protocol's."""
    draws = random.Random(f"{protocol}:{seed}")

    def seats() -> tuple[str, ...]:
        return (protocol, *draws.sample([name for name in _OTHERS if name != protocol], 2))

    def flow_for(point: Point) -> Flow:
        if point in {Point.LOOKING_UP, Point.LOOKED_UP}:
            return draws.choice(_DOUBTFUL)
        if point is Point.BEFORE_COPY:
            return Flow.LIMITED
        return draws.choice((Flow.WELL, *Flow))

    def moment(table: Mapping[Point, int]) -> Moment:
        point = draws.choice(tuple(table))
        return Moment(point, draws.randint(1, table[point]), delay_ms=draws.choice((0, 5, 20, 60)))

    once = [
        Case(
            seats=seats(),
            flow=flow_for(point),
            deaths=(Moment(point, draws.randint(1, most), delay_ms=draws.choice((0, 5, 20, 60))),),
        )
        for point, most in _MOST.items()
        for _ in range(_PER_POINT)
    ]
    anywhere = [
        Case(seats=seats(), flow=draws.choice(tuple(Flow)), deaths=(draws.uniform(0.0, 0.9),))
        for _ in range(_AT_RANDOM)
    ]
    twice = [
        Case(
            seats=seats(),
            flow=draws.choice(tuple(Flow)),
            deaths=(
                Moment(draws.choice((Point.AFTER_SEND, Point.AFTER_COMMIT, Point.BEFORE_SEND)), draws.randint(1, 5)),
                *(
                    moment(_RECOVERING) if draws.random() < 0.7 else draws.uniform(0.0, 0.9)
                    for _ in range(draws.choice((1, 1, 2)))
                ),
            ),
        )
        for _ in range(_TWICE)
    ]
    return [*once, *anywhere, *twice]


async def play(folder: Path, database_url: str, case: Case) -> Tally:
    """Run one case in an empty folder on an empty database. `AssertionError` when a promise was broken."""
    tally = Tally(cases=1)
    timings = {**TIMINGS, "lease_ttl_ms": 800}
    async with desk_at(folder, database_url, [SEATS[name] for name in case.seats], timings=timings) as desk:
        order = desk.order(params={"rounds_max": _ROUNDS_MOST})
        await _arm(desk, case.flow)
        died = 0
        for number, death in enumerate(case.deaths):
            if await _dies(desk, f"run {number}", order, death, tally):
                died += 1
        tally.twice += died > 1
        await desk.control.clear_faults()
        await _finish(desk, order, unfenced=not UNFENCED.isdisjoint(case.seats))
    return tally


async def _arm(desk: Desk, flow: Flow) -> None:
    if flow in _FAULTS:
        kind, params = _FAULTS[flow]
        await desk.control.inject("*", kind, **params)


async def _dies(desk: Desk, name: str, order: Path, death: Death, tally: Tally) -> bool:
    """One run; did it die?"""
    slow = None
    if isinstance(death, Moment):
        if death.point is Point.AFTER_SEND:
            # Slower than the process has left to live: what it sent is at the venue, its answer is not here.
            slow = await desk.control.inject("*", FaultKind.SLOW, call="place", times=None, delay_ms=300)
        run = desk.execute(name, order, moment=death, wait_s=_MOMENT_S)
    else:
        run = desk.execute(name, order, wait_s=_MOMENT_S)
        await asyncio.sleep(death)
        run.send(signal.SIGKILL)
    code = await run.ended(_MOMENT_S + _START_AND_STOP_S)
    if slow is not None:
        await desk.control.clear_faults(slow)
    if code == KILLED:
        tally.kills += 1
        tally.at[str(death.point) if isinstance(death, Moment) else "any time"] += 1
        return True
    assert code in {*DONE, ExitCode.IN_DOUBT}, run.said()
    tally.missed += 1
    return False


async def _finish(desk: Desk, order: Path, *, unfenced: bool) -> None:
    """The same reference again, to the end; at a venue without a fence, to where a person has to decide."""
    told = []
    for wait_s in _WAITS_S:
        last = desk.execute(f"last {wait_s}", order, wait_s=wait_s)
        code = await last.ended(wait_s + _START_AND_STOP_S)
        told.append(f"{wait_s} s: exit code {code}")
        decided = code in DONE or (unfenced and code == ExitCode.IN_DOUBT and await _a_person_decides(desk))
        if decided:
            break
    agreed = await assert_venues_agree(desk.control, desk.database_url)
    [detail] = agreed.ours.parents
    children = [f"{child.venue} {child.client_id} {child.state}: {child.reason}" for child in detail.children]
    assert decided, "\n".join((*told, *children, str(detail.parent), last.said()[-2_000:]))
    done = quantity_of(agreed.orders_of(detail.parent.id))
    assert done == detail.totals.quantity
    if code in DONE:
        whole = done == QUANTITY or (QUANTITY - done < DUST and "dust" in detail.parent.reason)
        assert whole, "\n".join((*told, *children, str(detail.parent)))


async def _a_person_decides(desk: Desk) -> bool:
    """Does everything that is left wait for a person, at venues that leave no other way, and that never had it?

    A child that its venue has is found sooner or later, in quarantine too: that is waited for.
    """
    ours = await read_ours(desk.database_url)  # without a parent, when no driver has come to it yet
    waiting = [child for child in ours.children if not ChildState(child.state).ended]
    undecidable = all(child.state == ChildState.QUARANTINED and child.venue in UNFENCED for child in waiting)
    there = {decoded(order) for venue in UNFENCED for order in await desk.control.orders(venue)}
    return bool(waiting) and undecidable and there.isdisjoint({child.client_id for child in waiting})


def _main() -> None:
    import argparse
    import contextlib
    import secrets
    import sys
    import tempfile
    import time

    import asyncpg

    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kills", description=__doc__)
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append", help="repeat it; all when none is given")
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, action="append")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no case after so long")
    asked = parser.parse_args()

    async def one(case: Case, database: str) -> Tally:
        with tempfile.TemporaryDirectory(prefix="sor-kill-") as folder:
            if database == "sqlite":
                return await play(Path(folder), f"sqlite:///{Path(folder) / 'sor.db'}", case)
            from tests.conftest import POSTGRES_URL

            name = f"sor_kill_{secrets.token_hex(6)}"
            server = await asyncpg.connect(POSTGRES_URL)
            await server.execute(f'CREATE DATABASE "{name}"')
            try:
                return await play(Path(folder), f"{POSTGRES_URL.rpartition('/')[0]}/{name}", case)
            finally:
                await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
                with contextlib.suppress(Exception):
                    await server.close()

    began, total, broken = time.monotonic(), Tally(), 0
    work = [
        (protocol, database, number, case)
        for protocol in asked.protocol or PROTOCOLS
        for database in asked.database or ("sqlite", "postgres")
        for number, case in enumerate(cases(protocol, asked.seed))
        if asked.case is None or number in asked.case
    ]
    random.Random(asked.seed).shuffle(work)  # whatever is cut off is a little of everything
    for protocol, database, number, case in work:
        if time.monotonic() - began > asked.minutes * 60:
            break
        try:
            total.add(asyncio.run(one(case, database)))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next case is another story
            broken += 1
            again = f"--protocol {protocol} --database {database} --seed {asked.seed} --case {number}"
            sys.stdout.write(
                f"BREACH {case}\n{''.join(traceback.format_exception(error))[-3_000:]}\n"
                f"python -m tests.e2e.kills {again}\n"
            )
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {total.told()}; {broken} broken\n")
        sys.stdout.flush()
    sys.exit(broken > 0)


if __name__ == "__main__":
    _main()
