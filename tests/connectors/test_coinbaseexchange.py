"""Coinbase Exchange: captured requests, recorded payloads, and a real tape."""

import json
from decimal import Decimal

import pytest

from connectors.ccxt_venue.book_coinbaseexchange import CoinbaseexchangeBooks, CoinbaseexchangeOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.coinbaseexchange import Coinbaseexchange
from connectors.ccxt_venue.decoders import BookAlive, BookBroken
from connectors.ccxt_venue.dialect import Absence, Desk, Wanted
from connectors.ccxt_venue.mapping import Names
from router.model.ids import AccountId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Accepted, Lost, Refused
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.tapes import books_of, played, received, tape
from tests.connectors.test_verdict import judged

TAPE = "coinbase_20210417T164336Z"
NAMES = Names(symbol_by_id={"BTC-USDT": "BTC/USDT"}, id_by_symbol={"BTC/USDT": "BTC-USDT"}, asset_by_id={})
DESK = Desk(account=AccountId("coinbaseexchange/main"), names=NAMES)
ROW = {
    "id": "d0c5340b-6d6c-49d9-b567-48c4bfca13d2",
    "client_oid": spelled("coinbaseexchange"),
    "price": "60000.00",
    "size": "0.5",
    "product_id": "BTC-USDT",
    "side": "buy",
    "created_at": "2025-11-20T00:53:20.5Z",
    "filled_size": "0.2",
    "status": "done",
    "done_reason": "canceled",
}


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
    since = Nanos((NOW_MS - 60_000) * 1_000_000)
    return Wanted(child=child_at("coinbaseexchange"), venue_order_id=None, since_ns=since)


@pytest.fixture
def recorded(recorded_data):
    folder = recorded_data / "rest-recordings" / "xchange" / "xchange-coinbasepro"
    if not folder.is_dir():
        pytest.skip("no recorded payloads of Coinbase Exchange")
    return lambda path: json.loads((folder / path).read_text())


async def test_a_cancel_names_the_venues_own_product():
    """Ccxt's cancel_order writes BTC/USDT, which no product is called."""
    offline = Offline("coinbaseexchange", Coinbaseexchange())
    await offline.dialect.cancel(offline.ask, offline.desk, child_at("coinbaseexchange"), None)
    (sent,) = offline.sent

    assert (sent.method, sent.path) == ("DELETE", f"/orders/client:{spelled('coinbaseexchange')}")
    assert sent.fields == {"product_id": "BTC-USDT"}


async def test_absence_needs_the_list_and_the_fills():
    """404 is said of an order that never was, and of one that was cancelled unfilled."""
    ask = answering(VenueSaid(404, "404", "NotFound"))
    absence = await Coinbaseexchange().find(ask, DESK, wanted())

    assert isinstance(absence, Absence)
    assert [endpoint for endpoint, _ in ask.asked] == [
        "privateGetOrdersClientClientOid",
        "privateGetOrders",
        "privateGetFills",
    ]
    assert ask.asked[1][1]["status"] == "all"


async def test_the_remainder_of_an_ioc_is_cancelled_with_what_it_did():
    order = await Coinbaseexchange().find(answering(ROW), DESK, wanted())

    assert (order.client_id, order.status, order.side) == (OUR_ID, VenueOrderStatus.CANCELLED, Side.BUY)
    assert (order.quantity, order.executed) == (Decimal("0.5"), Decimal("0.2"))


def test_a_sentence_is_a_code():
    """There are no others: those that were reviewed are refusals, the rest proves nothing."""
    assert isinstance(judged("coinbaseexchange", 400, {"message": "Insufficient funds"}), Refused)
    assert judged("coinbaseexchange", 429, {"message": "Private rate limit exceeded"}).transient
    for sentence in ("Internal server error", "client_oid must be unique", "NotFound"):
        assert isinstance(judged("coinbaseexchange", 400, {"message": sentence}), Lost)
    assert isinstance(judged("coinbaseexchange", 404, {"message": "NotFound"}), Lost)


def test_an_order_rejected_in_its_answer_is_looked_up():
    body = {"id": "1", "client_oid": "c-1", "product_id": "BTC-USD", "status": "rejected"}
    assert isinstance(judged("coinbaseexchange", 200, body), Lost)
    assert isinstance(judged("coinbaseexchange", 200, {**body, "client_oid": "another", "status": "open"}), Lost)


async def test_recorded_orders_are_read(recorded):
    """As documented and as listed: pending, open, done, settled."""
    folder = "org/knowm/xchange/coinbasepro/dto/order/example-limit-order"
    expected = {
        "new": VenueOrderStatus.OPEN,
        "pending": VenueOrderStatus.OPEN,
        "filled": VenueOrderStatus.FILLED,
        "settled": VenueOrderStatus.FILLED,
    }
    for name, status in expected.items():
        order = await Coinbaseexchange().find(answering(recorded(f"{folder}-{name}.json")), DESK, wanted())
        assert order.status is status, name


async def test_recorded_fills_are_read(recorded):
    body = recorded("org/knowm/xchange/coinbasepro/dto/trade/example-fills.json")
    fills = await Coinbaseexchange().trades_since(answering(body), DESK, ["BTC/USDT"], Nanos(0), Nanos(0))

    assert {fill.trade_id for fill in fills} == {str(each["trade_id"]) for each in body}
    assert {sum(fee.amount for fee in fill.fees) for fill in fills} == {Decimal(each["fee"]) for each in body}


def test_a_recorded_rejection_is_no_acceptance(recorded):
    body = recorded("org/knowm/xchange/coinbasepro/dto/trade/example-order-entry-reject.json")
    assert not isinstance(judged("coinbaseexchange", 400, body), Accepted)


async def test_older_fills_are_asked_for_by_trade_id():
    page = [fill(2000 - place) for place in range(1000)]
    ask = answering(page, [fill(7)])
    fills = await Coinbaseexchange().trades_since(ask, DESK, ["BTC/USDT"], Nanos(0), Nanos(0))

    assert len(fills) == 1001
    assert ask.asked[1][1]["after"] == 1001
    with pytest.raises(AnswerUnusable, match="do not end"):
        await Coinbaseexchange().trades_since(answering(page, page), DESK, ["BTC/USDT"], Nanos(0), Nanos(0))


def fill(number):
    return {
        "trade_id": number,
        "product_id": "BTC-USDT",
        "order_id": "o",
        "side": "buy",
        "price": "60000",
        "size": "0.1",
        "fee": "1",
        "liquidity": "T",
        "created_at": "2025-11-20T00:53:20Z",
    }


async def test_the_book_channel_wants_no_key_and_beats():
    """Ccxt's own level2 is signed, and the instance for books has no key."""
    offline = Offline("coinbaseexchange", Coinbaseexchange())
    asked = []

    async def watch_multiple(_url, _hashes, request, _subscribe, _subscription=None):
        asked.append(request)

    offline.exchange.watch_multiple = watch_multiple
    await Coinbaseexchange().watch_books(offline.exchange, ["BTC/USDT"])
    await offline.exchange.watch_orders()

    assert asked[0] == {"type": "subscribe", "product_ids": ["BTC-USDT"], "channels": ["level2_batch", "heartbeat"]}
    assert (asked[1]["channels"], asked[1]["product_ids"]) == (["user"], ["BTC-USDT"])
    assert "signature" in asked[1]


def snapshot():
    return {"type": "snapshot", "product_id": "BTC-USDT", "bids": [["60000", "1"]], "asks": [["60010", "1"]]}


def test_a_book_that_crosses_is_broken():
    """The one thing a lost change does that shows: the channel carries no number."""
    decoder = CoinbaseexchangeBooks({"BTC-USDT": "BTC/USDT"})
    decoder.take(snapshot())
    change = {"type": "l2update", "product_id": "BTC-USDT", "changes": [["buy", "60010", "1"]]}
    (broken,) = decoder.take(change)

    assert isinstance(broken, BookBroken)
    assert list(decoder.take(change)) == []


def test_a_quiet_book_is_held_against_rest():
    decoder = CoinbaseexchangeBooks({"BTC-USDT": "BTC/USDT"})
    decoder.take(snapshot())

    assert decoder.agrees("BTC/USDT", {"bids": [["60000", "1", 1]], "asks": [["60010", "1", 1]]})
    assert not decoder.agrees("BTC/USDT", {"bids": [["60000", "1", 1]], "asks": [["60010", "2", 1]]})
    assert isinstance(next(iter(decoder.take({"type": "heartbeat", "product_id": "BTC-USDT"}))), BookAlive)


def test_an_error_frame_ends_the_connection():
    """Ccxt calls its handler with it, which raises, and its receive loop ends."""
    for decoder in (CoinbaseexchangeBooks({}), CoinbaseexchangeOrders()):
        with pytest.raises(AnswerUnusable, match="Authentication Failed"):
            decoder.take({"type": "error", "message": "Authentication Failed", "reason": "x"})


def test_a_private_frame_names_its_order():
    (touched,) = CoinbaseexchangeOrders().take({"type": "done", "order_id": "o-1", "reason": "canceled"})

    assert touched.venue_order_id == "o-1"
    assert CoinbaseexchangeOrders().confirms({"type": "subscriptions", "channels": [{"name": "user"}]})


def test_a_real_tape_ends_in_the_books_of_a_rebuild(recorded_data):
    frames = received(tape(recorded_data, TAPE))
    names = {frame["product_id"]: frame["product_id"] for frame in frames if frame.get("type") == "snapshot"}
    ours, states = books_of(played(CoinbaseexchangeBooks(names), frames))

    assert states > 9000
    assert ours == {name: rebuilt(frames, name) for name in names}


def rebuilt(frames, name):
    sides = {"buy": {}, "sell": {}}
    for frame in frames:
        if frame.get("product_id") != name or frame.get("type") not in {"snapshot", "l2update"}:
            continue
        if frame["type"] == "snapshot":
            sides = {
                "buy": {float(p): float(s) for p, s in frame["bids"]},
                "sell": {float(p): float(s) for p, s in frame["asks"]},
            }
        for side, price, size in frame.get("changes", ()):
            sides[side][float(price)] = float(size)
            if not float(size):
                del sides[side][float(price)]
    return sides["buy"], sides["sell"]
