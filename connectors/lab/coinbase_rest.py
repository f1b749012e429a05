"""Coinbase Advanced Trade's REST calls against an exchange: a request in, a body out. Pure; who asks is known.

Orders are refused with status 200 and `success: false`; what cannot be read at all with 400.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from connectors.lab import coinbase_render as render
from connectors.lab.coinbase_render import Json
from connectors.lab.core import (
    Exchange,
    NewOrder,
    OrderRecord,
    Rejection,
    RejectKind,
    SymbolRules,
    TimeInForce,
    TradeRecord,
)
from router.model.side import Side

TRANSACTIONS_MAX = 100
PAGE_ROWS_MAX = 250

_FAILURES = {
    RejectKind.UNKNOWN_SYMBOL: ("INVALID_PRODUCT_ID", "PREVIEW_INVALID_PRODUCT_ID"),
    RejectKind.SYMBOL_HALTED: ("ORDER_ENTRY_DISABLED", "UNKNOWN_PREVIEW_FAILURE_REASON"),
    RejectKind.QUANTITY_STEP: ("INVALID_SIZE_PRECISION", "PREVIEW_INVALID_SIZE_PRECISION"),
    RejectKind.QUANTITY_TOO_SMALL: ("INVALID_REQUEST", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
    RejectKind.QUANTITY_TOO_LARGE: ("INVALID_REQUEST", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
    RejectKind.PRICE_TICK: ("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_PRICE_PRECISION"),
    RejectKind.PRICE_NOT_POSITIVE: ("INVALID_LIMIT_PRICE", "PREVIEW_INVALID_LIMIT_PRICE"),
    RejectKind.NOTIONAL_TOO_SMALL: ("INVALID_REQUEST", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
    RejectKind.INSUFFICIENT_FUNDS: ("INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND"),
    RejectKind.DUPLICATE_CLIENT_ID: ("INVALID_REQUEST", "UNKNOWN_PREVIEW_FAILURE_REASON"),
    RejectKind.POST_ONLY_WOULD_TAKE: ("INVALID_LIMIT_PRICE_POST_ONLY", "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"),
}
_CONFIGURATIONS = {
    "limit_limit_gtc": TimeInForce.GTC,
    "sor_limit_ioc": TimeInForce.IOC,
    "limit_limit_fok": TimeInForce.FOK,
    "market_market_ioc": TimeInForce.IOC,
}

Query = Sequence[tuple[str, str]]
_TRADES_MAX = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A body and its HTTP status."""

    body: Json
    status: int = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unreadable:
    """What of an order could not be read."""

    what: str


class CoinbaseRest:
    """All calls of one venue. `now_ns` is the time at which the call reaches the engine."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.products = {render.product_id(rules): rules for rules in exchange.symbols.values()}

    # Public

    def currencies(self, *, crypto: bool) -> Reply:
        """Money, or the rest."""
        assets = sorted({asset for rules in self.products.values() for asset in (rules.base, rules.quote)})
        if crypto:
            named = [asset for asset in assets if asset not in render.FIAT]
            rows = [
                {
                    "asset_id": render.account_uuid("asset", asset),
                    "code": asset,
                    "name": asset,
                    "color": "#000000",
                    "sort_index": 100 + index,
                    "exponent": 8,
                    "type": "crypto",
                    "address_regex": "^$",
                }
                for index, asset in enumerate(named)
            ]
        else:
            rows = [{"id": asset, "name": asset, "min_size": "0.01"} for asset in assets if asset in render.FIAT]
        return Reply(body={"data": rows})

    def exchange_rates(self) -> Reply:
        """One dollar in each currency listed against the dollar, at the best bid."""
        rates: dict[str, str] = {"USD": "1"}
        for rules in self.products.values():
            bids, _ = self.exchange.book(rules.symbol, 1)
            if rules.quote == "USD" and bids:
                rates[rules.base] = str(1 / float(bids[0][0]))
        return Reply(body={"data": {"currency": "USD", "rates": rates}})

    def product_list(self, query: Query) -> Reply:
        """Spot products; there are no others."""
        kind = dict(query).get("product_type", "SPOT")
        rows = [self._product(rules) for rules in self.products.values()] if kind == "SPOT" else []
        return Reply(body={"products": rows, "num_products": len(rows)})

    def one_product(self, product_id: str) -> Reply:
        """A product by its id."""
        rules = self.products.get(product_id)
        return _not_found("valid product_id is required") if rules is None else Reply(body=self._product(rules))

    def product_book(self, query: Query, now_ns: int) -> Reply:
        """A book; all of it when no limit is given."""
        fields = dict(query)
        rules = self.products.get(fields.get("product_id", ""))
        if rules is None:
            return _invalid("valid product_id is required")
        limit = fields.get("limit", "")
        bids, asks = self.exchange.book(rules.symbol, int(limit) if limit.isdigit() and int(limit) else None)
        return Reply(body={"pricebook": render.price_book(rules, bids, asks, now_ns)})

    def ticker(self, product_id: str) -> Reply:
        """The newest public trades, newest first."""
        rules = self.products.get(product_id)
        if rules is None:
            return _invalid("valid product_id is required")
        newest = self.exchange.prints(rules.symbol)[-_TRADES_MAX:][::-1]
        return Reply(body={"trades": [render.market_trade(rules, each) for each in newest]})

    def best_bid_ask(self, query: Query, now_ns: int) -> Reply:
        """The top of each book named, of all when none is."""
        named = _many(query, "product_ids") or list(self.products)
        books = []
        for rules in (self.products[name] for name in named if name in self.products):
            bids, asks = self.exchange.book(rules.symbol, 1)
            books.append(render.price_book(rules, bids, asks, now_ns))
        return Reply(body={"pricebooks": books})

    # Account

    def accounts(self, account: str, query: Query, now_ns: int) -> Reply:
        """Holdings, v3, in pages."""
        fields = dict(query)
        rows = [
            render.account_v3(account, asset, balance, now_ns)
            for asset, balance in sorted(self.exchange.balances(account).items())
        ]
        start = int(fields["cursor"]) if fields.get("cursor", "").isdigit() else 0
        end = start + _limit(fields, PAGE_ROWS_MAX)
        page, more = rows[start:end], end < len(rows)
        return Reply(body={"accounts": page, "has_next": more, "cursor": str(end) if more else "", "size": len(page)})

    def accounts_v2(self, account: str) -> Reply:
        """Holdings, v2: totals only, one page."""
        rows = [render.account_v2(account, asset, b) for asset, b in sorted(self.exchange.balances(account).items())]
        pagination = {
            "ending_before": None,
            "starting_after": None,
            "previous_ending_before": None,
            "next_starting_after": None,
            "limit": 250,
            "order": "desc",
            "previous_uri": None,
            "next_uri": None,
        }
        return Reply(body={"pagination": pagination, "data": rows})

    def transactions(self, account: str, wallet: str, query: Query) -> Reply:
        """What changed one holding, v2: trades and all else, newest first, in pages by id."""
        asset = next((a for a in self.exchange.balances(account) if render.account_uuid(account, a) == wallet), None)
        if asset is None:
            return _not_found("account was not found")
        fields = dict(query)
        trades = [row for trade in self.exchange.trades(account) if (row := render.trade_v2(trade, asset)) is not None]
        moved = [render.moved_v2(one) for one in self.exchange.movements(account) if one.asset == asset]
        rows = sorted([*trades, *moved], key=lambda row: str(row["created_at"]), reverse=True)
        ids = [row["id"] for row in rows]
        after = fields.get("starting_after")
        start = ids.index(after) + 1 if after in ids else 0
        end = start + _limit(fields, TRANSACTIONS_MAX)
        more = ids[end - 1] if end < len(ids) else None
        return Reply(body={"pagination": {"order": "desc", "next_starting_after": more}, "data": rows[start:end]})

    def transaction_summary(self) -> Reply:
        """The fee tier. Coinbase has one for all products; what stable pairs cost it does not say."""
        rules = self.exchange.rules
        return Reply(body=render.transaction_summary(rules.taker_fee_bps, rules.maker_fee_bps))

    def key_permissions(self, account: str) -> Reply:
        """What the key may do. Addresses it is bound to are not told."""
        return Reply(
            body={
                "can_view": True,
                "can_trade": self.exchange.grants.trade,
                "can_transfer": self.exchange.grants.withdraw,
                "portfolio_uuid": render.portfolio_uuid(account),
                "portfolio_type": "DEFAULT",
            }
        )

    def portfolios(self, account: str) -> Reply:
        """The one the key opens."""
        row = {"name": "Default", "uuid": render.portfolio_uuid(account), "type": "DEFAULT", "deleted": False}
        return Reply(body={"portfolios": [row]})

    # Orders

    def create_order(self, account: str, body: object, now_ns: int) -> Reply:
        """Place an order. The answer names it and tells nothing of its fate."""
        if not isinstance(body, dict):
            return _invalid("body is not a JSON object")
        configuration = body.get("order_configuration")
        order = self._new_order(body, configuration)
        if isinstance(order, _Unreadable):
            return _invalid(order.what)
        placed = self.exchange.place(account, order, now_ns)
        if isinstance(placed, Rejection):
            return _failure(placed, configuration)
        order_id = render.order_uuid(placed.order_id)
        success = {
            "order_id": order_id,
            "product_id": render.product_id(self.exchange.symbols[placed.symbol]),
            "side": str(placed.side),
            "client_order_id": placed.client_id,
            "attached_order_id": "",
        }
        return Reply(
            body={
                "success": True,
                "failure_reason": "UNKNOWN_FAILURE_REASON",
                "order_id": order_id,
                "success_response": success,
                "order_configuration": configuration,
            }
        )

    def cancel_orders(self, account: str, body: object, now_ns: int) -> Reply:
        """Cancel a list of orders; each has a result of its own."""
        ids = body.get("order_ids") if isinstance(body, dict) else None
        if not isinstance(ids, list):
            return _invalid("order_ids is required")
        return Reply(body={"results": [self._cancelled(account, str(order_id), now_ns) for order_id in ids]})

    def order(self, account: str, order_id: str, now_ns: int) -> Reply:
        """One order by the venue's id."""
        number = render.order_number(order_id)
        found = self.exchange.find(account, order_id=number, now_ns=now_ns) if number is not None else ()
        if not found:
            return _not_found("order with this orderID was not found")
        fills = self.exchange.trades(account, order_id=found[0].order_id, now_ns=now_ns)
        return Reply(body={"order": render.order(self.exchange.symbols[found[0].symbol], found[0], fills)})

    def orders(self, account: str, query: Query, now_ns: int) -> Reply:
        """Orders, newest first, in pages."""
        fields = dict(query)
        window = _window(fields, "start_date", "end_date")
        if window is None:
            return _invalid("dates must be RFC 3339")
        wanted = self._filter(query)
        before = _cursor(fields)
        rows = [
            record
            for record in reversed(self.exchange.orders(account, now_ns=now_ns))
            if window[0] <= record.placed_ns < window[1]
            and wanted(record)
            and (before is None or record.order_id < before)
        ]
        page = rows[: _limit(fields, 1000)]
        more = len(page) < len(rows)
        cursor = str(page[-1].order_id) if more else ""
        fills = self._fills_by_order(account, now_ns)
        shown = [
            render.order(self.exchange.symbols[row.symbol], row, fills.get(row.order_id, []), cursor) for row in page
        ]
        return Reply(body={"orders": shown, "sequence": "0", "has_next": more, "cursor": cursor})

    def fills(self, account: str, query: Query, now_ns: int) -> Reply:
        """Executions, newest first, in pages."""
        fields = dict(query)
        window = _window(fields, "start_sequence_timestamp", "end_sequence_timestamp")
        if window is None:
            return _invalid("timestamps must be RFC 3339")
        products = _many(query, "product_id", "product_ids")
        order_ids = _many(query, "order_id", "order_ids")
        trade_ids = _many(query, "trade_ids")
        before = _cursor(fields)
        rows = [
            trade
            for trade in reversed(self.exchange.trades(account, now_ns=now_ns))
            if window[0] <= trade.at_ns <= window[1]
            and (not products or render.product_id(self.exchange.symbols[trade.symbol]) in products)
            and (not order_ids or render.order_uuid(trade.order_id) in order_ids)
            and (not trade_ids or render.trade_uuid(trade.execution_id) in trade_ids)
            and (before is None or trade.execution_id < before)
        ]
        page = rows[: _limit(fields, 100)]
        cursor = str(page[-1].execution_id) if len(page) < len(rows) else ""
        shown = [render.fill(self.exchange.symbols[trade.symbol], trade) for trade in page]
        return Reply(body={"fills": shown, "cursor": cursor})

    # Parts

    def _product(self, rules: SymbolRules) -> Json:
        bids, _ = self.exchange.book(rules.symbol, 1)
        return render.product(rules, bids[0][0] if bids else None, halted=self.exchange.is_halted(rules.symbol))

    def _new_order(self, body: Mapping[str, object], configuration: object) -> NewOrder | _Unreadable:
        client_id, side = body.get("client_order_id"), body.get("side")
        if not isinstance(client_id, str) or not client_id:
            return _Unreadable(what="client_order_id is required")
        if side not in set(Side):
            return _Unreadable(what="side must be BUY or SELL")
        if not isinstance(configuration, dict) or len(configuration) != 1:
            return _Unreadable(what="order_configuration must name one kind of order")
        ((kind, inner),) = configuration.items()
        if kind not in _CONFIGURATIONS or not isinstance(inner, dict):
            return _Unreadable(what=f"unsupported order configuration {kind}")
        quantity, price = _number(inner.get("base_size")), _number(inner.get("limit_price"))
        if quantity is None:
            return _Unreadable(what="base_size is required")
        if price is None and kind != "market_market_ioc":
            return _Unreadable(what="limit_price is required")
        product_id = str(body.get("product_id"))
        rules = self.products.get(product_id)
        return NewOrder(
            symbol=product_id if rules is None else rules.symbol,
            side=Side(str(side)),
            quantity=quantity,
            limit_price=None if kind == "market_market_ioc" else price,
            tif=_CONFIGURATIONS[kind],
            post_only=inner.get("post_only") is True,
            client_id=client_id,
        )

    def _cancelled(self, account: str, order_id: str, now_ns: int) -> Json:
        number = render.order_number(order_id)
        ended = None if number is None else self.exchange.cancel(account, number, now_ns)
        if isinstance(ended, OrderRecord):
            return {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": order_id}
        already = ended is not None and ended.kind is RejectKind.ALREADY_ENDED
        reason = "INVALID_CANCEL_REQUEST" if already else "UNKNOWN_CANCEL_ORDER"
        return {"success": False, "failure_reason": reason, "order_id": order_id}

    def _filter(self, query: Query) -> "_OrderFilter":
        return _OrderFilter(
            rules=self.exchange.symbols,
            products=_many(query, "product_id", "product_ids"),
            statuses=_many(query, "order_status"),
            order_ids=_many(query, "order_ids"),
            sides=_many(query, "order_side"),
        )

    def _fills_by_order(self, account: str, now_ns: int) -> dict[int, list[TradeRecord]]:
        fills: dict[int, list[TradeRecord]] = {}
        for trade in self.exchange.trades(account, now_ns=now_ns):
            fills.setdefault(trade.order_id, []).append(trade)
        return fills


@dataclass(frozen=True, kw_only=True, slots=True)
class _OrderFilter:
    """Which orders a list asks for; an empty list of values asks for all."""

    rules: Mapping[str, SymbolRules]
    products: list[str]
    statuses: list[str]
    order_ids: list[str]
    sides: list[str]

    def __call__(self, record: OrderRecord) -> bool:
        return (
            (not self.products or render.product_id(self.rules[record.symbol]) in self.products)
            and (not self.statuses or render.status(record) in self.statuses)
            and (not self.order_ids or render.order_uuid(record.order_id) in self.order_ids)
            and (not self.sides or str(record.side) in self.sides)
        )


def _failure(rejection: Rejection, configuration: object) -> Reply:
    error, preview = _FAILURES[rejection.kind]
    message = "Insufficient balance in source account" if error == "INSUFFICIENT_FUND" else rejection.text
    response = {
        "error": error,
        "message": message,
        "error_details": "",
        "preview_failure_reason": preview,
        "new_order_failure_reason": error,
    }
    return Reply(
        body={
            "success": False,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": "",
            "error_response": response,
            "order_configuration": configuration,
        }
    )


def _invalid(details: str) -> Reply:
    return Reply(body={"error": "INVALID_ARGUMENT", "error_details": details, "message": details}, status=400)


def _not_found(details: str) -> Reply:
    return Reply(body={"error": "NOT_FOUND", "error_details": details, "message": details}, status=404)


def _many(query: Query, *names: str) -> list[str]:
    """A repeated field under any of its names."""
    return [value for name, value in query if name in names]


def _window(fields: Mapping[str, str], start: str, end: str) -> tuple[int, int] | None:
    """From and to in nanoseconds, open where not given; None when unreadable."""
    from_ns = render.parse_time(fields[start]) if start in fields else 0
    to_ns = render.parse_time(fields[end]) if end in fields else 1 << 63
    return None if from_ns is None or to_ns is None else (from_ns, to_ns)


def _cursor(fields: Mapping[str, str]) -> int | None:
    cursor = fields.get("cursor", "")
    return int(cursor) if cursor.isdigit() else None


def _limit(fields: Mapping[str, str], default: int) -> int:
    limit = fields.get("limit", "")
    return int(limit) if limit.isdigit() and int(limit) > 0 else default


def _number(text: object) -> Decimal | None:
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
