"""Unmodified ccxt clients trade on the lab's Bitstamp; what they see is held against the exchange behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import ccxt.pro as ccxt
import pytest
from ccxt.base.errors import (
    AuthenticationError,
    ExchangeError,
    InsufficientFunds,
    InvalidNonce,
    InvalidOrder,
    OrderNotFound,
)

from connectors.lab.bitstamp import BitstampVenue
from connectors.lab.core import Exchange, OrderStatus
from connectors.lab.faults import FaultDesk
from connectors.lab.http import ApiKey
from tests.waiting import eventually

D = Decimal
KEY, SECRET, ACCOUNT = "lab-key", "a secret of the lab's own", "desk"
BTC = "BTC/USD"


def client_of(venue: BitstampVenue, **more: Any) -> Any:
    """A stock ccxt client with nothing but its addresses changed."""
    urls = {"public": f"{venue.url}/api", "private": f"{venue.url}/api", "ws": f"{venue.ws_url}/ws"}
    return ccxt.bitstamp(
        {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "timeout": 3000, "urls": {"api": urls}, **more}
    )


@pytest.fixture
async def venue() -> AsyncIterator[BitstampVenue]:
    exchange = Exchange(BitstampVenue.default_rules("bitstamp", 0), BitstampVenue.default_symbols())
    exchange.deposit(ACCOUNT, "USD", D(1_000_000))
    exchange.deposit(ACCOUNT, "BTC", D(5))
    bids = [(D(60_000) - n, D("0.5")) for n in range(30)]
    asks = [(D(60_001) + n, D("0.5")) for n in range(30)]
    exchange.set_outside(BTC, bids, asks, time.time_ns())
    lab = BitstampVenue(
        name="bitstamp", exchange=exchange, keys=[ApiKey(key=KEY, account=ACCOUNT, secret=SECRET)], faults=FaultDesk()
    )
    await lab.start(0)
    yield lab
    await lab.stop()


@pytest.fixture
async def client(venue: BitstampVenue) -> AsyncIterator[Any]:
    ccxt_client = client_of(venue)
    yield ccxt_client
    await ccxt_client.close()


async def limit(client: Any, side: str, amount: str, price: str, **params: Any) -> Any:
    return await client.create_order(BTC, "limit", side, amount, price, {"client_order_id": uuid4().hex, **params})


async def test_markets_carry_bitstamps_names_and_grids(client):
    market = (await client.load_markets())[BTC]
    assert market["id"] == "btcusd"
    assert market["precision"] == {"amount": 1e-8, "price": 0.01}
    assert market["limits"]["cost"]["min"] == 10


async def test_an_order_is_an_ioc_only_under_the_venues_own_name(venue, client):
    """`timeInForce` goes raw and is not read: the rest stays on the book."""
    believed = await limit(client, "buy", "0.75", "60001", timeInForce="IOC")
    meant = await limit(client, "buy", "0.75", "60002", ioc_order=True)
    records = {str(record.order_id): record for record in venue.exchange.orders(ACCOUNT)}
    assert records[believed["id"]].status is OrderStatus.OPEN
    assert records[meant["id"]].status is OrderStatus.EXPIRED
    assert records[meant["id"]].executed == D("0.5")


async def test_an_id_is_good_for_one_order_for_ever(venue, client):
    """Open or long filled: the second is refused, and there is one order."""
    for price in ("60001", "59000"):
        name = uuid4().hex
        await limit(client, "buy", "0.1", price, client_order_id=name)
        with pytest.raises(ExchangeError):
            await limit(client, "buy", "0.1", price, client_order_id=name)
        assert len(venue.exchange.find(ACCOUNT, client_id=name)) == 1


async def test_an_order_is_found_by_our_id_with_its_transactions(venue, client):
    name = uuid4().hex
    await limit(client, "sell", "0.75", "59990", client_order_id=name, ioc_order=True)
    found = await client.fetch_order("", BTC, {"client_order_id": name})
    assert (found["clientOrderId"], found["side"], found["status"]) == (name, "sell", "closed")
    assert [(trade["price"], trade["amount"]) for trade in found["trades"]] == [(60000, 0.5), (59999, 0.25)]
    assert "amount" not in found["info"]
    with pytest.raises(OrderNotFound):
        await client.fetch_order("", BTC, {"client_order_id": uuid4().hex})


async def test_a_cancel_by_our_id_needs_the_raw_call(venue, client):
    """Stock ccxt asks for an order named `None`."""
    name = uuid4().hex
    await limit(client, "buy", "0.1", "59000", client_order_id=name)
    with pytest.raises(ExchangeError):
        await client.cancel_order(None, BTC, {"clientOrderId": name})
    await client.privatePostCancelOrder({"client_order_id": name})
    assert venue.exchange.find(ACCOUNT, client_id=name)[0].status is OrderStatus.CANCELLED


@pytest.mark.parametrize(
    ("amount", "price", "error"),
    [("0.00001", "60001", InvalidOrder), ("50", "60001", InsufficientFunds)],
)
async def test_refusals_are_bitstamps_sentences(venue, client, amount, price, error):
    with pytest.raises(error):
        await limit(client, "buy", amount, price)
    assert venue.exchange.orders(ACCOUNT) == ()


async def test_trades_balances_and_fees_are_the_exchanges(venue, client):
    """Fees in dollars; rows of transactions hold amounts under the currencies' names."""
    await limit(client, "buy", "0.75", "60002", ioc_order=True)
    trades = await client.fetch_my_trades(BTC)
    truth = venue.exchange.trades(ACCOUNT)
    assert sorted((t["id"], t["price"], t["amount"], t["fee"]["cost"]) for t in trades) == sorted(
        (str(t.execution_id), float(t.price), float(t.quantity), float(t.fee)) for t in truth
    )
    assert {t["fee"]["currency"] for t in trades} == {"USD"}
    held = await client.fetch_balance()
    assert D(str(held["USD"]["total"])) == venue.exchange.balances(ACCOUNT)["USD"].total
    assert (await client.fetch_trading_fees())[BTC]["info"]["fees"] == {"maker": "0.02", "taker": "0.1"}


async def test_transactions_come_in_pages_and_reach_back_thirty_days(client):
    for _ in range(3):
        await limit(client, "buy", "0.01", "60001", ioc_order=True)
    pages = [
        await client.privatePostUserTransactionsPair({"pair": "btcusd", "sort": "asc", "limit": 2, "offset": offset})
        for offset in (0, 2)
    ]
    assert [len(page) for page in pages] == [2, 1]
    with pytest.raises(ExchangeError):
        await client.privatePostUserTransactionsPair({"pair": "btcusd", "since_timestamp": 1})


async def test_only_the_keys_owner_is_let_in(venue):
    for credentials in ({"secret": "not it"}, {"apiKey": "nobody"}):
        stranger = client_of(venue, **credentials)
        with pytest.raises(AuthenticationError):
            await stranger.fetch_balance()
        await stranger.close()


async def test_a_nonce_is_good_once_and_a_time_stamp_for_150_seconds(client):
    await client.load_markets()
    client.uuid = lambda *_: "the-same"
    await client.fetch_balance()
    with pytest.raises(InvalidNonce):
        await client.fetch_balance()
    client.uuid = lambda *_: uuid4().hex
    client.milliseconds = lambda: int(time.time() * 1000) - 151_000
    with pytest.raises(ExchangeError, match="X-Auth-Timestamp"):
        await client.fetch_balance()


async def test_a_book_is_diffs_on_top_of_a_rest_snapshot(venue, client):
    """After a few changes ccxt's book is the exchange's."""
    watching = asyncio.create_task(client.watch_order_book(BTC))
    price = D(59_000)
    while not watching.done():
        price += 1
        venue.exchange.set_outside(BTC, [(price, D(1))], [], time.time_ns())
        venue.touch()
        await asyncio.sleep(0.05)
    await watching

    def same() -> bool:
        bids, asks = venue.exchange.book(BTC, 50)
        book = client.orderbooks[BTC]
        return [list(map(float, row)) for row in bids] == [row[:2] for row in book["bids"][:50]] and len(asks) == len(
            book["asks"]
        )

    await eventually(same)


async def test_orders_and_trades_are_reported_to_their_owner_only(venue, client):
    """By pair, under a token from REST."""
    await client.load_markets()
    orders = asyncio.create_task(client.watch_orders(BTC))
    trades = asyncio.create_task(client.watch_my_trades(BTC))
    await eventually(lambda: len(venue.sessions) == 1 and len(venue.sessions[0].subscriptions) == 2)
    name = uuid4().hex
    await limit(client, "buy", "0.1", "60001", client_order_id=name, ioc_order=True)
    assert (await orders)[0]["clientOrderId"] == name
    assert [trade["amount"] for trade in await trades] == [0.1]


async def test_a_token_nobody_gave_out_opens_nothing(venue, client):
    """The venue says so; stock ccxt looks the number 4009 up among texts, does not find it, and waits for ever."""
    await client.load_markets()
    client.options.update({"expiresIn": 2**62, "userId": "4848701", "wsSessionToken": "made up"})
    refused = asyncio.create_task(client.watch_orders(BTC))
    await eventually(lambda: venue.sessions)
    await limit(client, "buy", "0.1", "60001", ioc_order=True)
    await venue.sessions[0].sent()
    assert venue.sessions[0].account is None
    assert not refused.done()
    refused.cancel()
