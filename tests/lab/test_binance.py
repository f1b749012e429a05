"""An unmodified ccxt.pro.binance trades on the lab, by configuration alone. The venue's own record judges."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from tests.lab.rig import binance_client
from tests.waiting import eventually

SYMBOL = "BTC/USDT"


async def ioc(client: Any, quantity: float, price: float, client_id: str, side: str = "buy") -> dict[str, Any]:
    """A priced immediate-or-cancel order under our own id."""
    order: dict[str, Any] = await client.create_order(
        SYMBOL, "limit", side, quantity, price, {"timeInForce": "IOC", "newClientOrderId": client_id}
    )
    return order


async def test_markets_carry_the_venues_filters(client: Any) -> None:
    """Tick, step and minimums arrive as the venue states them."""
    market = client.market(SYMBOL)

    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.00001, 5.0)
    assert market["active"]


async def test_account_fees_are_the_accounts_own(client: Any) -> None:
    """Fee tiers come from the private fee call."""
    fees = await client.fetch_trading_fees()

    assert fees[SYMBOL]["taker"] == 0.001
    assert fees["USDC/USDT"]["taker"] == 0.0


async def test_the_book_is_a_snapshot_followed_by_deltas(client: Any, control: LabControl) -> None:
    """The client's book becomes the venue's, and follows a change of it."""
    book = await client.watch_order_book(SYMBOL)
    assert [list(level) for level in book["asks"][:2]] == [[60010.0, 1.0], [60020.0, 2.0]]

    await control.set_book("binance", SYMBOL, asks=[("60005", "0.5")], replace=False)

    async def follows() -> bool:
        await client.watch_order_book(SYMBOL)
        return list(client.orderbooks[SYMBOL]["asks"][0]) == [60005.0, 0.5]

    await eventually(follows)


async def test_an_ioc_fills_in_part_and_the_venue_says_so(client: Any, control: LabControl) -> None:
    """1.5 BTC limited to 60015: one fills at 60010, the rest expires; the fee is in BTC."""
    order = await ioc(client, 1.5, 60015, "a1")

    assert (order["status"], order["filled"], order["clientOrderId"]) == ("expired", 1.0, "a1")
    [trade] = await control.trades("binance")
    assert (trade["price"], trade["quantity"], trade["fee"], trade["fee_asset"]) == ("60010", "1", "0.001", "BTC")
    [mine] = await client.fetch_my_trades(SYMBOL)
    assert (mine["amount"], mine["price"], mine["fee"]["currency"]) == (1.0, 60010.0, "BTC")
    balance = await client.fetch_balance()
    assert balance["BTC"]["total"] == 100.999
    assert Decimal((await control.balances("binance"))["main"]["USDT"]["total"]) == 5_000_000 - 60010


async def test_an_order_is_found_by_our_id_and_a_stranger_is_not(client: Any) -> None:
    """Look-up by client id finds the order; an unknown id is OrderNotFound."""
    await ioc(client, 0.1, 60010, "a1")

    found = await client.fetch_order("", SYMBOL, {"origClientOrderId": "a1"})
    assert (found["status"], found["filled"]) == ("closed", 0.1)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order("", SYMBOL, {"origClientOrderId": "nobody"})


async def test_an_id_is_refused_only_while_its_order_is_open(client: Any, control: LabControl) -> None:
    """Duplicate of a resting order: -2010. After a cancel the same id buys again."""
    params = {"newClientOrderId": "a1"}
    await client.create_order(SYMBOL, "limit", "buy", 0.1, 50000, params)
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await client.create_order(SYMBOL, "limit", "buy", 0.1, 50000, params)

    cancelled = await client.cancel_order("", SYMBOL, {"origClientOrderId": "a1"})
    assert cancelled["status"] == "canceled"
    await ioc(client, 0.1, 60010, "a1")
    assert [order["status"] for order in await control.orders("binance")] == ["CANCELLED", "FILLED"]


async def test_replaying_a_finished_ioc_buys_twice(client: Any, control: LabControl) -> None:
    """The venue's rule, and the reason why nothing is ever resent on silence."""
    await ioc(client, 0.1, 60010, "a1")
    await ioc(client, 0.1, 60010, "a1")

    assert len(await control.orders("binance", client_id="a1")) == 2


@pytest.mark.parametrize(
    ("quantity", "price", "words"),
    [
        (1000, 60010, "insufficient balance"),
        (0.00001, 60000, "NOTIONAL"),
    ],
)
async def test_refusals_carry_the_venues_words(client: Any, quantity: float, price: float, words: str) -> None:
    """Filters and funds are refused with Binance's code and text."""
    with pytest.raises((ccxt.BadRequest, ccxt.InsufficientFunds), match=words):
        await ioc(client, quantity, price, "a1")


async def test_post_only_that_would_take_is_refused(client: Any) -> None:
    """LIMIT_MAKER at the offer: -2010."""
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await client.create_order(SYMBOL, "limit", "buy", 0.1, 60010, {"postOnly": True})


async def test_open_orders_and_cancel(client: Any) -> None:
    """A resting order is listed until it is cancelled; a second cancel finds nothing."""
    order = await client.create_order(SYMBOL, "limit", "buy", 0.1, 50000)
    assert [one["id"] for one in await client.fetch_open_orders(SYMBOL)] == [order["id"]]

    await client.cancel_order(order["id"], SYMBOL)

    assert await client.fetch_open_orders(SYMBOL) == []
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(order["id"], SYMBOL)


async def test_a_request_that_comes_after_its_window_is_refused(client: Any, control: LabControl) -> None:
    """Held up for 300 ms with a window of 100 ms: -1021, and no order exists."""
    await control.inject("binance", "delay_request", call="place", delay_ms=300)

    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await client.create_order(
            SYMBOL, "limit", "buy", 0.1, 60010, {"timeInForce": "IOC", "newClientOrderId": "a1", "recvWindow": 100}
        )
    assert await control.orders("binance") == []


async def test_a_wrong_secret_is_refused(lab: Lab) -> None:
    """Signatures are checked for real."""
    client = binance_client(lab.venues["binance"])
    client.secret = "wrong"
    try:
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await client.fetch_balance()
    finally:
        await client.close()


async def test_the_private_stream_tells_orders_trades_and_balances(client: Any) -> None:
    """Subscribed by signature; a fill arrives as trade, order and balance."""
    watching = asyncio.gather(client.watch_my_trades(SYMBOL), client.watch_orders(SYMBOL), client.watch_balance())

    async def subscribed() -> bool:
        return any(future for future in client.clients.values() if "spot:balance" in future.futures)

    await eventually(subscribed)
    await ioc(client, 0.1, 60010, "a1")
    trades, orders, balance = await asyncio.wait_for(watching, 5)

    assert (trades[-1]["amount"], trades[-1]["fee"]["currency"]) == (0.1, "BTC")
    assert orders[-1]["clientOrderId"] == "a1"
    assert balance["BTC"]["free"] > 0


async def test_a_gap_in_the_deltas_is_seen_and_mended(client: Any, control: LabControl) -> None:
    """One delta is dropped: the client says ChecksumError, subscribes again and has the venue's book."""
    await client.watch_order_book(SYMBOL)
    await control.inject("binance", "ws_gap")

    async def follow() -> None:
        while True:
            await client.watch_order_book(SYMBOL)

    with pytest.raises(ccxt.ChecksumError):
        await asyncio.wait_for(follow(), 10)

    book = await asyncio.wait_for(client.watch_order_book(SYMBOL), 5)
    assert list(book["bids"][0]) == [60000.0, 1.0]


async def test_public_trades_are_told(client: Any) -> None:
    """Our own execution is a public trade too."""
    await client.watch_order_book(SYMBOL)
    watching = asyncio.ensure_future(client.watch_trades(SYMBOL))

    async def heard() -> bool:
        await ioc(client, 0.01, 60010, "a1")
        return watching.done()

    await eventually(heard)
    assert watching.result()[-1]["price"] == 60010.0
