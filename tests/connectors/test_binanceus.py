"""Binance US: Binance's protocol elsewhere. Judged by captured requests, a real tape, and the lab's Binance."""

import time
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.binanceus import Binanceus
from connectors.ccxt_venue.book_binance import BinanceBooks
from connectors.ccxt_venue.dialect import Deadline, Desk
from connectors.ccxt_venue.mapping import Names
from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.settings import Secret
from router.model.errors import BadInput
from router.model.ids import AccountId, Nanos
from router.model.outcomes import Accepted, Found
from tests.capabilities.asking import Offline, child_at, settings_of
from tests.capabilities.capture import NOW_MS
from tests.connectors.rig import ASKS, BIDS, Notes, WallClock, place
from tests.connectors.tapes import TRIALS, books_of, played, received, tape, unnoticed
from tests.waiting import eventually

TAPE = "binance_us_20210814T144513Z"
DESK = Desk(account=AccountId("binanceus/main"), names=Names(symbol_by_id={}, id_by_symbol={}, asset_by_id={}))


async def test_the_private_stream_is_not_signed_for_another_exchange():
    """Ccxt's class keeps binance.com's websocket API, and would send it this account's key and signature."""
    exchange = Offline("binanceus", Binanceus()).exchange
    used = [exchange.urls["api"]["ws"]["ws-api"]["spot"], exchange.urls["api"]["ws"]["spot"]]
    used += [exchange.urls["api"][name] for name in ("public", "private", "sapi")]

    assert all(urlsplit(url).hostname.endswith("binance.us") for url in used)


async def test_the_deadline_is_a_window_after_the_time_stamp():
    now = Nanos(NOW_MS * 1_000_000)
    offline = Offline("binanceus", Binanceus())
    (sent,) = await offline.place(child_at("binanceus"), Deadline(at_ns=Nanos(now + 2_500_000_000), now_ns=now))

    assert int(sent.fields["timestamp"]) + int(sent.fields["recvWindow"]) == NOW_MS + 2500


async def test_what_a_key_may_do_is_not_told():
    """So a live account is refused until the operator attests it; Binance's own call is not asked."""

    async def ask(endpoint, _params):
        raise AssertionError(endpoint)

    assert (await Binanceus().key_powers(ask)).may_withdraw is None
    venue = CcxtVenue(settings_of("binanceus", credentials={"apiKey": Secret("k")}), WallClock())
    with pytest.raises(BadInput, match="does not tell whether it can withdraw"):
        await venue._keys.check(ask)


async def test_the_accounts_own_rate_is_in_basis_points():
    async def ask(_endpoint, _params):
        return {"makerCommission": 10, "takerCommission": 40}

    assert await Binanceus().taker_fees_bps(ask, DESK, ["BTC/USD"]) == {"BTC/USD": Decimal(40)}


def books(recorded_data):
    entries = tape(recorded_data, TAPE)
    snapshots = {
        entry["u"].partition("symbol=")[2].partition("&")[0]: entry["frame"]
        for entry in entries
        if entry["k"] == "http" and "/depth" in entry["u"]
    }
    return received(entries), snapshots


def book_of(frame):
    data = frame.get("data", {}) if isinstance(frame, dict) else {}
    return data.get("s") if data.get("e") == "depthUpdate" else None


def test_every_message_of_a_real_tape_goes_on_from_the_last(recorded_data):
    frames, snapshots = books(recorded_data)
    ours, states = books_of(played(BinanceBooks({each: each for each in snapshots}), frames, snapshots.__getitem__))

    assert states > 200
    assert ours == {each: rebuilt(frames, each, snapshots[each]) for each in ours}


def rebuilt(frames, symbol, body):
    sides = [{float(p): float(s) for p, s in body[name]} for name in ("bids", "asks")]
    for frame in frames:
        if book_of(frame) == symbol and frame["data"]["u"] > body["lastUpdateId"]:
            for side, name in zip(sides, "ba", strict=True):
                for price, size in frame["data"][name]:
                    side[float(price)] = float(size)
                    if not float(size):
                        side.pop(float(price))
    return tuple(sides)


@pytest.mark.parametrize("trials", TRIALS)
def test_a_lost_message_is_noticed(recorded_data, trials):
    frames, snapshots = books(recorded_data)
    decoder = BinanceBooks({each: each for each in snapshots})
    tried, missed = unnoticed(decoder, frames, book_of, trials, snapshots.__getitem__)

    assert tried >= 40
    assert missed == []


@pytest.fixture
async def lab():
    settings = LabSettings(venues=(LabVenueSettings(name="binance", protocol="binance"),), static=True, breath_ms=50)
    async with Lab(settings) as running:
        yield running


async def test_an_order_lives_at_the_labs_binance(lab: Lab):
    """The same protocol, end to end: placed, filled, found under our id, its trades with their fee."""
    key = lab.keys["binance"][0]
    settings = settings_of(
        "binanceus",
        credentials={"apiKey": Secret(key.key), "secret": Secret(key.secret)},
        loopback=lab.venues["binance"].url,
        loopback_allowed=True,
    )
    venue, notes = CcxtVenue(settings, WallClock()), Notes()
    async with LabControl(lab.control_url) as control:
        await control.set_book("binance", "BTC/USDT", bids=BIDS, asks=ASKS)
        await venue.start(notes)
        try:
            await eventually(lambda: notes.bids)
            order = child_at("binanceus", limit_price=Decimal(60010), decided_at_ns=Nanos(time.time_ns()))
            outcome = await place(venue, order)
            found = (await venue.look_up(order, None)).result
        finally:
            await venue.stop()

    assert isinstance(outcome, Accepted)
    assert isinstance(found, Found)
    assert (found.order.client_id, found.order.executed) == (order.client_id, order.quantity)
    assert sum(trade.quantity for trade in found.trades) == order.quantity
