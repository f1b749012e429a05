"""The exchange's records in OKX's shapes. Pure. Values are strings; fees charged are negative, rebates positive."""

import zlib
from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.lab.core import (
    BalanceRecord,
    Exchange,
    KeyGrants,
    MovementRecord,
    OrderRecord,
    OrderStatus,
    Printed,
    SymbolRules,
    TimeInForce,
    TradeRecord,
)
from router.model.money import ZERO, exactly, fraction_of_bps, plain, ratio
from router.model.side import Side

Json = dict[str, object]
Levels = Sequence[tuple[Decimal, Decimal]]

CHECKED_LEVELS = 25
_ENDED = {OrderStatus.FILLED: "filled", OrderStatus.CANCELLED: "canceled", OrderStatus.EXPIRED: "canceled"}


def market_id(symbol: SymbolRules) -> str:
    """BTC/USDT is BTC-USDT."""
    return f"{symbol.base}-{symbol.quote}"


def millis(at_ns: int) -> str:
    """Times are milliseconds, as text."""
    return str(at_ns // 1_000_000)


def instrument(symbol: SymbolRules, *, halted: bool) -> Json:
    """One row of the instruments."""
    return {
        "alias": "",
        "baseCcy": symbol.base,
        "category": "1",
        "ctMult": "",
        "ctType": "",
        "ctVal": "",
        "ctValCcy": "",
        "expTime": "",
        "instFamily": "",
        "instId": market_id(symbol),
        "instType": "SPOT",
        "lever": "",
        "listTime": "1606468572000",
        "lotSz": plain(symbol.step),
        "maxLmtSz": plain(symbol.max_quantity or Decimal(9_999_999_999)),
        "maxMktSz": "1000000",
        "minSz": plain(symbol.min_quantity),
        "optType": "",
        "quoteCcy": symbol.quote,
        "settleCcy": "",
        "state": "suspend" if halted else "live",
        "stk": "",
        "tickSz": plain(symbol.tick),
        "uly": "",
    }


def currency(asset: str) -> Json:
    """One row of the currencies."""
    return {
        "canDep": True,
        "canInternal": False,
        "canWd": False,
        "ccy": asset,
        "chain": f"{asset}-Lab",
        "fee": "0",
        "mainNet": True,
        "maxWd": "0",
        "minDep": "0",
        "minWd": "0",
        "name": asset,
        "needTag": False,
        "wdTickSz": "8",
    }


def rows(levels: Levels) -> list[list[str]]:
    """Price, size, a field that means nothing any more, number of orders."""
    return [[plain(price), plain(size), "0", "0" if size == 0 else "1"] for price, size in levels]


def checksum(bids: Levels, asks: Levels) -> int:
    """CRC32, signed, over `price:size` of the 25 best bids and asks in turn."""
    parts = []
    for place in range(CHECKED_LEVELS):
        parts += [f"{plain(side[place][0])}:{plain(side[place][1])}" for side in (bids, asks) if place < len(side)]
    crc = zlib.crc32(":".join(parts).encode())
    return crc - (1 << 32) if crc >= 1 << 31 else crc


def fee_rates(symbol: SymbolRules, exchange: Exchange, now_ns: int) -> Json:
    """What the account pays on a market: charges are negative. USDC markets have fields of their own."""
    maker, taker = (_rate(exchange.fee_bps(symbol, maker=maker)) for maker in (True, False))
    usdc = symbol.quote == "USDC"
    return {
        "category": "1",
        "delivery": "",
        "exercise": "",
        "fiat": [],
        "instType": "SPOT",
        "level": "Lv1",
        "maker": "-0.0008" if usdc else maker,
        "makerU": "",
        "makerUSDC": maker if usdc else "",
        "taker": "-0.001" if usdc else taker,
        "takerU": "",
        "takerUSDC": taker if usdc else "",
        "ts": millis(now_ns),
    }


def balances(held: Mapping[str, BalanceRecord], now_ns: int) -> Json:
    """The trading account; assets of which there is nothing are left out."""
    details = [_detail(asset, balance, now_ns) for asset, balance in held.items() if balance.total]
    return {"adjEq": "", "details": details, "imr": "", "isoEq": "", "totalEq": "", "uTime": millis(now_ns)}


def account_update(asset: str, balance: BalanceRecord, now_ns: int) -> Json:
    """A frame of the account channel."""
    return {"uTime": millis(now_ns), "totalEq": "", "details": [_detail(asset, balance, now_ns)]}


def config(grants: KeyGrants) -> Json:
    """The account and what its key may do."""
    return {
        "acctLv": "1",
        "autoLoan": False,
        "ip": "127.0.0.1" if grants.ip_restricted else "",
        "kycLv": "3",
        "label": "lab",
        "level": "Lv1",
        "mainUid": "44705892343619584",
        "perm": ",".join(["read_only", *["trade"] * grants.trade, *["withdraw"] * grants.withdraw]),
        "posMode": "net_mode",
        "uid": "44705892343619584",
    }


def order(record: OrderRecord, symbol: SymbolRules, last: TradeRecord | None) -> Json:
    """An order as lists and look-ups show it; `last` is its latest execution."""
    fee = sum(record.fees.values(), ZERO)
    return {
        "accFillSz": plain(record.executed),
        "algoClOrdId": "",
        "algoId": "",
        "attachAlgoOrds": [],
        "avgPx": plain(ratio(record.cost, record.executed)) if record.executed else "",
        "cTime": millis(record.placed_ns),
        "cancelSource": _cancel_source(record),
        "cancelSourceReason": "",
        "category": "normal",
        "ccy": "",
        "clOrdId": record.client_id or "",
        "fee": _negated(fee),
        "feeCcy": next(iter(record.fees), symbol.base if record.side is Side.BUY else symbol.quote),
        "fillPx": plain(last.price) if last else "",
        "fillSz": plain(last.quantity) if last else "0",
        "fillTime": millis(last.at_ns) if last else "",
        "instId": market_id(symbol),
        "instType": "SPOT",
        "lever": "",
        "ordId": str(record.order_id),
        "ordType": order_type(record),
        "pnl": "0",
        "posSide": "net",
        "px": "" if record.limit_price is None else plain(record.limit_price),
        "rebate": "0",
        "rebateCcy": symbol.quote,
        "reduceOnly": "false",
        "side": record.side.lower(),
        "source": "",
        "state": state(record),
        "stpMode": "cancel_maker",
        "sz": plain(record.quantity),
        "tag": "",
        "tdMode": "cash",
        "tgtCcy": "",
        "tradeId": str(last.trade_id) if last else "",
        "uTime": millis(record.updated_ns),
    }


def report(record: OrderRecord, symbol: SymbolRules, execution: TradeRecord | None) -> Json:
    """An order as the orders channel shows it, with the execution that caused the report."""
    return {
        **order(record, symbol, execution),
        "amendResult": "",
        "code": "0",
        "execType": "" if execution is None else _role(execution),
        "fillFee": "0" if execution is None else _negated(execution.fee),
        "fillFeeCcy": "" if execution is None else execution.fee_asset,
        "fillNotionalUsd": "",
        "msg": "",
        "notionalUsd": "",
        "reqId": "",
    }


def fill(trade: TradeRecord, symbol: SymbolRules) -> Json:
    """One execution in the transaction details."""
    return {
        "billId": str(trade.execution_id),
        "clOrdId": trade.client_id or "",
        "execType": _role(trade),
        "fee": _negated(trade.fee),
        "feeCcy": trade.fee_asset,
        "feeRate": "",
        "fillPx": plain(trade.price),
        "fillSz": plain(trade.quantity),
        "fillTime": millis(trade.at_ns),
        "instId": market_id(symbol),
        "instType": "SPOT",
        "ordId": str(trade.order_id),
        "posSide": "net",
        "side": trade.side.lower(),
        "subType": "1" if trade.side is Side.BUY else "2",
        "tag": "",
        "tradeId": str(trade.trade_id),
        "ts": millis(trade.at_ns),
    }


def public_trade(printed: Printed, symbol: SymbolRules) -> Json:
    """A trade of anybody."""
    return {
        "count": "1",
        "instId": market_id(symbol),
        "px": plain(printed.price),
        "side": printed.taker_side.lower(),
        "sz": plain(printed.quantity),
        "tradeId": str(printed.trade_id),
        "ts": millis(printed.at_ns),
    }


def state(record: OrderRecord) -> str:
    """Both an owner's cancel and the end of an IOC's remainder are `canceled`."""
    if record.status.ended:
        return _ENDED[record.status]
    return "partially_filled" if record.executed else "live"


def order_type(record: OrderRecord) -> str:
    """The time in force is part of the type."""
    if record.limit_price is None:
        return "market"
    if record.post_only:
        return "post_only"
    return {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}[record.tif]


def _cancel_source(record: OrderRecord) -> str:
    """1: by its owner; 14: what an IOC did not fill; 31: a post-only order that would have taken."""
    expired = "31" if record.post_only else "14"
    return {OrderStatus.CANCELLED: "1", OrderStatus.EXPIRED: expired}.get(record.status, "")


def _detail(asset: str, balance: BalanceRecord, now_ns: int) -> Json:
    with exactly():
        frozen = balance.total - balance.free
    return {
        "availBal": plain(balance.free),
        "availEq": plain(balance.free),
        "cashBal": plain(balance.total),
        "ccy": asset,
        "eq": plain(balance.total),
        "frozenBal": plain(frozen),
        "ordFrozen": plain(frozen),
        "uTime": millis(now_ns),
    }


def _rate(bps: Decimal) -> str:
    return _negated(fraction_of_bps(bps))


def _negated(amount: Decimal) -> str:
    return plain(amount.copy_negate())


def _role(trade: TradeRecord) -> str:
    return "M" if trade.maker else "T"


def bill(moved: MovementRecord) -> Json:
    """A transfer to or from the trading account."""
    return {
        "billId": str(moved.number),
        "ccy": moved.asset,
        "balChg": plain(moved.amount),
        "type": "1",
        "subType": "11" if moved.amount > 0 else "12",
        "ts": str(moved.at_ns // 1_000_000),
    }
