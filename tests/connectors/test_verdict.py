"""Three outcomes, and refusal only by whitelist: by (a byte left, status, venue code), never by ccxt's class."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ccxt_venue.calls import CallKind
from connectors.ccxt_venue.capabilities import CAPABILITIES
from connectors.ccxt_venue.capabilities.shapes import Shown
from connectors.ccxt_venue.registry import DIALECTS
from connectors.ccxt_venue.verdict import Proves, outcome
from connectors.ccxt_venue.wire import Transmission
from router.model.ids import Nanos
from router.model.outcomes import Accepted, Exists, Lost, NotSent, Refused

OURS = {
    "binance": "ab" * 16,
    "kraken": "k",
    "coinbase": "c-1",
    "bitstamp": "cd" * 16,
    "gemini": "ef" * 16,
    "bybit": "ef" * 16,
    "okx": "12" * 16,
    "binanceus": "ab" * 16,
    "bitfinex": "17592186044416",
    "bitget": "ab" * 16,
    "coinbaseexchange": "c-1",
    "cryptocom": "ab" * 16,
    "gate": "t-" + "a" * 26,
    "htx": "ab" * 16,
    "kucoin": "ab" * 16,
}
ACCEPTED = {
    "binance": {"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": OURS["binance"], "status": "FILLED"},
    "kraken": {"error": [], "result": {"txid": ["OUF4EM-FRGI2-MQMWZD"], "descr": {"order": "buy 1"}}},
    "coinbase": {
        "success": True,
        "success_response": {"order_id": "11-22", "client_order_id": "c-1", "product_id": "BTC-USD"},
    },
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"orderId": "1523347", "orderLinkId": OURS["bybit"]}},
    "okx": {"code": "0", "msg": "", "data": [{"clOrdId": OURS["okx"], "ordId": "3122", "sCode": "0", "sMsg": ""}]},
    "gemini": {"order_id": "5451", "client_order_id": OURS["gemini"], "is_live": False, "is_cancelled": True},
    "bitstamp": {"id": "1234", "market": "BTC/USD", "type": "0", "client_order_id": OURS["bitstamp"]},
    "binanceus": {"symbol": "BTCUSDT", "orderId": 28, "clientOrderId": OURS["binanceus"], "status": "FILLED"},
    # The client records a list as the one field of an object.
    "bitfinex": {
        "answer": [1, "on-req", None, None, [[77, None, int(OURS["bitfinex"]), *[0] * 14]], None, "SUCCESS", "ok"]
    },
    "bitget": {"code": "00000", "msg": "success", "data": {"orderId": "1001", "clientOid": OURS["bitget"]}},
    "coinbaseexchange": {"id": "d0c5", "client_oid": "c-1", "product_id": "BTC-USD", "status": "pending"},
    "cryptocom": {"id": 1, "code": 0, "result": {"order_id": "6540", "client_oid": OURS["cryptocom"]}},
    "gate": {"id": "1036", "text": OURS["gate"], "currency_pair": "BTC_USDT", "status": "closed"},
    "htx": {"status": "ok", "data": "356501383558845"},
    "kucoin": {"code": "200000", "data": {"orderId": "63c9", "clientOid": OURS["kucoin"]}},
}


def okx_row(code, text):
    """An order refused by its own row, as OKX does it."""
    return {"code": "1", "msg": "", "data": [{"clOrdId": OURS["okx"], "ordId": "", "sCode": code, "sMsg": text}]}


def judged(name, status, body, *, sent=True, headers=None):
    transmission = Transmission(CallKind.PLACE)
    transmission.sent_ns = Nanos(1) if sent else None
    transmission.status = status
    transmission.body = body if isinstance(body, str) or body is None else json.dumps(body)
    transmission.headers = headers or {}
    return outcome(DIALECTS[name](), transmission, OURS[name], "why")


@pytest.mark.parametrize(
    ("name", "order_id"),
    [
        ("binance", "28"),
        ("kraken", "OUF4EM-FRGI2-MQMWZD"),
        ("coinbase", "11-22"),
        ("bitstamp", "1234"),
        ("gemini", "5451"),
        ("bybit", "1523347"),
        ("okx", "3122"),
        ("binanceus", "28"),
        ("bitfinex", "77"),
        ("bitget", "1001"),
        ("coinbaseexchange", "d0c5"),
        ("cryptocom", "6540"),
        ("gate", "1036"),
        ("htx", "356501383558845"),
        ("kucoin", "63c9"),
    ],
)
def test_a_whole_success_is_accepted(name, order_id):
    assert judged(name, 200, ACCEPTED[name]) == Accepted(venue_order_id=order_id)


WOULD_CROSS = {
    "binance": (400, {"code": -2010, "msg": "Order would immediately match and take."}),
    "binanceus": (400, {"code": -2010, "msg": "Order would immediately match and take."}),
    "kraken": (200, {"error": ["EOrder:Post only order"]}),
    "coinbase": (200, {"success": False, "error_response": {"error": "INVALID_LIMIT_PRICE_POST_ONLY"}}),
    "gate": (400, {"label": "POC_FILL_IMMEDIATELY", "message": "Order would match and take immediately"}),
    "bybit": (200, {"retCode": 170218, "retMsg": "The LIMIT-MAKER order is rejected due to invalid price."}),
}


@pytest.mark.parametrize("name", sorted(WOULD_CROSS))
def test_a_post_only_order_that_would_have_taken_is_refused_for_that(name):
    """For good, and told apart from every other refusal: another price may rest."""
    told = judged(name, *WOULD_CROSS[name])
    assert isinstance(told, Refused)
    assert (told.would_cross, told.transient) == (True, False)


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_the_map_says_which_venues_refuse_what_would_take(name):
    """Elsewhere such an order is taken and ends at once: no code stands for it."""
    by_code = any(row.proves is Proves.WOULD_CROSS for row in DIALECTS[name]().codes)
    assert by_code == (CAPABILITIES[name].kinds.crossing.shown is not Shown.ENDED)


LIES = ["", "null", "{}", "[]", '"ok"', "<html>Bad gateway</html>", '{"orderId": 28', "1e999", "[[[[", '{"error":[]}']


@pytest.mark.parametrize("name", sorted(DIALECTS))
@pytest.mark.parametrize("body", LIES)
@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 403, 404, 429, 500, 503, 504, 520, 524, 425])
def test_lies_prove_nothing(name, status, body):
    assert isinstance(judged(name, status, body), Lost)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("binance", "orderId"),
        ("binance", "clientOrderId"),
        ("kraken", "result"),
        ("bitstamp", "id"),
        ("gemini", "order_id"),
        ("gemini", "client_order_id"),
        ("bitstamp", "client_order_id"),
        ("bybit", "result"),
        ("bybit", "retCode"),
        ("okx", "code"),
        ("okx", "data"),
    ],
)
def test_a_success_without_its_id_is_lost(name, missing):
    answer = {key: value for key, value in ACCEPTED[name].items() if key != missing}
    assert isinstance(judged(name, 200, answer), Lost)


@pytest.mark.parametrize("ids", [[], ["", ""], [""], ["A", "B"], "A", None])
def test_kraken_accepts_with_exactly_one_id(ids):
    assert isinstance(judged("kraken", 200, {"error": [], "result": {"txid": ids}}), Lost)


@pytest.mark.parametrize("name", ["binance", "coinbase", "bitstamp", "gemini", "bybit", "okx"])
def test_an_answer_about_another_order_is_lost(name):
    """Answers swapped on a connection: the id that comes back is not ours."""
    text = json.dumps(ACCEPTED[name]).replace(OURS[name], "someone-else")
    assert isinstance(judged(name, 200, text), Lost)


REFUSALS = [
    ("binance", 400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}, False),
    ("binance", 400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}, False),
    ("binance", 401, {"code": -2014, "msg": "API-key format invalid."}, False),
    ("binance", 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, True),
    ("binance", 429, {"code": -1003, "msg": "Too many requests"}, True),
    ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, False),
    ("kraken", 200, {"error": ["EGeneral:Invalid arguments:volume minimum not met"]}, False),
    ("kraken", 200, {"error": ["EService:Deadline elapsed"]}, True),
    ("kraken", 200, {"error": ["EAPI:Invalid nonce"]}, True),
    ("kraken", 200, {"error": ["EOrder:Rate limit exceeded"]}, True),
    ("coinbase", 200, {"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "no"}}, False),
    ("coinbase", 400, {"error": "INVALID_ARGUMENT", "message": "bad"}, False),
    ("bybit", 200, {"retCode": 170131, "retMsg": "Insufficient balance.", "result": {}}, False),
    ("bybit", 200, {"retCode": 170140, "retMsg": "Order value exceeded lower limit.", "result": {}}, False),
    ("bybit", 200, {"retCode": 10004, "retMsg": "Error sign", "result": {}}, False),
    ("bybit", 200, {"retCode": 10002, "retMsg": "invalid request, please check your recv_window param"}, True),
    ("bybit", 200, {"retCode": 10006, "retMsg": "Too many visits!"}, True),
    ("bybit", 429, {"retCode": 10006, "retMsg": "Too many visits!"}, True),
    ("okx", 200, okx_row("51008", "Order failed. Insufficient USDT balance in account"), False),
    ("okx", 200, okx_row("51121", "Order quantity must be a multiple of the lot size."), False),
    ("okx", 401, {"code": "50113", "msg": "Invalid signature.", "data": []}, False),
    ("okx", 200, {"code": "50036", "msg": "The expTime can't be earlier than the system time.", "data": []}, True),
    ("okx", 429, {"code": "50011", "msg": "Too Many Requests", "data": []}, True),
    ("okx", 200, okx_row("50061", "You've reached the maximum order rate limit for this account."), True),
    ("bitstamp", 200, {"status": "error", "reason": {"__all__": ["Minimum order size is 10 USD."]}}, False),
    ("bitstamp", 400, {"error": {"__all__": ["You have 0. Check your account balance for details."]}}, False),
    ("bitstamp", 403, {"status": "error", "reason": "Invalid signature", "code": "API0005"}, False),
    ("bitstamp", 403, {"status": "error", "reason": "Invalid nonce", "code": "API0004"}, True),
    ("gemini", 406, {"result": "error", "reason": "InsufficientFunds", "message": "no"}, False),
    ("gemini", 400, {"result": "error", "reason": "InvalidNonce", "message": "has not increased"}, True),
]


@pytest.mark.parametrize(("name", "status", "body", "transient"), REFUSALS)
def test_whitelisted_codes_refuse(name, status, body, transient):
    refused = judged(name, status, body)
    assert isinstance(refused, Refused)
    assert refused.transient is transient


AMBIGUOUS = [
    ("binance", 400, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
    ("binance", 400, {"code": -1006, "msg": "An unexpected response was received from the message bus."}),
    ("binance", 400, {"code": -1001, "msg": "Internal error"}),
    ("binance", 400, {"code": -2010, "msg": "something new"}),
    ("binance", 503, {"code": -1013, "msg": "Filter failure"}),
    ("binance", 504, {"code": -2010, "msg": "Account has insufficient balance for requested action."}),
    ("kraken", 200, {"error": ["EService:Timeout"]}),
    ("kraken", 200, {"error": ["EService:Unavailable"]}),
    ("kraken", 200, {"error": ["EGeneral:Internal error"]}),
    ("kraken", 200, {"error": ["EOrder:Insufficient funds", "EService:Timeout"]}),
    ("kraken", 500, {"error": ["EOrder:Insufficient funds"]}),
    ("coinbase", 200, {"success": False, "error_response": {"error": "UNKNOWN_FAILURE_REASON"}}),
    ("coinbase", 500, {"error": "INSUFFICIENT_FUND"}),
    ("coinbase", 200, {"success": False}),
    ("coinbase", 401, "Unauthorized"),
    *(
        ("bybit", 200, {"retCode": code, "retMsg": "who knows", "result": {}})
        for code in (170146, 170007, 10000, 10016, 170001, 170032, 170149, 170210, 170234, 5004, 429, 999999, True)
    ),
    ("bybit", 500, {"retCode": 170131, "retMsg": "Insufficient balance.", "result": {}}),
    ("bybit", 403, "access too frequent"),
    ("bybit", 200, {"retCode": 0, "retMsg": "OK", "result": {}}),
    ("bybit", 200, {"retCode": 0, "retMsg": "OK", "result": {"orderId": "", "orderLinkId": OURS["bybit"]}}),
    *(
        ("okx", 200, okx_row(code, "who knows"))
        for code in ("50004", "50001", "50013", "50026", "50037", "50042", "51011", "51054", "51149", "59999", "")
    ),
    ("okx", 400, {"code": "50004", "msg": "API endpoint request timeout.", "data": []}),
    ("okx", 500, okx_row("51008", "Order failed. Insufficient USDT balance in account")),
    ("okx", 200, {"code": "1", "msg": "Operation failed.", "data": []}),
    ("okx", 200, {"code": "1", "msg": "", "data": [*okx_row("51008", "no")["data"], *okx_row("51149", "?")["data"]]}),
    ("okx", 200, {"code": "50026", "msg": "System error", "data": okx_row("51008", "no")["data"]}),
    ("okx", 200, {"code": "0", "msg": "", "data": []}),
    ("okx", 200, {"code": "0", "msg": "", "data": [*ACCEPTED["okx"]["data"], *ACCEPTED["okx"]["data"]]}),
    ("okx", 200, {"code": "1", "msg": "", "data": ACCEPTED["okx"]["data"]}),
    ("bitstamp", 200, {"status": "error", "reason": {"__all__": ["Order could not be placed."]}}),
    ("bitstamp", 400, {"status": "error", "reason": {"__all__": ["Minimum order size is 10.", "Something new."]}}),
    ("bitstamp", 503, {"status": "error", "reason": {"__all__": ["Minimum order size is 10 USD."]}}),
    ("bitstamp", 400, {"status": "error"}),
    ("gemini", 400, {"result": "error", "reason": "System", "message": "technical issues"}),
    ("gemini", 400, {"result": "error", "reason": "Maintenance"}),
    ("gemini", 404, {"result": "error", "reason": "OrderNotFound"}),
    ("gemini", 500, {"result": "error", "reason": "InsufficientFunds"}),
    ("gemini", 406, "<html>Not Acceptable</html>"),
]


@pytest.mark.parametrize(("name", "status", "body"), AMBIGUOUS)
def test_what_is_not_on_the_list_is_lost(name, status, body):
    assert isinstance(judged(name, status, body), Lost)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("binance", 400, {"code": -2010, "msg": "Duplicate order sent."}),
        ("kraken", 200, {"error": ["EGeneral:Invalid arguments:cl_ord_id not unique"]}),
        (
            "coinbase",
            200,
            {"success": False, "order_id": "first", "error_response": {"error": "DUPLICATE_CLIENT_ORDER_ID"}},
        ),
        ("okx", 200, okx_row("51016", "Client order ID already exists.")),
        ("okx", 200, okx_row("50071", "clOrdId already exists")),
        ("bitstamp", 400, {"status": "error", "reason": {"client_order_id": ["Already used."]}}),
        *(("bybit", 200, {"retCode": code, "retMsg": "dup"}) for code in (170141, 110072, 110030, 12141, 10014)),
    ],
)
def test_a_used_id_means_go_and_look(name, status, body):
    """A duplicate reply says that an order is there: never 'rejected'."""
    exists = judged(name, status, body)
    assert isinstance(exists, Exists)
    assert exists.venue_order_id == ("first" if name == "coinbase" else None)


def test_coinbase_returns_the_first_order_to_a_second_copy():
    """With the licence the same id is sent again; what comes back is the first order, under its own id."""
    assert judged("coinbase", 200, ACCEPTED["coinbase"]) == Accepted(venue_order_id="11-22")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_without_a_byte_on_the_wire_nothing_was_sent(name):
    assert judged(name, None, None, sent=False) == NotSent(why="why")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_no_answer_is_lost(name):
    assert isinstance(judged(name, None, None), Lost)


@pytest.mark.parametrize(
    ("header", "wait_ms"), [("1", 1000), ("86400", 300_000), ("-5", None), ("soon", None), (None, None)]
)
def test_retry_after_is_obeyed_within_reason(header, wait_ms):
    headers = {} if header is None else {"retry-after": header}
    refused = judged("binance", 429, {"code": -1003, "msg": "Too many requests"}, headers=headers)
    assert isinstance(refused, Refused)
    assert refused.retry_after_ms == wait_ms


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["code", "msg", "error", "result", "txid", "success", "success_response", "orderId", "errors"])


@given(st.sampled_from(sorted(DIALECTS)), st.integers(100, 599), st.dictionaries(keys, json_values, max_size=4))
def test_no_json_whatever_makes_the_verdict_raise_or_accept(name, status, answer):
    """A fuzzed answer never holds our id where the venue puts it, so it is never accepted."""
    verdict = judged(name, status, answer)
    if name != "kraken":
        assert not isinstance(verdict, Accepted)
