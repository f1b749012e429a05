"""The exchange's records in Bybit's words (v5, category spot)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from connectors.lab.core import (
    BalanceRecord,
    OrderRecord,
    OrderStatus,
    Printed,
    RejectKind,
    SymbolRules,
    TimeInForce,
    TradeRecord,
)
from router.model.money import exactly, fraction_of_bps, plain, ratio
from router.model.side import Side

Json = dict[str, Any]
Levels = Sequence[tuple[Decimal, Decimal]]

REFUSALS: Mapping[RejectKind, tuple[int, str]] = MappingProxyType(
    {
        RejectKind.UNKNOWN_SYMBOL: (170121, "Invalid symbol."),
        RejectKind.QUANTITY_STEP: (170137, "Order quantity has too many decimals."),
        RejectKind.QUANTITY_TOO_SMALL: (170136, "Order quantity exceeded lower limit."),
        RejectKind.QUANTITY_TOO_LARGE: (170135, "Order quantity exceeded upper limit."),
        RejectKind.PRICE_TICK: (170134, "Order price has too many decimals."),
        RejectKind.PRICE_NOT_POSITIVE: (170133, "Order price lower than the minimum."),
        RejectKind.NOTIONAL_TOO_SMALL: (170140, "Order value exceeded lower limit."),
        RejectKind.INSUFFICIENT_FUNDS: (170131, "Insufficient balance."),
        RejectKind.DUPLICATE_CLIENT_ID: (170141, "Duplicate clientOrderId."),
        RejectKind.UNKNOWN_ORDER: (170213, "Order does not exist."),
        RejectKind.ALREADY_ENDED: (170142, "Order has been canceled."),
    }
)
# What the engine finds out only after the gateway has said yes: the order's record tells, the answer does not.
LATE: Mapping[RejectKind, str] = MappingProxyType(
    {
        RejectKind.POST_ONLY_WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
        RejectKind.SYMBOL_HALTED: "EC_InvalidSymbolStatus",
    }
)
_EXEC_ID = 2_290_000_000_000_000_000


def market_id(symbol: SymbolRules) -> str:
    """BTC/USDT -> BTCUSDT."""
    return f"{symbol.base}{symbol.quote}"


def millis(at_ns: int) -> int:
    """Nanoseconds to the milliseconds of the wire."""
    return at_ns // 1_000_000


def levels(rows: Levels) -> list[list[str]]:
    """[price, size] as text."""
    return [[plain(price), plain(size)] for price, size in rows]


def instrument(symbol: SymbolRules, *, halted: bool) -> Json:
    """A row of instruments-info."""
    most = plain(symbol.max_quantity or Decimal(10_000))
    return {
        "symbol": market_id(symbol),
        "baseCoin": symbol.base,
        "quoteCoin": symbol.quote,
        "innovation": "0",
        "status": "PreLaunch" if halted else "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": plain(symbol.step),
            "quotePrecision": "0.00000001",
            "minOrderQty": plain(symbol.min_quantity),
            "maxOrderQty": most,
            "minOrderAmt": plain(symbol.min_notional),
            "maxOrderAmt": "4000000",
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": most,
        },
        "priceFilter": {"tickSize": plain(symbol.tick)},
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
    }


def order(symbol: SymbolRules, record: OrderRecord, rejected_for: str | None = None) -> Json:
    """A row of realtime and history. `rejected_for`: why the engine refused what the gateway had taken."""
    average = ratio(record.cost, record.executed) if record.executed else None
    with exactly():
        leaves = Decimal(0) if record.status.ended or rejected_for else record.remaining
    return {
        "symbol": market_id(symbol),
        "orderType": "Market" if record.limit_price is None else "Limit",
        "orderLinkId": record.client_id or "",
        "orderId": str(record.order_id),
        "cancelType": "CancelByUser" if record.status is OrderStatus.CANCELLED else "UNKNOWN",
        "avgPrice": "" if average is None else f"{average:.8f}",
        "stopOrderType": "",
        "orderStatus": "Rejected" if rejected_for else status(record),
        "cumExecValue": plain(record.cost),
        "cumExecFee": plain(next(iter(record.fees.values()), Decimal(0))),
        "cumFeeDetail": {asset: plain(fee) for asset, fee in record.fees.items()},
        "blockTradeId": "",
        "isLeverage": "0",
        "rejectReason": rejected_for or reason(record),
        "price": plain(record.limit_price or Decimal(0)),
        "createdTime": str(millis(record.placed_ns)),
        "updatedTime": str(millis(record.updated_ns)),
        "timeInForce": "PostOnly" if record.post_only else record.tif.value,
        "leavesQty": plain(leaves),
        "side": side(record.side),
        "cumExecQty": plain(record.executed),
        "qty": plain(record.quantity),
        "marketUnit": "baseCoin" if record.limit_price is None else "",
        "triggerPrice": "0",
        "reduceOnly": False,
        "smpType": "None",
    }


def status(record: OrderRecord) -> str:
    """Bybit's word; what an IOC leaves is called cancelled, and differently when part of it was done."""
    if record.status is OrderStatus.OPEN:
        return "PartiallyFilled" if record.executed else "New"
    if record.status is OrderStatus.FILLED:
        return "Filled"
    return "PartiallyFilledCanceled" if record.executed else "Cancelled"


def reason(record: OrderRecord) -> str:
    """Why it ended without its owner's doing."""
    if record.status is not OrderStatus.EXPIRED:
        return "EC_PerCancelRequest" if record.status is OrderStatus.CANCELLED else "EC_NoError"
    if record.tif is TimeInForce.FOK:
        return "EC_NoEnoughQtyToFill"
    return "EC_CancelForNoFullFill" if record.executed else "EC_NoImmediateQtyToFill"


def side(value: Side) -> str:
    """Buy, Sell."""
    return "Buy" if value is Side.BUY else "Sell"


def execution(symbol: SymbolRules, record: OrderRecord, trade: TradeRecord, rate_bps: Decimal) -> Json:
    """A row of execution/list and of the execution topic."""
    with exactly():
        value = trade.price * trade.quantity
    return {
        "symbol": market_id(symbol),
        "orderId": str(trade.order_id),
        "orderLinkId": trade.client_id or "",
        "side": side(trade.side),
        "orderPrice": plain(record.limit_price or Decimal(0)),
        "orderQty": plain(record.quantity),
        "orderType": "Market" if record.limit_price is None else "Limit",
        "stopOrderType": "",
        "execFee": plain(trade.fee),
        "execId": str(trade.execution_id),
        "execPrice": plain(trade.price),
        "execQty": plain(trade.quantity),
        "execType": "Trade",
        "execValue": plain(value),
        "execTime": str(millis(trade.at_ns)),
        "feeCurrency": trade.fee_asset,
        "isMaker": trade.maker,
        "feeRate": plain(fraction_of_bps(rate_bps)),
        "markPrice": "",
        "blockTradeId": "",
        "seq": trade.execution_id,
    }


def wallet(balances: Mapping[str, BalanceRecord]) -> Json:
    """One unified account."""
    return {
        "accountType": "UNIFIED",
        "accountIMRate": "",
        "totalEquity": "",
        "totalWalletBalance": "",
        "totalAvailableBalance": "",
        "coin": [_coin(asset, held) for asset, held in balances.items()],
    }


def _coin(asset: str, held: BalanceRecord) -> Json:
    with exactly():
        locked = held.total - held.free
    return {
        "coin": asset,
        "equity": plain(held.total),
        "walletBalance": plain(held.total),
        "locked": plain(locked),
        "borrowAmount": "0",
        "spotBorrow": "0",
        "accruedInterest": "0",
        "bonus": "0",
        "availableToWithdraw": "",  # deprecated: the venue sends it empty for a unified account
        "collateralSwitch": True,
        "marginCollateral": True,
    }


def recent_trade(symbol: SymbolRules, printed: Printed) -> Json:
    """A row of `recent-trade`."""
    return {
        "execId": str(_EXEC_ID + printed.trade_id),
        "symbol": market_id(symbol),
        "price": plain(printed.price),
        "size": plain(printed.quantity),
        "side": side(printed.taker_side),
        "time": str(millis(printed.at_ns)),
        "isBlockTrade": False,
    }


def public_trades(symbol: SymbolRules, prints: Iterable[Printed], now_ns: int) -> Json:
    """A frame of publicTrade."""
    name = market_id(symbol)
    rows = [
        {
            "T": millis(printed.at_ns),
            "s": name,
            "S": side(printed.taker_side),
            "v": plain(printed.quantity),
            "p": plain(printed.price),
            "i": str(_EXEC_ID + printed.trade_id),
            "BT": False,
        }
        for printed in prints
    ]
    return {"topic": f"publicTrade.{name}", "type": "snapshot", "ts": millis(now_ns), "data": rows}
