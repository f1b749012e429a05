"""What each dialect subscribes to, built by ccxt and captured at its websocket: nothing is dialled."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.ccxt_venue.registry import DIALECTS
from tests.capabilities.asking import Offline
from tests.capabilities.capture import SYMBOL

BULLET = {
    "code": "200000",
    "data": {"token": "t", "instanceServers": [{"endpoint": "wss://push.kucoin.com/endpoint", "pingInterval": 50_000}]},
}
BOOKS = {
    "binanceus": ("stream.binance.us", {"method": "SUBSCRIBE", "params": ["btcusdt@depth@100ms"]}),
    "bitfinex": ("api-pub.bitfinex.com", {"event": "subscribe", "channel": "book", "symbol": "tBTCUST", "len": 100}),
    "bitget": (
        "ws.bitget.com",
        {"op": "subscribe", "args": [{"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}]},
    ),
    "coinbaseexchange": (
        "ws-feed.exchange.coinbase.com",
        {"type": "subscribe", "product_ids": ["BTC-USDT"], "channels": ["level2_batch", "heartbeat"]},
    ),
    "cryptocom": ("stream.crypto.com", {"method": "subscribe"}),
    "gate": ("api.gateio.ws", {"channel": "spot.order_book_update", "payload": ["BTC_USDT", "100ms"]}),
    "htx": ("api.huobi.pro", {"sub": "market.btcusdt.mbp.150"}),
    "kucoin": ("push.kucoin.com", {"type": "subscribe", "topic": "/market/level2:BTC-USDT"}),
}
ORDERS = {
    "binanceus": ("ws-api.binance.us", {"method": "userDataStream.subscribe.signature"}),
    "bitfinex": ("api.bitfinex.com", {"event": "auth"}),
    "bitget": ("ws.bitget.com", {"op": "login"}),
    "coinbaseexchange": ("ws-feed.exchange.coinbase.com", {"type": "subscribe", "channels": ["user"]}),
    "cryptocom": ("stream.crypto.com", {"method": "public/auth"}),
    "gate": ("api.gateio.ws", {"channel": "spot.orders", "payload": ["!all"]}),
    "htx": ("api.huobi.pro", {"action": "req", "ch": "auth"}),
    "kucoin": ("push.kucoin.com", {"type": "subscribe", "topic": "/spotMarket/tradeOrders", "privateChannel": True}),
}


TRADES = {
    "binance": ("stream.binance.com", {"method": "SUBSCRIBE", "params": ["btcusdt@trade"]}),
    "binanceus": ("stream.binance.us", {"method": "SUBSCRIBE", "params": ["btcusdt@trade"]}),
    "bitfinex": ("api-pub.bitfinex.com", {"event": "subscribe", "channel": "trades", "symbol": "tBTCUST"}),
    "bitget": (
        "ws.bitget.com",
        {"op": "subscribe", "args": [{"instType": "SPOT", "channel": "trade", "instId": "BTCUSDT"}]},
    ),
    "bitstamp": ("ws.bitstamp.net", {"event": "bts:subscribe", "data": {"channel": "live_trades_btcusdt"}}),
    "bybit": ("stream.bybit.com", {"op": "subscribe", "args": ["publicTrade.BTCUSDT"]}),
    "coinbase": (
        "advanced-trade-ws.coinbase.com",
        {"type": "subscribe", "product_ids": ["BTC-USDT"], "channel": "market_trades"},
    ),
    "coinbaseexchange": (
        "ws-feed.exchange.coinbase.com",
        {"type": "subscribe", "product_ids": ["BTC-USDT"], "channels": ["matches", "heartbeat"]},
    ),
    "cryptocom": ("stream.crypto.com", {"method": "subscribe", "params": {"channels": ["trade.BTC_USDT"]}}),
    "gate": ("api.gateio.ws", {"channel": "spot.trades", "payload": ["BTC_USDT"]}),
    "gemini": ("api.gemini.com", {}),
    "htx": ("api.huobi.pro", {"sub": "market.btcusdt.trade.detail"}),
    "kraken": ("ws.kraken.com", {"method": "subscribe", "params": {"channel": "trade", "symbol": ["BTC/USDT"]}}),
    "kucoin": ("push.kucoin.com", {"type": "subscribe", "topic": "/market/match:BTC-USDT"}),
    "okx": ("ws.okx.com", {"op": "subscribe", "args": [{"channel": "trades", "instId": "BTC-USDT"}]}),
}


def listening(venue: str) -> tuple[Offline, list[tuple[str, Any]]]:
    """A dialect whose client writes down what it would say on its sockets, and then waits as on a quiet one."""
    offline = Offline(venue, DIALECTS[venue]())
    said: list[tuple[str, Any]] = []

    def watch(url: str, _hash: Any, message: Any = None, *_more: Any) -> asyncio.Future[None]:
        said.append((urlsplit(url).hostname or "", message))
        return asyncio.get_running_loop().create_future()

    async def fetch(*_args: Any, **_more: Any) -> Any:
        return BULLET

    offline.exchange.watch = offline.exchange.watch_multiple = watch
    offline.exchange.fetch = fetch
    return offline, said


async def heard_of(offline: Offline, said: list[tuple[str, Any]], work: Any) -> list[tuple[str, Any]]:
    """What was said by the time nothing more is."""
    task = asyncio.ensure_future(work)
    for _ in range(50):
        await asyncio.sleep(0)
    failed = task.exception() if task.done() else None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await offline.exchange.close()
    if failed is not None:
        raise failed
    return said


def holds(message: Any, expected: dict[str, Any]) -> bool:
    """Is every expected field in the message?"""
    return isinstance(message, dict) and {name: message.get(name) for name in expected} == expected


@pytest.mark.parametrize("venue", sorted(BOOKS))
async def test_books_are_subscribed_at_the_venues_own_host(venue: str):
    """On the channel the decoder reads, without a key."""
    offline, said = listening(venue)
    offline.exchange.apiKey = offline.exchange.secret = None
    await heard_of(offline, said, offline.dialect.watch_books(offline.exchange, [SYMBOL]))

    host, expected = BOOKS[venue]
    assert any(where == host and holds(message, expected) for where, message in said), said


@pytest.mark.parametrize("venue", sorted(ORDERS))
async def test_orders_are_subscribed_at_the_venues_own_host(venue: str):
    """The first thing said to the private stream: a log-in, or the subscription where that is signed itself."""
    offline, said = listening(venue)
    await heard_of(offline, said, offline.exchange.watch_orders())

    host, expected = ORDERS[venue]
    assert holds(said[0][1], expected), said
    assert said[0][0] == host


@pytest.mark.parametrize("venue", sorted(DIALECTS))
async def test_trades_are_subscribed_at_the_venues_own_host(venue: str):
    """On the channel the decoder reads, without a key. Gemini's names its symbols in the URL and says nothing more."""
    offline, said = listening(venue)
    offline.exchange.apiKey = offline.exchange.secret = None
    await heard_of(offline, said, offline.dialect.watch_trades(offline.exchange, [SYMBOL]))

    host, expected = TRADES[venue]
    assert any(where == host and (not expected or holds(message, expected)) for where, message in said), said
