"""Asks the installed ccxt to build the request of each call, and keeps it from being sent.

An instance gets one market and no network: `fetch` is replaced by something that writes down what came and stops.
Time, nonces and random ids stand still, and what signing adds is left out, so that two captures of one ccxt are equal.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ccxt.pro

from connectors.ccxt_venue import codec
from connectors.ccxt_venue.capabilities import CAPABILITIES, Capabilities
from connectors.ccxt_venue.capabilities.shapes import Encoding, Route
from router.model.ids import ClientOrderId

OUR_ID = ClientOrderId("ab12cd34ef008111a222333344445555")
SYMBOL = "BTC/USDT"
NOW_MS = 1_763_600_000_000
GENERATED = "made-by-ccxt"
ENCODE = {
    Encoding.HEX: codec.as_hex,
    Encoding.UUID: codec.as_uuid,
    Encoding.GATE: codec.as_gate,
    Encoding.INT45: codec.as_int45,
}
MARKET_ID = {
    "bitfinex": "tBTCUST",
    "bitstamp": "btcusdt",
    "coinbase": "BTC-USDT",
    "coinbaseexchange": "BTC-USDT",
    "cryptocom": "BTC_USDT",
    "gate": "BTC_USDT",
    "gemini": "btcusdt",
    "htx": "btcusdt",
    "kraken": "XBTUSDT",
    "kucoin": "BTC-USDT",
    "okx": "BTC-USDT",
}
SETTLED = {  # what ccxt would otherwise ask the venue before the first order
    "bitget": {"uta": False},
    "bybit": {"enableUnifiedMargin": False, "enableUnifiedAccount": True},
    "gate": {"unifiedAccount": False},
    "kucoin": {"uta": False, "hf": True},
}
BOOK_ROWS = {"htx": 150, "kucoin": 100}
SIGNING = frozenset(
    "timestamp signature nonce sig api_key AccessKeyId SignatureMethod SignatureVersion Timestamp Signature foo".split()
)
HAS = (
    "watchOrders watchMyTrades watchBalance watchOrderBook createOrders createOrderWs editOrder cancelAllOrdersAfter "
    "fetchOrder fetchOpenOrders fetchClosedOrders fetchCanceledAndClosedOrders fetchMyTrades fetchTradingFee sandbox"
).split()


class Stopped(Exception):
    """Raised in place of sending."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A captured request, headers included (the record leaves them out)."""

    method: str
    url: str
    path: str
    fields: Any
    headers: Mapping[str, str]


def spelled(venue: str) -> str:
    """Our id as the venue is given it."""
    return ENCODE[CAPABILITIES[venue].client_id.encoding](OUR_ID)


def market(venue: str) -> dict[str, Any]:
    """One spot market, in ccxt's words."""
    digits = {"amount": 8, "price": 5} if venue == "bitfinex" else {"amount": "0.00000001", "price": "0.01"}
    return {
        "id": MARKET_ID.get(venue, "BTCUSDT"),
        "lowercaseId": MARKET_ID.get(venue, "BTCUSDT").lower(),
        "symbol": SYMBOL,
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "type": "spot",
        "spot": True,
        "active": True,
        "precision": digits,
        "limits": {"amount": {"min": "0.00000001"}, "price": {}, "cost": {"min": "1"}},
        "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"], "pair_decimals": 2, "lot_decimals": 8},
    }


def offline(venue: str, answer: object = None, *, made: Any = None, settled: bool = True) -> tuple[Any, list[Sent]]:
    """An instance of ccxt's class that cannot send, and the list its requests are written to."""
    keys = {"apiKey": "account-key", "secret": base64.b64encode(b"secret" * 8).decode(), "password": "p", "uid": "1"}
    config: dict[str, Any] = {
        **keys,
        "enableRateLimit": False,
        "timeout_on_exit": 0,
        "options": SETTLED.get(venue, {}) if settled else {},
    }
    exchange = getattr(ccxt.pro, venue)(config) if made is None else made
    exchange.apiKey, exchange.secret, exchange.password, exchange.uid = keys.values()
    currencies = {each: {"id": each, "code": each, "precision": 1e-8} for each in ("BTC", "USDT")}
    exchange.set_markets([exchange.safe_market_structure(market(venue))], currencies)
    if settled:
        exchange.accounts = [{"id": "1", "type": "spot"}]
    exchange.milliseconds = lambda: NOW_MS
    exchange.microseconds = lambda: NOW_MS * 1000
    exchange.seconds = lambda: NOW_MS // 1000
    for name in ("uuid", "uuid16", "uuid22"):
        setattr(exchange, name, lambda *_args: GENERATED)
    sent: list[Sent] = []

    async def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        sent.append(_read(url, method, headers or {}, body))
        if answer is None:
            raise Stopped
        return answer

    exchange.fetch = fetch
    return exchange, sent


def _read(url: str, method: str, headers: Mapping[str, str], body: Any) -> Sent:
    parts = urlsplit(url)
    in_query = dict(parse_qsl(parts.query, keep_blank_values=True))
    in_body: Any = _body(headers.get("X-GEMINI-PAYLOAD"), body)
    fields = in_body if isinstance(in_body, list) else {**in_query, **in_body}
    return Sent(method, url, parts.path, fields, headers)


def _body(payload: str | None, body: Any) -> Any:
    text = base64.b64decode(payload).decode() if payload else body
    if not text:
        return {}
    text = text.decode() if isinstance(text, bytes) else text
    return json.loads(text) if text[:1] in "[{" else dict(parse_qsl(text, keep_blank_values=True))


def calls(venue: str) -> dict[str, tuple[str, Sequence[Any]]]:
    """Every call of the map: first in ccxt's unified words, then as the venue means it."""
    one = CAPABILITIES[venue]
    unified = {"clientOrderId": spelled(venue)}
    ours = {one.client_id.param: spelled(venue)}
    limit = (SYMBOL, "limit", "buy", "0.5", "60000")
    batch = [{"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": "0.5", "price": "60000", "params": unified}]
    asked: dict[str, tuple[str, Sequence[Any]]] = {
        "unified: IOC": ("create_order", (*limit, {**unified, "timeInForce": "IOC"})),
        "unified: FOK": ("create_order", (*limit, {**unified, "timeInForce": "FOK"})),
        "unified: post-only": ("create_order", (*limit, {**unified, "postOnly": True})),
        "unified: time in force PO": ("create_order", (*limit, {**unified, "timeInForce": "PO"})),
        "unified: market buy of base": ("create_order", (SYMBOL, "market", "buy", "0.5", None, unified)),
        "unified: market buy with a price": ("create_order", (SYMBOL, "market", "buy", 0.5, 60000, unified)),
        "unified: market buy by cost": ("create_order", (SYMBOL, "market", "buy", "0.5", None, {**unified, "cost": 7})),
        "unified: without an id": ("create_order", limit),
        "unified: several orders": ("create_orders", (batch,)),
        "unified: amend": ("edit_order", ("7", SYMBOL, "limit", "buy", "0.5", "60001")),
        "unified: cancel by our id": ("cancel_order", ("", SYMBOL, unified)),
        "unified: cancel by our id, id None": ("cancel_order", (None, SYMBOL, unified)),
        "unified: cancel by the venue's id": ("cancel_order", ("7", SYMBOL)),
        "unified: fetch by our id": ("fetch_order", ("", SYMBOL, unified)),
        "unified: open orders by our id": ("fetch_open_orders", (SYMBOL, None, None, unified)),
        "unified: closed orders by our id": ("fetch_closed_orders", (SYMBOL, None, None, unified)),
        "unified: trades since": ("fetch_my_trades", (SYMBOL, NOW_MS - 1000)),
        "unified: balances": ("fetch_balance", ()),
        "unified: fee": ("fetch_trading_fee", (SYMBOL,)),
        "unified: book": ("fetch_order_book", (SYMBOL, BOOK_ROWS.get(venue, 50))),
        "unified: dead-man timer": ("cancel_all_orders_after", (60_000,)),
        "venue: IOC": ("create_order", (*limit, {**ours, **one.kinds.ioc.params})),
        "venue: FOK": ("create_order", (*limit, {**ours, **one.kinds.fok.params})),
        "venue: GTC": ("create_order", (*limit, {**ours, **one.kinds.gtc.params})),
        "venue: post-only": ("create_order", (*limit, {**ours, **one.kinds.post_only.params})),
    }
    for route in one.look_up.routes:
        asked[f"venue: look up by {route.endpoint}"] = (route.endpoint, (_params(venue, route),))
    if one.cancel.route is not None:
        asked[f"venue: cancel by {one.cancel.route.endpoint}"] = (
            one.cancel.route.endpoint,
            (_params(venue, one.cancel.route),),
        )
    return asked


_WITH = {  # what an endpoint wants besides the id
    "binance": {"symbol": "BTCUSDT"},
    "binanceus": {"symbol": "BTCUSDT"},
    "bitfinex": {"cid_date": "2025-11-20"},
    "bybit": {"category": "spot", "symbol": "BTCUSDT"},
    "gate": {"currency_pair": "BTC_USDT"},
    "kucoin": {"symbol": "BTC-USDT"},
    "okx": {"instId": "BTC-USDT"},
}


def _params(venue: str, route: Route) -> dict[str, Any]:
    our_id: Any = spelled(venue)
    return {route.param: int(our_id) if venue == "bitfinex" else our_id, **_WITH.get(venue, {})}


async def captured(venue: str, name: str, arguments: Sequence[Any]) -> tuple[list[Sent], str | None]:
    """What one call sends, and the class of what it raises before it sends anything."""
    exchange, sent = offline(venue)
    return sent, await _asked(exchange, name, arguments)


async def first_requests(venue: str) -> list[str]:
    """What a bare instance asks before, or instead of, placing its first order."""
    exchange, sent = offline(venue, answer={}, settled=False)
    await _asked(exchange, "create_order", (SYMBOL, "limit", "buy", "0.5", "60000"))
    return [f"{each.method} {each.path}" for each in sent if each.method == "GET"]


async def _asked(exchange: Any, name: str, arguments: Sequence[Any]) -> str | None:
    try:
        await getattr(exchange, name)(*arguments)
    except Stopped:
        return None
    except Exception as error:  # noqa: BLE001 - whatever ccxt raises is part of the record
        return type(error).__name__
    finally:
        await exchange.close()
    return None


async def record(venue: str) -> dict[str, Any]:
    """The whole record of a venue, as the file holds it."""
    made = {}
    for name, (method, arguments) in calls(venue).items():
        sent, raised = await captured(venue, method, arguments)
        made[name] = {
            "asked": f"{method}({', '.join(_shown(venue, each) for each in arguments)})",
            "sent": [
                {"method": each.method, "path": _masked(venue, each.path), "fields": _masked(venue, each.fields)}
                for each in sent
            ],
            "raised": raised,
        }
    exchange, _ = offline(venue)
    has = {name: exchange.has.get(name) for name in HAS}
    has["set_sandbox_mode"] = _sandbox(exchange)
    has["asks before a first order"] = await first_requests(venue)
    await exchange.close()
    return {"ccxt": ccxt.__version__, "has": has, "calls": made}


def _sandbox(exchange: Any) -> str:
    try:
        exchange.set_sandbox_mode(True)
    except Exception as error:  # noqa: BLE001 - which one is what is recorded
        return type(error).__name__
    return "switched"


def _shown(venue: str, value: Any) -> str:
    return repr(_masked(venue, value))


def _masked(venue: str, value: Any) -> Any:
    """Our id as `<id>`, without what signing adds."""
    if isinstance(value, Mapping):
        return {name: _masked(venue, each) for name, each in value.items() if name not in SIGNING}
    if isinstance(value, list | tuple):
        return [_masked(venue, each) for each in value]
    if isinstance(value, str):
        return value.replace(spelled(venue), "<id>")
    if isinstance(value, int) and str(value) == spelled(venue):
        return "<id>"
    return value


def capabilities() -> Sequence[Capabilities]:
    """All venues of the map."""
    return list(CAPABILITIES.values())
