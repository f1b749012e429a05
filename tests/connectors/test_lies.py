"""The venue lies, or the network does: no lie becomes an acceptance, a refusal or a second order.

Every fault is injected at the venue, over its control surface; the truth is the venue's own record. What each call
comes to under every wire fault at every venue is `matrix`'s; here it is that what was lost is found again.
"""

import asyncio
from decimal import Decimal

import pytest

from connectors.lab.faults import Call, FaultKind
from router.model.ids import Nanos
from router.model.orders import TimeInForce
from router.model.outcomes import Accepted, CancelTaken, CancelUnclear, Found, Lost, Missing, NotSent, Refused
from tests.connectors.rig import WITHOUT_DEADLINE, approved, child, pass_gate, place, venue_at
from tests.waiting import eventually


@pytest.fixture
async def venue(lab, control, venue_name, notes):
    """An account that does not wait long: most answers here never come."""
    account = venue_at(lab, venue_name, timeout_ms=400)
    await account.start(notes)
    yield account
    await account.stop()


AFTER_THE_ENGINE = {
    "answer lost": (FaultKind.ANSWER_LOST, {}),
    "503 after": (FaultKind.HTTP_5XX, {"when": "after"}),
    "cut body": (FaultKind.CUT_BODY, {}),
    "no id": (FaultKind.MISSING_ID_200, {}),
    "slow": (FaultKind.SLOW, {"delay_ms": 700}),
}
BEFORE_THE_ENGINE = {
    "reset before": (FaultKind.RESET_BEFORE, {}),
    "503 before": (FaultKind.HTTP_5XX, {"when": "before"}),
    "redirect": (FaultKind.REDIRECT, {}),
}


@pytest.mark.parametrize("fault", sorted(AFTER_THE_ENGINE))
async def test_placed_but_told_nothing_usable(venue, venue_name, control, fault):
    """Lost, one order at the venue, and the look-up finds it with its trades."""
    kind, params = AFTER_THE_ENGINE[fault]
    await control.inject(venue_name, kind, call=Call.PLACE, **params)
    order = child(venue_name)

    outcome, sent = await venue.place(approved(order), Nanos(order.deadline_ns), pass_gate)

    assert isinstance(outcome, Lost)
    assert sent is not None
    assert sent >= order.decided_at_ns
    found = (await venue.look_up(order, None)).result
    assert isinstance(found, Found)
    assert sum(trade.quantity for trade in found.trades) == Decimal("0.5")
    (record,) = await control.orders(venue_name)
    assert record["client_id"] == venue.encode_id(order.client_id)


@pytest.mark.parametrize("fault", sorted(BEFORE_THE_ENGINE))
async def test_not_placed_and_told_nothing_usable(venue, venue_name, control, fault):
    """Lost all the same: only a clean absence can tell. Redirects are not followed."""
    kind, params = BEFORE_THE_ENGINE[fault]
    await control.inject(venue_name, kind, call=Call.PLACE, **params)
    order = child(venue_name)

    assert isinstance(await place(venue, order), Lost)

    assert isinstance((await venue.look_up(order, None)).result, Missing)
    assert await control.orders(venue_name) == []
    (told,) = await control.venues()
    assert told["redirects_followed"] == 0


async def test_a_request_held_up_on_its_way_is_one_order_at_most(venue, venue_name, control):
    """It arrives after our time-out: refused by its deadline where the venue honours one, else found later."""
    await control.inject(venue_name, FaultKind.DELAY_REQUEST, call=Call.PLACE, delay_ms=700)
    order = child(venue_name)
    outcome, _ = await venue.place(approved(order), Nanos(order.decided_at_ns + 300_000_000), pass_gate)
    assert isinstance(outcome, Lost)

    async def come_late():
        (told,) = await control.venues()
        return told["late_requests"]

    assert await eventually(come_late) == 1
    orders = await control.orders(venue_name)
    assert len(orders) == (1 if venue_name in WITHOUT_DEADLINE else 0)


async def test_a_coded_429_is_a_refusal_for_now_and_anything_else_is_lost(venue, venue_name, control):
    await control.inject(venue_name, FaultKind.HTTP_429, call=Call.PLACE)
    outcome = await place(venue, child(venue_name))
    assert isinstance(outcome, Lost) or (isinstance(outcome, Refused) and outcome.transient)
    assert await control.orders(venue_name) == []


async def test_a_refused_connection_is_provably_not_sent(lab, venue, venue_name):
    """The venue is gone: not one byte left, and the outcome says so."""
    await lab.venues[venue_name].stop()
    outcome, sent = await venue.place(approved(child(venue_name)), Nanos(2**62), pass_gate)
    assert sent is None or isinstance(outcome, Lost)
    again, sent = await venue.place(approved(child(venue_name)), Nanos(2**62), pass_gate)
    assert isinstance(again, NotSent)
    assert sent is None


async def test_one_bad_answer_to_a_read_is_asked_again(venue, venue_name, control):
    order = child(venue_name)
    await place(venue, order)
    await control.inject(venue_name, FaultKind.HTML_200, call=Call.TRADES, times=1)
    assert isinstance((await venue.look_up(order, None)).result, Found)


async def test_a_cancel_without_a_usable_answer_is_unclear(venue, venue_name, control):
    order = child(venue_name, price="59000", time_in_force=TimeInForce.GTC)
    accepted = await place(venue, order)
    assert isinstance(accepted, Accepted)
    await control.inject(venue_name, FaultKind.HTTP_5XX, call=Call.CANCEL, times=None)
    assert isinstance(await venue.cancel(order, accepted.venue_order_id), CancelUnclear | CancelTaken)
    found = (await venue.look_up(order, accepted.venue_order_id)).result
    assert isinstance(found, Found)
    assert found.order.status.ended


async def test_a_cancelled_task_sent_one_copy_and_it_is_found(venue, venue_name, control):
    """Our own task is cancelled while the venue keeps silent: the exception goes through, the order is there once."""
    await control.inject(venue_name, FaultKind.ANSWER_LOST, call=Call.PLACE)
    order = child(venue_name)
    task = asyncio.create_task(venue.place(approved(order), Nanos(2**62), pass_gate))
    await eventually(lambda: control.orders(venue_name))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance((await venue.look_up(order, None)).result, Found)
    assert len(await control.orders(venue_name)) == 1


async def test_a_rate_refusal_pauses_reads_for_as_long_as_asked(venue, venue_name, control):
    """429 with Retry-After on a read: the budget holds everything back, and the read succeeds afterwards."""
    order = child(venue_name)
    await place(venue, order)
    await control.inject(venue_name, FaultKind.HTTP_429, call=Call.BALANCES, retry_after="1")
    read = await venue.read_account(Nanos(order.decided_at_ns))
    assert read.balances
    faults = await control.faults()
    assert [each["fired"] for each in faults] == [1]
