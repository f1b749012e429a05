"""The OKX protocol with ccxt's own, unmodified client: what it sends is accepted, what it is told it understands."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from connectors.lab.client import LabControl
from connectors.lab.faults import FaultKind
from connectors.lab.okx_auth import signature
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from tests.lab.rig import ASKS, BIDS, okx_client
from tests.waiting import eventually

SYMBOL = "BTC/USDT"
OUR_ID = "ab12" + "0" * 8 + "8" + "1" * 3 + "a" + "2" * 15


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    settings = LabSettings(venues=(LabVenueSettings(name="okx", protocol="okx"),), static=True, breath_ms=50)
    async with Lab(settings) as running:
        yield running


@pytest.fixture
async def control(lab: Lab) -> AsyncIterator[LabControl]:
    async with LabControl(lab.control_url) as surface:
        await surface.set_book("okx", SYMBOL, bids=BIDS, asks=ASKS)
        yield surface


@pytest.fixture
async def client(lab: Lab, control: LabControl) -> AsyncIterator[Any]:
    exchange = okx_client(lab.venues["okx"])
    await exchange.load_markets()
    yield exchange
    await exchange.close()


async def ioc(client: Any, quantity: float = 0.5, price: float = 60010, **params: object) -> Any:
    return await client.create_order(SYMBOL, "limit", "buy", quantity, price, {"timeInForce": "IOC", **params})


def subscribed(lab: Lab, topic: str) -> bool:
    """Does the venue tell somebody of it?"""
    return any(topic in session.subscriptions for session in lab.venues["okx"].sessions)


async def raw(lab: Lab, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    """A signed request made by hand; `headers` replace its own."""
    venue = lab.venues["okx"]
    [key] = venue.keys.values()
    text = "" if body is None else json.dumps(body)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    signed = {
        "OK-ACCESS-KEY": key.key,
        "OK-ACCESS-PASSPHRASE": key.passphrase,
        "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-SIGN": signature(key.secret, f"{headers.get('OK-ACCESS-TIMESTAMP', stamp)}{method}{path}{text}"),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, venue.url + path, data=text or None, headers={**signed, **headers}) as answer,
    ):
        return answer.status, await answer.json()


async def test_markets_balances_and_fees_are_read(client, control):
    market = client.markets[SYMBOL]
    assert (market["id"], market["precision"]["price"], market["precision"]["amount"]) == ("BTC-USDT", 0.1, 1e-8)
    assert market["limits"]["amount"]["min"] == 0.00001
    assert (await client.fetch_balance())["BTC"]["free"] == 100
    fee = await client.fetch_trading_fee(SYMBOL)
    assert (fee["taker"], fee["maker"]) == (0.001, 0.0008)


async def test_the_answer_to_an_order_holds_its_id_and_no_more(client, control):
    order = await ioc(client, 1.5, 60020, clientOrderId=OUR_ID)
    [truth] = await control.orders("okx")
    assert (order["id"], order["clientOrderId"]) == (str(truth["order_id"]), OUR_ID)
    assert order["filled"] is None
    assert truth["executed"] == "1.5"


async def test_a_fee_is_negative_and_in_the_asset_received(client, control):
    """Ccxt turns the sign around; the wire has a minus."""
    await ioc(client)
    await client.create_order(SYMBOL, "limit", "sell", 0.25, 60000, {"timeInForce": "IOC"})
    sale, buy = sorted(await client.fetch_my_trades(SYMBOL), key=lambda trade: trade["side"], reverse=True)
    assert (buy["info"]["fee"], buy["info"]["feeCcy"]) == ("-0.0005", "BTC")
    assert (sale["info"]["fee"], sale["info"]["feeCcy"]) == ("-15", "USDT")
    assert buy["fee"] == {"cost": 0.0005, "currency": "BTC"}


async def test_what_an_ioc_leaves_is_canceled(client, control):
    order = await ioc(client, 3, 60010)
    found = await client.fetch_order(order["id"], SYMBOL)
    assert (found["status"], found["filled"], found["info"]["state"]) == ("canceled", 1.0, "canceled")


async def test_an_order_is_found_and_cancelled_by_our_id(client, control):
    await client.create_order(SYMBOL, "limit", "buy", 0.5, 59000, {"clientOrderId": OUR_ID})
    assert [order["clientOrderId"] for order in await client.fetch_open_orders(SYMBOL)] == [OUR_ID]
    found = await client.fetch_order(None, SYMBOL, {"clientOrderId": OUR_ID})
    assert found["status"] == "open"
    await client.cancel_order(None, SYMBOL, {"clientOrderId": OUR_ID})
    with pytest.raises(ccxt.ExchangeError, match="51400"):
        await client.cancel_order(None, SYMBOL, {"clientOrderId": OUR_ID})
    assert [order["status"] for order in await client.fetch_canceled_orders(SYMBOL)] == ["canceled"]


async def test_an_unknown_order_does_not_exist(client, control):
    with pytest.raises(ccxt.OrderNotFound, match="51603"):
        await client.fetch_order(None, SYMBOL, {"clientOrderId": OUR_ID})


async def test_an_id_is_unique_among_open_orders_only(client, control):
    """51016 while the first is open; afterwards the same id is a second order, and a look-up shows the latest."""
    await client.create_order(SYMBOL, "limit", "buy", 0.5, 59000, {"clientOrderId": OUR_ID})
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        await client.create_order(SYMBOL, "limit", "buy", 0.5, 59000, {"clientOrderId": OUR_ID})
    await client.cancel_order(None, SYMBOL, {"clientOrderId": OUR_ID})
    second = await ioc(client, clientOrderId=OUR_ID)
    assert len(await control.orders("okx")) == 2
    assert (await client.fetch_order(None, SYMBOL, {"clientOrderId": OUR_ID}))["id"] == second["id"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"clOrdId": "with-hyphen"}, "51000"),
        ({"clOrdId": "x" * 33}, "51000"),
        ({"sz": "500"}, "51008"),
        ({"sz": "0.000001"}, "51020"),
        ({"sz": "0.123456789"}, "51121"),
        ({"px": "60010.05"}, "51150"),
        ({"px": "-1"}, "51000"),
        ({"instId": "BTC-XYZ"}, "51001"),
        ({"tdMode": "cross"}, "51000"),
        ({"ordType": "conditional"}, "51000"),
    ],
)
async def test_an_order_is_refused_by_its_own_code_under_http_200(lab, control, change, code):
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "ioc", "sz": "0.5", "px": "60010"}
    status, answer = await raw(lab, "POST", "/api/v5/trade/batch-orders", [{**order, **change}])
    assert (status, answer["code"], answer["data"][0]["sCode"], answer["data"][0]["ordId"]) == (200, "1", code, "")
    assert await control.orders("okx") == []


async def test_a_batch_half_of_which_is_refused_says_two(lab, control):
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "ioc", "sz": "0.5", "px": "60010"}
    _, answer = await raw(lab, "POST", "/api/v5/trade/batch-orders", [order, {**order, "sz": "0"}])
    assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51020"])


async def test_a_halted_market_takes_no_orders(client, control):
    await control.halt("okx", SYMBOL)
    with pytest.raises(ccxt.ExchangeError, match="51022"):
        await ioc(client)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"OK-ACCESS-KEY": "other"}, "50111"),
        ({"OK-ACCESS-PASSPHRASE": "other"}, "50105"),
        ({"OK-ACCESS-SIGN": "other"}, "50113"),
        ({"OK-ACCESS-TIMESTAMP": "yesterday"}, "50112"),
        ({"OK-ACCESS-TIMESTAMP": "2020-12-08T09:08:57.715Z"}, "50102"),
    ],
)
async def test_who_does_not_sign_rightly_is_told_why(lab, control, headers, code):
    status, answer = await raw(lab, "GET", "/api/v5/account/config", **headers)
    assert (status, answer["code"]) == (401, code)


async def test_a_request_after_its_deadline_is_not_processed(lab, control):
    """The header is no part of the signature."""
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "ioc", "sz": "0.5", "px": "60010"}
    path, now_ms = "/api/v5/trade/batch-orders", time.time_ns() // 1_000_000
    _, late = await raw(lab, "POST", path, [order], expTime=str(now_ms - 1))
    assert (late["code"], late["data"]) == ("50036", [])
    assert await control.orders("okx") == []
    _, timely = await raw(lab, "POST", path, [order], expTime=str(now_ms + 5_000))
    assert timely["code"] == "0"


async def test_lists_are_newest_first_and_paged_by_the_last_id(lab, client, control):
    """A hundred rows a page."""
    await control.set_book("okx", SYMBOL, asks=[(str(60010 + place), "0.01") for place in range(120)])
    await ioc(client, 1.2, 60200)
    _, first = await raw(lab, "GET", "/api/v5/trade/fills-history?instType=SPOT")
    bills = [int(row["billId"]) for row in first["data"]]
    assert len(bills) == 100
    assert bills == sorted(bills, reverse=True)
    _, second = await raw(lab, "GET", f"/api/v5/trade/fills-history?instType=SPOT&after={bills[-1]}")
    assert len(second["data"]) == 20
    assert int(second["data"][0]["billId"]) < bills[-1]


async def test_the_key_may_trade_and_not_withdraw(lab, control):
    _, answer = await raw(lab, "GET", "/api/v5/account/config")
    assert answer["data"][0]["perm"] == "read_only,trade"


async def test_books_follow_and_their_chain_holds(client, control):
    """Ccxt checks `prevSeqId`: a chain that did not hold would raise."""
    book = await client.watch_order_book(SYMBOL)
    assert (book["bids"][0][0], book["asks"][0][0]) == (60000, 60010)
    await control.set_book("okx", SYMBOL, asks=[("60005", "0.5")], replace=False)
    async with asyncio.timeout(5):
        while (await client.watch_order_book(SYMBOL))["asks"][0] != [60005, 0.5]:
            pass


async def test_a_delta_that_is_dropped_breaks_the_chain(client, control):
    await client.watch_order_book(SYMBOL)
    await control.inject("okx", FaultKind.WS_GAP)
    await control.set_book("okx", SYMBOL, asks=[("60005", "0.5")], replace=False)

    async def follow() -> None:
        while True:
            await client.watch_order_book(SYMBOL)

    with pytest.raises(ccxt.InvalidNonce):
        await asyncio.wait_for(follow(), 5)


async def test_a_second_subscriber_begins_where_the_first_is(lab, client, control):
    """Both follow one chain, whenever they joined."""
    await client.watch_order_book(SYMBOL)
    other = okx_client(lab.venues["okx"])
    try:
        for place in range(3):
            await control.set_book("okx", SYMBOL, asks=[(f"6000{place + 1}", "1")], replace=False)
            one, two = await asyncio.gather(client.watch_order_book(SYMBOL), other.watch_order_book(SYMBOL))
        await control.set_book("okx", SYMBOL, asks=[("60000.5", "1")], replace=False)
        async with asyncio.timeout(5):
            while one["asks"][0][0] != 60000.5 or two["asks"][0][0] != 60000.5:
                one, two = await asyncio.gather(client.watch_order_book(SYMBOL), other.watch_order_book(SYMBOL))
    finally:
        await other.close()


async def test_trades_of_anybody_are_told(lab, client, control):
    task = asyncio.create_task(client.watch_trades(SYMBOL))
    await eventually(lambda: subscribed(lab, "trades:BTC-USDT"))
    await ioc(client, 0.25)
    [trade] = await asyncio.wait_for(task, 5)
    assert (trade["price"], trade["amount"], trade["side"]) == (60010, 0.25, "buy")


async def test_orders_are_told_after_a_login(lab, client, control):
    task = asyncio.create_task(client.watch_orders())
    await eventually(lambda: subscribed(lab, "orders:"))
    order = await ioc(client, clientOrderId=OUR_ID)
    [told, *_] = await asyncio.wait_for(task, 5)
    assert (told["id"], told["clientOrderId"]) == (order["id"], OUR_ID)


async def test_a_bad_login_is_refused(lab, control):
    client = okx_client(lab.venues["okx"])
    client.password = "other"
    client.has["fetchCurrencies"] = False
    try:
        with pytest.raises(ccxt.AuthenticationError):
            await asyncio.wait_for(client.watch_orders(), 5)
    finally:
        await client.close()


async def test_money_moves_by_the_trade_and_its_fee(client, control):
    await ioc(client)
    held = (await control.balances("okx"))["main"]
    assert Decimal(held["BTC"]["total"]) == Decimal("100.4995")
    assert Decimal(held["USDT"]["total"]) == Decimal(5_000_000) - Decimal(30005)
