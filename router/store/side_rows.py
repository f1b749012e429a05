"""What a batch of journal rows writes beside the journal, in the same transaction. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from router.model.archive import ArchivedChild, order_key
from router.model.facts import ChildAdopted, ChildIntended, CopyCounted, FillBooked, ParentArchived
from router.ports.store import JournalRow
from router.store import statements as sql
from router.store.session import Step


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows of the tables beside the journal, in the order of the facts they come from; each with its journal row."""

    consumed: list[tuple[int, int]] = field(default_factory=list)
    """(request id, seq)"""
    intents: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(client order id, parent, number, seq)"""
    copies: list[tuple[str, int, int]] = field(default_factory=list)
    """(client order id, copy, seq)"""
    bookings: list[tuple[str, int]] = field(default_factory=list)
    """(booking key, seq)"""
    archived: list[tuple[str, int]] = field(default_factory=list)
    """(parent, seq)"""
    names: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Of archived children: (client order id, parent, key of the venue's order)"""


def beside(rows: Iterable[tuple[int, JournalRow]]) -> Beside:
    """What these rows, at these places, write beside the journal."""
    found = Beside()
    for seq, row in rows:
        if row.request_id is not None:
            found.consumed.append((row.request_id, seq))
        for fact in row.facts:
            match fact:
                case ChildIntended(order=order) | ChildAdopted(order=order):
                    found.intents.append((order.client_id, order.parent_id, order.number, seq))
                case CopyCounted(client_id=client_id, copy=copy):
                    found.copies.append((client_id, copy, seq))
                case FillBooked(fill=fill):
                    found.bookings.append((fill.booking_key, seq))
                case ParentArchived(parent=parent):
                    found.archived.append((parent.id, seq))
                    found.names.extend((child.order.client_id, parent.id, _named(child)) for child in parent.children)
                case _:
                    pass
    return found


def _named(child: ArchivedChild) -> str | None:
    order = child.order
    return None if child.venue_order_id is None else order_key(order.account, order.symbol, child.venue_order_id)


def steps_for(found: Beside, shard: str) -> list[Step]:
    """The statements that write it, in an order in which each finds what it needs."""
    every = (
        Step(sql.CONSUME_REQUEST, tuple(found.consumed), must="the request is there and was not consumed before"),
        Step(sql.INTEND, tuple((shard, *intent) for intent in found.intents)),
        Step(
            sql.COUNT_COPY,
            tuple((client_id, copy) for client_id, copy, _seq in found.copies),
            must="a counted copy is the one after the last",
        ),
        Step(sql.BOOK, tuple((shard, *booking) for booking in found.bookings)),
        Step(sql.ARCHIVE, tuple((shard, *parent) for parent in found.archived)),
        Step(sql.ARCHIVE_CHILD, tuple((shard, *name) for name in found.names)),
    )
    return [step for step in every if step.args]
