"""Fifteen little venues: what each answers, rightly, to the calls our dialects make about one order.

The shapes are those of the recorded payloads and of the venues' own documentation, which the tests of each dialect
read, too. A venue knows one order, filled by one trade, or none at all; beside it one balance, and its own errors.
"""
# ruff: noqa: PIE800 - a venue's row reads best in a few lines, not in one per field

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from router.model.ids import ClientOrderId
from tests.capabilities.capture import CAPABILITIES, ENCODE, MARKET_ID
from tests.connectors.matrix.door import Answer, Asked, says

ANOTHERS_ID = ClientOrderId("ab12cd34ef008111a2223333ffffffff")


@dataclass(frozen=True, kw_only=True, slots=True)
class Little:
    """The one order: its id as the venue spells it, the venue's own, and whether the venue knows it."""

    spelled: str
    order_id: str
    known: bool
    at_ms: int

    @property
    def iso(self) -> str:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def seconds(self) -> float:
        return self.at_ms / 1000

    def listed(self, each: Any) -> list[Any]:
        """A list that holds it, or nothing."""
        return [each] if self.known else []

    def or_else(self, known: Any, status: int, unknown: Any) -> Answer:
        """Its record, or what the venue says of an order it does not know."""
        return says(known) if self.known else says(unknown, status)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a venue says no. `used`: of an id it has seen; None where it never looks."""

    refusal: Answer
    busy: Answer
    unknown: Answer
    used: Answer | None
    another: str


Answers = Mapping[str, Any]
"""By method and path (a pattern): an `Answer`, or the JSON of a success."""


def binance(o: Little) -> Answers:
    order = {
        **{"symbol": "BTCUSDT", "orderId": int(o.order_id), "clientOrderId": o.spelled, "price": "60000"},
        **{"origQty": "0.5", "executedQty": "0.5", "status": "FILLED", "side": "BUY", "time": o.at_ms},
    }
    trade = {
        **{"symbol": "BTCUSDT", "id": 9009, "orderId": int(o.order_id), "price": "60000", "qty": "0.5"},
        **{"commission": "0.0005", "commissionAsset": "BTC", "time": o.at_ms, "isBuyer": True, "isMaker": False},
    }
    return {
        "POST /api/v3/order": order,
        "DELETE /api/v3/order": o.or_else(order, 400, {"code": -2011, "msg": "Unknown order sent."}),
        "GET /api/v3/order": o.or_else(order, 400, {"code": -2013, "msg": "Order does not exist."}),
        "GET /api/v3/allOrders": o.listed(order),
        "GET /api/v3/openOrders": [],
        "GET /api/v3/myTrades": o.listed(trade),
        "GET /api/v3/account": {"balances": [{"asset": "BTC", "free": "1", "locked": "0"}]},
    }


def bitfinex(o: Little) -> Answers:
    moments, amounts = [o.at_ms, o.at_ms], [0, 0.5]
    head = [int(o.order_id), None, int(o.spelled), "tBTCUST", *moments, *amounts, "EXCHANGE IOC", None, None, None]
    order = [*head, 0, "EXECUTED @ 60000.0(0.5)", None, None, 60000, 60000, 0, 0, *[None] * 3, 0, 0, *[None] * 3]
    trade = [9009, "tBTCUST", o.at_ms, int(o.order_id), 0.5, 60000, "EXCHANGE IOC", 60000, -1, -0.0005, "BTC"]
    done = [o.at_ms, "on-req", None, None, [order], None, "SUCCESS", "Submitting 1 orders."]
    return {
        "POST /v2/auth/w/order/submit": done,
        "POST /v2/auth/w/order/cancel": o.or_else(
            [o.at_ms, "oc-req", None, None, order, None, "SUCCESS", "Submitted for cancellation"],
            500,
            ["error", 10001, "Order not found."],
        ),
        "POST /v2/auth/r/orders/tBTCUST/hist": o.listed(order),
        "POST /v2/auth/r/orders(/tBTCUST)?": [],
        "POST /v2/auth/r/order/tBTCUST:.*/trades": o.listed(trade),
        "POST /v2/auth/r/trades(/tBTCUST)?/hist": o.listed(trade),
        "POST /v2/auth/r/wallets": [["exchange", "BTC", 1, 0, 1, None, None]],
    }


def bitget(o: Little) -> Answers:
    ids = {"orderId": o.order_id, "clientOid": o.spelled}
    order = {
        **{**ids, "symbol": "BTCUSDT", "price": "60000", "size": "0.5", "orderType": "limit", "side": "buy"},
        **{"status": "filled", "baseVolume": "0.5", "cTime": str(o.at_ms)},
    }
    fill = {
        **{"symbol": "BTCUSDT", "orderId": o.order_id, "tradeId": "9009", "side": "buy", "priceAvg": "60000"},
        **{"size": "0.5", "tradeScope": "taker", "cTime": str(o.at_ms)},
        "feeDetail": {"feeCoin": "BTC", "totalFee": "-0.0005"},
    }

    def well(data: Any) -> Any:
        return {"code": "00000", "msg": "success", "requestTime": o.at_ms, "data": data}

    return {
        "POST /api/v2/spot/trade/place-order": well(ids),
        "POST /api/v2/spot/trade/cancel-order": o.or_else(well(ids), 400, {"code": "43001", "msg": "no order"}),
        "GET /api/v2/spot/trade/orderInfo": well(o.listed(order)),
        "GET /api/v2/spot/trade/unfilled-orders": well([]),
        "GET /api/v2/spot/trade/history-orders": well(o.listed(order)),
        "GET /api/v2/spot/trade/fills": well(o.listed(fill)),
        "GET /api/v2/spot/account/assets": well([{"coin": "BTC", "available": "1", "frozen": "0", "locked": "0"}]),
    }


def bitstamp(o: Little) -> Answers:
    moved = {"btc": "0.5", "usdt": "30000", "fee": "30", "datetime": o.iso}
    status = {
        **{"id": int(o.order_id), "client_order_id": o.spelled, "status": "Finished", "amount_remaining": "0"},
        **{"type": 0, "market": "BTC/USDT", "datetime": o.iso},
        "transactions": [{**moved, "tid": 9009, "price": "60000", "type": 2}],
    }
    row = {**moved, "id": 9009, "order_id": int(o.order_id), "type": "2", "btc_usdt": 60000, "usdt": "-30000"}
    gone = {"status": "error", "reason": "Order not found", "code": "400.002"}
    return {
        "POST /api/v2/buy/btcusdt/": {
            "id": o.order_id,
            "market": "BTC/USDT",
            "type": "0",
            "client_order_id": o.spelled,
        },
        "POST /api/v2/cancel_order/": o.or_else({"id": int(o.order_id), "amount": 0.5, "price": 60000}, 400, gone),
        "POST /api/v2/order_status/": o.or_else(status, 400, gone),
        "POST /api/v2/open_orders/.*": [],
        "POST /api/v2/user_transactions/btcusdt/": o.listed(row),
        "POST /api/v2/account_balances/": [{"currency": "btc", "total": "1", "available": "1", "reserved": "0"}],
    }


def bybit(o: Little) -> Answers:
    ids = {"orderId": o.order_id, "orderLinkId": o.spelled}
    order = {
        **{**ids, "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "orderStatus": "Filled", "qty": "0.5"},
        **{"cumExecQty": "0.5", "price": "60000", "createdTime": str(o.at_ms)},
    }
    trade = {
        **{**ids, "symbol": "BTCUSDT", "side": "Buy", "execId": "9009", "execPrice": "60000", "execQty": "0.5"},
        **{"execFee": "0.0005", "feeCurrency": "BTC", "isMaker": False, "execTime": str(o.at_ms)},
    }

    def well(result: Any) -> Any:
        return {"retCode": 0, "retMsg": "OK", "result": result, "time": o.at_ms}

    def page(rows: list[Any]) -> Any:
        return well({"list": rows, "nextPageCursor": ""})

    coins = [{"coin": "BTC", "walletBalance": "1", "locked": "0"}]
    return {
        "POST /v5/order/create": well(ids),
        "POST /v5/order/cancel": well(ids) if o.known else {"retCode": 170213, "retMsg": "Order does not exist."},
        "GET /v5/order/realtime": page([]),
        "GET /v5/order/history": page(o.listed(order)),
        "GET /v5/execution/list": page(o.listed(trade)),
        "GET /v5/account/wallet-balance": page([{"accountType": "UNIFIED", "coin": coins}]),
    }


def coinbase(o: Little) -> Answers:
    order = {
        **{"order_id": o.order_id, "client_order_id": o.spelled, "product_id": "BTC-USDT", "side": "BUY"},
        **{"status": "FILLED", "filled_size": "0.5", "created_time": o.iso},
        "order_configuration": {"sor_limit_ioc": {"base_size": "0.5", "limit_price": "60000"}},
    }
    fill = {
        **{"entry_id": "e9009", "trade_id": "9009", "order_id": o.order_id, "product_id": "BTC-USDT", "side": "BUY"},
        **{"price": "60000", "size": "0.5", "size_in_quote": False, "commission": "30", "trade_time": o.iso},
        "liquidity_indicator": "TAKER",
    }
    done = {"order_id": o.order_id, "product_id": "BTC-USDT", "side": "BUY", "client_order_id": o.spelled}
    money = {"currency": "BTC", "available_balance": {"value": "1"}, "hold": {"value": "0"}}
    at = "/api/v3/brokerage"
    return {
        f"POST {at}/orders": {"success": True, "success_response": done},
        f"POST {at}/orders/batch_cancel": {
            "results": [{"success": True, "order_id": o.order_id, "failure_reason": ""}]
        },
        f"GET {at}/orders/historical/batch": {"orders": o.listed(order), "has_next": False, "cursor": ""},
        f"GET {at}/orders/historical/fills": {"fills": o.listed(fill), "cursor": ""},
        f"GET {at}/orders/historical/.*": o.or_else({"order": order}, 404, {"error": "NOT_FOUND", "message": "none"}),
        f"GET {at}/accounts": {"accounts": [money], "has_next": False, "cursor": ""},
    }


def coinbaseexchange(o: Little) -> Answers:
    order = {
        **{"id": o.order_id, "client_oid": o.spelled, "product_id": "BTC-USDT", "side": "buy", "status": "done"},
        **{"done_reason": "filled", "size": "0.5", "filled_size": "0.5", "price": "60000", "created_at": o.iso},
    }
    fill = {
        **{"trade_id": 9009, "order_id": o.order_id, "product_id": "BTC-USDT", "side": "buy", "price": "60000"},
        **{"size": "0.5", "fee": "30", "liquidity": "T", "created_at": o.iso},
    }
    gone = {"message": "NotFound"}
    return {
        "POST /orders": {**order, "status": "pending"},
        "DELETE /orders/client:.*": o.or_else(o.order_id, 404, gone),
        "GET /orders/client:.*": o.or_else(order, 404, gone),
        "GET /orders": o.listed(order),
        "GET /fills": o.listed(fill),
        "GET /accounts": [{"currency": "BTC", "balance": "1", "available": "1", "hold": "0"}],
    }


def cryptocom(o: Little) -> Answers:
    ids = {"order_id": o.order_id, "client_oid": o.spelled}
    order = {
        **{**ids, "instrument_name": "BTC_USDT", "side": "BUY", "status": "FILLED", "quantity": "0.5"},
        **{"cumulative_quantity": "0.5", "limit_price": "60000", "create_time_ns": str(o.at_ms * 1_000_000)},
    }
    trade = {
        **{**ids, "trade_id": "9009", "instrument_name": "BTC_USDT", "side": "BUY", "traded_price": "60000"},
        **{"traded_quantity": "0.5", "fees": "-0.0005", "fee_instrument_name": "BTC", "taker_side": "TAKER"},
        "create_time_ns": str(o.at_ms * 1_000_000),
    }

    def well(result: Any) -> Any:
        return {"id": 1, "method": "private/x", "code": 0, "result": result}

    balances = [{"instrument_name": "BTC", "quantity": "1", "reserved_qty": "0"}]
    gone = {"id": 1, "method": "private/x", "code": 40401, "message": "NOT_FOUND"}
    at = "/exchange/v1/private"
    return {
        f"POST {at}/create-order": well(ids),
        f"POST {at}/cancel-order": o.or_else(well(ids), 200, gone),
        f"POST {at}/get-order-detail": o.or_else(well(order), 200, gone),
        f"POST {at}/get-open-orders": well({"data": []}),
        f"POST {at}/get-order-history": well({"data": o.listed(order)}),
        f"POST {at}/get-trades": well({"data": o.listed(trade)}),
        f"POST {at}/user-balance": well({"data": [{"position_balances": balances}]}),
    }


def gate(o: Little) -> Answers:
    order = {
        **{"id": o.order_id, "text": o.spelled, "currency_pair": "BTC_USDT", "type": "limit", "side": "buy"},
        **{"amount": "0.5", "left": "0", "price": "60000", "status": "closed", "create_time_ms": o.at_ms},
    }
    trade = {
        **{"id": "9009", "order_id": o.order_id, "text": o.spelled, "currency_pair": "BTC_USDT", "side": "buy"},
        **{"amount": "0.5", "price": "60000", "fee": "0.0005", "fee_currency": "BTC", "role": "taker"},
        "create_time_ms": str(o.at_ms),
    }
    gone = {"label": "ORDER_NOT_FOUND", "message": "Order not found"}
    return {
        "POST /api/v4/spot/orders": says(order, 201),
        "DELETE /api/v4/spot/orders/.*": o.or_else(order, 404, gone),
        "GET /api/v4/spot/orders/.*": o.or_else(order, 404, gone),
        "GET /api/v4/spot/orders": o.listed(order),
        "GET /api/v4/spot/open_orders": [],
        "GET /api/v4/spot/my_trades": o.listed(trade),
        "GET /api/v4/spot/accounts": [{"currency": "BTC", "available": "1", "locked": "0"}],
    }


def gemini(o: Little) -> Answers:
    fill = {
        **{"tid": 9009, "order_id": o.order_id, "client_order_id": o.spelled, "price": "60000", "amount": "0.5"},
        **{"timestampms": o.at_ms, "type": "Buy", "aggressor": True, "fee_currency": "USDT", "fee_amount": "30"},
    }
    order = {
        **{"order_id": o.order_id, "client_order_id": o.spelled, "symbol": "btcusdt", "side": "buy", "price": "60000"},
        **{"original_amount": "0.5", "executed_amount": "0.5", "remaining_amount": "0", "timestampms": o.at_ms},
        **{"is_live": False, "is_cancelled": False, "trades": [fill]},
    }
    gone = {"result": "error", "reason": "OrderNotFound", "message": "none"}
    return {
        "POST /v1/order/new": order,
        "POST /v1/order/cancel": o.or_else({**order, "is_cancelled": True}, 404, gone),
        "POST /v1/order/status": o.or_else(order, 404, gone),
        "POST /v1/orders": [],
        "POST /v1/mytrades": o.listed(fill),
        "POST /v1/balances": [{"currency": "BTC", "amount": "1", "available": "1"}],
    }


def htx(o: Little) -> Answers:
    order = {
        **{"id": int(o.order_id), "symbol": "btcusdt", "client-order-id": o.spelled, "amount": "0.5", "price": "60000"},
        **{"created-at": o.at_ms, "type": "buy-ioc", "field-amount": "0.5", "state": "filled"},
    }
    match = {
        **{"symbol": "btcusdt", "fee-currency": "btc", "filled-fees": "0.0005", "id": 1, "type": "buy-ioc"},
        **{"order-id": int(o.order_id), "filled-amount": "0.5", "price": "60000", "created-at": o.at_ms},
        **{"role": "taker", "trade-id": 9009, "filled-points": "0"},
    }

    def well(data: Any) -> Any:
        return {"status": "ok", "data": data}

    gone = {"status": "error", "err-code": "base-record-invalid", "err-msg": "record invalid", "data": None}
    unknown = {"status": "error", "err-code": "base-not-found", "err-msg": "record not found", "data": None}
    return {
        "POST /v1/order/orders/place": well(o.order_id),
        "POST /v1/order/orders/submitCancelClientOrder": o.or_else(well(0), 200, unknown),
        "GET /v1/order/orders/getClientOrder": o.or_else(well(order), 200, gone),
        "GET /v1/order/openOrders": well([]),
        "GET /v1/order/orders": well(o.listed(order)),
        "GET /v1/order/orders/[0-9]+/matchresults": well(o.listed(match)),
        "GET /v1/order/matchresults": well(o.listed(match)),
        "GET /v1/account/accounts": well([{"id": 1, "type": "spot"}]),
        "GET /v1/account/accounts/1/balance": well({"list": [{"currency": "btc", "type": "trade", "balance": "1"}]}),
        "GET /v1/common/timestamp": well(o.at_ms),
    }


def kraken(o: Little) -> Answers:
    order = {
        **{"cl_ord_id": o.spelled, "status": "closed", "opentm": o.seconds, "vol": "0.5", "vol_exec": "0.5"},
        "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "60000"},
    }
    trade = {
        **{"ordertxid": o.order_id, "pair": "XBTUSDT", "type": "buy", "price": "60000", "vol": "0.5", "fee": "30"},
        **{"time": o.seconds, "cl_ord_id": o.spelled},
    }

    def well(result: Any) -> Any:
        return {"error": [], "result": result}

    return {
        "POST /0/private/AddOrder": well({"txid": [o.order_id], "descr": {"order": "buy 0.5"}}),
        "POST /0/private/CancelOrder": well({"count": 1}) if o.known else {"error": ["EOrder:Unknown order"]},
        "POST /0/private/OpenOrders": well({"open": {}}),
        "POST /0/private/ClosedOrders": well({"closed": {o.order_id: order} if o.known else {}, "count": 0}),
        "POST /0/private/TradesHistory": well({"trades": {"T9009": trade} if o.known else {}, "count": 0}),
        "POST /0/private/QueryOrders": well({o.order_id: order} if o.known else {}),
        "POST /0/private/BalanceEx": well({"XXBT": {"balance": "1", "hold_trade": "0"}}),
    }


def kucoin(o: Little) -> Answers:
    order = {
        **{"id": o.order_id, "clientOid": o.spelled, "symbol": "BTC-USDT", "side": "buy", "price": "60000"},
        **{"size": "0.5", "dealSize": "0.5", "active": False, "createdAt": o.at_ms},
    }
    fill = {
        **{"tradeId": 9009, "orderId": o.order_id, "symbol": "BTC-USDT", "side": "buy", "price": "60000"},
        **{"size": "0.5", "fee": "30", "feeCurrency": "USDT", "liquidity": "taker", "createdAt": o.at_ms},
    }

    def well(data: Any) -> Any:
        return {"code": "200000", "data": data}

    gone = {"code": "400100", "msg": "order not exist."}
    at = "/api/v1/hf"
    return {
        f"POST {at}/orders": well({"orderId": o.order_id, "clientOid": o.spelled}),
        f"DELETE {at}/orders/client-order/.*": o.or_else(well({"clientOid": o.spelled}), 200, gone),
        f"GET {at}/orders/client-order/.*": o.or_else(well(order), 200, gone),
        f"GET {at}/orders/active": well([]),
        f"GET {at}/orders/active/symbols": well({"symbols": []}),
        f"GET {at}/orders/done": well({"lastId": 0, "items": o.listed(order)}),
        f"GET {at}/fills": well({"lastId": 0, "items": o.listed(fill)}),
        "GET /api/v1/accounts": well([{"currency": "BTC", "balance": "1", "available": "1"}]),
        "GET /api/v1/timestamp": well(o.at_ms),
    }


def okx(o: Little) -> Answers:
    ids = {"clOrdId": o.spelled, "ordId": o.order_id}
    order = {
        **{**ids, "instId": "BTC-USDT", "side": "buy", "state": "filled", "sz": "0.5", "accFillSz": "0.5"},
        **{"px": "60000", "tgtCcy": "", "cTime": str(o.at_ms)},
    }
    bill = {
        **{**ids, "billId": "9009", "tradeId": "9009", "subType": "1", "instId": "BTC-USDT", "side": "buy"},
        **{"fillPx": "60000", "fillSz": "0.5", "fee": "-0.0005", "feeCcy": "BTC", "execType": "T"},
        **{"ts": str(o.at_ms), "fillTime": str(o.at_ms)},
    }

    def well(*rows: Any) -> Any:
        return {"code": "0", "msg": "", "data": [*rows]}

    gone = {"code": "51603", "msg": "Order does not exist", "data": []}
    no_cancel = {"code": "1", "msg": "", "data": [{**ids, "ordId": "", "sCode": "51400", "sMsg": "no such order"}]}
    at = "/api/v5"
    return {
        f"POST {at}/trade/batch-orders": well({**ids, "sCode": "0", "sMsg": ""}),
        f"POST {at}/trade/cancel-order": o.or_else(well({**ids, "sCode": "0", "sMsg": ""}), 200, no_cancel),
        f"GET {at}/trade/order": o.or_else(well(order), 200, gone),
        f"GET {at}/trade/orders-pending": well(),
        f"GET {at}/trade/orders-history": well(*o.listed(order)),
        f"GET {at}/trade/fills": well(*o.listed(bill)),
        f"GET {at}/trade/fills-history": well(*o.listed(bill)),
        f"GET {at}/account/balance": well({"details": [{"ccy": "BTC", "cashBal": "1", "availBal": "1"}]}),
    }


VENUES: Mapping[str, Callable[[Little], Answers]] = MappingProxyType(
    {
        **{"binance": binance, "binanceus": binance, "bitfinex": bitfinex, "bitget": bitget, "bitstamp": bitstamp},
        **{"bybit": bybit, "coinbase": coinbase, "coinbaseexchange": coinbaseexchange, "cryptocom": cryptocom},
        **{"gate": gate, "gemini": gemini, "htx": htx, "kraken": kraken, "kucoin": kucoin, "okx": okx},
    }
)


def answer_of(venue: str, little: Little, asked: Asked) -> Answer:
    """The honest answer to a request."""
    wanted = f"{asked.method} {asked.path}"
    for pattern, told in VENUES[venue](little).items():
        if re.fullmatch(pattern, wanted):
            return told if isinstance(told, Answer) else says(told)
    return says({"unexpected": wanted}, 404)


def _okx_row(code: str, text: str) -> Any:
    return {"code": "1", "msg": "", "data": [{"clOrdId": "", "ordId": "", "sCode": code, "sMsg": text}]}


def _said_by_gemini(reason: str) -> Any:
    return {"result": "error", "reason": reason, "message": "x"}


def _said_by_htx(code: str) -> Any:
    return {"status": "error", "err-code": code, "err-msg": "x", "data": None}


_BINANCE = (
    says({"code": -2010, "msg": "Account has insufficient balance for requested action."}, 400),
    says({"code": -1003, "msg": "Too many requests."}, 429),
    says({"code": -9999, "msg": "Something new."}, 400),
    says({"code": -2010, "msg": "Duplicate order sent."}, 400),
)
_CRYPTOCOM = {"id": 1, "method": "private/x"}
_SAID: Mapping[str, tuple[Answer, Answer, Answer, Answer | None]] = {
    # refusal, refusal for now, a code nobody reviewed, an id that was used
    "binance": _BINANCE,
    "binanceus": _BINANCE,
    "bitfinex": (
        says(["error", 10001, "Invalid order: not enough exchange balance for 0.5 BTCUST at 60000"], 500),
        says(["error", 11010, "ratelimit: error"], 429),
        says(["error", 99999, "something new"], 500),
        None,
    ),
    "bitget": (
        says({"code": "43012", "msg": "Insufficient balance", "data": None}, 400),
        says({"code": "429", "msg": "Too Many Requests", "data": None}, 429),
        says({"code": "99999", "msg": "something new", "data": None}, 400),
        says({"code": "43118", "msg": "clientOrderId duplicate", "data": None}, 400),
    ),
    "bitstamp": (
        says({"status": "error", "reason": {"__all__": ["Check your account balance for details."]}}, 400),
        says({"status": "error", "reason": "Request rate limit exceeded."}, 400),
        says({"status": "error", "reason": {"__all__": ["Something new."]}}, 400),
        says({"status": "error", "reason": {"client_order_id": ["Already used."]}}, 400),
    ),
    "bybit": (
        says({"retCode": 170131, "retMsg": "Insufficient balance.", "result": {}}),
        says({"retCode": 10006, "retMsg": "Too many visits.", "result": {}}),
        says({"retCode": 999999, "retMsg": "Something new.", "result": {}}),
        says({"retCode": 170141, "retMsg": "Duplicate clientOrderId.", "result": {}}),
    ),
    "coinbase": (
        says({"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "x"}}),
        says({"error": "rate_limit_exceeded", "message": "x"}, 429),
        says({"error": "SOMETHING_NEW", "message": "x"}, 400),
        says({"success": False, "order_id": "f", "error_response": {"error": "DUPLICATE_CLIENT_ORDER_ID"}}),
    ),
    "coinbaseexchange": (
        says({"message": "Insufficient funds"}, 400),
        says({"message": "Private rate limit exceeded"}, 429),
        says({"message": "Something new"}, 400),
        None,
    ),
    "cryptocom": (
        says({**_CRYPTOCOM, "code": 306, "message": "INSUFFICIENT_AVAILABLE_BALANCE"}),
        says({**_CRYPTOCOM, "code": 42901, "message": "RATE_LIMIT_EXCEEDED"}, 429),
        says({**_CRYPTOCOM, "code": 99999, "message": "SOMETHING_NEW"}),
        None,
    ),
    "gate": (
        says({"label": "BALANCE_NOT_ENOUGH", "message": "x"}, 400),
        says({"label": "TOO_MANY_REQUESTS", "message": "x"}, 429),
        says({"label": "SOMETHING_NEW", "message": "x"}, 400),
        says({"label": "REPEATED_CREATION", "message": "x"}, 400),
    ),
    "gemini": (
        says(_said_by_gemini("InsufficientFunds"), 406),
        says(_said_by_gemini("RateLimit"), 429),
        says(_said_by_gemini("SomethingNew"), 400),
        None,
    ),
    "htx": (
        says(_said_by_htx("account-frozen-balance-insufficient-error")),
        says(_said_by_htx("base-request-exceed-frequency-limit")),
        says(_said_by_htx("something-new")),
        None,
    ),
    "kraken": (
        says({"error": ["EOrder:Insufficient funds"]}),
        says({"error": ["EAPI:Rate limit exceeded"]}),
        says({"error": ["EOrder:Something new"]}),
        says({"error": ["EGeneral:Invalid arguments:cl_ord_id not unique"]}),
    ),
    "kucoin": (
        says({"code": "200004", "msg": "Balance insufficient!"}),
        says({"code": "429000", "msg": "Too many requests"}, 429),
        says({"code": "999999", "msg": "Something new"}),
        says({"code": "400100", "msg": "clientOid exists"}),
    ),
    "okx": (
        says(_okx_row("51008", "Order failed. Insufficient USDT balance in account.")),
        says({"code": "50011", "msg": "Rate limit reached.", "data": []}, 429),
        says(_okx_row("59999", "Something new.")),
        says(_okx_row("51016", "Client order ID already exists.")),
    ),
}


def spelling_of(venue: str) -> Spelling:
    """How it says no, and another's id in its spelling."""
    refusal, busy, unknown, used = _SAID[venue]
    another = ENCODE[CAPABILITIES[venue].client_id.encoding](ANOTHERS_ID)
    return Spelling(refusal=refusal, busy=busy, unknown=unknown, used=used, another=another)


assert set(MARKET_ID) <= set(VENUES)
