"""No stream fails silently: each fault is noticed within its stated bound, next to a venue that notices nothing of it.

By day at one protocol, by night at all of the lab's.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.book_bybit import BybitBooks
from connectors.ccxt_venue.bounds import bounds_of
from connectors.ccxt_venue.feeds import FLOOD_PER_S, BookFeed, Tasks, pause_s, spread_s
from connectors.lab.client import LabControl
from connectors.lab.faults import Call, FaultKind
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.model.ids import ListingId
from router.model.outcomes import Accepted
from router.model.stream_notes import Channel
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes, WallClock, child, odd_frames, place, venue_at
from tests.waiting import eventually

QUICK = {"silence_ms": 500, "poll_ms": 50, "touch_ms": 300, "timeout_ms": 500}
CHECKED = {**QUICK, "silence_ms": 5_000, "check_every_ms": 200, "check_apart_ms": 40}


@dataclass(frozen=True)
class Stand:
    """A venue that will fail, one beside it that must not notice, and what the router was told of both."""

    name: str
    account: CcxtVenue
    notes: Notes
    beside: Notes
    control: LabControl

    @property
    def bounds(self):
        return bounds_of(self.account.settings)

    async def within(self, bound_ms, probe):
        """The stated bound, and as much again for a machine that is busy with other tests."""
        return await eventually(probe, within_s=2 * bound_ms / 1000 + 1)

    async def move(self, price="60005"):
        """The venue's best ask changes; what a book that follows shows then."""
        await self.control.set_book(self.name, SYMBOLS[self.name], bids=BIDS, asks=[(price, "1.5"), *ASKS])
        return float(price)

    def shows(self, price):
        return any(price in asks for asks in self.notes.asks.values())

    async def right_again(self, price="60004"):
        """The book is back by itself, and follows."""
        best = await self.move(price)
        await eventually(lambda: self.shows(best))
        truth = await self.control.book(self.name, SYMBOLS[self.name])
        (asks,) = self.notes.asks.values()
        assert asks == {float(p): float(s) for p, s in truth["asks"]}


def by_night(*values: str) -> list[object]:
    return [pytest.param(value, marks=pytest.mark.nightly) for value in values]


FORGETFUL = ["kraken", *by_night("binance", "coinbase", "bitstamp", "gemini", "bybit")]
"""The lab's OKX reads its books anew for each frame: it cannot forget."""


@pytest.fixture(params=[*FORGETFUL, *by_night("okx")])
def venue_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def stand(venue_name: str, request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    changes = getattr(request, "param", QUICK)
    witnessed_by = "kraken" if venue_name != "kraken" else "gemini"
    venues = tuple(LabVenueSettings(name=name, protocol=name) for name in (venue_name, witnessed_by))
    async with (
        Lab(LabSettings(venues=venues, static=True, breath_ms=50)) as lab,
        LabControl(lab.control_url) as control,
    ):
        for venue in lab.venues:
            await control.set_book(venue, SYMBOLS[venue], bids=BIDS, asks=ASKS)
        notes, beside = Notes(), Notes()
        account = venue_at(lab, venue_name, **changes)
        witness = venue_at(lab, witnessed_by)
        await asyncio.gather(account.start(notes), witness.start(beside))
        try:
            await eventually(lambda: notes.bids and beside.bids)
            yield Stand(venue_name, account, notes, beside, control)
            heard = beside.deltas
            await control.set_book(witnessed_by, "BTC/USD", bids=[("59999", "1")], replace=False)
            await eventually(lambda: beside.deltas > heard)
            assert (beside.lost, beside.snapshots) == ([], 1)
        finally:
            await account.stop()
            await witness.stop()


async def test_a_socket_that_is_silent_but_answers_pings(stand):
    await stand.control.inject(stand.name, FaultKind.WS_SILENCE, duration_ms=1_500, channel="public")
    await stand.move()
    await stand.within(stand.bounds.silent_ms, lambda: stand.notes.lost)
    await stand.right_again()


async def test_a_socket_that_is_half_open(stand):
    """Nothing moves, no ping is answered, no FIN comes; and the next sockets are taken and never greeted."""
    await stand.control.inject(stand.name, FaultKind.WS_HALF_OPEN, duration_ms=1_000)
    await stand.move()
    await stand.within(stand.bounds.half_open_ms, lambda: stand.notes.lost)
    await stand.right_again()


@pytest.mark.parametrize("text", ['{"channel":"book","data":[{"bi', *by_night("\x00\x01", "[", '{"type":')])
async def test_a_frame_that_cannot_be_read(stand, text):
    before = stand.notes.snapshots
    await stand.control.inject(stand.name, FaultKind.WS_GARBAGE, text=text, channel="public")
    await stand.within(stand.bounds.malformed_ms, lambda: stand.notes.lost)
    await eventually(lambda: stand.notes.snapshots > before)
    await stand.right_again()


@pytest.mark.parametrize("text", ['{"channel":"new"}', *by_night('{"lab":"unknown"}', '{"type":"surprise"}', "{}")])
async def test_a_frame_of_an_unknown_kind_harms_nobody(stand, text):
    """New channels and new kinds appear at venues without a word: they are nobody's book."""
    await stand.control.inject(stand.name, FaultKind.WS_GARBAGE, text=text, channel="public")
    await stand.right_again()
    assert stand.notes.lost == []


async def test_a_flood_is_told_of_and_worked(stand, caplog):
    """Two thousand frames a second: every one is read, the book follows, and one line says so."""
    await stand.control.inject(stand.name, FaultKind.WS_FLOOD, rate_per_s=2 * FLOOD_PER_S, duration_ms=1_500)
    await stand.within(stand.bounds.flood_ms, lambda: any("flood" in line for line in caplog.messages))
    await stand.right_again()
    assert stand.notes.lost == []
    assert sum("flood" in line for line in caplog.messages) < 5


async def test_a_clock_half_a_minute_off_is_known_and_orders_are_taken(stand):
    """Set while we trade: the offset follows, and what we send by the venue's clock is taken."""
    before = stand.account._venue_clock.offset_ns
    await stand.control.inject(stand.name, FaultKind.CLOCK_OFF, offset_ms=30_000)
    clock = stand.account._venue_clock
    await stand.within(stand.bounds.clock_ms, lambda: clock.offset_ns - before > 25 * 10**9)
    assert isinstance(await place(stand.account, child(stand.name, quantity="0.1")), Accepted)
    # A machine that stood still for a moment heard nothing meanwhile: that is no doing of the clock's.
    assert [why for why in stand.notes.lost if not why.startswith("no data for")] == []


@pytest.mark.parametrize("venue_name", FORGETFUL, indirect=True)
@pytest.mark.parametrize("stand", [CHECKED], indirect=True)
async def test_a_book_streamed_without_a_hole_that_is_not_the_venues(stand):
    """A change is lost inside the venue: numbers and sums are right, the book is wrong, and REST gives it away."""
    await eventually(lambda: stand.notes.confirmed)
    await stand.control.inject(stand.name, FaultKind.WS_FORGET, times=None)
    await stand.control.set_book(stand.name, SYMBOLS[stand.name], asks=[("60015", "3")], replace=False)
    await stand.within(stand.bounds.wrong_ms, lambda: stand.notes.lost)
    await stand.control.clear_faults()
    await eventually(lambda: stand.shows(60015.0))
    await stand.right_again()
    assert stand.notes.lost[0].startswith("disagreement: REST shows another ask at 60015.0")


@pytest.mark.parametrize("stand", [CHECKED], indirect=True)
async def test_a_book_that_moves_all_the_time_is_never_doubted(stand):
    """REST is always of another moment than the stream: that is no disagreement."""
    for step in range(25):
        await stand.move(str(60_001 + step % 9))
        await asyncio.sleep(0.03)
    assert stand.notes.lost == []


@pytest.mark.nightly
@pytest.mark.parametrize("stand", [CHECKED], indirect=True)
async def test_rest_that_cannot_be_read_proves_nothing_against_a_stream(stand):
    for fault in (FaultKind.HTML_200, FaultKind.PARTIAL_JSON_200, FaultKind.HTTP_5XX):
        rule = await stand.control.inject(stand.name, fault, call=Call.BOOK, times=2)

        async def fired(rule=rule):
            return next(one["fired"] for one in await stand.control.faults() if one["id"] == rule)

        await eventually(fired)
    await stand.right_again()
    assert stand.notes.lost == []


@pytest.mark.nightly  # by day `test_streams` has the like of it
async def test_rest_brings_the_books_at_its_cadence_while_streams_are_down(stand):
    """Sockets die at once for a while: books come by REST and follow; then the stream has them again."""
    await stand.control.inject(stand.name, FaultKind.WS_KILL, channel="public", after=1, times=None)
    await stand.control.inject(stand.name, FaultKind.WS_KILL, channel="public")
    for price in ("60005", "60006", "60007"):
        best = await stand.move(price)
        await eventually(lambda best=best: stand.shows(best))
    await stand.control.clear_faults()
    deltas = stand.notes.deltas
    await eventually(lambda: stand.notes.deltas > deltas + 2)
    await stand.right_again()


def test_pauses_double_up_to_a_bound_and_never_fall_together():
    drawn = [[pause_s(failed) for _ in range(50)] for failed in range(1, 12)]
    assert all(len(set(pauses)) > 40 for pauses in drawn)
    assert max(drawn[0]) <= 0.1
    assert max(drawn[-1]) <= 5
    assert min(drawn[-1]) >= 2.5
    assert len({spread_s(30) for _ in range(50)}) > 40


async def test_a_poll_that_is_late_never_overwrites_the_stream():
    """REST was asked while the stream was down, and answers after it is back: its book is older."""
    notes, symbol = Notes(), "BTC/USDT"

    async def late(_symbol: str):
        book = {"s": "BTCUSDT", "b": [["10", "1"]], "a": [["12", "1"]], "u": 7, "seq": 7}
        feed.frame(None, {"topic": "orderbook.50.BTCUSDT", "type": "snapshot", "data": book})
        return [(9.0, 1.0)], [(11.0, 1.0)]

    feed = BookFeed(
        exchange=SimpleNamespace(frame=None, clients={}),
        decoder=BybitBooks({"BTCUSDT": symbol}, 50),
        watch=late,
        snapshot=late,
        polled=late,
        listed=late,
        listings={symbol: ListingId(symbol)},
        odd=odd_frames(notes, Channel.BOOKS),
        sink=notes,
        clock=WallClock(),
        silence_ms=1_000,
        poll_ms=60_000,
        tasks=Tasks(),
    )
    polling = asyncio.ensure_future(feed.poll())
    await asyncio.sleep(0.01)
    polling.cancel()
    assert (notes.snapshots, notes.asks) == (1, {symbol: {12.0: 1.0}})
