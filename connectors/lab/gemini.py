"""Gemini, as unmodified ccxt clients see it: REST under /v1, websockets under /v1 and /v2.

What sets it apart: client ids are never checked, so a second copy of a request is a second order; requests are JSON in
a header, under a nonce that must grow; the answer to an order is the whole order; an order asked for by client id comes
as a list of all that have it. Not spoken: auctions, stop orders, contracts, sub-accounts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from aiohttp import web

from connectors.lab import gemini_render as render
from connectors.lab.core import (
    DuplicateRule,
    Exchange,
    MarketEvent,
    NewOrder,
    OrderRecord,
    Rejection,
    SymbolRules,
    TimeInForce,
    VenueRules,
)
from connectors.lab.faults import Call, FaultDesk, FaultKind, FaultRule
from connectors.lab.gemini_auth import Gatekeeper, Payload, refuse
from connectors.lab.gemini_streams import L2, MULTI, ORDERS, GeminiStreams
from connectors.lab.http import Answer, ApiKey, Ask, Route, ask_of, json_answer
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue, Refusal
from router.model.instruments import FeeIn
from router.model.side import Side

_LIST_LIMIT, _LIST_MAX = 50, 500
_OPTIONS = {"immediate-or-cancel": TimeInForce.IOC, "fill-or-kill": TimeInForce.FOK}


class GeminiVenue(LabVenue):
    """A Gemini on loopback."""

    protocol: ClassVar[str] = "gemini"
    id_fields: ClassVar[frozenset[str]] = frozenset({"order_id", "id", "tid", "client_order_id"})

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
        self._markets = {render.market_id(symbol): symbol for symbol in exchange.symbols.values()}
        self._streams = GeminiStreams(exchange)
        self._gate = Gatekeeper(self.keys)

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """The fee tier of an account that trades some millions a month; fees in quote currency."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(5),
            fee_in=FeeIn.QUOTE,
            duplicates=DuplicateRule.NEVER,
            read_lag_ns=read_lag_ns,
            ends_what_would_take=True,
            first_id=54_516_439_000,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """Bitcoin in dollars, and the dollar price of a stablecoin."""
        return (
            _symbol("BTC", "USD", tick="0.01", step="0.00000001", min_quantity="0.00001"),
            _symbol("USDT", "USD", tick="0.00001", step="0.000001", min_quantity="0.1"),
        )

    @classmethod
    def default_keys(cls) -> tuple[ApiKey, ...]:
        """A key of one account says so in its name; ccxt takes no other."""
        return tuple(replace(key, key=f"account-{key.key}") for key in super().default_keys())

    def routes(self) -> Sequence[Route]:
        """Public calls are GET, private ones POST."""
        return (
            _route("GET", "symbols", Call.MARKETS, self._symbols),
            _route("GET", "symbols/details/{symbol}", Call.MARKETS, self._details),
            _route("GET", "feepromos", Call.OTHER, self._feepromos),
            _route("GET", "book/{symbol}", Call.BOOK, self._book),
            _route("GET", "trades/{symbol}", Call.PRINTS, self._trades),
            _route("POST", "order/new", Call.PLACE, self._place),
            _route("POST", "order/status", Call.ORDER, self._order_status),
            _route("POST", "order/cancel", Call.CANCEL, self._cancel),
            _route("POST", "orders", Call.OPEN_ORDERS, self._orders),
            _route("POST", "mytrades", Call.TRADES, self._mytrades),
            _route("POST", "balances", Call.BALANCES, self._balances),
            _route("POST", "notionalvolume", Call.FEES, self._notionalvolume),
            _route("POST", "roles", Call.OTHER, self._roles),
            _route("POST", "transfers", Call.OTHER, self._transfers),
        )

    def sockets(self) -> Mapping[str, bool]:
        """Two kinds of market data, and orders."""
        return {MULTI: False, L2: False, ORDERS: True}

    def ws_refused(self, handshake: Ask) -> Answer | None:
        """Orders are told to a signed handshake only."""
        try:
            if handshake.path == ORDERS:
                self._gate.admit(handshake)
        except Refusal as refusal:
            return refusal.answer
        return None

    def ws_opened(self, session: Session) -> None:
        """What is wanted, and by whom, stands in the handshake."""
        self.flush()
        if session.path == MULTI:
            self._streams.open_market(session, self.now_ns())
        elif session.path == ORDERS:
            handshake = session.state["handshake"]
            assert isinstance(handshake, Ask)
            key = self.keys[handshake.headers["X-GEMINI-APIKEY"]]
            self._streams.open_orders(session, key.account, self.now_ns())

    def ws_message(self, session: Session, text: str) -> None:
        """A subscription."""
        self.flush()
        self._streams.receive(session, text)

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Books, trades, orders."""
        self._streams.publish(self.sessions, events, now_ns)

    def tick(self, now_ns: int) -> None:
        """Heartbeats."""
        self._streams.beat(self.sessions, now_ns)

    def not_found(self) -> Answer:
        """Gemini's 404."""
        return json_answer({"result": "error", "reason": "EndpointNotFound", "message": "EndpointNotFound"}, status=404)

    def too_many_requests(self) -> Answer:
        """Gemini's 429."""
        body = {"result": "error", "reason": "RateLimit", "message": "Requests were made too frequently."}
        return json_answer(body, status=429)

    # Public REST

    def _symbols(self, _: Ask) -> Answer:
        return json_answer(sorted(self._markets))

    def _details(self, ask: Ask) -> Answer:
        symbol = self._named_symbol(ask.path_args.get("symbol"))
        return json_answer(render.details(symbol, halted=self.exchange.is_halted(symbol.symbol)))

    def _feepromos(self, _: Ask) -> Answer:
        return json_answer({"symbols": []})

    def _trades(self, ask: Ask) -> Answer:
        newest = self.exchange.prints(self._named_symbol(ask.path_args.get("symbol")).symbol)[::-1]
        return json_answer([render.recent_trade(each) for each in newest[: int(ask.query.get("limit_trades", "50"))]])

    def _book(self, ask: Ask) -> Answer:
        bids, asks = self.exchange.book(self._named_symbol(ask.path_args.get("symbol")).symbol, None)
        most = {side: int(ask.query.get(f"limit_{side}", "50")) or None for side in ("bids", "asks")}
        return json_answer(
            {
                "bids": render.book_side(bids[: most["bids"]], ask.now_ns),
                "asks": render.book_side(asks[: most["asks"]], ask.now_ns),
            }
        )

    # Private REST

    def _place(self, ask: Ask) -> Answer:
        key, payload = self._gate.admit(ask)
        symbol = self._named_symbol(payload.get("symbol"))
        if payload.get("type") != "exchange limit":
            refuse("InvalidOrderType", f"Invalid order type for symbol {symbol.symbol}: '{payload.get('type')}'")
        side = str(payload.get("side")).upper()
        if side not in Side.__members__:
            refuse("InvalidSide", "Invalid side")
        options = payload.get("options", [])
        if not isinstance(options, list):
            refuse("OptionsMustBeArray", "The options parameter must be an array.")
        client_id = payload.get("client_order_id")
        order = NewOrder(
            symbol=symbol.symbol,
            side=Side(side),
            quantity=_number(payload, "amount", "InvalidQuantity"),
            limit_price=_number(payload, "price", "InvalidPrice"),
            tif=next((_OPTIONS[each] for each in options if each in _OPTIONS), TimeInForce.GTC),
            post_only="maker-or-cancel" in options,
            client_id=None if client_id is None else str(client_id),
        )
        record = self.exchange.place(key.account, order, ask.now_ns)
        if isinstance(record, Rejection):
            refuse(*render.refusal_of(record))
        return json_answer(render.order(record, symbol))

    def _order_status(self, ask: Ask) -> Answer:
        key, payload = self._gate.admit(ask)
        by_id = "order_id" in payload and payload["order_id"] is not None
        found = self.exchange.find(
            key.account,
            order_id=_integer(payload, "order_id") if by_id else None,
            client_id=None if by_id else str(payload.get("client_order_id")),
            now_ns=ask.now_ns,
        )
        if not found:
            refuse("OrderNotFound", "Order not found", status=404)
        with_trades = payload.get("include_trades") is True
        shown = [self._order(record, ask.now_ns, with_trades=with_trades) for record in found]
        return json_answer(shown[0] if by_id else shown)

    def _cancel(self, ask: Ask) -> Answer:
        key, payload = self._gate.admit(ask)
        record = self.exchange.cancel(key.account, _integer(payload, "order_id"), ask.now_ns)
        if isinstance(record, Rejection):
            refuse("OrderNotFound", "Order not found", status=404)
        return json_answer({**self._order(record, ask.now_ns, with_trades=False), "reason": "Requested"})

    def _orders(self, ask: Ask) -> Answer:
        key, _ = self._gate.admit(ask)
        records = self.exchange.orders(key.account, open_only=True, now_ns=ask.now_ns)
        return json_answer([self._order(record, ask.now_ns, with_trades=False) for record in records])

    def _mytrades(self, ask: Ask) -> Answer:
        """From a time on the oldest first, as far as a page goes; without one the newest. Newest on top either way."""
        key, payload = self._gate.admit(ask)
        symbol = self._named_symbol(payload.get("symbol"))
        since_ns = _integer(payload, "timestamp") * 1_000_000 if "timestamp" in payload else None
        trades = self.exchange.trades(key.account, symbol=symbol.symbol, since_ns=since_ns or 0, now_ns=ask.now_ns)
        limit = min(_integer(payload, "limit_trades") if "limit_trades" in payload else _LIST_LIMIT, _LIST_MAX)
        page = trades[-limit:] if since_ns is None else trades[:limit]
        return json_answer([render.trade(trade) for trade in reversed(page)])

    def _balances(self, ask: Ask) -> Answer:
        key, _ = self._gate.admit(ask)
        held = self.exchange.balances(key.account)
        return json_answer([render.balance(asset, balance) for asset, balance in held.items()])

    def _notionalvolume(self, ask: Ask) -> Answer:
        self._gate.admit(ask)
        rules = self.exchange.rules
        return json_answer(
            {
                "api_maker_fee_bps": int(rules.maker_fee_bps),
                "api_taker_fee_bps": int(rules.taker_fee_bps),
                "api_auction_fee_bps": 20,
                "notional_30d_volume": 0,
                "last_updated_ms": render.millis(ask.now_ns),
            }
        )

    def _transfers(self, ask: Ask) -> Answer:
        key, fields = self._gate.admit(ask)
        since_ns = int(str(fields.get("timestamp", 0))) * 1_000_000_000
        moved = self.exchange.movements(key.account, since_ns)[::-1]
        return json_answer([render.transfer(each) for each in moved[:50]])

    def _roles(self, ask: Ask) -> Answer:
        self._gate.admit(ask)
        grants = self.exchange.grants
        roles = {"isAuditor": False, "isFundManager": grants.withdraw, "isTrader": grants.trade}
        return json_answer({"counterparty_id": "EMONNYXH", **roles})

    # Parts

    def _order(self, record: OrderRecord, now_ns: int, *, with_trades: bool) -> dict[str, object]:
        trades = self.exchange.trades(record.account, order_id=record.order_id, now_ns=now_ns) if with_trades else None
        return render.order(record, self.exchange.symbols[record.symbol], trades)

    def _named_symbol(self, name: object) -> SymbolRules:
        symbol = self._markets.get(str(name).lower())
        if symbol is None:
            refuse("InvalidSymbol", f"Received bad symbol '{name}' but expected a supported symbol")
        return symbol

    async def _faulty(self, rule: FaultRule, route: Route, request: web.Request, body: bytes) -> web.StreamResponse:
        """A request held up on its way to the engine has passed the gate in time: its nonce is not stale."""
        if rule.fault is FaultKind.DELAY_REQUEST and request.method == "POST":
            self._gate.admit_early(ask_of(request, body, self.now_ns()))
        return await super()._faulty(rule, route, request, body)


def _route(method: str, path: str, call: Call, handler: Callable[[Ask], Answer]) -> Route:
    return Route(method=method, path=f"/v1/{path}", call=call, handler=handler)


def _symbol(base: str, quote: str, *, tick: str, step: str, min_quantity: str) -> SymbolRules:
    return SymbolRules(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal(0),
    )


def _number(payload: Payload, name: str, reason: str) -> Decimal:
    try:
        value = Decimal(str(payload.get(name)))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        refuse(reason, f"Invalid {name}")
    return value


def _integer(payload: Payload, name: str) -> int:
    text = str(payload.get(name, ""))
    if not text.isdecimal():
        refuse("MissingOrderField" if name == "order_id" else "InvalidTimestampInPayload", f"{name} is not a number")
    return int(text)
