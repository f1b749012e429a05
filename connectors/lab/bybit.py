"""The Bybit v5 protocol, spot, unified account: REST under `/v5`, public and private websockets.

Its own habits: an order's answer says only that the gateway took it, the engine may still reject it (the record then
says so); an `orderLinkId` is good once, ever; `recv_window` is checked at the gateway; realtime knows open orders and
the last 500 ended ones, which a restart of the service forgets, history has them all; lists are cut to 20 (trades: 50)
rows and to seven days; a fee is taken in the asset received. Not spoken: stop orders, amendments, batches, trading by
websocket, market orders by quote amount.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from connectors.lab import bybit_render as render
from connectors.lab.bybit_auth import authenticated, envelope, refuse
from connectors.lab.bybit_lists import EXECUTIONS, ORDERS, listed
from connectors.lab.bybit_streams import BybitStreams
from connectors.lab.core import (
    DuplicateRule,
    Exchange,
    MarketEvent,
    NewOrder,
    OrderRecord,
    OrderStatus,
    Rejection,
    RejectKind,
    SymbolRules,
    TimeInForce,
    VenueRules,
)
from connectors.lab.faults import Call, FaultDesk
from connectors.lab.http import Answer, ApiKey, Ask, Route, json_answer
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue
from router.model.instruments import FeeIn
from router.model.money import ZERO, fraction_of_bps, plain
from router.model.side import Side

Json = dict[str, Any]
_Fields = Mapping[str, str]
_Handler = Callable[[str, _Fields, int], object]

_LINK_ID_MAX = 36
_LINK_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_CLOSED_KEPT = 500
_TRADES_MAX = 60
_DEPTH_DEFAULT, _DEPTH_MAX = 1, 1000
_FIRST_ID = 1_890_000_000_000_000_000
_FIRST_REJECTED_ID = _FIRST_ID + 500_000_000_000_000_000
_TIF = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "PostOnly": TimeInForce.GTC}


class BybitVenue(LabVenue):
    """A venue that speaks Bybit."""

    protocol = "bybit"
    id_fields: ClassVar[frozenset[str]] = frozenset({"orderId", "orderLinkId"})

    def __init__(
        self,
        *,
        name: str,
        exchange: Exchange,
        keys: Sequence[ApiKey],
        faults: FaultDesk,
        clock_offset_ns: int = 0,
    ) -> None:
        super().__init__(name=name, exchange=exchange, keys=keys, faults=faults, clock_offset_ns=clock_offset_ns)
        self._by_market = {render.market_id(symbol): symbol for symbol in exchange.symbols.values()}
        self._streams = BybitStreams(exchange, self._by_market, self.keys)
        self._rejected: dict[int, tuple[OrderRecord, str]] = {}
        self._forgotten: set[int] = set()

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """Without a tier: 10 bps, in the asset received."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(10),
            fee_in=FeeIn.RECEIVED,
            duplicates=DuplicateRule.ALWAYS,
            read_lag_ns=read_lag_ns,
            first_id=_FIRST_ID,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """BTC in two stablecoins, and the stablecoins against each other, with the venue's filters."""
        return (
            _symbol("BTC", "USDT", tick="0.01", step="0.000001", least="0.000011", most="83"),
            _symbol("BTC", "USDC", tick="0.01", step="0.000001", least="0.000011", most="83"),
            _symbol("USDC", "USDT", tick="0.0001", step="0.01", least="0.5", most="5000000"),
        )

    def routes(self) -> Sequence[Route]:
        """What clients call, and what each call is called in common words."""
        return (
            Route(method="GET", path="/v5/market/time", call=Call.OTHER, handler=self._time),
            Route(method="GET", path="/v5/market/instruments-info", call=Call.MARKETS, handler=self._instruments),
            Route(method="GET", path="/v5/market/orderbook", call=Call.BOOK, handler=self._book),
            Route(method="GET", path="/v5/market/recent-trade", call=Call.PRINTS, handler=self._recent_trades),
            self._private("POST", "/v5/order/create", Call.PLACE, self._place),
            self._private("POST", "/v5/order/cancel", Call.CANCEL, self._cancel),
            self._private("GET", "/v5/order/realtime", Call.OPEN_ORDERS, self._realtime),
            self._private("GET", "/v5/order/history", Call.ORDERS, self._history),
            self._private("GET", "/v5/execution/list", Call.TRADES, self._executions),
            self._private("GET", "/v5/account/wallet-balance", Call.BALANCES, self._wallet),
            self._private("GET", "/v5/account/fee-rate", Call.FEES, self._fee_rates),
            self._private("GET", "/v5/account/info", Call.OTHER, self._account_info),
            self._private("GET", "/v5/account/transaction-log", Call.OTHER, self._transaction_log),
            self._private("GET", "/v5/user/query-api", Call.OTHER, self._query_api),
        )

    def sockets(self) -> Mapping[str, bool]:
        """Market data of spot, and the account."""
        return {"/v5/public/spot": False, "/v5/private": True}

    def not_found(self) -> Answer:
        """As Bybit's gateway says it."""
        return json_answer({"retCode": 10017, "retMsg": "Route not found."}, status=404)

    def too_many_requests(self) -> Answer:
        """10006, as Bybit says it."""
        return json_answer({"retCode": 10006, "retMsg": "Too many visits!"}, status=429)

    def restart(self) -> None:
        """The venue's services restart: realtime forgets what has ended, books are numbered anew."""
        self.flush()
        for account in self.exchange.accounts():
            self._forgotten |= {record.order_id for record in self.exchange.orders(account) if record.status.ended}
        self._forgotten |= set(self._rejected)
        self._streams.restart(self.sessions, self.now_ns())

    # Public REST

    def _time(self, ask: Ask) -> Answer:
        seconds = ask.now_ns // 1_000_000_000
        return envelope(0, "OK", {"timeSecond": str(seconds), "timeNano": str(ask.now_ns)}, ask.now_ns)

    def _instruments(self, ask: Ask) -> Answer:
        named = ask.params.get("symbol")
        rows = [
            render.instrument(symbol, halted=self.exchange.is_halted(symbol.symbol))
            for market, symbol in self._by_market.items()
            if _category(ask.params, ask.now_ns) and named in {None, market}
        ]
        return envelope(0, "OK", {"category": "spot", "list": rows}, ask.now_ns)

    def _recent_trades(self, ask: Ask) -> Answer:
        _category(ask.params, ask.now_ns)
        symbol = self._symbol(ask.params, ask.now_ns)
        newest = self.exchange.prints(symbol.symbol)[-_TRADES_MAX:][::-1]
        rows = [render.recent_trade(symbol, each) for each in newest]
        return envelope(0, "OK", {"category": "spot", "list": rows}, ask.now_ns)

    def _book(self, ask: Ask) -> Answer:
        self.flush()
        _category(ask.params, ask.now_ns)
        symbol = self._symbol(ask.params, ask.now_ns)
        depth = min(int(ask.params.get("limit", _DEPTH_DEFAULT)), _DEPTH_MAX)
        bids, asks = self.exchange.book(symbol.symbol, depth)
        body = {
            "s": render.market_id(symbol),
            "b": render.levels(bids),
            "a": render.levels(asks),
            "ts": render.millis(ask.now_ns),
            "u": self._streams.sequence,
            "seq": self._streams.sequence,
            "cts": render.millis(ask.now_ns),
        }
        return envelope(0, "OK", body, ask.now_ns)

    # Private REST

    def _private(self, method: str, path: str, call: Call, handler: _Handler) -> Route:
        def answer(ask: Ask) -> Answer:
            key = authenticated(ask, self.keys)
            return envelope(0, "OK", handler(key.account, _fields(ask), ask.now_ns), ask.now_ns)

        return Route(method=method, path=path, call=call, handler=answer)

    def _place(self, account: str, fields: _Fields, now_ns: int) -> object:
        _category(fields, now_ns)
        order = self._new_order(fields, now_ns)
        if order.client_id is not None and order.client_id in {record.client_id for record, _ in self._of(account)}:
            refuse(*render.REFUSALS[RejectKind.DUPLICATE_CLIENT_ID], now_ns)
        placed = self.exchange.place(account, order, now_ns)
        if isinstance(placed, OrderRecord):
            order_id = placed.order_id
        elif placed.kind in render.LATE:
            order_id = self._reject_later(account, order, render.LATE[placed.kind], now_ns)
        else:
            refuse(*render.REFUSALS[placed.kind], now_ns)
        return {"orderId": str(order_id), "orderLinkId": order.client_id or ""}

    def _reject_later(self, account: str, order: NewOrder, why: str, now_ns: int) -> int:
        """The gateway has said yes; the engine says no. Only the order's record, and the stream, tell."""
        record = OrderRecord(
            order_id=_FIRST_REJECTED_ID + len(self._rejected),
            client_id=order.client_id,
            account=account,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            limit_price=order.limit_price,
            tif=order.tif,
            post_only=order.post_only,
            status=OrderStatus.EXPIRED,
            executed=ZERO,
            cost=ZERO,
            placed_ns=now_ns,
            updated_ns=now_ns,
        )
        self._rejected[record.order_id] = (record, why)
        row = {"category": "spot", **self._row(record, why)}
        self._streams.report(self.sessions, account, "order", [row], now_ns)
        return record.order_id

    def _cancel(self, account: str, fields: _Fields, now_ns: int) -> object:
        _category(fields, now_ns)
        found = self._named(account, fields, None, now_ns)
        if not found:
            refuse(*render.REFUSALS[RejectKind.UNKNOWN_ORDER], now_ns)
        record = found[-1]
        if record.status is OrderStatus.FILLED:
            refuse(170139, "Order has been filled.", now_ns)
        ended = self.exchange.cancel(account, record.order_id, now_ns)
        if isinstance(ended, Rejection):
            refuse(*render.REFUSALS[ended.kind], now_ns)
        return {"orderId": str(record.order_id), "orderLinkId": record.client_id or ""}

    def _realtime(self, account: str, fields: _Fields, now_ns: int) -> object:
        """Open orders; with `openOnly` 1 the last 500 that have ended, unless the service has restarted since."""
        _category(fields, now_ns)
        closed = fields.get("openOnly", "0") == "1"
        rows = self._asked(account, fields, now_ns)
        if closed:
            rows = [(record, why) for record, why in rows if record.status.ended][-_CLOSED_KEPT:]
            rows = [(record, why) for record, why in rows if record.order_id not in self._forgotten]
        else:
            rows = [(record, why) for record, why in rows if not record.status.ended]
        return listed([(each[0].order_id, self._row(*each)) for each in rows], fields, ORDERS)

    def _history(self, account: str, fields: _Fields, now_ns: int) -> object:
        """Everything that has ended."""
        _category(fields, now_ns)
        start, end = _window(fields, now_ns)
        rows = [
            (record.order_id, self._row(record, why))
            for record, why in self._asked(account, fields, now_ns)
            if fields.get("orderStatus") in {None, self._row(record, why)["orderStatus"]}
            if record.status.ended and start <= render.millis(record.placed_ns) <= end
        ]
        return listed(rows, fields, ORDERS)

    def _executions(self, account: str, fields: _Fields, now_ns: int) -> object:
        _category(fields, now_ns)
        start, end = _window(fields, now_ns)
        named = _one_name(fields)
        order_ids = {record.order_id for record in self._named(account, fields, None, now_ns)} if named else None
        symbol = None if named else self._by_market.get(fields.get("symbol", ""))
        if not named and "symbol" in fields and symbol is None:
            refuse(*render.REFUSALS[RejectKind.UNKNOWN_SYMBOL], now_ns)
        rows = []
        for trade in self.exchange.trades(account, symbol=symbol.symbol if symbol else None, now_ns=now_ns):
            if start <= render.millis(trade.at_ns) <= end and (order_ids is None or trade.order_id in order_ids):
                rules = self.exchange.symbols[trade.symbol]
                (record,) = self.exchange.find(account, order_id=trade.order_id)
                rate = self.exchange.fee_bps(rules, maker=trade.maker)
                rows.append((trade.execution_id, render.execution(rules, record, trade, rate)))
        return listed(rows, fields, EXECUTIONS)

    def _wallet(self, account: str, fields: _Fields, now_ns: int) -> object:
        if fields.get("accountType") != "UNIFIED":
            refuse(10001, "accountType only support UNIFIED.", now_ns)
        return {"list": [render.wallet(self.exchange.balances(account))]}

    def _fee_rates(self, _account: str, fields: _Fields, now_ns: int) -> object:
        _category(fields, now_ns)
        named = fields.get("symbol")
        return {
            "category": "spot",
            "list": [
                {
                    "symbol": market,
                    "takerFeeRate": plain(fraction_of_bps(self.exchange.fee_bps(symbol, maker=False))),
                    "makerFeeRate": plain(fraction_of_bps(self.exchange.fee_bps(symbol, maker=True))),
                }
                for market, symbol in self._by_market.items()
                if named in {None, market}
            ],
        }

    def _account_info(self, _account: str, _fields: _Fields, now_ns: int) -> object:
        return {
            "unifiedMarginStatus": 6,
            "marginMode": "REGULAR_MARGIN",
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "updatedTime": str(render.millis(now_ns)),
        }

    def _transaction_log(self, account: str, fields: _Fields, _now_ns: int) -> object:
        """Of one kind, on one page: what was moved to and from the account."""
        way = 1 if fields.get("type") == "TRANSFER_IN" else -1
        moved = self.exchange.movements(account, int(str(fields.get("startTime", "0"))) * 1_000_000)
        listed = [
            {
                "id": f"{account}-{each.number}",
                "currency": each.asset,
                "type": fields.get("type"),
                "change": plain(each.amount),
                "transactionTime": str(each.at_ns // 1_000_000),
            }
            for each in moved
            if each.amount * way > 0
        ]
        return {"list": listed, "nextPageCursor": ""}

    def _query_api(self, account: str, _fields: _Fields, _now_ns: int) -> object:
        """What the key may do."""
        grants = self.exchange.grants
        return {
            "id": "13770661",
            "note": account,
            "readOnly": 0,
            "secret": "",
            "permissions": {
                "ContractTrade": [],
                "Spot": ["SpotTrade"] if grants.trade else [],
                "Wallet": ["AccountTransfer", "Withdraw"] if grants.withdraw else [],
                "Options": [],
                "Derivatives": [],
                "CopyTrading": [],
                "BlockTrade": [],
                "Exchange": [],
                "NFT": [],
                "Affiliate": [],
                "Earn": [],
            },
            "ips": ["127.0.0.1"] if grants.ip_restricted else ["*"],
            "type": 1,
            "deadlineDay": 83,
            "expiredAt": "2099-01-01T00:00:00Z",
            "createdAt": "2026-01-01T00:00:00Z",
            "unified": 0,
            "uta": 1,
            "userID": 24_617_703,
            "isMaster": True,
        }

    # Orders by name

    def _of(self, account: str) -> list[tuple[OrderRecord, str]]:
        return [each for each in self._rejected.values() if each[0].account == account]

    def _asked(self, account: str, fields: _Fields, now_ns: int) -> list[tuple[OrderRecord, str | None]]:
        """The orders a list is asked for, oldest first; a name given stands before every other field."""
        if _one_name(fields):
            known = self._named(account, fields, now_ns, now_ns)
        else:
            symbol = self._symbol(fields, now_ns).symbol if "symbol" in fields else None
            known = self.exchange.orders(account, symbol=symbol, now_ns=now_ns)
        rejected = [
            (record, why)
            for record, why in self._of(account)
            if fields.get("orderId") in {None, str(record.order_id)}
            and fields.get("orderLinkId") in {None, record.client_id}
            and record.placed_ns <= now_ns - self.exchange.rules.read_lag_ns
        ]
        return [*((record, None) for record in known), *rejected]

    def _named(self, account: str, fields: _Fields, as_of_ns: int | None, now_ns: int) -> tuple[OrderRecord, ...]:
        order_id, link_id = fields.get("orderId"), fields.get("orderLinkId")
        if order_id is None and link_id is None:
            refuse(10001, "params error: OrderId or orderLinkId is required", now_ns)
        if order_id is not None and not order_id.isdecimal():
            refuse(10001, "params error: OrderId Invalid", now_ns)
        if order_id is not None:
            return self.exchange.find(account, order_id=int(order_id), now_ns=as_of_ns)
        return self.exchange.find(account, client_id=link_id, now_ns=as_of_ns)

    def _row(self, record: OrderRecord, why: str | None = None) -> Json:
        return render.order(self.exchange.symbols[record.symbol], record, why)

    # Parsing

    def _symbol(self, fields: _Fields, now_ns: int) -> SymbolRules:
        symbol = self._by_market.get(fields.get("symbol", ""))
        if symbol is None:
            refuse(*render.REFUSALS[RejectKind.UNKNOWN_SYMBOL], now_ns)
        return symbol

    def _new_order(self, fields: _Fields, now_ns: int) -> NewOrder:
        symbol = self._symbol(fields, now_ns)
        kind, side, tif = fields.get("orderType"), fields.get("side"), fields.get("timeInForce", "GTC")
        if kind not in {"Limit", "Market"}:
            refuse(170116, "Invalid orderType.", now_ns)
        if side not in {"Buy", "Sell"}:
            refuse(170117, "Invalid side.", now_ns)
        if tif not in _TIF:
            refuse(170115, "Invalid timeInForce.", now_ns)
        link_id = fields.get("orderLinkId") or None
        if link_id is not None and (len(link_id) > _LINK_ID_MAX or set(link_id) - _LINK_ID_CHARACTERS):
            refuse(10001, "params error: orderLinkId Invalid", now_ns)
        if kind == "Market" and fields.get("marketUnit", "quoteCoin") != "baseCoin" and side == "Buy":
            refuse(170227, "This feature is not supported.", now_ns)
        return NewOrder(
            symbol=symbol.symbol,
            side=Side.BUY if side == "Buy" else Side.SELL,
            quantity=_number(fields, "qty", now_ns),
            limit_price=None if kind == "Market" else _number(fields, "price", now_ns),
            tif=TimeInForce.IOC if kind == "Market" else _TIF[tif],
            post_only=tif == "PostOnly",
            client_id=link_id,
        )

    # Websockets

    def ws_message(self, session: Session, text: str) -> None:
        """What has happened so far goes out before a snapshot shows it."""
        self.flush()
        self._streams.receive(session, text, self.now_ns())

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Books, trades, reports: at once."""
        self._streams.publish(self.sessions, events, now_ns)


def _fields(ask: Ask) -> _Fields:
    """Query or JSON body, as text."""
    if ask.method != "POST":
        return ask.query
    try:
        body = ask.json
    except ValueError:
        body = None
    if not isinstance(body, dict):
        refuse(10001, "Request parameter error.", ask.now_ns)
    return {str(name): str(value) for name, value in body.items() if value is not None}


def _category(fields: _Fields, now_ns: int) -> bool:
    if fields.get("category") != "spot":
        refuse(10001, "params error: Category Invalid", now_ns)
    return True


def _one_name(fields: _Fields) -> bool:
    return "orderId" in fields or "orderLinkId" in fields


def _window(fields: _Fields, now_ns: int) -> tuple[int, int]:
    """Bybit's seven days, in milliseconds; a list asked for by an order's name is not cut."""
    if _one_name(fields):
        return 0, 1 << 62
    week = 7 * 86_400_000
    start, end = _millis(fields, "startTime", now_ns), _millis(fields, "endTime", now_ns)
    if start is None and end is None:
        return render.millis(now_ns) - week, render.millis(now_ns)
    if start is None or end is None:
        return (start, start + week) if start is not None else ((end or 0) - week, end or 0)
    if not 0 <= end - start <= week:
        refuse(10001, "The time range between startTime and endTime cannot exceed 7 days.", now_ns)
    return start, end


def _millis(fields: _Fields, name: str, now_ns: int) -> int | None:
    text = fields.get(name)
    if text is not None and not text.isdecimal():
        refuse(10001, f"params error: {name} Invalid", now_ns)
    return None if text is None else int(text)


def _number(fields: _Fields, name: str, now_ns: int) -> Decimal:
    try:
        value = Decimal(fields[name])
    except (KeyError, InvalidOperation):
        refuse(170130, f"Data sent for parameter '{name}' is not valid.", now_ns)
    if not value.is_finite():
        refuse(170130, f"Data sent for parameter '{name}' is not valid.", now_ns)
    return value


def _symbol(base: str, quote: str, *, tick: str, step: str, least: str, most: str) -> SymbolRules:
    return SymbolRules(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(least),
        min_notional=Decimal(5),
        max_quantity=Decimal(most),
    )
