"""Unmodified ccxt clients trade on the lab's Coinbase; what they see is held against the exchange behind it."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import aiohttp
import ccxt.pro as ccxt
import pytest
from ccxt.base.errors import (
    AuthenticationError,
    BadRequest,
    ExchangeError,
    InsufficientFunds,
    RateLimitExceeded,
    RequestTimeout,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from connectors.lab import coinbase_render as render
from connectors.lab.coinbase import CoinbaseVenue
from connectors.lab.core import DuplicateRule, Exchange
from connectors.lab.faults import Call, FaultDesk, FaultKind, FaultRule
from connectors.lab.http import ApiKey

D = Decimal
KEY = "lab-key"
SECRET = "a secret of the lab's own"
CLOUD_KEY = "organizations/lab/apiKeys/1"
EDDSA_KEY = "lab-eddsa"
ACCOUNT = "desk"
BTC = "BTC/USD"


def es256_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def ed25519_secret() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(key.private_bytes_raw() + public).decode()


PEM = es256_pem()
EDDSA_SECRET = ed25519_secret()


async def eventually(met: Callable[[], Any], within_s: float = 5.0) -> Any:
    """Wait for a fact, not for a time."""
    until = time.monotonic() + within_s
    while not (value := met()):
        assert time.monotonic() < until, "did not come true in time"
        await asyncio.sleep(0.01)
    return value


def client_of(venue: CoinbaseVenue, **more: Any) -> Any:
    """A stock ccxt client with nothing but its addresses changed."""
    return ccxt.coinbase(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "enableRateLimit": False,
            "timeout": 3000,
            "options": {"fetchBalance": "v3PrivateGetBrokerageAccounts"},
            "urls": {"api": {"rest": venue.url, "ws": f"{venue.ws_url}/ws"}},
            **more,
        }
    )


async def venue_with(duplicates: DuplicateRule | None = None) -> CoinbaseVenue:
    rules = replace(CoinbaseVenue.default_rules("coinbase", 0), taker_fee_bps=D(60), maker_fee_bps=D(40))
    if duplicates is not None:
        rules = replace(rules, duplicates=duplicates)
    exchange = Exchange(rules, CoinbaseVenue.default_symbols())
    exchange.deposit(ACCOUNT, "USD", D(1_000_000))
    exchange.deposit(ACCOUNT, "BTC", D(5))
    bids = [(D(60_000) - n, D("0.5")) for n in range(30)]
    asks = [(D(60_001) + n, D("0.5")) for n in range(30)]
    exchange.set_outside(BTC, bids, asks, time.time_ns())
    keys = {KEY: SECRET, CLOUD_KEY: PEM, EDDSA_KEY: EDDSA_SECRET}
    lab = CoinbaseVenue(
        name="coinbase",
        exchange=exchange,
        keys=[ApiKey(key=key, account=ACCOUNT, secret=secret) for key, secret in keys.items()],
        faults=FaultDesk(),
    )
    await lab.start(0)
    return lab


@pytest.fixture
async def venue() -> AsyncIterator[CoinbaseVenue]:
    lab = await venue_with()
    yield lab
    await lab.stop()


@pytest.fixture
async def client(venue: CoinbaseVenue) -> AsyncIterator[Any]:
    ccxt_client = client_of(venue)
    yield ccxt_client
    await ccxt_client.close()


def fault(venue: CoinbaseVenue, kind: FaultKind, call: Call = Call.ANY, **params: Any) -> None:
    venue.faults.add(FaultRule(venue="coinbase", fault=kind, call=call, params=params))


async def ioc(client: Any, side: str, amount: str, price: str, **params: Any) -> Any:
    return await client.create_order(BTC, "limit", side, amount, price, {"timeInForce": "IOC", **params})


async def test_markets_carry_coinbases_steps_and_the_accounts_fees(client):
    """Products, and the fee tier of the key."""
    market = (await client.load_markets())[BTC]
    assert market["id"] == "BTC-USD"
    assert market["precision"] == {"amount": 1e-8, "price": 0.01}
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (1e-8, 1.0)
    assert (market["taker"], market["maker"]) == (0.006, 0.004)
    assert set(client.symbols) == {"BTC/USD", "BTC/USDC", "USDT/USD"}
    assert set(client.currencies) >= {"BTC", "USDC", "USD", "USDT"}


async def test_fees_of_the_account_are_one_tier_for_all_products(client):
    """What a stable pair costs is known to ccxt, not told by the venue."""
    fees = await client.fetch_trading_fees()
    assert (fees[BTC]["taker"], fees[BTC]["maker"]) == (0.006, 0.004)
    assert client.market("USDT/USD")["taker"] == 0.00001


async def test_balances_show_what_open_orders_hold(client):
    """V3 tells what is held; v2 knows totals only."""
    await client.create_order(BTC, "limit", "sell", "1", "70000")
    assert (await client.fetch_balance())["BTC"] == {"free": 4.0, "used": 1.0, "total": 5.0}
    client.options["fetchBalance"] = "v2PrivateGetAccounts"
    assert (await client.fetch_balance())["BTC"]["total"] == 5.0


async def test_order_book_by_rest_is_the_venues(venue, client):
    """Product book, best first."""
    book = await client.fetch_order_book(BTC, 5)
    bids, asks = venue.exchange.book(BTC, 5)
    assert [(D(repr(p)), D(repr(s))) for p, s, *_ in book["bids"]] == bids
    assert [(D(repr(p)), D(repr(s))) for p, s, *_ in book["asks"]] == asks


async def test_streamed_book_follows_the_venues(venue, client):
    """The whole book, then every change of it."""
    await client.watch_order_book(BTC)
    now = time.time_ns()
    venue.exchange.set_outside(BTC, [(D(60_000), D(0)), (D(59_998), D("0.12345678"))], [(D("60000.5"), D(2))], now)
    await ioc(client, "buy", "2.5", "60001")

    def same() -> bool:
        held, (bids, asks) = client.orderbooks[BTC], venue.exchange.book(BTC)
        return [[tuple(map(repr, row)) for row in held[side]] for side in ("bids", "asks")] == [
            [(repr(float(p)), repr(float(s))) for p, s in levels] for levels in (bids, asks)
        ]

    await eventually(same)
    assert venue.exchange.book(BTC, 1)[1] == [(D(60_002), D("0.5"))]


async def test_frames_of_all_channels_are_numbered_without_a_hole(venue):
    """Snapshot, subscriptions, updates and heartbeats share one count."""
    frames = await _frames(venue, changes=5)
    assert [frame["sequence_num"] for frame in frames] == list(range(len(frames)))
    assert {frame["channel"] for frame in frames} >= {"l2_data", "subscriptions", "heartbeats"}


async def test_a_dropped_delta_leaves_a_hole_in_the_numbers(venue):
    """The gap fault is visible in Coinbase's own field."""
    fault(venue, FaultKind.WS_GAP)
    numbers = [frame["sequence_num"] for frame in await _frames(venue, changes=5)]
    assert numbers != list(range(len(numbers)))
    assert numbers == sorted(numbers)


async def _frames(venue: CoinbaseVenue, changes: int) -> list[dict[str, Any]]:
    """Frames of one connection while the best bid keeps changing, up to the first heartbeat after that."""
    frames: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{venue.ws_url}/ws") as ws:

        async def read_until(last: Callable[[dict[str, Any]], bool]) -> None:
            while not frames or not last(frames[-1]):
                frames.append(json.loads((await ws.receive(timeout=5)).data))

        await ws.send_json({"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"]})
        await read_until(lambda frame: frame["channel"] == "subscriptions")
        for n in range(changes):
            venue.exchange.set_outside(BTC, [(D(59_990), D(1) + n)], [], time.time_ns())
            venue.flush()
        await ws.send_json({"type": "subscribe", "channel": "heartbeats"})
        await read_until(lambda frame: frame["channel"] == "heartbeats")
    return frames


async def test_public_trades_are_streamed(venue, client):
    """Coinbase names the maker's side."""
    watching = asyncio.create_task(client.watch_trades(BTC))
    await eventually(lambda: any(s.state["client"].channels for s in venue.sessions))
    await ioc(client, "buy", "0.2", "60001")
    (trade,) = await asyncio.wait_for(watching, 5)
    assert (trade["price"], trade["amount"], trade["side"]) == (60_001.0, 0.2, "sell")


async def test_an_order_is_answered_with_its_ids_and_nothing_of_its_fate(client):
    """The client's id is echoed; status and fills are not told."""
    mine = str(uuid4())
    order = await ioc(client, "buy", "0.5", "60001", client_order_id=mine)
    assert order["clientOrderId"] == mine
    assert (order["status"], order["filled"], order["amount"]) == (None, None, None)
    assert render.order_number(order["id"]) is not None


async def test_the_unified_client_id_is_dropped_by_the_client(venue, client):
    """A random id is sent in its place: a trap the lab must keep."""
    mine = str(uuid4())
    await ioc(client, "buy", "0.5", "60001", clientOrderId=mine)
    assert venue.exchange.find(ACCOUNT, client_id=mine) == ()
    assert len(venue.exchange.orders(ACCOUNT)) == 1


@pytest.mark.parametrize(
    ("amount", "price", "status", "filled"),
    [("0.5", "60001", "closed", 0.5), ("2", "60002", "canceled", 1.0), ("1", "59000", "canceled", 0.0)],
    ids=["in full", "in part", "not at all"],
)
async def test_ioc_orders_end_as_coinbase_ends_them(venue, client, amount, price, status, filled):
    """Filled, or cancelled with what it got; nothing of it rests."""
    placed = await ioc(client, "buy", amount, price)
    order = await client.fetch_order(placed["id"])
    assert (order["status"], order["filled"], order["amount"]) == (status, filled, float(amount))
    assert (order["timeInForce"], order["price"]) == ("IOC", float(price))
    assert venue.exchange.orders(ACCOUNT, open_only=True) == ()


async def test_fees_are_taken_in_quote(client):
    """60 bps of 30,000.50 dollars; the bought base arrives whole."""
    await ioc(client, "buy", "0.5", "60001")
    (trade,) = await client.fetch_my_trades(BTC)
    assert (trade["fee"]["cost"], trade["fee"]["currency"]) == (180.003, "USD")
    assert (trade["takerOrMaker"], trade["side"], trade["amount"]) == ("taker", "buy", 0.5)
    assert (await client.fetch_balance())["BTC"]["total"] == 5.5


async def test_a_client_id_is_found_by_listing_and_matching(client):
    """There is no call for it: list by product and time, compare."""
    mine = str(uuid4())
    since = int(time.time() * 1000) - 5_000
    await ioc(client, "buy", "0.1", "60001", client_order_id=str(uuid4()))
    await ioc(client, "buy", "2", "60001", client_order_id=mine)
    orders = await client.fetch_orders(BTC, since)
    (found,) = [order for order in orders if order["clientOrderId"] == mine]
    assert (found["status"], found["filled"]) == ("canceled", 0.4)
    assert await client.fetch_orders(BTC, int(time.time() * 1000) + 60_000) == []
    assert await client.fetch_orders("BTC/USDC") == []


async def test_lists_are_filtered_by_status(client):
    """Open orders, and cancelled ones."""
    order = await client.create_order(BTC, "limit", "buy", "0.1", "50000")
    await ioc(client, "buy", "0.1", "59000")
    assert [row["id"] for row in await client.fetch_open_orders(BTC)] == [order["id"]]
    assert len(await client.fetch_canceled_orders(BTC)) == 1
    assert await client.fetch_closed_orders(BTC) == []


async def test_lists_come_in_pages_newest_first(client):
    """The cursor leads on until there is none."""
    placed = [(await ioc(client, "buy", "0.01", "60030"))["id"] for _ in range(5)]

    async def pages(call: Callable[..., Any], rows: str, row_id: str) -> list[str]:
        seen: list[str] = []
        cursor = ""
        while True:
            page = await call({"limit": 2, **({"cursor": cursor} if cursor else {})})
            assert len(page[rows]) <= 2
            seen += [row[row_id] for row in page[rows]]
            cursor = page["cursor"]
            if not cursor:
                return seen

    orders = await pages(client.v3_private_get_brokerage_orders_historical_batch, "orders", "order_id")
    fills = await pages(client.v3_private_get_brokerage_orders_historical_fills, "fills", "order_id")
    assert orders == placed[::-1]
    assert fills == placed[::-1]


async def test_fills_are_filtered_by_order_and_time(client):
    """One order's executions; those since a time."""
    first = await ioc(client, "buy", "1", "60002")
    await ioc(client, "sell", "0.1", "60000")
    fills = await client.fetch_my_trades(BTC, params={"order_id": first["id"]})
    assert sorted(fill["price"] for fill in fills) == [60_001.0, 60_002.0]
    assert len({fill["id"] for fill in await client.fetch_my_trades(BTC)}) == 3
    assert await client.fetch_my_trades(BTC, int(time.time() * 1000) + 60_000) == []


async def test_a_client_id_sent_again_returns_the_first_order(venue, client):
    """Permanent dedupe: whatever became of it, there is never a second one."""
    mine = str(uuid4())
    first = await ioc(client, "buy", "0.1", "60001", client_order_id=mine)
    again = await ioc(client, "buy", "0.1", "60001", client_order_id=mine)
    assert again["id"] == first["id"]
    assert len(venue.exchange.orders(ACCOUNT)) == 1


async def test_dedupe_can_be_switched_off():
    """As some of the venue's staff describe it."""
    venue = await venue_with(DuplicateRule.NEVER)
    client = client_of(venue)
    mine = str(uuid4())
    for _ in range(2):
        await ioc(client, "buy", "0.1", "60001", client_order_id=mine)
    assert len(venue.exchange.find(ACCOUNT, client_id=mine)) == 2
    await client.close()
    await venue.stop()


async def test_orders_are_cancelled_by_id(venue, client):
    """A second cancel fails and says so."""
    order = await client.create_order(BTC, "limit", "buy", "0.1", "50000")
    await client.cancel_order(order["id"])
    assert venue.exchange.orders(ACCOUNT, open_only=True) == ()
    with pytest.raises(BadRequest):
        await client.cancel_order(order["id"])
    answer = await client.v3_private_post_brokerage_orders_batch_cancel({"order_ids": [order["id"], str(uuid4())]})
    assert [row["failure_reason"] for row in answer["results"]] == ["INVALID_CANCEL_REQUEST", "UNKNOWN_CANCEL_ORDER"]


@pytest.mark.parametrize("credentials", [(KEY, SECRET), (CLOUD_KEY, PEM)], ids=["hmac", "es256"])
async def test_the_user_stream_tells_an_orders_story(venue, credentials):
    """Open, each fill, the end, in cumulative figures."""
    client = client_of(venue, apiKey=credentials[0], secret=credentials[1])
    await client.load_markets()
    seen: list[dict[str, Any]] = []
    handle = client.handle_message
    client.handle_message = lambda ws, frame: (seen.append(frame), handle(ws, frame))
    watching = asyncio.create_task(client.watch_orders(BTC))
    await eventually(lambda: any(frame.get("channel") == "subscriptions" for frame in seen))
    mine = str(uuid4())

    await ioc(client, "buy", "2", "60002", client_order_id=mine)

    rows = await eventually(lambda: rows if (rows := _user_rows(seen)) and rows[-1]["status"] == "CANCELLED" else None)
    assert {row["client_order_id"] for row in rows} == {mine}
    assert [row["cumulative_quantity"] for row in rows] == ["0", "0.5", "1", "1"]
    assert [row["number_of_fills"] for row in rows] == ["0", "1", "2", "2"]
    assert rows[-1]["total_fees"] == "360.009"
    (order, *_) = await asyncio.wait_for(watching, 5)
    assert order["clientOrderId"] == mine
    await client.close()


def _user_rows(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    events = [event for frame in frames if frame.get("channel") == "user" for event in frame["events"]]
    return [row for event in events if event["type"] == "update" for row in event["orders"]]


@pytest.mark.parametrize(
    ("key", "secret"), [(KEY, SECRET), (CLOUD_KEY, PEM), (EDDSA_KEY, EDDSA_SECRET)], ids=["hmac", "es256", "eddsa"]
)
async def test_every_kind_of_key_opens_the_account(venue, key, secret):
    """GET with a query, v2 and v3, and POST."""
    client = client_of(venue, apiKey=key, secret=secret)
    assert (await client.fetch_balance())["BTC"]["total"] == 5
    client.options["fetchBalance"] = "v2PrivateGetAccounts"
    assert (await client.fetch_balance())["BTC"]["total"] == 5
    assert (await ioc(client, "buy", "0.1", "60001"))["id"]
    await client.close()


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        (KEY, "another"),
        ("nobody", SECRET),
        (CLOUD_KEY, es256_pem()),
        (EDDSA_KEY, ed25519_secret()),
    ],
    ids=["hmac", "unknown key", "es256", "eddsa"],
)
async def test_a_wrong_signature_is_refused(venue, key, secret):
    """Another secret opens nothing."""
    client = client_of(venue, apiKey=key, secret=secret)
    with pytest.raises(AuthenticationError):
        await client.fetch_accounts()
    await client.close()


async def test_a_token_is_good_for_one_path_and_two_minutes(venue, client):
    """Taken to another path, or later, it opens nothing."""
    holder = client_of(venue, apiKey=CLOUD_KEY, secret=PEM)
    path = "/api/v3/brokerage/accounts"

    async def status(seconds_ago: int, signed_path: str) -> int:
        token = holder.create_auth_token(int(time.time()) - seconds_ago, "GET", f"{venue.url}{signed_path}")
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession() as http, http.get(f"{venue.url}{path}", headers=headers) as answer:
            return answer.status

    assert await status(0, path) == 200
    assert await status(0, "/api/v3/brokerage/orders") == 401
    assert await status(200, path) == 401
    await holder.close()


async def test_an_unsigned_user_subscription_is_refused(venue):
    """An error frame, and no session opened."""
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{venue.ws_url}/ws") as ws:
        await ws.send_json({"type": "subscribe", "channel": "user", "product_ids": []})
        assert json.loads((await ws.receive(timeout=5)).data) == {"type": "error", "message": "authentication failure"}
        assert [session.account for session in venue.sessions] == [None]


async def test_refusals_are_in_coinbases_words(venue, client):
    """Funds, precision, minimum, product, unknown order, rate."""
    with pytest.raises(InsufficientFunds, match="INSUFFICIENT_FUND"):
        await ioc(client, "sell", "100", "60000")

    async def refused(product: str, **configuration: str) -> str:
        request = {"client_order_id": str(uuid4()), "product_id": product, "side": "BUY"}
        with pytest.raises(ExchangeError) as caught:
            await client.v3_private_post_brokerage_orders(
                {**request, "order_configuration": {"sor_limit_ioc": configuration}}
            )
        return str(caught.value)

    assert "PREVIEW_INVALID_PRICE_PRECISION" in await refused("BTC-USD", base_size="1", limit_price="1.234")
    assert "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL" in await refused("BTC-USD", base_size="0.00001", limit_price="1")
    assert "PREVIEW_INVALID_PRODUCT_ID" in await refused("NO-PE", base_size="1", limit_price="1")
    assert "INVALID_ARGUMENT" in await refused("BTC-USD", limit_price="1")
    with pytest.raises(ExchangeError, match="order with this orderID was not found"):
        await client.fetch_order(str(uuid4()))
    fault(venue, FaultKind.HTTP_429, Call.PLACE)
    with pytest.raises(RateLimitExceeded):
        await ioc(client, "buy", "0.1", "60001")
    assert venue.exchange.orders(ACCOUNT) == ()


async def test_a_lost_answer_leaves_the_order_at_the_venue(venue, client):
    """The client gives up; listing finds it; sending the same id again does no harm."""
    await client.load_markets()
    fault(venue, FaultKind.ANSWER_LOST, Call.PLACE)
    impatient = client_of(venue, timeout=200)
    impatient.set_markets_from_exchange(client)
    mine = str(uuid4())
    with pytest.raises(RequestTimeout):
        await ioc(impatient, "buy", "0.5", "60001", client_order_id=mine)
    await ioc(client, "buy", "0.5", "60001", client_order_id=mine)
    assert [order["clientOrderId"] for order in await client.fetch_orders(BTC)] == [mine]
    await impatient.close()


async def test_an_answer_without_ids_leaves_the_order_at_the_venue(venue, client):
    """The client returns an order without id; the order is there."""
    fault(venue, FaultKind.MISSING_ID_200, Call.PLACE)
    mine = str(uuid4())
    assert (await ioc(client, "buy", "0.5", "60001", client_order_id=mine))["id"] is None
    assert [order["clientOrderId"] for order in await client.fetch_orders(BTC)] == [mine]


async def test_the_keys_permissions_can_be_read(client):
    """Trading, no withdrawing."""
    permissions = await client.v3_private_get_brokerage_key_permissions()
    assert (permissions["can_trade"], permissions["can_transfer"]) == (True, False)


def test_ids_go_both_ways():
    """Order ids are UUIDs that give their number back; anything else gives None."""
    assert render.order_number(render.order_uuid(123_456_789)) == 123_456_789
    assert render.order_number(str(uuid4())) is None
    assert render.order_number("nonsense") is None
