"""Records out of the journal: from nothing but its events and facts in their order, the same that the tables give."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from router.book.discounts import as_reckoned
from router.model import facts as f
from router.model.events import Event, MarketSeen
from router.model.ids import Asset, ClientOrderId, Nanos, ParentId
from router.model.market import MarketView
from router.model.orders import ChildOrder, ChildState, Fill, ParentOrder, ParentState
from router.tca.record import Blind, ChildSeen, DecisionSeen, FillSeen, Instant, OrderRecord, TapePiece
from router.tca.result import mid_of
from router.tca.size import size_of

_RECOVERED = "orders with our tag whose parent is not known"


@dataclass(slots=True)
class _Child:
    order: ChildOrder
    state: ChildState
    copies: int = 1
    sent_ns: Nanos | None = None
    placed: bool = False


@dataclass(slots=True)
class _Parent:
    order: ParentOrder
    state: ParentState
    decided_ns: Nanos
    updated_ns: Nanos
    reason: str = ""
    decisions: dict[int, DecisionSeen] = field(default_factory=dict)
    planned: dict[ClientOrderId, int] = field(default_factory=dict)
    children: list[_Child] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)


class Fold:
    """What the journal says of parents, or of `only` one, row by row."""

    def __init__(self, only: ParentId | None = None) -> None:
        self._only = only
        self._parents: dict[ParentId, _Parent] = {}
        self._children: dict[ClientOrderId, _Child] = {}

    def follow(self, event: Event, facts: Iterable[f.Fact]) -> None:
        """One row more."""
        view = event.view if isinstance(event, MarketSeen) else None
        for fact in facts:
            self._of_parents(fact)
            self._of_children(fact)
            if isinstance(fact, f.RoundPlanned):
                self._planned(fact, None if view is None else as_reckoned(view, fact.fee_bases))

    def _of_parents(self, fact: f.Fact) -> None:
        match fact:
            case f.ParentTaken(order=order, at_ns=at_ns):
                self._take(_Parent(order, ParentState.ACCEPTED, at_ns, at_ns))
            case f.ParentTurnedDown(order=order, at_ns=at_ns, state=state, reason=reason):
                self._take(_Parent(order, state, at_ns, at_ns, reason))
            case f.ParentRecovered(order=order, at_ns=at_ns):
                self._take(_Parent(order, ParentState.PAUSED, at_ns, at_ns, _RECOVERED))
            case f.ParentMoved() if (parent := self._parents.get(fact.parent_id)) is not None:
                parent.state, parent.reason, parent.updated_ns = fact.state, fact.reason, fact.at_ns
            case f.ParentAmended(order=order, at_ns=at_ns) if (parent := self._parents.get(order.id)) is not None:
                parent.order, parent.updated_ns = order, at_ns
            case f.FillBooked(fill=fill) if (parent := self._parents.get(fill.parent_id)) is not None:
                parent.fills.append(fill)
            case _:
                pass

    def _of_children(self, fact: f.Fact) -> None:
        match fact:
            case f.ChildIntended(order=order):
                self._add(_Child(order, ChildState.PENDING_NEW))
            case f.ChildAdopted(order=order):
                self._add(_Child(order, ChildState.IN_DOUBT, placed=True))
            case f.CopyCounted() if (child := self._children.get(fact.client_id)) is not None:
                child.copies = fact.copy
            case f.ChildMoved() if (child := self._children.get(fact.client_id)) is not None:
                _moved(child, fact)
            case _:
                pass

    def _planned(self, fact: f.RoundPlanned, view: MarketView | None) -> None:
        parent = self._parents.get(fact.parent_id)
        if parent is None:
            return
        parent.decisions[fact.round] = DecisionSeen(round=fact.round, at_ns=fact.at_ns, due=fact.due, view=view)
        parent.planned |= {child.client_id: fact.round for child in fact.children}

    def ended(self) -> tuple[ParentId, ...]:
        """Parents that have ended, in the order they came."""
        return tuple(parent_id for parent_id, one in self._parents.items() if one.state.ended)

    def record(
        self,
        parent_id: ParentId,
        instants: tuple[Instant, ...] = (),
        blind: tuple[Blind, ...] = (),
        tape: tuple[TapePiece, ...] = (),
    ) -> OrderRecord:
        """One parent's record, beside the market it met."""
        parent = self._parents[parent_id]
        order = parent.order
        base, _, reporting = order.instrument.partition("/")
        decisions = tuple(parent.decisions[number] for number in sorted(parent.decisions))
        fills = tuple(
            _fill(one, self._children[one.client_id].order.quote)
            for one in sorted(parent.fills, key=lambda one: (one.trade.venue_time_ns, one.booking_key))
        )
        arrival = mid_of(next((one.view for one in decisions if one.view is not None), None))
        return OrderRecord(
            ref_id=order.ref_id,
            parent_id=order.id,
            instrument=order.instrument,
            base=Asset(base),
            reporting=Asset(reporting),
            side=order.side,
            quantity=size_of(order, parent.state, fills, arrival),
            limit_price=order.limit_price,
            policy=order.policy,
            principal=order.principal,
            state=parent.state.value,
            reason=parent.reason,
            decided_ns=parent.decided_ns,
            ended_ns=parent.updated_ns,
            decisions=decisions,
            children=tuple(
                _child(one, parent.planned.get(one.order.client_id, 0))
                for one in sorted(parent.children, key=lambda one: one.order.number)
            ),
            fills=fills,
            instants=instants,
            blind=blind,
            tape=tape,
        )

    def _take(self, parent: _Parent) -> None:
        if self._only in {None, parent.order.id}:
            self._parents[parent.order.id] = parent

    def _add(self, child: _Child) -> None:
        parent = self._parents.get(child.order.parent_id)
        if parent is not None:
            self._children[child.order.client_id] = child
            parent.children.append(child)


def _moved(child: _Child, fact: f.ChildMoved) -> None:
    child.state = fact.state
    child.sent_ns = child.sent_ns if fact.sent_ns is None else fact.sent_ns
    child.placed = child.placed or fact.venue_order_id is not None


def _child(one: _Child, planning_round: int) -> ChildSeen:
    order = one.order
    return ChildSeen(
        id=order.client_id,
        round=planning_round,
        venue=order.venue,
        listing_id=order.listing_id,
        quantity=order.quantity,
        limit_price=order.limit_price,
        state=one.state.value,
        left=one.state is not ChildState.REJECTED or one.sent_ns is not None or one.placed,
        copies=one.copies,
        decided_ns=order.decided_at_ns,
        sent_ns=one.sent_ns,
    )


def _fill(one: Fill, quote: Asset) -> FillSeen:
    trade = one.trade
    return FillSeen(
        key=one.booking_key,
        child=one.client_id,
        quantity=trade.quantity,
        price=trade.price,
        quote=quote,
        fees=trade.fees,
        maker=trade.maker,
        at_ns=trade.venue_time_ns,
    )
