"""Traps that several venues set, and every dialect must step around. The map names these tests."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.ccxt_venue import CcxtVenue, wire
from connectors.ccxt_venue.calls import CallFailed, CallKind
from connectors.ccxt_venue.capabilities import CAPABILITIES
from connectors.ccxt_venue.capabilities.shapes import Covers, Uniqueness
from connectors.ccxt_venue.capabilities.wire import Request
from connectors.ccxt_venue.dialect import Wanted
from connectors.ccxt_venue.registry import DIALECTS
from connectors.ccxt_venue.verdict import outcome
from connectors.ccxt_venue.wire import Transmission
from router.model.errors import BadInput
from router.model.ids import Nanos, VenueOrderId
from router.model.orders import TimeInForce
from router.model.outcomes import Lost
from router.model.terms import Fence
from tests.capabilities.asking import Offline, child_at, settings_of
from tests.capabilities.capture import NOW_MS, Sent, spelled
from tests.connectors.rig import WallClock

VENUES = sorted(set(CAPABILITIES) & set(DIALECTS))
SINCE = Nanos((NOW_MS - 5000) * 1_000_000)


def line_of(sent: Sent) -> str:
    return Request(method=sent.method, path=sent.path, fields=sent.fields).line


def judged(venue: str, status: int, body: str) -> object:
    transmission = Transmission(CallKind.PLACE, sent_ns=Nanos(1), status=status, body=body)
    return outcome(DIALECTS[venue](), transmission, spelled(venue), "why")


@pytest.fixture
def offline(venue: str) -> Offline:
    return Offline(venue, DIALECTS[venue]())


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_is_a_priced_limit_ioc_under_our_id(venue: str, offline: Offline):
    """In the venue's own words for each: no order of ours can rest, sweep without a limit, or lack our id."""
    sent = await offline.place(child_at(venue))

    line = line_of(sent[-1])
    one = CAPABILITIES[venue]
    assert f"{one.client_id.field}={spelled(venue)}" in line
    assert one.kinds.ioc.wire.lower() in line.lower()
    assert "60000" in line
    assert "0.5" in line
    assert "market" not in line.lower().replace("marketcode", "")


@pytest.mark.parametrize("post_only", [False, True], ids=["resting", "post-only"])
@pytest.mark.parametrize("venue", VENUES)
async def test_a_resting_order_says_that_it_rests_and_whether_it_may_take(
    venue: str, post_only: bool, offline: Offline
):
    """In the venue's own words, and in none of those for an order that ends at once."""
    sent = await offline.place(child_at(venue, time_in_force=TimeInForce.GTC, post_only=post_only))

    said = CAPABILITIES[venue].kinds
    words = {word for leaf in _leaves(sent[-1].fields) for word in str(leaf).lower().split(",")}
    asked = said.post_only.wire.rpartition("=")[2].lower().strip("[']")  # kraken's is one of several flags in a field
    assert [each.method for each in sent] == ["POST"]
    assert f"{CAPABILITIES[venue].client_id.field}={spelled(venue)}" in line_of(sent[-1])
    assert (asked in words) == post_only, words
    assert post_only or said.gtc.wire.lower() in line_of(sent[-1]).lower(), words
    assert not {kind.wire.rpartition("=")[2].lower().strip("[']") for kind in (said.ioc, said.fok)} - {"true"} & words
    assert {"60000", "0.5"} <= words


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_is_the_only_request(venue: str, offline: Offline):
    """Nothing is asked on the way: what ccxt would ask is settled in the options, or before."""
    sent = await offline.place(child_at(venue))

    assert [each.method for each in sent] == ["POST"]


BODIES = ("<html>ok</html>", "", "{", "{}", "[]", "null", "7", '"ok"', '{"id":', '{"data":{}}')
STATUSES = (200, 201, 400, 403, 404, 408, 418, 429, 500, 502, 503, 504, 520)


@pytest.mark.parametrize("venue", VENUES)
def test_an_unconfirmed_order_is_lost(venue: str):
    """Ccxt makes an order, a refusal or a network error of these; we make nothing of them."""
    found = {(status, body): judged(venue, status, body) for status in STATUSES for body in BODIES}

    assert not [(each, what) for each, what in found.items() if not isinstance(what, Lost)]


AMBIGUOUS: list[tuple[str, int, Any]] = [
    ("binance", 500, {"code": -1000, "msg": "An unknown error occurred"}),
    ("binance", 400, {"code": -1006, "msg": "An unexpected response was received. Execution status unknown."}),
    ("binance", 408, {"code": -1007, "msg": "Timeout waiting for response. Execution status unknown."}),
    ("binance", 503, {"code": -1013, "msg": "Filter failure"}),
    ("binanceus", 400, {"code": -1006, "msg": "An unexpected response was received. Execution status unknown."}),
    ("binanceus", 408, {"code": -1007, "msg": "Timeout waiting for response. Execution status unknown."}),
    ("kraken", 200, {"error": ["EService:Timeout"]}),
    ("kraken", 200, {"error": ["EService:Unavailable"]}),
    ("coinbase", 500, {"error": "internal_server_error", "message": "x"}),
    ("coinbase", 200, {"success": False, "error_response": {"error": "UNKNOWN_FAILURE_REASON"}}),
    ("coinbaseexchange", 500, {"message": "Internal server error"}),
    ("coinbaseexchange", 400, {"message": "something new"}),
    ("bybit", 200, {"retCode": 170146, "retMsg": "Order creation timeout", "result": {}}),
    ("bybit", 200, {"retCode": 10016, "retMsg": "Internal error", "result": {}}),
    ("bybit", 200, {"retCode": 170007, "retMsg": "Timeout waiting for response from backend server.", "result": {}}),
    ("okx", 200, {"code": "50004", "msg": "API endpoint request timeout", "data": []}),
    ("okx", 200, {"code": "50026", "msg": "System error", "data": []}),
    ("gemini", 500, {"result": "error", "reason": "System", "message": "x"}),
    ("gemini", 400, {"result": "error", "reason": "System", "message": "x"}),
    ("bitstamp", 500, {"status": "error", "reason": "x", "code": "API5000"}),
    ("kucoin", 200, {"code": "408000", "msg": "Network timeout, please try again later"}),
    ("kucoin", 500, {"code": "500000", "msg": "Internal Server Error"}),
    ("gate", 500, {"label": "INTERNAL", "message": "internal"}),
    ("gate", 400, {"label": "INTERNAL_SERVER_ERROR", "message": "x"}),
    ("gate", 400, {"label": "SERVER_ERROR", "message": "x"}),
    ("bitget", 200, {"code": "40015", "msg": "System is abnormal, please try again later", "data": None}),
    ("bitget", 400, {"code": "1", "msg": "x", "data": None}),
    ("bitget", 400, {"code": "30009", "msg": "x", "data": None}),
    ("bitget", 400, {"code": "gateway internal error", "msg": "x", "data": None}),
    ("cryptocom", 200, {"id": 1, "method": "private/create-order", "code": 10001, "message": "SYS_ERROR"}),
    ("cryptocom", 200, {"id": 1, "method": "private/create-order", "code": 50001, "message": "INTERNAL"}),
    ("htx", 200, {"status": "error", "err-code": "order-update-error", "err-msg": "x", "data": None}),
    ("htx", 200, {"status": "error", "err-code": "system-maintenance", "err-msg": "x", "data": None}),
    ("bitfinex", 500, ["error", 20060, "maintenance"]),
    ("bitfinex", 500, ["error", 10000, "unknown"]),
]


@pytest.mark.parametrize(("venue", "status", "body"), [each for each in AMBIGUOUS if each[0] in VENUES])
def test_an_ambiguous_code_is_no_refusal(venue: str, status: int, body: Any):
    """Whatever class ccxt files it under."""
    assert isinstance(judged(venue, status, json.dumps(body)), Lost)


@pytest.mark.parametrize("venue", VENUES)
def test_a_used_id_is_sent_again_only_where_it_is_refused_for_ever(venue: str):
    """Elsewhere the adapter refuses terms that would let the engine do it, licence or not."""
    if CAPABILITIES[venue].client_id.uniqueness is Uniqueness.EVER:
        return
    settings = settings_of(venue, dedupe_licensed=True)
    licensed = settings_of(venue, dedupe_licensed=True, terms=replace(settings.terms, fence=Fence.PERMANENT_DEDUPE))

    with pytest.raises(BadInput, match="has no fence PERMANENT_DEDUPE"):
        CcxtVenue(licensed, WallClock())


async def looked_up(venue: str, offline: Offline) -> list[Sent]:
    """What a look-up without the venue's own id asks when the venue knows nothing."""
    wanted = Wanted(child=child_at(venue), venue_order_id=None, since_ns=SINCE)
    with contextlib.suppress(CallFailed):  # nothing at all is less than some venues answer for "none"
        await offline.dialect.find(offline.ask, offline.desk, wanted)
    return offline.sent


@pytest.mark.parametrize("venue", VENUES)
async def test_a_look_up_asks_for_our_id(venue: str, offline: Offline):
    """Under the venue's name for it, never under another; where there is none, lists are searched instead."""
    sent = await looked_up(venue, offline)
    one = CAPABILITIES[venue]

    named = [each for each in sent if spelled(venue) in line_of(each)]
    assert sent
    assert bool(named) == bool(one.look_up.routes)
    fields = {name for each in named for name, value in each.fields.items() if str(value) == spelled(venue)}
    assert fields <= {route.param for route in one.look_up.routes}


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_that_ended_without_a_fill_is_found(venue: str, offline: Offline):
    """No list is cut to filled orders, and ended ones are asked for."""
    sent = await looked_up(venue, offline)

    values = [str(value).lower() for each in sent for value in _leaves(each.fields)]
    assert not {"filled", "done", "closed"} & set(values)
    routes = CAPABILITIES[venue].look_up.routes
    assert not routes or any(route.covers in {Covers.ANY, Covers.ENDED} for route in routes)


@pytest.mark.parametrize("order_id", [None, "777"])
@pytest.mark.parametrize("venue", VENUES)
async def test_a_cancel_names_one_order(venue: str, order_id: str | None, offline: Offline):
    """By our id or the venue's, in a place where the venue reads it; never empty, never the shape of cancel-all."""
    known = None if order_id is None else VenueOrderId(order_id)
    with contextlib.suppress(CallFailed):
        await offline.dialect.cancel(offline.ask, offline.desk, child_at(venue), known)

    for each in offline.sent:
        values = [str(value) for value in _leaves(each.fields)]
        assert not {"", "None", "null"} & set(values), line_of(each)
        assert not each.path.endswith(("orders/", "None")), line_of(each)
    cancels = [each for each in offline.sent if each.method == "DELETE" or "cancel" in each.path.lower()]
    for each in cancels:
        assert spelled(venue) in line_of(each) or (order_id is not None and order_id in line_of(each)), line_of(each)
    assert order_id is None or cancels


def _leaves(fields: Any) -> list[Any]:
    if isinstance(fields, dict):
        return [leaf for value in fields.values() for leaf in _leaves(value)]
    if isinstance(fields, list):
        return [leaf for value in fields for leaf in _leaves(value)]
    return [fields]


@pytest.mark.parametrize("venue", VENUES)
async def test_every_call_of_a_dialect_exists_in_this_ccxt(venue: str, offline: Offline):
    """Balances, open orders, trades, fees, key powers, book: each is built by ccxt without a complaint."""
    dialect, ask, desk = offline.dialect, offline.ask, offline.desk
    calls = [
        dialect.touch(ask),
        dialect.balances(ask, desk),
        dialect.open_orders(ask, desk),
        dialect.trades_since(ask, desk, [child_at(venue).symbol], SINCE, Nanos(NOW_MS * 1_000_000)),
        dialect.taker_fees_bps(ask, desk, [child_at(venue).symbol]),
        dialect.key_powers(ask),
        dialect.depth(ask, desk, child_at(venue).symbol),
    ]
    for call in calls:
        with contextlib.suppress(CallFailed):  # nothing is no answer to it; that it was asked is the point
            await call

    assert offline.asked
    for endpoint, params in offline.asked:
        assert set(dialect.cost(endpoint, params)) <= {limit.name for limit in dialect.limits}, endpoint
    for each in offline.sent:
        wire.check_target(each.url, lab_only=False)  # none of them looks like money on its way out
