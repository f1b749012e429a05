"""Clocks are set, theirs and ours. An order that is at the venue is found whatever its clock said when it came."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue.calls import CallKind
from connectors.ccxt_venue.venue_clock import MARGIN_NS, MARGIN_UNWATCHED_NS, VenueClock
from router.model.ids import Nanos
from router.model.outcomes import Accepted, Found, Missing, Unclear
from tests.connectors.rig import LAB_VENUES, Notes, WallClock, child, place, venue_at

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 10**18
TAKING_KEYS_AT_ANY_TIME = tuple(name for name in LAB_VENUES if name != "coinbase")
"""Coinbase refuses keys whose time is not its own."""


async def set_clock(lab, account, offset_ns):
    """Somebody sets the venue's clock, and we read it as often as it takes to believe it."""
    (venue,) = lab.venues.values()
    venue._clock_offset_ns = offset_ns
    if account is not None:
        for _ in range(2):
            await account._read_clock(CallKind.TOUCH)


async def executed(account, order):
    found = (await account.look_up(order, None)).result
    assert isinstance(found, Found)
    return sum(trade.quantity for trade in found.trades)


@pytest.mark.parametrize(
    ("theirs_s", "ours_s", "venue_name"),
    [
        (theirs_s, ours_s, name)
        for theirs_s, ours_s in [(-60, 0), (0, 60), (0, -60), (0, 7200)]
        for name in (LAB_VENUES if theirs_s == 0 else TAKING_KEYS_AT_ANY_TIME)
    ],
    indirect=["venue_name"],
)
async def test_a_fill_of_wrong_clocks_is_found_by_the_next_process(lab, control, venue_name, theirs_s, ours_s):
    """The venue's clock was wrong when the order filled, or ours when it was decided; both are right at the restart."""
    await set_clock(lab, None, theirs_s * SECOND)
    before = venue_at(lab, venue_name)
    await before.start(Notes())
    order = child(venue_name, decided_at_ns=Nanos(WallClock().now() + ours_s * SECOND))
    assert isinstance(await place(before, order), Accepted)
    await before.stop()

    await set_clock(lab, None, 0)
    after = venue_at(lab, venue_name)
    await after.start(Notes())
    try:
        assert await executed(after, order) == Decimal("0.5")
        read = await after.read_account(Nanos(order.decided_at_ns))
        assert sum(trade.quantity for trade in read.trades) == Decimal("0.5")
    finally:
        await after.stop()


@pytest.mark.parametrize("venue_name", TAKING_KEYS_AT_ANY_TIME, indirect=True)
async def test_a_fill_is_found_after_the_venue_set_its_clock(lab, venue, venue_name):
    """Within one process: set by far more than any round trip, between the order and the question."""
    await set_clock(lab, venue, -60 * SECOND)
    order = child(venue_name)
    assert isinstance(await place(venue, order), Accepted)
    await set_clock(lab, venue, 0)
    assert await executed(venue, order) == Decimal("0.5")
    read = await venue.read_account(Nanos(order.decided_at_ns))
    assert sum(trade.quantity for trade in read.trades) == Decimal("0.5")


async def test_absence_is_not_told_when_the_clocks_moved_apart_by_hours(lab, venue, venue_name):
    """No margin covers such a move: the answer is no evidence, in either direction."""
    order = child(venue_name)
    assert isinstance((await venue.look_up(order, None)).result, Missing)
    for at_s in (0, 7200, 7200, 0, 0):
        read(venue._venue_clock, at_s * SECOND, WallClock().now())
    looked = (await venue.look_up(order, None)).result
    assert isinstance(looked, Unclear)
    assert "moved apart" in looked.why


def read(clock, offset_ns, at_ns):
    clock.observe(sent_ns=at_ns, received_ns=at_ns + 2, server_ns=at_ns + 1 + offset_ns, resolution_ns=1)


def test_one_odd_answer_moves_nothing_and_is_not_relied_on():
    """A single answer an hour off: no deadline is made of it, and the next honest one clears it."""
    clock = VenueClock()
    read(clock, 0, START)
    read(clock, HOUR, START + SECOND)
    assert abs(clock.offset_ns) <= 2
    assert clock.trouble(START + SECOND) == "the venue's clock contradicts itself"
    read(clock, 0, START + 2 * SECOND)
    assert clock.trouble(START + 2 * SECOND) is None
    assert clock.unsure_since(START + 3 * SECOND, START + 3 * SECOND) is None


def test_two_answers_that_agree_are_a_clock_that_was_set():
    clock = VenueClock()
    read(clock, 0, START)
    read(clock, HOUR, START + SECOND)
    read(clock, HOUR, START + 2 * SECOND)
    assert abs(clock.offset_ns - HOUR) <= SECOND
    assert clock.trouble(START + 2 * SECOND) is None


def test_lists_start_before_the_decision_on_every_clock_seen():
    """An hour before by the slowest, a day before for what nobody watched; they end after by the fastest."""
    clock = VenueClock()
    assert clock.unsure_since(START, START) == "the venue's clock was never read"
    assert clock.earliest(START, START) == START - MARGIN_UNWATCHED_NS
    for offset, at in (
        (0, 1),
        (60 * SECOND, 2),
        (60 * SECOND, 3),
        (-60 * SECOND, 4),
        (-60 * SECOND, 5),
        (0, 6),
        (0, 7),
    ):
        read(clock, offset, START + at * SECOND)
    later = START + 10 * SECOND
    assert clock.unsure_since(later, later) is None
    assert later - MARGIN_NS - 61 * SECOND < clock.earliest(later, later) < later - MARGIN_NS - 59 * SECOND
    assert clock.earliest(START, later) < START - MARGIN_UNWATCHED_NS
    assert clock.earliest(later + HOUR, later) < later - MARGIN_UNWATCHED_NS
    assert clock.latest(later) > later + 59 * SECOND + MARGIN_NS
