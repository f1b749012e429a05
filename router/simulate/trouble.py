"""What goes wrong, when, and to whom: kills, pauses, usurpers, outages, markets and money that do as they please."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from connectors.lab.core import NewOrder, TimeInForce
from connectors.lab.words import new_order
from router.model import events as e
from router.model.archive import ArchivedChild, ArchivedParent
from router.model.ids import AccountId, ClientOrderId, Nanos, ParentId
from router.model.instruments import FeeIn
from router.model.orders import ChildState, ParentOrder
from router.model.side import Side
from router.model.terms import Fence
from router.orders.client_ids import client_order_id, leg_id
from router.simulate.scene import DEPLOYMENT, KINDS, S, price_of, size_of

if TYPE_CHECKING:
    from router.simulate.world import SimWorld

_TIDY_UP_NS = 120 * S
"""People leave an orphan standing for so long once all is well: long enough to be reported."""
_FEES_BPS = (0, 3, 25, 60)
_JUST_OVER_NS = 10 * S
_STAYS_MS = 60_000
"""Where parents leave sooner, and a hint is lost, nobody is left to hold a row without an id against."""
_CUT_SHORT = frozenset({ChildState.CANCELLED, ChildState.EXPIRED})


class Trouble:
    """One seed's. Everything is drawn from the world's own dice."""

    def __init__(self, world: "SimWorld") -> None:
        self._world = world
        self._swarm = world.swarm
        self._orphans: list[tuple[AccountId, int]] = []
        self._tidied: frozenset[ClientOrderId] = frozenset()
        self._by_hand: list[tuple[AccountId, int]] = []

    def plan(self) -> None:
        """From now on, until everything heals."""
        world, swarm = self._world, self._swarm
        for listing in world.listings():
            # What a proxy repeats, only a venue that remembers ids for ever can refuse: elsewhere nobody can.
            dedupes = KINDS[str(listing.venue)].fence is Fence.PERMANENT_DEDUPE
            world.wire(listing.account).faults = swarm.wire if dedupes else replace(swarm.wire, twice=0.0)
        for rate, strike in (
            (swarm.kill_rate, self._kill_driver),
            (swarm.pause_rate, self._pause_driver),
            (swarm.usurp_rate, self._usurp),
            (swarm.outage_rate, lambda: self._spell("outage", self._set_down)),
            (swarm.storm_rate, lambda: self._spell("429 storm", self._set_storming)),
            (swarm.maintenance_rate, lambda: self._spell("maintenance", self._set_maintained)),
            (swarm.symbol_halt_rate, lambda: self._spell("symbol halted", self._set_halted)),
            (swarm.stale_rate, lambda: self._spell("feed silent", self._set_deaf)),
            (swarm.crossed_rate, lambda: self._spell("feed crossed", self._set_crossed)),
            (swarm.late_book_rate, lambda: self._spell("feed late", self._set_lagging)),
            (swarm.rests_rate, lambda: self._spell("IOC rests", self._set_rests)),
            (swarm.cancels_later_rate, lambda: self._spell("cancels take their time", self._set_cancels_later, 60)),
            (swarm.blind_rate, lambda: self._spell("look-ups half blind", self._set_half_blind, 30)),
            (swarm.rejects_rate, lambda: self._spell("rejects later", self._set_rejects)),
            (swarm.gap_rate, self._gap),
            (swarm.drain_rate, self._move_money),
            (swarm.fee_rate, self._charge_otherwise),
            (swarm.hand_rate, self._trade_by_hand),
            (swarm.orphan_rate, self._leave_an_orphan),
            (swarm.halt_rate, self._halt),
            (swarm.database_down_rate, self._database_down),
            (swarm.database_full_rate, self._database_full),
            (swarm.late_fill_rate, self._fill_late),
            (swarm.again_rate, self._hand_in_again),
        ):
            self.every(rate, strike)
        if swarm.retention_s is None and swarm.archive_after_ms >= _STAYS_MS:
            self.every(swarm.after_all_rate, self._take_after_all, "after all")

    def people_tidy_up(self) -> None:
        """All is well: nobody trades by hand any more, and in a while the orders nobody can explain are cancelled."""
        self._cancel_all(self._by_hand)
        self._world.agenda.after(_TIDY_UP_NS, self._cancel_orphans)

    def orphans_standing(self) -> frozenset[ClientOrderId]:
        """Orders with our tag that still stand, or stood until people tidied up: somebody must have been told."""
        left = set(self._tidied)
        for account, order_id in self._orphans:
            (record,) = self._world.venue(account).exchange.find(account, order_id=order_id)
            if not record.status.ended and record.client_id is not None:
                left.add(ClientOrderId(record.client_id))
        return frozenset(left)

    def _cancel_orphans(self) -> None:
        self._tidied = self.orphans_standing()
        self._cancel_all(self._orphans)

    def every(self, rate: float, strike: Callable[[], None], dice: str = "strikes") -> None:
        """On average `rate` times a second, until everything heals."""
        if rate <= 0:
            return

        def happen() -> None:
            if self._world.faulty:
                strike()
                self.every(rate, strike, dice)

        self._world.agenda.after(int(self._world.draws[dice].expovariate(rate) * S), happen)

    def _somewhere(self) -> AccountId:
        return self._world.draws["strikes"].choice([one.account for one in self._world.listings()])

    def _between_s(self, least: float, most: float) -> int:
        return int(self._world.draws["strikes"].uniform(least, most) * S)

    def _spell(self, name: str, switch: Callable[[AccountId, bool], None], most_s: float = 15) -> None:
        """On for a while at one venue, then off."""
        account = self._somewhere()
        self._world.count(name)
        switch(account, True)
        self._world.agenda.after(self._between_s(0.5, most_s), lambda: switch(account, False))

    # Processes.

    def _kill_driver(self) -> None:
        if self._world.driver is not None:
            self._world.count("killed")
            self._world.kill(self._world.driver)

    def _pause_driver(self) -> None:
        if self._world.driver is not None:
            self._world.count("paused")
            self._world.pause(self._world.driver)

    def _usurp(self) -> None:
        """A standby starts although the driver is well: only the journal's key can tell them apart."""
        if self._world.driver is not None:
            self._world.count("two drivers at once")
            self._world.start(by_force=True)

    # Venues.

    def _set_down(self, account: AccountId, on: bool) -> None:
        self._world.wire(account).down = on
        if not on:
            self._restored(account)

    def _restored(self, account: AccountId) -> None:
        for process in self._world.processes:
            self._world.agenda.after(0, lambda to=process: to.put(e.StreamRestored(account=account)), process)  # type: ignore[misc]

    def _set_storming(self, account: AccountId, on: bool) -> None:
        self._world.wire(account).storming = on

    def _set_maintained(self, account: AccountId, on: bool) -> None:
        """The venue closes, and takes everything off its book when it comes back."""
        self._world.wire(account).closed = on
        if not on:
            self._world.venue(account).cancel_all(self._world.agenda.now_ns)
            self._world.at_venue(account)
            self._restored(account)

    def _set_halted(self, account: AccountId, on: bool) -> None:
        venue = self._world.venue(account)
        venue.exchange.set_halted(venue.listing.symbol, halted=on)

    def _set_deaf(self, account: AccountId, on: bool) -> None:
        (self._world.deaf.add if on else self._world.deaf.discard)(account)

    def _set_crossed(self, account: AccountId, on: bool) -> None:
        (self._world.crossed.add if on else self._world.crossed.discard)(account)

    def _set_lagging(self, account: AccountId, on: bool) -> None:
        (self._world.lagging.add if on else self._world.lagging.discard)(account)

    def _set_rests(self, account: AccountId, on: bool) -> None:
        self._world.venue(account).rests_ioc = on

    def _set_cancels_later(self, account: AccountId, on: bool) -> None:
        """It rests what should not rest, too: a cancel that takes its time matters to an order that stands."""
        self._world.venue(account).cancels_later = self._world.venue(account).rests_ioc = on

    def _set_half_blind(self, account: AccountId, on: bool) -> None:
        self._world.venue(account).half_blind = on

    def _set_rejects(self, account: AccountId, on: bool) -> None:
        self._world.venue(account).rejects_later = on

    def _gap(self) -> None:
        account = self._somewhere()
        self._world.count("book gap")
        for process in self._world.processes:
            process.sink.book_lost(self._world.venue(account).listing.id, "gap")

    # Money.

    def _move_money(self) -> None:
        """Somebody else moves money at the account, in or out."""
        draws = self._world.draws["strikes"]
        account = self._somewhere()
        venue = self._world.venue(account)
        asset = draws.choice(("USD", "BTC"))
        free = venue.exchange.balances(account)[asset].free
        self._world.count("money moved")
        self._world.judge.touched.add(account)
        venue.exchange.deposit(account, asset, size_of(float(free) * draws.uniform(-0.9, 0.5)))
        self._world.at_venue(account)

    def _charge_otherwise(self) -> None:
        """Another rate than the listing says, perhaps in another coin."""
        draws = self._world.draws["strikes"]
        account = self._somewhere()
        venue = self._world.venue(account)
        fee_bps, fee_in = Decimal(draws.choice(_FEES_BPS)), draws.choice(tuple(FeeIn))
        if venue.charge(fee_bps, fee_in):
            self._world.count("fee surprise")
            self._world.judge.funding.odd.add(account)
            self._world.judge.touched.add(account)

    def _trade_by_hand(self) -> None:
        """Somebody trades at the account, without an id or with one of their own."""
        draws = self._world.draws["strikes"]
        account = self._somewhere()
        venue = self._world.venue(account)
        bids, asks = venue.book()
        if not bids or not asks:
            return
        side = draws.choice((Side.BUY, Side.SELL))
        order = NewOrder(
            symbol=venue.listing.symbol,
            side=side,
            quantity=size_of(draws.uniform(0.01, 0.5)),
            limit_price=(asks if side is Side.BUY else bids)[0][0],
            tif=draws.choice((TimeInForce.IOC, TimeInForce.GTC)),
            client_id=draws.choice((None, f"by-hand-{self._world.agenda.steps}")),
        )
        record = venue.by_hand(order, self._world.agenda.now_ns)
        if record is not None:
            self._by_hand.append((account, record.order_id))
            self._world.count("traded by hand")
            self._world.judge.touched.add(account)
        self._world.at_venue(account)

    def _leave_an_orphan(self) -> None:
        """An order with our tag that no journal of ours knows: it stands far from the market, and must be reported."""
        account = self._somewhere()
        venue = self._world.venue(account)
        bids, _ = venue.book()
        if not bids:
            return
        client_id = _tagged(account, self._world.agenda.steps)
        order = NewOrder(
            symbol=venue.listing.symbol,
            side=Side.BUY,
            quantity=Decimal("0.01"),
            limit_price=price_of(float(bids[0][0]) / 2),
            client_id=client_id,
        )
        record = venue.by_hand(order, self._world.agenda.now_ns)
        if record is None:
            return
        self._world.count("orphan")
        self._world.judge.touched.add(account)
        self._world.judge.orphan(client_id)
        self._orphans.append((account, record.order_id))
        if self._world.draws["strikes"].random() < 0.7:  # noqa: PLR2004 - most are found and cancelled soon
            self._world.agenda.after(self._between_s(5, 60), lambda: self._cancel_all([(account, record.order_id)]))

    def _fill_late(self) -> None:
        """A venue adds an execution to an order that had ended, of a parent that has left the state by now."""
        archived = self._world.judge.archived.values()
        found = [(parent, child) for parent in archived for child in parent.children if _has_room(parent, child)]
        if not found:
            return
        parent, child = self._world.draws["strikes"].choice(found)
        account = child.order.account
        quantity = size_of(float(_room(parent, child)) / 2)
        if quantity > 0 and self._world.venue(account).fill_late(child.order, quantity, self._world.agenda.now_ns):
            self._world.count("late fill of an archived child")
            self._world.judge.touched.add(account)
            self._world.judge.archived.pop(parent.id)
            self._world.at_venue(account)

    def _take_after_all(self) -> None:
        """A copy nobody believed in any more is accepted and fills, of a parent that is over and has room for it."""
        world = self._world
        found = world.judge.absent(since_ns=Nanos(world.agenda.now_ns - _JUST_OVER_NS))
        if not found:
            return
        child = world.draws["after all"].choice(found)
        venue = world.venue(child.account)
        record = venue.by_hand(new_order(child), world.agenda.now_ns)
        if record is None:
            return
        world.count("taken after all")
        world.judge.touched.add(child.account)
        world.judge.taken_after_all(child)
        world.at_venue(child.account)

    def _cancel_all(self, orders: list[tuple[AccountId, int]]) -> None:
        for account, order_id in orders:
            self._world.venue(account).exchange.cancel(account, order_id, self._world.agenda.now_ns)
            self._world.at_venue(account)

    # People and the database.

    def _hand_in_again(self) -> None:
        """Somebody hands in a reference that was here before, perhaps long ago."""
        known = self._world.judge.parents
        if known:
            order = known[self._world.draws["strikes"].choice(tuple(known))]
            self._world.count(
                "archived reference again" if order.id in self._world.judge.archived else "reference again"
            )
            self._world.ask(self._again(order))

    def _again(self, order: ParentOrder) -> e.Event:
        """The order as it was handed in: a leg comes with its basket."""
        if order.leg is None:
            return e.ParentSubmitted(order=order)
        legs = (leg_id(order.leg.basket_id, number) for number in range(1, order.leg.legs + 1))
        return e.BasketSubmitted(legs=tuple(self._world.judge.parents[leg] for leg in legs))

    def _halt(self) -> None:
        self._world.count("halted")
        self._world.ask(e.HaltAsked(level=e.HaltLevel.NEW, reason="people are nervous", principal="people"))
        resume = e.HaltAsked(level=e.HaltLevel.NONE, reason="people are calm", principal="people")
        self._world.agenda.after(self._between_s(0.1, 20), lambda: self._world.ask(resume))

    def _database_down(self) -> None:
        self._world.count("database down")
        self._world.database_down_until_ns = self._world.agenda.now_ns + self._between_s(0.1, 20)

    def _database_full(self) -> None:
        """It can be read and the lease can be taken, and not a row goes in."""
        self._world.count("database full")
        self._world.database_full_until_ns = self._world.agenda.now_ns + self._between_s(0.5, 30)


def _room(parent: ArchivedParent, child: ArchivedChild) -> Decimal:
    """How much more can have filled of both."""
    filled = sum((one.filled for one in parent.children), Decimal(0))
    return min(parent.order.quantity - filled, child.order.quantity - child.filled)


def _has_room(parent: ArchivedParent, child: ArchivedChild) -> bool:
    return child.state in _CUT_SHORT and _room(parent, child) > 0


def _tagged(account: AccountId, number: int) -> ClientOrderId:
    return client_order_id(
        deployment=DEPLOYMENT, incarnation=1, account=account, parent_id=ParentId("of another life"), number=number
    )
