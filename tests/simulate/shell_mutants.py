"""Mistakes in the live shell, planted one at a time, each in the real class for as long as its context lasts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from router.model.commands import Place, Query, ReadAccount, Wake
from router.model.errors import AppendUnclear, StoreUnavailable
from router.model.events import HaltAsked, Started
from router.model.orders import Approved, ChildOrder
from router.ports import JournalRow, Remembered
from router.runtime.dispatch import Dispatcher
from router.runtime.driver import Driver, EngineFailed, _Batch
from router.runtime.recovery import save
from router.runtime.switch import Switch
from router.simulate.strikes import Strikes
from router.simulate.swarm import Profile, Swarm, draw
from router.store import JournalStore
from router.store.dialect import Sql
from router.store.session import Step

Mistake = AbstractContextManager[object]
SHORT = Profile(name="short", parents=(3, 6), faulty_s=60, heal_s=900, strength=1.0)


def sent_before_it_is_durable() -> Mistake:
    """Commands are carried out, then the rows are appended."""

    async def one_batch(self: Driver, arrivals: Sequence[Any]) -> None:
        batch = _Batch()
        remembered = await self._recall(arrivals)
        for arrival in arrivals:
            self._decide(arrival, remembered, batch)
        self._follow_state()
        for command in batch.commands:
            self._dispatcher.carry_out(command)
        if batch.rows:
            await self._append(batch.rows)
        if batch.failed is not None:
            raise EngineFailed from batch.failed
        await self._snapshot_now_and_then()

    return patch.object(Driver, "_one_batch", one_batch)


def cancellation_is_retried() -> Mistake:
    """A retry that catches everything, as tenacity may, sends again when its task is cancelled."""
    usual = Dispatcher._place

    async def place(self: Dispatcher, command: Place, durable_ns: Any) -> None:
        try:
            await usual(self, command, durable_ns)
        except asyncio.CancelledError:
            await usual(self, command, durable_ns)

    return patch.object(Dispatcher, "_place", place)


def a_cancelled_call_is_never_answered() -> Mistake:
    """What the first seed of this shell found: the command has no event, and its key is taken for good."""
    usual = Dispatcher._spawn
    return patch.object(Dispatcher, "_spawn", lambda self, work, _cut: usual(self, work, lambda: None))


def a_second_look_up_is_forgotten() -> Mistake:
    """One asked for while one is out does not start after it."""
    usual = Dispatcher._query

    def query(self: Dispatcher, command: Query) -> None:
        if command.order.client_id not in self._looking:
            usual(self, command)

    return patch.object(Dispatcher, "_query", query)


def a_second_read_is_forgotten() -> Mistake:
    """The same for an account's reading."""

    def read(self: Dispatcher, command: ReadAccount) -> None:
        if command.account not in self._reading:
            usual(self, command)

    usual = Dispatcher._read
    return patch.object(Dispatcher, "_read", read)


def a_lost_lease_is_not_noticed() -> Mistake:
    """Renewing says no, and the driver believes it may go on."""

    async def keep_lease(self: Driver, lease: Any) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_ttl_ms / 3_000)
            asked_ns = self._clock.now()
            await self._store.renew_lease(lease, self._settings.lease_ttl_ms)
            self._may_drive_from(asked_ns)

    return patch.object(Driver, "_keep_lease", keep_lease)


def the_gate_does_not_ask_for_the_lease() -> Mistake:
    """Who wakes after its lease was over sends what was approved before."""

    def gate(self: Switch, order: Approved[ChildOrder], deadline_ns: Any) -> Callable[[], str | None]:
        self._lease_until_ns = 1 << 62  # type: ignore[assignment]
        return usual(self, replace_age(order), deadline_ns)

    def replace_age(order: Approved[ChildOrder]) -> Approved[ChildOrder]:
        return replace(order, approved_at_ns=order.approved_at_ns + (1 << 61))

    usual = Switch.gate
    return patch.object(Switch, "gate", gate)


def a_drain_saves_what_is_not_durable() -> Mistake:
    """The snapshot is taken while a batch is decided on and not appended."""

    async def drain(self: Driver, deciding: Any) -> None:
        self._draining = True
        if self._seq > 0:
            await save(self._store, self._engine, self._seq, self._row_hash, self._clock.now())
        self._drained = True
        self._inbox.nudge()
        await deciding

    return patch.object(Driver, "_drain", drain)


def a_drain_goes_on_planning() -> Mistake:
    """SIGTERM is heard, and new children leave all the same."""
    return patch.object(Driver, "_draining", property(lambda _self: False, lambda _self, _said: None), create=True)


def a_halt_queues() -> Mistake:
    """It is an event like any other, and bites when it is decided on."""
    return patch.object(Switch, "halt_now", lambda _self, _reason, _request_id: None)


def timers_are_not_armed_again() -> Mistake:
    """What the journal says is due is known after a restart, and nobody waits for it."""
    usual = Driver._decide_event

    def decide(self: Driver, event: Any, request_id: int | None, batch: _Batch) -> None:
        usual(self, event, request_id, batch)
        if isinstance(event, Started):
            batch.commands[:] = [command for command in batch.commands if not isinstance(command, Wake)]

    return patch.object(Driver, "_decide_event", decide)


def an_unclear_commit_is_written_again() -> Mistake:
    """Behind whatever stands there by then."""
    usual = JournalStore.append

    async def append(self: JournalStore, rows: Sequence[JournalRow]) -> Any:
        try:
            return await usual(self, rows)
        except (AppendUnclear, StoreUnavailable):
            await self.learn_head()
            self._lost = None
            return await usual(self, rows)

    return patch.object(JournalStore, "append", append)


def a_request_is_consumed_by_itself() -> Mistake:
    """In a transaction of its own, after the one that holds its event."""
    consume = Sql("UPDATE request SET consumed_seq = $2 WHERE id = $1")
    usual = Driver._append

    async def append(self: Driver, rows: Sequence[JournalRow]) -> None:
        await usual(self, [replace(row, request_id=None) for row in rows])
        for row in rows:
            if row.request_id is not None:
                await self._store._session.write([Step(consume, ((row.request_id, self._seq),))])  # type: ignore[attr-defined]
                self._queued_requests.discard(row.request_id)
                if isinstance(row.stamped.event, HaltAsked):
                    self._switch.journaled(row.request_id)

    return patch.object(Driver, "_append", append)


def a_watch_that_ends_is_not_missed() -> Mistake:
    """Whoever looks at the loop and at the books' age is cancelled, and the driver goes on without him."""
    usual = Driver._watch_loop

    async def watch_loop(self: Driver) -> None:
        await asyncio.gather(asyncio.create_task(usual(self)), return_exceptions=True)
        await asyncio.Event().wait()

    return patch.object(Driver, "_watch_loop", watch_loop)


def who_has_left_is_not_asked_for() -> Mistake:
    """The state no longer holds it, so nobody knows it."""

    async def recall(_self: Driver, _arrivals: Sequence[Any]) -> Remembered:
        return Remembered()

    return patch.object(Driver, "_recall", recall)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """A mistake, and what goes wrong in the world around it where it shows."""

    mistake: Callable[[], Mistake]
    world: Mapping[str, Any] = field(default_factory=dict)
    struck: Mapping[str, Any] = field(default_factory=dict)

    def swarm(self, seed: int) -> Swarm:
        """The seed's own, without what would hide the mistake."""
        quiet = dict.fromkeys(_QUIET, 0.0)
        return replace(draw(seed, SHORT), **{**quiet, **self.world})

    @property
    def strikes(self) -> Strikes:
        """None but those named."""
        none = {"per_step": 0.0, "at_points": 0.0, "shares": (1, 1, 1, 1), "drain_rate": 0.0, "read_lost": 0.0}
        return Strikes(**{**none, "standby": False, "snapshot_every": 7, **self.struck})


_QUIET = (
    "kill_rate pause_rate strike_kill strike_pause usurp_rate database_down_rate database_full_rate commit_lost "
    "commit_unknown clock_set halt_rate orphan_rate"
).split()

PLANTED = (
    Planted(mistake=sent_before_it_is_durable),
    Planted(mistake=cancellation_is_retried, struck={"per_step": 1 / 150, "shares": (0, 0, 1, 0)}),
    Planted(mistake=a_cancelled_call_is_never_answered, struck={"per_step": 1 / 400, "shares": (0, 0, 1, 0)}),
    Planted(
        mistake=a_lost_lease_is_not_noticed,
        world={"pause_rate": 1 / 6, "pause_s_max": 15.0, "usurp_rate": 1 / 10},
        struck={"standby": True},
    ),
    Planted(
        mistake=the_gate_does_not_ask_for_the_lease,
        world={"pause_s_max": 30.0},
        struck={"at_points": 0.2, "shares": (0, 1, 0, 0)},
    ),
    Planted(mistake=a_drain_saves_what_is_not_durable, struck={"drain_rate": 1 / 3}),
    Planted(mistake=a_drain_goes_on_planning, struck={"drain_rate": 1 / 5}),
    Planted(
        mistake=a_halt_queues,
        world={"commit_slow": 0.6, "slow_socket": 0.6},
        struck={"halt_at_wire": 0.3},
    ),
    Planted(mistake=timers_are_not_armed_again, world={"kill_rate": 1 / 8}),
    Planted(mistake=an_unclear_commit_is_written_again, world={"commit_unknown": 0.1}),
    Planted(mistake=a_request_is_consumed_by_itself),
    Planted(mistake=who_has_left_is_not_asked_for, world={"archive_after_ms": 5_000, "late_fill_rate": 1 / 5}),
    Planted(mistake=a_watch_that_ends_is_not_missed, struck={"per_step": 1 / 400, "shares": (0, 0, 1, 0)}),
)
"""Two more, a question forgotten while one is out, no seed can find: timers ask again."""

UNHEARD = (a_second_look_up_is_forgotten, a_second_read_is_forgotten)
