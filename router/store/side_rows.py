"""What a batch of journal rows writes beside the journal, in the same transaction: from facts to steps. Pure."""

from collections.abc import Iterable

from router.model.facts import ChildIntended, CopyCounted, FillBooked
from router.ports.store import JournalRow
from router.store import statements as sql
from router.store.session import Step


def steps_beside(rows: Iterable[tuple[int, JournalRow]]) -> list[Step]:
    """The steps for these rows at these places, in an order in which each finds what it needs."""
    consumed: list[tuple[object, ...]] = []
    intents: list[tuple[object, ...]] = []
    copies: list[tuple[object, ...]] = []
    bookings: list[tuple[object, ...]] = []
    for seq, row in rows:
        if row.request_id is not None:
            consumed.append((row.request_id, seq))
        for fact in row.facts:
            match fact:
                case ChildIntended(order=order):
                    intents.append((order.client_id, order.parent_id, order.number, seq))
                case CopyCounted(client_id=client_id, copy=copy):
                    copies.append((client_id, copy))
                case FillBooked(fill=fill):
                    bookings.append((fill.booking_key, seq))
                case _:
                    pass
    every = (
        Step(sql.CONSUME_REQUEST, tuple(consumed), must="the request is there and was not consumed before"),
        Step(sql.INTEND, tuple(intents)),
        Step(sql.COUNT_COPY, tuple(copies), must="a counted copy is the one after the last"),
        Step(sql.BOOK, tuple(bookings)),
    )
    return [step for step in every if step.args]
