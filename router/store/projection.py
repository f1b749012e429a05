"""From facts to the rows people query. Pure: what a journal row changes follows from it and from names already known.

Every change sets values, none adds to what is there: applied twice it is the same, and a rebuild from nothing ends
where following along did. What several facts of a batch say of one row is merged before it is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatchmethod

from sqlmodel import SQLModel

from router.journal.codec import MODEL, canonical
from router.model import facts as f
from router.model.events import HaltLevel
from router.model.ids import AccountId, ClientOrderId, EntityId, Nanos, ParentId
from router.model.moments import moment
from router.model.money import cut, plain
from router.model.orders import ChildOrder, ChildState, ParentOrder, ParentState
from router.model.resolutions import Resolution
from router.store.tables import (
    AlertTable,
    BalanceTable,
    ChildTable,
    DecisionTable,
    DifferenceTable,
    FillTable,
    ParentTable,
    VenueAccountTable,
)

Table = type[SQLModel]
Key = tuple[object, ...]
Values = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """What a fact about a child leaves out and its table shows."""

    entity: str
    account: str
    quote: str


NOBODY = Owner(entity="", account="", quote="")

HALTED, RESUMED, DECISION_FAILED = "HALTED", "RESUMED", "DECISION_FAILED"
HALTS = frozenset({HALTED, DECISION_FAILED})
"""Alerts after which nothing new leaves, until a `RESUMED`."""
GATE_OPENED = "GATE_OPENED"
NOT_AMENDED = "AMEND_REFUSED"
RELEASED, BASKET_ENDED = "LEG_RELEASED", "BASKET_ENDED"
PILOT_OVER = "PILOT_OVER"
PILOT_CONFIRMED = "PILOT_CONFIRMED"
PILOT = (PILOT_OVER, PILOT_CONFIRMED)
PROPOSED, RESOLVED, NOT_RESOLVED = "RESOLUTION_PROPOSED", "RESOLVED", "RESOLUTION_REFUSED"
RESOLUTIONS = (PROPOSED, RESOLVED, NOT_RESOLVED)
"""What became of a person's word on a quarantined child."""


@dataclass(kw_only=True, slots=True)
class Known:
    """Names from earlier rows: who a child belongs to, whose a parent is."""

    children: dict[ClientOrderId, Owner] = field(default_factory=dict)
    parents: dict[ParentId, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """What a follower needs of a journal row."""

    seq: int
    at_ns: Nanos
    facts: tuple[f.Fact, ...]


@dataclass(slots=True)
class Change:
    """A row to be. `whole`: it is put, whatever was there; otherwise these columns of an existing row are set.

    `else_values`: the other columns of a row that is made because it was not there yet.
    """

    whole: bool
    values: Values
    else_values: Values = field(default_factory=dict)


KEYS: Mapping[Table, tuple[str, ...]] = {
    ParentTable: ("id",),
    ChildTable: ("client_id",),
    FillTable: ("booking_key",),
    DecisionTable: ("parent_id", "round"),
    AlertTable: ("seq", "number"),
    VenueAccountTable: ("account",),
    BalanceTable: ("account", "asset"),
    DifferenceTable: ("account", "asset"),
}


class Projection:
    """Collects what a batch of journal rows changes."""

    def __init__(self, entity: EntityId, known: Known) -> None:
        self._entity = entity
        self._known = known
        self.changes: dict[Table, dict[Key, Change]] = {table: {} for table in KEYS}
        self.reported: dict[AccountId, tuple[int, Nanos]] = {}
        """Accounts whose balances were read: by which row, and when it was asked. What it did not name is zero."""
        self._seq = 0
        self._at_ns = Nanos(0)
        self._number = 0

    def follow(self, rows: Iterable[Followed]) -> None:
        """Take these rows in."""
        for row in rows:
            self._seq, self._at_ns = row.seq, row.at_ns
            for self._number, fact in enumerate(row.facts):
                self._take(fact)

    @singledispatchmethod
    def _take(self, _fact: object) -> None:
        """Facts that no table shows."""

    @_take.register
    def _(self, fact: f.ParentTaken) -> None:
        self._put_parent(fact.order, ParentState.ACCEPTED, "", fact.at_ns)

    @_take.register
    def _(self, fact: f.ParentTurnedDown) -> None:
        self._put_parent(fact.order, fact.state, fact.reason, fact.at_ns)

    @_take.register
    def _(self, fact: f.ParentMoved) -> None:
        self._set(ParentTable, (fact.parent_id,), state=fact.state.value, reason=fact.reason, updated_ns=fact.at_ns)

    @_take.register
    def _(self, fact: f.ParentAmended) -> None:
        order = fact.order
        self._set(
            ParentTable,
            (order.id,),
            quantity=order.quantity,
            limit_price=order.limit_price,
            order_json=canonical(MODEL.encode(order)).decode(),
            updated_ns=fact.at_ns,
        )

    @_take.register
    def _(self, fact: f.PilotEnded) -> None:
        figures = {"measured": fact.measured_bps, "planned": fact.planned_bps, "estimated": fact.estimated_bps}
        bps = ", ".join(f"{name} {'?' if one is None else cut(one, 4)} bps" for name, one in figures.items())
        price = "?" if fact.all_in_price is None else cut(fact.all_in_price, 8)
        self._alert(PILOT_OVER, f"{plain(fact.counted)} done at {price} all in: {bps}", subject=fact.parent_id)

    @_take.register
    def _(self, fact: f.PilotConfirmed) -> None:
        self._alert(PILOT_CONFIRMED, f"by {fact.principal}", subject=fact.parent_id)

    @_take.register
    def _(self, fact: f.LegReleased) -> None:
        self._alert(RELEASED, _released(fact), subject=fact.parent_id)

    @_take.register
    def _(self, fact: f.BasketEnded) -> None:
        self._alert(BASKET_ENDED, fact.state.value, subject=fact.basket_id)

    @_take.register
    def _(self, fact: f.AmendRefused) -> None:
        self._alert(NOT_AMENDED, fact.why, subject=fact.parent_id)

    @_take.register
    def _(self, fact: f.RoundPlanned) -> None:
        self._put(
            DecisionTable,
            parent_id=fact.parent_id,
            round=fact.round,
            entity=self._known.parents.get(fact.parent_id, ""),
            at_ns=fact.at_ns,
            due=fact.due,
            residual=fact.residual,
            residual_reason=fact.residual_reason,
            all_in_cost=fact.all_in_cost,
            marginal_price=fact.marginal_price,
            plan_json=_json(fact.children),
            exclusions_json=_json(fact.exclusions),
        )

    @_take.register
    def _(self, fact: f.ChildIntended) -> None:
        self._put_child(fact, ChildState.PENDING_NEW, "", None)

    @_take.register
    def _(self, fact: f.ChildAdopted) -> None:
        self._put_child(fact, ChildState.IN_DOUBT, "adopted", fact.venue_order_id)
        origin = "of a parent nobody knows" if fact.incarnation is None else f"given out in life {fact.incarnation}"
        detail = f"order {fact.venue_order_id} of {fact.order.quantity} {fact.order.symbol}, {origin}"
        self._alert("ADOPTED", detail, child=fact.order.client_id)

    @_take.register
    def _(self, fact: f.ParentRecovered) -> None:
        self._put_parent(fact.order, ParentState.PAUSED, "orders with our tag whose parent is not known", fact.at_ns)

    @_take.register
    def _(self, fact: f.RestoreBegun) -> None:
        self._alert("RECOVERY", f"life {fact.incarnation}: a backup of {moment(fact.since_ns)}; nothing new leaves")

    @_take.register
    def _(self, _fact: f.RestoreEnded) -> None:
        self._alert("RECOVERED", "what the backup did not know was looked for at every venue; children may leave")

    @_take.register
    def _(self, fact: f.CopyCounted) -> None:
        self._set(ChildTable, (fact.client_id,), copies=fact.copy, deadline_ns=fact.deadline_ns)

    @_take.register
    def _(self, fact: f.ChildMoved) -> None:
        learnt: Values = {
            "venue_order_id": fact.venue_order_id,
            "executed": fact.executed,
            "durable_ns": fact.durable_ns,
            "sent_ns": fact.sent_ns,
        }
        said = {name: value for name, value in learnt.items() if value is not None}
        self._set(
            ChildTable,
            (fact.client_id,),
            state=fact.state.value,
            reason=fact.reason,
            updated_ns=fact.at_ns,
            **said,
        )
        if fact.state is ChildState.QUARANTINED:
            self._alert("QUARANTINED", fact.reason, child=fact.client_id)

    @_take.register
    def _(self, fact: f.FillBooked) -> None:
        fill, trade = fact.fill, fact.fill.trade
        owner = self._known.children.get(fill.client_id, NOBODY)
        self._put(
            FillTable,
            booking_key=fill.booking_key,
            client_id=fill.client_id,
            parent_id=fill.parent_id,
            entity=owner.entity,
            account=trade.account,
            symbol=trade.symbol,
            quote=owner.quote,
            trade_id=trade.trade_id,
            venue_order_id=trade.venue_order_id,
            side=trade.side.value,
            price=trade.price,
            quantity=trade.quantity,
            fees_json=_json(trade.fees),
            maker=trade.maker,
            venue_time_ns=trade.venue_time_ns,
            booked_ns=fact.at_ns,
        )

    @_take.register
    def _(self, fact: f.BalancesTaken) -> None:
        self.reported[fact.account] = (self._seq, fact.asked_ns)
        for balance in fact.balances:
            self._put(
                BalanceTable,
                account=balance.account,
                asset=balance.asset,
                entity=self._entity,
                total=balance.total,
                free=balance.free,
                asked_ns=fact.asked_ns,
            )

    @_take.register
    def _(self, fact: f.DriverStarted) -> None:
        for terms in fact.started.terms:
            # A gate is shut until the new driver has read the account; how far its trades were read stays known.
            self._account(terms.account, gate_open=False, reason="the driver has just started", gate_moved_ns=None)

    @_take.register
    def _(self, fact: f.GateMoved) -> None:
        self._account(fact.account, gate_open=fact.open, reason=fact.reason, gate_moved_ns=fact.at_ns)
        kind = GATE_OPENED if fact.open else "GATE_CLOSED"
        self._alert(kind, fact.reason, account=fact.account)

    @_take.register
    def _(self, fact: f.KeyTold) -> None:
        self._account(fact.account, key_json=canonical(MODEL.encode(fact.key)).decode())

    @_take.register
    def _(self, fact: f.FeeTold) -> None:
        if fact.before_bps is not None:
            detail = f"taking costs {plain(fact.taker_fee_bps)} bp now, {plain(fact.before_bps)} bp before"
            if fact.discount is not None and fact.discount.on:
                detail += f"; {plain(fact.discount.taker_fee_bps)} bp in {fact.discount.token}"
            self._alert("FEE_CHANGED", detail, account=fact.account, subject=fact.listing_id)

    @_take.register
    def _(self, fact: f.DiscountMoved) -> None:
        rate = f"reckoned at {plain(fact.taker_fee_bps)} bp {'in' if fact.holds else 'without'} {fact.token}"
        self._alert("FEE_DISCOUNT", f"{rate}: {fact.why}", account=fact.account, subject=fact.listing_id)

    @_take.register
    def _(self, fact: f.FeeSurprised) -> None:
        fees = ", ".join(f"{plain(fee.amount)} {fee.asset}" for fee in fact.fees) or "nothing"
        rate = "" if fact.charged_bps is None else f", {cut(fact.charged_bps, 4)} bp"
        detail = f"trade {fact.trade_id} was charged {fees}{rate}; listed are {plain(fact.listed_bps)} bp"
        self._alert("FEE_SURPRISE", detail, account=fact.account, subject=fact.listing_id)

    @_take.register
    def _(self, fact: f.HoldingJudged) -> None:
        if fact.stays:
            self._put(
                DifferenceTable,
                account=fact.account,
                asset=fact.asset,
                entity=self._entity,
                expected=fact.expected,
                unexplained=fact.difference,
                since_ns=fact.asked_ns,
            )
        if fact.stays and fact.difference:
            way = "less" if fact.difference < 0 else "more"
            held, explained, off = plain(fact.found), plain(fact.expected), plain(abs(fact.difference))
            detail = f"{held} held, {explained} explained: {off} {fact.asset} {way}"
            self._alert("UNEXPLAINED", detail, account=fact.account, subject=fact.asset)

    @_take.register
    def _(self, fact: f.DifferenceExplained) -> None:
        detail = f"{plain(fact.amount)} {fact.asset} explained by {fact.principal}: {fact.reason}"
        self._alert("ACKNOWLEDGED", detail, account=fact.account, subject=fact.asset)

    @_take.register
    def _(self, fact: f.OthersTradeCounted) -> None:
        trade = fact.trade
        detail = f"{trade.side.value} {trade.quantity} {trade.symbol} at {trade.price}: a trade that was not ours"
        self._alert("OTHERS_TRADE", detail, account=trade.account, subject=trade.venue_order_id)

    @_take.register
    def _(self, fact: f.WatermarkMoved) -> None:
        self._account(fact.account, trades_until_ns=fact.trades_until_ns)

    @_take.register
    def _(self, fact: f.HaltMoved) -> None:
        self._alert(RESUMED if fact.level is HaltLevel.NONE else HALTED, fact.reason, subject=fact.principal)

    @_take.register
    def _(self, fact: f.StrangerSeen) -> None:
        whose = "with our tag, but no intent of ours" if fact.ours_by_tag else "not ours"
        detail = f"{fact.order.symbol} {fact.order.side.value} {fact.order.quantity}: {whose}"
        self._alert("STRANGER", detail, account=fact.order.account, subject=fact.order.venue_order_id)

    @_take.register
    def _(self, fact: f.BreachRaised) -> None:
        self._alert(f"BREACH_{fact.kind.value}", fact.detail, account=fact.account, child=fact.client_id)

    @_take.register
    def _(self, fact: f.ResolutionProposed) -> None:
        self._set(ChildTable, (fact.resolution.client_id,))  # its `seq` moves: the next word on it is another asking
        self._resolution(PROPOSED, fact.resolution, "a second person must say the same")

    @_take.register
    def _(self, fact: f.ResolutionTaken) -> None:
        first = "" if fact.proposed_by is None else f"as {fact.proposed_by} had said"
        self._resolution(RESOLVED, fact.resolution, first)

    @_take.register
    def _(self, fact: f.ResolutionRefused) -> None:
        self._resolution(NOT_RESOLVED, fact.resolution, fact.why)

    @_take.register
    def _(self, fact: f.DedupeNoted) -> None:
        if fact.probe.verdict is not None:
            detail = f"{fact.probe.verdict} in {fact.probe.mode}, ccxt {fact.probe.ccxt}: {fact.probe.detail}"
            self._alert("DEDUPE_PROBED", detail, account=fact.probe.account, subject=fact.probe.client_id)

    @_take.register
    def _(self, fact: f.DecisionFailed) -> None:
        self._alert(DECISION_FAILED, fact.error)

    def _resolution(self, kind: str, word: Resolution, more: str) -> None:
        trades = ", ".join(f"{one.trade_id}: {one.quantity} at {one.price}" for one in word.trades)
        parts = (f"{word.verdict} by {word.principal}", trades, f'"{word.evidence}"', more)
        self._alert(kind, "; ".join(part for part in parts if part), child=word.client_id)

    def _put_child(
        self, fact: f.ChildIntended | f.ChildAdopted, state: ChildState, reason: str, venue_order_id: str | None
    ) -> None:
        order = fact.order
        self._known.children[order.client_id] = owner_of(order)
        self._put(
            ChildTable,
            client_id=order.client_id,
            parent_id=order.parent_id,
            entity=order.entity,
            number=order.number,
            venue=order.venue,
            account=order.account,
            listing_id=order.listing_id,
            symbol=order.symbol,
            base=order.base,
            quote=order.quote,
            side=order.side.value,
            quantity=order.quantity,
            limit_price=order.limit_price,
            time_in_force=order.time_in_force.value,
            reserved_asset=fact.reserved_asset,
            reserved=fact.reserved,
            notional=fact.notional,
            copies=1,
            state=state.value,
            reason=reason,
            venue_order_id=venue_order_id,
            executed=None,
            decided_ns=order.decided_at_ns,
            deadline_ns=order.deadline_ns,
            durable_ns=None,
            sent_ns=None,
            updated_ns=order.decided_at_ns,
            intended_seq=self._seq,
        )

    def _put_parent(self, order: ParentOrder, state: ParentState, reason: str, at_ns: Nanos) -> None:
        self._known.parents[order.id] = order.entity
        self._put(
            ParentTable,
            id=order.id,
            entity=order.entity,
            ref_id=order.ref_id,
            instrument=order.instrument,
            side=order.side.value,
            quantity=order.quantity,
            limit_price=order.limit_price,
            policy=order.policy,
            order_json=canonical(MODEL.encode(order)).decode(),
            principal=order.principal,
            state=state.value,
            reason=reason,
            accepted_ns=at_ns,
            updated_ns=at_ns,
        )

    def _account(self, account: str, **values: object) -> None:
        """An account shows up with whatever is heard of it first: so here a change may have to make the row."""
        key = (account,)
        self._set(VenueAccountTable, key, **values)
        self.changes[VenueAccountTable][key].else_values = {
            "entity": self._entity,
            "gate_open": False,
            "reason": "",
            "gate_moved_ns": None,
            "trades_until_ns": None,
            "key_json": "",
        }

    def _alert(
        self,
        kind: str,
        detail: str,
        *,
        account: str | None = None,
        subject: str | None = None,
        child: ClientOrderId | None = None,
    ) -> None:
        owner = self._known.children.get(child, NOBODY) if child is not None else NOBODY
        self._put(
            AlertTable,
            number=self._number,
            kind=kind,
            entity=owner.entity or self._entity,
            account=account or owner.account or None,
            subject=subject or child,
            detail=detail,
            at_ns=self._at_ns,
        )

    def _put(self, table: Table, **values: object) -> None:
        values["seq"] = self._seq
        key = tuple(values[name] for name in KEYS[table])
        self.changes[table][key] = Change(whole=True, values=values)

    def _set(self, table: Table, key: Key, **values: object) -> None:
        values["seq"] = self._seq
        there = self.changes[table].setdefault(key, Change(whole=False, values={}))
        there.values.update(values)


def owner_of(order: ChildOrder) -> Owner:
    """A child's owner, as far as tables show it."""
    return Owner(entity=order.entity, account=order.account, quote=order.quote)


def names_unknown(rows: Iterable[Followed], known: Known) -> tuple[set[ClientOrderId], set[ParentId]]:
    """Children and parents these rows speak of that neither they nor `known` introduce: to be looked up first."""
    children: set[ClientOrderId] = set()
    parents: set[ParentId] = set()
    introduced: set[str] = set()
    for fact in (fact for row in rows for fact in row.facts):
        match fact:
            case f.ParentTaken(order=parent) | f.ParentTurnedDown(order=parent) | f.ParentRecovered(order=parent):
                introduced.add(parent.id)
            case f.ChildIntended(order=child) | f.ChildAdopted(order=child):
                introduced.add(child.client_id)
            case f.FillBooked(fill=fill):
                children.add(fill.client_id)
            case f.ChildMoved(client_id=client_id):
                children.add(client_id)
            case (
                f.ResolutionProposed(resolution=word)
                | f.ResolutionTaken(resolution=word)
                | f.ResolutionRefused(resolution=word)
            ):
                children.add(word.client_id)
            case f.BreachRaised(client_id=str(named)):
                children.add(ClientOrderId(named))
            case f.RoundPlanned(parent_id=parent_id):
                parents.add(parent_id)
            case _:
                pass
    return children - introduced - known.children.keys(), parents - introduced - known.parents.keys()


def _json(parts: Iterable[object]) -> str:
    return canonical([MODEL.encode(part) for part in parts]).decode()


def _released(fact: f.LegReleased) -> str:
    """How far a leg was let go, in a line."""
    parts = [f"{fact.verdict.value}: {fact.reason}" if fact.reason else fact.verdict.value]
    if fact.quantity is not None:
        parts.append(f"up to {plain(fact.quantity)} to keep pace")
    for name, purse in (("settled", fact.credited), ("drawn", fact.drawn), ("may draw", fact.room)):
        if purse:
            said = ", ".join(f"{cut(one.amount, 2)} {one.asset} at {one.account}" for one in purse)
            parts.append(f"{name} {said}")
    parts += [f"{cut(one.amount, 2)} {one.asset} above the buffer" for one in fact.above]
    return "; ".join(parts)
