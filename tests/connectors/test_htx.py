"""HTX: captured requests, and rows as ccxt's own comments document them."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue.book_htx import HtxOrders, htx_books
from connectors.ccxt_venue.calls import AnswerUnusable, Forbidden, VenueSaid
from connectors.ccxt_venue.decoders import BookBroken, BookChanged, BookWhole
from connectors.ccxt_venue.dialect import Absence, Desk, Wanted
from connectors.ccxt_venue.htx import Htx
from connectors.ccxt_venue.mapping import Names
from router.model.ids import AccountId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Lost, Refused
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.test_verdict import judged

NAMES = Names(
    symbol_by_id={"btcusdt": "BTC/USDT"},
    id_by_symbol={"BTC/USDT": "btcusdt"},
    asset_by_id={"btc": "BTC", "usdt": "USDT", "ht": "HT"},
)
DESK = Desk(account=AccountId("htx/main"), names=NAMES)
ROW = {
    "id": 13997833014,
    "symbol": "btcusdt",
    "client-order-id": spelled("htx"),
    "amount": "0.5",
    "price": "60000",
    "created-at": NOW_MS,
    "type": "buy-ioc",
    "field-amount": "0.2",
    "state": "partial-canceled",
}
MATCH = {
    "symbol": "btcusdt",
    "fee-currency": "btc",
    "filled-fees": "0",
    "id": 83789509854000,
    "type": "buy-ioc",
    "order-id": 13997833014,
    "filled-points": "0.0058",
    "fee-deduct-currency": "ht",
    "filled-amount": "0.2",
    "price": "60000",
    "created-at": NOW_MS,
    "role": "taker",
    "trade-id": 100050305348,
}


def answering(**by_part):
    """An `Ask` that answers by a part of the endpoint's name, with the clock and empty lists beside, and remembers."""
    asked = []

    async def ask(endpoint, params):
        asked.append((endpoint, params))
        if endpoint.endswith("Timestamp"):
            return {"status": "ok", "data": NOW_MS}
        answer = next((value for name, value in by_part.items() if endpoint.endswith(name)), [])
        if isinstance(answer, Exception):
            raise answer
        return {"status": "ok", "data": answer}

    ask.asked = asked
    return ask


def wanted(ago_ms=60_000):
    since = Nanos((NOW_MS - ago_ms) * 1_000_000)
    return Wanted(child=child_at("htx"), venue_order_id=None, since_ns=since)


async def test_an_order_never_asks_for_the_accounts():
    """They are read with the markets; if they were not, nothing is sent at all."""
    offline = Offline("htx", Htx())
    offline.exchange.shared.clear()
    with pytest.raises(Forbidden, match="never read"):
        await offline.place(child_at("htx"))

    assert offline.sent == []


async def test_the_accounts_are_read_once_and_shared():
    """By the instance that reads the markets, for the one that places."""
    reader, placer = Offline("htx", Htx()), Offline("htx", Htx())
    Htx().share(reader.exchange, placer.exchange)

    async def answer(*_args, **_kwargs):
        reader.sent.append("accounts")
        return {"status": "ok", "data": [{"id": 7, "type": "spot", "subtype": "", "state": "working"}]}

    reader.exchange.fetch = answer
    await reader.exchange.load_markets()
    await reader.exchange.load_markets()
    (sent,) = await placer.place(child_at("htx"))

    assert reader.sent == ["accounts"]
    assert sent.fields["account-id"] == "7"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("account-frozen-balance-insufficient-error", Refused),
        ("order-value-min-error", Refused),
        ("base-request-exceed-frequency-limit", Refused),
        ("order-update-error", Lost),
        ("timeout", Lost),
        ("gateway-internal-error", Lost),
        ("something-new", Lost),
    ],
)
def test_codes_prove_what_was_reviewed(code, outcome):
    body = {"status": "error", "err-code": code, "err-msg": "x", "data": None}
    assert isinstance(judged("htx", 200, body), outcome)


def test_an_answer_whose_id_is_no_number_is_lost():
    assert isinstance(judged("htx", 200, {"status": "ok", "data": "ok"}), Lost)


async def test_the_remainder_of_an_ioc_is_cancelled_with_what_it_did():
    order = await Htx().find(answering(GetClientOrder=ROW), DESK, wanted())

    assert (order.client_id, order.status, order.side) == (OUR_ID, VenueOrderStatus.CANCELLED, Side.BUY)
    assert (order.quantity, order.executed) == (Decimal("0.5"), Decimal("0.2"))


async def test_two_hours_after_its_end_only_the_lists_know_an_order():
    ask = answering(GetClientOrder=VenueSaid(200, "base-record-invalid", "record invalid"), OrderOrders=[ROW])
    order = await Htx().find(ask, DESK, wanted())

    assert order.venue_order_id == "13997833014"


async def test_absence_is_witnessed_by_both_lists_and_the_trades():
    unknown = VenueSaid(200, "base-record-invalid", "record invalid")
    absence = await Htx().find(answering(GetClientOrder=unknown, Matchresults=[MATCH]), DESK, wanted())

    assert isinstance(absence, Absence)
    assert [trade.venue_order_id for trade in absence.strangers] == ["13997833014"]


async def test_a_list_that_answers_for_two_days_is_asked_window_by_window():
    """And for cancelled orders, too: ccxt's closed orders are the filled ones."""
    unknown = VenueSaid(200, "base-record-invalid", "record invalid")
    ask = answering(GetClientOrder=unknown)
    await Htx().find(ask, DESK, wanted(ago_ms=5 * 86_400_000))
    windows = [p for endpoint, p in ask.asked if endpoint.endswith("OrderOrders")]

    assert len(windows) == 3
    assert windows[-1]["end-time"] >= NOW_MS
    assert all(each["end-time"] - each["start-time"] <= 48 * 3_600_000 for each in windows)
    assert all(set(each["states"].split(",")) == {"filled", "canceled", "partial-canceled"} for each in windows)


async def test_a_fee_paid_in_tokens_is_a_fee():
    """`filled-fees` is zero then, and the points are in another currency."""
    order = await Htx().find(answering(GetClientOrder=ROW), DESK, wanted())
    (trade,) = await Htx().trades_of(answering(Matchresults=[MATCH]), DESK, order, Nanos(0))

    assert [(fee.asset, fee.amount) for fee in trade.fees] == [("HT", Decimal("0.0058"))]
    assert (trade.side, trade.maker, trade.quantity) == (Side.BUY, False, Decimal("0.2"))


async def test_what_is_frozen_is_not_free():
    rows = [
        {"currency": "btc", "type": "trade", "balance": "1.5"},
        {"currency": "btc", "type": "frozen", "balance": "0.5"},
    ]
    ask = answering(AccountAccounts=[{"id": 1, "type": "spot"}, {"id": 2, "type": "point"}], Balance={"list": rows})
    (balance,) = await Htx().balances(ask, DESK)

    assert (balance.asset, balance.total, balance.free) == ("BTC", Decimal(2), Decimal("1.5"))


async def test_any_key_of_the_user_that_may_withdraw_is_one_too_many():
    """Which of them is ours cannot be told."""
    for granted, may in ((["readOnly,trade"], False), (["readOnly,trade", "readOnly,withdraw"], True)):
        ask = answering(UserUid=63628520, ApiKey=[{"permission": each} for each in granted])
        assert (await Htx().key_powers(ask)).may_withdraw is may


def whole(number):
    data = {"seqNum": number, "bids": [[60000.0, 1.0]], "asks": [[60010.0, 1.0]]}
    return {"id": "1", "rep": "market.btcusdt.mbp.150", "status": "ok", "data": data}


def change(before, number, bids=([60000.0, 2.0],)):
    tick = {"seqNum": number, "prevSeqNum": before, "bids": [*bids], "asks": []}
    return {"ch": "market.btcusdt.mbp.150", "ts": 1, "tick": tick}


def test_changes_wait_for_the_snapshot_and_join_it_by_number():
    decoder = htx_books({"btcusdt": "BTC/USDT"})
    frames = [change(90, 95), change(95, 101, [[59990.0, 3.0]]), whole(95), change(101, 110)]
    heard = [list(decoder.take(frame)) for frame in frames]

    assert heard[:2] == [[], []]
    assert [type(each) for each in heard[2]] == [BookWhole]
    assert heard[2][0].bids == {60000.0: 1.0, 59990.0: 3.0}
    assert [type(each) for each in heard[3]] == [BookChanged]


def test_a_lost_message_is_noticed():
    """By the next one. In ccxt its handler raises, and its receive loop ends in silence."""
    for lost in range(200):
        decoder = htx_books({"btcusdt": "BTC/USDT"})
        decoder.take(whole(1000))
        for place in range(lost):
            decoder.take(change(1000 + 3 * place, 1003 + 3 * place))
        (signal,) = decoder.take(change(1003 + 3 * lost, 1006 + 3 * lost))
        assert isinstance(signal, BookBroken)


def test_a_snapshot_that_misses_what_waited_breaks_the_book():
    """Ccxt tries thrice and closes the socket; here the connection starts over."""
    decoder = htx_books({"btcusdt": "BTC/USDT"})
    decoder.take(change(200, 210))

    assert [type(each) for each in decoder.take(whole(95))] == [BookBroken]


def test_a_refusal_ends_the_connection():
    public = {"id": "1", "status": "error", "err-code": "bad-request", "err-msg": "invalid topic"}
    private = {"action": "sub", "code": 2001, "ch": "orders#*", "message": "invalid.auth.state"}
    for decoder, frame in ((htx_books({}), public), (HtxOrders(), private)):
        with pytest.raises(AnswerUnusable, match="refused"):
            decoder.take(frame)


def test_a_private_frame_names_its_order():
    data = {"eventType": "trade", "orderStatus": "filled", "orderId": 509835753860328, "clientOrderId": OUR_ID}
    (touched,) = HtxOrders().take({"action": "push", "ch": "orders#btcusdt", "data": data})

    assert (touched.client_id, touched.venue_order_id) == (OUR_ID, "509835753860328")
    assert HtxOrders().confirms({"action": "sub", "code": 200, "ch": "orders#*", "data": {}})
