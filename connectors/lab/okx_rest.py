"""OKX's REST calls against an exchange: a request in, an envelope out. Pure; who asks is known.

Everything is `{"code", "msg", "data": [...]}`. An order's own fate is in its row's `sCode`, under HTTP 200; lists are
newest first, a hundred rows at most, and paged by the id of the last row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from connectors.lab import okx_render as render
from connectors.lab.core import (
    Exchange,
    NewOrder,
    OrderRecord,
    Rejection,
    RejectKind,
    TimeInForce,
    TradeRecord,
)
from connectors.lab.okx_render import Json
from router.model.side import Side

T = TypeVar("T")
Fields = Mapping[str, object]

PAGE_ROWS = 100
BATCH_ORDERS_MAX = 20
_TRADES_MAX = 500
_BOOK_ROWS_MAX = 400
_CLIENT_ID = re.compile(r"[a-zA-Z0-9]{1,32}")
_TYPES = {
    "limit": TimeInForce.GTC,
    "post_only": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "market": TimeInForce.IOC,
}

_REFUSALS = {
    RejectKind.UNKNOWN_SYMBOL: ("51001", "Instrument ID or Spread ID doesn't exist."),
    RejectKind.SYMBOL_HALTED: ("51022", "Contract suspended."),
    RejectKind.QUANTITY_STEP: ("51121", "Order quantity must be a multiple of the lot size."),
    RejectKind.QUANTITY_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    RejectKind.QUANTITY_TOO_LARGE: ("51005", "Your order amount exceeds the max order amount."),
    RejectKind.PRICE_TICK: ("51150", "The precision of the number of trades or the price exceeds the limit."),
    RejectKind.PRICE_NOT_POSITIVE: ("51000", "Parameter px error"),
    RejectKind.NOTIONAL_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    RejectKind.INSUFFICIENT_FUNDS: ("51008", "Order failed. Insufficient {asset} balance in account"),
    RejectKind.DUPLICATE_CLIENT_ID: ("51016", "Client order ID already exists."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An envelope and its HTTP status."""

    data: Sequence[Json] = ()
    code: str = "0"
    msg: str = ""
    status: int = 200

    def body(self) -> Json:
        """The JSON."""
        return {"code": self.code, "data": list(self.data), "msg": self.msg}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wrong:
    """Why a row was refused."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Done:
    """An order placed or cancelled."""

    record: OrderRecord = field(repr=False)


class OkxRest:
    """All calls of one venue. `now_ns` is the time at which the call reaches the engine."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.by_id = {render.market_id(symbol): symbol for symbol in exchange.symbols.values()}

    # Public

    def instruments(self, fields: Fields) -> Reply:
        """Spot only: there is nothing else."""
        if fields.get("instType") != "SPOT":
            return Reply()
        wanted = fields.get("instId")
        return Reply(
            data=[
                render.instrument(symbol, halted=self.exchange.is_halted(symbol.symbol))
                for name, symbol in self.by_id.items()
                if wanted in {None, name}
            ]
        )

    def trades(self, fields: Fields) -> Reply:
        """One market's newest public trades, newest first."""
        symbol = self.by_id.get(str(fields.get("instId")))
        if symbol is None:
            return _refused("51001", "Instrument ID or Spread ID doesn't exist.")
        newest = self.exchange.prints(symbol.symbol)[-_TRADES_MAX:][::-1]
        return Reply(data=[render.public_trade(each, symbol) for each in newest])

    def book(self, fields: Fields, now_ns: int) -> Reply:
        """One market's levels; one a side unless asked for more."""
        symbol = self.by_id.get(str(fields.get("instId")))
        size = str(fields.get("sz", "1"))
        if symbol is None:
            return _refused("51001", "Instrument ID or Spread ID doesn't exist.")
        if not size.isdecimal() or not 1 <= int(size) <= _BOOK_ROWS_MAX:
            return _refused("51000", "Parameter sz error")
        bids, asks = self.exchange.book(symbol.symbol, int(size))
        return Reply(data=[{"asks": render.rows(asks), "bids": render.rows(bids), "ts": render.millis(now_ns)}])

    # Account

    def currencies(self) -> Reply:
        """Every asset of every market."""
        assets = sorted({asset for symbol in self.by_id.values() for asset in (symbol.base, symbol.quote)})
        return Reply(data=[render.currency(asset) for asset in assets])

    def fee_rates(self, fields: Fields, now_ns: int) -> Reply:
        """Of the market named, or of those in USDT."""
        if fields.get("instType") != "SPOT":
            return _refused("51000", "Parameter instType error")
        symbol = self.by_id.get(str(fields.get("instId", next(iter(self.by_id)))))
        if symbol is None:
            return _refused("51001", "Instrument ID or Spread ID doesn't exist.")
        return Reply(data=[render.fee_rates(symbol, self.exchange, now_ns)])

    def balances(self, account: str, fields: Fields, now_ns: int) -> Reply:
        """All, or those named."""
        wanted = str(fields["ccy"]).split(",") if "ccy" in fields else None
        held = self.exchange.balances(account)
        shown = {asset: balance for asset, balance in held.items() if wanted is None or asset in wanted}
        return Reply(data=[render.balances(shown, now_ns)])

    # Orders

    def place(self, account: str, orders: Sequence[Fields], now_ns: int) -> Reply:
        """Each by itself, in turn."""
        if not 1 <= len(orders) <= BATCH_ORDERS_MAX:
            return _refused("51111", f"Maximum {BATCH_ORDERS_MAX} orders can be placed in bulk.")
        return _batch([(fields, self._place(account, fields, now_ns)) for fields in orders], now_ns, ("clOrdId",))

    def cancel(self, account: str, orders: Sequence[Fields], now_ns: int) -> Reply:
        """Each by itself, by `ordId` or else `clOrdId`."""
        return _batch([(f, self._cancel(account, f, now_ns)) for f in orders], now_ns, ("clOrdId", "ordId"))

    def cancel_all_after(self, account: str, fields: Fields, now_ns: int) -> Reply:
        """`timeOut` in seconds from now: 0, which stops it, or 10 to 120."""
        text = str(fields.get("timeOut", ""))
        seconds = int(text) if text.isdigit() else -1
        if seconds != 0 and not 10 <= seconds <= 120:  # noqa: PLR2004 - the venue's own figures
            return _refused("51000", "Parameter timeOut error")
        due_ns = now_ns + seconds * 1_000_000_000 if seconds else None
        self.exchange.cancel_all_at(account, due_ns)
        trigger = "0" if due_ns is None else str(due_ns // 1_000_000)
        return Reply(data=[{"triggerTime": trigger, "tag": "", "ts": str(now_ns // 1_000_000)}])

    def order(self, account: str, fields: Fields, now_ns: int) -> Reply:
        """By `ordId`, or the latest with a `clOrdId`."""
        if not fields.get("ordId") and not fields.get("clOrdId"):
            return _refused("51003", "Either client order ID or order ID is required.")
        found = self._named(account, fields, now_ns)
        if not found:
            return _refused("51603", "Order does not exist.")
        return Reply(data=[self._order_row(found[-1])])

    def orders_pending(self, account: str, fields: Fields, now_ns: int) -> Reply:
        """What is open."""
        records = self.exchange.orders(account, open_only=True, now_ns=now_ns)
        return self._order_page(records, fields)

    def orders_history(self, account: str, fields: Fields, now_ns: int) -> Reply:
        """What has ended."""
        if fields.get("instType") != "SPOT":
            return _refused("51000", "Parameter instType error")
        records = [record for record in self.exchange.orders(account, now_ns=now_ns) if record.status.ended]
        return self._order_page(records, fields)

    def bills(self, account: str, fields: Fields, _now_ns: int) -> Reply:
        """Of transfers only: what was moved to and from the trading account, newest first."""
        if fields.get("type") != "1":
            return Reply(code="51000", msg="Parameter type error")
        moved = self.exchange.movements(account, int(str(fields.get("begin", "0"))) * 1_000_000)
        after = fields.get("after")
        newest_first = [each for each in moved[::-1] if after is None or each.number < int(str(after))][:PAGE_ROWS]
        return Reply(data=[render.bill(each) for each in newest_first])

    def fills(self, account: str, fields: Fields, now_ns: int) -> Reply:
        """Executions, of one order if it is named."""
        order_id = str(fields.get("ordId", "0"))
        if not order_id.isdecimal():
            return _refused("51000", "Parameter ordId error")
        trades = self.exchange.trades(account, order_id=int(order_id) or None, now_ns=now_ns)
        page = _page([(t.execution_id, t.at_ns, t) for t in trades if self._is_of(t.symbol, fields)], fields)
        return Reply(data=[render.fill(trade, self.exchange.symbols[trade.symbol]) for trade in page])

    # Parts

    def _place(self, account: str, fields: Fields, now_ns: int) -> _Done | _Wrong:
        order = self._new_order(fields)
        if isinstance(order, _Wrong):
            return order
        placed = self.exchange.place(account, order, now_ns)
        return self._wrong(placed, order) if isinstance(placed, Rejection) else _Done(record=placed)

    def _cancel(self, account: str, fields: Fields, now_ns: int) -> _Done | _Wrong:
        standing = [record for record in self._named(account, fields, None) if not record.status.ended]
        if not standing:
            return _Wrong(code="51400", text="Cancellation failed as the order is filled, canceled or does not exist.")
        ended = self.exchange.cancel(account, standing[-1].order_id, now_ns)
        assert isinstance(ended, OrderRecord)
        return _Done(record=ended)

    def _wrong(self, rejection: Rejection, order: NewOrder) -> _Wrong:
        code, text = _REFUSALS[rejection.kind]
        symbol = self.exchange.symbols[order.symbol]
        return _Wrong(code=code, text=text.format(asset=symbol.quote if order.side is Side.BUY else symbol.base))

    def _new_order(self, fields: Fields) -> NewOrder | _Wrong:
        """Not spoken: orders for an amount of quote, margin, attached orders."""
        symbol = self.by_id.get(str(fields.get("instId")))
        kind, side, client_id = (str(fields.get(name, "")) for name in ("ordType", "side", "clOrdId"))
        quantity, price = _number(fields.get("sz")), _number(fields.get("px"))
        if symbol is None:
            return _Wrong(code="51001", text="Instrument ID or Spread ID doesn't exist.")
        wrong = {
            "tdMode": fields.get("tdMode") != "cash",
            "ordType": kind not in _TYPES,
            "side": side not in {"buy", "sell"},
            "clOrdId": bool(client_id) and not _CLIENT_ID.fullmatch(client_id),
            "sz": quantity is None,
            "px": price is None and kind != "market",
            "tgtCcy": kind == "market" and fields.get("tgtCcy", "base_ccy") != "base_ccy",
        }
        for name, is_wrong in wrong.items():
            if is_wrong:
                return _Wrong(code="51000", text=f"Parameter {name} error")
        assert quantity is not None
        return NewOrder(
            symbol=symbol.symbol,
            side=Side(side.upper()),
            quantity=quantity,
            limit_price=None if kind == "market" else price,
            tif=_TYPES[kind],
            post_only=kind == "post_only",
            client_id=client_id or None,
        )

    def _named(self, account: str, fields: Fields, now_ns: int | None) -> tuple[OrderRecord, ...]:
        symbol = self.by_id.get(str(fields.get("instId")))
        if symbol is None:
            return ()
        order_id = str(fields.get("ordId") or "")
        if order_id:
            number = int(order_id) if order_id.isdecimal() else 0
            return self.exchange.find(account, order_id=number, symbol=symbol.symbol, now_ns=now_ns)
        client_id = str(fields.get("clOrdId") or "")
        return self.exchange.find(account, client_id=client_id, symbol=symbol.symbol, now_ns=now_ns)

    def _order_page(self, records: Sequence[OrderRecord], fields: Fields) -> Reply:
        rows = [(r.order_id, r.placed_ns, r) for r in records if self._is_of(r.symbol, fields)]
        return Reply(data=[self._order_row(record) for record in _page(rows, fields)])

    def _order_row(self, record: OrderRecord) -> Json:
        return render.order(record, self.exchange.symbols[record.symbol], self._last_trade(record))

    def _last_trade(self, record: OrderRecord) -> TradeRecord | None:
        if not record.executed:
            return None
        trades = self.exchange.trades(record.account, order_id=record.order_id)
        return trades[-1] if trades else None

    def _is_of(self, symbol: str, fields: Fields) -> bool:
        return fields.get("instId") in {None, render.market_id(self.exchange.symbols[symbol])}


def _batch(results: Sequence[tuple[Fields, _Done | _Wrong]], now_ns: int, echoed: Sequence[str]) -> Reply:
    """0: all done, 1: none, 2: some."""
    done = [isinstance(result, _Done) for _, result in results]
    code = "0" if all(done) else "2" if any(done) else "1"
    data = [_result(fields, result, now_ns, echoed) for fields, result in results]
    return Reply(code=code, msg="" if all(done) else "All operations failed" if code == "1" else "", data=data)


def _result(fields: Fields, result: _Done | _Wrong, now_ns: int, echoed: Sequence[str]) -> Json:
    at = {"tag": "", "ts": render.millis(now_ns)}
    if isinstance(result, _Done):
        ids = {"clOrdId": result.record.client_id or "", "ordId": str(result.record.order_id)}
        return {**ids, **at, "sCode": "0", "sMsg": ""}
    ids = {name: str(fields.get(name) or "") if name in echoed else "" for name in ("clOrdId", "ordId")}
    return {**ids, **at, "sCode": result.code, "sMsg": result.text}


def _refused(code: str, text: str) -> Reply:
    return Reply(code=code, msg=text)


def _page(rows: Sequence[tuple[int, int, T]], fields: Fields) -> list[T]:
    """Newest first; `after` an id are the older ones, `begin` and `end` bound the time in milliseconds."""
    after, before = _whole(fields, "after"), _whole(fields, "before")
    begin, end = _whole(fields, "begin"), _whole(fields, "end")
    kept = [
        row
        for row in rows
        if (after is None or row[0] < after)
        and (before is None or row[0] > before)
        and (begin is None or row[1] // 1_000_000 >= begin)
        and (end is None or row[1] // 1_000_000 <= end)
    ]
    limit = min(_whole(fields, "limit") or PAGE_ROWS, PAGE_ROWS)
    return [row[2] for row in sorted(kept, key=lambda row: row[0], reverse=True)[:limit]]


def _whole(fields: Fields, name: str) -> int | None:
    text = str(fields.get(name, ""))
    return int(text) if text.isdecimal() else None


def _number(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
