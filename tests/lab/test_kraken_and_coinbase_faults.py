"""Every fault a lab commits, as unmodified ccxt clients of Kraken and Coinbase live through it, in one lab process."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import ccxt.pro as ccxt
import pytest
from ccxt.base.errors import DDoSProtection, ExchangeError, ExchangeNotAvailable, RateLimitExceeded, RequestTimeout

from connectors.lab.faults import Call, FaultKind, FaultRule
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.lab.venue import LabVenue

D = Decimal
BTC = "BTC/USD"
VENUES = ("kraken", "coinbase")
CLIENT_ID = {"kraken": "clientOrderId", "coinbase": "client_order_id"}


async def eventually(met: Callable[[], Any], within_s: float = 5.0) -> Any:
    """Wait for a fact, not for a time."""
    until = time.monotonic() + within_s
    while not (value := met()):
        assert time.monotonic() < until, "did not come true in time"
        await asyncio.sleep(0.01)
    return value


def client_of(lab: Lab, name: str, timeout_ms: int = 3000) -> Any:
    venue, (key, *_) = lab.venues[name], lab.keys[name]
    urls = {
        "kraken": {
            "public": venue.url,
            "private": venue.url,
            "ws": {
                "public": f"{venue.ws_url}/v2",
                "private": f"{venue.ws_url}/private-token-only",
                "publicV2": f"{venue.ws_url}/v2",
                "privateV2": f"{venue.ws_url}/v2-private",
            },
        },
        "coinbase": {"rest": venue.url, "ws": f"{venue.ws_url}/ws"},
    }
    config = {"apiKey": key.key, "secret": key.secret, "enableRateLimit": False, "timeout": timeout_ms}
    return getattr(ccxt, name)({**config, "urls": {"api": urls[name]}})


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    venues = tuple(LabVenueSettings(name=name, protocol=name) for name in VENUES)
    async with Lab(LabSettings(venues=venues, static=True, breath_ms=50)) as running:
        for venue in running.venues.values():
            asks = [(D(60_001) + n, D("0.5")) for n in range(30)]
            venue.exchange.set_outside(BTC, [(D(60_000) - n, D("0.5")) for n in range(30)], asks, time.time_ns())
        yield running


def commit(lab: Lab, name: str, kind: FaultKind, call: Call = Call.ANY, **params: Any) -> None:
    rule = FaultRule(venue=name, fault=kind, call=call, params=params)
    lab.venues[name].strike(rule, lab.faults.add(rule))


async def buy(client: Any, amount: str = "0.5", client_id: str | None = None) -> Any:
    params = {"timeInForce": "IOC", CLIENT_ID[client.id]: client_id or str(uuid4())}
    return await client.create_order(BTC, "limit", "buy", amount, "60010", params)


def orders(venue: LabVenue) -> tuple[Any, ...]:
    return venue.exchange.orders("main")


FAULTS = [
    (FaultKind.ANSWER_LOST, {}, RequestTimeout, True),
    (FaultKind.SLOW, {"delay_ms": 1500}, RequestTimeout, True),
    (FaultKind.RESET_BEFORE, {}, ExchangeNotAvailable, False),
    (FaultKind.RESET_AFTER, {}, ExchangeNotAvailable, True),
    (FaultKind.HTTP_5XX, {"status": 502}, ExchangeNotAvailable, True),
    (FaultKind.HTTP_5XX, {"status": 503, "when": "before"}, ExchangeNotAvailable, False),
    (FaultKind.HTTP_429, {}, (RateLimitExceeded, DDoSProtection), False),
    (FaultKind.CUT_BODY, {}, ExchangeError, True),
    (FaultKind.REDIRECT, {}, ExchangeError, False),
    (FaultKind.HTML_200, {}, None, True),
    (FaultKind.EMPTY_200, {}, None, True),
    (FaultKind.PARTIAL_JSON_200, {}, None, True),
    (FaultKind.MISSING_ID_200, {}, None, True),
]


@pytest.mark.parametrize(
    ("name", "kind", "params", "raised", "placed"),
    [
        pytest.param(
            name,
            *row,
            id=f"{row[0]}{row[1] or ''}-{name}",
            marks=[] if (number + place) % 2 == 0 else [pytest.mark.nightly],
        )
        for place, name in enumerate(VENUES)
        for number, row in enumerate(FAULTS)
    ],
)
async def test_placing_through_a_fault(lab, name, kind, params, raised, placed):
    """What the client is told says little about whether the order exists: only the venue knows."""
    client = client_of(lab, name)
    await client.load_markets()
    client.timeout = 1000
    commit(lab, name, kind, Call.PLACE, **params)

    if raised is None:
        assert (await buy(client))["id"] is None
    else:
        with pytest.raises(raised):
            await buy(client)

    assert len(orders(lab.venues[name])) == int(placed)
    assert (await buy(client))["id"] is not None
    assert lab.venues[name].redirects_followed == int(kind is FaultKind.REDIRECT)
    await client.close()


@pytest.mark.parametrize("name", VENUES)
async def test_the_end_may_be_streamed_before_the_answer(lab, name):
    """The private stream tells of the fill while the placing client still waits."""
    client = client_of(lab, name)
    await client.load_markets()

    async def told() -> Any:
        while not (told_of := await client.watch_orders()):  # Coinbase's empty snapshot tells of no order
            pass
        return told_of[0]

    watching = asyncio.create_task(told())
    await eventually(lambda: any(session.account for session in lab.venues[name].sessions))
    commit(lab, name, FaultKind.REPORT_BEFORE_ANSWER, Call.PLACE, hold_ms=1500)
    placing = asyncio.create_task(buy(client))
    order = await asyncio.wait_for(watching, 5)
    assert not placing.done()
    assert (await placing)["id"] == order["id"]
    await client.close()


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("kind", [FaultKind.REPORT_REPEAT, FaultKind.REPORT_REORDER], ids=str)
async def test_reports_may_be_repeated_or_overtake_each_other(lab, name, kind):
    """One frame more, or the same frames in another order."""
    client = client_of(lab, name)
    await client.load_markets()
    seen: list[Any] = []
    handle = client.handle_message
    client.handle_message = lambda ws, frame: (seen.extend(_reports(frame)), handle(ws, frame))
    watching = asyncio.create_task(client.watch_orders())
    await eventually(lambda: any(session.account for session in lab.venues[name].sessions))
    await buy(client, "0.25")
    usual = await eventually(lambda: list(seen) if "filled" in seen or "FILLED" in seen else None)
    seen.clear()
    commit(lab, name, kind)
    await buy(client, "0.25")
    await eventually(lambda: len(seen) == len(usual) + int(kind is FaultKind.REPORT_REPEAT))
    if kind is FaultKind.REPORT_REORDER:
        assert seen != usual
    assert sorted(set(seen)) == sorted(set(usual))
    watching.cancel()
    await client.close()


def _reports(frame: Any) -> list[str]:
    """What each report of a private update frame says of its order."""
    if frame.get("channel") == "executions" and frame["type"] == "update":
        return [row["exec_type"] for row in frame["data"]]
    if frame.get("channel") == "user":
        updates = [event for event in frame["events"] if event["type"] == "update"]
        return [row["status"] for event in updates for row in event["orders"]]
    return []


@pytest.mark.parametrize("name", VENUES)
async def test_a_killed_socket_is_dialled_again_and_the_book_is_whole(lab, name):
    """The next watch connects anew and starts from a snapshot."""
    client = client_of(lab, name)
    await client.watch_order_book(BTC)
    commit(lab, name, FaultKind.WS_KILL)
    venue = lab.venues[name]
    venue.exchange.set_outside(BTC, [(D("60000.5"), D(3))], [], time.time_ns())
    await eventually(lambda: not venue.sessions)

    async def watch() -> Any:
        try:
            return await client.watch_order_book(BTC)
        except ccxt.NetworkError:
            return None

    until = time.monotonic() + 5
    while (book := await watch()) is None or book["bids"][0][:2] != [60_000.5, 3.0]:
        assert time.monotonic() < until
    await client.close()


@pytest.mark.parametrize("name", VENUES)
async def test_a_silent_socket_says_nothing_of_what_happens(lab, name):
    """No error, no frame: only the missing heartbeats tell."""
    client = client_of(lab, name)
    await client.watch_order_book(BTC)
    commit(lab, name, FaultKind.WS_SILENCE, duration_ms=400)
    venue = lab.venues[name]
    frames = [session._frames for session in venue.sessions]
    venue.exchange.set_outside(BTC, [(D("60000.5"), D(3))], [], time.time_ns())
    venue.flush()
    assert not any(frames)
    assert client.orderbooks[BTC]["bids"][0][0] == 60_000.0
    await client.close()


@pytest.mark.parametrize("name", VENUES)
async def test_look_ups_lag_behind_the_engine(name):
    """A placed order and its trades stay invisible for a while; the engine knows better all the time."""
    venues = (LabVenueSettings(name=name, protocol=name, read_lag_ms=300),)
    async with Lab(LabSettings(venues=venues, static=True)) as lab:
        venue, client = lab.venues[name], client_of(lab, name)
        venue.exchange.set_outside(BTC, [], [(D(60_001), D(1))], time.time_ns())
        await client.load_markets()
        started = time.monotonic()
        await buy(client)
        found, trades = await client.fetch_closed_orders(BTC), await client.fetch_my_trades(BTC)
        if time.monotonic() - started < 0.25:
            assert (found, trades) == ([], [])
        assert len(orders(venue)) == 1
        until = time.monotonic() + 5
        while not (await client.fetch_closed_orders(BTC) and await client.fetch_my_trades(BTC)):
            assert time.monotonic() < until
        await client.close()
