"""The venues, the market and the people who ask, by seed. What goes wrong is `trouble`'s business."""

import random
from decimal import Decimal

from connectors.lab.core import Levels
from connectors.sim import SimVenue, Wire
from connectors.sim.wire import SOUND
from policies import POLICIES
from router.book.books import ViewPolicy
from router.model import events as e
from router.model.facts import Fact, ParentArchived, ParentRecalled
from router.model.ids import AccountId, Nanos, RefId
from router.model.instruments import Instrument, Listing
from router.model.orders import ChildOrder, ChildState, ParentOrder
from router.model.policies import SweepParams, rests
from router.model.public_trades import PublicTrade
from router.model.side import Side
from router.orders.client_ids import parent_id
from router.simulate.agenda import Agenda
from router.simulate.asked import attributed, confirmed, second_thoughts, worked
from router.simulate.baskets import Seen, basket_of, second_thoughts_on
from router.simulate.journal import SimJournal
from router.simulate.judge import Judge, waits_for_a_person
from router.simulate.process import Process
from router.simulate.scene import (
    BTC_USD,
    DEPLOYMENT,
    ENTITY,
    ETH_USD,
    MS,
    START_NS,
    S,
    listing_of,
    price_of,
    size_of,
    terms_of,
    venue_of,
)
from router.simulate.shell import LEASE_TTL_NS, Shell
from router.simulate.swarm import Profile, Swarm
from router.simulate.trouble import Trouble

_LEVELS = 5
_CROSSED_BY = Decimal(300)
_DICE = (
    "market",
    "people",
    "strikes",
    "database",
    "start",
    "policies",
    "prints",
    "after all",
    "attributes",
    "baskets",
    "strangers",
)
_PRINTS_LOST = 0.01
"""How often a print is not the next after the one before."""


class SimWorld:
    """One seed's world. `process` is who drives now; a paused predecessor may still be about."""

    amends = True
    """Whether people change the terms of orders that are being worked."""

    def __init__(self, seed: int, profile: Profile, swarm: Swarm, ties: random.Random | None = None) -> None:
        self.agenda = Agenda(START_NS, ties)
        self.journal = SimJournal(spelled=swarm.spelled)
        self.policies = POLICIES
        self.instruments: tuple[Instrument, ...] = (BTC_USD, ETH_USD) if profile.baskets[1] else (BTC_USD,)
        self.view_policy = ViewPolicy(book_age_ms_max=swarm.limits.book_age_ms_max)
        self.profile = profile
        self.incarnation = 1
        self.swarm = swarm
        self.reached: dict[str, int] = {}
        self.processes: list[Shell] = []
        self.draws = {name: random.Random(f"{seed}:{profile.name}:{name}") for name in _DICE}
        self.faulty = profile.strength > 0
        self._listings = tuple(listing_of(kind) for kind in swarm.kinds)
        self._others = tuple(listing_of(kind, other) for kind in swarm.kinds for other in self.instruments[1:])
        self._venues = {
            one.account: venue_of(one, swarm, tuple(each for each in self._others if each.account == one.account))
            for one in self._listings
        }
        self._wires = {
            one.account: Wire(random.Random(f"{seed}:{profile.name}:wire:{one.venue}"), (5.0, 60.0))
            for one in self._listings
        }
        self.deaf: set[AccountId] = set()
        """Whose books are not delivered."""
        self.crossed: set[AccountId] = set()
        """Whose snapshots cross themselves."""
        self.lagging: set[AccountId] = set()
        """Whose snapshots come late, and are old when they come."""
        self._feeding: set[AccountId] = set()
        self._tapes: list[tuple[Shell, set[AccountId]]] = []
        """Who listens to which tape."""
        self._mid = 60_000.0
        self._other_mid = 3_000.0
        self._seen = Seen()
        self.database_down_until_ns = 0
        self.database_full_until_ns = 0
        self.judge = Judge(self._venues, swarm.limits, swarm.archive_after_ms * MS)
        self.trouble = Trouble(self)

    # What a process asks of it.

    def venue(self, account: AccountId) -> SimVenue:
        """The account's venue."""
        return self._venues[account]

    def wire(self, account: AccountId) -> Wire:
        """The way there."""
        return self._wires[account]

    def listings(self) -> tuple[Listing, ...]:
        """One for each account."""
        return self._listings

    def markets(self) -> tuple[Listing, ...]:
        """All there are."""
        return self._listings + self._others

    def point(self, name: str, process: Shell, weight: int = 1) -> None:
        """A kill or a pause may strike exactly here."""
        if not self.faulty or process.dead:
            return
        draws = self.draws["strikes"]
        chance = draws.random()
        kill, pause = weight * self.swarm.strike_kill, weight * self.swarm.strike_pause
        if chance < kill:
            self.count(f"killed at {name}")
            self.kill(process)
        elif chance < kill + pause:
            self.count(f"paused at {name}")
            self.pause(process)

    def commit_ns(self) -> int | None:
        """A few ms; now and then long enough for approvals to grow old; None: the database refuses."""
        draws = self.draws["database"]
        if self.agenda.now_ns < max(self.database_down_until_ns, self.database_full_until_ns):
            return None
        if self.faulty and draws.random() < self.swarm.commit_lost:
            self.count("commit refused")
            return None
        if self.faulty and draws.random() < self.swarm.commit_slow:
            self.count("commit slow")
            return int(draws.uniform(40, 3_000) * MS)
        return int(draws.uniform(0.5, 4) * MS)

    def build_ns(self) -> int:
        """A fraction of a ms; now and then longer than an approval is good for."""
        draws = self.draws["strikes"]
        slow = self.faulty and draws.random() < self.swarm.slow_socket
        return int(draws.uniform(1, 80) * MS if slow else draws.uniform(0.1, 0.5) * MS)

    def commit_unclear(self) -> bool:
        """Of a process that died at its commit: was the request not on its way yet?"""
        unsent = self.draws["database"].random() < 0.5  # noqa: PLR2004 - a coin
        self.count("died before the commit" if unsent else "died after the commit")
        return unsent

    def commit_answer(self) -> str:
        """`lost`: the process ends; `read back`: it asks the journal, which takes as long again (D2)."""
        draws = self.draws["database"]
        if not self.faulty or draws.random() >= self.swarm.commit_unknown:
            return "told"
        answer = draws.choice(("lost", "read back"))
        self.count(f"commit answer {answer}")
        return answer

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
        self._seen.let_go.discard(child.client_id)
        self.judge.leaves(child, self.agenda.now_ns, gated_ns)

    def ended(self, process: Shell, why: str) -> None:
        """It gave up: somebody starts it again."""
        self.count(f"ended: {why}")
        if process in self.processes:
            self.processes.remove(process)
        self._start_soon()

    def decided(self, facts: tuple[Fact, ...]) -> None:
        """Durable."""
        for fact in facts:
            if isinstance(fact, ParentArchived):
                self.count("archived")
            elif isinstance(fact, ParentRecalled):
                self.count("recalled")
        for what in self._seen.follow(facts):
            self.count(what)
        self.judge.durable(facts, self.agenda.now_ns)

    def count(self, what: str) -> None:
        """A reach probe: this situation has happened."""
        self.reached[what] = self.reached.get(what, 0) + 1

    # Its course.

    @property
    def driver(self) -> Shell | None:
        """The newest process that lives."""
        return self.processes[-1] if self.processes else None

    def begin(self) -> None:
        """Markets move, people ask, a first driver starts, and things go wrong."""
        for account in self._venues:
            self._move_market(account)
        self.start()
        self._ask_people()
        self._ask_for_baskets()
        if self.faulty:
            self.trouble.plan()

    def heal(self) -> None:
        """From now on nothing goes wrong, and everything has to come to its end."""
        self.faulty = False
        self.database_down_until_ns = self.database_full_until_ns = 0
        for wire in self._wires.values():
            wire.faults, wire.down, wire.storming, wire.closed = SOUND, False, False, False
        for venue in self._venues.values():
            venue.rests_ioc = venue.rejects_later = venue.cancels_later = venue.half_blind = False
            venue.exchange.set_halted(venue.listing.symbol, halted=False)
        for ill in (self.deaf, self.crossed, self.lagging):
            ill.clear()
        self.trouble.people_tidy_up()
        self.ask(e.HaltAsked(level=e.HaltLevel.NONE, reason="all is well", principal="people"))

    def quiet(self) -> bool:
        """Has all that was asked for come to its end, as far as it can?"""
        driver = self.driver
        if driver is None or driver.dead or self._unheard():
            return False
        if any(process.paused_until_ns > self.agenda.now_ns for process in self.processes):
            return False  # what it was about to do is still to come
        blotter = driver.engine.state.blotter
        moving = any(child.state is not ChildState.QUARANTINED for child in blotter.living())
        return not moving and all(waits_for_a_person(blotter, parent) for parent in blotter.working_parents())

    # Processes.

    def _skew_ns(self) -> int:
        """How wrong the new driver's clock is: somebody may have set it since the last one came up."""
        draws = self.draws["start"]
        if not self.faulty or draws.random() >= self.swarm.clock_set:
            return 0
        self.count("clock set between drivers")
        return draws.choice((-60, -3, 3, 60)) * S

    def _start_soon(self) -> None:
        self.agenda.after(int(self.draws["start"].uniform(50, 2_000) * MS), self.start)

    def start(self, *, by_force: bool = False) -> None:
        """A driver comes up, if none is at work; `by_force` even so: a bug of the lease."""
        if not by_force and any(not one.dead and one.paused_until_ns <= self.agenda.now_ns for one in self.processes):
            return
        if by_force:
            self._free_lease()
        self._start_one()

    def _free_lease(self) -> None:
        self.journal.lease_until_ns = self.agenda.now_ns

    def _start_one(self) -> None:
        epoch = self.journal.take_lease(self.agenda.now_ns, LEASE_TTL_NS)
        if epoch is None or self.agenda.now_ns < self.database_down_until_ns:
            self._start_soon()
            return
        draws = self.draws["start"]
        error_ns = draws.randint(-self.swarm.skew_ms, self.swarm.skew_ms) * MS
        started = e.Started(
            deployment=DEPLOYMENT,
            incarnation=self.incarnation,
            epoch=epoch,
            version="sim",
            instruments=self.instruments,
            terms=tuple(terms_of(one, self.swarm) for one in self._listings),
            limits=self.swarm.limits,
            unreleased=self.swarm.says_unreleased and self.journal.epoch > 1,
            archive_after_ms=self.swarm.archive_after_ms,
        )
        process = Process(self, epoch, self._skew_ns() + error_ns, error_ns, started)
        self.processes.append(process)
        process.start()
        for account in self._venues:
            self._feed_soon(account)

    def kill(self, process: Shell) -> None:
        """Not even its clean-up happens; somebody starts it again."""
        if self._seen.let_go:
            self.count("killed between release and send")
            self._seen.let_go.clear()
        process.dead = True
        self.processes.remove(process)
        self._start_soon()

    def pause(self, process: Shell) -> None:
        """Frozen; if for longer than its lease, somebody else starts, and it wakes up beside him."""
        length_ns = int(self.draws["strikes"].uniform(0.01, self.swarm.pause_s_max) * S)
        process.paused_until_ns = Nanos(self.agenda.now_ns + length_ns)
        if length_ns > LEASE_TTL_NS:
            self.count("paused longer than the lease")
            self.agenda.after(LEASE_TTL_NS, self.start)

    # The market.

    def _move_market(self, account: AccountId) -> None:
        draws = self.draws["market"]
        self._mid *= 1 + draws.gauss(0, 0.00005)
        mid = self._mid * (1 + draws.gauss(0, 0.0001))
        bids, asks = (
            [
                (price_of(mid * (1 + sign * (0.00005 + 0.0001 * level))), size_of(draws.uniform(0.05, 0.9)))
                for level in range(_LEVELS)
            ]
            for sign in (-1, 1)
        )
        self._venues[account].set_book(bids, asks, self.agenda.now_ns)
        for other in self._venues[account].others:
            self._move_other(other)
        self._venues[account].take_turn(self.agenda.now_ns)
        if self.profile.policies:
            self.agenda.after(int(draws.uniform(50, 700) * MS), lambda: self._strangers_trade(account))
        self.at_venue(account)
        self._print(account)
        self.agenda.after(int(draws.uniform(800, 2_500) * MS), lambda: self._move_market(account))

    def _move_other(self, listing: Listing) -> None:
        """A market beside the one that things go wrong with."""
        draws = self.draws["baskets"]
        self._other_mid *= 1 + draws.gauss(0, 0.0001)
        bids, asks = (
            [
                (price_of(self._other_mid * (1 + sign * (0.0001 + 0.0001 * level))), size_of(draws.uniform(1, 15)))
                for level in range(_LEVELS)
            ]
            for sign in (-1, 1)
        )
        self._venues[listing.account].set_book(bids, asks, self.agenda.now_ns, listing.symbol)

    def _strangers_trade(self, account: AccountId) -> None:
        """Strangers trade at the touch: what of ours rests there fills in its turn."""
        draws = self.draws["strangers"]
        side, quantity = draws.choice((Side.BUY, Side.SELL)), size_of(draws.uniform(0.01, 0.6))
        bids, asks = self._venues[account].book()
        if touch := (asks if side is Side.BUY else bids)[:1]:
            self._venues[account].trade(side, quantity, touch[0][0], self.agenda.now_ns)
            self.at_venue(account)

    def _print(self, account: AccountId) -> None:
        """Strangers trade: whoever listens to the tape counts it. Now and then prints are lost to all of them."""
        self._tapes = [(process, heard) for process, heard in self._tapes if not process.dead]
        draws, listing = self.draws["prints"], self._venues[account].listing
        quantity, lost = size_of(draws.uniform(0.001, 3)), self.faulty and draws.random() < _PRINTS_LOST
        for process in self.processes:
            if process.dead or process.paused_until_ns > self.agenda.now_ns:
                continue
            heard = self._heard(process)
            if lost or account not in heard:
                heard.add(account)
                process.sink.trades_started(listing.id, process.now())
            process.sink.public_trade(
                PublicTrade(
                    listing=listing.id,
                    trade_id=None,
                    price=price_of(self._mid),
                    quantity=quantity,
                    taker=None,
                    venue_time_ns=None,
                    received_ns=process.now(),
                )
            )

    def _heard(self, process: Shell) -> set[AccountId]:
        """The tapes a process listens to."""
        known = next((heard for one, heard in self._tapes if one is process), None)
        if known is None:
            known = set()
            self._tapes.append((process, known))
        return known

    def _feed_soon(self, account: AccountId) -> None:
        """Books may be conflated: one delivery per venue is on its way at a time."""
        if account not in self._feeding:
            self._feeding.add(account)
            self.agenda.after(self._wires[account].latency_ns(), lambda: self._feed(account))

    def _feed(self, account: AccountId) -> None:
        self._feeding.discard(account)
        if account in self.deaf:
            return
        bids, asks = self._venues[account].book()
        if account in self.crossed:
            self.count("crossed book")
            bids = [(price + _CROSSED_BY, size) for price, size in bids]
        if account in self.lagging:
            self.count("late book")
            late_ns = int(self.draws["market"].uniform(300, 6_000) * MS)
            self.agenda.after(late_ns, lambda: self._deliver(account, bids, asks))
        else:
            self._deliver(account, bids, asks)
        for other in self._venues[account].others:
            self._deliver_to(other, *self._venues[account].book(other.symbol))

    def _deliver(self, account: AccountId, bids: Levels, asks: Levels) -> None:
        self._deliver_to(self._venues[account].listing, bids, asks)

    def _deliver_to(self, listing: Listing, bids: Levels, asks: Levels) -> None:
        for process in self.processes:
            if not process.dead and process.paused_until_ns <= self.agenda.now_ns:
                process.sink.book_snapshot(
                    listing.id,
                    {float(price): float(size) for price, size in bids},
                    {float(price): float(size) for price, size in asks},
                    process.now(),
                )

    # People.

    def _unheard(self) -> bool:
        return bool(self.journal.open_requests())

    def _insert(self, event: e.Event) -> None:
        self.journal.ask(event)

    def ask(self, event: e.Event) -> None:
        """Insert a request; whoever drives hears of it."""
        self._insert(event)
        for process in self.processes:
            self.agenda.after(20 * MS, process.hear_requests, process)

    def _ask_people(self) -> None:
        draws = self.draws["people"]
        for number in range(self.swarm.parents):
            at_ns = START_NS + int(draws.uniform(0, self.profile.faulty_s) * S)
            order = self._order(number)
            if self.profile.policies:
                order = worked(order, self.draws["policies"], Nanos(at_ns), resting=self.profile.resting)
                for after_ns, event in second_thoughts(order, self.draws["policies"]):
                    if isinstance(event, e.AmendAsked) and not self.amends:
                        continue
                    self.agenda.at(at_ns + after_ns, lambda event=event: self.ask(event))  # type: ignore[misc]
                if not rests(order.params):
                    order = attributed(order, self.draws["attributes"])
                for after_ns, event in confirmed(order, self.draws["attributes"]):
                    self.agenda.at(at_ns + after_ns, lambda event=event: self.ask(event))  # type: ignore[misc]
                self.count(f"asked in {order.quantity_basis}")
                self.count(f"asked {order.envelope.in_force}")
            self.count(f"asked for {order.policy}")
            self.agenda.at(at_ns, lambda order=order: self.ask(e.ParentSubmitted(order=order)))  # type: ignore[misc]
            if draws.random() < self.swarm.cancel_share:
                cancel = e.CancelAsked(parent_id=order.id, principal="people")
                later_ns = at_ns + int(draws.uniform(0.05, 20) * S)
                self.agenda.at(later_ns, lambda cancel=cancel: self.ask(cancel))  # type: ignore[misc]

    def _ask_for_baskets(self) -> None:
        draws = self.draws["baskets"]
        for number in range(self.swarm.baskets):
            at_ns = START_NS + int(draws.uniform(0, self.profile.faulty_s) * S)
            legs = basket_of(number, draws)
            self.count("asked for a basket")
            self.agenda.at(at_ns, lambda legs=legs: self.ask(e.BasketSubmitted(legs=legs)))  # type: ignore[misc]
            for after_ns, event in second_thoughts_on(legs, draws):
                self.agenda.at(at_ns + after_ns, lambda event=event: self.ask(event))  # type: ignore[misc]

    def _order(self, number: int) -> ParentOrder:
        draws = self.draws["people"]
        side = draws.choice((Side.BUY, Side.SELL))
        limit = None if draws.random() < 0.5 else price_of(60_000.0 * (1 + side.sign * draws.uniform(-0.001, 0.01)))  # noqa: PLR2004
        ref_id = RefId(f"r{number}")
        return ParentOrder(
            id=parent_id(deployment=DEPLOYMENT, entity=ENTITY, ref_id=ref_id),
            entity=ENTITY,
            ref_id=ref_id,
            instrument=BTC_USD.id,
            side=side,
            quantity=size_of(draws.uniform(0.2, 12)),
            limit_price=limit,
            policy="SWEEP",
            params=SweepParams(rounds_max=draws.randint(3, 20), round_wait_ms=500),
        )
