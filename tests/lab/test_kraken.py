"""Unmodified ccxt clients trade on the lab's Kraken; what they see is held against the exchange behind it."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import ccxt.pro as ccxt
import pytest
from ccxt.base.errors import (
    AuthenticationError,
    BadRequest,
    DDoSProtection,
    ExchangeError,
    InsufficientFunds,
    InvalidNonce,
    InvalidOrder,
    OnMaintenance,
    OrderNotFound,
    RequestTimeout,
)

from connectors.lab import kraken_wire as wire
from connectors.lab.core import Exchange
from connectors.lab.faults import Call, FaultDesk, FaultKind, FaultRule
from connectors.lab.http import ApiKey
from connectors.lab.kraken import KrakenVenue

D = Decimal
KEY = "lab-key"
SECRET = base64.b64encode(b"a secret of the lab's own").decode()
ACCOUNT = "desk"
BTC = "BTC/USD"


async def eventually(met: Callable[[], Any], within_s: float = 5.0) -> Any:
    """Wait for a fact, not for a time."""
    until = time.monotonic() + within_s
    while not (value := met()):
        assert time.monotonic() < until, "did not come true in time"
        await asyncio.sleep(0.01)
    return value


def client_of(venue: KrakenVenue, **more: Any) -> Any:
    """A stock ccxt client with nothing but its addresses changed."""
    return ccxt.kraken(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "enableRateLimit": False,
            "timeout": 3000,
            "urls": {
                "api": {
                    "public": venue.url,
                    "private": venue.url,
                    "ws": {
                        "public": f"{venue.ws_url}/v2",
                        "private": f"{venue.ws_url}/private-token-only",
                        "publicV2": f"{venue.ws_url}/v2",
                        "privateV2": f"{venue.ws_url}/v2-private",
                    },
                }
            },
            **more,
        }
    )


@pytest.fixture
async def venue() -> AsyncIterator[KrakenVenue]:
    rules = replace(KrakenVenue.default_rules("kraken", 0), taker_fee_bps=D(40), maker_fee_bps=D(25))
    exchange = Exchange(rules, KrakenVenue.default_symbols())
    exchange.deposit(ACCOUNT, "USD", D(1_000_000))
    exchange.deposit(ACCOUNT, "BTC", D(5))
    bids = [(D(60_000) - n, D("0.5")) for n in range(30)]
    asks = [(D(60_001) + n, D("0.5")) for n in range(30)]
    exchange.set_outside(BTC, bids, asks, time.time_ns())
    lab = KrakenVenue(
        name="kraken",
        exchange=exchange,
        keys=[ApiKey(key=KEY, account=ACCOUNT, secret=SECRET)],
        faults=FaultDesk(),
    )
    await lab.start(0)
    yield lab
    await lab.stop()


@pytest.fixture
async def client(venue: KrakenVenue) -> AsyncIterator[Any]:
    ccxt_client = client_of(venue)
    yield ccxt_client
    await ccxt_client.close()


def fault(venue: KrakenVenue, kind: FaultKind, call: Call = Call.ANY, **params: Any) -> None:
    venue.faults.add(FaultRule(venue="kraken", fault=kind, call=call, params=params))


async def ioc(client: Any, side: str, amount: str, price: str, **params: Any) -> Any:
    return await client.create_order(BTC, "limit", side, amount, price, {"timeInForce": "IOC", **params})


async def test_markets_carry_krakens_names_steps_and_fees(venue, client):
    """XBT here, BTC there; precision, minimums and fees are the venue's."""
    market = (await client.load_markets())[BTC]
    assert market["id"] == "XXBTZUSD"
    assert (market["info"]["wsname"], market["info"]["altname"]) == ("XBT/USD", "XBTUSD")
    assert market["precision"] == {"amount": 1e-8, "price": 0.1}
    assert market["limits"]["amount"]["min"] == 0.00005
    assert market["limits"]["cost"]["min"] == 0.5
    assert (market["taker"], market["maker"]) == (0.004, 0.0025)
    assert set(client.symbols) == {"BTC/USD", "USDT/USD", "USDC/USD"}


async def test_fees_of_the_account_are_read_per_pair(client):
    """There is no call for all pairs at once."""
    assert (await client.fetch_trading_fee(BTC))["taker"] == 0.004
    assert (await client.fetch_trading_fee("USDT/USD"))["taker"] == 0.0008


async def test_time_and_status(client):
    """What a health check asks for."""
    assert abs(await client.fetch_time() - time.time() * 1000) < 5000
    assert (await client.fetch_status())["status"] == "ok"


async def test_balances_show_what_open_orders_hold(venue, client):
    """BalanceEx: total, and what is held for trades."""
    await client.create_order(BTC, "limit", "sell", "1", "70000")
    balance = await client.fetch_balance()
    assert balance["BTC"] == {"free": 4.0, "used": 1.0, "total": 5.0}
    assert balance["USD"]["total"] == 1_000_000


async def test_order_book_by_rest_is_the_venues(venue, client):
    """Depth, best first."""
    book = await client.fetch_order_book(BTC, 5)
    bids, asks = venue.exchange.book(BTC, 5)
    assert [(D(repr(p)), D(repr(s))) for p, s, *_ in book["bids"]] == bids
    assert [(D(repr(p)), D(repr(s))) for p, s, *_ in book["asks"]] == asks


async def test_streamed_book_follows_the_venues(venue, client):
    """Snapshot, then deltas: changed, removed and newly visible levels, cut to the subscribed depth."""
    await client.watch_order_book(BTC, 10)
    now = time.time_ns()
    venue.exchange.set_outside(BTC, [(D(60_000), D(0)), (D(59_998), D("0.12345678"))], [(D("60000.5"), D(2))], now)
    await ioc(client, "buy", "2.5", "60001")

    def same() -> bool:
        held, (bids, asks) = client.orderbooks[BTC], venue.exchange.book(BTC, 10)
        return [[tuple(map(repr, row)) for row in held[side]] for side in ("bids", "asks")] == [
            [(repr(float(p)), repr(float(s))) for p, s in levels] for levels in (bids, asks)
        ]

    await eventually(same)
    assert venue.exchange.book(BTC, 1)[1] == [(D(60_002), D("0.5"))]


async def test_every_frame_carries_the_checksum_of_the_book_it_leaves(venue):
    """A client that keeps its book from the frames can check each of them."""
    frames = await _book_frames(venue, changes=20)
    held: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
    for frame in frames:
        (row,) = frame["data"]
        for side, levels in held.items():
            levels |= {level["price"]: level["qty"] for level in row[side]}
            best = sorted((p for p, q in levels.items() if D(q)), key=D, reverse=side == "bids")[:10]
            held[side] = {price: levels[price] for price in best}
        assert str(wire.checksum(list(held["asks"].items()), list(held["bids"].items()))) == row["checksum"]
    assert len(frames) > 10


async def test_a_dropped_delta_breaks_the_checksum(venue):
    """The gap fault is visible in Kraken's own field."""
    fault(venue, FaultKind.WS_GAP)
    frames = await _book_frames(venue, changes=3)
    held: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
    right = []
    for frame in frames:
        (row,) = frame["data"]
        for side, levels in held.items():
            levels |= {level["price"]: level["qty"] for level in row[side]}
            best = sorted((p for p, q in levels.items() if D(q)), key=D, reverse=side == "bids")[:10]
            held[side] = {price: levels[price] for price in best}
        right.append(str(wire.checksum(list(held["asks"].items()), list(held["bids"].items()))) == row["checksum"])
    assert right[0]
    assert not right[-1]


async def _book_frames(venue: KrakenVenue, changes: int) -> list[dict[str, Any]]:
    """Book frames as sent, numbers as text, while the best bid keeps changing."""
    import json

    import aiohttp

    frames: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{venue.ws_url}/v2") as ws:
        request = {"method": "subscribe", "params": {"channel": "book", "symbol": [BTC], "depth": 10}}
        await ws.send_json(request)

        async def read_until(count: int) -> None:
            while len(frames) < count:
                frame = json.loads((await ws.receive(timeout=5)).data, parse_float=str, parse_int=str)
                if frame.get("channel") == "book":
                    frames.append(frame)

        await read_until(1)
        seen = 1
        for n in range(changes):
            at = [(D(59_990) + n, D("0.1") + D(n) / 1000)]
            venue.exchange.set_outside(BTC, at, [(D(60_001) + n % 4, D(n % 3))], time.time_ns())
            venue.flush()
            seen += 1
        dropped = sum(count.fired for count in venue.faults.counts())
        await read_until(seen - dropped)
    return frames


async def test_public_trades_are_streamed(venue, client):
    """Prices, sizes and the taker's side."""
    watching = asyncio.create_task(client.watch_trades(BTC))
    await eventually(lambda: any(session.state["client"].trades for session in venue.sessions))
    await ioc(client, "buy", "0.2", "60001")
    (trade,) = await asyncio.wait_for(watching, 5)
    assert (trade["price"], trade["amount"], trade["side"]) == (60_001.0, 0.2, "buy")


async def test_an_order_is_answered_with_its_txid_and_nothing_of_its_fate(client):
    """AddOrder tells neither status nor fills."""
    order = await ioc(client, "buy", "0.5", "60001")
    assert order["id"].startswith("O")
    assert (order["status"], order["filled"], order["info"]["descr"]["order"]) == (
        None,
        None,
        "buy 0.50000000 XBTUSD @ limit 60001.0",
    )


@pytest.mark.parametrize(
    ("amount", "price", "status", "filled"),
    [("0.5", "60001", "closed", 0.5), ("2", "60002", "canceled", 1.0), ("1", "59000", "canceled", 0.0)],
    ids=["in full", "in part", "not at all"],
)
async def test_ioc_orders_end_as_kraken_ends_them(venue, client, amount, price, status, filled):
    """Filled is closed; the remainder of an IOC is canceled, and nothing of it rests."""
    placed = await ioc(client, "buy", amount, price)
    order = await client.fetch_order(placed["id"])
    assert (order["status"], order["filled"], order["amount"]) == (status, filled, float(amount))
    assert venue.exchange.orders(ACCOUNT, open_only=True) == ()


async def test_fees_are_taken_in_quote(venue, client):
    """40 bps of 30,000.50 dollars; the bought base arrives whole."""
    await ioc(client, "buy", "0.5", "60001")
    (trade,) = await client.fetch_my_trades()
    assert (trade["fee"]["cost"], trade["fee"]["currency"]) == (120.002, "USD")
    assert (trade["takerOrMaker"], trade["symbol"], trade["amount"]) == ("taker", BTC, 0.5)
    assert (await client.fetch_balance())["BTC"]["total"] == 5.5


async def test_a_client_id_is_found_in_the_open_and_closed_lists(client):
    """The two look-ups that really send cl_ord_id."""
    resting, done = str(uuid4()), uuid4().hex
    await client.create_order(BTC, "limit", "buy", "0.1", "50000", {"clientOrderId": resting})
    await ioc(client, "buy", "0.1", "60001", clientOrderId=done)

    (opened,) = await client.fetch_open_orders(BTC, params={"clientOrderId": resting})
    (closed,) = await client.fetch_closed_orders(BTC, params={"clientOrderId": done})

    assert (opened["clientOrderId"], opened["status"]) == (resting, "open")
    assert (closed["clientOrderId"], closed["status"], closed["filled"]) == (done, "closed", 0.1)
    assert await client.fetch_open_orders(BTC, params={"clientOrderId": done}) == []
    assert await client.fetch_closed_orders(BTC, params={"clientOrderId": resting}) == []


async def test_fetch_order_by_client_id_is_a_false_not_found(client):
    """The client sends it as userref, which matches nothing: a trap the lab must keep."""
    mine = str(uuid4())
    await client.create_order(BTC, "limit", "buy", "0.1", "50000", {"clientOrderId": mine})
    with pytest.raises(OrderNotFound):
        await client.fetch_order("", BTC, {"clientOrderId": mine})


async def test_a_client_id_is_unique_among_open_orders_only(venue, client):
    """Refused while open; good for a second order once the first has ended."""
    mine = str(uuid4())
    order = await client.create_order(BTC, "limit", "buy", "0.1", "50000", {"clientOrderId": mine})
    with pytest.raises((BadRequest, ExchangeError), match="cl_ord_id not unique"):
        await ioc(client, "buy", "0.1", "60001", clientOrderId=mine)
    await client.cancel_order(order["id"])
    await ioc(client, "buy", "0.1", "60001", clientOrderId=mine)
    assert len(venue.exchange.find(ACCOUNT, client_id=mine)) == 2


async def test_orders_are_cancelled_by_txid_or_client_id(venue, client):
    """A second cancel finds nothing to do, and says so."""
    mine = str(uuid4())
    first = await client.create_order(BTC, "limit", "buy", "0.1", "50000")
    await client.create_order(BTC, "limit", "buy", "0.1", "50000", {"clientOrderId": mine})
    await client.cancel_order(first["id"])
    await client.cancel_order(None, BTC, {"clientOrderId": mine})
    assert venue.exchange.orders(ACCOUNT, open_only=True) == ()
    with pytest.raises(OrderNotFound):
        await client.cancel_order(first["id"])


async def test_trades_come_in_pages_of_fifty_newest_first(client):
    """`ofs` turns the page, `count` tells how many there are."""
    await client.load_markets()
    for _ in range(26):
        await ioc(client, "buy", "0.001", "60030")
        await ioc(client, "sell", "0.001", "59000")
    first = await client.private_post_tradeshistory({"ofs": 0})
    second = await client.private_post_tradeshistory({"ofs": 50})
    assert first["result"]["count"] == second["result"]["count"] == 52
    assert (len(first["result"]["trades"]), len(second["result"]["trades"])) == (50, 2)
    closed = await client.private_post_closedorders({"ofs": 50})
    assert len(closed["result"]["closed"]) == 2


async def test_trades_start_after_a_time(venue, client):
    """`start` is exclusive and in seconds; an order's trades are found by their ids."""
    placed = await ioc(client, "buy", "1", "60002")
    assert await client.fetch_my_trades(BTC, int(time.time() * 1000) + 60_000) == []
    order = await client.fetch_order(placed["id"])
    trades = await client.fetch_order_trades(placed["id"], BTC, params={"trades": order["trades"]})
    assert sorted(trade["price"] for trade in trades) == [60_001.0, 60_002.0]


async def test_closed_orders_are_cut_by_time(client):
    """`start` is exclusive; `closetime` says which of an order's times is meant."""
    await ioc(client, "buy", "0.1", "60001")

    async def closed(**window: Any) -> int:
        return len((await client.private_post_closedorders(window))["result"]["closed"])

    assert await closed(start=int(time.time()) - 60) == 1
    assert await closed(start=int(time.time()) + 60, closetime="open") == 0
    assert await closed(end=int(time.time()) - 60, closetime="close") == 0
    with pytest.raises(ExchangeError, match="Invalid arguments"):
        await closed(start="yesterday")


async def test_the_private_stream_tells_an_orders_whole_story(venue, client):
    """New, each fill, the end; then balances."""
    await client.load_markets()
    seen: list[dict[str, Any]] = []
    handle = client.handle_message
    client.handle_message = lambda ws, frame: (seen.append(frame), handle(ws, frame))
    orders, balances = (asyncio.create_task(watch()) for watch in (client.watch_orders, client.watch_balance))
    await eventually(lambda: sum(frame.get("type") == "snapshot" for frame in seen) == 2)
    mine = str(uuid4())

    await ioc(client, "buy", "2", "60002", clientOrderId=mine)

    rows = await eventually(
        lambda: rows if (rows := _rows(seen, "executions")) and rows[-1]["exec_type"] == "canceled" else None
    )
    assert [row["exec_type"] for row in rows] == ["pending_new", "new", "trade", "trade", "canceled"]
    assert {row["cl_ord_id"] for row in rows} == {mine}
    assert [row["last_qty"] for row in rows if row["exec_type"] == "trade"] == [0.5, 0.5]
    assert rows[2]["fees"] == [{"asset": "USD", "qty": 120.002}]
    await eventually(lambda: _rows(seen, "balances"))
    total = {row["asset"]: D(repr(row["balance"])) for row in _rows(seen, "balances")}
    assert total["BTC"] == venue.exchange.balances(ACCOUNT)["BTC"].total == D(6)
    await asyncio.wait_for(asyncio.gather(orders, balances), 5)


async def test_my_trades_are_streamed_with_their_fees(venue, client):
    """The client parses the fill frames."""
    await client.load_markets()
    watching = asyncio.create_task(client.watch_my_trades(BTC))
    await eventually(lambda: any(session.account for session in venue.sessions))
    await ioc(client, "buy", "0.5", "60001")
    (trade,) = await asyncio.wait_for(watching, 5)
    assert (trade["price"], trade["amount"], trade["fee"]) == (60_001.0, 0.5, {"cost": 120.002, "currency": "USD"})


def _rows(frames: list[dict[str, Any]], channel: str) -> list[dict[str, Any]]:
    updates = [frame for frame in frames if frame.get("channel") == channel and frame["type"] == "update"]
    return [row for frame in updates for row in frame["data"]]


async def test_a_wrong_signature_is_refused(venue):
    """Another secret opens nothing; nor does an unknown key."""
    stranger = client_of(venue, secret=base64.b64encode(b"another").decode())
    unknown = client_of(venue, apiKey="nobody")
    with pytest.raises(ExchangeError, match="EAPI:Invalid signature"):
        await stranger.fetch_balance()
    with pytest.raises(AuthenticationError):
        await unknown.fetch_balance()
    await stranger.close()
    await unknown.close()


async def test_nonces_must_grow(client):
    """A nonce below the last one of the key is refused, and the order is not placed."""
    await client.fetch_balance()
    client.incrementing_nonce = lambda: 1
    with pytest.raises(InvalidNonce):
        await client.fetch_balance()


def deadline(in_s: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=in_s)).isoformat()


async def test_an_order_late_at_the_engine_is_refused_by_its_deadline(venue, client):
    """Held up beyond its client's patience, overtaken by look-ups: still refused, never placed."""
    await client.load_markets()
    fault(venue, FaultKind.DELAY_REQUEST, Call.PLACE, delay_ms=600)
    impatient = client_of(venue, timeout=200)
    impatient.set_markets_from_exchange(client)
    with pytest.raises(RequestTimeout):
        await ioc(impatient, "buy", "0.5", "60001", deadline=deadline(0.3))
    await client.fetch_open_orders()
    await eventually(lambda: venue.late_requests == 1)
    assert venue.exchange.orders(ACCOUNT) == ()
    await impatient.close()


async def test_deadlines_are_read_at_the_engine(venue, client):
    """One in time passes, one that has run out is Kraken's error, one too far ahead or unreadable is an argument."""
    await ioc(client, "buy", "0.1", "60001", deadline=deadline(2))
    with pytest.raises(ExchangeError, match="EService:Deadline elapsed"):
        await ioc(client, "buy", "0.1", "60001", deadline=deadline(-0.1))
    with pytest.raises(ExchangeError, match="Invalid arguments:deadline"):
        await ioc(client, "buy", "0.1", "60001", deadline=deadline(120))
    with pytest.raises(ExchangeError, match="Invalid arguments:deadline"):
        await ioc(client, "buy", "0.1", "60001", deadline="soon")
    assert len(venue.exchange.orders(ACCOUNT)) == 1


async def test_a_late_order_without_deadline_is_placed(venue, client):
    """The reason for deadlines."""
    await client.load_markets()
    fault(venue, FaultKind.DELAY_REQUEST, Call.PLACE, delay_ms=300)
    impatient = client_of(venue, timeout=100)
    impatient.set_markets_from_exchange(client)
    with pytest.raises(RequestTimeout):
        await ioc(impatient, "buy", "0.5", "60001")
    await client.fetch_open_orders()
    await eventually(lambda: venue.exchange.orders(ACCOUNT))
    await impatient.close()


async def test_refusals_are_in_krakens_words(venue, client):
    """Funds, minimum, price, symbol, id, rate."""
    with pytest.raises(InsufficientFunds):
        await ioc(client, "sell", "100", "60000")
    with pytest.raises(InvalidOrder, match="volume minimum not met"):
        await ioc(client, "buy", "0.00001", "60000")
    with pytest.raises(ExchangeError, match="EOrder:Invalid price"):
        await client.private_post_addorder(
            {"pair": "XXBTZUSD", "type": "buy", "ordertype": "limit", "volume": "1", "price": "1.23"}
        )
    with pytest.raises(ExchangeError, match="EQuery:Unknown asset pair"):
        await client.private_post_addorder({"pair": "NOPE", "type": "buy", "ordertype": "market", "volume": "1"})
    with pytest.raises(ExchangeError, match="Invalid arguments:cl_ord_id"):
        await ioc(client, "buy", "0.1", "60001", clientOrderId="much too long for free text, no UUID")
    fault(venue, FaultKind.HTTP_429, Call.PLACE, status=200)
    with pytest.raises(DDoSProtection, match="EAPI:Rate limit exceeded"):
        await ioc(client, "buy", "0.1", "60001")


async def test_halted_books_take_no_orders(venue, client):
    """As Kraken says it in maintenance."""
    venue.exchange.set_halted(BTC, halted=True)
    with pytest.raises(OnMaintenance, match="cancel_only"):
        await ioc(client, "buy", "0.1", "60001")
    venue.exchange.set_halted(BTC, halted=False)


async def test_an_answer_without_txid_leaves_the_order_at_the_venue(venue, client):
    """The client returns an order without id; the order is there."""
    fault(venue, FaultKind.MISSING_ID_200, Call.PLACE)
    mine = str(uuid4())
    order = await ioc(client, "buy", "0.5", "60001", clientOrderId=mine)
    assert order["id"] is None
    assert len(await client.fetch_closed_orders(params={"clientOrderId": mine})) == 1


async def test_the_keys_permissions_can_be_read(client):
    """Trading, no withdrawing."""
    info = await client.private_post_getapikeyinfo()
    assert "modify-trades" in info["result"]["permissions"]
    assert not [permission for permission in info["result"]["permissions"] if "withdraw" in permission]
