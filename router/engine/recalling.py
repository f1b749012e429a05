"""Whoever is spoken of and no longer in the state is brought back first (D35).

On a parent that is long over a decision depends only where its event names it: by its id, by a child's id, by a venue's
order id, by a trade. So before an event is decided, its shell asks the journal for whatever the event names and the
state does not hold (`unknown`), and has it brought back by an event of its own (`told`). From there on everything is as
if it had never left.

One thing is not brought back for: a row of a trade list that is booked already. It changed nothing while its child was
here, so it is taken out of the event instead. Otherwise every start, which reads a day again, would bring back a day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from router.engine.resolving import trades_of
from router.engine.state import State
from router.model import events as e
from router.model.archive import ArchivedParent, order_key
from router.model.ids import ClientOrderId, ParentId
from router.model.orders import VenueOrder, VenueTrade, booking_key
from router.model.outcomes import Found, LookUpResult, Missing, Unclear
from router.model.resolutions import Resolution
from router.orders.client_ids import is_ours, leg_id
from router.orders.records import Child
from router.ports import Remembered, Unknown


@dataclass(slots=True)
class _Names:
    """What was found unknown so far."""

    state: State
    parents: set[ParentId] = field(default_factory=set)
    children: set[ClientOrderId] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    rows: dict[str, tuple[ClientOrderId | None, str]] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)

    def parent(self, parent_id: ParentId) -> None:
        if parent_id not in self.state.blotter.parents:
            self.parents.add(parent_id)

    def child(self, client_id: ClientOrderId) -> None:
        if client_id not in self.state.blotter.children:
            self.children.add(client_id)

    def row(self, trade: VenueTrade) -> None:
        """A row of a trade list, whosoever it is."""
        child = self.state.blotter.find(trade.account, trade.symbol, trade.client_id, trade.venue_order_id)
        if child is not None:
            self.claim(child, trade)
        elif self.state.blotter.booked_to(booking_key(trade)) is None:
            named = order_key(trade.account, trade.symbol, trade.venue_order_id)
            self.rows[booking_key(trade)] = (trade.client_id, named)

    def order(self, order: VenueOrder) -> None:
        """A row of a list of open orders."""
        if self.state.blotter.find(order.account, order.symbol, order.client_id, order.venue_order_id) is None:
            self.orders.add(order_key(order.account, order.symbol, order.venue_order_id))
            if order.client_id is not None:
                self.children.add(order.client_id)

    def answer(self, client_id: ClientOrderId, result: LookUpResult) -> None:
        """What a look-up brought."""
        match result:
            case Found(trades=trades):
                for trade in trades:
                    self.claim(self.state.blotter.children.get(client_id), trade)
            case Missing(strangers=strangers):
                for trade in strangers:
                    self.row(trade)
            case Unclear():
                pass

    def word(self, word: Resolution) -> None:
        """What people say of a child: somebody else's trade may be among it, whatever order it is told under."""
        child = self.state.blotter.children.get(word.client_id)
        if child is not None:
            keys = map(booking_key, trades_of(child, word, self.state.last_ns))
            self.claimed |= {key for key in keys if self.state.blotter.booked_to(key) is None}

    def claim(self, child: Child | None, trade: VenueTrade) -> None:
        """A trade that is said to be this child's. The key names the order: under its own it is nobody else's."""
        key = booking_key(trade)
        own = child is not None and child.venue_order_id == trade.venue_order_id
        if not own and self.state.blotter.booked_to(key) is None:
            self.claimed.add(key)


def unknown(state: State, events: Iterable[e.Event]) -> Unknown:
    """What these events speak of and the state does not hold."""
    names = _Names(state)
    for event in events:
        _collect(names, event)
    return Unknown(
        parents=frozenset(names.parents),
        children=frozenset(names.children),
        orders=frozenset(names.orders),
        rows=names.rows,
        claimed=frozenset(names.claimed),
    )


def _collect(names: _Names, event: e.Event) -> None:
    match event:
        case e.ParentSubmitted() | e.BasketSubmitted():
            _collect_references(names, event)
        case e.PlaceAnswered(client_id=client_id) | e.CancelAnswered(client_id=client_id):
            names.child(client_id)
        case e.DedupeProbed(client_id=client_id):
            names.child(client_id)
        case e.ResolveAsked(resolution=word):
            names.child(word.client_id)
            names.word(word)
        case e.LookedUp(client_id=client_id, look_up=look_up):
            names.child(client_id)
            names.answer(client_id, look_up.result)
        case e.Sought(client_id=client_id, look_up=look_up):
            names.answer(client_id, look_up.result)
        case e.OrderHinted(client_id=client_id) if is_ours(client_id, names.state.settings.deployment):
            assert client_id is not None
            names.child(client_id)
        case e.AccountSeen(read=read):
            for trade in read.trades:
                names.row(trade)
            for standing in read.open_orders:
                names.order(standing)
        case _:
            pass


def _collect_references(names: _Names, event: e.ParentSubmitted | e.BasketSubmitted) -> None:
    """An order's reference may be a basket's, and a basket's an order's: a basket is known by its legs."""
    if isinstance(event, e.ParentSubmitted):
        names.parent(event.order.id)
        names.parent(leg_id(event.order.id, 1))
        return
    for order in event.legs:
        names.parent(order.id)
        if order.leg is not None:
            names.parent(order.leg.basket_id)


def told(state: State, event: e.Event, remembered: Remembered) -> Iterator[e.Event]:
    """The event as the engine is to hear it, after another that brings back what it names."""
    if remembered.booked:
        event = _without(state, event, remembered.booked)
    if remembered.parents:
        names = unknown(state, (event,))
        here = state.blotter.parents
        named = {_together(known) for known in remembered.parents if _is_named(known, names)}
        parents = tuple(known for known in remembered.parents if known.id not in here and _together(known) in named)
        if isinstance(event, e.OrderHinted):
            parents = tuple(known for known in parents if _never_taken(known, event.client_id))
        if parents:
            yield e.Recalled(parents=parents)
    yield event


def _together(known: ArchivedParent) -> ParentId:
    """Under which those are one that leave and come back together: the legs of a basket."""
    return known.id if known.order.leg is None else known.order.leg.basket_id


def _is_named(known: ArchivedParent, names: Unknown) -> bool:
    of_rows = names.rows.values()
    ids = names.children.union(client_id for client_id, _ in of_rows if client_id is not None)
    orders = names.orders.union(key for _, key in of_rows)
    return known.id in names.parents or any(
        child.order.client_id in ids
        or (
            child.venue_order_id is not None
            and order_key(child.order.account, child.order.symbol, child.venue_order_id) in orders
        )
        or not names.claimed.isdisjoint(child.booked)
        for child in known.children
    )


def _never_taken(known: ArchivedParent, client_id: ClientOrderId | None) -> bool:
    """A stream that speaks of an order long over is news where the order was never to be there."""
    return any(child.order.client_id == client_id and child.state.never_taken for child in known.children)


def _without(state: State, event: e.Event, booked: frozenset[str]) -> e.Event:
    """The event without those rows of a trade list that are booked to a child that has left."""
    match event:
        case e.AccountSeen(read=read):
            left = _left(state, read.trades, booked)
            out = len(read.trades) - len(left)
            return event if out == 0 else e.AccountSeen(read=replace(read, trades=left), archived=out)
        case e.LookedUp(look_up=look_up) if isinstance(look_up.result, Missing):
            left = _left(state, look_up.result.strangers, booked)
            if len(left) == len(look_up.result.strangers):
                return event
            return replace(event, look_up=replace(look_up, result=replace(look_up.result, strangers=left)))
        case _:
            return event


def _left(state: State, trades: tuple[VenueTrade, ...], booked: frozenset[str]) -> tuple[VenueTrade, ...]:
    rows = unknown_rows(state, trades)
    return tuple(trade for trade in trades if (key := booking_key(trade)) not in rows or key not in booked)


def unknown_rows(state: State, trades: Iterable[VenueTrade]) -> frozenset[str]:
    """Keys of those rows that no child of the state explains."""
    names = _Names(state)
    for trade in trades:
        names.row(trade)
    return frozenset(names.rows)
