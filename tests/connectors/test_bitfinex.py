"""Bitfinex: captured requests, rows as ccxt's own comments document them, and a real tape with numbers."""

import json
from decimal import Decimal

import pytest

from connectors.ccxt_venue.bitfinex import Bitfinex, BitfinexClient, tick_of
from connectors.ccxt_venue.book_bitfinex import BitfinexBooks, BitfinexOrders
from connectors.ccxt_venue.calls import AnswerUnusable, CallKind
from connectors.ccxt_venue.dialect import Absence, Desk, Wanted
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.wire import Transmission, carrying
from router.model.ids import AccountId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Lost, Refused
from router.model.rounding import on_grid
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.tapes import TRIALS, books_of, played, tape, unnoticed
from tests.connectors.test_verdict import judged

TAPE = "bitfinex_20210417T163903Z"
NAMES = Names(
    symbol_by_id={"tBTCUST": "BTC/USDT"},
    id_by_symbol={"BTC/USDT": "tBTCUST"},
    asset_by_id={"UST": "USDT", "BTC": "BTC"},
)
DESK = Desk(account=AccountId("bitfinex/main"), names=NAMES)
CID = int(spelled("bitfinex"))


def order_row(
    number=77, cid=CID, amount=0.5, left=0.3, price=60000, status="IOC CANCELED was: PARTIALLY FILLED @ 60000(0.2)"
):
    row = [None] * 32
    row[0:9] = [number, None, cid, "tBTCUST", NOW_MS, NOW_MS, left, amount, "EXCHANGE IOC"]
    row[13], row[16], row[17] = status, price, price
    return row


TRADE = [402088407, "tBTCUST", NOW_MS, 77, 0.2, 60000, None, None, -1, -0.0004, "BTC", CID]


def answering(*answers):
    """An `Ask` that answers in order, then with empty lists, and remembers."""
    left, asked = list(answers), []

    async def ask(endpoint, params):
        asked.append((endpoint, params))
        return left.pop(0) if left else []

    ask.asked = asked
    return ask


def wanted():
    since = Nanos((NOW_MS - 60_000) * 1_000_000)
    return Wanted(child=child_at("bitfinex"), venue_order_id=None, since_ns=since)


async def test_our_id_goes_out_as_an_integer():
    """Ccxt lets a text through as cid, which the venue does not read."""
    (sent,) = await Offline("bitfinex", Bitfinex()).place(child_at("bitfinex"))

    assert sent.fields["cid"] == CID
    assert 0 <= CID < 2**45


async def test_an_order_of_the_same_cid_but_other_terms_is_not_ours():
    """45 bits repeat: side, quantity, price, symbol and time have to agree as well."""
    ours = await Bitfinex().find(answering([], [order_row()]), DESK, wanted())
    assert (ours.client_id, ours.status) == (OUR_ID, VenueOrderStatus.CANCELLED)
    assert (ours.quantity, ours.executed, ours.side) == (Decimal("0.5"), Decimal("0.2"), Side.BUY)

    others = [order_row(amount=-0.5, left=-0.3), order_row(amount=0.6), order_row(price=60001), order_row(cid=CID + 1)]
    for other in others:
        assert isinstance(await Bitfinex().find(answering([], [other]), DESK, wanted()), Absence)


async def test_two_orders_that_agree_in_everything_are_a_doubt():
    """Nothing stops a second copy here: then nobody can say which is ours."""
    with pytest.raises(AnswerUnusable, match="two orders"):
        await Bitfinex().find(answering([order_row(1)], [order_row(2)]), DESK, wanted())


async def test_an_order_in_both_lists_is_one_order():
    order = await Bitfinex().find(answering([order_row()], [order_row()]), DESK, wanted())

    assert order.venue_order_id == "77"


async def test_absence_is_witnessed_by_both_lists_and_the_trades():
    ask = answering([], [], [TRADE])
    absence = await Bitfinex().find(ask, DESK, wanted())

    assert isinstance(absence, Absence)
    assert [trade.venue_order_id for trade in absence.strangers] == ["77"]


async def test_a_price_of_six_digits_is_not_sent():
    """Five significant digits: on the grid we take there are never more, up to twice today's price."""
    for last in (0.00001234, 0.5, 9.9, 3051.2, 60000, 99000):
        tick = Decimal(tick_of(last))
        for price in (last, last * 1.37, last * 1.999):
            snapped = Decimal(repr(price)) // tick * tick
            digits = "".join(map(str, snapped.normalize().as_tuple().digits))
            assert on_grid(snapped, tick)
            assert len(digits) <= 5 or tick == Decimal("1e-8")
    assert tick_of(None) is None


async def test_what_was_checked_is_sent_as_it_is():
    """Ccxt would cut it to its own idea of the market."""
    (sent,) = await Offline("bitfinex", Bitfinex()).place(
        child_at("bitfinex", quantity=Decimal("0.12345678"), limit_price=Decimal(60010))
    )

    assert (sent.fields["amount"], sent.fields["price"]) == ("0.12345678", "60010")


async def test_a_refusal_under_500_is_the_venues_own_word():
    """["error", code, text]; anything else under 500 proves nothing, as everywhere."""
    client = BitfinexClient({}, lab_only=True)
    told = {}
    for body in ('["error",10001,"Invalid order: not enough exchange balance"]', "<html>", "[]", '["error"]'):
        transmission = Transmission(CallKind.PLACE)
        with carrying(transmission):
            client.on_rest_response(500, "", "", "POST", {}, body, {}, None)
        told[body] = (transmission.status, transmission.body)
    await client.close()

    (status, recorded), *others = told.values()
    assert (status, json.loads(recorded)["answer"][1]) == (400, 10001)
    assert [each[0] for each in others] == [500, 500, 500]
    assert isinstance(judged("bitfinex", status, recorded), Refused)


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        (10001, "Invalid order: minimum size for BTCUST is 0.00006", Refused),
        (10001, "Invalid order: something new", Lost),
        (10114, "nonce: small", Refused),
        (20060, "maintenance", Lost),
        (10000, "unknown", Lost),
    ],
)
def test_one_code_with_many_meanings_is_read_by_its_words(code, text, outcome):
    assert isinstance(judged("bitfinex", 400, {"answer": ["error", code, text]}), outcome)


def test_a_notification_that_is_no_success_proves_nothing_by_itself():
    body = {"answer": [1, "on-req", None, None, [], None, "ERROR", "Invalid order"]}
    assert isinstance(judged("bitfinex", 200, body), Lost)


async def test_a_cancel_without_the_venues_id_names_cid_and_day():
    """The day is that of the decision, in UTC; ccxt's own cancel needs it spelled out by the caller."""
    ask = answering([1, "oc-req", None, None, [], None, "SUCCESS", "ok"])
    assert await Bitfinex().cancel(ask, DESK, child_at("bitfinex"), None) is None
    assert ask.asked[0][1] == {"cid": CID, "cid_date": "2025-11-20"}


async def test_only_the_exchange_wallet_counts():
    wallets = [["exchange", "UST", 100.5, 0, 90, None], ["margin", "UST", 7, 0, 7, None]]
    (balance,) = await Bitfinex().balances(answering(wallets), DESK)
    assert (balance.asset, balance.total, balance.free) == ("USDT", Decimal("100.5"), Decimal(90))

    with pytest.raises(AnswerUnusable):  # what is available is not told until it is calculated
        await Bitfinex().balances(answering([["exchange", "UST", 100.5, 0, None, None]]), DESK)


async def test_a_fee_written_as_a_change_of_the_balance_is_what_was_paid():
    order = await Bitfinex().find(answering([], [order_row()]), DESK, wanted())
    (trade,) = await Bitfinex().trades_of(answering([TRADE]), DESK, order, Nanos(0))

    assert [(fee.asset, fee.amount) for fee in trade.fees] == [("BTC", Decimal("0.0004"))]
    assert (trade.maker, trade.side) == (False, Side.BUY)


async def test_the_dearest_rate_counts():
    """To crypto, stable or fiat: which a quote counts as is not told."""
    summary = [None, None, None, None, [[0.001] * 6, [0.002, 0.0019, 0.0025, None, None, 0.0006]]]
    assert await Bitfinex().taker_fees_bps(answering(summary), DESK, ["BTC/USDT"]) == {"BTC/USDT": Decimal(25)}


async def test_an_unknown_status_makes_the_answer_unusable():
    with pytest.raises(AnswerUnusable, match="not known"):
        await Bitfinex().open_orders(answering([order_row(status="SOMETHING NEW")]), DESK)


async def test_numbers_are_asked_for_before_books():
    """Without the flag nothing could be checked."""
    offline = Offline("bitfinex", Bitfinex())
    asked = []

    async def watch(_url, _hash, message=None, *_args):
        asked.append(message)
        raise RuntimeError

    offline.exchange.watch = watch
    with pytest.raises(RuntimeError):
        await Bitfinex().watch_books(offline.exchange, ["BTC/USDT"])
    await offline.exchange.close()

    assert asked[0] == {"event": "conf", "flags": 65536}
    assert (asked[1]["channel"], asked[1]["len"]) == ("book", 100)


def test_refusals_end_the_connection():
    with pytest.raises(AnswerUnusable, match="10300"):
        BitfinexBooks({}).take({"event": "error", "code": 10300, "msg": "subscribe: failed"})
    with pytest.raises(AnswerUnusable, match="refused"):
        BitfinexBooks({}).take({"event": "conf", "status": "FAILED"})
    with pytest.raises(AnswerUnusable, match="apikey"):
        BitfinexOrders().take({"event": "auth", "status": "FAILED", "code": 10100, "msg": "apikey: invalid"})


def test_private_frames_name_their_orders():
    decoder = BitfinexOrders()

    assert [each.venue_order_id for each in decoder.take([0, "oc", order_row()])] == ["77"]
    assert [each.venue_order_id for each in decoder.take([0, "te", TRADE])] == ["77"]
    assert decoder.take({"event": "auth", "status": "OK"}) is None
    assert decoder.confirms({"event": "auth", "status": "OK"})


def numbered(recorded_data):
    """Frames of one connection: the tape may hold several, each with numbers of its own."""
    entries = [entry for entry in tape(recorded_data, TAPE) if entry["k"] == "recv"]
    by_connection = {entry["c"]: [] for entry in entries}
    for entry in entries:
        by_connection[entry["c"]].append(entry["frame"])
    return by_connection.values()


def names_in(frames):
    return {f["symbol"]: f["symbol"] for f in frames if isinstance(f, dict) and f.get("channel") == "book"}


def test_every_number_of_a_real_tape_follows_the_last(recorded_data):
    for frames in numbered(recorded_data):
        names = names_in(frames)
        ours, states = books_of(played(BitfinexBooks(names), frames))
        assert states > 1000
        assert ours == {name: rebuilt(frames, name) for name in ours}


def rebuilt(frames, name):
    channels = {
        f["chanId"] for f in frames if isinstance(f, dict) and f.get("symbol") == name and f["channel"] == "book"
    }
    bids, asks = {}, {}
    for frame in frames:
        if not isinstance(frame, list) or frame[0] not in channels or not isinstance(frame[1], list):
            continue
        rows = frame[1] if not frame[1] or isinstance(frame[1][0], list) else [frame[1]]
        for price, count, amount in rows:
            side = bids if amount > 0 else asks
            side[float(price)] = float(abs(amount))
            if not count:
                del side[float(price)]
    return bids, asks


@pytest.mark.parametrize("trials", TRIALS)
def test_a_lost_message_is_noticed(recorded_data, trials):
    """By the next one of the connection, whatever its channel."""
    for frames in numbered(recorded_data):
        names = names_in(frames)
        books = {f["chanId"] for f in frames if isinstance(f, dict) and f.get("channel") == "book"}

        def connection_of(frame, books=books):
            return "it" if isinstance(frame, list) and frame[0] in books else None

        tried, missed = unnoticed(BitfinexBooks(names), frames, connection_of, trials)
        assert tried >= 40
        assert missed == []
