"""The exchange's records in Bitstamp's words."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from connectors.lab.core import (
    BalanceRecord,
    MovementRecord,
    OrderRecord,
    OrderStatus,
    Printed,
    Rejection,
    RejectKind,
    SymbolRules,
    TradeRecord,
)
from router.model.money import fraction_of_bps, plain
from router.model.side import Side

_EIGHT = Decimal("0.00000001")
_STATUS = MappingProxyType(
    {
        OrderStatus.OPEN: "Open",
        OrderStatus.FILLED: "Finished",
        OrderStatus.CANCELLED: "Canceled",
        OrderStatus.EXPIRED: "Canceled",  # what an immediate-or-cancel order leaves
    }
)
_TRADED = "2"
_SIDE = MappingProxyType({Side.BUY: 0, Side.SELL: 1})


def market_id(symbol: SymbolRules) -> str:
    """BTC/USD -> btcusd."""
    return f"{symbol.base}{symbol.quote}".lower()


def fixed(value: Decimal) -> str:
    """Eight digits."""
    return f"{value.quantize(_EIGHT):f}"


def micros(at_ns: int) -> str:
    """Nanoseconds to the microseconds of the wire."""
    return str(at_ns // 1000)


def seconds(at_ns: int) -> str:
    """Nanoseconds to whole seconds."""
    return str(at_ns // 1_000_000_000)


def date(at_ns: int) -> str:
    """`2022-01-31 14:43:15.796000`, UTC."""
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_ns // 1000 % 1_000_000:06d}"


def digits(step: Decimal) -> int:
    """How many decimals a grid has."""
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def listing(symbol: SymbolRules, *, halted: bool) -> dict[str, object]:
    """One row of `markets`."""
    return {
        "name": f"{symbol.base}/{symbol.quote}",
        "market_symbol": market_id(symbol),
        "base_currency": symbol.base,
        "base_decimals": digits(symbol.step),
        "counter_currency": symbol.quote,
        "counter_decimals": digits(symbol.tick),
        "minimum_order_value": plain(symbol.min_notional),
        "trading": "Disabled" if halted else "Enabled",
        "instant_order_counter_decimals": 2,
        "instant_and_market_orders": "Enabled",
        "description": f"{symbol.base} / {symbol.quote}",
        "market_type": "SPOT",
    }


def refusal_of(rejection: Rejection, symbol: SymbolRules) -> dict[str, list[str]]:
    """The sentences of a refusal, by field."""
    match rejection.kind:
        case RejectKind.INSUFFICIENT_FUNDS:
            text = f"You need more {symbol.quote} to open that order. Check your account balance for details."
            return {"__all__": [text]}
        case RejectKind.QUANTITY_STEP:
            return {"amount": [f"Ensure that there are no more than {digits(symbol.step)} decimal places."]}
        case RejectKind.PRICE_TICK:
            return {"price": [f"Ensure that there are no more than {digits(symbol.tick)} decimal places."]}
        case RejectKind.QUANTITY_TOO_SMALL | RejectKind.NOTIONAL_TOO_SMALL:
            return {"__all__": [f"Minimum order size is {plain(symbol.min_notional)} {symbol.quote}."]}
        case RejectKind.DUPLICATE_CLIENT_ID:
            return {"client_order_id": ["Client order id was already used."]}
        case _:
            return {"__all__": ["Order could not be placed."]}


def placed(record: OrderRecord, symbol: SymbolRules) -> dict[str, object]:
    """The answer to a new order: nothing of what became of it."""
    return {
        "id": str(record.order_id),
        "market": f"{symbol.base}/{symbol.quote}",
        "datetime": date(record.placed_ns),
        "type": str(_SIDE[record.side]),
        "price": plain(record.limit_price or Decimal(0)),
        "amount": fixed(record.quantity),
        **_named(record),
    }


def status(record: OrderRecord, symbol: SymbolRules, trades: Iterable[TradeRecord]) -> dict[str, object]:
    """`order_status`: neither price nor original amount; its transactions, and what remains."""
    return {
        "id": record.order_id,
        "datetime": date(record.placed_ns),
        "type": _SIDE[record.side],
        "status": _STATUS[record.status],
        "market": f"{symbol.base}/{symbol.quote}",
        "transactions": [_transaction(trade, symbol) for trade in trades],
        "amount_remaining": fixed(record.remaining),
        **_named(record),
    }


def open_order(record: OrderRecord, symbol: SymbolRules) -> dict[str, object]:
    """One row of `open_orders`."""
    return {
        "id": str(record.order_id),
        "datetime": date(record.placed_ns),
        "type": str(_SIDE[record.side]),
        "price": plain(record.limit_price or Decimal(0)),
        "amount": fixed(record.remaining),
        "amount_at_create": fixed(record.quantity),
        "currency_pair": f"{symbol.base}/{symbol.quote}",
        "market": f"{symbol.base}/{symbol.quote}",
        **_named(record),
    }


def cancelled(record: OrderRecord, symbol: SymbolRules) -> dict[str, object]:
    """The answer to a cancel."""
    return {
        "id": record.order_id,
        "amount": float(record.remaining),
        "price": float(record.limit_price or Decimal(0)),
        "type": _SIDE[record.side],
        "market": f"{symbol.base}/{symbol.quote}",
        "status": "Canceled",
    }


def user_transaction(trade: TradeRecord, symbol: SymbolRules) -> dict[str, object]:
    """One row of `user_transactions`: amounts under the currencies' names, signed; the price a bare number."""
    sign = 1 if trade.side is Side.BUY else -1
    base, quote = symbol.base.lower(), symbol.quote.lower()
    return {
        "id": trade.execution_id,
        "order_id": trade.order_id,
        "datetime": date(trade.at_ns),
        "type": _TRADED,
        "fee": plain(trade.fee),
        base: fixed(sign * trade.quantity),
        quote: plain(-sign * trade.quantity * trade.price),
        f"{base}_{quote}": float(trade.price),
        "eur": 0.0,
    }


def moved(record: MovementRecord) -> dict[str, object]:
    """A deposit or a withdrawal as a row of `user_transactions`; other currencies stand there with nothing."""
    return {
        "id": record.number,
        "datetime": date(record.at_ns),
        "type": "0" if record.amount > 0 else "1",
        "fee": "0.00",
        "usd": "0.00",
        "btc": "0.00",
        record.asset.lower(): plain(record.amount),
    }


def balance(asset: str, held: BalanceRecord) -> dict[str, str]:
    """One row of `account_balances`."""
    return {
        "currency": asset.lower(),
        "total": plain(held.total),
        "available": plain(held.free),
        "reserved": plain(held.total - held.free),
    }


def fees(symbol: SymbolRules, *, maker_bps: Decimal, taker_bps: Decimal) -> dict[str, object]:
    """One row of `fees/trading`: per cent."""
    percent = {
        name: plain(fraction_of_bps(bps).scaleb(2)) for name, bps in (("maker", maker_bps), ("taker", taker_bps))
    }
    return {"currency_pair": market_id(symbol), "market": market_id(symbol), "fees": percent}


def public_trade(event: Printed) -> dict[str, object]:
    """`live_trades`."""
    return {
        "id": event.trade_id,
        "timestamp": seconds(event.at_ns),
        "microtimestamp": micros(event.at_ns),
        "amount": float(event.quantity),
        "amount_str": fixed(event.quantity),
        "price": float(event.price),
        "price_str": plain(event.price),
        "type": _SIDE[event.taker_side],
        "buy_order_id": 0,
        "sell_order_id": 0,
    }


def recent_trade(event: Printed) -> dict[str, object]:
    """A row of `transactions`."""
    return {
        "date": seconds(event.at_ns),
        "tid": str(event.trade_id),
        "amount": fixed(event.quantity),
        "type": str(_SIDE[event.taker_side]),
        "price": plain(event.price),
    }


def order_event(record: OrderRecord) -> dict[str, object]:
    """The data of `private-my_orders`. `amount` is what is left."""
    return {
        "id": str(record.order_id),
        "id_str": str(record.order_id),
        "order_type": _SIDE[record.side],
        "order_subtype": 0,
        "datetime": seconds(record.updated_ns),
        "microtimestamp": micros(record.updated_ns),
        "amount": float(record.remaining),
        "amount_str": fixed(record.remaining),
        "amount_traded": plain(record.executed),
        "amount_at_create": fixed(record.quantity),
        "price": float(record.limit_price or Decimal(0)),
        "price_str": plain(record.limit_price or Decimal(0)),
        "is_liquidation": False,
        "trade_account_id": 0,
        **_named(record),
    }


def my_trade(trade: TradeRecord) -> dict[str, object]:
    """The data of `private-my_trades`."""
    return {
        "id": trade.execution_id,
        "amount": fixed(trade.quantity),
        "price": plain(trade.price),
        "microtimestamp": micros(trade.at_ns),
        "fee": plain(trade.fee),
        "order_id": str(trade.order_id),
        "trade_account_id": 0,
        "side": trade.side.value.lower(),
    }


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """[[price, amount], ...]."""
    return [[plain(price), fixed(size)] for price, size in side]


def _transaction(trade: TradeRecord, symbol: SymbolRules) -> dict[str, object]:
    return {
        "tid": trade.execution_id,
        "price": plain(trade.price),
        symbol.base.lower(): fixed(trade.quantity),
        symbol.quote.lower(): plain(trade.quantity * trade.price),
        "fee": plain(trade.fee),
        "datetime": date(trade.at_ns),
        "type": int(_TRADED),
    }


def _named(record: OrderRecord) -> Mapping[str, str]:
    """The client's id, which the venue shows only where one was given."""
    return {} if record.client_id is None else {"client_order_id": record.client_id}
