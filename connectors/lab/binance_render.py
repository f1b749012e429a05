"""The exchange's records in Binance's words."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from connectors.lab.core import (
    BalanceRecord,
    Exchange,
    MovementRecord,
    OrderRecord,
    OrderStatus,
    Printed,
    Rejection,
    RejectKind,
    SymbolRules,
    TradeRecord,
)
from router.model.money import fraction_of_bps, plain, ratio
from router.model.side import Side

_EIGHT = Decimal("0.00000001")
_BNB_LEFT = Decimal("0.75")
_STATUS = MappingProxyType(
    {
        OrderStatus.FILLED: "FILLED",
        OrderStatus.CANCELLED: "CANCELED",
        OrderStatus.EXPIRED: "EXPIRED",
    }
)
REFUSALS: Mapping[RejectKind, tuple[int, str]] = MappingProxyType(
    {
        RejectKind.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
        RejectKind.SYMBOL_HALTED: (-1013, "Market is closed."),
        RejectKind.QUANTITY_STEP: (-1013, "Filter failure: LOT_SIZE"),
        RejectKind.QUANTITY_TOO_SMALL: (-1013, "Filter failure: LOT_SIZE"),
        RejectKind.QUANTITY_TOO_LARGE: (-1013, "Filter failure: LOT_SIZE"),
        RejectKind.PRICE_TICK: (-1013, "Filter failure: PRICE_FILTER"),
        RejectKind.PRICE_NOT_POSITIVE: (-1013, "Filter failure: PRICE_FILTER"),
        RejectKind.NOTIONAL_TOO_SMALL: (-1013, "Filter failure: NOTIONAL"),
        RejectKind.INSUFFICIENT_FUNDS: (-2010, "Account has insufficient balance for requested action."),
        RejectKind.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
        RejectKind.POST_ONLY_WOULD_TAKE: (-2010, "Order would immediately match and take."),
        RejectKind.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
        RejectKind.ALREADY_ENDED: (-2011, "Unknown order sent."),
    }
)


def refusal_of(rejection: Rejection) -> tuple[int, str]:
    """Code and text of a refusal."""
    return REFUSALS[rejection.kind]


def market_id(symbol: SymbolRules) -> str:
    """BTC/USDT -> BTCUSDT."""
    return f"{symbol.base}{symbol.quote}"


def fixed(value: Decimal) -> str:
    """Eight digits, as Binance writes every amount."""
    return f"{value.quantize(_EIGHT):f}"


def millis(at_ns: int) -> int:
    """Nanoseconds to the milliseconds of the wire."""
    return at_ns // 1_000_000


def status_of(record: OrderRecord) -> str:
    """NEW, PARTIALLY_FILLED, FILLED, CANCELED or EXPIRED."""
    return _STATUS.get(record.status) or ("PARTIALLY_FILLED" if record.executed else "NEW")


def type_of(record: OrderRecord) -> str:
    """LIMIT, LIMIT_MAKER or MARKET."""
    if record.limit_price is None:
        return "MARKET"
    return "LIMIT_MAKER" if record.post_only else "LIMIT"


def listing(symbol: SymbolRules, *, halted: bool) -> dict[str, object]:
    """One symbol of `exchangeInfo`."""
    largest = symbol.max_quantity or Decimal(9_000)
    return {
        "symbol": market_id(symbol),
        "status": "HALT" if halted else "TRADING",
        "baseAsset": symbol.base,
        "baseAssetPrecision": 8,
        "quoteAsset": symbol.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": fixed(symbol.tick),
                "maxPrice": "1000000.00000000",
                "tickSize": fixed(symbol.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": fixed(symbol.min_quantity),
                "maxQty": fixed(largest),
                "stepSize": fixed(symbol.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": fixed(largest),
                "stepSize": "0.00000000",
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": fixed(symbol.min_notional),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def order(record: OrderRecord, symbol: SymbolRules) -> dict[str, object]:
    """An order as look-ups show it."""
    return {
        "symbol": market_id(symbol),
        "orderId": record.order_id,
        "orderListId": -1,
        "clientOrderId": record.client_id,
        **_amounts(record),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": millis(record.placed_ns),
        "updateTime": millis(record.updated_ns),
        "isWorking": True,
        "workingTime": millis(record.placed_ns),
        "selfTradePreventionMode": "NONE",
    }


def placed(
    record: OrderRecord, symbol: SymbolRules, trades: Iterable[TradeRecord], response_type: str
) -> dict[str, object]:
    """The answer to a new order: ACK, RESULT or FULL."""
    body: dict[str, object] = {
        "symbol": market_id(symbol),
        "orderId": record.order_id,
        "orderListId": -1,
        "clientOrderId": record.client_id,
        "transactTime": millis(record.updated_ns),
    }
    if response_type == "ACK":
        return body
    body |= {
        **_amounts(record),
        "workingTime": millis(record.placed_ns),
        "selfTradePreventionMode": "NONE",
    }
    if response_type == "FULL":
        body["fills"] = [
            {
                "price": fixed(trade.price),
                "qty": fixed(trade.quantity),
                "commission": fixed(trade.fee),
                "commissionAsset": trade.fee_asset,
                "tradeId": trade.trade_id,
            }
            for trade in trades
        ]
    return body


def cancelled(record: OrderRecord, symbol: SymbolRules, cancel_id: str) -> dict[str, object]:
    """The answer to a cancel. `cancel_id` is the cancel's own client id."""
    return {
        "symbol": market_id(symbol),
        "origClientOrderId": record.client_id,
        "orderId": record.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": millis(record.updated_ns),
        **_amounts(record),
        "selfTradePreventionMode": "NONE",
    }


def trade(record: TradeRecord, symbol: SymbolRules) -> dict[str, object]:
    """One row of `myTrades`."""
    return {
        "symbol": market_id(symbol),
        "id": record.trade_id,
        "orderId": record.order_id,
        "orderListId": -1,
        "price": fixed(record.price),
        "qty": fixed(record.quantity),
        "quoteQty": fixed(record.price * record.quantity),
        "commission": fixed(record.fee),
        "commissionAsset": record.fee_asset,
        "time": millis(record.at_ns),
        "isBuyer": record.side is Side.BUY,
        "isMaker": record.maker,
        "isBestMatch": True,
    }


def commission(exchange: Exchange, symbol: SymbolRules) -> dict[str, object]:
    """What is charged in a symbol, and what paying in BNB makes of it: `discount` is the part that is left."""
    maker, taker = exchange.fee_bps(symbol, maker=True), exchange.fee_bps(symbol, maker=False)
    charge = exchange.charge
    in_token = charge.token_bps if charge is not None and charge.told and charge.token is not None else None
    left = _BNB_LEFT if in_token is None or not taker else ratio(in_token, taker)
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), fixed(Decimal(0)))
    standard = {"maker": fixed(fraction_of_bps(maker)), "taker": fixed(fraction_of_bps(taker))}
    return {
        "symbol": market_id(symbol),
        "standardCommission": {**none, **standard},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": in_token is not None,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": fixed(left),
        },
    }


def account(exchange: Exchange, name: str, now_ns: int) -> dict[str, object]:
    """Balances and what the account may do."""
    rates = {
        "maker": fixed(fraction_of_bps(exchange.rules.maker_fee_bps)),
        "taker": fixed(fraction_of_bps(exchange.rules.taker_fee_bps)),
        "buyer": fixed(Decimal(0)),
        "seller": fixed(Decimal(0)),
    }
    return {
        "makerCommission": int(exchange.rules.maker_fee_bps),
        "takerCommission": int(exchange.rules.taker_fee_bps),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": millis(now_ns),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": fixed(held.free), "locked": fixed(held.total - held.free)}
            for asset, held in exchange.balances(name).items()
        ],
        "permissions": ["SPOT"],
        "uid": 354937868,
    }


def public_trade(event: Printed, symbol: SymbolRules, now_ns: int) -> dict[str, object]:
    """A frame of the `@trade` stream."""
    return {
        "e": "trade",
        "E": millis(now_ns),
        "s": market_id(symbol),
        "t": event.trade_id,
        "p": fixed(event.price),
        "q": fixed(event.quantity),
        "T": millis(event.at_ns),
        "m": event.taker_side is Side.SELL,
        "M": True,
    }


def recent_trade(event: Printed) -> dict[str, object]:
    """A row of `/api/v3/trades`."""
    return {
        "id": event.trade_id,
        "price": fixed(event.price),
        "qty": fixed(event.quantity),
        "time": millis(event.at_ns),
        "isBuyerMaker": event.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def execution_report(
    record: OrderRecord, execution: TradeRecord | None, symbol: SymbolRules, now_ns: int
) -> dict[str, object]:
    """What the private stream says when an order was made, executed or ended.

    A cancel is an order of its own there: `c` is its id, `C` the id of the order it ended.
    """
    was_cancelled = record.status is OrderStatus.CANCELLED
    return {
        "e": "executionReport",
        "E": millis(now_ns),
        "s": market_id(symbol),
        "c": f"cancel{record.order_id}" if was_cancelled else record.client_id,
        "S": record.side.value,
        "o": type_of(record),
        "f": "GTC" if record.limit_price is None else record.tif.value,
        "q": fixed(record.quantity),
        "p": fixed(record.limit_price or Decimal(0)),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": record.client_id if was_cancelled else "",
        "x": "TRADE" if execution else _STATUS.get(record.status, "NEW"),
        "X": status_of(record),
        "r": "NONE",
        "i": record.order_id,
        "l": fixed(execution.quantity if execution else Decimal(0)),
        "z": fixed(record.executed),
        "L": fixed(execution.price if execution else Decimal(0)),
        "n": fixed(execution.fee) if execution else "0",
        "N": execution.fee_asset if execution else None,
        "T": millis(record.updated_ns),
        "t": execution.trade_id if execution else -1,
        "I": record.order_id * 2,
        "w": not record.status.ended,
        "m": execution.maker if execution else False,
        "M": False,
        "O": millis(record.placed_ns),
        "Z": fixed(record.cost),
        "Y": fixed(execution.price * execution.quantity if execution else Decimal(0)),
        "Q": "0.00000000",
        "W": millis(record.placed_ns),
        "V": "NONE",
    }


def position(balances: Mapping[str, BalanceRecord], now_ns: int) -> dict[str, object]:
    """What the private stream says of balances that changed."""
    return {
        "e": "outboundAccountPosition",
        "E": millis(now_ns),
        "u": millis(now_ns),
        "B": [
            {"a": asset, "f": fixed(held.free), "l": fixed(held.total - held.free)} for asset, held in balances.items()
        ],
    }


def _amounts(record: OrderRecord) -> dict[str, object]:
    return {
        "price": fixed(record.limit_price or Decimal(0)),
        "origQty": fixed(record.quantity),
        "executedQty": fixed(record.executed),
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": fixed(record.cost),
        "status": status_of(record),
        "timeInForce": "GTC" if record.limit_price is None else record.tif.value,
        "type": type_of(record),
        "side": record.side.value,
    }


def deposit(moved: MovementRecord) -> dict[str, object]:
    """One row of the deposit history, credited."""
    return {
        "id": f"d{moved.number}",
        "amount": plain(moved.amount),
        "coin": moved.asset,
        "network": "LAB",
        "status": 1,
        "insertTime": millis(moved.at_ns),
        "transferType": 0,
    }


def withdrawal(moved: MovementRecord) -> dict[str, object]:
    """One row of the withdrawal history, completed. The fee is on top of the amount."""
    return {
        "id": f"w{moved.number}",
        "amount": plain(-moved.amount),
        "transactionFee": "0",
        "coin": moved.asset,
        "network": "LAB",
        "status": 6,
        "applyTime": f"{datetime.fromtimestamp(moved.at_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}",
    }
