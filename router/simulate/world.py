"""The venues, the market, the people who ask, and everything that goes wrong, by seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.lab.core import DuplicateRule, VenueRules
from connectors.sim import SimVenue, Wire
from connectors.sim.wire import SOUND
from policies import POLICIES
from router.book.books import ViewPolicy
from router.model import events as e
from router.model.facts import Fact
from router.model.ids import (
    AccountId,
    Asset,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    RefId,
    VenueId,
)
from router.model.instruments import FeeIn, Instrument, Listing
from router.model.orders import ChildOrder, ChildState, ParentOrder, SweepParams
from router.model.side import Side
from router.model.terms import Fence, RiskLimits, VenueTerms
from router.orders.client_ids import parent_id
from router.simulate.agenda import Agenda
from router.simulate.journal import SimJournal
from router.simulate.judge import Judge
from router.simulate.process import LEASE_TTL_NS, MS, Process
from router.simulate.swarm import Profile, Swarm

S = 1_000 * MS
START_NS = Nanos(1_700_000_000 * S)
DEPLOYMENT = "sim"
ENTITY = EntityId("desk")
BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
_MONEY = {Asset("USD"): Decimal(5_000_000), Asset("BTC"): Decimal(100)}
_LEVELS = 5
_TICK = Decimal("0.1")
_STEP = Decimal("0.0001")
_LIMITS = RiskLimits(
    parent_quantity_max=Decimal(50),
    parent_notional_max=Decimal(5_000_000),
    child_notional_max=Decimal(60_000),
    day_notional_max=Decimal(1_000_000_000),
    collar_bps=Decimal(200),
    book_age_ms_max=3_000,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A sort of venue: its rule for used ids, whether it takes a deadline, and the fence that gives."""

    duplicates: DuplicateRule
    fence: Fence
    fee_in: FeeIn
    fee_bps: Decimal


KINDS = {
    "perm": Kind(
        duplicates=DuplicateRule.ALWAYS, fence=Fence.PERMANENT_DEDUPE, fee_in=FeeIn.RECEIVED, fee_bps=Decimal(8)
    ),
    "first": Kind(
        duplicates=DuplicateRule.ALWAYS_RETURNS_FIRST,
        fence=Fence.PERMANENT_DEDUPE,
        fee_in=FeeIn.QUOTE,
        fee_bps=Decimal(12),
    ),
    "open": Kind(duplicates=DuplicateRule.OPEN_ONLY, fence=Fence.DEADLINE, fee_in=FeeIn.RECEIVED, fee_bps=Decimal(10)),
    "never": Kind(duplicates=DuplicateRule.NEVER, fence=Fence.DEADLINE, fee_in=FeeIn.QUOTE, fee_bps=Decimal(5)),
    "none": Kind(duplicates=DuplicateRule.NEVER, fence=Fence.NONE, fee_in=FeeIn.QUOTE, fee_bps=Decimal(9)),
}


class SimWorld:
    """One seed's world. `process` is who drives now; a paused predecessor may still be about."""

    def __init__(self, seed: int, profile: Profile, swarm: Swarm) -> None:
        self.agenda = Agenda(START_NS)
        self.journal = SimJournal(spelled=swarm.spelled)
        self.policies = POLICIES
        self.instrument = BTC_USD
        self.view_policy = ViewPolicy(book_age_ms_max=_LIMITS.book_age_ms_max)
        self.profile = profile
        self.swarm = swarm
        self.reached: dict[str, int] = {}
        self.processes: list[Process] = []
        self._draws = {
            name: random.Random(f"{seed}:{profile.name}:{name}")
            for name in ("market", "people", "strikes", "database", "start")
        }
        self._faulty = profile.strength > 0
        self._listings = tuple(_listing(kind) for kind in swarm.kinds)
        self._venues = {one.account: _venue(one, KINDS[str(one.venue)], swarm) for one in self._listings}
        self._wires = {
            one.account: Wire(random.Random(f"{seed}:{profile.name}:wire:{one.venue}"), (5.0, 60.0))
            for one in self._listings
        }
        self._deaf: set[AccountId] = set()
        self._feeding: set[AccountId] = set()
        self._mid = 60_000.0
        self._database_down_until_ns = 0
        self.judge = Judge(self._venues)

    # What a process asks of it.

    def venue(self, account: AccountId) -> SimVenue:
        """The account's venue."""
        return self._venues[account]

    def wire(self, account: AccountId) -> Wire:
        """The way there."""
        return self._wires[account]

    def listings(self) -> tuple[Listing, ...]:
        """All there are."""
        return self._listings

    def point(self, name: str, process: Process) -> None:
        """A kill or a pause may strike exactly here."""
        if not self._faulty or process.dead:
            return
        draws = self._draws["strikes"]
        chance = draws.random()
        if chance < self.swarm.strike_kill:
            self.count(f"killed at {name}")
            self._kill(process)
        elif chance < self.swarm.strike_kill + self.swarm.strike_pause:
            self.count(f"paused at {name}")
            self._pause(process)

    def commit_ns(self) -> int | None:
        """A few ms; now and then long enough for approvals to grow old; None: the database refuses."""
        draws = self._draws["database"]
        if self.agenda.now_ns < self._database_down_until_ns:
            return None
        if self._faulty and draws.random() < self.swarm.commit_lost:
            self.count("commit refused")
            return None
        if self._faulty and draws.random() < self.swarm.commit_slow:
            self.count("commit slow")
            return int(draws.uniform(40, 3_000) * MS)
        return int(draws.uniform(0.5, 4) * MS)

    def build_ns(self) -> int:
        """A fraction of a ms; now and then longer than an approval is good for."""
        draws = self._draws["strikes"]
        slow = self._faulty and draws.random() < self.swarm.slow_socket
        return int(draws.uniform(1, 80) * MS if slow else draws.uniform(0.1, 0.5) * MS)

    def commit_unclear(self) -> bool:
        """Of a process that died at its commit: was the request not on its way yet?"""
        unsent = self._draws["database"].random() < 0.5  # noqa: PLR2004 - a coin
        self.count("died before the commit" if unsent else "died after the commit")
        return unsent

    def at_venue(self, account: AccountId) -> None:
        """Judge what was accepted; tell the streams."""
        self.judge.look_at(account)
        hints, book_changed = self._venues[account].drain()
        wire = self._wires[account]
        for hint in hints:
            for delay_ns in wire.hint_delays_ns():
                event = e.OrderHinted(
                    account=account, client_id=hint.client_id, venue_order_id=hint.venue_order_id, hint=hint.status
                )
                for process in self.processes:
                    self.agenda.after(delay_ns, lambda to=process, what=event: to.put(what), process)  # type: ignore[misc]
        if book_changed:
            self._feed_soon(account)

    def leaves(self, child: ChildOrder, gated_ns: Nanos) -> None:
        """A copy's first byte."""
        self.judge.leaves(child, self.agenda.now_ns, gated_ns)

    def ended(self, process: Process, why: str) -> None:
        """It gave up: somebody starts it again."""
        self.count(f"ended: {why}")
        if process in self.processes:
            self.processes.remove(process)
        self._start_soon()

    def decided(self, facts: tuple[Fact, ...]) -> None:
        """Durable."""
        self.judge.durable(facts, self.agenda.now_ns)

    def count(self, what: str) -> None:
        """A reach probe: this situation has happened."""
        self.reached[what] = self.reached.get(what, 0) + 1

    # Its course.

    @property
    def driver(self) -> Process | None:
        """The newest process that lives."""
        return self.processes[-1] if self.processes else None

    def begin(self) -> None:
        """Markets move, people ask, a first driver starts, and things go wrong."""
        for account in self._venues:
            self._move_market(account)
        self._start()
        self._ask_people()
        if self._faulty:
            self._plan_faults()

    def heal(self) -> None:
        """From now on nothing goes wrong, and everything has to come to its end."""
        self._faulty = False
        self._database_down_until_ns = 0
        for wire in self._wires.values():
            wire.faults, wire.down, wire.storming = SOUND, False, False
        for venue in self._venues.values():
            venue.rests_ioc = venue.rejects_later = False
            venue.exchange.set_halted(venue.listing.symbol, halted=False)
        self._deaf.clear()
        self._ask(e.HaltAsked(level=e.HaltLevel.NONE, reason="all is well", principal="people"))

    def quiet(self) -> bool:
        """Has all that was asked for come to its end, as far as it can?"""
        driver = self.driver
        if driver is None or driver.dead or self.journal.open_requests():
            return False
        if any(process.paused_until_ns > self.agenda.now_ns for process in self.processes):
            return False  # what it was about to do is still to come
        blotter = driver.engine.state.blotter
        waiting = {child.order.parent_id for child in blotter.living() if child.state is ChildState.QUARANTINED}
        moving = any(child.state is not ChildState.QUARANTINED for child in blotter.living())
        return not moving and all(parent.order.id in waiting for parent in blotter.working_parents())

    # Processes.

    def _start_soon(self) -> None:
        self.agenda.after(int(self._draws["start"].uniform(50, 2_000) * MS), self._start)

    def _start(self) -> None:
        if any(not one.dead and one.paused_until_ns <= self.agenda.now_ns for one in self.processes):
            return
        epoch = self.journal.take_lease(self.agenda.now_ns, LEASE_TTL_NS)
        if epoch is None or self.agenda.now_ns < self._database_down_until_ns:
            self._start_soon()
            return
        skew_ns = self._draws["start"].randint(-self.swarm.skew_ms, self.swarm.skew_ms) * MS
        started = e.Started(
            deployment=DEPLOYMENT,
            incarnation=1,
            epoch=epoch,
            version="sim",
            instruments=(BTC_USD,),
            terms=tuple(_terms(one, self.swarm) for one in self._listings),
            limits=_LIMITS,
        )
        process = Process(self, epoch, skew_ns, started)
        self.processes.append(process)
        process.start()
        for account in self._venues:
            self._feed_soon(account)

    def _kill(self, process: Process) -> None:
        process.dead = True
        self.processes.remove(process)
        self._start_soon()

    def _pause(self, process: Process) -> None:
        """Frozen; if for longer than its lease, somebody else starts, and it wakes up beside him."""
        length_ns = int(self._draws["strikes"].uniform(0.01, self.swarm.pause_s_max) * S)
        process.paused_until_ns = Nanos(self.agenda.now_ns + length_ns)
        if length_ns > LEASE_TTL_NS:
            self.count("paused longer than the lease")
            self.agenda.after(LEASE_TTL_NS, self._start)

    # The market.

    def _move_market(self, account: AccountId) -> None:
        draws = self._draws["market"]
        self._mid *= 1 + draws.gauss(0, 0.00005)
        mid = self._mid * (1 + draws.gauss(0, 0.0001))
        bids, asks = (
            [
                (_price(mid * (1 + sign * (0.00005 + 0.0001 * level))), _size(draws.uniform(0.05, 0.9)))
                for level in range(_LEVELS)
            ]
            for sign in (-1, 1)
        )
        self._venues[account].set_book(bids, asks, self.agenda.now_ns)
        self.at_venue(account)
        self.agenda.after(int(draws.uniform(800, 2_500) * MS), lambda: self._move_market(account))

    def _feed_soon(self, account: AccountId) -> None:
        """Books may be conflated: one delivery per venue is on its way at a time."""
        if account not in self._feeding:
            self._feeding.add(account)
            self.agenda.after(self._wires[account].latency_ns(), lambda: self._feed(account))

    def _feed(self, account: AccountId) -> None:
        self._feeding.discard(account)
        if account in self._deaf:
            return
        venue = self._venues[account]
        bids, asks = venue.book()
        for process in self.processes:
            if not process.dead and process.paused_until_ns <= self.agenda.now_ns:
                process.books.book_snapshot(
                    venue.listing.id,
                    {float(price): float(size) for price, size in bids},
                    {float(price): float(size) for price, size in asks},
                    process.now(),
                )

    # People.

    def _ask(self, event: e.Event) -> None:
        self.journal.ask(event)
        for process in self.processes:
            self.agenda.after(20 * MS, process.hear_requests, process)

    def _ask_people(self) -> None:
        draws = self._draws["people"]
        for number in range(self.swarm.parents):
            at_ns = START_NS + int(draws.uniform(0, self.profile.faulty_s) * S)
            order = self._order(number)
            self.agenda.at(at_ns, lambda order=order: self._ask(e.ParentSubmitted(order=order)))  # type: ignore[misc]
            if draws.random() < self.swarm.cancel_share:
                cancel = e.CancelAsked(parent_id=order.id, principal="people")
                later_ns = at_ns + int(draws.uniform(0.05, 20) * S)
                self.agenda.at(later_ns, lambda cancel=cancel: self._ask(cancel))  # type: ignore[misc]

    def _order(self, number: int) -> ParentOrder:
        draws = self._draws["people"]
        side = draws.choice((Side.BUY, Side.SELL))
        limit = None if draws.random() < 0.5 else _price(60_000.0 * (1 + side.sign * draws.uniform(-0.001, 0.01)))  # noqa: PLR2004
        ref_id = RefId(f"r{number}")
        return ParentOrder(
            id=parent_id(deployment=DEPLOYMENT, entity=ENTITY, ref_id=ref_id),
            entity=ENTITY,
            ref_id=ref_id,
            instrument=BTC_USD.id,
            side=side,
            quantity=_size(draws.uniform(0.2, 12)),
            limit_price=limit,
            policy="SWEEP",
            params=SweepParams(rounds_max=draws.randint(3, 20), round_wait_ms=500),
        )

    # What goes wrong.

    def _plan_faults(self) -> None:
        swarm = self.swarm
        for account, wire in self._wires.items():
            # What a proxy repeats, only a venue that remembers ids for ever can refuse: elsewhere nobody can.
            dedupes = KINDS[str(self._venues[account].listing.venue)].fence is Fence.PERMANENT_DEDUPE
            wire.faults = swarm.wire if dedupes else replace(swarm.wire, twice=0.0)
        self._every(swarm.kill_rate, self._kill_driver)
        self._every(swarm.pause_rate, self._pause_driver)
        self._every(swarm.outage_rate, lambda: self._spell("outage", self._set_down))
        self._every(swarm.storm_rate, lambda: self._spell("429 storm", self._set_storming))
        self._every(swarm.symbol_halt_rate, lambda: self._spell("symbol halted", self._set_halted))
        self._every(swarm.stale_rate, lambda: self._spell("feed silent", self._set_deaf))
        self._every(swarm.rests_rate, lambda: self._spell("IOC rests", self._set_rests))
        self._every(swarm.rejects_rate, lambda: self._spell("rejects later", self._set_rejects))
        self._every(swarm.gap_rate, self._gap)
        self._every(swarm.drain_rate, self._move_money)
        self._every(swarm.halt_rate, self._halt)
        self._every(swarm.database_down_rate, self._database_down)

    def _every(self, rate: float, strike: Callable[[], None]) -> None:
        """On average `rate` times a second, until everything heals."""
        if rate <= 0:
            return

        def happen() -> None:
            if self._faulty:
                strike()
                self._every(rate, strike)

        self.agenda.after(int(self._draws["strikes"].expovariate(rate) * S), happen)

    def _kill_driver(self) -> None:
        if self.driver is not None:
            self.count("killed")
            self._kill(self.driver)

    def _pause_driver(self) -> None:
        if self.driver is not None:
            self.count("paused")
            self._pause(self.driver)

    def _spell(self, name: str, switch: Callable[[AccountId, bool], None]) -> None:
        """On for a while at one venue, then off."""
        draws = self._draws["strikes"]
        account = draws.choice(tuple(self._venues))
        self.count(name)
        switch(account, True)
        self.agenda.after(int(draws.uniform(0.5, 15) * S), lambda: switch(account, False))

    def _set_down(self, account: AccountId, on: bool) -> None:
        self._wires[account].down = on
        if not on:
            for process in self.processes:
                self.agenda.after(0, lambda to=process: to.put(e.StreamRestored(account=account)), process)  # type: ignore[misc]

    def _set_storming(self, account: AccountId, on: bool) -> None:
        self._wires[account].storming = on

    def _set_halted(self, account: AccountId, on: bool) -> None:
        venue = self._venues[account]
        venue.exchange.set_halted(venue.listing.symbol, halted=on)

    def _set_deaf(self, account: AccountId, on: bool) -> None:
        (self._deaf.add if on else self._deaf.discard)(account)

    def _set_rests(self, account: AccountId, on: bool) -> None:
        self._venues[account].rests_ioc = on

    def _set_rejects(self, account: AccountId, on: bool) -> None:
        self._venues[account].rejects_later = on

    def _gap(self) -> None:
        account = self._draws["strikes"].choice(tuple(self._venues))
        self.count("book gap")
        for process in self.processes:
            process.books.book_lost(self._venues[account].listing.id, "gap")

    def _move_money(self) -> None:
        """Somebody else moves money at the account, in or out."""
        draws = self._draws["strikes"]
        account = draws.choice(tuple(self._venues))
        venue = self._venues[account]
        asset = draws.choice(("USD", "BTC"))
        free = venue.exchange.balances(account)[asset].free
        self.count("money moved")
        venue.exchange.deposit(account, asset, _size(float(free) * draws.uniform(-0.9, 0.5)))
        self.at_venue(account)

    def _halt(self) -> None:
        self.count("halted")
        self._ask(e.HaltAsked(level=e.HaltLevel.NEW, reason="people are nervous", principal="people"))
        resume = e.HaltAsked(level=e.HaltLevel.NONE, reason="people are calm", principal="people")
        self.agenda.after(int(self._draws["strikes"].uniform(0.1, 20) * S), lambda: self._ask(resume))

    def _database_down(self) -> None:
        self.count("database down")
        self._database_down_until_ns = self.agenda.now_ns + int(self._draws["strikes"].uniform(0.1, 20) * S)


def _listing(kind: str) -> Listing:
    account = AccountId(f"{kind}/main")
    return Listing(
        id=ListingId(f"{account}:BTC/USD"),
        instrument=BTC_USD.id,
        venue=VenueId(kind),
        account=account,
        symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        tick=_TICK,
        step=_STEP,
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(10),
        max_quantity=None,
        taker_fee_bps=KINDS[kind].fee_bps,
        fee_in=KINDS[kind].fee_in,
    )


def _venue(listing: Listing, kind: Kind, swarm: Swarm) -> SimVenue:
    rules = VenueRules(
        name=str(listing.venue),
        taker_fee_bps=kind.fee_bps,
        maker_fee_bps=kind.fee_bps,
        fee_in=kind.fee_in,
        duplicates=kind.duplicates,
        read_lag_ns=swarm.read_lag_ms * MS,
    )
    return SimVenue(
        listing,
        rules,
        takes_deadline=kind.fence is Fence.DEADLINE,
        money=dict(_MONEY),
        trade_lag_ns=swarm.trade_lag_ms * MS,
    )


def _terms(listing: Listing, swarm: Swarm) -> VenueTerms:
    kind = KINDS[str(listing.venue)]
    return VenueTerms(
        account=listing.account,
        fence=kind.fence,
        request_ttl_ms=2_500,
        engine_wait_ms=1_000,
        read_lag_ms=swarm.read_lag_ms + swarm.trade_lag_ms + 100,
        look_up_wait_ms=500,
        quarantine_after_ms=120_000,
        reconcile_every_ms=20_000,
        outstanding_max=1 if kind.fence is Fence.NONE else None,
    )


def _price(value: float) -> Decimal:
    return Decimal(int(value / float(_TICK))) * _TICK


def _size(value: float) -> Decimal:
    return Decimal(int(value / float(_STEP))) * _STEP
