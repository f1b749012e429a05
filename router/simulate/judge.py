"""The invariants (RELIABILITY §2), from outside: what the venues know against what the journal says.

The judge reads the venues' truth and the journal's rows. Of the router's own state it looks at nothing until the end,
and then only to hold it against both.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connectors.sim import SimVenue
from router.engine import Engine
from router.model import facts as f
from router.model.events import HaltLevel
from router.model.ids import AccountId, ClientOrderId, Nanos, ParentId
from router.model.money import ZERO
from router.model.orders import ChildOrder, ChildState, ParentOrder, ParentState, booking_key
from router.ports import JournalRow
from router.runtime.recovery import SNAPSHOTS
from router.simulate.journal import SimJournal


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """An invariant that did not hold, when, and what was seen."""

    invariant: str
    at_ns: Nanos
    detail: str


@dataclass(slots=True)
class Judge:
    """Told of everything at a venue and of everything that became durable."""

    venues: Mapping[AccountId, SimVenue]
    breaches: list[Breach] = field(default_factory=list)
    parents: dict[ParentId, ParentOrder] = field(default_factory=dict)
    intents: dict[ClientOrderId, ChildOrder] = field(default_factory=dict)
    copies: Counter[ClientOrderId] = field(default_factory=Counter)
    sent: Counter[ClientOrderId] = field(default_factory=Counter)
    halted_since_ns: Nanos | None = None
    accepts: int = 0
    _judged: dict[AccountId, int] = field(default_factory=dict)
    _of_parent: dict[ParentId, set[tuple[AccountId, ClientOrderId]]] = field(default_factory=dict)
    _accepted: Counter[ClientOrderId] = field(default_factory=Counter)

    # While it runs.

    def durable(self, facts: Iterable[f.Fact], at_ns: Nanos) -> None:
        """These facts are in the journal."""
        for fact in facts:
            match fact:
                case f.ParentTaken(order=order):
                    self.parents[order.id] = order
                case f.ChildIntended(order=child):
                    if child.client_id in self.intents:
                        self._breach("I2", at_ns, f"{child.client_id} is intended twice")
                    self.intents[child.client_id] = child
                    self.copies[child.client_id] = 1
                case f.CopyCounted(client_id=client_id, copy=copy):
                    self.copies[client_id] = copy
                case f.HaltMoved(level=level):
                    self.halted_since_ns = at_ns if level is not HaltLevel.NONE else None
                case _:
                    pass

    def leaves(self, child: ChildOrder, at_ns: Nanos, gated_ns: Nanos) -> None:
        """A copy's first byte leaves; the last gate let it pass at `gated_ns`."""
        self.sent[child.client_id] += 1
        if child.client_id not in self.intents:
            self._breach("I8", at_ns, f"{child.client_id} leaves before its intent is durable")
        if self.sent[child.client_id] > self.copies[child.client_id]:
            self._breach("I2", at_ns, f"{child.client_id}: copy {self.sent[child.client_id]} leaves uncounted")
        if self.halted_since_ns is not None and gated_ns > self.halted_since_ns:
            self._breach("I5", at_ns, f"{child.client_id} passes the gate after the halt is durable")

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
        if self._accepted[child.client_id] > 1:
            self._breach("I2", at_ns, f"{child.client_id} became {self._accepted[child.client_id]} orders")
        parent = self.parents.get(child.parent_id)
        if child.client_id not in self.intents or parent is None:
            self._breach("I4", at_ns, f"{child.client_id} has no intent in the journal")
            return
        of_parent = self._of_parent.setdefault(parent.id, set())
        of_parent.add((account, child.client_id))
        exposure = sum((self._exposure(*one) for one in of_parent), ZERO)
        if exposure > parent.quantity:
            self._breach("I1", at_ns, f"{parent.id} of {parent.quantity} is exposed to {exposure} at the venues")
        if parent.limit_price is not None and (child.limit_price - parent.limit_price) * parent.side.sign > 0:
            self._breach("I13", at_ns, f"{child.client_id} at {child.limit_price}, the limit is {parent.limit_price}")

    def _exposure(self, account: AccountId, client_id: ClientOrderId) -> Decimal:
        records = self.venues[account].exchange.find(account, client_id=client_id)
        return sum((one.executed if one.status.ended else one.quantity for one in records), ZERO)

    # At the end.

    def conclude(self, engine: Engine, journal: SimJournal, at_ns: Nanos, *, unfenced: frozenset[AccountId]) -> None:
        """All must have come to its end, and all three records must agree. `unfenced`: who may leave a doubt open."""
        rows = journal.read()
        self._judge_ends(engine, at_ns, unfenced)
        self._judge_fills(rows, engine, at_ns)
        self._judge_fold(rows, engine, at_ns)
        self._judge_balances(engine, at_ns)
        for row in rows:
            for fact in row.facts:
                if isinstance(fact, f.BreachRaised):
                    self._breach("alarm", at_ns, f"{fact.kind}: {fact.detail}")

    def _judge_ends(self, engine: Engine, at_ns: Nanos, unfenced: frozenset[AccountId]) -> None:
        blotter = engine.state.blotter
        for child in blotter.living():
            if child.state is not ChildState.QUARANTINED or child.order.account not in unfenced:
                self._breach("I15", at_ns, f"{child.order.client_id} is still {child.state}: {child.reason}")
        for parent in blotter.parents.values():
            waits = any(child.state is ChildState.QUARANTINED for child in blotter.children_of(parent))
            if not parent.state.ended and not waits:
                self._breach("I15", at_ns, f"{parent.order.id} is still {parent.state}: {parent.reason}")
        missing = self.parents.keys() - blotter.parents.keys()
        for parent_id in sorted(missing):
            self._breach("I14", at_ns, f"{parent_id} is forgotten")

    def _judge_fills(self, rows: list[JournalRow], engine: Engine, at_ns: Nanos) -> None:
        booked = Counter(fact.fill.booking_key for row in rows for fact in row.facts if isinstance(fact, f.FillBooked))
        for key, times in booked.items():
            if times > 1:
                self._breach("I3", at_ns, f"{key} is booked {times} times")
        real: set[str] = set()
        for venue in self.venues.values():
            real |= {booking_key(trade) for trade in venue.all_trades() if trade.client_id in self.intents}
        for key in sorted(real - booked.keys()):
            self._breach("I3b", at_ns, f"{key} was never booked")
        for key in sorted(booked.keys() - real):
            self._breach("I3", at_ns, f"{key} is booked and no venue knows it")
        for parent in engine.state.blotter.parents.values():
            filled = sum((child.filled for child in engine.state.blotter.children_of(parent)), ZERO)
            if filled > parent.order.quantity:
                self._breach("I1", at_ns, f"{parent.order.id} of {parent.order.quantity} filled {filled}")
            if (parent.state is ParentState.FILLED) != (filled == parent.order.quantity) and parent.state.ended:
                self._breach("I17", at_ns, f"{parent.order.id} is {parent.state} with {filled} filled")

    def _judge_fold(self, rows: list[JournalRow], engine: Engine, at_ns: Nanos) -> None:
        """The state is the fold of what is durable, and of nothing else (I14)."""
        folded = Engine({})
        for row in rows:
            folded.recover(row.stamped.at_ns, row.facts)
        folded.state.last_ns = engine.state.last_ns
        if SNAPSHOTS.dumps(folded.state.image()) != SNAPSHOTS.dumps(engine.state.image()):
            self._breach("I14", at_ns, "the journal folds to another state than the driver's")

    def _judge_balances(self, engine: Engine, at_ns: Nanos) -> None:
        for account, venue in self.venues.items():
            for balance in venue.balances():
                held = engine.state.balances.holdings.get(account, {}).get(balance.asset)
                if held is None or held.total != balance.total:
                    here = "nothing" if held is None else held.total
                    self._breach("I12", at_ns, f"{account} {balance.asset}: {here} here, {balance.total} there")

    def _breach(self, invariant: str, at_ns: Nanos, detail: str) -> None:
        self.breaches.append(Breach(invariant=invariant, at_ns=at_ns, detail=detail))
