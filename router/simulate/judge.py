"""The invariants (docs/RELIABILITY.md), from outside: what the venues know against what the journal says.

The judge reads the venues' truth and the journal's rows. Of the router's own state it looks at nothing until the end,
and then only to hold it against both.

Judged here: I1 never over, at every acceptance; I2 one intent, one order; I3 one trade, one booking, and none lost;
I4 no order without an intent, and a stranger's with our tag reported; I5 nothing after a durable halt; I6 no refusal
for want of money where nobody else moved any; I8 durable before wire; I10 no end without the venue's evidence; I11
late fills are booked, and told where nothing was to fill; I12 balances; I13 limits, caps and the collar at the wire;
I14 the journal folds to the state; I15 all comes to its end; I17 no parent ends before its children; I18 nothing
grows; I20 no child breaks its order's own terms; I21 a basket's buys spend no more than its allowed cash and what its
sells brought, per venue; I22 no quantity stands twice, and what may not take never takes.

Not judged here: I7 (scheduled runs: there are none yet), I9 (who drives: the lease's own tests on both databases; here
only that two at once do no harm, which is I1 to I3), I16 (one owner of a key's nonce: the configuration's tests).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from connectors.lab.core.records import OrderRecord
from connectors.sim import SimVenue
from router.engine import Engine
from router.engine.state import DAY_NS, State
from router.model import facts as f
from router.model.archive import ArchivedParent
from router.model.events import HaltLevel
from router.model.ids import AccountId, ClientOrderId, Nanos, ParentId
from router.model.money import ZERO
from router.model.orders import ChildOrder, ChildState, ParentOrder, booking_key
from router.model.policies import rests
from router.model.side import Side
from router.model.terms import RiskLimits
from router.orders.archive import recalled
from router.orders.blotter import Blotter
from router.orders.records import Parent
from router.ports import JournalRow
from router.runtime.recovery import SNAPSHOTS
from router.simulate import sizes
from router.simulate.baskets import Funding
from router.simulate.strangers import misremembered
from router.simulate.terms import Terms

_FAR_OFF = Decimal("0.04")
"""The collar and twice as much for a market that moves while a copy is late: what lies beyond was never near it."""
_IN_FLIGHT_NS = 3_000_000_000
"""How long after a halt what had left before it may still be accepted: the longest deadline and the clocks' error."""
_READ_AGAIN_NS = 90_000_000_000
"""An account is read several times within this, once all is well."""
_AT_WORK = frozenset({ChildState.WORKING, ChildState.PENDING_CANCEL})
_WERE_THERE = frozenset({ChildState.FILLED, ChildState.CANCELLED, ChildState.EXPIRED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """An invariant that did not hold, when, and what was seen."""

    invariant: str
    at_ns: Nanos
    detail: str


def whole(engine: Engine, rows: list[JournalRow]) -> Blotter:
    """Every parent and child there ever was: the state's, and those that have left it as the journal keeps them."""
    archived = {fact.parent.id: fact for row in rows for fact in row.facts if isinstance(fact, f.ParentArchived)}
    here = engine.state.blotter
    gone = [recalled(fact.parent, fact.at_ns) for key, fact in archived.items() if key not in here.parents]
    blotter = Blotter.of(here.parents.values(), here.children.values())
    for parent, children in gone:
        blotter.bring_back(parent, children)
    return blotter


def _filled_at_end(rows: Iterable[JournalRow]) -> dict[ParentId, Decimal]:
    """What was booked of each parent when it ended. Late fills may make it whole, and do not change how it ended."""
    booked: dict[ParentId, Decimal] = {}
    at_end: dict[ParentId, Decimal] = {}
    for fact in (fact for row in rows for fact in row.facts):
        match fact:
            case f.FillBooked(fill=fill):
                booked[fill.parent_id] = booked.get(fill.parent_id, ZERO) + fill.trade.quantity
            case f.ParentMoved(parent_id=parent_id, state=state) if state.ended:
                at_end[parent_id] = booked.get(parent_id, ZERO)
            case _:
                pass
    return at_end


def waits_for_a_person(blotter: Blotter, parent: Parent) -> bool:
    """Is a child of it, or of another leg of its basket, in quarantine?"""
    leg = parent.order.leg
    together = (parent,) if leg is None else blotter.legs(leg.basket_id)
    return any(child.state is ChildState.QUARANTINED for one in together for child in blotter.children_of(one))


class Rows(Protocol):
    """A journal that can be read from its first row."""

    def read(self) -> list[JournalRow]:
        """All rows."""
        ...


@dataclass(slots=True)
class Judge:
    """Told of everything at a venue and of everything that became durable."""

    venues: Mapping[AccountId, SimVenue]
    limits: RiskLimits
    archive_after_ns: int
    breaches: list[Breach] = field(default_factory=list)
    parents: dict[ParentId, ParentOrder] = field(default_factory=dict)
    intents: dict[ClientOrderId, ChildOrder] = field(default_factory=dict)
    copies: Counter[ClientOrderId] = field(default_factory=Counter)
    sent: Counter[ClientOrderId] = field(default_factory=Counter)
    halted_since_ns: Nanos | None = None
    kills: list[Nanos] = field(default_factory=list)
    """When each halt that took hold was durable."""
    raced: int = 0
    """Orders that had left before a kill and were accepted after it, within their deadline."""
    accepts: int = 0
    terms: Terms = field(default_factory=Terms)
    orphans: set[ClientOrderId] = field(default_factory=set)
    """Orders with our tag that somebody else has placed: an alarm is what they are there for."""
    archived: dict[ParentId, ArchivedParent] = field(default_factory=dict)
    """Parents that have left the state, as they were kept."""
    late: set[ClientOrderId] = field(default_factory=set)
    """Orders that a venue took after they were proven absent, or refused: each that traded is booked, and alarmed."""
    touched: set[AccountId] = field(default_factory=set)
    """Accounts where somebody else moved money, or where a fee is not what was said."""
    funding: Funding = field(init=False)
    _day: dict[int, Decimal] = field(default_factory=dict)
    _judged: dict[AccountId, int] = field(default_factory=dict)
    _of_parent: dict[ParentId, set[tuple[AccountId, ClientOrderId]]] = field(default_factory=dict)
    _accepted: Counter[ClientOrderId] = field(default_factory=Counter)
    _gated: dict[ClientOrderId, Nanos] = field(default_factory=dict)
    _absent: set[ClientOrderId] = field(default_factory=set)
    _over: dict[ParentId, Nanos] = field(default_factory=dict)
    _at_work: set[ClientOrderId] = field(default_factory=set)
    """Children that our own record shows at their venues."""

    def __post_init__(self) -> None:
        self.funding = Funding(self.venues)

    # While it runs.

    def durable(self, facts: Iterable[f.Fact], at_ns: Nanos) -> None:
        """These facts are in the journal."""
        for fact in facts:
            self._hold_to_terms(fact, at_ns)
            match fact:
                case f.ParentTaken(order=order) | f.ParentAmended(order=order):
                    self.parents[order.id] = order
                case f.ChildIntended(order=child):
                    if child.client_id in self.intents:
                        self.breach("I2", at_ns, f"{child.client_id} is intended twice")
                    self._judge_standing(child, at_ns)
                    self.intents[child.client_id] = child
                    self.copies[child.client_id] = 1
                case f.ChildAdopted(order=child):
                    self.intents[child.client_id] = child
                case f.ParentArchived(parent=parent):
                    self._judge_archived(parent, fact.at_ns, at_ns)
                case f.ParentRecalled(parent=parent):
                    self.archived.pop(parent.id, None)
                case f.CopyCounted(client_id=client_id, copy=copy):
                    self.copies[client_id] = copy
                case f.HaltMoved(level=level):
                    self.halted_since_ns = at_ns if level is not HaltLevel.NONE else None
                    if self.halted_since_ns is not None:
                        self.kills.append(at_ns)
                case _:
                    self._note_end(fact, at_ns)

    def _hold_to_terms(self, fact: f.Fact, at_ns: Nanos) -> None:
        for why in self.terms.broken_by(fact):
            self.breach("I20", at_ns, why)
        for why in self.funding.follow(fact):
            self.breach("I21", at_ns, why)

    def _note_end(self, fact: f.Fact, at_ns: Nanos) -> None:
        match fact:
            case f.ChildMoved(client_id=client_id, state=state):
                (self._at_work.add if state in _AT_WORK else self._at_work.discard)(client_id)
                if state.never_taken:
                    self._absent.add(client_id)
            case f.ParentMoved(parent_id=parent_id, state=state) if state.ended:
                self._over[parent_id] = at_ns
            case _:
                pass

    def _judge_standing(self, child: ChildOrder, at_ns: Nanos) -> None:
        """Of an order that rests nothing is sent while an earlier child stands there, as we know: it goes first (I22).

        Children of one round may stand side by side; they were decided at the same moment.
        """
        order = self.parents.get(child.parent_id)
        if order is None or not rests(order.params):
            return
        for account, client_id in sorted(self._of_parent.get(child.parent_id, ())):
            earlier = self.intents[client_id].decided_at_ns < child.decided_at_ns
            records = self.venues[account].exchange.find(account, client_id=client_id)
            if earlier and client_id in self._at_work and any(not one.status.ended for one in records):
                self.breach("I22", at_ns, f"{child.client_id} is intended while {client_id} still stands at {account}")

    def leaves(self, child: ChildOrder, at_ns: Nanos, gated_ns: Nanos) -> None:
        """A copy's first byte leaves; the last gate let it pass at `gated_ns`."""
        self.sent[child.client_id] += 1
        self._gated[child.client_id] = gated_ns
        if child.client_id not in self.intents:
            self.breach("I8", at_ns, f"{child.client_id} leaves before its intent is durable")
        if self.sent[child.client_id] > self.copies[child.client_id]:
            self.breach("I2", at_ns, f"{child.client_id}: copy {self.sent[child.client_id]} leaves uncounted")
        if self.halted_since_ns is not None and gated_ns > self.halted_since_ns:
            self.breach("I5", at_ns, f"{child.client_id} passes the gate after the halt is durable")

    def look_at(self, account: AccountId) -> None:
        """Something may have been accepted at this venue."""
        venue = self.venues[account]
        accepted = venue.truth.accepted
        for at_ns, child in accepted[self._judged.get(account, 0) :]:
            self._judge_accept(account, child, at_ns)
        self._judged[account] = len(accepted)

    def _judge_accept(self, account: AccountId, child: ChildOrder, at_ns: Nanos) -> None:
        self.accepts += 1
        self._accepted[child.client_id] += 1
        self._judge_kill(account, child.client_id, at_ns)
        if self._accepted[child.client_id] > 1:
            self.breach("I2", at_ns, f"{child.client_id} became {self._accepted[child.client_id]} orders")
        parent = self.parents.get(child.parent_id)
        if child.client_id not in self.intents or parent is None:
            self.breach("I4", at_ns, f"{child.client_id} has no intent in the journal")
            return
        of_parent = self._of_parent.setdefault(parent.id, set())
        of_parent.add((account, child.client_id))
        exposure = sum((self._exposure(*one) for one in of_parent), ZERO)
        if exposure > parent.quantity:
            self.breach("I1", at_ns, f"{parent.id} of {parent.quantity} is exposed to {exposure} at the venues")
        used = sizes.used(parent, self._records(parent.id))
        if used > parent.size + sizes.slack(parent) and not self.touched:
            self.breach("I1", at_ns, f"{parent.id}, which asks for {parent.size}, may come to {used} at the venues")
        at_venue = sizes.used(parent, self._records(parent.id, account))
        as_listed = parent.asked is None or not self.touched  # else a fee nobody told moves what it counts
        if (why := self.terms.ahead(child, used, at_venue)) is not None and as_listed:
            self.breach("I20", at_ns, why)
        for why in self.funding.overspent(child, self.late):
            self.breach("I21", at_ns, why)
        self._judge_limits(account, child, at_ns)
        if parent.limit_price is not None and (child.limit_price - parent.limit_price) * parent.side.sign > 0:
            self.breach("I13", at_ns, f"{child.client_id} at {child.limit_price}, the limit is {parent.limit_price}")

    def _judge_kill(self, account: AccountId, client_id: ClientOrderId, at_ns: Nanos) -> None:
        """What had left before a kill is accepted within the longest deadline or not at all, resumed or not since."""
        first = bisect_left(self.kills, self._gated.get(client_id, at_ns))
        if first == len(self.kills) or not self.venues[account].takes_deadline:
            return
        self.raced += 1
        late_ns = at_ns - self.kills[first]
        if late_ns > _IN_FLIGHT_NS:
            self.breach("I5", at_ns, f"{client_id} is accepted {late_ns} ns after the halt was durable")

    def _judge_limits(self, account: AccountId, child: ChildOrder, at_ns: Nanos) -> None:
        worth = child.quantity * child.limit_price
        if worth > self.limits.child_notional_max:
            self.breach(
                "I13", at_ns, f"{child.client_id} is worth {worth}, the cap is {self.limits.child_notional_max}"
            )
        if self._accepted[child.client_id] == 1:
            day = child.decided_at_ns // DAY_NS
            self._day[day] = self._day.get(day, ZERO) + worth
            if self._day[day] > self.limits.day_notional_max:
                self.breach("I13", at_ns, f"{self._day[day]} were sent on a day of {self.limits.day_notional_max}")
        venue = self.venues[account]
        bids, asks = venue.exchange.outside(child.symbol)
        there = bids if child.side is Side.SELL else asks
        touch = there[0][0] if there else child.limit_price
        if abs(child.limit_price - touch) > _FAR_OFF * touch:
            self.breach("I13", at_ns, f"{child.client_id} at {child.limit_price} where the market is {touch}")

    def _judge_archived(self, parent: ArchivedParent, decided_ns: Nanos, at_ns: Nanos) -> None:
        """It has been over for as long as was said, and so have its children."""
        self.archived[parent.id] = parent
        ends = [parent.ended_ns, *(child.ended_ns for child in parent.children)]
        if any(ended_ns is None or decided_ns - ended_ns < self.archive_after_ns for ended_ns in ends):
            self.breach("I18", at_ns, f"{parent.id} has left the state too early")

    def orphan(self, client_id: ClientOrderId) -> None:
        """Somebody has placed an order with our tag."""
        self.orphans.add(client_id)

    def absent(self, since_ns: Nanos) -> list[ChildOrder]:
        """Children that no venue has and one could take without harm: of parents over since then, with room."""
        found = []
        for client_id in sorted(self._absent - self.late):
            child = self.intents[client_id]
            parent = self.parents[child.parent_id]
            venue = self.venues[child.account]
            if venue.knows(client_id) or self._over.get(parent.id, 0) < since_ns or parent.asked is not None:
                continue
            taken = sum((self._exposure(*one) for one in self._of_parent.get(parent.id, ())), ZERO)
            bids, asks = venue.book(child.symbol)
            touch = asks if child.side is Side.BUY else bids
            reached = touch and (touch[0][0] - child.limit_price) * child.side.sign <= 0
            if reached and taken + child.quantity < parent.quantity:
                found.append(child)
        return found

    def taken_after_all(self, child: ChildOrder) -> None:
        """Its venue has it now."""
        self.late.add(child.client_id)
        self._of_parent.setdefault(child.parent_id, set()).add((child.account, child.client_id))

    def _records(self, parent_id: ParentId, account: AccountId | None = None) -> list[OrderRecord]:
        """What the venues know of its children, or one venue does."""
        children = sorted(self._of_parent.get(parent_id, ()))
        return [
            record
            for at, client_id in children
            if account is None or at == account
            for record in self.venues[at].exchange.find(at, client_id=client_id)
        ]

    def _exposure(self, account: AccountId, client_id: ClientOrderId) -> Decimal:
        records = self.venues[account].exchange.find(account, client_id=client_id)
        return sum((one.executed if one.status.ended else one.quantity for one in records), ZERO)

    # At the end.

    def conclude(
        self,
        engine: Engine,
        journal: Rows,
        at_ns: Nanos,
        *,
        unfenced: frozenset[AccountId],
        backlog: Mapping[str, int],
        standing: frozenset[ClientOrderId],
    ) -> None:
        """All must have come to its end, and all three records must agree.

        `unfenced`: who may leave a doubt open. `backlog`: how much of what the driver still has before it.
        `standing`: orphans that stood long enough, after all was well, to be seen.
        """
        rows = journal.read()
        blotter = whole(engine, rows)
        self._judge_ends(blotter, at_ns, unfenced)
        self._judge_taken(rows, at_ns)
        self._judge_fills(rows, blotter, at_ns)
        self._judge_fold(rows, engine, at_ns)
        self._judge_balances(engine, at_ns)
        self._judge_money(at_ns)
        self._judge_makers(at_ns)
        self._judge_evidence(blotter, at_ns)
        self._judge_bounds(engine, backlog, at_ns)
        for invariant, why in misremembered(rows, engine.state, self.archive_after_ns):
            self.breach(invariant, at_ns, why)
        reported, told = set(), set()
        for row in rows:
            for fact in row.facts:
                if isinstance(fact, f.ChildAdopted):
                    # Where a backup has lost the refusal too, that it was found again is what people are told.
                    told.add(fact.order.client_id)
                if not isinstance(fact, f.BreachRaised):
                    continue
                if fact.kind is f.BreachKind.UNKNOWN_TAGGED_ORDER and fact.client_id in self.orphans:
                    reported.add(fact.client_id)
                elif fact.kind is f.BreachKind.FILL_WITHOUT_ORDER and fact.client_id in self.late:
                    told.add(fact.client_id)
                else:
                    self.breach("alarm", at_ns, f"{fact.kind}: {fact.detail}")
        for client_id in sorted(self.late - told):
            self.breach("I11", at_ns, f"{client_id} traded after it was proven absent, and nobody was told")
        for client_id in sorted(standing - reported):
            self.breach("I4", at_ns, f"{client_id} stood at a venue with our tag, and nobody was told")

    def _judge_ends(self, blotter: Blotter, at_ns: Nanos, unfenced: frozenset[AccountId]) -> None:
        for child in blotter.living():
            if child.state is not ChildState.QUARANTINED or child.order.account not in unfenced:
                self.breach("I15", at_ns, f"{child.order.client_id} is still {child.state}: {child.reason}")
            elif self.venues[child.order.account].would_tell(child.order.client_id, at_ns):
                self.breach("I15", at_ns, f"{child.order.client_id} waits for a person, and its venue would tell")
        for parent in blotter.parents.values():
            waits = waits_for_a_person(blotter, parent)
            if not parent.state.ended and not waits:
                self.breach("I15", at_ns, f"{parent.order.id} is still {parent.state}: {parent.reason}")
        missing = self.parents.keys() - blotter.parents.keys()
        for parent_id in sorted(missing):
            self.breach("I14", at_ns, f"{parent_id} is forgotten")

    def _judge_taken(self, rows: list[JournalRow], at_ns: Nanos) -> None:
        """A reference is decided on once, however often it is handed in."""
        taken = Counter(
            fact.order.id for row in rows for fact in row.facts if isinstance(fact, f.ParentTaken | f.ParentTurnedDown)
        )
        for parent_id, times in taken.items():
            if times > 1:
                self.breach("I2", at_ns, f"{parent_id} was taken {times} times")

    def _judge_money(self, at_ns: Nanos) -> None:
        """A reservation covers what is sent: no venue refuses for want of money that nobody else took (I6)."""
        for account, venue in self.venues.items():
            if account not in self.touched:
                for when_ns, child in venue.truth.unfunded:
                    self.breach("I6", at_ns, f"{child.client_id} was refused for want of money at {when_ns}")

    def _judge_makers(self, at_ns: Nanos) -> None:
        """What is post-only, or of an order that only rests, never takes (I22)."""
        for venue in self.venues.values():
            for trade in venue.all_trades():
                child = self.intents.get(trade.client_id) if trade.client_id is not None else None
                if child is None or trade.maker or child.client_id in self.late:
                    continue
                parent = self.parents.get(child.parent_id)
                if child.post_only or (parent is not None and parent.envelope.passive_only):
                    self.breach("I22", at_ns, f"{child.client_id} took: trade {trade.trade_id}")

    def _judge_evidence(self, blotter: Blotter, at_ns: Nanos) -> None:
        """What ended here has ended there, with as much executed; what never was here never was there (I10)."""
        for child in blotter.children.values():
            account, client_id = child.order.account, child.order.client_id
            if not child.state.ended or client_id in self.late:
                continue
            records = self.venues[account].exchange.find(account, client_id=client_id)
            executed = sum((record.executed for record in records), ZERO)
            alive = [record for record in records if not record.status.ended]
            if alive or executed != child.filled:
                there = f"{executed} executed, {len(alive)} alive" if records else "nothing"
                self.breach("I10", at_ns, f"{client_id} is {child.state} with {child.filled}; there: {there}")
            if (child.state in _WERE_THERE) != bool(records) and not (
                records and executed == 0 and child.state is ChildState.NEVER_PLACED
            ):
                self.breach("I10", at_ns, f"{client_id} is {child.state}, and the venue says otherwise")

    def _judge_bounds(self, engine: Engine, backlog: Mapping[str, int], at_ns: Nanos) -> None:
        """What is kept for later is bounded by what is still to come (I18)."""
        living = sum(1 for _ in engine.state.blotter.living())
        most = living + len(self.venues)
        for name, kept in {**backlog, "timers": len(engine.state.timers) - 2 * len(self.venues) - 1}.items():
            if kept > most:
                self.breach("I18", at_ns, f"{kept} {name} with {living} living children")
        for parent in engine.state.blotter.parents.values():
            self._judge_stay(engine.state, parent, at_ns)

    def _judge_stay(self, state: State, parent: Parent, at_ns: Nanos) -> None:
        """An ended parent leaves the state within a bound: memory holds what lives, and a little of what lived."""
        leg = parent.order.leg
        together = (parent,) if leg is None else state.blotter.legs(leg.basket_id)
        children = tuple(child for one in together for child in state.blotter.children_of(one))
        restored_ns = state.restored_ns
        if restored_ns is not None and (parent.ended_ns or restored_ns) >= restored_ns:
            return  # it may have had children nobody here knows of, for a week
        if not all(one.state.ended for one in together) or not all(child.state.ended for child in children):
            return
        parents = (ended_ns for one in together for ended_ns in (one.ended_ns, one.recalled_ns))
        ends = (*parents, *(child.ended_ns for child in children))
        over_ns = state.last_ns - max(ended_ns or 0 for ended_ns in ends)
        if over_ns > 2 * self.archive_after_ns + _READ_AGAIN_NS:
            self.breach("I18", at_ns, f"{parent.order.id} is still in the state {over_ns} ns after its end")

    def _judge_fills(self, rows: list[JournalRow], blotter: Blotter, at_ns: Nanos) -> None:
        booked = Counter(fact.fill.booking_key for row in rows for fact in row.facts if isinstance(fact, f.FillBooked))
        for key, times in booked.items():
            if times > 1:
                self.breach("I3", at_ns, f"{key} is booked {times} times")
        real: set[str] = set()
        undecided: set[str] = set()
        """Of children a person has to decide on: their full exposure stands, whatever they filled."""
        children = blotter.children
        for venue in self.venues.values():
            for trade in venue.all_trades():
                if trade.client_id in self.intents:
                    key = booking_key(trade)
                    real.add(key)
                    child = children.get(trade.client_id)  # none: a restore has not found it again
                    if child is not None and child.state is ChildState.QUARANTINED:
                        undecided.add(key)
        for key in sorted(real - booked.keys() - undecided):
            self.breach("I3b", at_ns, f"{key} was never booked")
        for key in sorted(booked.keys() - real):
            self.breach("I3", at_ns, f"{key} is booked and no venue knows it")
        at_end = _filled_at_end(rows)
        for parent in blotter.parents.values():
            filled = blotter.filled(parent)
            if filled > parent.order.quantity:
                self.breach("I1", at_ns, f"{parent.order.id} of {parent.order.quantity} filled {filled}")
            records, by_its_end = self._records(parent.order.id), at_end.get(parent.order.id, ZERO)
            wrong = sizes.ended_wrongly(parent.order, parent.state, by_its_end, records) if parent.state.ended else None
            if wrong is not None:
                self.breach("I17", at_ns, f"{parent.order.id} {wrong}")

    def _judge_fold(self, rows: list[JournalRow], engine: Engine, at_ns: Nanos) -> None:
        """The state is the fold of what is durable, and of nothing else (I14)."""
        folded = Engine({})
        for row in rows:
            folded.recover(row.stamped.at_ns, row.facts)
        folded.state.last_ns = engine.state.last_ns
        if SNAPSHOTS.dumps(folded.state.image()) != SNAPSHOTS.dumps(engine.state.image()):
            self.breach("I14", at_ns, "the journal folds to another state than the driver's")

    def _judge_balances(self, engine: Engine, at_ns: Nanos) -> None:
        for account, venue in self.venues.items():
            for balance in venue.balances():
                held = engine.state.balances.holdings.get(account, {}).get(balance.asset)
                if held is None or held.total != balance.total:
                    here = "nothing" if held is None else held.total
                    self.breach("I12", at_ns, f"{account} {balance.asset}: {here} here, {balance.total} there")

    def breach(self, invariant: str, at_ns: Nanos, detail: str) -> None:
        """It did not hold."""
        self.breaches.append(Breach(invariant=invariant, at_ns=at_ns, detail=detail))
