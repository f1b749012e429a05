"""What a venue asks for is obeyed by every client of every account, and nobody stands before a cancel."""

import asyncio
import time

import pytest

from connectors.budget import Addresses
from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.calls import CallKind
from connectors.lab.client import LabControl
from connectors.lab.faults import Call, FaultKind
from connectors.lab.process import Lab
from router.model.ids import Nanos, VenueOrderId
from router.model.outcomes import Found, NotSent
from tests.connectors.rig import SYMBOLS, Notes, child, place, venue_at
from tests.waiting import eventually

BY_DAY = "kraken"
EVERYWHERE = [
    name if name == BY_DAY else pytest.param(name, marks=pytest.mark.nightly)
    for name in ("kraken", "binance", "coinbase", "bitstamp", "gemini", "bybit", "okx")
]
NS = 1_000_000_000
_READING = 3
"""Calls of a reading at a venue with one symbol: balances, open orders, trades."""


@pytest.fixture
async def two(lab: Lab, control: LabControl, venue_name: str):
    """Two accounts of one process at one venue, both started."""
    address = Addresses().of(venue_name, None)
    accounts = [venue_at(lab, venue_name, address, touch_ms=60_000) for _ in range(2)]
    for account in accounts:
        notes = Notes()
        await account.start(notes)
        await eventually(lambda notes=notes: notes.bids)
    yield accounts
    for account in accounts:
        await account.stop()


@pytest.mark.parametrize("venue_name", EVERYWHERE, indirect=True)
@pytest.mark.parametrize("status", [429, pytest.param(418, marks=pytest.mark.nightly)])
async def test_after_too_many_nothing_arrives_until_the_venue_allows(
    lab: Lab, control: LabControl, venue_name: str, two: list[CcxtVenue], status: int
) -> None:
    """A read of one account is turned away: its orders, look-ups, cancels and books wait, and so does the other's."""
    one, other = two
    await control.inject(venue_name, FaultKind.HTTP_429, call=Call.BALANCES, times=1, status=status, retry_after="1")
    record = lab.venues[venue_name].requests
    reading = asyncio.create_task(one.read_account(Nanos(time.time_ns())))
    told = await eventually(lambda: one._budget.quiet_ns(time.time_ns()), every_s=0.001)
    told_at = record[-1].at_ns
    before = len(record)
    assert told > 0
    order = child(venue_name)
    outcome = await place(one, order)
    assert isinstance(outcome, NotSent)
    assert isinstance(await place(other, child(venue_name)), NotSent)
    waiting = [
        one.look_up(order, None),
        one.cancel(order, VenueOrderId("1")),
        one._polled(SYMBOLS[venue_name]),
        other.read_account(Nanos(time.time_ns())),
    ]
    await asyncio.gather(reading, *waiting)
    later = list(record)[before:]
    assert len(later) > len(waiting)
    assert min(each.at_ns for each in later) - told_at >= NS


@pytest.mark.parametrize("venue_name", ["kraken", pytest.param("gemini", marks=pytest.mark.nightly)], indirect=True)
async def test_a_cancel_arrives_before_the_polls_that_queue(
    lab: Lab, control: LabControl, venue_name: str, venue: CcxtVenue
) -> None:
    """One call of a key at a time: of a storm of reads, at most the one under way is before it."""
    order = child(venue_name)
    await place(venue, order)
    found = (await eventually(lambda: _found(venue, order))).order
    await control.inject(venue_name, FaultKind.SLOW, call=Call.BALANCES, times=None, delay_ms=60)
    record = lab.venues[venue_name].requests
    record.clear()
    storm = [
        asyncio.create_task(venue._dialect.balances(venue._ask(CallKind.ACCOUNT), venue._at_desk)) for _ in range(12)
    ]
    await eventually(lambda: len(record) >= 2, every_s=0.001)
    before = len(record)
    await venue.cancel(order, found.venue_order_id)
    calls = [each.call for each in record]
    assert calls.index(Call.CANCEL) <= before + 1
    await asyncio.gather(*storm)
    assert [each.call for each in record].count(Call.BALANCES) == len(storm)


async def _found(venue: CcxtVenue, order: object) -> Found | None:
    result = (await venue.look_up(order, None)).result  # type: ignore[arg-type]
    return result if isinstance(result, Found) else None


@pytest.mark.parametrize("venue_name", [BY_DAY])
async def test_the_reading_that_opens_an_account_passes_the_look_ups_that_wait(lab: Lab, two: list[CcxtVenue]) -> None:
    """A key has one call under way at a time there: before each of the reading's, at most the look-up's under way."""
    account, _ = two
    record = lab.venues[BY_DAY].requests
    record.clear()
    looking = [asyncio.create_task(account.look_up(child("kraken"), None)) for _ in range(40)]
    await asyncio.sleep(0)
    await account.read_account(Nanos(0))
    assert [each.call for each in record].count(Call.BALANCES) == 1
    assert len(record) <= 2 * _READING
    assert sum(task.done() for task in looking) == 0
    await account.read_account(Nanos(0))  # nothing waits for this one: it goes last
    assert sum(task.done() for task in looking) >= len(looking) - _READING
    await asyncio.gather(*looking)
