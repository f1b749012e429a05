"""Crypto.com: captured requests, and rows as ccxt's own comments document them."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from connectors.ccxt_venue.book_cryptocom import CryptocomOrders, cryptocom_books
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.cryptocom import Cryptocom
from connectors.ccxt_venue.decoders import BookAlive, BookBroken, BookChanged, BookWhole
from connectors.ccxt_venue.dialect import Absence, Desk, Wanted
from connectors.ccxt_venue.mapping import Names
from router.model.ids import AccountId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Lost, Refused
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.test_verdict import judged

NAMES = Names(symbol_by_id={"BTC_USDT": "BTC/USDT"}, id_by_symbol={"BTC/USDT": "BTC_USDT"}, asset_by_id={})
DESK = Desk(account=AccountId("cryptocom/main"), names=NAMES)
NOW_NS = NOW_MS * 1_000_000
ROW = {
    "order_id": "6530219477767564494",
    "client_oid": spelled("cryptocom"),
    "side": "BUY",
    "quantity": "0.5",
    "limit_price": "60000",
    "cumulative_quantity": "0.2",
    "status": "CANCELED",
    "instrument_name": "BTC_USDT",
    "create_time_ns": str(NOW_NS),
}
TRADE = {
    "side": "BUY",
    "instrument_name": "BTC_USDT",
    "fees": "-0.0002",
    "trade_id": "6142909898247428343",
    "traded_price": "60000",
    "traded_quantity": "0.2",
    "fee_instrument_name": "BTC",
    "client_oid": spelled("cryptocom"),
    "taker_side": "TAKER",
    "order_id": ROW["order_id"],
    "create_time_ns": str(NOW_NS),
}


def answering(*results):
    """An `Ask` that answers with results in order, then with empty lists, and remembers."""
    left, asked = list(results), []

    async def ask(endpoint, params):
        asked.append((endpoint, params))
        result = left.pop(0) if left else {"data": []}
        if isinstance(result, Exception):
            raise result
        return {"id": 1, "code": 0, "result": result}

    ask.asked = asked
    return ask


def wanted():
    return Wanted(child=child_at("cryptocom"), venue_order_id=None, since_ns=Nanos(NOW_NS - 60_000_000_000))


async def test_our_id_goes_out_by_the_venues_name_everywhere():
    """Ccxt drops clientOrderId: the order would go out without an id, the look-up and the cancel with an empty one."""
    offline = Offline("cryptocom", Cryptocom())
    await offline.place(child_at("cryptocom"))
    await offline.dialect.cancel(offline.ask, offline.desk, child_at("cryptocom"), None)
    order, cancel = (each.fields["params"] for each in offline.sent)

    assert order["client_oid"] == OUR_ID
    assert cancel == {"client_oid": OUR_ID}


@pytest.mark.parametrize(
    ("code", "outcome"), [(306, Refused), (415, Refused), (40102, Refused), (10001, Lost), (43004, Lost), (999, Lost)]
)
def test_codes_prove_what_was_reviewed(code, outcome):
    """43004 says that an IOC was cancelled unfilled: of an order that existed, so it is looked up."""
    body = {"id": 1, "method": "private/create-order", "code": code, "message": "x"}
    assert isinstance(judged("cryptocom", 400, body), outcome)


async def test_the_remainder_of_an_ioc_is_cancelled_with_what_it_did():
    order = await Cryptocom().find(answering(ROW), DESK, wanted())

    assert (order.client_id, order.status, order.side) == (OUR_ID, VenueOrderStatus.CANCELLED, Side.BUY)
    assert (order.quantity, order.executed) == (Decimal("0.5"), Decimal("0.2"))
    assert order.venue_time_ns == NOW_NS


async def test_an_order_that_was_accepted_may_be_rejected_afterwards():
    order = await Cryptocom().find(answering({**ROW, "status": "REJECTED", "cumulative_quantity": "0"}), DESK, wanted())

    assert order.status is VenueOrderStatus.REJECTED


async def test_absence_is_witnessed_by_both_lists_and_the_trades():
    ask = answering(VenueSaid(400, "40401", "NOT_FOUND"), {"data": []}, {"data": []}, {"data": [TRADE]})
    absence = await Cryptocom().find(ask, DESK, wanted())

    assert isinstance(absence, Absence)
    assert [trade.venue_order_id for trade in absence.strangers] == [ROW["order_id"]]
    assert all(
        "start_time" in params for endpoint, params in ask.asked if "History" in endpoint or "Trades" in endpoint
    )


async def test_trades_cannot_be_asked_for_by_order():
    """So the instrument's are, and cut to the order's."""
    order = await Cryptocom().find(answering(ROW), DESK, wanted())
    ask = answering({"data": [TRADE, {**TRADE, "trade_id": "2", "order_id": "9"}]})
    (trade,) = await Cryptocom().trades_of(ask, DESK, order, Nanos(0))

    assert (trade.trade_id, trade.client_id, trade.maker) == (TRADE["trade_id"], OUR_ID, False)
    assert [(fee.asset, fee.amount) for fee in trade.fees] == [("BTC", Decimal("0.0002"))]
    assert ask.asked[0][1]["start_time"] == NOW_NS


async def test_a_full_page_is_not_the_last():
    page = [{**TRADE, "trade_id": str(place), "create_time_ns": str(NOW_NS - place)} for place in range(100)]
    ask = answering({"data": page}, {"data": [{**TRADE, "trade_id": "x"}]})
    trades = await Cryptocom().trades_since(ask, DESK, [], Nanos(NOW_NS), Nanos(0))

    assert len(trades) == 101
    assert ask.asked[1][1]["end_time"] == NOW_NS - 99 + 1


async def test_what_is_reserved_is_not_free():
    wallet = {"position_balances": [{"instrument_name": "BTC", "quantity": "2", "reserved_qty": "0.5"}]}
    (balance,) = await Cryptocom().balances(answering({"data": [wallet]}), DESK)

    assert (balance.total, balance.free) == (Decimal(2), Decimal("1.5"))


async def test_the_clock_is_the_date_of_an_answer():
    """No call tells the time."""
    exchange = SimpleNamespace(last_response_headers={"Date": "Thu, 20 Nov 2025 00:53:20 GMT"})
    assert await Cryptocom().server_time(answering(), exchange) == (1_763_600_000 * 10**9, 10**9)
    with pytest.raises(AnswerUnusable, match="no date"):
        await Cryptocom().server_time(answering(), SimpleNamespace(last_response_headers={}))


def whole(number=10):
    book = {"bids": [["60000", "1", "1"]], "asks": [["60010", "1", "1"]], "t": 1, "u": number}
    return {"method": "subscribe", "result": {"instrument_name": "BTC_USDT", "channel": "book", "data": [book]}}


def change(before, number, bids=()):
    data = {"update": {"bids": [*bids], "asks": []}, "t": 1, "u": number, "pu": before}
    return {"method": "subscribe", "result": {"instrument_name": "BTC_USDT", "channel": "book.update", "data": [data]}}


def test_a_book_is_a_snapshot_and_changes_that_name_the_one_before():
    decoder = cryptocom_books({"BTC_USDT": "BTC/USDT"})
    frames = [whole(), change(10, 17, [["60000", "2", "1"]]), change(17, 40)]
    heard = [signal for frame in frames for signal in decoder.take(frame)]

    assert [type(each) for each in heard] == [BookWhole, BookChanged, BookChanged]
    assert heard[1].bids == [(60000.0, 2.0)]


def test_a_lost_message_is_noticed():
    """By the next one. In ccxt its handler raises, and its receive loop ends in silence."""
    for lost in range(200):
        decoder = cryptocom_books({"BTC_USDT": "BTC/USDT"})
        decoder.take(whole(1000))
        for place in range(lost):
            decoder.take(change(1000 + 7 * place, 1007 + 7 * place))
        (signal,) = decoder.take(change(1007 + 7 * lost, 1014 + 7 * lost))
        assert isinstance(signal, BookBroken)
        assert (
            list(decoder.take(change(1014 + 7 * lost, 1021 + 7 * lost))) == []
        )  # nothing is believed until a snapshot


def test_what_is_old_is_dropped_and_still_shows_that_the_stream_lives():
    decoder = cryptocom_books({"BTC_USDT": "BTC/USDT"})
    decoder.take(whole(50))

    assert [type(signal) for signal in decoder.take(change(20, 30))] == [BookAlive]


def test_a_refusal_ends_the_connection():
    refusal = {"id": 0, "code": 10004, "method": "subscribe", "message": "invalid channel"}
    for decoder in (cryptocom_books({}), CryptocomOrders()):
        with pytest.raises(AnswerUnusable, match="10004"):
            decoder.take(refusal)


def test_a_private_frame_names_its_order():
    frame = {"method": "subscribe", "result": {"channel": "user.order", "subscription": "user.order", "data": [ROW]}}
    (touched,) = CryptocomOrders().take(frame)

    assert (touched.client_id, touched.venue_order_id) == (OUR_ID, ROW["order_id"])
    assert CryptocomOrders().take({"id": 1, "method": "public/heartbeat", "code": 0}) is None  # ccxt answers it
