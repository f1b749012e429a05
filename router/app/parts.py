"""From settings to parts that fit together. Nothing here decides anything."""

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.budget import Addresses
from connectors.ccxt_venue import CcxtVenue
from connectors.paper import PaperSettings, PaperVenue
from connectors.settings import VenueSettings
from policies import POLICIES
from router.app.curves import stored_curve
from router.app.licences import check_licences
from router.app.offers import offered
from router.app.version import VERSION
from router.book.books import ViewPolicy
from router.config import Config, Mode
from router.config.keyring import Keyring
from router.model.errors import BadInput
from router.model.events import Event, RequestUnreadable, Started
from router.model.fill_chances import FillChances
from router.model.ids import AccountId, ListingId
from router.model.requests import Request
from router.observe import Observe
from router.ports import Lease, VenuePort
from router.requests import Offered, curve_wanted, understand
from router.runtime.clock import SystemClock
from router.runtime.driver import Driver, DriverSettings
from router.runtime.inbox import Inbox
from router.runtime.market import Market
from router.runtime.switch import Switch
from router.store import JournalStore, open_store
from router.store.projector import Projector
from router.store.queries import Queries

DRAIN_MS = 5_000


@dataclass(frozen=True, slots=True)
class Router:
    """What every command that touches the database shares."""

    config: Config
    observe: Observe
    store: JournalStore
    projector: Projector
    queries: Queries
    clock: SystemClock

    @property
    def offered(self) -> Offered:
        """What an order may ask for here."""
        return offered(self.config)

    @property
    def holder(self) -> str:
        """Our name on the lease: unique per process."""
        return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Driving:
    """A driver and what it drives, for one tenure of the lease."""

    driver: Driver
    market: Market
    ports: Mapping[AccountId, VenuePort]


@asynccontextmanager
async def opened(config: Config, observe: Observe) -> AsyncIterator[Router]:
    """The database, opened for this mode; closed again at the end."""
    store = await open_store(config.database_url, config.mode)
    try:
        await check_licences(config, store)
    except BaseException:
        await store.close()
        raise
    projector = Projector(config.database_url, config.entity)
    queries = Queries(config.database_url)
    try:
        yield Router(config, observe, store, projector, queries, SystemClock())
    finally:
        await projector.close()
        await queries.close()
        await store.close()


def build_ports(config: Config, clock: SystemClock, observe: Observe) -> dict[AccountId, VenuePort]:
    """A connector per venue account; in mode paper one that has no keys and fills orders itself."""
    if config.mode is Mode.PAPER:
        return {venue.account: PaperVenue(venue, _paper(config, venue), clock) for venue in config.venues}
    addresses = Addresses()
    keyring = Keyring(config.venues, config.secrets_dir, observe.secrets_read)
    return {
        venue.account: CcxtVenue(
            venue, clock, addresses.of(venue.ccxt_id, venue.loopback), keyring.reader(venue.account)
        )
        for venue in config.venues
    }


def _paper(config: Config, venue: VenueSettings) -> PaperSettings:
    return PaperSettings(
        file=config.paper.folder / f"{config.deployment}.{venue.account.replace('/', '-')}.paper.db",
        deposits=config.paper.deposits,
        taker_fee_bps=config.paper.taker_fee_bps.get(venue.venue),
    )


def build_market(config: Config, inbox: Inbox, observe: Observe) -> Market:
    """Books of all listings, empty."""
    accounts = {venue.account for venue in config.venues}

    def account_of(listing: ListingId) -> AccountId:
        return next(account for account in accounts if listing.startswith(f"{account}:"))

    def book_lost(listing: ListingId, why: str) -> None:
        observe.book_lost(account_of(listing), listing, why)

    def trades_lost(listing: ListingId, why: str) -> None:
        observe.trades_lost(account_of(listing), listing, why)

    policy = ViewPolicy(
        book_age_ms_max=config.limits.book_age_ms_max, fx=config.fx, side_age_ms_max=config.side_age_ms_max
    )
    return Market(config.instruments, policy, inbox, book_lost, trades_lost, observe.stream_noted)


def build_driving(router: Router, chances: FillChances | None = None) -> Driving:
    """A driver with fresh connectors, ready to run under a lease. `chances`: what its splits reckon with."""
    config = router.config
    inbox = Inbox()
    market = build_market(config, inbox, router.observe)
    ports = build_ports(config, router.clock, router.observe)
    for venue in config.venues:
        router.observe.venue_configured(venue.account, venue.tier)
    driver = Driver(
        settings=DriverSettings(
            lease_ttl_ms=config.timings.lease_ttl_ms,
            request_poll_ms=config.timings.request_poll_ms,
            snapshot_every=config.timings.snapshot_every,
            drain_ms=DRAIN_MS,
        ),
        store=router.store,
        ports=ports,
        policies=POLICIES,
        market=market,
        inbox=inbox,
        switch=Switch(router.clock, config.timings.approval_age_ms),
        clock=router.clock,
        observe=router.observe,
        understand=_understanding(router),
        started=_starting(router, chances),
        dead_man_s=_dead_man_s(config),
    )
    return Driving(driver, market, ports)


def _dead_man_s(config: Config) -> Mapping[AccountId, int]:
    """Accounts whose dead-man timer is switched on. Paper has nothing out there."""
    if config.mode is Mode.PAPER:
        return {}
    return {venue.account: venue.dead_man_s for venue in config.venues if venue.dead_man_s is not None}


def _starting(router: Router, chances: FillChances | None) -> Callable[[Lease], Started]:
    config = router.config

    def started(lease: Lease) -> Started:
        return Started(
            deployment=router.store.deployment,
            incarnation=router.store.incarnation,
            epoch=lease.epoch,
            version=VERSION,
            instruments=config.instruments,
            terms=tuple(venue.terms for venue in config.venues),
            limits=config.limits,
            conservation=config.conservation,
            # Paper's fills are made in this process: no order of a process before it is on its way anywhere.
            unreleased=lease.unreleased and config.mode is not Mode.PAPER,
            two_people=config.mode is not Mode.LAB,
            entity=config.entity,
            orphans=config.orphans,
            archive_after_ms=config.timings.archive_after_ms,
            fill_chances=chances,
        )

    return started


def _understanding(router: Router) -> Callable[[Request], Awaitable[Event]]:
    async def event_of(request: Request) -> Event:
        try:
            wanted = curve_wanted(request)
            curve = None if wanted is None else await stored_curve(router.store, *wanted)
            return understand(request, router.store.deployment, router.offered, curve)
        except BadInput as error:
            router.observe.request_refused(request.kind, error.field, error.message)
            return RequestUnreadable(kind=request.kind, key=request.key, reason=str(error))

    return event_of
