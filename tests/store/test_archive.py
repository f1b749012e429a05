"""Parents that have left the state are found again by every name they are asked for by, on both databases."""

from decimal import Decimal

from router.model.archive import ArchivedChild, ArchivedParent, order_key
from router.model.facts import ParentArchived
from router.model.ids import Asset, Nanos, ParentId, VenueOrderId
from router.model.orders import ChildState, ParentState
from router.ports import Remembered, Unknown
from router.store import JournalStore
from router.store.audit import audit
from tests.store.conftest import Sql
from tests.store.makers import ACCOUNT, PARENT, booked, child, client_id, intended, parent, row

ORDER = VenueOrderId("O-1")
KEY = order_key(ACCOUNT, "BTC/USD", ORDER)


def archived(reason: str = "filled", *keys: str) -> ArchivedParent:
    one = ArchivedChild(
        order=child(1),
        reserved_asset=Asset("USD"),
        reserved=Decimal("30000.05"),
        notional=Decimal(30000),
        state=ChildState.FILLED,
        copies=1,
        deadline_ns=None,
        ended_ns=Nanos(2),
        venue_order_id=ORDER,
        filled=Decimal("0.5"),
        spent=Decimal(30000),
        fee_drawn=Decimal(0),
        executed=None,
        sent_ns=None,
        reason=reason,
        booked=keys,
        breaches=(),
    )
    return ArchivedParent(
        order=parent(),
        accepted_ns=Nanos(1),
        ended_ns=Nanos(2),
        state=ParentState.FILLED,
        reason=reason,
        rounds=1,
        adopted=False,
        breached=False,
        children=(one,),
    )


async def test_it_is_found_by_each_of_its_names(store: JournalStore):
    """By its id, by a child's, by the venue's of an order, by a trade that is booked; and by nothing else."""
    fill = booked(1, "T1")
    kept = archived("filled", fill.fill.booking_key)
    await store.append([row(intended(1)), row(fill), row(ParentArchived(parent=kept, at_ns=Nanos(3)))])

    for names in (
        Unknown(parents=frozenset({PARENT})),
        Unknown(children=frozenset({client_id(1)})),
        Unknown(orders=frozenset({KEY})),
        Unknown(rows={"a new trade": (client_id(1), "another order")}),
        Unknown(rows={"a new trade": (None, KEY)}),
        Unknown(claimed=frozenset({fill.fill.booking_key})),
    ):
        assert await store.recall(names) == Remembered(parents=(kept,)), names
    others = Unknown(parents=frozenset({ParentId("P'2")}), children=frozenset({client_id(2)}), orders=frozenset({'"'}))
    assert await store.recall(others) == Remembered()


async def test_a_row_that_is_booked_names_nobody(store: JournalStore):
    """It says that it is booked, and that is all there is to it."""
    fill = booked(1, "T1")
    key = fill.fill.booking_key
    await store.append([row(intended(1)), row(fill), row(ParentArchived(parent=archived(), at_ns=Nanos(3)))])

    found = await store.recall(Unknown(rows={key: (client_id(1), KEY), "new": (client_id(2), "unknown")}))

    assert found == Remembered(booked=frozenset({key}))


async def test_what_left_twice_is_found_as_it_left_last(store: JournalStore, sql: Sql):
    """The newest row counts; and the audit holds the index against the journal."""
    first, last = (ParentArchived(parent=archived(why), at_ns=Nanos(3)) for why in ("then", "now"))
    await store.append([row(intended(1)), row(first)])
    await store.append([row(last)])

    assert (await store.recall(Unknown(parents=frozenset({PARENT})))).parents == (last.parent,)
    assert (await audit(store)).clean

    await sql("UPDATE archived_parent SET seq = 2")
    assert [one.why for one in (await audit(store)).breaks] == [f"archived parent {PARENT} is another"]
