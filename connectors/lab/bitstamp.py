"""Bitstamp, as unmodified ccxt clients see it: REST under /api/v2, one websocket for everything at /ws.

What sets it apart: a client id is good for one order, ever; an order rests unless `ioc_order` or `fok_order` is true
(other names for it are not read); the answer to an order tells nothing of its fills; `order_status` has neither price
nor original amount, but all transactions; `user_transactions` cannot be asked for an order. Not spoken: instant,
market, stop and daily orders, sub-accounts.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from connectors.lab import bitstamp_render as render
from connectors.lab.bitstamp_auth import Gatekeeper, refuse
from connectors.lab.bitstamp_streams import BitstampStreams, symbols_by_id
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
from connectors.lab.faults import Call, FaultDesk
from connectors.lab.http import Answer, ApiKey, Ask, Route, json_answer
from connectors.lab.sessions import Session
from connectors.lab.venue import LabVenue
from router.model.instruments import FeeIn
from router.model.side import Side

_TOKEN_S = 60
_FIRST_USER = 4_848_701
_LIST_LIMIT, _LIST_MAX = 100, 1000
_SINCE_DAYS = 30
_NS_PER_S = 1_000_000_000
_NOT_FOUND = "404.002"


class BitstampVenue(LabVenue):
    """A Bitstamp on loopback."""

    protocol: ClassVar[str] = "bitstamp"
    id_fields: ClassVar[frozenset[str]] = frozenset({"id", "order_id", "tid", "client_order_id"})

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
        self._markets = symbols_by_id(exchange)
        self._user_ids = {account: _FIRST_USER + n for n, account in enumerate(sorted({key.account for key in keys}))}
        self._streams = BitstampStreams(exchange, self._user_ids)
        self._gate = Gatekeeper(self.keys)
        self._tokens: dict[str, tuple[str, int]] = {}

    @classmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """The fee tier of an account that trades twenty millions a month; fees in quote currency."""
        return VenueRules(
            name=name,
            taker_fee_bps=Decimal(10),
            maker_fee_bps=Decimal(2),
            fee_in=FeeIn.QUOTE,
            duplicates=DuplicateRule.ALWAYS,
            read_lag_ns=read_lag_ns,
            fee_digits=5,
            ends_what_would_take=True,
            first_id=1_453_282_316_578_816,
        )

    @classmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """Bitcoin in dollars and in a stablecoin, and the stablecoin's dollar price."""
        return (
            _symbol("BTC", "USD", tick="0.01", step="0.00000001"),
            _symbol("BTC", "USDT", tick="0.01", step="0.00000001"),
            _symbol("USDT", "USD", tick="0.00001", step="0.00001"),
        )

    def routes(self) -> Sequence[Route]:
        """Public calls are GET, private ones POST; every path ends in a slash."""
        return (
            _route("GET", "markets", Call.MARKETS, self._list_markets),
            _route("GET", "order_book/{pair}", Call.BOOK, self._order_book),
            _route("GET", "transactions/{pair}", Call.PRINTS, self._transactions),
            _route("GET", "eur_usd", Call.OTHER, self._eur_usd),
            _route("POST", "buy/{pair}", Call.PLACE, self._buy),
            _route("POST", "sell/{pair}", Call.PLACE, self._sell),
            _route("POST", "order_status", Call.ORDER, self._order_status),
            _route("POST", "cancel_order", Call.CANCEL, self._cancel_order),
            _route("POST", "open_orders/all", Call.OPEN_ORDERS, self._open_orders),
            _route("POST", "open_orders/{pair}", Call.OPEN_ORDERS, self._open_orders),
            _route("POST", "user_transactions/{pair}", Call.TRADES, self._user_transactions),
            _route("POST", "user_transactions", Call.TRADES, self._all_transactions),
            _route("POST", "account_balances", Call.BALANCES, self._account_balances),
            _route("POST", "fees/trading", Call.FEES, self._fees_trading),
            _route("POST", "websockets_token", Call.STREAM_KEY, self._websockets_token),
        )

    def sockets(self) -> Mapping[str, bool]:
        """One for public and private channels."""
        return {"/ws": False}

    def ws_message(self, session: Session, text: str) -> None:
        """A subscription."""
        self._streams.receive(session, text, self._user_of)

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:  # noqa: ARG002 - frames bear the events' times
        """Books, trades, orders."""
        self._streams.publish(self.sessions, events)

    def tick(self, now_ns: int) -> None:
        """The diffs gathered since the last."""
        self.flush()
        self._streams.beat(self.sessions, now_ns)

    def not_found(self) -> Answer:
        """Bitstamp's 404."""
        return json_answer({"status": "error", "reason": "Not found", "response_code": "404"}, status=404)

    def too_many_requests(self) -> Answer:
        """Bitstamp's 429."""
        reason = {"__all__": ["Request rate limit exceeded."]}
        return json_answer({"status": "error", "reason": reason, "response_code": "429"}, status=429)

    # Public REST

    def _list_markets(self, _: Ask) -> Answer:
        return json_answer(
            [
                render.listing(symbol, halted=self.exchange.is_halted(symbol.symbol))
                for symbol in self.exchange.symbols.values()
            ]
        )

    def _eur_usd(self, _: Ask) -> Answer:
        return json_answer({"sell": "1.0871", "buy": "1.0885"})

    def _transactions(self, ask: Ask) -> Answer:
        newest = self.exchange.prints(self._pair(ask).symbol)[::-1]
        return json_answer([render.recent_trade(each) for each in newest])

    def _order_book(self, ask: Ask) -> Answer:
        self.flush()
        bids, asks = self.exchange.book(self._pair(ask).symbol, None)
        return json_answer(
            {
                "timestamp": render.seconds(ask.now_ns),
                "microtimestamp": render.micros(ask.now_ns),
                "bids": render.levels(bids),
                "asks": render.levels(asks),
            }
        )

    # Private REST

    def _buy(self, ask: Ask) -> Answer:
        return self._place(ask, Side.BUY)

    def _sell(self, ask: Ask) -> Answer:
        return self._place(ask, Side.SELL)

    def _place(self, ask: Ask, side: Side) -> Answer:
        key, symbol, fields = self._gate.admit(ask), self._pair(ask), ask.params
        order = NewOrder(
            symbol=symbol.symbol,
            side=side,
            quantity=_number(fields, "amount"),
            limit_price=_number(fields, "price"),
            tif=_time_in_force(fields),
            post_only=fields.get("moc_order") == "true",
            client_id=fields.get("client_order_id") or None,
        )
        record = self.exchange.place(key.account, order, ask.now_ns)
        if isinstance(record, Rejection):
            refuse(render.refusal_of(record, symbol), code="400.000")
        return json_answer(render.placed(record, symbol))

    def _order_status(self, ask: Ask) -> Answer:
        key = self._gate.admit(ask)
        record = self._named(key.account, ask.params, ask.now_ns)
        trades = self.exchange.trades(key.account, order_id=record.order_id, now_ns=ask.now_ns)
        shown = () if ask.params.get("omit_transactions") == "true" else trades
        return json_answer(render.status(record, self.exchange.symbols[record.symbol], shown))

    def _cancel_order(self, ask: Ask) -> Answer:
        key = self._gate.admit(ask)
        record = self._named(key.account, ask.params, None)
        after = self.exchange.cancel(key.account, record.order_id, ask.now_ns)
        if isinstance(after, Rejection):
            refuse("Order not found.", code=_NOT_FOUND, status=404)
        return json_answer(render.cancelled(after, self.exchange.symbols[after.symbol]))

    def _open_orders(self, ask: Ask) -> Answer:
        key = self._gate.admit(ask)
        symbol = self._pair(ask).symbol if "pair" in ask.path_args else None
        records = self.exchange.orders(key.account, open_only=True, symbol=symbol, now_ns=ask.now_ns)
        return json_answer([render.open_order(record, self.exchange.symbols[record.symbol]) for record in records])

    def _user_transactions(self, ask: Ask) -> Answer:
        key, symbol, fields = self._gate.admit(ask), self._pair(ask), ask.params
        since_ns = int(_number(fields, "since_timestamp", "0")) * _NS_PER_S
        if "since_timestamp" in fields and since_ns < ask.now_ns - _SINCE_DAYS * 86_400 * _NS_PER_S:
            refuse({"since_timestamp": ["Ensure this value is within the last 30 days."]}, code="400.000")
        trades = list(self.exchange.trades(key.account, symbol=symbol.symbol, since_ns=since_ns, now_ns=ask.now_ns))
        if fields.get("sort", "desc") == "desc":
            trades.reverse()
        offset = int(_number(fields, "offset", "0"))
        limit = min(int(_number(fields, "limit", str(_LIST_LIMIT))), _LIST_MAX)
        return json_answer([render.user_transaction(trade, symbol) for trade in trades[offset : offset + limit]])

    def _all_transactions(self, ask: Ask) -> Answer:
        """Without trades: only what was moved."""
        key, fields = self._gate.admit(ask), ask.params
        since_ns = int(_number(fields, "since_timestamp", "0")) * _NS_PER_S
        offset = int(_number(fields, "offset", "0"))
        moved = self.exchange.movements(key.account, since_ns)
        return json_answer([render.moved(each) for each in moved[offset : offset + _LIST_MAX]])

    def _account_balances(self, ask: Ask) -> Answer:
        key = self._gate.admit(ask)
        held = self.exchange.balances(key.account)
        return json_answer([render.balance(asset, balance) for asset, balance in held.items()])

    def _fees_trading(self, ask: Ask) -> Answer:
        self._gate.admit(ask)
        return json_answer(
            [
                render.fees(
                    symbol,
                    maker_bps=self.exchange.fee_bps(symbol, maker=True),
                    taker_bps=self.exchange.fee_bps(symbol, maker=False),
                )
                for symbol in self.exchange.symbols.values()
            ]
        )

    def _websockets_token(self, ask: Ask) -> Answer:
        key = self._gate.admit(ask)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (key.account, ask.now_ns + _TOKEN_S * _NS_PER_S)
        return json_answer({"token": token, "valid_sec": _TOKEN_S, "user_id": self._user_ids[key.account]})

    # Parsing

    def _pair(self, ask: Ask) -> SymbolRules:
        symbol = self._markets.get(ask.path_args.get("pair", ""))
        if symbol is None:
            refuse("Not found", code="404", status=404)
        return symbol

    def _named(self, account: str, fields: Mapping[str, str], now_ns: int | None) -> OrderRecord:
        order_id, client_id = fields.get("id", ""), fields.get("client_order_id")
        if order_id and not order_id.isdecimal():
            refuse({"id": ["Enter a whole number."]}, code="400.000")
        found = self.exchange.find(
            account,
            order_id=int(order_id) if order_id else None,
            client_id=client_id,
            now_ns=now_ns,
        )
        if not found:
            refuse("Order not found.", code=_NOT_FOUND, status=404)
        return found[-1]

    def _user_of(self, token: object) -> tuple[str, int] | None:
        account, until_ns = self._tokens.get(str(token), ("", 0))
        return (account, self._user_ids[account]) if self.now_ns() < until_ns else None


def _route(method: str, path: str, call: Call, handler: Callable[[Ask], Answer]) -> Route:
    return Route(method=method, path=f"/api/v2/{path}/", call=call, handler=handler)


def _symbol(base: str, quote: str, *, tick: str, step: str) -> SymbolRules:
    return SymbolRules(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(10),
    )


def _time_in_force(fields: Mapping[str, str]) -> TimeInForce:
    """What is not named `true` under the venue's own names rests on the book, `timeInForce=IOC` included."""
    if fields.get("ioc_order") == "true":
        return TimeInForce.IOC
    return TimeInForce.FOK if fields.get("fok_order") == "true" else TimeInForce.GTC


def _number(fields: Mapping[str, str], name: str, default: str | None = None) -> Decimal:
    text = fields.get(name, default)
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        refuse({name: ["Enter a number."]}, code="400.000")
    return value
