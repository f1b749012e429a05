"""The live shell in virtual time: driver, dispatcher, inbox, store and recovery as they run, struck at any await.

The world, its venues and the judge are those of the engine's simulation; a process here (`live_process`) is the real
`Driver` with all its tasks. Beside kills and pauses it can have any of its tasks cancelled, and be told to drain.
"""

import asyncio
import hashlib
import random
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from router.engine import Engine, State, StateImage
from router.engine.image import IMAGE_VERSION
from router.model import events as e
from router.model import facts as f
from router.model.errors import AppendLost, AppendUnclear, LeaseHeld, SideRowTaken, StoreUnavailable
from router.model.ids import Nanos, ParentId, RefId
from router.model.money import exactly, plain
from router.model.orders import ChildState
from router.model.requests import Request
from router.observe import Observe, silent
from router.requests import (
    AmendBody,
    CancelBody,
    HaltBody,
    Offered,
    OrderBody,
    PauseBody,
    amend_request,
    basket_request,
    cancel_request,
    halt_request,
    order_request,
    pause_request,
    understand,
)
from router.requests.baskets import basket_written, parse_basket
from router.requests.bodies import parse
from router.requests.orders import order_written
from router.runtime.recovery import SNAPSHOTS
from router.simulate.database import SHARD, MaybeEnds, SimDatabase
from router.simulate.live_process import DRAIN_MS, LiveProcess, SimClock
from router.simulate.loop import Owner, VirtualLoop
from router.simulate.run import Outcome, may_leave_doubts, reached, settle, until
from router.simulate.scene import DEPLOYMENT, ENTITY, MS, START_NS, S
from router.simulate.shell import LEASE_TTL_NS, Shell
from router.simulate.strikes import Strikes, strikes_of
from router.simulate.swarm import PROFILES, Profile, Swarm, draw
from router.simulate.world import SimWorld
from router.store import statements as sql
from router.store.dialect import Sql

_GONE_NS = 3 * DRAIN_MS * MS
"""By then everybody who was told to drain is gone."""
_NOTICED_NS = LEASE_TTL_NS
_OVERDUE_NS = 10 * S
_BURIAL_STEPS = 200_000
_SNAPSHOTS_ALL = Sql("SELECT seq, payload FROM snapshot WHERE shard = $1 AND version = $2 ORDER BY seq")
_REQUESTS_ALL = Sql("SELECT id, consumed_seq FROM request ORDER BY id")
_GAVE_UP = (LeaseHeld, AppendLost, AppendUnclear, StoreUnavailable)


_ASKED = (e.ParentSubmitted, e.BasketSubmitted, e.CancelAsked, e.PauseAsked, e.AmendAsked, e.HaltAsked)


class LiveWorld(SimWorld):
    """The simulated world with live processes in it."""

    def __init__(self, seed: int, profile: Profile, swarm: Swarm, strikes: Strikes, file: Path | None) -> None:
        super().__init__(seed, profile, swarm, random.Random(f"{seed}:{profile.name}:ties"))
        self.strikes = strikes
        self.loop = VirtualLoop(self.agenda)  # type: ignore[abstract] # it has no sockets
        self.loop.before_step = self._strike_step
        self.database = SimDatabase(self.agenda, DEPLOYMENT, file)
        self.observe = Observe(silent())
        self.all: list[LiveProcess] = []
        self.closing = self.buried = False
        self.last: LiveProcess | None = None
        self._shell_draws = random.Random(f"{seed}:{profile.name}:shell")
        self._steps_left = self._next_strike()
        self._offered = Offered(
            instruments=tuple(one.id for one in self.instruments),
            venues=frozenset(one.venue for one in self.listings()),
        )
        self._refs: dict[ParentId, RefId] = {}

    # Its course.

    def begin(self) -> None:
        """As the engine's world, and SIGTERM now and then."""
        super().begin()
        if self.faulty:
            self.trouble.every(self.strikes.drain_rate, self._drain_driver)
            if self.strikes.standby:
                self.trouble.every(1 / 20, self._start_standby)

        self.agenda.after(_OVERDUE_NS, self._look_at_timers)

    def _look_at_timers(self) -> None:
        """A timer that is due fires, whoever set it: overdue ones are of a driver that does not wait for them (I15)."""
        now_ns = self.agenda.now_ns
        for one in self._live():
            if one.epoch and max(one.since_ns, one.paused_until_ns) + _OVERDUE_NS < now_ns:
                for timer_id, due_ns in one.engine.state.timers.items():
                    if one.now() - due_ns > _OVERDUE_NS:
                        self.breach("I15", f"{one.name} lets {timer_id} wait since {due_ns}")
                if max(one.looked_ns, one.paused_until_ns) + _OVERDUE_NS < now_ns:
                    self.breach("watch", f"{one.name} has not looked at its own loop since {one.looked_ns}")
        self.agenda.after(_OVERDUE_NS, self._look_at_timers)

    @property
    def driver(self) -> Shell | None:
        """Whoever drives under the newest epoch."""
        return max((one for one in self._live() if one.epoch), key=lambda one: one.epoch, default=None)

    def breach(self, invariant: str, detail: str) -> None:
        """It did not hold."""
        self.judge.breach(invariant, self.agenda.now_ns, detail)

    def newest_epoch(self) -> int:
        """Of the lease, as the database has it."""
        rows = self.database.select(sql.LEASE_BEFORE, SHARD)
        return cast("int", rows[0][0]) if rows else 0

    # Processes.

    def _live(self) -> Iterable[LiveProcess]:
        return (one for one in self.processes if isinstance(one, LiveProcess))

    def start(self, *, by_force: bool = False) -> None:
        """See the engine's world; nobody comes up once all were told to stop."""
        if not self.closing:
            super().start(by_force=by_force)

    def _free_lease(self) -> None:
        """Not released: it is as if its time were over. Whoever holds it does nothing wrong by going on."""
        self.database.connection.execute("UPDATE lease SET expires_at_ms = 1")
        for process in self._live():
            process.usurped = True

    def _start_standby(self) -> None:
        if len(self.processes) == 1:
            self.count("standby")
            self._start_one()

    def _start_one(self) -> None:
        error_ns = self.draws["start"].randint(-self.swarm.skew_ms, self.swarm.skew_ms) * MS
        process = LiveProcess(self, len(self.all), SimClock(self, self._skew_ns() + error_ns, error_ns))
        self.all.append(process)
        self.processes.append(process)
        process.task.add_done_callback(lambda task: self._gone(process, task))
        for account in self._venues:
            self._feed_soon(account)

    def _gone(self, process: LiveProcess, task: "asyncio.Task[None]") -> None:
        """The process has come to its own end."""
        if process.dead or self.buried:
            return
        process.dead = True
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if isinstance(error, SideRowTaken):
            self.breach("alarm", f"the database refused a decision: {error}")
        elif error is not None and not isinstance(error, (*_GAVE_UP, asyncio.CancelledError)):
            self.breach("crash", f"{process.name} ended in {error!r}")
        left = process.owner.running()
        if left:
            self.breach("I18", f"{process.name} ended and left {left[0]!r}")
        if process.drained and (self.last is None or process.epoch > self.last.epoch):
            self.last = process
        self.ended(process, "drained" if error is None else type(error).__name__)

    def took(self, process: LiveProcess) -> None:
        """Whoever drove before learns soon that it does not any more, once it takes steps again."""
        for one in tuple(self._live()):
            if 0 < one.epoch < process.epoch:
                self.agenda.after(_NOTICED_NS, lambda old=one: self._must_be_gone(old))  # type: ignore[misc]

    def _must_be_gone(self, old: LiveProcess) -> None:
        if old.dead or old.store.lets_go:
            return
        if (again_ns := old.paused_until_ns + _NOTICED_NS) > self.agenda.now_ns:
            self.agenda.at(again_ns, lambda: self._must_be_gone(old))
        else:
            self.breach("I9", f"{old.name} goes on {_NOTICED_NS // S} s after another has taken its lease")

    def _drain_driver(self) -> None:
        if isinstance(self.driver, LiveProcess):
            self.count("SIGTERM")
            self.driver.drain()

    def kill(self, process: Shell) -> None:
        """See the engine's world; whoever is gone already stays gone."""
        if process in self.processes:
            super().kill(process)

    def pause(self, process: Shell) -> None:
        """See the engine's world."""
        before_ns = process.paused_until_ns
        super().pause(process)
        # A second pause ends no earlier one: its steps were put off until then.
        process.paused_until_ns = Nanos(max(before_ns, process.paused_until_ns))
        if isinstance(process, LiveProcess):
            process.was_paused = True

    # Strikes.

    def _next_strike(self) -> int:
        rate = self.strikes.per_step
        return int(self._shell_draws.expovariate(rate)) + 1 if rate else -1

    def _strike_step(self, owner: Owner) -> None:
        if self._steps_left < 0 or not self.faulty:
            return
        self._steps_left -= 1
        if self._steps_left == 0:
            self._steps_left = self._next_strike()
            process = next((one for one in self._live() if one.owner is owner), None)
            if process is not None:
                self._strike(process, "a step")

    def strikes_here(self, name: str, process: LiveProcess) -> bool:
        """Does something strike at this point?"""
        if not self.faulty or process.dead or self._shell_draws.random() >= self.strikes.at_points:
            return False
        self._strike(process, name)
        return True

    def _strike(self, process: LiveProcess, where: str) -> None:
        what = self._shell_draws.choices(("killed", "paused", "cancelled", "drained"), self.strikes.shares)[0]
        self.count(f"{what} at {where}")
        match what:
            case "killed":
                self.kill(process)
            case "paused":
                self.pause(process)
            case "cancelled":
                if running := process.owner.running():
                    self._shell_draws.choice(running).cancel()
            case _:
                process.drain()

    def build_ns(self) -> int:
        """Just now, between an intent and its last gate, somebody may ask for a halt, and for a resume soon after."""
        if self.faulty and self._shell_draws.random() < self.strikes.halt_at_wire:
            self.count("halt at the wire")
            self.ask(e.HaltAsked(level=e.HaltLevel.NEW, reason="people are quick", principal="people"))
            self.database.ring(self.loop)
            resume = e.HaltAsked(level=e.HaltLevel.NONE, reason="people are calm", principal="people")
            self.agenda.after(int(self._shell_draws.uniform(0.2, 3) * S), lambda: self.ask(resume))
        return super().build_ns()

    # The database.

    def read_ns(self) -> int | None:
        """How long the next read takes; None: it fails."""
        draws = self.draws["database"]
        if self.agenda.now_ns < self.database_down_until_ns:
            return None
        if self.faulty and draws.random() < self.strikes.read_lost:
            self.count("read lost")
            return None
        return int(draws.uniform(0.1, 1) * MS)

    def commit_ends(self) -> MaybeEnds | None:
        """Is this commit's answer lost?"""
        draws = self.draws["database"]
        if not self.faulty or draws.random() >= self.swarm.commit_unknown:
            return None
        kind = draws.choice(("written", "never written", "written late", "not readable"))
        self.count(f"commit unclear: {kind}")
        match kind:
            case "written":
                return MaybeEnds(written_ns=0, settles=True, readable=True)
            case "never written":
                return MaybeEnds(written_ns=None, settles=True, readable=True)
            case "written late":
                return MaybeEnds(written_ns=int(draws.uniform(0, 3) * S), settles=False, readable=True)
            case _:
                return MaybeEnds(written_ns=draws.choice((0, None)), settles=True, readable=False)

    # People.

    async def understood(self, request: Request) -> e.Event:
        """As the application does."""
        return understand(request, DEPLOYMENT, self._offered)

    def _insert(self, event: e.Event) -> None:
        """They ask again until the database takes it."""
        if isinstance(event, e.ParentSubmitted):
            self._refs[event.order.id] = event.order.ref_id
        if isinstance(event, e.BasketSubmitted) and (leg := event.legs[0].leg) is not None:
            self._refs[leg.basket_id] = leg.ref_id
        if self.agenda.now_ns < self.database_down_until_ns:
            self.agenda.after(500 * MS, lambda: self.ask(event))
        else:
            self.database.insert(self._request(event))

    def _request(self, event: e.Event) -> Request:
        """What a person types to make this event."""
        asked_ns = self.agenda.now_ns
        match event:
            case e.ParentSubmitted(order=order):
                body = parse(OrderBody, order_written(order))
                return order_request(body, entity=ENTITY, principal=order.principal, asked_ns=asked_ns)
            case e.BasketSubmitted(legs=legs):
                basket = parse_basket(basket_written(legs))
                principal = legs[0].principal
                return basket_request(basket, entity=ENTITY, principal=principal, asked_ns=asked_ns)
            case e.CancelAsked(parent_id=parent_id, principal=principal):
                stop = CancelBody(ref_id=self._refs[parent_id])
                return cancel_request(stop, entity=ENTITY, principal=principal, asked_ns=asked_ns)
            case e.PauseAsked(parent_id=parent_id, resume=resume, principal=principal, confirms=confirms):
                wait = PauseBody(ref_id=self._refs[parent_id], confirm_pilot=confirms)
                return pause_request(wait, resume=resume, entity=ENTITY, principal=principal, asked_ns=asked_ns)
            case e.AmendAsked(parent_id=parent_id, principal=principal, quantity=quantity) if quantity is not None:
                amend = AmendBody(ref_id=self._refs[parent_id], base_quantity=plain(quantity))
                return amend_request(amend, entity=ENTITY, principal=principal, asked_ns=asked_ns)
            case e.HaltAsked(level=level, reason=reason, principal=principal):
                resume = level is e.HaltLevel.NONE
                return halt_request(
                    HaltBody(reason=reason), resume=resume, entity=ENTITY, principal=principal, asked_ns=asked_ns
                )
            case _:
                raise TypeError(event)

    def _unheard(self) -> bool:
        return bool(self.database.select(sql.OPEN_REQUESTS, 1))

    # The end.

    def close(self) -> None:
        """Everybody is told to stop, and nobody starts any more."""
        self.last, self.closing = None, True
        for process in tuple(self._live()):
            process.drain()

    def conclude(self) -> LiveProcess | None:
        """The last driver drains; then all that is durable must agree."""
        process = self.last
        if process is None:
            self.breach("I15", "nobody drives at the end, or it does not drain")
            return None
        self.judge.conclude(
            process.engine,
            self.database,
            self.agenda.now_ns,
            unfenced=may_leave_doubts(self),
            backlog=process.backlog,
            standing=self.trouble.orphans_standing(),
        )
        self._judge_requests()
        self._judge_snapshots()
        for raised in self.loop.raised:
            self.breach("exception", raised)
        return process

    def _judge_requests(self) -> None:
        """Each request is consumed by exactly one row, which carries its event, and each asking row has one."""
        rows = {one.seq: one.row for one in self.database.appended()}
        consumed = {seq: number for number, seq in self.database.select(_REQUESTS_ALL) if seq is not None}
        for seq, row in rows.items():
            asked = isinstance(row.stamped.event, _ASKED)
            if consumed.get(seq) != row.request_id or asked != (row.request_id is not None):
                self.breach("I7", f"row {seq} consumes request {row.request_id}, the table says {consumed.get(seq)}")
            for fact in row.facts:
                if isinstance(fact, f.DecisionFailed):
                    self.breach("alarm", f"a decision failed: {fact.error}")

    def _judge_snapshots(self) -> None:
        """A snapshot is the fold of the journal up to where it says it stands."""
        snapshots = self.database.select(_SNAPSHOTS_ALL, SHARD, IMAGE_VERSION)
        kept = {cast("int", seq): cast("bytes", payload) for seq, payload in snapshots}
        folded = Engine({})
        for one in self.database.appended():
            folded.recover(one.row.stamped.at_ns, one.row.facts)
            if one.seq in kept:
                image = SNAPSHOTS.loads(kept.pop(one.seq))
                assert isinstance(image, StateImage)
                state = State.of(image)
                last_ns, folded.state.last_ns = folded.state.last_ns, state.last_ns
                if SNAPSHOTS.dumps(state.image()) != SNAPSHOTS.dumps(folded.state.image()):
                    self.breach("I14", f"the snapshot at {one.seq} is not what the journal folds to there")
                folded.state.last_ns = last_ns
        for seq in kept:
            self.breach("I14", f"a snapshot stands at {seq}, behind the journal's end")

    def bury(self) -> None:
        """The dead may run their clean-up now: nobody looks any more, and nothing may be left half-run."""
        self.loop.before_step = None
        self.faulty, self.closing, self.buried = False, True, True
        self.agenda.only_processes()
        for process in self.all:
            process.dead, process.paused_until_ns = False, Nanos(0)
            for task in process.owner.running():
                task.cancel()
        last = self.agenda.steps + _BURIAL_STEPS
        while self.agenda and self.agenda.steps < last:
            if not any(process.owner.running() for process in self.all):
                break
            self.agenda.take(self.agenda.next_ns)
        self.database.close()


def simulate_live(
    seed: int,
    profile: Profile | str = "default",
    swarm: Swarm | None = None,
    strikes: Strikes | None = None,
    file: Path | None = None,
) -> Outcome:
    """Run one seed of the live shell to its end. `file`: the database is one."""
    profile = PROFILES[profile] if isinstance(profile, str) else profile
    world = LiveWorld(seed, profile, swarm or draw(seed, profile), strikes or strikes_of(seed, profile), file)
    with exactly(), world.loop.current():
        try:
            return _run(seed, world)
        finally:
            world.bury()


def _run(seed: int, world: LiveWorld) -> Outcome:
    world.begin()
    settle(world)
    _stop_all(world)
    process = world.conclude()
    children = () if process is None else tuple(process.engine.state.blotter.children.values())
    return Outcome(
        seed=seed,
        profile=world.profile.name,
        breaches=tuple(world.judge.breaches),
        parents=len(world.judge.parents),
        children=len(world.judge.intents),
        accepted=world.judge.accepts,
        quarantined=sum(1 for child in children if child.state is ChildState.QUARANTINED),
        virtual_s=(world.agenda.now_ns - START_NS) / S,
        steps=world.agenda.steps,
        reached=reached(world),
        digest=_digest(world),
    )


def _stop_all(world: LiveWorld) -> None:
    """SIGTERM to everybody: all must be gone within the bound of a drain, and nobody comes after them."""
    world.close()
    until(world, world.agenda.now_ns + _GONE_NS)
    if world.processes:
        world.breach("drain", f"{len(world.processes)} processes are still there {_GONE_NS // S} s after SIGTERM")
    if world.database.select(sql.LEASE_BEFORE, SHARD)[0][1] != 0:
        world.breach("drain", "the last driver did not let go of the lease")


def _digest(world: LiveWorld) -> str:
    found = hashlib.blake2b(digest_size=16)
    for one in world.database.appended():
        found.update(one.hash.encode())
    for account, venue in sorted((str(one.account), world.venue(one.account)) for one in world.listings()):
        found.update(account.encode())
        found.update(repr(venue.all_trades()).encode())
    return found.hexdigest()
