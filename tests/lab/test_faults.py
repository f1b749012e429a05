"""Each fault as it looks on the wire, seen by a bare HTTP client; what the engine did is asked of the venue."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from connectors.lab.client import LabControl
from connectors.lab.faults import Call, FaultDesk, FaultKind, FaultRule, FrameKind
from connectors.lab.process import Lab
from connectors.lab.venue import LabVenue
from tests.waiting import eventually


class Wire:
    """A client with no cleverness at all: signs, sends, returns what came."""

    def __init__(self, venue: LabVenue) -> None:
        self._venue = venue
        [self._key] = venue.keys.values()
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.6))

    async def place(self, client_id: str) -> tuple[int, str, dict[str, str]]:
        """A buy of 0.1 BTC at the offer; status, body, headers."""
        fields = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": "0.1",
            "price": "60010",
            "newClientOrderId": client_id,
            "timestamp": time.time_ns() // 1_000_000,
            **({} if client_id != "short" else {"recvWindow": 100}),
        }
        signed = urlencode(fields)
        signature = self.sign(signed)
        async with self.session.post(
            f"{self._venue.url}/api/v3/order",
            data=f"{signed}&signature={signature}",
            headers={"X-MBX-APIKEY": self._key.key, "Content-Type": "application/x-www-form-urlencoded"},
            allow_redirects=False,
        ) as response:
            return response.status, await response.text(), dict(response.headers)

    def sign(self, text: str) -> str:
        """HMAC-SHA256, hex."""
        return hmac.new(self._key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    async def account_stream(self) -> aiohttp.ClientWebSocketResponse:
        """A subscribed user data stream."""
        socket = await self.session.ws_connect(f"{self._venue.ws_url}/ws-api/v3", timeout=aiohttp.ClientWSTimeout())
        params: dict[str, Any] = {"apiKey": self._key.key, "timestamp": time.time_ns() // 1_000_000}
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        message = {"id": "1", "method": "userDataStream.subscribe.signature"}
        await socket.send_json({**message, "params": {**params, "signature": self.sign(text)}})
        assert (await socket.receive_json())["status"] == 200
        return socket

    async def depth_stream(self) -> aiohttp.ClientWebSocketResponse:
        """A subscribed book stream."""
        socket = await self.session.ws_connect(f"{self._venue.ws_url}/stream/ws/0", timeout=aiohttp.ClientWSTimeout())
        await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@depth@100ms"], "id": 1})
        assert (await socket.receive_json())["id"] == 1
        return socket


@pytest.fixture
async def wire(lab: Lab, control: LabControl) -> AsyncIterator[Wire]:
    """A bare client of the venue, whose book is set."""
    del control
    bare = Wire(lab.venues["binance"])
    yield bare
    await bare.session.close()


async def placed(control: LabControl) -> int:
    """How many orders the venue has."""
    return len(await control.orders("binance"))


@pytest.mark.parametrize("fault", ["answer_lost", "reset_after", "reset_before", "delay_request"])
async def test_no_answer_comes(wire: Wire, control: LabControl, fault: str) -> None:
    """The client sees a time-out or a reset; the venue has the order or not, as the fault says."""
    await control.inject("binance", fault, call="place", delay_ms=900)

    with pytest.raises((TimeoutError, aiohttp.ClientConnectionError)) as caught:
        await wire.place("a1")

    assert isinstance(caught.value, TimeoutError) == (fault in {"answer_lost", "delay_request"})
    assert await placed(control) == (1 if fault in {"answer_lost", "reset_after"} else 0)
    assert [rule["fired"] for rule in await control.faults()] == [1]


async def test_a_delayed_request_arrives_after_the_client_gave_up(wire: Wire, control: LabControl) -> None:
    """The order appears although nobody waits any more, unless its window has closed meanwhile."""
    await control.inject("binance", "delay_request", call="place", times=2, delay_ms=900)

    for client_id in ("short", "long"):
        with pytest.raises(TimeoutError):
            await wire.place(client_id)

    async def arrived() -> bool:
        return await placed(control) == 1

    await eventually(arrived)
    assert [order["client_id"] for order in await control.orders("binance")] == ["long"]


@pytest.mark.parametrize(
    ("fault", "params", "status", "body"),
    [
        ("http_5xx", {"status": 502}, 502, "<html>"),
        ("html_200", {}, 200, "<html>"),
        ("empty_200", {}, 200, ""),
        ("partial_json_200", {}, 200, '{"symbol":"BTCUSDT"'),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_answers_that_are_not_the_venues(
    wire: Wire, control: LabControl, fault: str, params: dict[str, Any], status: int, body: str, when: str
) -> None:
    """The body tells nothing; the order exists exactly when the fault struck after the engine."""
    if fault == "partial_json_200" and when == "before":
        body = "{"
    await control.inject("binance", fault, call="place", when=when, **params)

    seen_status, seen, _ = await wire.place("a1")

    assert seen_status == status
    assert seen.startswith(body)
    with pytest.raises(ValueError):  # noqa: PT011 - any JSON error
        json.loads(seen)
    assert await placed(control) == (1 if when == "after" else 0)


async def test_a_body_is_cut(wire: Wire, control: LabControl) -> None:
    """Less arrives than was announced; the order exists."""
    await control.inject("binance", "cut_body", call="place")

    with pytest.raises(aiohttp.ClientPayloadError):
        await wire.place("a1")
    assert await placed(control) == 1


async def test_an_answer_without_its_ids(wire: Wire, control: LabControl) -> None:
    """Well-formed, and without order id and client id."""
    await control.inject("binance", "missing_id_200", call="place")

    _, body, _ = await wire.place("a1")

    answer = json.loads(body)
    assert answer["status"] == "FILLED"
    assert not {"orderId", "clientOrderId"} & set(answer)


@pytest.mark.parametrize(("retry_after", "seen"), [("3", "3"), (None, None)])
async def test_too_many_requests(wire: Wire, control: LabControl, retry_after: str | None, seen: str | None) -> None:
    """429 with the venue's code; Retry-After as asked for, or missing; nothing placed."""
    await control.inject("binance", "http_429", call="place", retry_after=retry_after)

    status, body, headers = await wire.place("a1")

    assert (status, json.loads(body)["code"], headers.get("Retry-After")) == (429, -1003, seen)
    assert await placed(control) == 0


async def test_a_redirect_names_a_place_that_counts_who_follows(wire: Wire, control: LabControl) -> None:
    """307 elsewhere; the venue counts those who went there."""
    await control.inject("binance", "redirect", call="place")

    status, _, headers = await wire.place("a1")
    assert (status, headers["Location"]) == (307, "/redirected/api/v3/order")
    [venue] = await control.venues()
    assert venue["redirects_followed"] == 0
    await wire.session.get(venue["url"] + headers["Location"])
    assert (await control.venues())[0]["redirects_followed"] == 1


async def test_a_slow_answer_is_the_right_one(wire: Wire, control: LabControl) -> None:
    """Late and complete."""
    await control.inject("binance", "slow", call="place", delay_ms=150)

    status, body, _ = await wire.place("a1")

    assert (status, json.loads(body)["clientOrderId"]) == (200, "a1")


async def test_the_report_comes_before_the_answer(wire: Wire, control: LabControl) -> None:
    """The private stream has told the whole story while the REST answer is still held back."""
    socket = await wire.account_stream()
    await control.inject("binance", "report_before_answer", call="place", hold_ms=400)
    placing = asyncio.ensure_future(wire.place("a1"))

    event = (await socket.receive_json())["event"]
    while event.get("X") != "FILLED":
        event = (await socket.receive_json())["event"]

    assert not placing.done()
    assert (await placing)[0] == 200
    await socket.close()


async def _statuses(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    seen: list[str] = []
    while len(seen) < count:
        event = (await socket.receive_json())["event"]
        if event["e"] == "executionReport":
            seen.append(event["X"])
    return seen


async def test_a_report_is_repeated(wire: Wire, control: LabControl) -> None:
    """The same private frame twice."""
    socket = await wire.account_stream()
    await control.inject("binance", "report_repeat")

    await wire.place("a1")

    assert await _statuses(socket, 3) == ["NEW", "NEW", "FILLED"]
    await socket.close()


async def test_reports_change_places(wire: Wire, control: LabControl) -> None:
    """The first private frame comes after its successor."""
    socket = await wire.account_stream()
    await control.inject("binance", "report_reorder")

    await wire.place("a1")

    assert await _statuses(socket, 2) == ["FILLED", "NEW"]
    await socket.close()


async def test_a_delta_is_missing(wire: Wire, control: LabControl) -> None:
    """Update ids jump by one frame."""
    socket = await wire.depth_stream()
    await socket.receive_json()
    await control.inject("binance", "ws_gap", after=1)
    frames = [await socket.receive_json() for _ in range(3)]

    jumps = [after["U"] - before["u"] for before, after in pairwise(frames)]

    assert sorted(jump == 1 for jump in jumps) == [False, True]
    await socket.close()


async def test_sockets_are_killed(wire: Wire, control: LabControl) -> None:
    """All private sockets break off without a closing frame; public ones live."""
    private, public = await wire.account_stream(), await wire.depth_stream()
    await control.inject("binance", "ws_kill", channel="private")

    ended = await private.receive()

    assert ended.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert private.close_code != 1000
    await public.receive_json()
    await public.close()


async def test_a_socket_falls_silent_and_still_answers(wire: Wire, control: LabControl) -> None:
    """No data although the book goes on changing; what the client asks is answered."""
    socket = await wire.depth_stream()
    await socket.receive_json()
    await control.inject("binance", "ws_silence", duration_ms=60_000)

    async def nothing_comes() -> bool:
        try:
            await asyncio.wait_for(socket.receive_json(), 0.3)
        except TimeoutError:
            return True
        return False

    await eventually(nothing_comes)
    socket = await wire.depth_stream()
    await control.inject("binance", "ws_silence", duration_ms=60_000)
    await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 7})
    answer = await socket.receive_json()
    while "id" not in answer:
        answer = await socket.receive_json()

    assert answer == {"result": ["btcusdt@depth@100ms"], "id": 7}
    await socket.close()


async def test_faults_end_when_cleared(wire: Wire, control: LabControl) -> None:
    """A standing fault stops; its counter stays."""
    await control.inject("binance", "http_5xx", call="place", times=None)
    assert (await wire.place("a1"))[0] == 503
    await control.clear_faults()
    assert (await wire.place("a2"))[0] == 200
    [count] = await control.faults()
    assert (count["matched"], count["fired"]) == (1, 1)


async def test_one_fault_ends_while_another_stands(wire: Wire, control: LabControl) -> None:
    """Cleared by its id: whoever ends his own fault does not end his neighbour's."""
    ended = await control.inject("binance", "http_429", call="place", times=None)
    await control.inject("binance", "http_5xx", call="place", times=None)
    assert (await wire.place("a1"))[0] == 429
    await control.clear_faults(ended)
    assert (await wire.place("a2"))[0] == 503


def test_a_rule_fires_after_some_matches_and_so_many_times() -> None:
    """After 1, twice: the second and the third match."""
    desk = FaultDesk()
    desk.add(FaultRule(venue="v", fault=FaultKind.EMPTY_200, call=Call.PLACE, after=1, times=2))

    fired = [desk.on_call("v", Call.PLACE, "POST", "/order") is not None for _ in range(5)]

    assert fired == [False, True, True, False, False]
    assert desk.on_call("v", Call.ORDER, "GET", "/order") is None
    assert desk.on_call("w", Call.PLACE, "POST", "/order") is None


def test_draws_come_from_the_rules_own_seed() -> None:
    """Two desks with the same rule draw the same calls."""
    runs = []
    for _ in range(2):
        desk = FaultDesk()
        desk.add(FaultRule(venue="v", fault=FaultKind.SLOW, times=None, probability=0.4, seed=11))
        runs.append([desk.on_call("v", Call.PLACE, "POST", "/") is not None for _ in range(50)])

    assert runs[0] == runs[1]
    assert 5 < sum(runs[0]) < 35


def test_frame_faults_touch_no_call_and_call_faults_no_frame() -> None:
    """A gap takes deltas only."""
    desk = FaultDesk()
    desk.add(FaultRule(venue="*", fault=FaultKind.WS_GAP, times=None))

    assert desk.on_call("v", Call.PLACE, "POST", "/") is None
    assert desk.on_frame("v", FrameKind.REPORT) is None
    assert desk.on_frame("v", FrameKind.DELTA) is not None
