"""KuCoin: captured requests, rows as documented, and a real tape."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from connectors.ccxt_venue.book_kucoin import KucoinOrders, kucoin_books
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.dialect import Absence, Deadline, Desk, Wanted
from connectors.ccxt_venue.kucoin import Kucoin
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.verdict import Proves
from router.model.ids import AccountId, Nanos
from router.model.orders import VenueOrderStatus
from router.model.outcomes import Exists, Lost, Refused
from router.model.side import Side
from tests.capabilities.asking import Offline, child_at
from tests.capabilities.capture import NOW_MS, OUR_ID, spelled
from tests.connectors.tapes import TRIALS, books_of, played, received, tape, unnoticed
from tests.connectors.test_verdict import judged

TAPE = "kucoin_20210425T191845Z"
NAMES = Names(
    symbol_by_id={"BTC-USDT": "BTC/USDT"}, id_by_symbol={"BTC/USDT": "BTC-USDT"}, asset_by_id={"USDT": "USDT"}
)
DESK = Desk(account=AccountId("kucoin/main"), names=NAMES)
ORDER = {  # of ccxt's own comment on hf orders, with our id
    "id": "6478cf1439bdfc0001528a1d",
    "symbol": "BTC-USDT",
    "side": "buy",
    "price": "60000",
    "size": "0.5",
    "dealSize": "0.2",
    "dealFunds": "12000",
    "clientOid": spelled("kucoin"),
    "cancelExist": True,
    "createdAt": NOW_MS,
    "active": False,
}
FILL = {
    "tradeId": 11029373945659392,
    "orderId": ORDER["id"],
    "symbol": "BTC-USDT",
    "side": "buy",
    "liquidity": "taker",
    "price": "60000",
    "size": "0.2",
    "fee": "12",
    "feeCurrency": "USDT",
    "createdAt": NOW_MS,
}


def answering(**by_endpoint: Any):
    """An `Ask` that answers by endpoint, with the venue's clock beside it, and remembers."""
    asked = []

    async def ask(endpoint, params):
        asked.append((endpoint, params))
        answer = by_endpoint.get(endpoint, {"code": "200000", "data": {"items": [], "lastId": None}})
        if endpoint == "publicGetTimestamp":
            answer = {"code": "200000", "data": NOW_MS}
        if isinstance(answer, Exception):
            raise answer
        return answer

    ask.asked = asked
    return ask


def wanted(order_id=None):
    return Wanted(child=child_at("kucoin"), venue_order_id=order_id, since_ns=Nanos((NOW_MS - 60_000) * 1_000_000))


def data(value):
    return {"code": "200000", "data": value}


async def test_the_window_counts_from_the_signatures_own_time_stamp():
    """`clientTimestamp` is KC-API-TIMESTAMP to the millisecond: the venue compares the window with it."""
    offline = Offline("kucoin", Kucoin())
    now = Nanos((NOW_MS + 37) * 1_000_000)
    (sent,) = await offline.place(child_at("kucoin"), Deadline(at_ns=Nanos(now + 2_500_000_000), now_ns=now))

    assert sent.fields["clientTimestamp"] == NOW_MS + 37
    assert sent.fields["allowMaxTimeWindow"] == 2500
    assert sent.headers["KC-API-TIMESTAMP"] == str(NOW_MS + 37)
    assert offline.exchange.nonce() == NOW_MS  # nothing of it is left for the next call


def test_an_error_under_200_is_an_error():
    """KuCoin says no in a body under 200, which ccxt's class would have to be asked for."""
    refused = judged("kucoin", 200, {"code": "200004", "msg": "Balance insufficient!"})

    assert isinstance(refused, Refused)
    assert refused.code == "200004"
    assert not refused.transient


@pytest.mark.parametrize(
    ("code", "text", "outcome"),
    [
        ("400100", "The quantity is below the minimum requirement.", Refused),
        ("400100", "clientOid duplicate", Exists),
        ("400100", "something about a parameter", Lost),
        ("126044", "clientOid duplicate", Exists),
        ("429000", "Too many requests", Refused),
        ("408000", "Network timeout", Lost),
    ],
)
def test_one_code_with_many_meanings_is_read_by_its_words(code, text, outcome):
    """400100 is any wrong parameter, a used id among them: in other words than the known it proves nothing."""
    assert isinstance(judged("kucoin", 200, {"code": code, "msg": text}), outcome)


async def test_a_cancelled_remainder_is_cancelled_with_what_it_did():
    ask = answering(privateGetHfOrdersClientOrderClientOid=data(ORDER))
    order = await Kucoin().find(ask, DESK, wanted())

    assert (order.client_id, order.status) == (OUR_ID, VenueOrderStatus.CANCELLED)
    assert (order.quantity, order.executed, order.side) == (Decimal("0.5"), Decimal("0.2"), Side.BUY)


async def test_absence_is_witnessed_by_the_lists_and_the_fills():
    """The single look-up forgets ended orders after three days: what it does not know, the lists are asked for."""
    unknown = VenueSaid(200, "100001", "error.getOrder.orderNotExist")
    ask = answering(
        privateGetHfOrdersClientOrderClientOid=unknown,
        privateGetHfOrdersActive=data([]),
        privateGetHfFills=data({"items": [FILL], "lastId": 1}),
    )
    absence = await Kucoin().find(ask, DESK, wanted())

    assert isinstance(absence, Absence)
    assert [trade.trade_id for trade in absence.strangers] == ["11029373945659392"]
    assert {endpoint for endpoint, _ in ask.asked} >= {"privateGetHfOrdersDone", "privateGetHfFills"}


async def test_an_order_only_the_list_of_ended_ones_knows_is_found():
    ask = answering(
        privateGetHfOrdersClientOrderClientOid=data(None),
        privateGetHfOrdersActive=data([]),
        privateGetHfOrdersDone=data({"items": [ORDER], "lastId": 1}),
    )
    assert (await Kucoin().find(ask, DESK, wanted())).venue_order_id == ORDER["id"]


async def test_a_list_that_answers_for_a_week_is_asked_week_by_week():
    """Left alone the venue ends its list a week after `startAt`, without a word."""
    ask = answering()
    since = Nanos((NOW_MS - 20 * 86_400_000) * 1_000_000)
    await Kucoin().trades_since(ask, DESK, ["BTC/USDT"], since, Nanos(0))
    windows = [(p["startAt"], p["endAt"]) for endpoint, p in ask.asked if endpoint == "privateGetHfFills"]

    assert windows[0][0] == NOW_MS - 20 * 86_400_000
    assert windows[-1][1] >= NOW_MS
    assert all(end - start <= 6 * 86_400_000 for start, end in windows)
    assert all(before[1] == after[0] for before, after in pairwise(windows))


async def test_fees_of_a_trade_are_in_the_currency_the_venue_names():
    ask = answering(privateGetHfFills=data({"items": [{**FILL, "fee": "0.3", "feeCurrency": "KCS"}], "lastId": 1}))
    (trade,) = await Kucoin().trades_since(ask, DESK, ["BTC/USDT"], Nanos(NOW_MS * 1_000_000), Nanos(0))

    assert [(fee.asset, fee.amount) for fee in trade.fees] == [("KCS", Decimal("0.3"))]
    assert trade.maker is False


def test_every_reviewed_code_says_what_it_proves():
    """A code stands in one place, and the ambiguous ones in none."""
    codes = [(code.code, code.words) for code in Kucoin.codes]

    assert len(codes) == len(set(codes))
    assert not {"408000", "500000"} & {code for code, _ in codes}
    assert all(isinstance(code.proves, Proves) for code in Kucoin.codes)


def test_a_refused_subscription_ends_the_connection():
    with pytest.raises(AnswerUnusable, match="refused"):
        kucoin_books({}).take({"id": "1", "type": "error", "code": 404, "data": "topic is not found"})
    with pytest.raises(AnswerUnusable, match="refused"):
        KucoinOrders().take({"id": "1", "type": "error", "code": 401, "data": "token is expired"})


def test_a_private_frame_names_its_order():
    frame = {
        "topic": "/spotMarket/tradeOrdersV2",
        "type": "message",
        "subject": "orderChange",
        "data": {"orderId": "5c35", "clientOid": OUR_ID, "type": "match", "status": "match"},
    }
    (touched,) = KucoinOrders().take(frame)

    assert (touched.client_id, touched.venue_order_id) == (OUR_ID, "5c35")


def books(recorded_data):
    entries = tape(recorded_data, TAPE)
    snapshots = {
        entry["u"].partition("symbol=")[2]: entry["frame"]["data"]
        for entry in entries
        if entry["k"] == "http" and "level2" in entry["u"]
    }
    return received(entries), snapshots


def test_every_message_of_a_real_tape_goes_on_from_the_last(recorded_data):
    """And the books at its end are those a rebuild of its own arrives at."""
    frames, snapshots = books(recorded_data)
    decoder = kucoin_books({symbol: symbol for symbol in snapshots})
    ours, states = books_of(played(decoder, frames, snapshots.__getitem__))

    assert states > 3000
    assert ours == {symbol: rebuilt(frames, symbol, body) for symbol, body in snapshots.items()}


def rebuilt(frames, symbol, body):
    sides = [{float(p): float(s) for p, s in body[name] if float(s)} for name in ("bids", "asks")]
    for frame in frames:
        if isinstance(frame, dict) and frame.get("topic") == f"/market/level2:{symbol}":
            for side, name in zip(sides, ("bids", "asks"), strict=True):
                for price, size, number in frame["data"]["changes"][name]:
                    if int(number) > int(body["sequence"]) and float(price):
                        side[float(price)] = float(size)
                        if not float(size):
                            del side[float(price)]
    return tuple(sides)


@pytest.mark.parametrize("trials", TRIALS)
def test_a_lost_message_is_noticed(recorded_data, trials):
    """Ccxt goes on with a wrong book for good: here the next message tells."""
    frames, snapshots = books(recorded_data)
    decoder = kucoin_books({symbol: symbol for symbol in snapshots})

    def book_of(frame):
        topic = frame.get("topic", "") if isinstance(frame, dict) else ""
        return topic.partition(":")[2] if topic.startswith("/market/level2:") else None

    tried, missed = unnoticed(decoder, frames, book_of, trials, snapshots.__getitem__)

    assert tried == trials
    assert missed == []
