"""A process of the simulated live shell: the real `Driver` with its store, its ports and all its tasks."""

import asyncio
from typing import Protocol, cast

from router.engine import Engine
from router.model import events as e
from router.model import facts as f
from router.model.ids import AccountId, ListingId, Nanos
from router.model.orders import ChildOrder
from router.model.requests import Request
from router.model.stream_notes import StreamNote
from router.observe import Observe
from router.ports import Lease
from router.runtime.driver import Driver, DriverSettings
from router.runtime.inbox import Inbox
from router.runtime.market import Market
from router.runtime.switch import Switch
from router.simulate.database import MaybeEnds, SimDatabase, SimSession, SimStore
from router.simulate.loop import Owner, VirtualLoop, context_of
from router.simulate.ports import SimPort
from router.simulate.scene import DEPLOYMENT, MS, START_NS, terms_of
from router.simulate.shell import APPROVAL_AGE_MS, LEASE_TTL_NS, Shell, World
from router.simulate.strikes import Strikes
from router.simulate.swarm import Swarm

DRAIN_MS = 5_000
_STANDBY_S = 0.25


class LiveSurroundings(World, Protocol):
    """What a live process stands in."""

    loop: VirtualLoop
    database: SimDatabase
    swarm: Swarm
    strikes: Strikes
    observe: Observe

    async def understood(self, request: Request) -> e.Event:
        """As the application does."""
        ...

    def took(self, process: "LiveProcess") -> None:
        """It drives from now on."""
        ...

    def newest_epoch(self) -> int:
        """Of the lease, as the database has it."""
        ...

    def strikes_here(self, name: str, process: "LiveProcess") -> bool:
        """Does something strike at this point?"""
        ...

    def read_ns(self) -> int | None:
        """How long the next read takes; None: it fails."""
        ...

    def commit_ends(self) -> MaybeEnds | None:
        """Is this commit's answer lost?"""
        ...

    def breach(self, invariant: str, detail: str) -> None:
        """It did not hold."""
        ...


class SimClock:
    """A process's clock: off by a constant, never below what was journaled.

    `offset_error_ns`: how far off it thinks that constant is.
    """

    def __init__(self, world: LiveSurroundings, skew_ns: int, offset_error_ns: int) -> None:
        self._world = world
        self._skew_ns = skew_ns
        self._offset_error_ns = offset_error_ns
        self._floor_ns = Nanos(0)

    def now(self) -> Nanos:
        """See the port."""
        self._floor_ns = Nanos(max(self._floor_ns, self._world.agenda.now_ns + self._skew_ns))
        return self._floor_ns

    def raise_floor(self, floor_ns: Nanos) -> None:
        """See the port."""
        self._skew_ns += max(floor_ns - self.now(), 0)

    def at_venue(self, deadline_ns: Nanos) -> Nanos:
        """A deadline in venue time, from a measured offset (D14)."""
        return Nanos(deadline_ns - self._skew_ns + self._offset_error_ns)


class _Heard:
    """What a process tells of itself; the world notes that it still does."""

    def __init__(self, observe: Observe, process: "LiveProcess") -> None:
        self._observe = observe
        self._process = process

    def __getattr__(self, name: str) -> object:
        return getattr(self._observe, name)

    def loop_lagged(self, lag_ns: int, tasks: int) -> None:
        """See `Observe`."""
        self._process.looked_ns = self._process.world.agenda.now_ns
        self._observe.loop_lagged(lag_ns, tasks)


class LiveProcess(Shell):
    """One process: a driver with its store, its ports and all its tasks."""

    def __init__(self, world: LiveSurroundings, number: int, clock: SimClock) -> None:
        super().__init__()
        self.world = world
        self.name = f"process {number}"
        self.owner = Owner(self)
        self.clock = clock
        self.epoch = 0
        self.drains_since_ns: Nanos | None = None
        self.was_paused = False
        self.since_ns = START_NS
        """Since when it drives."""
        self.drained = False
        self.looked_ns = START_NS
        """When it last told how late its loop is."""
        self.usurped = False
        """Its lease was given away while it held it."""
        self._inbox = Inbox()
        self.market = Market(world.instruments, world.view_policy, self._inbox, _untold, _untold, _unnoted)
        self._session = SimSession(world.database, self, world.loop, self)
        self.store = SimStore(self._session, world.database, self)
        self.driver = Driver(
            settings=DriverSettings(
                lease_ttl_ms=LEASE_TTL_NS // MS,
                request_poll_ms=1_000,
                snapshot_every=world.strikes.snapshot_every,
                drain_ms=DRAIN_MS,
            ),
            store=self.store,
            ports={
                one.account: SimPort(one, terms_of(one, world.swarm), world, world.loop, self)
                for one in world.listings()
            },
            policies=world.policies,
            market=self.market,
            inbox=self._inbox,
            switch=Switch(self.clock, APPROVAL_AGE_MS),
            clock=self.clock,
            observe=cast("Observe", _Heard(world.observe, self)),
            understand=world.understood,
            started=self._started,
        )
        self.task = world.loop.create_task(self._live(), name=self.name, context=context_of(self.owner))

    # As the world sees it.

    @property
    def whose(self) -> "LiveProcess":
        """Itself."""
        return self

    @property
    def sink(self) -> Market:
        """Its books."""
        return self.market

    @property
    def engine(self) -> Engine:
        """For the judge."""
        return self.driver.engine

    @property
    def idle(self) -> bool:
        """Once it has drained, the engine stands where the journal ends."""
        return self.drained

    @property
    def backlog(self) -> dict[str, int]:
        """How much it has still before it."""
        return {"events": len(self._inbox)}

    def now(self) -> Nanos:
        """Its own clock."""
        return self.clock.now()

    def put(self, event: e.Event) -> None:
        """A private stream told it so."""
        if isinstance(event, e.StreamRestored):
            self.market.read_wanted(event.account, event.why)
        elif isinstance(event, e.OrderHinted):
            self.market.order_hint(event)

    def hear_requests(self) -> None:
        """The database tells whoever waits."""
        self.world.database.ring(self.world.loop)

    def drain(self) -> None:
        """SIGTERM."""
        if self.drains_since_ns is None:
            self.drains_since_ns = self.clock.now()
            self.was_paused = self.paused_until_ns > self.world.agenda.now_ns
            self.driver.stop()

    # What it does.

    async def _live(self) -> None:
        try:
            if (lease := await self._lease()) is not None:
                self.epoch = lease.epoch
                self.since_ns = self.looked_ns = self.world.agenda.now_ns
                self.world.took(self)
                await self.driver.run(lease)
                self.drained = True
        finally:
            await self.store.close()

    async def _lease(self) -> Lease | None:
        """Stand by for it; None when told to stop."""
        while self.drains_since_ns is None:
            lease = await self.store.take_lease(self.name, LEASE_TTL_NS // MS)
            if lease is not None:
                return lease
            await asyncio.sleep(_STANDBY_S)
        return None

    def _started(self, lease: Lease) -> e.Started:
        return e.Started(
            deployment=DEPLOYMENT,
            incarnation=1,
            epoch=lease.epoch,
            version="sim",
            instruments=self.world.instruments,
            terms=tuple(terms_of(one, self.world.swarm) for one in self.world.listings()),
            limits=self.world.swarm.limits,
            unreleased=lease.unreleased,
            archive_after_ms=self.world.swarm.archive_after_ms,
        )

    # What its parts are told and ask for.

    async def at_point(self, name: str) -> None:
        """A strike may fall here; it is felt at the await."""
        if self.world.strikes_here(name, self):
            await asyncio.sleep(0)

    def passed_gate(self, order: ChildOrder) -> None:
        """Was it still our turn, and was no halt heard?"""
        world = self.world
        if self.store.heard_halts:
            world.breach("I5", f"{order.client_id} passes the gate after the driver has heard of a halt")
        if world.newest_epoch() > self.epoch and not self.usurped:
            world.breach("I9", f"{order.client_id} passes the gate of epoch {self.epoch} after another took the lease")

    def commit_ns(self) -> int | None:
        """See `Trouble`."""
        return self.world.commit_ns()

    def read_ns(self) -> int | None:
        """See `Trouble`."""
        return self.world.read_ns()

    def commit_unclear(self) -> bool:
        """See `Trouble`."""
        return self.world.commit_unclear()

    def commit_ends(self) -> MaybeEnds | None:
        """See `Trouble`."""
        return self.world.commit_ends()

    def decided(self, facts: tuple[f.Fact, ...]) -> None:
        """See `Trouble`."""
        self.world.decided(facts)
        since_ns = self.drains_since_ns
        if since_ns is None or self.was_paused:
            return
        for fact in facts:
            if isinstance(fact, f.ChildIntended) and fact.order.decided_at_ns > since_ns:
                self.world.breach("drain", f"{fact.order.client_id} was intended after the driver was told to drain")


def _unnoted(_account: AccountId, _note: StreamNote, _news: bool) -> None:
    """No connector of this world says such a thing."""


def _untold(_listing: ListingId, _why: str) -> None:
    """A book was lost: the world knows."""
