"""From the blotter's records to what is kept of a parent that is over, and back."""

from router.model.archive import ArchivedChild, ArchivedParent
from router.model.ids import Nanos
from router.orders.blotter import Blotter
from router.orders.records import Child, Parent


def kept(blotter: Blotter, parent: Parent) -> ArchivedParent:
    """What the journal keeps of it."""
    return ArchivedParent(
        order=parent.order,
        accepted_ns=parent.accepted_ns,
        ended_ns=parent.ended_ns,
        state=parent.state,
        reason=parent.reason,
        rounds=parent.rounds,
        adopted=parent.adopted,
        breached=parent.breached,
        children=tuple(map(_kept, blotter.children_of(parent))),
    )


def _kept(child: Child) -> ArchivedChild:
    return ArchivedChild(
        order=child.order,
        reserved_asset=child.reserved_asset,
        reserved=child.reserved,
        notional=child.notional,
        state=child.state,
        copies=child.copies,
        deadline_ns=child.deadline_ns,
        ended_ns=child.ended_ns,
        venue_order_id=child.venue_order_id,
        filled=child.filled,
        spent=child.spent,
        fee_drawn=child.fee_drawn,
        executed=child.executed,
        sent_ns=child.sent_ns,
        reason=child.reason,
        booked=tuple(sorted(child.booked)),
        breaches=tuple(sorted(child.breaches)),
    )


def recalled(known: ArchivedParent, at_ns: Nanos) -> tuple[Parent, list[Child]]:
    """The records it was made of, as far as anything may still be asked of them."""
    children = list(map(_recalled, known.children))
    parent = Parent(
        order=known.order,
        accepted_ns=known.accepted_ns,
        state=known.state,
        reason=known.reason,
        ended_ns=known.ended_ns,
        rounds=known.rounds,
        adopted=known.adopted,
        breached=known.breached,
        recalled_ns=at_ns,
    )
    return parent, children


def _recalled(known: ArchivedChild) -> Child:
    return Child(
        order=known.order,
        reserved_asset=known.reserved_asset,
        reserved=known.reserved,
        notional=known.notional,
        state=known.state,
        copies=known.copies,
        deadline_ns=known.deadline_ns,
        ended_ns=known.ended_ns,
        venue_order_id=known.venue_order_id,
        filled=known.filled,
        spent=known.spent,
        fee_drawn=known.fee_drawn,
        executed=known.executed,
        sent_ns=known.sent_ns,
        reason=known.reason,
        booked=set(known.booked),
        breaches=set(known.breaches),
    )
