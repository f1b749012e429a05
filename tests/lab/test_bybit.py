"""Unmodified ccxt clients trade on the lab's Bybit; what they see is held against the exchange behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt.pro as ccxt
import pytest
from ccxt.base.errors import (
    AuthenticationError,
    BadRequest,
    InsufficientFunds,
    InvalidNonce,
    InvalidOrder,
    OrderNotFound,
    RateLimitExceeded,
    RequestTimeout,
)

from connectors.lab.bybit import BybitVenue
from connectors.lab.core import Exchange
from connectors.lab.faults import Call, FaultDesk, FaultKind, FaultRule
from connectors.lab.http import ApiKey
from tests.waiting import eventually

D = Decimal
BTC = "BTC/USDT"
ACCOUNT = "desk"


def client_of(venue: BybitVenue, *, unified: bool = True, **more: Any) -> Any:
    """A stock ccxt client with its addresses changed; `unified` False lets it ask what account it has."""
    private = f"{venue.ws_url}/v5/private"
    sockets = {
        "public": {"spot": f"{venue.ws_url}/v5/public/spot"},
        "private": {"spot": {"unified": private}, "contract": private},
    }
    options = {"enableUnifiedMargin": False, "enableUnifiedAccount": True} if unified else {}
    return ccxt.bybit(
        {
            "apiKey": "lab-key",
            "secret": "lab-secret",
            "enableRateLimit": False,
            "timeout": 3000,
            "has": {"fetchCurrencies": False},
            "urls": {"api": {"public": venue.url, "private": venue.url, "ws": sockets}},
            "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, **options},
            **more,
        }
    )


@pytest.fixture
async def venue() -> AsyncIterator[BybitVenue]:
    exchange = Exchange(BybitVenue.default_rules("bybit", 0), BybitVenue.default_symbols())
    exchange.deposit(ACCOUNT, "USDT", D(1_000_000))
    exchange.deposit(ACCOUNT, "BTC", D(5))
    bids = [(D(60_000) - n, D("0.5")) for n in range(60)]
    asks = [(D(60_001) + n, D("0.5")) for n in range(60)]
    exchange.set_outside(BTC, bids, asks, time.time_ns())
    keys = [ApiKey(key="lab-key", account=ACCOUNT, secret="lab-secret")]
    lab = BybitVenue(name="bybit", exchange=exchange, keys=keys, faults=FaultDesk())
    await lab.start(0)
    yield lab
    await lab.stop()


@pytest.fixture
async def client(venue: BybitVenue) -> AsyncIterator[Any]:
    exchange = client_of(venue)
    yield exchange
    await exchange.close()


async def buy(client: Any, amount: str = "0.3", price: str = "60001", **params: Any) -> Any:
    return await client.create_order(BTC, "limit", "buy", amount, price, {"timeInForce": "IOC", **params})


def orders(venue: BybitVenue) -> tuple[Any, ...]:
    return venue.exchange.orders(ACCOUNT)


async def test_markets_carry_bybits_filters(client):
    market = (await client.load_markets())[BTC]
    assert market["id"] == "BTCUSDT"
    assert market["precision"] == {"amount": 0.000001, "price": 0.01}
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.000011, 5)
    assert set(client.symbols) == {"BTC/USDT", "BTC/USDC", "USDC/USDT"}


async def test_time_fees_and_balance(venue, client):
    assert abs(await client.fetch_time() - time.time() * 1000) < 5000
    assert (await client.fetch_trading_fee(BTC))["taker"] == 0.001
    await client.create_order(BTC, "limit", "sell", "1", "70000")
    balance = await client.fetch_balance()
    assert balance["BTC"] == {"free": 4.0, "used": 1.0, "total": 5.0, "debt": 0.0}


async def test_an_answer_names_the_order_and_nothing_else(venue, client):
    """What became of it is for its record to tell."""
    created = await buy(client, "0.7", "60001", clientOrderId="a" * 32)
    assert (created["clientOrderId"], created["status"], created["filled"]) == ("a" * 32, None, None)
    (record,) = orders(venue)
    assert created["id"] == str(record.order_id)
    assert record.executed == D("0.5")


async def test_without_the_option_an_order_is_preceded_by_questions(venue):
    """What kind of account is it: two more calls, each of which can fail before the order."""
    asking = client_of(venue, unified=False)
    await asking.load_markets()
    rule = FaultRule(venue="bybit", fault=FaultKind.HTTP_5XX, path_contains="query-api", params={"when": "before"})
    venue.faults.add(rule)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await buy(asking)
    assert (await buy(asking))["id"]
    assert len(orders(venue)) == 1
    await asking.close()


async def test_what_an_ioc_leaves_is_cancelled_and_found_by_our_id_among_the_ended(venue, client):
    """Open orders have it not, nor have ccxt's closed ones (it asks for `Filled`): realtime openOnly=1 has."""
    await buy(client, "0.7", "60001", clientOrderId="mine-1")
    assert await client.fetch_open_orders(BTC, params={"orderLinkId": "mine-1"}) == []
    assert await client.fetch_closed_orders(BTC, params={"orderLinkId": "mine-1"}) == []
    (told,) = await client.fetch_open_orders(BTC, params={"orderLinkId": "mine-1", "openOnly": 1})
    assert (told["filled"], told["info"]["orderStatus"]) == (0.5, "PartiallyFilledCanceled")
    (again,) = await client.fetch_canceled_and_closed_orders(BTC, params={"orderLinkId": "mine-1"})
    assert again["id"] == told["id"]


async def test_a_restart_forgets_what_has_ended_but_history_does_not(venue, client):
    await buy(client, clientOrderId="mine-1")
    venue.restart()
    assert await client.fetch_open_orders(BTC, params={"orderLinkId": "mine-1", "openOnly": 1}) == []
    (told,) = await client.fetch_canceled_and_closed_orders(BTC, params={"orderLinkId": "mine-1"})
    assert told["status"] == "closed"


async def test_the_engine_may_reject_what_the_gateway_took(venue, client):
    """An id comes back, as for any order; the record says Rejected, and the id is used up."""
    params = {"postOnly": True, "clientOrderId": "late-1"}
    created = await client.create_order(BTC, "limit", "buy", "0.1", "60100", params)
    assert created["id"]
    (told,) = await client.fetch_open_orders(BTC, params={"orderLinkId": "late-1", "openOnly": 1})
    assert (told["info"]["orderStatus"], told["info"]["rejectReason"]) == ("Rejected", "EC_PostOnlyWillTakeLiquidity")
    (again,) = await client.fetch_canceled_and_closed_orders(BTC, params={"orderLinkId": "late-1"})
    assert again["filled"] == 0
    with pytest.raises(InvalidOrder, match="170141"):
        await buy(client, clientOrderId="late-1")
    venue.exchange.set_halted(BTC, halted=True)
    assert (await buy(client, clientOrderId="late-2"))["id"]
    (told,) = await client.fetch_open_orders(BTC, params={"orderLinkId": "late-2", "openOnly": 1})
    assert told["info"]["rejectReason"] == "EC_InvalidSymbolStatus"
    assert orders(venue) == ()


async def test_an_id_is_good_once_ever(venue, client):
    await buy(client, clientOrderId="mine-1")
    with pytest.raises(InvalidOrder, match="170141"):
        await buy(client, clientOrderId="mine-1")
    assert len(orders(venue)) == 1


@pytest.mark.parametrize("link_id", ["a" * 37, "no spaces", "dot."])
async def test_an_id_has_36_characters_at_most_of_a_narrow_set(venue, client, link_id):
    with pytest.raises(BadRequest, match="10001"):
        await buy(client, clientOrderId=link_id)
    assert orders(venue) == ()


async def test_a_cancel_goes_by_our_id_alone(venue, client):
    """With id None and `orderLinkId`; an ended order is refused in the venue's words."""
    params = {"clientOrderId": "mine-1", "timeInForce": "GTC"}
    await client.create_order(BTC, "limit", "buy", "0.1", "50000", params)
    await client.cancel_order(None, BTC, {"orderLinkId": "mine-1"})
    assert [record.status.value for record in orders(venue)] == ["CANCELLED"]
    with pytest.raises(InvalidOrder, match="170142"):
        await client.cancel_order(None, BTC, {"orderLinkId": "mine-1"})
    with pytest.raises(OrderNotFound, match="170213"):
        await client.cancel_order(None, BTC, {"orderLinkId": "nobody"})


async def test_refusals_are_bybits_own(venue, client):
    with pytest.raises(InsufficientFunds, match="170131"):
        await buy(client, "80", "60001")
    with pytest.raises(InvalidOrder, match="170140"):
        await buy(client, "0.000011", "60001")
    with pytest.raises(InvalidOrder, match="170135"):
        await buy(client, "84", "60001")
    assert orders(venue) == ()


async def test_a_fee_is_taken_in_the_asset_received(venue, client):
    await buy(client, "0.3")
    await client.create_order(BTC, "limit", "sell", "0.2", "60000", {"timeInForce": "IOC"})
    fees = [(trade["side"], trade["fee"]["currency"], trade["fee"]["cost"]) for trade in await client.fetch_my_trades()]
    assert sorted(fees) == [("buy", "BTC", 0.0003), ("sell", "USDT", 12.0)]


async def test_lists_are_cut_to_twenty_and_have_a_cursor_to_the_end(venue, client):
    """The cursor is there after the last row, too: only an empty page says that the list is over."""
    await client.load_markets()
    for _ in range(23):
        await buy(client, "0.001")
    pages, cursor = [], {}
    while True:
        answer = (await client.privateGetV5OrderHistory({"category": "spot", "symbol": "BTCUSDT", **cursor}))["result"]
        pages.append(len(answer["list"]))
        if not answer["list"]:
            break
        cursor = {"cursor": answer["nextPageCursor"]}
    assert pages == [20, 3, 0]


async def test_more_than_seven_days_are_not_listed_at_once(client):
    now_ms = int(time.time() * 1000)
    week = 7 * 86_400_000
    span = {"category": "spot", "startTime": now_ms - week - 1, "endTime": now_ms}
    with pytest.raises(BadRequest, match="7 days"):
        await client.privateGetV5ExecutionList(span)
    await client.privateGetV5ExecutionList({**span, "startTime": now_ms - week})


async def test_signatures_and_keys_are_verified(venue):
    for changed, code in (({"secret": "other"}, "10004"), ({"apiKey": "other"}, "10003")):
        wrong = client_of(venue, **changed)
        with pytest.raises(AuthenticationError, match=code):
            await buy(wrong)
        await wrong.close()
    assert orders(venue) == ()


async def test_a_request_that_arrives_after_its_window_is_refused(venue, client):
    """The window is counted from the time stamp, at the gateway."""
    await client.load_markets()
    client.options["recvWindow"] = 200
    venue.faults.add(FaultRule(venue="bybit", fault=FaultKind.DELAY_REQUEST, call=Call.PLACE, params={"delay_ms": 400}))
    with pytest.raises(InvalidNonce, match="10002"):
        await buy(client)
    client.options["timeDifference"] = -2000
    with pytest.raises(InvalidNonce, match="10002"):
        await buy(client)
    assert orders(venue) == ()


async def test_books_arrive_whole_and_then_by_changes(venue, client):
    """Fifty levels a side, as the exchange has them; levels that come into view are sent."""
    book = await client.watch_order_book(BTC, 50)
    assert len(book["bids"]) == len(book["asks"]) == 50
    await buy(client, "0.5")

    async def follows() -> bool:
        watched = await asyncio.wait_for(client.watch_order_book(BTC, 50), 5)
        bids, asks = venue.exchange.book(BTC, 50)
        return [row[:2] for row in watched["asks"]] == [[float(p), float(s)] for p, s in asks] and [
            row[:2] for row in watched["bids"]
        ] == [[float(p), float(s)] for p, s in bids]

    venue.exchange.set_outside(BTC, [(D("60000.5"), D(1))], [], time.time_ns())
    venue.touch()
    await eventually(follows)


async def test_frames_of_a_book_are_numbered_one_by_one_and_from_one_after_a_restart(venue, client):
    seen: list[Any] = []
    handle = client.handle_order_book
    client.handle_order_book = lambda ws, frame: (seen.append(frame), handle(ws, frame))
    await client.watch_order_book(BTC, 50)
    for cents in range(1, 4):
        venue.exchange.set_outside(BTC, [(D("60000.5"), D(cents))], [], time.time_ns())
        venue.flush()
    venue.restart()
    venue.exchange.set_outside(BTC, [(D("60000.5"), D(9))], [], time.time_ns())
    venue.flush()
    await eventually(lambda: len(seen) == 6)
    first = seen[0]["data"]["u"]
    assert [frame["data"]["u"] for frame in seen] == [first, first + 1, first + 2, first + 3, 1, 2]
    assert [frame["type"] for frame in seen] == ["snapshot", "delta", "delta", "delta", "snapshot", "delta"]


async def test_the_private_stream_tells_orders_trades_and_balances(venue, client):
    watching = [asyncio.create_task(each) for each in (client.watch_orders(), client.watch_my_trades())]
    await eventually(lambda: any(session.subscriptions >= {"order", "execution"} for session in venue.sessions))
    await buy(client, "0.3", clientOrderId="mine-1")
    (told,), (traded,) = [await asyncio.wait_for(each, 5) for each in watching]
    assert told["clientOrderId"] == "mine-1"
    assert (traded["order"], traded["amount"], traded["fee"]["currency"]) == (told["id"], 0.3, "BTC")


async def test_a_login_with_a_wrong_secret_is_refused(venue):
    wrong = client_of(venue, secret="other")
    with pytest.raises((ccxt.ExchangeError, ccxt.AuthenticationError)):
        await asyncio.wait_for(wrong.watch_orders(), 5)
    await wrong.close()


async def test_public_trades_are_streamed(venue, client):
    watching = asyncio.create_task(client.watch_trades(BTC))
    await eventually(lambda: any("publicTrade.BTCUSDT" in session.subscriptions for session in venue.sessions))
    await buy(client, "0.3")
    (told,) = await asyncio.wait_for(watching, 5)
    assert (told["side"], told["price"], told["amount"]) == ("buy", 60001.0, 0.3)


async def test_placing_through_faults(venue, client):
    """What the client is told says little about whether the order exists."""
    await client.load_markets()
    client.timeout = 700
    for kind, raised, placed in (
        (FaultKind.ANSWER_LOST, RequestTimeout, 1),
        (FaultKind.HTTP_429, RateLimitExceeded, 0),
        (FaultKind.CUT_BODY, ccxt.ExchangeError, 1),
        (FaultKind.HTML_200, None, 1),
        (FaultKind.MISSING_ID_200, None, 1),
    ):
        before = len(orders(venue))
        venue.faults.add(FaultRule(venue="bybit", fault=kind, call=Call.PLACE))
        if raised is None:
            assert (await buy(client, "0.01"))["id"] is None
        else:
            with pytest.raises(raised):
                await buy(client, "0.01")
        assert len(orders(venue)) - before == placed
