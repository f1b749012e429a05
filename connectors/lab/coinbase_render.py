"""The exchange's records in the shapes of Coinbase Advanced Trade. Pure: numbers are strings, ids are UUIDs."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

from connectors.lab.core import (
    BalanceRecord,
    MovementRecord,
    OrderRecord,
    OrderStatus,
    Printed,
    SymbolRules,
    TimeInForce,
    TradeRecord,
)
from router.model import rounding
from router.model.money import ONE, ZERO, exactly, fraction_of_bps, plain, ratio
from router.model.side import Side

Json = dict[str, object]

FIAT = frozenset({"USD", "EUR", "GBP", "CAD", "JPY", "AUD"})

_ORDER_IDS = 0x5AB0_0000_0000_4000_8000 << 48
_TRADE_IDS = 0x7AB0_0000_0000_4000_8000 << 48
_STATUS = {
    OrderStatus.OPEN: "OPEN",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELLED",
    # The remainder of an IOC ends as cancelled; EXPIRED is for orders good until a time, which the lab has not.
    OrderStatus.EXPIRED: "CANCELLED",
}
_TIME_IN_FORCE = {
    TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}
_LIMIT_CONFIGURATION = {
    TimeInForce.GTC: "limit_limit_gtc",
    TimeInForce.IOC: "sor_limit_ioc",
    TimeInForce.FOK: "limit_limit_fok",
}


def product_id(rules: SymbolRules) -> str:
    """BTC-USD."""
    return f"{rules.base}-{rules.quote}"


def order_uuid(number: int) -> str:
    """An order's id in Coinbase's form; `order_number` is the inverse."""
    return str(UUID(int=_ORDER_IDS | number))


def order_number(uuid: str) -> int | None:
    """The order number behind an id; None for anything that is not one of ours."""
    try:
        number = UUID(uuid).int ^ _ORDER_IDS
    except ValueError:
        return None
    return number if number < 1 << 48 else None


def trade_uuid(number: int) -> str:
    """A trade's id in Coinbase's form."""
    return str(UUID(int=_TRADE_IDS | number))


def time_text(at_ns: int) -> str:
    """RFC 3339 in microseconds."""
    whole, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def parse_time(text: str) -> int | None:
    """Nanoseconds of an RFC 3339 time, None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def product(rules: SymbolRules, price: Decimal | None, *, halted: bool) -> Json:
    """One entry of products."""
    return {
        "product_id": product_id(rules),
        "price": "" if price is None else plain(price),
        "price_percentage_change_24h": "0",
        "volume_24h": "0",
        "volume_percentage_change_24h": "0",
        "base_increment": plain(rules.step),
        "quote_increment": plain(rules.tick),
        "quote_min_size": plain(rules.min_notional),
        "quote_max_size": "150000000",
        "base_min_size": plain(rules.min_quantity),
        "base_max_size": plain(rules.max_quantity or Decimal(1_000_000)),
        "base_name": rules.base,
        "quote_name": rules.quote,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": halted,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": halted,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": rules.quote,
        "base_currency_id": rules.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [],
        "base_display_symbol": rules.base,
        "quote_display_symbol": rules.quote,
        "view_only": False,
        "price_increment": plain(rules.tick),
        "display_name": product_id(rules),
        "product_venue": "CBE",
    }


def price_book(
    rules: SymbolRules, bids: Sequence[tuple[Decimal, Decimal]], asks: Sequence[tuple[Decimal, Decimal]], now_ns: int
) -> Json:
    """A book as product_book and best_bid_ask show it."""
    sides = {"bids": bids, "asks": asks}
    levels = {side: [{"price": plain(p), "size": plain(s)} for p, s in rows] for side, rows in sides.items()}
    return {"product_id": product_id(rules), **levels, "time": time_text(now_ns)}


def transaction_summary(taker_bps: Decimal, maker_bps: Decimal) -> Json:
    """The account's fee tier."""
    return {
        "total_volume": 0,
        "total_fees": 0,
        "fee_tier": {
            "pricing_tier": "Lab",
            "usd_from": "0",
            "usd_to": "",
            "taker_fee_rate": plain(fraction_of_bps(taker_bps)),
            "maker_fee_rate": plain(fraction_of_bps(maker_bps)),
            "aop_from": "",
            "aop_to": "",
        },
        "margin_rate": None,
        "goods_and_services_tax": None,
        "advanced_trade_only_volume": 0,
        "advanced_trade_only_fees": 0,
        "coinbase_pro_volume": 0,
        "coinbase_pro_fees": 0,
        "total_balance": "",
        "has_promo_fee": False,
    }


def account_v3(account: str, asset: str, balance: BalanceRecord, now_ns: int) -> Json:
    """One holding in v3: what is available, and what is held for open orders."""
    with exactly():
        held = balance.total - balance.free
    return {
        "uuid": account_uuid(account, asset),
        "name": f"{asset} Wallet",
        "currency": asset,
        "available_balance": {"value": plain(balance.free), "currency": asset},
        "default": True,
        "active": True,
        "created_at": time_text(0),
        "updated_at": time_text(now_ns),
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if asset in FIAT else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": plain(held), "currency": asset},
        "retail_portfolio_id": portfolio_uuid(account),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def account_v2(account: str, asset: str, balance: BalanceRecord) -> Json:
    """One holding in v2, which knows the total only."""
    kind = "fiat" if asset in FIAT else "crypto"
    return {
        "id": account_uuid(account, asset),
        "name": f"{asset} Wallet",
        "primary": False,
        "type": "fiat" if asset in FIAT else "wallet",
        "currency": {"code": asset, "name": asset, "exponent": 8, "type": kind},
        "balance": {"amount": plain(balance.total), "currency": asset},
        "created_at": None,
        "updated_at": None,
        "resource": "account",
        "resource_path": f"/v2/accounts/{account_uuid(account, asset)}",
        "allow_deposits": True,
        "allow_withdrawals": False,
    }


def trade_v2(trade: TradeRecord, asset: str) -> Json | None:
    """What a trade did to a holding, v2; None where it did nothing to it. Fees are taken in the quote currency."""
    base, quote = trade.symbol.split("/")
    way = 1 if trade.side is Side.BUY else -1
    amount = trade.quantity * way if asset == base else -trade.price * trade.quantity * way - trade.fee
    if asset not in {base, quote}:
        return None
    return _transaction(trade_uuid(trade.execution_id), "advanced_trade_fill", asset, amount, trade.at_ns)


def moved_v2(moved: MovementRecord) -> Json:
    """A deposit or a withdrawal, v2: both are sends."""
    return _transaction(
        str(uuid5(NAMESPACE_URL, f"lab/moved/{moved.number}")), "send", moved.asset, moved.amount, moved.at_ns
    )


def _transaction(uuid: str, kind: str, asset: str, amount: Decimal, at_ns: int) -> Json:
    return {
        "id": uuid,
        "type": kind,
        "status": "completed",
        "amount": {"amount": plain(amount), "currency": asset},
        "created_at": time_text(at_ns),
        "resource": "transaction",
    }


def account_uuid(account: str, asset: str) -> str:
    """The same for ever for a holding."""
    return str(uuid5(NAMESPACE_URL, f"lab/{account}/{asset}"))


def portfolio_uuid(account: str) -> str:
    """The same for ever for an account."""
    return str(uuid5(NAMESPACE_URL, f"lab/{account}"))


def status(record: OrderRecord) -> str:
    """Where an order stands, in Coinbase's word."""
    return _STATUS[record.status]


def order_configuration(record: OrderRecord) -> Json:
    """The nested object that says what kind of order it is."""
    size = plain(record.quantity)
    if record.limit_price is None:
        return {"market_market_ioc": {"base_size": size}}
    inner: Json = {"base_size": size, "limit_price": plain(record.limit_price)}
    if record.tif is TimeInForce.GTC:
        inner["post_only"] = record.post_only
    return {_LIMIT_CONFIGURATION[record.tif]: inner}


def order(rules: SymbolRules, record: OrderRecord, fills: Sequence[TradeRecord], cursor: str = "") -> Json:
    """One order as the historical endpoints show it."""
    fees = fees_paid(record)
    with exactly():
        after_fees = record.cost + record.side.sign * fees
        percent = rounding.down(ratio(record.executed, record.quantity).scaleb(2), Decimal("0.01"))
    return {
        "order_id": order_uuid(record.order_id),
        "product_id": product_id(rules),
        "user_id": portfolio_uuid(record.account),
        "order_configuration": order_configuration(record),
        "side": str(record.side),
        "client_order_id": record.client_id or "",
        "status": status(record),
        "time_in_force": _TIME_IN_FORCE[record.tif],
        "created_time": time_text(record.placed_ns),
        "completion_percentage": plain(percent),
        "filled_size": plain(record.executed),
        "average_filled_price": plain(average_price(record)),
        "fee": "",
        "number_of_fills": str(len(fills)),
        "filled_value": plain(record.cost),
        "pending_cancel": False,
        "size_in_quote": False,
        "total_fees": plain(fees),
        "size_inclusive_of_fees": False,
        "total_value_after_fees": plain(after_fees),
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": "MARKET" if record.limit_price is None else "LIMIT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": record.status.ended,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "User requested cancel" if record.status is OrderStatus.CANCELLED else "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": "0",
        "is_liquidation": False,
        "last_fill_time": time_text(fills[-1].at_ns) if fills else None,
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": portfolio_uuid(record.account),
        **({"cursor": cursor} if cursor else {}),
    }


def fill(rules: SymbolRules, trade: TradeRecord) -> Json:
    """One execution as the fills endpoint shows it; `commission` is in quote currency."""
    return {
        "entry_id": hashlib.sha256(f"{trade.execution_id}".encode()).hexdigest(),
        "trade_id": trade_uuid(trade.execution_id),
        "order_id": order_uuid(trade.order_id),
        "trade_time": time_text(trade.at_ns),
        "trade_type": "FILL",
        "price": plain(trade.price),
        "size": plain(trade.quantity),
        "commission": plain(trade.fee),
        "product_id": product_id(rules),
        "sequence_timestamp": time_text(trade.at_ns),
        "liquidity_indicator": "MAKER" if trade.maker else "TAKER",
        "size_in_quote": False,
        "user_id": portfolio_uuid(trade.account),
        "side": str(trade.side),
        "retail_portfolio_id": portfolio_uuid(trade.account),
    }


def fees_paid(record: OrderRecord) -> Decimal:
    """The order's fees in quote currency, in which Coinbase takes them."""
    with exactly():
        return sum(record.fees.values(), ZERO)


def average_price(record: OrderRecord) -> Decimal:
    """The mean price of what executed to sixteen decimals, 0 when nothing did."""
    return rounding.down(ratio(record.cost, record.executed), ONE.scaleb(-16)) if record.executed else ZERO


def level_update(side: Side, price: Decimal, size: Decimal, now_ns: int) -> Json:
    """One level of the `level2` channel; size 0 removes."""
    return {
        "side": "bid" if side is Side.BUY else "offer",
        "event_time": time_text(now_ns),
        "price_level": plain(price),
        "new_quantity": plain(size),
    }


def market_trade(rules: SymbolRules, printed: Printed) -> Json:
    """One trade of the `market_trades` channel. Coinbase names the maker's side."""
    maker_side = Side.SELL if printed.taker_side is Side.BUY else Side.BUY
    return {
        "trade_id": str(printed.trade_id),
        "product_id": product_id(rules),
        "price": plain(printed.price),
        "size": plain(printed.quantity),
        "side": str(maker_side),
        "time": time_text(printed.at_ns),
    }


def user_order(rules: SymbolRules, record: OrderRecord, fills_count: int) -> Json:
    """An order as the `user` channel shows it: cumulative figures, no single fills."""
    with exactly():
        fees = fees_paid(record)
        after_fees = record.cost + record.side.sign * fees
    return {
        "order_id": order_uuid(record.order_id),
        "client_order_id": record.client_id or "",
        "cumulative_quantity": plain(record.executed),
        "leaves_quantity": plain(ZERO if record.status.ended else record.remaining),
        "avg_price": plain(average_price(record)),
        "total_fees": plain(fees),
        "status": status(record),
        "product_id": product_id(rules),
        "product_type": "SPOT",
        "creation_time": time_text(record.placed_ns),
        "order_side": str(record.side),
        "order_type": "Market" if record.limit_price is None else "Limit",
        "limit_price": "" if record.limit_price is None else plain(record.limit_price),
        "stop_price": "",
        "cancel_reason": "User requested cancel" if record.status is OrderStatus.CANCELLED else "",
        "reject_reason": "",
        "filled_value": plain(record.cost),
        "number_of_fills": str(fills_count),
        "outstanding_hold_amount": "0",
        "post_only": record.post_only,
        "time_in_force": _TIME_IN_FORCE[record.tif],
        "total_value_after_fees": plain(after_fees),
        "trigger_status": "INVALID_ORDER_TYPE",
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        "retail_portfolio_id": portfolio_uuid(record.account),
    }
