"""The driver: takes events from the door, lets the engine decide, makes that durable, and only then acts.

The order of those four is the promise of this product. Between them there is no await in which anything could leave.
"""

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from router.engine import Engine, told, unknown
from router.engine.failure import failed, newcomers
from router.model.commands import Command, Look
from router.model.errors import AppendLost, LeaseHeld, SideRowTaken
from router.model.events import (
    AccountSeen,
    BasketSubmitted,
    Event,
    HaltAsked,
    HaltLevel,
    MarketSeen,
    ParentSubmitted,
    RequestUnreadable,
    Stamped,
    Started,
    TimerFired,
)
from router.model.facts import ParentArchived
from router.model.ids import AccountId, EntityId, InstrumentId, Nanos, TimerId
from router.model.market import MarketView
from router.model.orders import ParentOrder
from router.model.requests import Request, RequestKind
from router.observe import Observe
from router.ports import DriverClock, JournalRow, Lease, Policy, Remembered, Store, VenuePort
from router.runtime.dead_man import DeadMan
from router.runtime.dispatch import Dispatcher
from router.runtime.inbox import Arrival, Inbox
from router.runtime.market import Market
from router.runtime.recovery import recover, save
from router.runtime.switch import Switch

_MS = 1_000_000
BATCH_MOST = 64
_BATCH_NS = 10 * _MS
_DRAIN_LOOK_S = 0.01
_FAILED_PAUSE_S = 0.05
_FAILED_PAUSE_S_MAX = 5.0
_LOOP_LOOK_MS = 250
_PRICE_LOOK_S = 0.02
"""So often at most the books are held against the prices that orders wait for."""
_WOKEN_AGAIN_NS = 1_000 * _MS
"""So soon at the earliest the same order is woken again, as often as it looks by itself: where its price is there and
something else keeps it from trading, every move of a book would be an event."""
LOOKS_MOST = 8
"""Looks at one instrument on one event: a decision that keeps asking without deciding anything is let go."""

Understand = Callable[[Request], Awaitable[Event]]
"""A request as an event. What cannot be understood is an event too; it raises only for want of the database."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverSettings:
    """How the driver behaves. `snapshot_every`: journal rows between two snapshots."""

    lease_ttl_ms: int
    request_poll_ms: int
    snapshot_every: int
    drain_ms: int


class EngineFailed(Exception):
    """A decision raised: the engine is thrown away and recovered, halted."""


@dataclass(slots=True)
class _Batch:
    """What a group of arrivals came to: one commit, then the commands."""

    rows: list[JournalRow] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    failed: BaseException | None = None
    archived: bool = False


class Driver:
    """One shard's driver. Everything it needs is handed in; it owns nothing that outlives `run`."""

    def __init__(
        self,
        *,
        settings: DriverSettings,
        store: Store,
        ports: Mapping[AccountId, VenuePort],
        policies: Mapping[str, Policy],
        market: Market,
        inbox: Inbox,
        switch: Switch,
        clock: DriverClock,
        understand: Understand,
        observe: Observe,
        started: Callable[[Lease], Started],
        dead_man_s: Mapping[AccountId, int] = MappingProxyType({}),
    ) -> None:
        self._settings = settings
        self._store = store
        self._policies = policies
        self._market = market
        self._inbox = inbox
        self._switch = switch
        self._clock = clock
        self._understand = understand
        self._observe = observe
        self._started = started
        self._dispatcher = Dispatcher(ports, market, inbox, switch, clock, observe)
        self._dead_man = DeadMan(dead_man_s, ports, switch, observe)
        self._engine = Engine(policies)
        self._seq = 0
        self._row_hash = ""
        self._since_snapshot = 0
        self._queued_requests: set[int] = set()
        self._newest_halt = 0
        """Of the request table. A resume that was asked for before it is out of date, though the halt overtook it."""
        self._consumed_requests: set[int] = set()
        """Consumed since the newest reading of the table began: it may still show them as open."""
        self._asked = False
        self._draining = False
        self._drained = False
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()

    @property
    def engine(self) -> Engine:
        """For readers inside the process: status pages, `execute` waiting for its parent."""
        return self._engine

    @property
    def heard_all(self) -> bool:
        """Was the request table read, and everything decided on that came of it? A resume may have stood in it."""
        return self._asked and not self._queued_requests and not len(self._inbox)

    async def ready(self) -> None:
        """Returns once every account was read, or found to be unreachable."""
        await self._ready.wait()

    def stop(self) -> None:
        """Drain: no new children, answers already under way are taken in, the lease goes back."""
        self._stop.set()

    async def run(self, lease: Lease) -> None:
        """Drive until stopped or fenced. Raises `AppendLost`, `AppendUnclear` or `LeaseHeld` when it must not go on."""
        await self._recover(lease)
        self._may_drive_from(self._clock.now())
        await self._heed_halts()
        deciding = asyncio.create_task(self._decide_for_ever(lease))
        leasing = asyncio.create_task(self._keep_lease(lease))
        asking = asyncio.create_task(self._take_requests())
        watching = asyncio.create_task(self._watch_loop())
        waking = asyncio.create_task(self._watch_prices())
        winding = asyncio.create_task(self._dead_man.run())
        # None of these ends by itself: who drives without one of them goes on half blind.
        endless = (deciding, leasing, asking, watching, waking, winding)
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([*endless, stop], return_when=asyncio.FIRST_COMPLETED)
            for task in endless:
                if task.done():
                    task.result()
            asking.cancel()
            await self._drain(deciding)
        except (LeaseHeld, AppendLost) as error:
            self._observe.lease_lost(str(error))
            raise
        except SideRowTaken as error:
            await self._leave_halted(str(error))
            raise
        finally:
            await self._leave(lease, [*endless, stop])

    # Start and end.

    async def _leave(self, lease: Lease, tasks: "Sequence[asyncio.Task[None] | asyncio.Task[bool]]") -> None:
        """Leave nothing running.

        A cancellation that comes meanwhile is heard afterwards: cut short, orders would still leave for a driver that
        is gone.
        """
        cut: asyncio.CancelledError | None = None
        for step in (lambda: _end(tasks), self._unwind, self._dispatcher.stop, lambda: self._let_go(lease)):
            cut = await _through(step) or cut
        self._observe.stopped("drained" if self._drained else "ended")
        if cut is not None:
            raise cut

    async def _unwind(self) -> None:
        if self._drained and self._switch.drives:  # else whoever drives now has use for the timers
            await self._dead_man.stop_all()

    async def _let_go(self, lease: Lease) -> None:
        with contextlib.suppress(Exception):
            await self._store.release_lease(lease)

    async def _recover(self, lease: Lease) -> None:
        recovered = await recover(self._store, self._policies, self._observe.snapshot_refused)
        self._engine, self._seq, self._row_hash = recovered.engine, recovered.seq, recovered.row_hash
        self._clock.raise_floor(self._engine.state.last_ns)
        self._follow_state()
        self._inbox.put(self._started(lease))
        state = self._engine.state
        self._observe.recovered(
            seq=recovered.seq,
            living=sum(1 for _ in state.blotter.living()),
            halted=state.halt_reason if state.halted else None,
            recovering=state.restoring is not None,
        )

    async def _drain(self, deciding: "asyncio.Task[None]") -> None:
        """Take in what is already on its way; what is not answered in time is left recorded, in doubt.

        The loop ends by itself, between two batches: a state that is ahead of the journal must never be saved.
        """
        self._draining = True
        give_up_ns = self._clock.now() + self._settings.drain_ms * _MS
        while self._clock.now() < give_up_ns and (self._dispatcher.sending or len(self._inbox)):
            await asyncio.wait([deciding], timeout=_DRAIN_LOOK_S)
            if deciding.done():
                break
        self._drained = True
        self._inbox.nudge()
        await deciding
        if self._seq > 0:
            await save(self._store, self._engine, self._seq, self._row_hash, self._clock.now())

    async def _leave_halted(self, why: str) -> None:
        """The database refused what we decided: our own bug. Whoever drives next comes up halted."""
        reason = f"the database refused a decision: {why}"[:128]
        body = json.dumps({"reason": reason}, separators=(",", ":"))
        await self._store.ask(
            Request(
                entity=EntityId("router"),
                kind=RequestKind.HALT,
                key=f"refused-{self._clock.now()}",
                principal="router",
                body=body,
                body_hash=hashlib.sha256(body.encode()).hexdigest(),
                asked_ns=self._clock.now(),
            )
        )

    # The loop.

    async def _decide_for_ever(self, lease: Lease) -> None:
        failures = 0
        while not self._drained:
            arrivals = await self._inbox.take(BATCH_MOST)
            try:
                await self._one_batch(arrivals)
                failures = 0
            except EngineFailed:
                # A bug that every event meets must not fill the journal.
                await asyncio.sleep(min(_FAILED_PAUSE_S * 2**failures, _FAILED_PAUSE_S_MAX))
                failures += 1
                await self._recover(lease)

    async def _one_batch(self, arrivals: Sequence[Arrival]) -> None:
        batch = _Batch()
        remembered = await self._recall(arrivals)
        began_ns = self._clock.now()
        for position, arrival in enumerate(arrivals):
            self._decide(arrival, remembered, batch)
            # What left the state in this batch is found in the journal only once that is written; and a commit shared
            # by too many decisions would make the first ones' approvals old.
            if batch.failed is not None or batch.archived or self._clock.now() - began_ns > _BATCH_NS:
                self._inbox.put_back(arrivals[position + 1 :])
                break
        if batch.failed is not None:
            self._switch.halt_now("a decision failed", None)
        if batch.rows:
            await self._append(batch.rows)
        self._follow_state()
        if batch.failed is not None:
            raise EngineFailed from batch.failed
        for command in batch.commands:
            self._dispatcher.carry_out(command)
        await self._snapshot_now_and_then()

    async def _recall(self, arrivals: Sequence[Arrival]) -> Remembered:
        """What the journal knows of those that these events speak of and the state no longer holds."""
        names = unknown(self._engine.state, (arrival.event for arrival in arrivals))
        return await self._store.recall(names) if names else Remembered()

    def _decide(self, arrival: Arrival, remembered: Remembered, batch: _Batch) -> None:
        """One event, and the looks at the market it leads to, each of them an event of its own."""
        *before, event = told(self._engine.state, arrival.event, remembered)
        for recalled in before:
            self._decide_event(recalled, None, batch)
        if isinstance(event, HaltAsked) and event.level is HaltLevel.NONE and self._out_of_date(arrival.request_id):
            why = "a halt was asked for after it"
            event = RequestUnreadable(kind=RequestKind.RESUME, key=f"{arrival.request_id}", reason=why)
        if batch.failed is None:
            self._decide_event(event, arrival.request_id, batch)
        looks: Counter[InstrumentId] = Counter()
        while batch.failed is None and (look := _next_look(batch)) is not None:
            looks[look.instrument] += 1
            if self._draining or not self._market.knows(look.instrument) or looks[look.instrument] > LOOKS_MOST:
                continue
            view = self._market.view(look.instrument, look.quantity, self._clock.now())
            self._decide_event(MarketSeen(view=view), None, batch)

    def _out_of_date(self, resume_id: int | None) -> bool:
        return resume_id is not None and resume_id < self._newest_halt

    def _decide_event(self, event: Event, request_id: int | None, batch: _Batch) -> None:
        if isinstance(event, AccountSeen):
            self._dead_man.account_read(event.read, self._engine.state.settings.deployment)
        if isinstance(event, ParentSubmitted) and not self._draining and self._market.knows(event.order.instrument):
            view = self._market.view(event.order.instrument, event.order.quantity, self._clock.now())
            event = ParentSubmitted(order=event.order, view=view)
        if isinstance(event, BasketSubmitted) and not self._draining:
            event = BasketSubmitted(legs=event.legs, views=self._views(event.legs))
        stamped = Stamped(at_ns=self._clock.now(), event=event)
        brought = newcomers(self._engine.state, event)
        try:
            decision = self._engine.decide(stamped)
            self._observe.decided(self._clock.now() - stamped.at_ns)
        except Exception as error:
            self._observe.decision_failed(type(event).__name__, error)
            facts = failed(stamped, error, brought)
            batch.rows.append(JournalRow(stamped=stamped, facts=facts, request_id=request_id))
            batch.failed = error
            if isinstance(event, Started):
                raise  # it cannot even start: a person has to look
            return
        if decision.facts or request_id is not None:
            batch.rows.append(JournalRow(stamped=stamped, facts=decision.facts, request_id=request_id))
        batch.archived = batch.archived or any(isinstance(fact, ParentArchived) for fact in decision.facts)
        batch.commands.extend(decision.commands)

    def _views(self, legs: Sequence[ParentOrder]) -> tuple[MarketView, ...]:
        """The markets that the legs come into."""
        known = (order for order in legs if self._market.knows(order.instrument))
        return tuple(self._market.view(one.instrument, one.quantity, self._clock.now()) for one in known)

    async def _append(self, rows: Sequence[JournalRow]) -> None:
        began_ns = self._clock.now()
        appended = await self._store.append(rows)
        self._observe.appended(rows=len(rows), took_ns=self._clock.now() - began_ns)
        self._seq, self._row_hash = appended[-1].seq, appended[-1].hash
        consumed = {row.request_id for row in rows if row.request_id is not None}
        self._queued_requests -= consumed
        self._consumed_requests |= consumed
        for fact in (fact for one in appended for fact in one.row.facts):
            self._observe.fact(fact)
        self._since_snapshot += len(rows)
        for row in rows:
            if isinstance(row.stamped.event, HaltAsked):
                self._switch.journaled(row.request_id)

    async def _snapshot_now_and_then(self) -> None:
        """Between two batches, where the engine stands exactly at the journal's end."""
        if self._since_snapshot >= self._settings.snapshot_every:
            self._since_snapshot = 0
            await save(self._store, self._engine, self._seq, self._row_hash, self._clock.now())

    def _follow_state(self) -> None:
        state = self._engine.state
        if state.gates and not any(gate.starting for gate in state.gates.values()):
            self._ready.set()
        self._dead_man.follow(state)
        self._switch.follow(state.halt_reason if state.halted else None, state.halt_epoch)

    # Beside the loop.

    async def _keep_lease(self, lease: Lease) -> None:
        """Losing it ends the drive; the journal's key is what keeps two drivers apart even so."""
        while True:
            await asyncio.sleep(self._settings.lease_ttl_ms / 3_000)
            asked_ns = self._clock.now()
            if not await self._store.renew_lease(lease, self._settings.lease_ttl_ms):
                message = "another process took the lease"
                raise LeaseHeld(message)
            self._may_drive_from(asked_ns)

    def _may_drive_from(self, asked_ns: Nanos) -> None:
        """The lease runs from when it was asked for, not from when the answer came."""
        self._switch.lease_good_until(Nanos(asked_ns + self._settings.lease_ttl_ms * _MS))

    async def _watch_loop(self) -> None:
        """How late the loop is, and how old the books: books that wait in a socket look younger than they are."""
        while True:
            due_ns = self._clock.now() + _LOOP_LOOK_MS * _MS
            await asyncio.sleep(_LOOP_LOOK_MS / 1_000)
            now_ns = self._clock.now()
            self._observe.loop_lagged(max(now_ns - due_ns, 0), len(asyncio.all_tasks()))
            for listing, (age_ns, why) in self._market.ages(now_ns).items():
                self._observe.book_aged(listing, age_ns, usable=why is None)
            self._market.watch(wanted=bool(self._engine.awaited()))

    async def _watch_prices(self) -> None:
        """An order that waits for a price is planned as soon as a book has it, not at its next look.

        Only its timer fires: what it decides on is the market of then, and its timer is there if this misses it.
        """
        woken: dict[TimerId, Nanos] = {}
        while True:
            await self._market.moved()
            now_ns = self._clock.now()
            woken = {timer: at_ns for timer, at_ns in woken.items() if now_ns - at_ns < _WOKEN_AGAIN_NS}
            for instrument, quantity in self._engine.awaited().items():
                if self._draining or not self._market.knows(instrument):
                    continue
                for timer in self._reached(instrument, quantity, now_ns):
                    if timer not in woken:
                        woken[timer] = now_ns
                        self._inbox.put(TimerFired(timer_id=timer))
            await asyncio.sleep(_PRICE_LOOK_S)

    def _reached(self, instrument: InstrumentId, quantity: Decimal, now_ns: Nanos) -> Sequence[TimerId]:
        view = self._market.view(instrument, quantity, now_ns)
        with contextlib.suppress(Exception):  # a policy's bug is met by the order's own timer, and answered for there
            return self._engine.reached_by(view, now_ns)
        return ()

    async def _take_requests(self) -> None:
        """Open requests become events. A halt bites in memory before its event even queues."""
        newest = 0
        while True:
            consumed_before = frozenset(self._consumed_requests)
            for request in await self._store.open_requests(BATCH_MOST):
                newest = max(newest, await self._take_request(request))
            self._consumed_requests -= consumed_before
            self._asked = True
            await self._store.wait_requests(self._settings.request_poll_ms / 1_000, newest)

    async def _take_request(self, request: Request) -> int:
        assert request.id is not None
        if request.id in self._queued_requests or request.id in self._consumed_requests:
            return request.id
        self._queued_requests.add(request.id)
        event = await self._understand(request)
        self._observe.request_taken(request.kind)
        if isinstance(event, HaltAsked) and event.level is not HaltLevel.NONE:
            self._newest_halt = max(self._newest_halt, request.id)
            self._switch.halt_now(event.reason, request.id)
            self._inbox.put_first(event, request.id)
        else:
            self._inbox.put(event, request.id)
        return request.id

    async def _heed_halts(self) -> None:
        """A halt that was asked for while nobody drove bites before the first decision; so does word of a restore."""
        for request in await self._store.open_requests(BATCH_MOST):
            if request.kind in {RequestKind.HALT, RequestKind.RESTORED}:
                await self._take_request(request)


def _next_look(batch: _Batch) -> Look | None:
    """The market is looked at while deciding; all other commands wait for the commit."""
    for position, command in enumerate(batch.commands):
        if isinstance(command, Look):
            del batch.commands[position]
            return command
    return None


async def _end(tasks: "Sequence[asyncio.Task[None] | asyncio.Task[bool]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _through(step: Callable[[], Awaitable[None]]) -> asyncio.CancelledError | None:
    """Take a step that may be begun again to its end; the cancellation that came meanwhile, if one did."""
    cut = None
    while True:
        try:
            await step()
        except asyncio.CancelledError as error:
            cut = error
        else:
            return cut
