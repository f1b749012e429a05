"""Frames nobody can read are counted, per stream, within one message, next to a venue that notices nothing.

By day at one protocol, by night at all of the lab's. What venues send besides is held against recordings.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from connectors.budget import NS_PER_S
from connectors.ccxt_venue import CcxtVenue, odd_frames
from connectors.ccxt_venue.calls import AnswerUnusable, StreamRefused
from connectors.ccxt_venue.familiar import is_familiar, named
from connectors.ccxt_venue.odd_frames import UNKNOWN_FOR_S, UNKNOWN_PER_S
from connectors.ccxt_venue.registry import DIALECTS
from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from router.model.ids import Nanos
from router.model.outcomes import Accepted
from router.model.stream_notes import Channel, Oddity
from tests.connectors import rig
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes, child, place, venue_at
from tests.connectors.tapes import received, tape
from tests.waiting import eventually

NEW = '{"kind":"surprise","channel":"surprise","event":"surprise","type":"surprise","token":"x1y2"}'
SAID = "channel=surprise event=surprise type=surprise"
CUT = '{"channel":"book","data":[{"bi'
PUBLIC = (Channel.BOOKS, Channel.TRADES)


@dataclass(frozen=True)
class Stand:
    """One venue that sends odd frames, and one beside it."""

    name: str
    account: CcxtVenue
    notes: Notes
    beside: Notes
    control: LabControl

    async def follows(self) -> None:
        """Books, public trades and order reports all arrive."""
        symbol = SYMBOLS[self.name]
        await eventually(lambda: self.notes.bids and self.notes.prints)
        await self.control.set_book(self.name, symbol, bids=BIDS, asks=[("60005", "1.5"), *ASKS])
        await eventually(lambda: any(60005.0 in asks for asks in self.notes.asks.values()))
        order = child(self.name, quantity="0.5", price="60005")
        assert isinstance(await place(self.account, order), Accepted)
        await eventually(lambda: any(hint.venue_order_id for hint in self.notes.hints))
        await eventually(lambda: any(self.notes.prints.values()))


@pytest.fixture(
    params=[
        "kraken",
        *(pytest.param(name, marks=pytest.mark.nightly) for name in sorted(SYMBOLS.keys() - {"kraken"})),
    ]
)
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    name = str(request.param)
    other = "gemini" if name == "kraken" else "kraken"
    venues = tuple(LabVenueSettings(name=each, protocol=each) for each in (name, other))
    async with (
        Lab(LabSettings(venues=venues, static=True, breath_ms=50)) as lab,
        LabControl(lab.control_url) as control,
    ):
        for each in lab.venues:
            await control.set_book(each, SYMBOLS[each], bids=BIDS, asks=ASKS)
        notes, beside = Notes(), Notes()
        account, witness = venue_at(lab, name), venue_at(lab, other)
        await asyncio.gather(account.start(notes), witness.start(beside))
        try:
            await eventually(lambda: notes.bids and notes.prints and beside.bids and beside.prints)
            await eventually(lambda: account._order_feed is not None and account._order_feed.up)
            yield Stand(name, account, notes, beside, control)
            assert beside.lost == []
            assert beside.trades_lost_why == []
            assert beside.odd(Channel.BOOKS, Oddity.UNKNOWN) == []
        finally:
            await asyncio.gather(account.stop(), witness.stop())


async def test_a_new_kind_of_frame_is_counted_on_every_stream_and_breaks_none(stand):
    """What a venue sends of its own accord was known before; the new kind is told of by its first frame."""
    await stand.follows()
    for channel in Channel:
        assert stand.notes.odd(channel, Oddity.UNKNOWN) == []

    await stand.control.inject(stand.name, FaultKind.WS_GARBAGE, text=NEW)
    for channel in Channel:
        await eventually(lambda channel=channel: stand.notes.odd(channel, Oddity.UNKNOWN))
        assert stand.notes.odd(channel, Oddity.UNKNOWN) == [SAID]
    await stand.follows()
    assert (stand.notes.lost, stand.notes.trades_lost_why, stand.notes.restored) == ([], [], 0)


@pytest.mark.parametrize("text", [CUT, pytest.param("\x00\x01", marks=pytest.mark.nightly)], ids=["cut", "bytes"])
async def test_a_frame_that_cannot_be_read_is_counted_and_its_stream_begins_anew(stand, text):
    """Nobody knows what it said: the book starts over, prints begin a new epoch, the account is to be read."""
    await stand.control.inject(stand.name, FaultKind.WS_GARBAGE, text=text)
    for channel in Channel:
        await eventually(lambda channel=channel: stand.notes.odd(channel, Oddity.MALFORMED))
        assert len(stand.notes.odd(channel, Oddity.MALFORMED)) == 1
    await eventually(lambda: stand.notes.lost and stand.notes.trades_lost_why and stand.notes.restored)
    await stand.follows()


@pytest.mark.nightly
async def test_a_stream_of_little_else_is_rebuilt_within_its_bound(stand):
    """A busy new kind: said once, rebuilt once, and then left alone for a while."""
    await stand.control.inject(
        stand.name, FaultKind.WS_FLOOD, text=NEW, rate_per_s=10 * UNKNOWN_PER_S, duration_ms=(UNKNOWN_FOR_S + 3) * 1000
    )
    within_s = UNKNOWN_FOR_S + 3
    await eventually(lambda: all(stand.notes.suspected(each) for each in PUBLIC), within_s=within_s)
    await stand.follows()
    assert [len(stand.notes.suspected(each)) for each in Channel] == [1, 1, 0]


class Hands:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.at_ns = 10 * NS_PER_S

    def now(self) -> Nanos:
        return Nanos(self.at_ns)


def heard(odd, clock, *, seconds, per_s):
    """Did any of so many unknown frames end the connection?"""
    for _ in range(seconds * per_s):
        clock.at_ns += NS_PER_S // per_s
        try:
            odd.passed_on({"type": "surprise"})
        except AnswerUnusable:
            return True
    return False


def test_only_many_unknown_frames_for_long_make_a_stream_suspect():
    """A burst, or a few for ever, are harmless; what does not help is done again ever more seldom."""
    notes, clock = Notes(), Hands()
    odd = rig.odd_frames(notes, Channel.BOOKS, clock=clock)
    assert not heard(odd, clock, seconds=60, per_s=UNKNOWN_PER_S)
    assert not heard(odd, clock, seconds=UNKNOWN_FOR_S - 1, per_s=500)
    clock.at_ns += 2 * NS_PER_S
    assert heard(odd, clock, seconds=UNKNOWN_FOR_S + 2, per_s=2 * UNKNOWN_PER_S)
    assert not heard(odd, clock, seconds=odd_frames.AGAIN_S - 10, per_s=2 * UNKNOWN_PER_S)
    assert heard(odd, clock, seconds=20, per_s=2 * UNKNOWN_PER_S)
    assert not heard(odd, clock, seconds=2 * odd_frames.AGAIN_S - 10, per_s=2 * UNKNOWN_PER_S)
    assert len(notes.suspected(Channel.BOOKS)) == 2
    assert notes.suspected(Channel.BOOKS)[0].endswith("the last: type=surprise")


def test_a_refusal_was_read():
    """The venue turning a subscription down is no frame that cannot be read."""
    notes = Notes()
    odd = rig.odd_frames(notes, Channel.BOOKS)
    odd.malformed(StreamRefused("subscription refused"))
    odd.malformed(KeyError("data"))
    assert notes.odd(Channel.BOOKS, Oddity.MALFORMED) == ["KeyError"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"channel": "new", "token": "s3cret"}, "channel=new"),
        ({"event": {"e": "newKind", "key": "s3cret"}}, "e=newKind"),
        ({"listenKey": "s3cret", "x y": 1}, "fields listenKey"),
        ({"type": "with spaces\n"}, "fields type"),
        ([1, "s3cret"], "a list"),
        (7, "a int"),
    ],
)
def test_a_frame_is_named_by_its_words_and_never_by_what_it_holds(message, said):
    assert named(message) == said


UNKNOWN = [
    {"event": "surprise", "channel": "surprise", "type": "surprise", "method": "surprise", "op": "surprise"},
    {"e": "surprise", "E": 1},
    {"stream": "btcusdt@surprise", "data": {"e": "surprise"}},
    {"topic": "surprise.BTCUSDT", "data": []},
    {"arg": {"channel": "surprise"}, "data": []},
    {"surprise": 1},
    {},
]
MARKETS = {"BTC/USDT": {"id": "BTCUSDT", "symbol": "BTC/USDT", "info": {"pair_decimals": 1, "lot_decimals": 8}}}


@pytest.mark.parametrize("venue", sorted(DIALECTS))
def test_no_venue_takes_an_unknown_frame_for_a_known_one(venue):
    """Neither the list nor a decoder: none of the three swallows it."""
    assert [frame for frame in UNKNOWN if is_familiar(venue, frame)] == []
    dialect = DIALECTS[venue]()
    for decoder in (dialect.book_decoder(MARKETS), dialect.trade_decoder(MARKETS), dialect.order_decoder()):
        assert [frame for frame in UNKNOWN if decoder.take(frame) is not None] == []


TAPES = {
    "bitfinex": "bitfinex_20210417T163903Z",
    "bitget": "bitget_20220407T000755Z",
    "bitstamp": "bitstamp_20210417T164130Z",
    "coinbaseexchange": "coinbase_20210417T164336Z",
    "gate": "gateio_20210422T121211Z",
    "gemini": "gemini_20210417T164542Z",
    "htx": "huobi_20210417T164749Z",
    "kucoin": "kucoin_20210425T191845Z",
    "okx": "okx_20220513T162316Z",
}
READ = {
    "bitfinex": lambda frame: isinstance(frame, list),
    "bitget": lambda frame: "data" in frame,
    "bitstamp": lambda frame: frame["event"] in {"data", "trade"},
    "coinbaseexchange": lambda frame: frame["type"] in {"l2update", "snapshot", "match", "last_match", "ticker"},
    "gate": lambda frame: frame["event"] == "update",
    "gemini": lambda frame: frame["type"] in {"l2_updates", "trade"},
    "htx": lambda frame: "tick" in frame,
    "kucoin": lambda frame: frame["type"] == "message",
    "okx": lambda frame: "data" in frame,
}
"""Frames that bring data, by hand: what is left over in a recording is the venue's service."""


@pytest.mark.parametrize("venue", sorted(TAPES))
def test_what_venues_send_besides_data_is_known(venue, recorded_data):
    """Every frame of a recording is data, or stands in the list."""
    frames = received(tape(recorded_data, TAPES[venue]))
    besides = [frame for frame in frames if not READ[venue](frame)]
    assert besides or venue == "bitfinex"
    assert [frame for frame in besides if not is_familiar(venue, frame)] == []
