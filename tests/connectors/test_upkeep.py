"""What runs in the background of an account goes on, whatever a venue answers, and what stops is told of."""

import asyncio
import logging

import pytest

from connectors.ccxt_venue.calls import AnswerUnusable, CallKind
from connectors.ccxt_venue.feeds import OpenOrder, OrderFeed, Tasks
from router.model.ids import AccountId, VenueOrderId
from router.model.outcomes import Accepted
from router.model.stream_notes import Channel
from router.runtime.clock import SystemClock
from tests.connectors.rig import Notes, child, odd_frames, place, venue_at
from tests.waiting import eventually

TIMES = {
    "binance": ("publicGetTime", lambda value: {"serverTime": value}),
    "kraken": ("publicGetTime", lambda value: {"error": [], "result": {"unixtime": value}}),
    "coinbase": ("v3PublicGetBrokerageTime", lambda value: {"epochMillis": value}),
}


@pytest.fixture(params=sorted(TIMES))
def venue_name(request):
    """The venues whose answers these tests know how to write."""
    return request.param


@pytest.mark.parametrize("value", ["soon", "NaN", "-1", "1e99", {}, [], True, None, ""], ids=str)
async def test_an_odd_answer_to_the_clock_call_ends_nothing(venue, venue_name, value):
    """The round is lost, the next one is good, and orders go out on a clock that is known."""
    endpoint, body = TIMES[venue_name]
    orders = venue._clients.orders
    honest, orders.has_lied = getattr(orders, endpoint), False
    if venue_name == "kraken":
        orders.urls["api"]["ws"]["publicV2"] = "ws://127.0.0.1:9/"  # the socket that tells it is down: REST is asked

    async def lying(params):
        orders.has_lied = True
        return body(value)

    setattr(orders, endpoint, lying)
    await venue._warm()
    with pytest.raises(AnswerUnusable):
        await venue._read_clock(CallKind.TOUCH)
    assert orders.has_lied
    setattr(orders, endpoint, honest)
    await venue._warm()
    assert isinstance(await place(venue, child(venue_name, quantity="0.1")), Accepted)


async def test_work_that_dies_is_told_of_and_starts_again(caplog):
    """Whatever kills it; and it still ends when it is told to."""
    lives = []

    async def work():
        lives.append(len(lives))
        if len(lives) == 1:
            message = "https://venue/?signature=abc"
            raise ValueError(message)
        await asyncio.Event().wait()

    tasks = Tasks()
    with caplog.at_level(logging.WARNING):
        tasks.keep("a/main: keeping warm", work)
        await eventually(lambda: len(lives) == 2)
    assert "a/main: keeping warm ended and starts again: ValueError" in caplog.text
    assert "signature" not in caplog.text
    await tasks.stop()
    assert not tasks._tasks


async def test_a_clock_that_cannot_be_read_for_a_while_is_read_again(lab, control, venue_name, monkeypatch):
    """The task that keeps an account warm dies of a surprise in the middle of its round: the next round is made."""
    account = venue_at(lab, venue_name, touch_ms=30)
    rounds = []
    honest = account._read_clock

    async def surprising(kind):
        rounds.append(kind)
        if rounds.count(CallKind.TOUCH) == 2:
            raise ZeroDivisionError
        await honest(kind)

    monkeypatch.setattr(account, "_read_clock", surprising)
    await account.start(Notes())
    try:
        await eventually(lambda: rounds.count(CallKind.TOUCH) > 3)
    finally:
        await account.stop()


@pytest.mark.parametrize("venue_name", ["binance"])
async def test_a_snapshot_that_cannot_be_read_starts_the_book_over(lab, control, notes, venue_name):
    """Binance joins a stream to a REST body: one that cannot be read must not leave the book waiting for ever."""
    account = venue_at(lab, venue_name)
    honest, lies = account._dialect.depth, []

    async def depth(ask, desk, symbol):
        body = await honest(ask, desk, symbol)
        if not lies:
            lies.append({**body, "lastUpdateId": "many"})
            return lies[0]
        return body

    account._dialect.depth = depth
    await account.start(notes)
    try:
        await eventually(lambda: lies and notes.snapshots)
    finally:
        await account.stop()


async def test_open_orders_of_two_symbols_with_one_id_are_two(notes):
    """Binance numbers orders per symbol: each of the two is worth a look when it changes."""
    feed = OrderFeed(
        account=AccountId("binance/main"),
        exchange=Notes(),
        decoder=Notes(),
        decode_id=lambda _text: None,
        odd=odd_frames(notes, Channel.ORDERS),
        sink=notes,
        clock=SystemClock(),
        report_ms=5_000,
        read_lag_ms=0,
    )
    bitcoin, ether = (OpenOrder(symbol, VenueOrderId("7"), None) for symbol in ("BTC/USDT", "ETH/USDT"))
    shown = {bitcoin: "OPEN 0", ether: "OPEN 0"}

    async def open_orders():
        return dict(shown)

    polling = asyncio.create_task(feed.poll(open_orders, 0.01))
    await eventually(lambda: len(notes.hints) == 2)
    shown[bitcoin] = "OPEN 1"
    await eventually(lambda: len(notes.hints) == 3)
    polling.cancel()
    assert {hint.venue_order_id for hint in notes.hints} == {VenueOrderId("7")}
