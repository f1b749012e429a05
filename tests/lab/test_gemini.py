"""Unmodified ccxt clients trade on the lab's Gemini; what they see is held against the exchange behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import ccxt.pro as ccxt
import pytest
from ccxt.base.errors import AuthenticationError, InsufficientFunds, InvalidNonce, InvalidOrder, OrderNotFound

from connectors.lab.core import Exchange, OrderStatus
from connectors.lab.faults import FaultDesk
from connectors.lab.gemini import GeminiVenue
from connectors.lab.http import ApiKey
from tests.waiting import eventually

D = Decimal
KEY, SECRET, ACCOUNT = "account-lab-key", "a secret of the lab's own", "desk"
BTC = "BTC/USD"


def client_of(venue: GeminiVenue, **more: Any) -> Any:
    """A stock ccxt client: its addresses changed, and told the grids it would read off a web page."""
    api = dict.fromkeys(("public", "private", "web", "webExchange"), venue.url)
    return ccxt.gemini(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "enableRateLimit": False,
            "timeout": 3000,
            "urls": {"api": {**api, "ws": venue.ws_url}},
            "has": {"fetchCurrencies": False},
            "options": {"tradingPairs": [["BTCUSD", 2, 8, "0.00001"]]},
            **more,
        }
    )


@pytest.fixture
async def venue() -> AsyncIterator[GeminiVenue]:
    exchange = Exchange(GeminiVenue.default_rules("gemini", 0), GeminiVenue.default_symbols())
    exchange.deposit(ACCOUNT, "USD", D(1_000_000))
    exchange.deposit(ACCOUNT, "BTC", D(5))
    bids = [(D(60_000) - n, D("0.5")) for n in range(30)]
    asks = [(D(60_001) + n, D("0.5")) for n in range(30)]
    exchange.set_outside(BTC, bids, asks, time.time_ns())
    lab = GeminiVenue(
        name="gemini", exchange=exchange, keys=[ApiKey(key=KEY, account=ACCOUNT, secret=SECRET)], faults=FaultDesk()
    )
    await lab.start(0)
    yield lab
    await lab.stop()


@pytest.fixture
async def client(venue: GeminiVenue) -> AsyncIterator[Any]:
    ccxt_client = client_of(venue)
    yield ccxt_client
    await ccxt_client.close()


async def limit(client: Any, side: str, amount: str, price: str, **params: Any) -> Any:
    return await client.create_order(BTC, "limit", side, amount, price, {"clientOrderId": uuid4().hex, **params})


async def test_the_answer_to_an_order_is_the_order(venue, client):
    """An immediate-or-cancel order: what was done, and that the rest is cancelled."""
    placed = await limit(client, "buy", "0.75", "60001", timeInForce="IOC")
    (record,) = venue.exchange.orders(ACCOUNT)
    assert record.status is OrderStatus.EXPIRED
    assert (placed["id"], placed["clientOrderId"]) == (str(record.order_id), record.client_id)
    assert (placed["status"], placed["filled"], placed["remaining"]) == ("canceled", 0.5, 0.25)


async def test_ids_are_not_looked_at(venue, client):
    """The same request again is another order, whether the first is open or filled."""
    name = uuid4().hex
    for price in ("60001", "59000", "59000"):
        await limit(client, "buy", "0.1", price, clientOrderId=name)
    assert len(venue.exchange.find(ACCOUNT, client_id=name)) == 3
    listed = await client.privatePostV1OrderStatus({"client_order_id": name})
    assert len(listed) == 3


async def test_an_order_is_found_by_our_id_with_the_raw_call_only(client):
    """Stock ccxt adds an `order_id` that is null."""
    name = uuid4().hex
    placed = await limit(client, "sell", "0.75", "59990", clientOrderId=name, timeInForce="IOC")
    (found,) = await client.privatePostV1OrderStatus({"client_order_id": name, "include_trades": True})
    assert found["order_id"] == placed["id"]
    assert [(trade["price"], trade["amount"]) for trade in found["trades"]] == [("60000", "0.5"), ("59999", "0.25")]
    with pytest.raises(OrderNotFound):
        await client.privatePostV1OrderStatus({"client_order_id": uuid4().hex})


async def test_an_order_is_cancelled_by_the_venues_id_once(venue, client):
    placed = await limit(client, "buy", "0.1", "59000")
    assert (await client.cancel_order(placed["id"]))["status"] == "canceled"
    assert venue.exchange.orders(ACCOUNT)[0].status is OrderStatus.CANCELLED
    with pytest.raises(OrderNotFound):
        await client.cancel_order(placed["id"])


@pytest.mark.parametrize(
    ("amount", "price", "error"), [("0.000005", "60001", InvalidOrder), ("50", "60001", InsufficientFunds)]
)
async def test_refusals_bear_geminis_reasons(venue, client, amount, price, error):
    with pytest.raises(error):
        await limit(client, "buy", amount, price)
    assert venue.exchange.orders(ACCOUNT) == ()


async def test_trades_balances_and_fees_are_the_exchanges(venue, client):
    """Fees in dollars; a page of trades begins at a time and is listed newest first."""
    await limit(client, "buy", "0.75", "60002", timeInForce="IOC")
    trades = await client.fetch_my_trades(BTC)
    truth = venue.exchange.trades(ACCOUNT)
    assert sorted((t["id"], t["price"], t["amount"], t["fee"]["cost"]) for t in trades) == sorted(
        (str(t.execution_id), float(t.price), float(t.quantity), float(t.fee)) for t in truth
    )
    rows = await client.privatePostV1Mytrades({"symbol": "btcusd", "timestamp": 0, "limit_trades": 1})
    assert [(int(row["tid"]), row["aggressor"]) for row in rows] == [(truth[0].execution_id, True)]
    held = await client.fetch_balance()
    assert D(str(held["USD"]["total"])) == venue.exchange.balances(ACCOUNT)["USD"].total
    assert (await client.fetch_trading_fees())[BTC]["taker"] == 0.001


async def test_only_the_keys_owner_is_let_in(venue):
    for credentials in ({"secret": "not it"}, {"apiKey": "account-nobody"}):
        stranger = client_of(venue, **credentials)
        with pytest.raises(AuthenticationError):
            await stranger.fetch_balance()
        await stranger.close()


async def test_a_nonce_must_grow(client):
    await client.fetch_balance()
    client.incrementing_nonce = lambda: 1
    with pytest.raises(InvalidNonce):
        await client.fetch_balance()


@pytest.mark.parametrize("counted", [True, False], ids=["multimarketdata", "l2"])
async def test_books_of_both_streams_are_the_exchanges(venue, client, counted):
    """The counted one of several symbols, and the one of version 2."""
    await (client.watch_order_book_for_symbols([BTC]) if counted else client.watch_order_book(BTC))
    venue.exchange.set_outside(BTC, [(D(59_500), D(7))], [], time.time_ns())
    venue.touch()

    def same() -> bool:
        bids, asks = venue.exchange.book(BTC, None)
        book = client.orderbooks[BTC]
        told = [[tuple(row[:2]) for row in book[side]] for side in ("bids", "asks")]
        return told == [[(float(price), float(size)) for price, size in side] for side in (bids, asks)]

    await eventually(same)


async def test_stock_ccxt_opens_its_private_stream_without_a_signature(venue, client):
    """It signs the handshake into a dictionary it then empties, before the socket is dialled."""
    with pytest.raises((ccxt.NetworkError, ccxt.ExchangeError)):
        await client.watch_orders()
    assert not [session for session in venue.sessions if session.account]


async def test_order_events_are_told_to_a_signed_handshake(venue, client):
    """Given its headers, the stream acknowledges and reports."""
    stock = client.client

    def signed(url: str) -> Any:
        made = stock(url)
        made.options = dict(made.options)
        return made

    client.client = signed
    await client.load_markets()
    watching = asyncio.create_task(client.watch_orders())
    await eventually(lambda: [session for session in venue.sessions if session.account == ACCOUNT])
    placed = await limit(client, "buy", "0.1", "60001", timeInForce="IOC")
    await watching
    await eventually(lambda: placed["id"] in {order["id"] for order in client.orders})
