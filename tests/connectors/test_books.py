"""Book decoders, frame by frame: whole books, changes, gaps."""

import asyncio

import aiohttp
import ccxt
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from connectors.ccxt_venue import wire
from connectors.ccxt_venue.binance import BinanceClient
from connectors.ccxt_venue.book_binance import BinanceBooks
from connectors.ccxt_venue.book_coinbase import CoinbaseBooks
from connectors.ccxt_venue.clients import FRAMES_PER_TURN
from connectors.ccxt_venue.decoders import BookAlive, BookBroken, BookChanged, BookWhole, SnapshotWanted
from connectors.ccxt_venue.venue_clock import VenueClock
from tests.connectors.rig import WallClock
from tests.waiting import eventually


def update(first, last, bids=(), asks=()):
    return {"e": "depthUpdate", "s": "BTCUSDT", "U": first, "u": last, "b": list(bids), "a": list(asks)}


SNAPSHOT = {"lastUpdateId": 100, "bids": [["10", "1"]], "asks": [["11", "1"]]}


def binance_books():
    return BinanceBooks({"BTCUSDT": "BTC/USDT"})


def test_binance_joins_buffered_updates_to_a_snapshot():
    """Older ones are dropped, the one that straddles the snapshot is applied."""
    books = binance_books()
    assert books.take(update(90, 95)) == (SnapshotWanted("BTC/USDT"),)
    assert books.take(update(96, 101, bids=[["10", "2"]])) == ()
    assert books.take(update(102, 103, asks=[["12", "5"]])) == ()
    (whole,) = books.snapshot("BTC/USDT", SNAPSHOT)
    assert whole == BookWhole("BTC/USDT", {10.0: 2.0}, {11.0: 1.0, 12.0: 5.0})
    assert books.take(update(104, 104, bids=[["10", "0"]])) == (BookChanged("BTC/USDT", [(10.0, 0.0)], []),)
    assert books.take(update(104, 104)) == ()


def test_binance_asks_again_for_a_snapshot_that_is_too_old():
    books = binance_books()
    books.take(update(150, 151))
    assert books.snapshot("BTC/USDT", SNAPSHOT) == (SnapshotWanted("BTC/USDT"),)


def test_binance_tells_a_gap():
    books = binance_books()
    books.take(update(100, 101))
    books.snapshot("BTC/USDT", SNAPSHOT)
    broken, wanted = books.take(update(103, 104))
    assert isinstance(broken, BookBroken)
    assert wanted == SnapshotWanted("BTC/USDT")
    assert books.take(update(105, 106)) == ()  # buffered, not applied


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.data())
def test_binance_never_shows_a_book_with_a_hole_in_it(lengths, data):
    """Drop any updates from the middle: from the first hole on, nothing is passed on until a snapshot."""
    books = binance_books()
    books.take(update(1, 100))
    books.snapshot("BTC/USDT", SNAPSHOT)
    last, whole = 100, True
    for length in lengths:
        frame = update(last + 1, last + length, bids=[[str(last), "1"]])
        last += length
        if data.draw(st.booleans()):
            whole = False
            continue
        signals = list(books.take(frame))
        assert any(isinstance(signal, BookChanged) for signal in signals) == whole


def coinbase_frame(number, kind="update", channel="l2_data", product="BTC-USD", **level):
    updates = [{"side": "bid", "price_level": "10", "new_quantity": "1", **level}]
    return {
        "channel": channel,
        "sequence_num": number,
        "events": [{"type": kind, "product_id": product, "updates": updates}],
    }


def test_coinbase_counts_every_frame_of_the_connection():
    """A hole in the numbers may have been in any book: all are lost."""
    books = CoinbaseBooks({"BTC-USD": ["BTC/USD"], "ETH-USD": ["ETH/USD"]})
    assert [type(s) for s in books.take(coinbase_frame(0, "snapshot"))] == [BookWhole]
    assert [type(s) for s in books.take(coinbase_frame(1, "snapshot", product="ETH-USD"))] == [BookWhole]
    assert books.take({"channel": "subscriptions", "sequence_num": 2, "events": []}) is None
    beats = books.take({"channel": "heartbeats", "sequence_num": 3, "events": []})
    assert beats == [BookAlive("BTC/USD"), BookAlive("ETH/USD")]
    assert [type(s) for s in books.take(coinbase_frame(5))] == [BookBroken, BookBroken]
    assert list(books.take(coinbase_frame(6))) == []


def test_a_coinbase_alias_gets_the_book_behind_it():
    books = CoinbaseBooks({"BTC-USD": ["BTC/USD", "BTC/USDC"], "BTC-USDC": ["BTC/USDC"]})
    wholes = list(books.take(coinbase_frame(0, "snapshot")))
    assert [whole.symbol for whole in wholes] == ["BTC/USD", "BTC/USDC"]


async def test_a_burst_lets_the_loop_go_every_few_frames():
    """Two hundred frames arrive at once; whatever else waits on the loop runs in between."""
    frames = 200

    async def burst(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for number in range(frames):
            await socket.send_str(f'{{"e":"depthUpdate","n":{number}}}')
        await socket.receive()
        return socket

    app = web.Application()
    app.router.add_get("/stream/ws/0", burst)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/stream/ws/0"
    turn, seen = [0], []

    async def turns():
        while True:
            turn[0] += 1
            await asyncio.sleep(0)

    session = wire.open_session(WallClock(), wire.certificates(None))
    client = BinanceClient({"session": session, "timeout_on_exit": 0}, lab_only=True)
    client.frame = lambda _client, message: seen.append((turn[0], message["n"])) is None
    counter = asyncio.ensure_future(turns())
    watching = client.watch(url, "hash", {"go": 1}, "hash")
    try:
        await eventually(lambda: len(seen) == frames)
        assert [number for _, number in seen] == list(range(frames))
        per_turn = [sum(1 for at, _ in seen if at == each) for each in {at for at, _ in seen}]
        assert max(per_turn) <= FRAMES_PER_TURN
    finally:
        counter.cancel()
        await client.close()
        await session.close()
        await runner.cleanup()
    with pytest.raises((asyncio.CancelledError, ccxt.NetworkError)):
        await watching


async def test_a_websocket_is_not_redirected():
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/stolen")

    app = web.Application()
    app.router.add_get("/ws", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    session = wire.open_session(WallClock(), wire.certificates(None))
    try:
        with pytest.raises(aiohttp.ClientPayloadError, match="never followed"):
            await session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/ws")
    finally:
        await session.close()
        await runner.cleanup()


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), min_size=1, max_size=12),
    st.sampled_from([1_000, 1_000_000, 1_000_000_000]),
)
def test_the_venues_clock_is_within_its_stated_error(offset, answers, resolution):
    """Whatever the round trips and however coarse its answers, the true offset is inside the bounds."""
    clock, now = VenueClock(), 10**15
    for there, back in answers:
        sent, read = now, now + there
        clock.observe(
            sent_ns=sent,
            received_ns=read + back,
            server_ns=(read + offset) // resolution * resolution,
            resolution_ns=resolution,
        )
        now = read + back + 1
        assert clock.error_ns is not None
        assert abs(clock.offset_ns - offset) <= clock.error_ns + 1


def test_a_clock_that_was_stepped_is_believed_again():
    clock = VenueClock()
    clock.observe(sent_ns=10, received_ns=20, server_ns=1_000_015, resolution_ns=1)
    clock.observe(sent_ns=30, received_ns=40, server_ns=9_000_035, resolution_ns=1)
    assert abs(clock.offset_ns - 9_000_000) <= 6
    assert clock.trouble(50) is None
    assert "ago" in str(clock.trouble(10**12))
    assert VenueClock().trouble(0) == "the venue's clock was never read"
