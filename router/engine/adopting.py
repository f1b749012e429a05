"""Orders at a venue that carry our tag and that no intent of ours explains: whose they are, and making them ours.

Whose: the id of every child is derived (D5), so the ids known parents could have given out are worked out again,
some way beyond the last number known, for every incarnation up to ours. An adopted order is a child like any other: its
exposure and its fills count against its parent, and it is settled by the same table.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from router.engine import children
from router.engine.draft import Draft
from router.engine.state import State
from router.model import facts as f
from router.model.ids import AccountId, Asset, ClientOrderId, InstrumentId, Nanos, ParentId, RefId, VenueId, listing_id
from router.model.money import ZERO, ratio
from router.model.orders import (
    RECOVERED,
    ChildOrder,
    ParentOrder,
    TimeInForce,
    VenueOrder,
    VenueTrade,
)
from router.model.outcomes import AccountRead
from router.model.policies import SweepParams
from router.model.side import Side
from router.model.terms import Orphans
from router.orders.client_ids import client_order_id
from router.orders.records import Parent

NUMBERS_BEYOND = 20
"""So many numbers after the last one known are thought possible: a round makes a few children."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Which child of which parent an id is, and in which life of the database it was given out."""

    parent: Parent
    incarnation: int
    number: int


def on_orphans(draft: Draft, read: AccountRead, orphans: tuple[VenueOrder, ...]) -> tuple[VenueOrder, ...]:
    """Adopt what the settings, or a restore under way, say is to be adopted. Returns the others."""
    policy = draft.state.settings.orphans
    left = []
    for order in orphans:
        assert order.client_id is not None
        origin = origin_of(draft.state, read.account, order.client_id)
        if origin is not None and not _fits(origin.parent, order):
            origin = None
        restored = draft.state.restoring is not None and origin is not None
        if order.quantity <= 0 or not (restored or policy is not Orphans.ALARM):
            left.append(order)
            continue
        adopt(draft, order, (), origin, read.asked_ns, expected=restored)
        if policy is Orphans.CANCEL:
            children.cancel(draft, draft.state.blotter.children[order.client_id])
    return tuple(left)


def adopt(
    draft: Draft,
    order: VenueOrder,
    trades: tuple[VenueTrade, ...],
    origin: Origin | None,
    asked_ns: Nanos,
    *,
    expected: bool,
) -> None:
    """Make a venue's order a child of ours. One nobody expected is an alarm and stops its parent."""
    state, client_id = draft.state, order.client_id
    assert client_id is not None
    parent = _foster(draft, order) if origin is None else origin.parent
    number = state.blotter.next_number(parent)
    if origin is not None and all(child.order.number != origin.number for child in state.blotter.children_of(parent)):
        number = origin.number
    child_order = _child_order(parent, client_id, order, number, draft.now_ns)
    value = child_order.quantity * child_order.limit_price
    worth = _in_reporting(state, parent, child_order, value)
    given, asset = (value, child_order.quote) if order.side is Side.BUY else (child_order.quantity, child_order.base)
    draft.note(
        f.ChildAdopted(
            order=child_order,
            venue_order_id=order.venue_order_id,
            reserved_asset=asset,
            reserved=given,
            notional=worth,
            incarnation=None if origin is None else origin.incarnation,
            at_ns=draft.now_ns,
        )
    )
    child = state.blotter.children[client_id]
    if not expected:
        children.breach(
            draft,
            f.BreachKind.UNKNOWN_TAGGED_ORDER,
            child,
            f"order {order.venue_order_id} carries our tag and no intent explained it: an old copy of the database?",
        )
    for trade in trades:
        children.book(draft, child, trade)
    children.hear_record(draft, child, order, asked_ns)
    exposure = state.blotter.overfill(parent)
    if exposure is not None:
        detail = f"with an adopted order the parent of {parent.order.quantity} is exposed to {exposure}"
        children.breach(draft, f.BreachKind.OVERFILLED, child, detail)
    if not child.state.ended:
        children.look(draft, child)
    draft.touch(parent)


def _in_reporting(state: State, parent: Parent, adopted: ChildOrder, value: Decimal) -> Decimal:
    """A value in the quote currency as the parent's reporting currency, by the rate of the last child sent in it.

    No view of the market belongs to an adoption. Where there never was such a child the rate is taken to be one.
    """
    instrument = state.instrument(parent.order.instrument)
    if instrument is not None and instrument.reporting == adopted.quote:
        return value
    worth = state.worths.get(adopted.quote)
    return value if worth is None or worth.sent <= 0 else ratio(value * worth.notional, worth.sent)


def origin_of(state: State, account: AccountId, client_id: ClientOrderId) -> Origin | None:
    """The parent that would have given this id out; those still at work are asked first."""
    parents = sorted(state.blotter.parents.values(), key=lambda parent: parent.state.ended)
    for parent in parents:
        if parent.order.policy == RECOVERED:
            continue
        numbers = range(1, state.blotter.next_number(parent) + NUMBERS_BEYOND)
        found = origin_in(state, parent, account, client_id, numbers)
        if found is not None:
            return found
    return None


def origin_in(
    state: State, parent: Parent, account: AccountId, client_id: ClientOrderId, numbers: Iterable[int]
) -> Origin | None:
    """The same, of this parent and these numbers."""
    for number in numbers:
        for incarnation in range(state.settings.incarnation, 0, -1):
            if id_of(state, parent.order.id, account, incarnation, number) == client_id:
                return Origin(parent=parent, incarnation=incarnation, number=number)
    return None


def id_of(state: State, parent_id: ParentId, account: AccountId, incarnation: int, number: int) -> ClientOrderId:
    """The id of a child, in whichever life of the database."""
    return client_order_id(
        deployment=state.settings.deployment,
        incarnation=incarnation,
        account=account,
        parent_id=parent_id,
        number=number,
    )


def fostered(state: State, parent_id: ParentId) -> ParentId | None:
    """The foster parent under which an order stands that this reference gave out in an earlier life; None: no such."""
    fosters = [parent for parent in state.blotter.parents.values() if parent.order.policy == RECOVERED]
    standing = {client_id: parent.order.id for parent in fosters for client_id in parent.children}
    if not standing:
        return None
    ids = (
        id_of(state, parent_id, terms.account, incarnation, number)
        for terms in state.settings.terms
        for incarnation in range(1, state.settings.incarnation + 1)
        for number in range(1, NUMBERS_BEYOND + 1)
    )
    return next((standing[client_id] for client_id in ids if client_id in standing), None)


def _fits(parent: Parent, order: VenueOrder) -> bool:
    return order.side is parent.order.side


def _foster(draft: Draft, order: VenueOrder) -> Parent:
    """The parent of orders nobody knows the parent of: shown, never planned, as large as what it has adopted."""
    name = f"recovered:{order.account}:{order.symbol}:{order.side.value}"
    parent_id = ParentId(name)
    known = draft.state.blotter.parents.get(parent_id)
    base, _, quote = order.symbol.partition("/")
    entity = next((parent.order.entity for parent in draft.state.blotter.parents.values()), None)
    instrument = next(
        (one for one in draft.state.settings.instruments if one.base == base), draft.state.settings.instruments[0]
    )
    wanted = ParentOrder(
        id=parent_id,
        entity=entity or draft.state.settings.entity,
        ref_id=RefId(name),
        instrument=InstrumentId(f"{base}/{instrument.reporting}" if quote else instrument.id),
        side=order.side,
        quantity=order.quantity,
        limit_price=None,
        policy=RECOVERED,
        params=SweepParams(),
        principal="router",
    )
    if known is not None:
        wanted = replace(known.order, quantity=known.order.quantity + order.quantity)
    draft.note(f.ParentRecovered(order=wanted, at_ns=draft.now_ns))
    return draft.state.parent(parent_id)


def _child_order(parent: Parent, client_id: ClientOrderId, order: VenueOrder, number: int, now_ns: Nanos) -> ChildOrder:
    base, _, quote = order.symbol.partition("/")
    return ChildOrder(
        client_id=client_id,
        parent_id=parent.order.id,
        entity=parent.order.entity,
        number=number,
        venue=VenueId(order.account.partition("/")[0]),
        account=order.account,
        listing_id=listing_id(order.account, order.symbol),
        symbol=order.symbol,
        base=Asset(base),
        quote=Asset(quote),
        side=order.side,
        quantity=order.quantity,
        limit_price=_price(order),
        time_in_force=TimeInForce.IOC,
        decided_at_ns=order.venue_time_ns or now_ns,
        deadline_ns=None,
    )


def _price(order: VenueOrder) -> Decimal:
    return ZERO if order.limit_price is None else order.limit_price
