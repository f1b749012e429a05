"""Traps of ccxt and of the venues that were tried and measured, each with a test that fails if our code falls in.

The table is in `traps`; most of its tests stand where their subject is. Here are those that have no better place.
"""

import ast
import asyncio
import decimal
import logging
import re
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal

import pytest
import pytest_asyncio

from connectors.budget import NS_PER_S, Budget, Limit, Urgency
from connectors.ccxt_venue.book_binance import BinanceOrders
from connectors.ccxt_venue.coinbase import Coinbase
from connectors.ccxt_venue.feeds import OrderFeed
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import AccountId, Nanos
from router.model.outcomes import Accepted, Lost, Missing, NotSent, Refused, Unclear
from router.model.stream_notes import Channel
from tests.capabilities.asking import Offline
from tests.capabilities.capture import OUR_ID, spelled
from tests.connectors.matrix.door import says
from tests.connectors.matrix.faults import about
from tests.connectors.matrix.seat import Seat, said_in, seated
from tests.connectors.matrix.venues import answer_of
from tests.connectors.rig import Notes, WallClock, approved, odd_frames, pass_gate
from tests.connectors.traps import QUIRKS, TRAPS
from tests.named import ROOT, is_a_test
from tests.waiting import eventually

VENUES = sorted(DIALECTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seats():
    """An account at each of the fifteen."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(seated(venue)) for venue in VENUES]


async def place(seat: Seat, **changes):
    seat.door.asked.clear()
    child = seat.order(known=True, **changes)
    outcome, _ = await seat.port.place(approved(child), Nanos(child.deadline_ns), pass_gate)
    return outcome


@pytest.mark.parametrize("trap", [*TRAPS, *QUIRKS], ids=lambda trap: trap.row)
def test_every_trap_names_a_test_that_exists(trap):
    """A trap without a test is a story."""
    assert trap.tests
    assert [each for each in trap.tests if not is_a_test(each)] == []


def test_no_trap_is_told_twice():
    rows = [trap.row for trap in (*TRAPS, *QUIRKS)]
    assert sorted(set(rows)) == sorted(rows)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_price_off_the_grid_leaves_at_no_venue(seats):
    """Ccxt rounds it half up: a limit of 60000.009 to buy would go out as 60000.01, dearer than was allowed."""
    came = {seat.venue: await place(seat, limit_price=Decimal("60000.009")) for seat in seats}
    assert {venue: type(outcome) for venue, outcome in came.items()} == dict.fromkeys(VENUES, NotSent)
    assert [seat.venue for seat in seats if seat.door.asked] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_small_quantity_is_written_out(seats):
    """Not as a float is shown (1.2e-07), nor with a digit more or less."""
    for seat in seats:
        await place(seat, quantity=Decimal("0.00000012"), limit_price=Decimal("60000.01"))
    said = {seat.venue: said_in(seat.door.asked[0]) for seat in seats}
    assert [venue for venue, text in said.items() if "0.00000012" not in text or "60000.01" not in text] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_no_call_leaves_a_mark_on_the_callers_decimal_context(seats):
    """Ccxt sets the rounding and the traps of whatever context it runs in."""
    with decimal.localcontext(decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)) as context:
        before = context.copy()
        for seat in seats:
            child = seat.order(known=True)
            await place(seat)
            await seat.port.cancel(child, None)
            await seat.port.look_up(child, None)
            await seat.port.read_account(child.decided_at_ns)
            now = decimal.getcontext()
            assert (now.prec, now.rounding, now.traps) == (before.prec, before.rounding, before.traps), seat.venue


async def test_a_stopped_account_leaves_no_session_open():
    """A session given to ccxt is not closed by ccxt's own close."""
    async with seated("kraken") as seat:
        await place(seat)
        sessions = seat.port._clients.sessions
        await seat.port.stop()
        assert [session.closed for session in sessions] == [True, True]


@pytest.mark.asyncio(loop_scope="module")
async def test_numbers_stay_text_and_ccxt_neither_waits_nor_repeats(seats):
    """With `number` Decimal its parsers drop fees; with its limiter on, a cancel queues behind polls."""
    for seat in seats:
        clients = seat.port._clients
        for client in (clients.orders, clients.queries, clients.streams):
            assert client.number is str, seat.venue
            assert client.enableRateLimit is False, seat.venue
            assert not client.options.get("maxRetriesOnFailure"), seat.venue


async def test_calls_side_by_side_are_told_apart():
    """Ccxt keeps the last answer on the instance, where any other call overwrites it: ours travels with the call."""
    async with AsyncExitStack() as stack:
        for venue in ("binance", "kraken", "okx"):
            seat = await stack.enter_async_context(seated(venue))
            ours, other = seat.order(known=True), seat.order(known=True)
            lost = seat.little.spelled
            seat.meet(
                about(venue, seat.little)["503 with a success"], only=lambda asked, its=lost: its in said_in(asked)
            )
            orders = (ours, other)
            seat.door.honest = _each_by_its_id(seat, orders)

            came = await asyncio.gather(
                *(seat.port.place(approved(each), Nanos(each.deadline_ns), pass_gate) for each in orders)
            )

            assert [type(outcome) for outcome, _ in came] == [Accepted, Lost], venue


async def test_absence_of_one_order_is_no_word_on_another():
    """Two look-ups over one instance: the one that was answered is missing, the one that was reset is unclear."""
    async with seated("kraken") as seat:
        gone, doubtful = seat.order(known=False), seat.order(known=False)
        reset = about("kraken", seat.little)["reset"]
        seat.meet(reset, only=lambda asked: seat.little.spelled in said_in(asked))
        came = await asyncio.gather(*(seat.port.look_up(each, None) for each in (gone, doubtful)))
    assert [type(each.result) for each in came] == [Missing, Unclear]


@pytest.mark.parametrize(("venue", "field"), [("kraken", "nonce"), ("gemini", "nonce"), ("bitfinex", "bfx-nonce")])
async def test_calls_of_one_key_arrive_in_the_order_of_their_nonces(venue, field):
    """Placing, looking up and reading at once, over two instances that share the key: one after the other."""
    under_way, most = 0, 0

    async def slowly(line):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        line.write(line.honest.raw())
        under_way -= 1

    async with seated(venue) as seat:
        seat.door.speak = slowly
        child = seat.order(known=True)
        reads = [seat.port.read_account(child.decided_at_ns) for _ in range(3)]
        looks = [seat.port.look_up(child, None) for _ in range(3)]
        await asyncio.gather(*reads, *looks, place_again(seat, child))
        nonces = [int(re.search(rf'"?\b{field}\b"?[=:]\W*(\d+)', everything(asked))[1]) for asked in seat.door.asked]
    assert len(nonces) > 12
    assert nonces == sorted(set(nonces))
    assert most == 1


async def place_again(seat: Seat, child):
    outcome, _ = await seat.port.place(approved(child), Nanos(child.deadline_ns), pass_gate)
    assert isinstance(outcome, Accepted)


def everything(asked):
    """A request with its headers."""
    return said_in(asked) + "".join(f" {name}: {value}" for name, value in asked.headers.items())


async def test_a_bad_key_is_a_refusal_whatever_went_before():
    """Ccxt remembers that the key once worked, and takes -2015 for a guard against floods from then on.

    It proves that nothing was placed; the account pauses until its key was read again, its listing is not to blame.
    """
    async with seated("binance") as seat:
        assert isinstance(await place(seat), Accepted)
        said = says({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401)
        seat.door.honest = lambda _: said
        refused = await place(seat)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.transient) == ("-2015", True)


def _each_by_its_id(seat: Seat, orders):
    """Let the venue know several orders, and answer for the one a request names."""
    known = {seat.port.encode_id(each.client_id): str(10**9 + number) for number, each in enumerate(orders)}

    def honest(asked):
        name = next(each for each in known if each in said_in(asked))
        return answer_of(seat.venue, replace(seat.little, spelled=name, order_id=known[name]), asked)

    return honest


class Socket:
    """What a handler needs of a client, and what was told to it."""

    url = "ws://127.0.0.1:1"

    def __init__(self):
        self.subscriptions, self.futures, self.errors = {}, {}, []

    def on_error(self, error):
        self.errors.append(error)

    def resolve(self, *_):
        pass

    def reject(self, error, *_):
        self.errors.append(error)


FRAMES = (
    [],
    7,
    None,
    "text",
    {"type": "error", "message": "rate limit"},
    {"e": "depthUpdate", "s": "BTCUSDT"},
    {"topic": "orderbook.50.BTCUSDT", "type": "delta"},
    {"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": "update", "data": [{}]},
    {"channel": "book", "type": "update", "data": [{}]},
    {"channel": "l2_data", "sequence_num": "x", "events": [{}]},
    {"ch": "market.btcusdt.mbp.150", "tick": {}},
    {"method": "subscribe", "result": {"channel": "book.update", "data": [{}]}},
    {"event": "update", "channel": "spot.obu", "result": {}},
    [1, "cs", 5],
)


@pytest.mark.parametrize("venue", VENUES)
async def test_no_frame_raises_out_of_the_handler(venue, caplog):
    """Ccxt's receive loop ends with the first exception, and whoever awaits is never told."""
    caplog.set_level(logging.CRITICAL)  # what ccxt itself has to say of such frames
    offline = Offline(venue, DIALECTS[venue]())
    decoder = offline.dialect.book_decoder(offline.exchange.markets)

    def tapped(_client, message):
        return decoder.take(message) is not None

    offline.exchange.frame = tapped
    offline.exchange.clients = {Socket.url: Socket()}
    try:
        for frame in FRAMES:
            offline.exchange.handle_message(Socket(), frame)
            await asyncio.sleep(0)
    finally:
        offline.exchange.clients = {}
        await offline.exchange.close()


async def test_an_error_frame_of_coinbase_ends_the_connection_loudly():
    """Ccxt raises on it; the socket is told, so that the feed connects anew."""
    offline = Offline("coinbase", Coinbase())
    socket = Socket()
    offline.exchange.handle_message(socket, {"type": "error", "message": "rate limit exceeded"})
    await offline.exchange.close()
    assert len(socket.errors) == 1


async def test_every_report_is_heard_though_nobody_waits():
    """Five in one burst, the end of the order among them: `watch_orders` would show the next one that comes."""
    notes = Notes()
    offline = Offline("binance", DIALECTS["binance"]())
    OrderFeed(
        account=AccountId("binance/main"),
        exchange=offline.exchange,
        decoder=BinanceOrders(),
        decode_id=lambda text: text,
        odd=odd_frames(notes, Channel.ORDERS),
        sink=notes,
        clock=WallClock(),
        report_ms=5_000,
        read_lag_ms=0,
    )
    for state in ("NEW", "PARTIALLY_FILLED", "PARTIALLY_FILLED", "FILLED", "EXPIRED"):
        event = {"e": "executionReport", "c": OUR_ID, "C": "", "i": 1, "x": "TRADE", "X": state}
        offline.exchange.handle_message(Socket(), {"subscriptionId": 1, "event": event})
    await offline.exchange.close()
    assert [hint.client_id for hint in notes.hints] == [OUR_ID] * 5


@pytest.mark.parametrize("venue_name", ["binance"])
async def test_ccxt_keeps_no_book_beside_ours(venue, venue_name, notes, control):
    """Its handler costs more than all of ours, and awaiting it for each delta as much again."""
    before = notes.deltas
    await control.set_book(venue_name, "BTC/USDT", asks=[("60005", "1")], replace=False)
    await eventually(lambda: notes.deltas > before)
    assert not venue._clients.streams.orderbooks


async def test_waiting_that_was_given_up_costs_nobody_anything():
    """Five cancelled callers of ccxt's limiter still cost the next one a second."""

    class Clock:
        at = Nanos(0)

        def now(self):
            return self.at

    clock = Clock()
    budget = Budget([Limit(name="calls", units=1, per_ns=NS_PER_S, reserved=0)], clock)
    await budget.take({"calls": 1}, Urgency.NORMAL)
    clock.at = Nanos(NS_PER_S // 2)
    waiting = [asyncio.ensure_future(budget.take({"calls": 1}, Urgency.NORMAL)) for _ in range(5)]
    await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    clock.at = Nanos(NS_PER_S)
    assert budget.wait_ns({"calls": 1}, Urgency.NORMAL, clock.now()) == 0


async def test_a_fill_or_kill_order_of_coinbase_keeps_amount_and_price():
    """Somebody else's: we send none. ccxt's parser loses both."""
    row = {
        "order_id": "1",
        "client_order_id": spelled("coinbase"),
        "product_id": "BTC-USDT",
        "side": "BUY",
        "status": "OPEN",
        "filled_size": "0",
        "created_time": "2026-01-01T00:00:00Z",
        "order_configuration": {"limit_limit_fok": {"base_size": "0.5", "limit_price": "60000"}},
    }

    async def ask(_endpoint, _params):
        return {"orders": [row], "has_next": False, "cursor": ""}

    offline = Offline("coinbase", Coinbase())
    (order,) = await Coinbase().open_orders(ask, offline.desk)
    await offline.exchange.close()
    assert (order.quantity, order.limit_price) == (Decimal("0.5"), Decimal(60000))


NEVER_CALLED = (
    *("cancel_order", "cancel_orders", "cancel_all_orders"),  # by our id: wrong names, empty ids, or everything
    *("fetch_order", "fetch_open_orders", "fetch_closed_orders"),  # false absence, or FILLED only
    *("fetch_canceled_and_closed_orders", "fetch_my_trades"),  # without the expired; one page
    *("edit_order", "create_order_ws", "create_orders"),  # two calls in one; never times out; many outcomes in one
    *("amount_to_precision", "price_to_precision", "last_http_response"),  # half up; anybody's answer
    *("watch_my_trades", "load_order_book", "wait_for"),  # not everywhere; closes all; cancels what others await
)


def test_ccxts_calls_that_set_a_trap_are_not_made():
    """Nowhere in the adapter. The one unified call that is made of an order is `create_order`."""
    used = [
        f"{path.name}:{node.lineno} {node.attr}"
        for path in (ROOT / "connectors" / "ccxt_venue").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in NEVER_CALLED
    ]
    assert used == []
