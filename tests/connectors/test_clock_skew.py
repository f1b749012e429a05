"""A venue's clock is compared with ours at every venue by one rule: at start, in a check, and from then on."""

import asyncio
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest

from connectors.ccxt_venue.bounds import bounds_of
from connectors.ccxt_venue.checkup import Checkup
from connectors.ccxt_venue.clock_sources import CLOCK_SOURCES
from connectors.ccxt_venue.registry import DIALECTS
from connectors.ccxt_venue.venue_clock import SKEW_NS_MAX, VenueClock
from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.model.outcomes import NotSent
from tests.connectors.rig import SYMBOLS, Notes, WallClock, child, place, venue_at
from tests.waiting import eventually

SECOND = 1_000_000_000
START = 10**18
NAMES = sorted(SYMBOLS)


def off_by(note, seconds):
    return note.skewed is not None and abs(note.offset_ns - seconds * SECOND) <= note.error_ns + SECOND // 10


@pytest.mark.parametrize(
    ("at_start_s", "checked"), [(30, ["gemini"]), pytest.param(-30, NAMES, marks=pytest.mark.nightly)]
)
async def test_a_clock_half_a_minute_off_is_told_of_at_all_seven(at_start_s, checked):
    """At start, by a check of an account, and within the stated bound when it is set while we trade."""
    venues = tuple(LabVenueSettings(name=name, protocol=name, clock_offset_ms=at_start_s * 1000) for name in NAMES)
    async with Lab(LabSettings(venues=venues, static=True)) as lab, LabControl(lab.control_url) as control:
        accounts = {name: venue_at(lab, name, touch_ms=200, timeout_ms=500) for name in NAMES}
        notes = {name: Notes() for name in NAMES}
        await asyncio.gather(*(accounts[name].start(notes[name]) for name in NAMES))
        try:
            for name in NAMES:
                assert off_by(notes[name].clocks()[0], at_start_s), name
            for name in checked:
                check = Checkup(accounts[name].settings, WallClock(), beside_driver=False)
                await check.reach()
                read = await check.read_venue_clock()
                await check.stop()
                assert off_by(read, at_start_s), name

            for name in NAMES:
                await control.inject(name, FaultKind.CLOCK_OFF, offset_ms=-2 * at_start_s * 1000)
            bound_s = max(bounds_of(account.settings).clock_ms for account in accounts.values()) / 1000
            for name in NAMES:
                await eventually(lambda name=name: off_by(notes[name].clocks()[-1], -at_start_s), within_s=bound_s + 2)
            for name in NAMES:
                await control.inject(name, FaultKind.CLOCK_OFF, offset_ms=at_start_s * 1000)
            for name in NAMES:
                await eventually(lambda name=name: notes[name].clocks()[-1].skewed is None, within_s=bound_s + 2)
        finally:
            await asyncio.gather(*(account.stop() for account in accounts.values()))


@pytest.mark.parametrize(
    "venue_name", ["bitstamp", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("coinbase", "gemini"))]
)
async def test_nothing_leaves_while_the_clock_contradicts_itself(lab, control, venue_name):
    """Also where no deadline is told: until a second reading agrees with the odd one."""
    account = venue_at(lab, venue_name, touch_ms=60_000)
    await account.start(Notes())
    try:
        await control.inject(venue_name, FaultKind.CLOCK_OFF, offset_ms=20_000)
        await account._warm()
        order = child(venue_name, quantity="0.1")
        outcome = await place(account, order)
        assert isinstance(outcome, NotSent)
        assert outcome.why == "the venue's clock contradicts itself"
        await account._warm()
        assert not isinstance(await place(account, order), NotSent)
    finally:
        await account.stop()


@pytest.mark.parametrize("venue", sorted(DIALECTS))
async def test_every_venues_clock_is_read_as_the_page_says(venue):
    """By the call it names, or by the date of an answer; and as fine as it says."""
    asked = []
    numbers = dict.fromkeys(("serverTime", "unixtime", "epochMillis", "epoch", "server_time", "timeNano", "ts"), "1")

    async def ask(endpoint, _params):
        asked.append(endpoint)
        if venue == "okx":
            return {"data": [numbers]}
        return {**numbers, "result": numbers, "data": numbers if venue == "bitget" else "1"}

    exchange = SimpleNamespace(last_response_headers={"Date": "Thu, 20 Nov 2025 00:53:20 GMT"})
    source = CLOCK_SOURCES[venue]
    exchange.urls = {"api": {"ws": {"publicV2": "ws://127.0.0.1:9/"}}}  # where a socket is asked first, it is down
    exchange.check_target = lambda _url: None
    async with aiohttp.ClientSession() as exchange.session:
        _, resolution_ns = await DIALECTS[venue]().server_time(ask, exchange)
    assert resolution_ns == source.resolution_ns
    if source.call is not None:
        assert asked == [source.call]


@pytest.mark.parametrize("apart_ns", [0, SKEW_NS_MAX // 2, -SKEW_NS_MAX // 2])
def test_clocks_that_may_be_within_the_bound_are_not_told_of(apart_ns):
    """A reading to the second leaves a second open: what it does not show is not said."""
    clock = VenueClock()
    assert clock.skewed is None
    clock.observe(sent_ns=START, received_ns=START + 50, server_ns=START + apart_ns - SECOND // 2, resolution_ns=SECOND)
    assert clock.skewed is None


@pytest.mark.parametrize(("apart_s", "says"), [(3, "3.5 s ahead of"), (-4, "3.5 s behind")])
def test_clocks_that_are_surely_apart_are(apart_s, says):
    clock = VenueClock()
    clock.observe(sent_ns=START, received_ns=START, server_ns=START + apart_s * SECOND, resolution_ns=SECOND)
    assert clock.skewed == f"the venue's clock is {says} ours, known to 500 ms"


class SlowToOpen:
    """A socket that is long in opening, and answers a ping at once."""

    OPENING_S = 0.3

    @asynccontextmanager
    async def ws_connect(self, _url):
        await asyncio.sleep(self.OPENING_S)
        yield self

    async def send_json(self, message):
        assert message["method"] == "ping"

    async def __aiter__(self):
        yield SimpleNamespace(json=lambda: {"method": "pong", "time_in": "2025-11-20T00:53:20.000001Z"})


async def test_what_a_socket_takes_to_open_leaves_krakens_clock_as_well_known():
    """The ping left so much later: far from the venue the clock would never be known well enough to trade."""
    urls = {"api": {"ws": {"publicV2": "ws://127.0.0.1:9/"}}}
    exchange = SimpleNamespace(urls=urls, check_target=lambda _url: None, session=SlowToOpen())
    clock, sent_ns = VenueClock(), time.time_ns()
    server_ns, resolution_ns = await DIALECTS["kraken"]().server_time(None, exchange)
    clock.observe(sent_ns=sent_ns, received_ns=time.time_ns(), server_ns=server_ns, resolution_ns=resolution_ns)
    assert resolution_ns < -0.9 * SlowToOpen.OPENING_S * SECOND
    assert clock.error_ns is not None
    assert clock.error_ns >= 0
