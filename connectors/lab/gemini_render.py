"""The exchange's records in Gemini's words."""

from collections.abc import Iterable
from decimal import Decimal

from connectors.lab.core import (
    BalanceRecord,
    MovementRecord,
    OrderRecord,
    OrderStatus,
    Printed,
    Rejection,
    RejectKind,
    SymbolRules,
    TimeInForce,
    TradeRecord,
)
from router.model.money import ZERO, plain
from router.model.side import Side

_OPTIONS = {TimeInForce.IOC: "immediate-or-cancel", TimeInForce.FOK: "fill-or-kill"}
_BOOK_SIDE = {Side.BUY: "bid", Side.SELL: "ask"}
_REFUSALS: dict[RejectKind, tuple[str, str, int]] = {
    RejectKind.INSUFFICIENT_FUNDS: ("InsufficientFunds", "Failed to place order: insufficient funds", 406),
    RejectKind.QUANTITY_STEP: ("InvalidQuantity", "Invalid quantity: too many decimals", 400),
    RejectKind.QUANTITY_TOO_SMALL: ("InvalidQuantity", "Invalid quantity: less than the minimum", 400),
    RejectKind.QUANTITY_TOO_LARGE: ("InvalidQuantity", "Invalid quantity: more than the maximum", 400),
    RejectKind.PRICE_TICK: ("InvalidPrice", "Invalid price: too many decimals", 400),
    RejectKind.PRICE_NOT_POSITIVE: ("InvalidPrice", "Invalid price", 400),
    RejectKind.SYMBOL_HALTED: ("MarketNotOpen", "The market is not open", 400),
}


def market_id(symbol: SymbolRules) -> str:
    """BTC/USD -> btcusd."""
    return f"{symbol.base}{symbol.quote}".lower()


def millis(at_ns: int) -> int:
    """Nanoseconds to the milliseconds of the wire."""
    return at_ns // 1_000_000


def refusal_of(rejection: Rejection) -> tuple[str, str, int]:
    """Reason, message and status of a refusal."""
    return _REFUSALS.get(rejection.kind, ("System", "We are experiencing technical issues.", 400))


def details(symbol: SymbolRules, *, halted: bool) -> dict[str, object]:
    """One symbol: `tick_size` is the step of amounts, `quote_increment` the tick of prices; a bare number each."""
    return {
        "symbol": market_id(symbol).upper(),
        "base_currency": symbol.base,
        "quote_currency": symbol.quote,
        "tick_size": float(symbol.step),
        "quote_increment": float(symbol.tick),
        "min_order_size": plain(symbol.min_quantity),
        "status": "closed" if halted else "open",
        "wrap_enabled": False,
        "product_type": "spot",
        "contract_type": "vanilla",
        "contract_price_currency": symbol.quote,
    }


def order(record: OrderRecord, symbol: SymbolRules, trades: Iterable[TradeRecord] | None = None) -> dict[str, object]:
    """An order, as placed, looked up or cancelled; with its fills where they were asked for."""
    option = _OPTIONS.get(record.tif)
    ended = record.status.ended
    shown: dict[str, object] = {
        "order_id": str(record.order_id),
        "id": str(record.order_id),
        "symbol": market_id(symbol),
        "exchange": "gemini",
        "avg_execution_price": plain(round(record.cost / record.executed, 8) if record.executed else ZERO),
        "side": record.side.value.lower(),
        "type": "exchange limit",
        "timestamp": str(record.placed_ns // 1_000_000_000),
        "timestampms": millis(record.placed_ns),
        "is_live": not ended,
        "is_cancelled": ended and record.remaining > 0,
        "is_hidden": False,
        "was_forced": False,
        "executed_amount": plain(record.executed),
        "options": ["maker-or-cancel"] if record.post_only else [option] if option else [],
        "price": plain(record.limit_price or ZERO),
        "original_amount": plain(record.quantity),
        "remaining_amount": plain(record.remaining),
    }
    if record.post_only and record.status is OrderStatus.EXPIRED:
        shown["reason"] = "MakerOrCancelWouldTake"
    if record.client_id is not None:
        shown["client_order_id"] = record.client_id
    if trades is not None:
        shown["trades"] = [trade(each) for each in trades]
    return shown


def trade(record: TradeRecord) -> dict[str, object]:
    """One fill."""
    shown: dict[str, object] = {
        "price": plain(record.price),
        "amount": plain(record.quantity),
        "timestamp": record.at_ns // 1_000_000_000,
        "timestampms": millis(record.at_ns),
        "type": record.side.value.capitalize(),
        "aggressor": not record.maker,
        "fee_currency": record.fee_asset,
        "fee_amount": plain(record.fee),
        "tid": record.execution_id,
        "order_id": str(record.order_id),
        "exchange": "gemini",
        "is_auction_fill": False,
    }
    if record.client_id is not None:
        shown["client_order_id"] = record.client_id
    return shown


def balance(asset: str, held: BalanceRecord) -> dict[str, str]:
    """One row of `balances`."""
    return {
        "type": "exchange",
        "currency": asset,
        "amount": plain(held.total),
        "available": plain(held.free),
        "availableForWithdrawal": plain(held.free),
    }


def book_side(levels: Iterable[tuple[Decimal, Decimal]], at_ns: int) -> list[dict[str, str]]:
    """Levels of the REST book."""
    stamp = str(at_ns // 1_000_000_000)
    return [{"price": plain(price), "amount": plain(size), "timestamp": stamp} for price, size in levels]


def change(side: Side, price: Decimal, size: Decimal, symbol: SymbolRules, reason: str) -> dict[str, object]:
    """One change of `multimarketdata`."""
    return {
        "type": "change",
        "side": _BOOK_SIDE[side],
        "price": plain(price),
        "remaining": plain(size),
        "delta": plain(size),
        "reason": reason,
        "symbol": market_id(symbol).upper(),
    }


def multi_trade(event: Printed, symbol: SymbolRules) -> dict[str, object]:
    """A public trade of `multimarketdata`. Gemini names the maker's side."""
    return {
        "type": "trade",
        "symbol": market_id(symbol).upper(),
        "tid": event.trade_id,
        "price": plain(event.price),
        "amount": plain(event.quantity),
        "makerSide": "bid" if event.taker_side is Side.SELL else "ask",
    }


def recent_trade(event: Printed) -> dict[str, object]:
    """A row of `trades`. `type` is the taker's side."""
    return {
        "timestamp": event.at_ns // 1_000_000_000,
        "timestampms": millis(event.at_ns),
        "tid": event.trade_id,
        "price": plain(event.price),
        "amount": plain(event.quantity),
        "exchange": "gemini",
        "type": event.taker_side.value.lower(),
    }


def l2_trade(event: Printed, symbol: SymbolRules) -> dict[str, object]:
    """A public trade of the `l2` stream."""
    return {
        "type": "trade",
        "symbol": market_id(symbol).upper(),
        "event_id": event.trade_id,
        "timestamp": millis(event.at_ns),
        "price": plain(event.price),
        "quantity": plain(event.quantity),
        "side": event.taker_side.value.lower(),
    }


def order_event(record: OrderRecord, symbol: SymbolRules, kind: str, event_id: int) -> dict[str, object]:
    """One event of the private stream."""
    shown = {name: value for name, value in order(record, symbol).items() if name not in {"id", "options", "type"}}
    behavior = "maker-or-cancel" if record.post_only else _OPTIONS.get(record.tif)
    return {
        **shown,
        "type": kind,
        "event_id": str(event_id),
        "order_type": "exchange limit",
        **({"behavior": behavior} if behavior else {}),
    }


def transfer(moved: MovementRecord) -> dict[str, object]:
    """A deposit or a withdrawal."""
    return {
        "type": "Deposit" if moved.amount > 0 else "Withdrawal",
        "status": "Advanced" if moved.amount > 0 else "Complete",
        "timestampms": moved.at_ns // 1_000_000,
        "eid": moved.number,
        "currency": moved.asset,
        "amount": plain(abs(moved.amount)),
    }
