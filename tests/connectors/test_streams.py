"""Streams break in every way they can: the sink hears that the book is lost, and gets a whole one again."""

import asyncio
from decimal import Decimal

import pytest

from connectors.ccxt_venue.book_binance import BinanceOrders
from connectors.ccxt_venue.book_kraken import KrakenBooks, KrakenOrders
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.lab.faults import Call, FaultKind
from connectors.settings import BookSource
from tests.connectors.rig import ASKS, BIDS, SYMBOLS, Notes, child, place, venue_at
from tests.waiting import eventually


async def moved(control, venue_name, price):
    """Change the venue's book; returns the new best ask as the sink spells it."""
    await control.set_book(venue_name, SYMBOLS[venue_name], bids=BIDS, asks=[(str(price), "1.5"), *ASKS])
    return float(price)


def shown(notes, price):
    return any(price in asks for asks in notes.asks.values())


async def test_a_gap_loses_the_book_and_brings_a_whole_one(venue, venue_name, notes, control):
    """A delta is not sent: the venue's own numbers give it away, and the book is read anew."""
    before = notes.snapshots
    for tenths in range(1, 60):  # the frame that is dropped may be one that only restates the best level: change on
        if tenths % 2:
            await control.inject(venue_name, FaultKind.WS_GAP)
        price = Decimal(60009) - Decimal(tenths) / 10
        await control.set_book(venue_name, SYMBOLS[venue_name], asks=[(price, "1"), (price + 4, "1")], replace=False)
        await asyncio.sleep(0.13)  # longer than binance gathers changes for one frame
        if notes.lost:
            break
    await control.clear_faults()
    await eventually(lambda: notes.snapshots > before)
    price = await moved(control, venue_name, 60001)
    await eventually(lambda: shown(notes, price))
    truth = await control.book(venue_name, SYMBOLS[venue_name])
    (asks,) = notes.asks.values()
    assert asks == {float(p): float(s) for p, s in truth["asks"]}


async def test_a_killed_socket_loses_the_book_and_brings_a_whole_one(venue, venue_name, notes, control):
    before = notes.snapshots
    await control.inject(venue_name, FaultKind.WS_KILL, channel="public")
    await eventually(lambda: notes.lost)
    price = await moved(control, venue_name, 60006)
    await eventually(lambda: notes.snapshots > before and shown(notes, price))


async def test_a_killed_private_socket_is_told_when_it_is_back(venue, venue_name, notes, control):
    """What happened meanwhile has to be read, and hints flow again."""
    order = child(venue_name, quantity="0.1")
    await place(venue, order)
    await eventually(lambda: notes.hints)
    await control.inject(venue_name, FaultKind.WS_KILL, channel="private")
    await eventually(lambda: notes.restored)
    notes.hints.clear()
    later = child(venue_name, quantity="0.1")
    await place(venue, later)
    await eventually(lambda: [hint for hint in notes.hints if hint.client_id == later.client_id])


async def test_silence_is_noticed_although_pings_are_answered(lab, control, venue_name):
    """The socket stays open and answers pings, and nothing comes: the book is lost, or proven unchanged by REST."""
    notes = Notes()
    account = venue_at(lab, venue_name, silence_ms=400)
    await account.start(notes)
    try:
        await eventually(lambda: notes.bids)
        if venue_name not in {
            "binance",
            "bitstamp",
            "bybit",
            "okx",
        }:  # diff streams beat only when something changes: quiet is no silence
            await eventually(lambda: notes.heartbeats)
        await control.inject(venue_name, FaultKind.WS_SILENCE, duration_ms=1500, channel="public")
        price = await moved(control, venue_name, 60005)
        await eventually(lambda: notes.lost)
        await eventually(lambda: shown(notes, price))
    finally:
        await account.stop()


async def test_reports_twice_or_swapped_are_just_more_hints(venue, venue_name, notes, control):
    await control.inject(venue_name, FaultKind.REPORT_REPEAT, times=None)
    order = child(venue_name, quantity="0.1")
    await place(venue, order)
    await eventually(lambda: len([hint for hint in notes.hints if hint.client_id == order.client_id]) >= 2)


async def test_books_and_orders_can_be_polled(lab, control, venue_name):
    """`books: poll`: no stream at all; books come whole, and an order that appears is a hint."""
    from router.model.orders import TimeInForce

    notes = Notes()
    account = venue_at(lab, venue_name, books=BookSource.POLL, poll_ms=50)
    await account.start(notes)
    try:
        price = await moved(control, venue_name, 60005)
        await eventually(lambda: shown(notes, price))
        order = child(venue_name, price="59000", time_in_force=TimeInForce.GTC)
        accepted = await place(account, order)
        await eventually(lambda: [h for h in notes.hints if h.venue_order_id == accepted.venue_order_id])
        (told,) = await control.venues()
        assert told["connections"] == 0
        await control.inject(venue_name, FaultKind.HTTP_5XX, call=Call.BOOK, times=None)
        await eventually(lambda: notes.lost)
        await control.clear_faults()
        await eventually(lambda: notes.asks)
    finally:
        await account.stop()


async def test_a_bad_frame_does_not_end_the_stream_silently(venue, venue_name, notes, control):
    """Stock ccxt would hang for ever: here the book is lost, and comes back."""
    before = notes.snapshots
    client = next(iter(venue._clients.streams.clients.values()))
    bad = {"e": "depthUpdate", "channel": "book", "sequence_num": "x"}
    if venue_name == "bybit":
        bad = {"topic": "orderbook.50.BTCUSDT", "type": "delta"}
    if venue_name == "okx":
        bad = {"arg": {"channel": "books", "instId": "BTC-USDT"}, "data": [{}]}
    if venue_name == "gemini":
        bad = {"type": "update"}
    if venue_name == "bitstamp":
        bad = {"event": "data", "channel": "diff_order_book_btcusd"}
    venue._clients.streams.handle_message(client, bad)
    await eventually(lambda: notes.lost)
    await eventually(lambda: notes.snapshots > before)


async def test_half_a_frame_does_not_end_the_stream_silently(venue, venue_name, notes, control):
    """Not even JSON: ccxt's own receive loop would die before any handler sees it."""
    from aiohttp import WSMessage, WSMsgType

    before = notes.snapshots
    client = next(iter(venue._clients.streams.clients.values()))
    queue = client.connection._conn.protocol._payload
    queue.feed_data(WSMessage(WSMsgType.TEXT, '{"e":"depthUpdate",', None), 0)
    await eventually(lambda: notes.lost)
    await eventually(lambda: notes.snapshots > before)


async def test_rest_stands_in_while_no_stream_can_be_had(lab, control, venue_name):
    """Every socket dies at once: after a few tries books come by REST, until a stream stands again."""
    await control.inject(venue_name, FaultKind.WS_KILL, channel="public", after=1, times=None)
    notes = Notes()
    account = venue_at(lab, venue_name)
    await account.start(notes)
    try:
        price = await moved(control, venue_name, 60005)
        await eventually(lambda: shown(notes, price))
        await control.clear_faults()
        await eventually(lambda: notes.deltas)
    finally:
        await account.stop()


def test_a_stream_the_venue_ends_is_not_waited_for():
    """The client would reject a future nobody waits for, and wait on: the decoder raises, and the socket is dropped."""
    with pytest.raises(AnswerUnusable):
        BinanceOrders().take({"e": "eventStreamTerminated", "E": 1757896885229})
    refused = {"method": "subscribe", "success": False, "error": "ESession:Invalid session"}
    with pytest.raises(AnswerUnusable):
        KrakenOrders().take(refused)
    with pytest.raises(AnswerUnusable):
        KrakenBooks({}, 10).take(refused)
