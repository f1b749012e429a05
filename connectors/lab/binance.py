"""The Binance spot protocol: REST under `/api/v3` and `/sapi/v1`, market streams, and the ws-api's user data stream.

Its own habits: a client id is unique among open orders only; a buy's fee is taken in the asset received; a request
that arrives at the engine after its `recvWindow` is refused with -1021. Not spoken: stop orders, order lists, market
orders by quote amount, listen keys.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import ClassVar, TypeVar

from connectors.lab import binance_render as render
from connectors.lab.binance_auth import authenticated, authenticated_socket, refuse
from connectors.lab.binance_depth import DepthFeed
from connectors.lab.core import (
    BalanceChanged,
    BalanceRecord,
    BookChanged,
    DuplicateRule,
    Exchange,
    MarketEvent,
    MovementRecord,
    NewOrder,
    OrderChanged,
    OrderRecord,
    Printed,
    Rejection,
    SymbolRules,
    TimeInForce,
    VenueRules,
)
from connectors.lab.faults import Call, FaultDesk, FrameKind
from connectors.lab.http import Answer, ApiKey, Ask, Route, json_answer
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue, Refusal
from router.model.instruments import FeeIn
from router.model.money import fraction_of_bps, plain
from router.model.side import Side

T = TypeVar("T")

_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_LIST_LIMIT, _LIST_MAX = 500, 1000
_TRADES_MAX = 500
_DEPTH_LIMIT, _DEPTH_MAX = 100, 5000


class BinanceVenue(LabVenue):
    """A venue that speaks Binance."""

    protocol = "binance"
    id_fields: ClassVar[frozenset[str]] = frozenset({"orderId", "clientOrderId", "origClientOrderId"})

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
        self._by_market_id = {render.market_id(symbol): symbol for symbol in exchange.symbols.values()}
        self._depth = {symbol.symbol: DepthFeed(render.market_id(symbol)) for symbol in exchange.symbols.values()}
        self._generated_ids = 0

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """Standard tier: 10 bps, in the asset received."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(10),
            fee_in=FeeIn.RECEIVED,
            duplicates=DuplicateRule.OPEN_ONLY,
            read_lag_ns=read_lag_ns,
            first_id=38_000_000_000,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """BTC in two stablecoins, and the stablecoins against each other, with the venue's filters."""
        btc = {
            "base": "BTC",
            "tick": Decimal("0.01"),
            "step": Decimal("0.00001"),
            "min_quantity": Decimal("0.00001"),
            "max_quantity": Decimal(9_000),
            "min_notional": Decimal(5),
        }
        return (
            SymbolRules(symbol="BTC/USDT", quote="USDT", **btc),  # type: ignore[arg-type]
            SymbolRules(symbol="BTC/USDC", quote="USDC", **btc),  # type: ignore[arg-type]
            SymbolRules(
                symbol="USDC/USDT",
                base="USDC",
                quote="USDT",
                tick=Decimal("0.00001"),
                step=Decimal(1),
                min_quantity=Decimal(1),
                max_quantity=Decimal(48_000_000),
                min_notional=Decimal(5),
                taker_fee_bps=Decimal(0),
                maker_fee_bps=Decimal(0),
            ),
        )

    def routes(self) -> Sequence[Route]:
        """What clients call, and what each call is called in common words."""
        v3, sapi = "/api/v3", "/sapi/v1"
        return (
            Route(method="GET", path=f"{v3}/ping", call=Call.OTHER, handler=self._ping),
            Route(method="GET", path=f"{v3}/time", call=Call.OTHER, handler=self._time),
            Route(method="GET", path=f"{v3}/exchangeInfo", call=Call.MARKETS, handler=self._exchange_info),
            Route(method="GET", path=f"{v3}/depth", call=Call.BOOK, handler=self._depth_snapshot),
            Route(method="GET", path=f"{v3}/trades", call=Call.PRINTS, handler=self._recent_trades),
            Route(method="POST", path=f"{v3}/order", call=Call.PLACE, handler=self._place),
            Route(method="GET", path=f"{v3}/order", call=Call.ORDER, handler=self._order),
            Route(method="DELETE", path=f"{v3}/order", call=Call.CANCEL, handler=self._cancel),
            Route(method="GET", path=f"{v3}/openOrders", call=Call.OPEN_ORDERS, handler=self._open_orders),
            Route(method="GET", path=f"{v3}/allOrders", call=Call.ORDERS, handler=self._all_orders),
            Route(method="GET", path=f"{v3}/myTrades", call=Call.TRADES, handler=self._my_trades),
            Route(method="GET", path=f"{v3}/account", call=Call.BALANCES, handler=self._account),
            Route(method="GET", path=f"{v3}/account/commission", call=Call.FEES, handler=self._commission),
            Route(method="GET", path=f"{sapi}/asset/tradeFee", call=Call.FEES, handler=self._trade_fee),
            Route(method="GET", path=f"{sapi}/account/apiRestrictions", call=Call.OTHER, handler=self._restrictions),
            Route(method="GET", path=f"{sapi}/capital/deposit/hisrec", call=Call.OTHER, handler=self._deposits),
            Route(method="GET", path=f"{sapi}/capital/withdraw/history", call=Call.OTHER, handler=self._withdrawals),
            Route(method="GET", path=f"{sapi}/system/status", call=Call.OTHER, handler=self._status),
        )

    def sockets(self) -> Mapping[str, bool]:
        """Market streams, and the ws-api for the account."""
        return {"/stream/ws": False, "/stream/ws/{stream}": False, "/ws-api/v3": True}

    def too_many_requests(self) -> Answer:
        """-1003, as Binance says it."""
        return json_answer({"code": -1003, "msg": "Too many requests."}, status=429)

    # Public REST

    def _ping(self, _: Ask) -> Answer:
        return json_answer({})

    def _time(self, ask: Ask) -> Answer:
        return json_answer({"serverTime": render.millis(ask.now_ns)})

    def _status(self, _: Ask) -> Answer:
        return json_answer({"status": 0, "msg": "normal"})

    def _exchange_info(self, ask: Ask) -> Answer:
        return json_answer(
            {
                "timezone": "UTC",
                "serverTime": render.millis(ask.now_ns),
                "rateLimits": [
                    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
                    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
                ],
                "exchangeFilters": [],
                "symbols": [
                    render.listing(symbol, halted=self.exchange.is_halted(symbol.symbol))
                    for symbol in self.exchange.symbols.values()
                ],
            }
        )

    def _recent_trades(self, ask: Ask) -> Answer:
        symbol = self._symbol(ask.params)
        return json_answer([render.recent_trade(one) for one in self.exchange.prints(symbol.symbol)[-_TRADES_MAX:]])

    def _depth_snapshot(self, ask: Ask) -> Answer:
        self.flush()
        symbol = self._symbol(ask.params)
        bids, asks = self.exchange.book(symbol.symbol, _bounded(ask.params, _DEPTH_LIMIT, _DEPTH_MAX))
        return json_answer(
            {
                "lastUpdateId": self._depth[symbol.symbol].last_id,
                "bids": [[render.fixed(price), render.fixed(size)] for price, size in bids],
                "asks": [[render.fixed(price), render.fixed(size)] for price, size in asks],
            }
        )

    # Private REST

    def _place(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        order = self._new_order(ask.params)
        record = self.exchange.place(key.account, order, ask.now_ns)
        if isinstance(record, Rejection):
            refuse(*render.refusal_of(record))
        trades = self.exchange.trades(key.account, order_id=record.order_id)
        default_type = "ACK" if record.post_only else "FULL"
        response_type = ask.params.get("newOrderRespType", default_type)
        return json_answer(render.placed(record, self._rules(record), trades, response_type))

    def _order(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        found = self._named(key.account, ask.params, ask.now_ns)
        if not found:
            refuse(-2013, "Order does not exist.")
        return json_answer(render.order(found[-1], self._rules(found[-1])))

    def _cancel(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        standing = [record for record in self._named(key.account, ask.params, None) if not record.status.ended]
        if not standing:
            refuse(-2011, "Unknown order sent.")
        record = self.exchange.cancel(key.account, standing[-1].order_id, ask.now_ns)
        if isinstance(record, Rejection):
            refuse(*render.refusal_of(record))
        cancel_id = ask.params.get("newClientOrderId") or self._generated_id()
        return json_answer(render.cancelled(record, self._rules(record), cancel_id))

    def _open_orders(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        symbol = self._symbol(ask.params).symbol if "symbol" in ask.params else None
        records = self.exchange.orders(key.account, open_only=True, symbol=symbol, now_ns=ask.now_ns)
        return json_answer([render.order(record, self._rules(record)) for record in records])

    def _all_orders(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        symbol = self._symbol(ask.params)
        records = self.exchange.orders(key.account, symbol=symbol.symbol, now_ns=ask.now_ns)
        rows = [(record.order_id, render.millis(record.placed_ns), record) for record in records]
        return json_answer([render.order(row, symbol) for row in _page(rows, ask.params, "orderId")])

    def _my_trades(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        symbol = self._symbol(ask.params)
        order_id = _integer(ask.params, "orderId") or None
        trades = self.exchange.trades(key.account, symbol=symbol.symbol, order_id=order_id, now_ns=ask.now_ns)
        rows = [(trade.trade_id, render.millis(trade.at_ns), trade) for trade in trades]
        return json_answer([render.trade(row, symbol) for row in _page(rows, ask.params, "fromId")])

    def _account(self, ask: Ask) -> Answer:
        key = authenticated(ask, self.keys)
        return json_answer(render.account(self.exchange, key.account, ask.now_ns))

    def _trade_fee(self, ask: Ask) -> Answer:
        authenticated(ask, self.keys)
        symbols = [self._symbol(ask.params)] if "symbol" in ask.params else self.exchange.symbols.values()
        return json_answer(
            [
                {
                    "symbol": render.market_id(symbol),
                    "makerCommission": plain(fraction_of_bps(self.exchange.fee_bps(symbol, maker=True))),
                    "takerCommission": plain(fraction_of_bps(self.exchange.fee_bps(symbol, maker=False))),
                }
                for symbol in symbols
            ]
        )

    def _commission(self, ask: Ask) -> Answer:
        authenticated(ask, self.keys)
        return json_answer(render.commission(self.exchange, self._symbol(ask.params)))

    def _moved(self, ask: Ask) -> Sequence[MovementRecord]:
        account = authenticated(ask, self.keys).account
        return self.exchange.movements(account, int(ask.params.get("startTime", "0")) * 1_000_000)

    def _deposits(self, ask: Ask) -> Answer:
        return json_answer([render.deposit(moved) for moved in self._moved(ask) if moved.amount > 0])

    def _withdrawals(self, ask: Ask) -> Answer:
        return json_answer([render.withdrawal(moved) for moved in self._moved(ask) if moved.amount < 0])

    def _restrictions(self, ask: Ask) -> Answer:
        authenticated(ask, self.keys)
        return json_answer(
            {
                "ipRestrict": self.exchange.grants.ip_restricted,
                "createTime": render.millis(ask.now_ns),
                "enableReading": True,
                "enableSpotAndMarginTrading": self.exchange.grants.trade,
                "enableWithdrawals": self.exchange.grants.withdraw,
                "enableInternalTransfer": False,
                "enableMargin": False,
                "enableFutures": False,
                "permitsUniversalTransfer": False,
                "enableVanillaOptions": False,
            }
        )

    # Parsing

    def _symbol(self, params: Mapping[str, str]) -> SymbolRules:
        symbol = self._by_market_id.get(params.get("symbol", ""))
        if symbol is None:
            refuse(-1121, "Invalid symbol.")
        return symbol

    def _rules(self, record: OrderRecord) -> SymbolRules:
        return self.exchange.symbols[record.symbol]

    def _named(self, account: str, params: Mapping[str, str], now_ns: int | None) -> tuple[OrderRecord, ...]:
        order_id, client_id = params.get("orderId"), params.get("origClientOrderId")
        if order_id is None and client_id is None:
            refuse(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        return self.exchange.find(
            account,
            order_id=None if order_id is None else _integer(params, "orderId"),
            client_id=client_id,
            symbol=self._symbol(params).symbol,
            now_ns=now_ns,
        )

    def _new_order(self, params: Mapping[str, str]) -> NewOrder:
        symbol = self._symbol(params)
        kind, side, tif = params.get("type"), params.get("side"), params.get("timeInForce", "GTC")
        if kind not in {"LIMIT", "LIMIT_MAKER", "MARKET"}:
            refuse(-1116, "Invalid orderType.")
        if side not in {"BUY", "SELL"}:
            refuse(-1117, "Invalid side.")
        if tif not in TimeInForce.__members__:
            refuse(-1115, "Invalid timeInForce.")
        if kind == "LIMIT" and "timeInForce" not in params:
            refuse(-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.")
        client_id = params.get("newClientOrderId") or self._generated_id()
        if not _CLIENT_ID.fullmatch(client_id):
            refuse(
                -1100,
                "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
            )
        return NewOrder(
            symbol=symbol.symbol,
            side=Side(side),
            quantity=_number(params, "quantity"),
            limit_price=None if kind == "MARKET" else _number(params, "price"),
            tif=TimeInForce(tif),
            post_only=kind == "LIMIT_MAKER",
            client_id=client_id,
        )

    def _generated_id(self) -> str:
        self._generated_ids += 1
        return f"lab{self._generated_ids:019d}"

    # Websockets

    def ws_message(self, session: Session, text: str) -> None:
        """SUBSCRIBE and UNSUBSCRIBE on market streams; signed subscriptions on the ws-api."""
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            _reply(session, {"error": {"code": 2, "msg": "Invalid request: malformed JSON"}, "id": None})
        elif session.private:
            self._api_message(session, message)
        else:
            _stream_message(session, message)

    def _api_message(self, session: Session, message: Mapping[str, object]) -> None:
        method, params, identity = message.get("method"), message.get("params"), message.get("id")
        if method == "ping":
            _reply(session, {"id": identity, "status": 200, "result": {}})
        elif method == "time":
            _reply(session, {"id": identity, "status": 200, "result": {"serverTime": render.millis(self.now_ns())}})
        elif method == "userDataStream.subscribe.signature" and isinstance(params, dict):
            self._subscribe_account(session, params, identity)
        else:
            _reply(session, {"id": identity, "status": 400, "error": {"code": -1020, "msg": "Unsupported operation."}})

    def _subscribe_account(self, session: Session, params: Mapping[str, object], identity: object) -> None:
        try:
            key = authenticated_socket(params, self.keys, self.now_ns())
        except Refusal as refusal:
            answer = refusal.answer
            _reply(session, {"id": identity, "status": answer.status, "error": json.loads(answer.text)})
            return
        session.account = key.account
        _reply(session, {"id": identity, "status": 200, "result": {"subscriptionId": 0}})

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Trades and reports leave at once; book changes wait for the next 100 ms frame."""
        balances: dict[str, dict[str, BalanceRecord]] = {}
        for event in events:
            match event:
                case BookChanged():
                    self._depth[event.symbol].note(event)
                case Printed():
                    self._publish_trade(event, now_ns)
                case OrderChanged():
                    symbol = self._rules(event.record)
                    report = render.execution_report(event.record, event.execution, symbol, now_ns)
                    self._report(event.account, report)
                case BalanceChanged():
                    balances.setdefault(event.account, {})[event.asset] = event.balance
        for account, changed in balances.items():
            self._report(account, render.position(changed, now_ns))

    def tick(self, now_ns: int) -> None:
        """One depth frame per book that changed."""
        self.flush()
        for symbol, feed in self._depth.items():
            frame = feed.frame(now_ns)
            if frame is not None:
                stream = f"{render.market_id(self.exchange.symbols[symbol]).lower()}@depth"
                self._broadcast({stream, f"{stream}@100ms"}, frame, FrameKind.DELTA)

    def _publish_trade(self, event: Printed, now_ns: int) -> None:
        symbol = self.exchange.symbols[event.symbol]
        stream = f"{render.market_id(symbol).lower()}@trade"
        self._broadcast({stream}, render.public_trade(event, symbol, now_ns), FrameKind.PRINT)

    def _broadcast(self, streams: set[str], frame: Mapping[str, object], kind: FrameKind) -> None:
        text = _dump(frame)
        for session in self.sessions:
            if session.subscriptions & streams:
                session.send(text, kind)

    def _report(self, account: str, event: Mapping[str, object]) -> None:
        text = _dump({"subscriptionId": 0, "event": event})
        for session in self.sessions:
            if session.account == account:
                session.send(text, FrameKind.REPORT)


def _stream_message(session: Session, message: Mapping[str, object]) -> None:
    method, params, identity = message.get("method"), message.get("params"), message.get("id")
    streams = {str(name) for name in params} if isinstance(params, list) else set()
    if method == "SUBSCRIBE":
        session.subscriptions |= streams
        _reply(session, {"result": None, "id": identity})
    elif method == "UNSUBSCRIBE":
        session.subscriptions -= streams
        _reply(session, {"result": None, "id": identity})
    elif method == "LIST_SUBSCRIPTIONS":
        _reply(session, {"result": sorted(session.subscriptions), "id": identity})
    else:
        _reply(session, {"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": identity})


def _page(rows: Sequence[tuple[int, int, T]], params: Mapping[str, str], from_field: str) -> list[T]:
    """Binance's paging: from an id or a start time the oldest rows first, else the newest ones."""
    limit = _bounded(params, _LIST_LIMIT, _LIST_MAX)
    from_id, start = _integer(params, from_field), _integer(params, "startTime")
    end = _integer(params, "endTime") or None
    kept = [row for row in rows if row[0] >= from_id and row[1] >= start and (end is None or row[1] <= end)]
    page = kept[:limit] if from_id or start else kept[-limit:]
    return [row[2] for row in page]


def _bounded(params: Mapping[str, str], default: int, most: int) -> int:
    return min(_integer(params, "limit") or default, most)


def _integer(params: Mapping[str, str], field: str) -> int:
    """A whole number, 0 when it was not sent."""
    text = params.get(field, "0")
    if not text.isdecimal():
        refuse(-1100, f"Illegal characters found in parameter '{field}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def _number(params: Mapping[str, str], field: str) -> Decimal:
    try:
        value = Decimal(params[field])
    except (KeyError, InvalidOperation):
        refuse(-1102, f"Mandatory parameter '{field}' was not sent, was empty/null, or malformed.")
    if not value.is_finite():
        refuse(-1100, f"Illegal characters found in parameter '{field}'.")
    return value


def _reply(session: Session, message: Mapping[str, object]) -> None:
    session.send(_dump(message), FrameKind.REPLY)


def _dump(message: Mapping[str, object]) -> str:
    return json.dumps(message, separators=(",", ":"))
