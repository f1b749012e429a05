"""Gate: captured requests, recorded payloads, and a real tape."""

import json
from decimal import Decimal

import pytest

from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_gate import GateOrders, gate_books
from connectors.ccxt_venue.calls import AnswerUnusable, CallKind, VenueSaid
from connectors.ccxt_venue.dialect import Absence, Deadline, Desk, Wanted
from connectors.ccxt_venue.gate import Gate, GateClient
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.wire import Transmission, carrying
from router.model.ids import AccountId, ClientOrderId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Lost, Refused
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.tapes import TRIALS, books_of, played, received, tape, unnoticed
from tests.connectors.test_verdict import judged

TAPE = "gateio_20210422T121211Z"
NAMES = Names(
    symbol_by_id={"BTC_USDT": "BTC/USDT", "CHZ_USDT": "CHZ/USDT"},
    id_by_symbol={"BTC/USDT": "BTC_USDT", "CHZ/USDT": "CHZ_USDT"},
    asset_by_id={},
)
DESK = Desk(account=AccountId("gate/main"), names=NAMES)


def answering(*answers):
    """An `Ask` that answers in order, then with empty lists, and remembers."""
    left, asked = list(answers), []

    async def ask(endpoint, params):
        asked.append((endpoint, params))
        answer = left.pop(0) if left else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    ask.asked = asked
    return ask


def wanted():
    return Wanted(child=child_at("gate"), venue_order_id=None, since_ns=Nanos((NOW_MS - 60_000) * 1_000_000))


@pytest.fixture
def recorded(recorded_data):
    folder = recorded_data / "rest-recordings" / "xchange" / "xchange-gateio-v4" / "__files"
    if not folder.is_dir():
        pytest.skip("no recorded payloads of Gate")
    return lambda name: json.loads((folder / f"{name}.json").read_text())


def test_our_id_keeps_its_prefix_and_fits():
    """28 characters with the prefix are all ccxt lets through; without one that starts with t it would add its own."""
    for first in ("00", "99", "ff"):
        client_id = ClientOrderId(first + OUR_ID[2:])
        text = codec.as_gate(client_id)
        assert text.startswith("t-")
        assert len(text) == 28
        assert codec.from_gate(text) == client_id
    assert codec.from_gate("t-" + "a" * 25 + "b") is None  # another spelling of the same bits


async def test_the_deadline_travels_in_a_header():
    """In no field of the order, where the venue would not read it."""
    offline = Offline("gate", Gate())
    now = Nanos(NOW_MS * 1_000_000)
    (sent,) = await offline.place(child_at("gate"), Deadline(at_ns=Nanos(now + 2_500_000_000), now_ns=now))

    assert sent.headers["x-gate-exptime"] == str(NOW_MS + 2500)
    assert "exptime" not in json.dumps(sent.fields)


async def test_without_a_deadline_there_is_no_header():
    (sent,) = await Offline("gate", Gate()).place(child_at("gate"))

    assert "x-gate-exptime" not in sent.headers


async def test_an_order_that_was_created_answers_201():
    """Which is recorded as the 200 it means; any other status stays what it is."""
    client = GateClient({}, lab_only=True)
    for code, told in ((201, 200), (200, 200), (202, 202), (500, 500)):
        transmission = Transmission(CallKind.PLACE)
        with carrying(transmission):
            client.on_rest_response(code, "", "", "POST", {}, "{}", {}, None)
        assert transmission.status == told
    await client.close()


def test_a_recorded_refusal_is_one(recorded):
    body = recorded("exceptions/api_v4_spot_orders-balance-not-enough")
    refused = judged("gate", 400, body)

    assert isinstance(refused, Refused)
    assert refused.code == "BALANCE_NOT_ENOUGH"
    assert isinstance(judged("gate", 500, {"label": "INTERNAL", "message": "x"}), Lost)


async def test_recorded_orders_are_read(recorded):
    """A filled buy, a filled sell, and what the venue put into the list."""
    for name, side in (("buy", Side.BUY), ("sell", Side.SELL)):
        order = await Gate().find(answering(recorded(f"api_v4_spot_orders_{name}-order-details")), DESK, wanted())
        assert order.side is side
        assert order.status is VenueOrderStatus.FILLED
        assert order.executed == order.quantity
        assert order.client_id is None  # `t-...` of other software is not ours


async def test_recorded_trades_and_balances_are_read(recorded):
    trades = await Gate().trades_since(answering(recorded("api_v4_spot_my_trades")), DESK, [], Nanos(0), Nanos(0))
    balances = await Gate().balances(answering(recorded("api_v4_spot_accounts")), DESK)

    assert trades
    assert all(trade.price > 0 and trade.quantity > 0 and trade.venue_time_ns > 10**18 for trade in trades)
    assert balances
    assert all(balance.total >= balance.free for balance in balances)


ROW = {
    "id": "1036717689726",
    "text": spelled("gate"),
    "create_time": "1774613210",
    "create_time_ms": 1774613210391,
    "currency_pair": "BTC_USDT",
    "status": "cancelled",
    "finish_as": "ioc",
    "side": "buy",
    "amount": "0.5",
    "price": "60000",
    "left": "0.3",
}


async def test_the_remainder_of_an_ioc_is_cancelled_with_what_it_did():
    order = await Gate().find(answering(ROW), DESK, wanted())

    assert (order.client_id, order.status) == (OUR_ID, VenueOrderStatus.CANCELLED)
    assert (order.quantity, order.executed) == (Decimal("0.5"), Decimal("0.2"))


async def test_after_an_hour_only_the_lists_know_our_id():
    """`text` is looked up for an hour after the end; the list of ended orders still carries it."""
    ask = answering(VenueSaid(404, "ORDER_NOT_FOUND", "x"), [], [ROW])
    order = await Gate().find(ask, DESK, wanted())

    assert order.venue_order_id == ROW["id"]
    assert [params.get("status") for _, params in ask.asked] == [None, "open", "finished"]


async def test_absence_names_what_was_asked():
    absence = await Gate().find(answering(VenueSaid(404, "CLIENT_ID_NOT_FOUND", "x")), DESK, wanted())

    assert isinstance(absence, Absence)
    assert absence.strangers == ()
    assert len(absence.endpoints) == 3


async def test_a_rebate_and_a_fee_in_gt_are_fees():
    trade = {
        "id": "1",
        "order_id": "2",
        "currency_pair": "BTC_USDT",
        "create_time_ms": "1774613210391.5",
        "side": "buy",
        "role": "maker",
        "amount": "0.2",
        "price": "60000",
        "fee": "-0.0001",
        "fee_currency": "BTC",
        "gt_fee": "0.5",
        "point_fee": "0",
    }
    (read,) = await Gate().trades_since(answering([trade]), DESK, [], Nanos(0), Nanos(0))

    assert {(fee.asset, fee.amount) for fee in read.fees} == {("BTC", Decimal("-0.0001")), ("GT", Decimal("0.5"))}
    assert read.maker is True


async def test_a_key_whose_powers_are_told_in_another_shape_is_not_trusted():
    assert (await Gate().key_powers(answering([{"state": 1}]))).may_withdraw is None
    assert (
        await Gate().key_powers(answering([{"perms": [{"name": "spot", "read_only": False}]}]))
    ).may_withdraw is False
    assert (await Gate().key_powers(answering([{"perms": [{"name": "wallet"}]}]))).may_withdraw is True


async def test_books_are_subscribed_on_the_channel_that_can_be_checked():
    """Not on ccxt's default, whose deltas it reads without a look at their numbers."""
    offline = Offline("gate", Gate())
    asked = []

    async def watch(_url, _hash, message, _subscribe, _subscription=None):
        asked.append((message["channel"], message["payload"]))

    offline.exchange.watch = watch
    await Gate().watch_books(offline.exchange, ["BTC/USDT"])
    await offline.exchange.close()

    assert asked == [("spot.order_book_update", ["BTC_USDT", "100ms"])]


def test_a_refused_subscription_ends_the_connection():
    frame = {"channel": "spot.orders", "event": "subscribe", "error": {"code": 4, "message": "Invalid key"}}
    for decoder in (GateOrders(), gate_books({})):
        with pytest.raises(AnswerUnusable, match="Invalid key"):
            decoder.take(frame)


def test_a_private_frame_tells_our_id_as_ours():
    frame = {"channel": "spot.orders", "event": "update", "result": [{**ROW, "event": "finish"}]}
    (touched,) = GateOrders().take(frame)

    assert (touched.client_id, touched.venue_order_id) == (OUR_ID, ROW["id"])


def books(recorded_data):
    entries = tape(recorded_data, TAPE)
    snapshots = {
        entry["u"].partition("currency_pair=")[2].partition("&")[0]: entry["frame"]
        for entry in entries
        if entry["k"] == "http" and "order_book" in entry["u"]
    }
    return received(entries), snapshots


def book_of(frame):
    update = frame.get("channel") == "spot.order_book_update" and frame.get("event") == "update"
    return frame["result"]["s"] if update else None


def test_every_message_of_a_real_tape_goes_on_from_the_last(recorded_data):
    frames, snapshots = books(recorded_data)
    ours, states = books_of(played(gate_books({each: each for each in snapshots}), frames, snapshots.__getitem__))

    assert states > 100
    assert ours == {each: rebuilt(frames, each, snapshots[each]) for each in ours}


def rebuilt(frames, symbol, body):
    sides = [{float(p): float(s) for p, s in body[name]} for name in ("bids", "asks")]
    for frame in frames:
        if book_of(frame) == symbol and frame["result"]["u"] > body["id"]:
            for side, name in zip(sides, "ba", strict=True):
                for price, size in frame["result"][name]:
                    side[float(price)] = float(size)
                    if not float(size):
                        del side[float(price)]
    return tuple(sides)


@pytest.mark.parametrize("trials", TRIALS)
def test_a_lost_message_is_noticed(recorded_data, trials):
    """Ccxt's own channel checks nothing."""
    frames, snapshots = books(recorded_data)
    decoder = gate_books({each: each for each in snapshots})
    tried, missed = unnoticed(decoder, frames, book_of, trials, snapshots.__getitem__)

    assert tried >= 40  # the tape is short: every pair of messages that changes a book
    assert missed == []
