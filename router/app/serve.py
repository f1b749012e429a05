"""`sor serve`: stand by for the lease, drive while it is ours, show ourselves on loopback."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from decimal import Decimal

from router.app.desk import answering
from router.app.drive import drive_while, following
from router.app.parts import Driving, Router
from router.app.proving import proving
from router.config.settings import HttpSettings
from router.engine import recovering
from router.identity import MadeKey
from router.model.errors import LeaseHeld, StoreUnavailable
from router.model.ids import InstrumentId, Nanos
from router.model.market import MarketView
from router.web.status import Json, Shown, StatusServer

_NS_PER_MS = 1_000_000
_STANDBY_S = 0.25
_LIVES_AFTER_TTLS = 2


class Pages:
    """The status pages: wanted, but nothing depends on them. A second process on a host finds the port taken."""

    def __init__(self, router: Router, shown: Callable[[], Shown]) -> None:
        self._router = router
        self._shown = shown
        self._server: StatusServer | None = None
        self._told = False

    async def open(self) -> None:
        """Show them, if they are wanted and not shown yet; say it once when the port is taken."""
        status = self._router.config.status
        if status.port is None or self._server is not None:
            return
        server = StatusServer(self._shown(), status.host, status.port)
        try:
            self._router.observe.serving(await server.start())
        except OSError as error:
            await server.stop()
            if not self._told:
                self._told = True
                self._router.observe.pages_unavailable(status.host, status.port, error.strerror or str(error))
        else:
            self._server = server

    async def close(self) -> None:
        """Show nothing any more."""
        if self._server is not None:
            await self._server.stop()


class Served:
    """The pages' source: what drives, or nothing while we stand by."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self.driving: Driving | None = None

    def shown(self) -> Shown:
        """What the status pages may read."""
        return Shown(
            status=self._status, not_ready=self._not_ready, metrics=self._router.observe.exposition, view=self._view
        )

    def _status(self) -> Json:
        config = self._router.config
        status: Json = {"mode": config.mode, "deployment": config.deployment, "driving": self.driving is not None}
        if self.driving is None:
            return status
        state = self.driving.driver.engine.state
        now_ns = self._router.clock.now()
        return status | {
            "halted": state.halt_reason if state.halted else None,
            "recovering": recovering(state),
            "accounts": {
                account: {"open": gate.open, "reason": gate.reason} for account, gate in sorted(state.gates.items())
            },
            "parents_working": sum(1 for _ in state.blotter.working_parents()),
            "children_living": sum(1 for _ in state.blotter.living()),
            "books": {
                listing: {"age_ms": age_ns // _NS_PER_MS, "unusable": why}
                for listing, (age_ns, why) in self.driving.market.ages(now_ns).items()
            },
            "streams": {venue.account: self.driving.market.health.shown(venue.account) for venue in config.venues},
            "tiers": {venue.venue: venue.tier for venue in config.venues},
        }

    def _not_ready(self) -> str | None:
        if self.driving is None:
            return "another process drives"
        gates = self.driving.driver.engine.state.gates
        shut = [account for account, gate in gates.items() if not gate.open]
        if shut or not gates:
            return f"not open: {', '.join(shut) or 'no account was read yet'}"
        ages = self.driving.market.ages(self._router.clock.now())
        if not any(why is None for _, why in ages.values()):
            return "no usable book"
        return None

    def view_here(self, instrument: InstrumentId, quantity: Decimal) -> MarketView | None:
        """The market, where this process drives."""
        return None if self.driving is None else self._view(instrument, quantity)

    async def not_ready(self) -> str | None:
        """Why orders would not be worked now: by us, or by whoever drives instead."""
        if self.driving is None and await self._router.store.holder() is not None:
            return None
        return self._not_ready()

    def _view(self, instrument: InstrumentId, quantity: Decimal) -> MarketView:
        if self.driving is None:
            raise KeyError(instrument)
        return self.driving.market.view(instrument, quantity, self._router.clock.now())


class Alone:
    """Where a venue has no fence, nobody stands by: a driver that is replaced while it stands still would be believed.

    A lease that is dead is free within its time; one that is still held after that has a living driver.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        self._holder: tuple[str, int] | None = None
        self._since_ns = Nanos(0)

    async def check(self) -> None:
        """Called while another holds the lease. Raises `LeaseHeld` once it has shown that it lives."""
        router, held = self._router, await self._router.store.holder()
        if not router.config.unfenced or held is None:
            return
        now_ns = router.clock.now()
        if self._holder != held[:2]:
            self._holder, self._since_ns = held[:2], now_ns
        elif now_ns - self._since_ns > _LIVES_AFTER_TTLS * router.config.timings.lease_ttl_ms * _NS_PER_MS:
            venues = ", ".join(router.config.unfenced)
            raise LeaseHeld(f"{held[0]} drives, and {venues} allows one driver only: nobody may stand by for it")


async def serve(
    router: Router, stop: asyncio.Event, http: HttpSettings, first_key: Callable[[MadeKey], None] = lambda _: None
) -> None:
    """Until `stop`: drive whenever the lease is free; answer over HTTP where that is wanted. Returns after a drain."""
    served = Served(router)
    alone = Alone(router)
    pages = Pages(router, served.shown)
    try:
        await pages.open()
        async with following(router), AsyncExitStack() as stack:
            if http.host is not None:
                api = answering(router, http, view=served.view_here, not_ready=served.not_ready, first_key=first_key)
                await stack.enter_async_context(api)
            while not stop.is_set():
                lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
                if lease is None:
                    await alone.check()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), _STANDBY_S)
                    continue
                await pages.open()  # whoever drove here before may have left the port
                async with proving(router):
                    await drive_while(router, lease, lambda driving: _shown_while(served, driving, stop))
                served.driving = None
    finally:
        await pages.close()


async def answer_only(
    router: Router, stop: asyncio.Event, http: HttpSettings, first_key: Callable[[MadeKey], None]
) -> None:
    """Until `stop`: answer over HTTP and put requests on the table; whoever drives takes them from there (D16)."""
    async with answering(router, http, first_key=first_key):
        while not stop.is_set():
            with contextlib.suppress(StoreUnavailable):
                if await router.store.holder() is None:  # else whoever drives keeps the tables close behind
                    await router.projector.catch_up()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _STANDBY_S)


def until_signalled() -> asyncio.Event:
    """Set by SIGTERM or SIGINT: drain and leave."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _shown_while(served: Served, driving: Driving, stop: asyncio.Event) -> bool:
    served.driving = driving
    return not stop.is_set()
