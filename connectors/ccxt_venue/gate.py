"""Gate spot. Sources: www.gate.com/docs/developers/apiv4, ccxt's table of errors.

Our id is `text`: `t-` and at most 26 characters more, found by it for about an hour after the order's end. Whether a
used one is refused is not known. The fence is the header `x-gate-exptime`, read at the gateway, for which ccxt has no
option. An accepted order answers 201. A cancel in ccxt's unified words has the shape of cancel-all: ours names the
order in the path. Fees are taken from what is received, or in GT or points.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts
from connectors.ccxt_venue.book_gate import BOOKS, GateOrders, gate_books
from connectors.ccxt_venue.book_numbered import NumberedBooks
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange, Json
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.mapping import (
    Row,
    not_negative,
    ns_of_ms,
    ns_of_seconds,
    number,
    part,
    positive,
    row,
    rows,
    same,
    side,
    status,
    text,
    text_or_none,
)
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.trades.gate import gate_trades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import Asset, ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 100
_PAGES_MAX = 100
_OK, _CREATED = 200, 201
_EXPIRES = "x-gate-exptime"
_UNKNOWN_ORDER = frozenset({"ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND"})

_STATUS = {
    "open": VenueOrderStatus.OPEN,
    "closed": VenueOrderStatus.FILLED,
    "cancelled": VenueOrderStatus.CANCELLED,
}

_REFUSED = (
    "BALANCE_NOT_ENOUGH",
    "QUANTITY_NOT_ENOUGH",
    "INVALID_PARAM_VALUE",
    "INVALID_PROTOCOL",
    "INVALID_ARGUMENT",
    "INVALID_REQUEST_BODY",
    "MISSING_REQUIRED_PARAM",
    "BAD_REQUEST",
    "INVALID_CONTENT_TYPE",
    "NOT_ACCEPTABLE",
    "METHOD_NOT_ALLOWED",
    "NOT_FOUND",
    "INVALID_CREDENTIALS",
    "INVALID_KEY",
    "IP_FORBIDDEN",
    "READ_ONLY",
    "INVALID_SIGNATURE",
    "MISSING_REQUIRED_HEADER",
    "ACCOUNT_LOCKED",
    "FORBIDDEN",
    "INVALID_PRECISION",
    "INVALID_CURRENCY",
    "INVALID_CURRENCY_PAIR",
    "AMOUNT_TOO_LITTLE",
    "AMOUNT_TOO_MUCH",
    "TRADE_RESTRICTED",
    "PRICE_TOO_DEVIATED",
)

CODES = (
    Code(code="REPEATED_CREATION", proves=Proves.EXISTS),
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="POC_FILL_IMMEDIATELY", proves=Proves.WOULD_CROSS),
    Code(code="REQUEST_EXPIRED", proves=Proves.REFUSED_FOR_NOW),  # time stamp or x-gate-exptime
    Code(code="TOO_FAST", proves=Proves.TOO_MANY),
    Code(code="TOO_MANY_REQUESTS", proves=Proves.TOO_MANY),
    # Not here, on purpose: INTERNAL, SERVER_ERROR, TOO_BUSY, and every 5xx.
)

_ORDERS = "orders"
_CANCELS = "cancels"
_PRIVATE = "private calls"
_PUBLIC = "public calls"


class GateClient(Adapted, ccxt.pro.gate):  # type: ignore[misc]
    """ccxt's Gate, with the request's deadline in its header, and books from the channel that can be checked."""

    def sign(
        self,
        path: str,
        api: Json = None,
        method: str = "GET",
        params: Json = None,
    ) -> Json:
        """The signature is over method, path, query and body: a header may be added."""
        fields = dict(params) if isinstance(params, Mapping) else params or {}
        expires = fields.pop(_EXPIRES, None) if isinstance(fields, dict) else None
        signed = super().sign(path, api or [], method, fields)
        if expires is not None:
            signed["headers"] = {**(signed.get("headers") or {}), _EXPIRES: str(expires)}
        return signed

    def on_rest_response(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        response_headers: Mapping[str, str],
        response_body: str,
        request_headers: Json,
        request_body: Json,
    ) -> str:
        """An accepted order answers 201: to us that is 200, with all that has to be in it."""
        told = _OK if code == _CREATED else code
        return super().on_rest_response(
            told, reason, url, method, response_headers, response_body, request_headers, request_body
        )

    async def watch_order_book(self, symbol: str, _limit: int | None = None, params: Json = None) -> Json:
        """Every hundred milliseconds, numbered."""
        market = self.market(symbol)
        url = self.get_url_by_market(market)
        return await self.subscribe_public(url, f"orderbook:{symbol}", [market["id"], "100ms"], BOOKS, params or {}, {})


class Gate:
    """The dialect."""

    client_class: type[Adapted] = GateClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = True
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_ORDERS, units=10, per_ns=NS_PER_S, reserved=0),
        Limit(name=_CANCELS, units=200, per_ns=NS_PER_S, reserved=0),
        Limit(name=_PRIVATE, units=200, per_ns=10 * NS_PER_S, reserved=40),
        Limit(name=_PUBLIC, units=200, per_ns=10 * NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """A classic account, so that its kind has not to be asked; spot only."""
        options: dict[str, object] = {
            "options": {"unifiedAccount": False, "defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
            "has": {"fetchCurrencies": False},
        }
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """The venue counts each endpoint by itself: all private ones together is stricter."""
        if endpoint == "createOrder":
            return {_ORDERS: 1}
        if endpoint == "privateSpotDeleteOrdersOrderId":
            return {_CANCELS: 1}
        return {_PUBLIC if endpoint.startswith("public") or endpoint == "loadMarkets" else _PRIVATE: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """`t-` and 26 characters: all there is room for."""
        return codec.as_gate(client_id)

    def create_params(self, child: ChildOrder, deadline: Deadline | None) -> Mapping[str, object]:
        """The deadline becomes a header (`GateClient.sign`)."""
        params: dict[str, object] = {"text": self.encode_id(child.client_id), **unified(child)}
        if deadline is not None:
            params[_EXPIRES] = deadline.at_ns // NS_PER_MS
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"label": "BALANCE_NOT_ENOUGH", "message": "..."}."""
        if not isinstance(answer, dict) or "label" not in answer:
            return ()
        return (Said(code=str(answer["label"]), text=str(answer.get("message") or answer.get("detail"))),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """The whole order; our id comes back."""
        same("text", text(answer, "text"), client_id)
        status(_STATUS, text(answer, "status"))
        text(answer, "currency_pair")
        return VenueOrderId(text(answer, "id"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicSpotGetTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_ms(text(row(await ask("publicSpotGetTime", {})), "server_time")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Per pair."""
        fees = {}
        for symbol in symbols:
            answer = row(await ask("privateWalletGetFee", {"currency_pair": desk.names.market_id(symbol)}))
            fees[symbol] = number(answer, "taker_fee").scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """A list of what the account's keys may write; a shape we do not know tells nothing."""
        answer = await ask("privateAccountGetMainKeys", {})
        keys = answer if isinstance(answer, list) else [answer]
        powers = [power for key in keys if isinstance(key, Mapping) for power in key.get("perms") or ()]
        lists = [key.get("ip_whitelist") for key in keys if isinstance(key, Mapping)]
        bound = all(lists) if lists and all(isinstance(each, list) for each in lists) else None
        if not powers or not all(isinstance(power, Mapping) and "name" in power for power in powers):
            return KeyPowers(ip_restricted=bound)
        writes = {power["name"] for power in powers if not power.get("read_only")}
        return KeyPowers(
            may_withdraw=bool(writes & {"wallet", "withdraw"}), ip_restricted=bound, may_trade="spot" in writes
        )

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """Our id in the path: nowhere else is it read as one order's name."""
        params = {"order_id": self.encode_id(child.client_id), "currency_pair": desk.names.market_id(child.symbol)}
        answer = row(await ask("privateSpotDeleteOrdersOrderId", params))
        return None if text_or_none(answer, "id") else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id, which the venue forgets after an hour; then in both lists; then in the trades."""
        market = desk.names.market_id(wanted.child.symbol)
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._named(ask, {"order_id": client_id, "currency_pair": market})
        if named is not None:
            return self._order(desk, named)
        listed = await self._pages(ask, "privateSpotGetOrders", {"currency_pair": market, "status": "open"}, None)
        ended = {"currency_pair": market, "status": "finished"}
        listed += await self._pages(ask, "privateSpotGetOrders", ended, wanted.since_ns)
        match = next((each for each in listed if each.get("text") == client_id), None)
        if match is not None:
            return self._order(desk, match)
        known = {text(each, "id") for each in listed}
        trades = await self._trades(ask, desk, {"currency_pair": market}, wanted.since_ns)
        strangers = tuple(trade for trade in trades if trade.venue_order_id not in known)
        return Absence(endpoints=("spot/orders/{id}", "spot/orders", "spot/my_trades"), strangers=strangers)

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        params = {"currency_pair": desk.names.market_id(order.symbol), "order_id": order.venue_order_id}
        return await self._trades(ask, desk, params, None)

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Available and locked."""
        return [self._balance(desk, each) for each in rows(await ask("privateSpotGetAccounts", {}))]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of all pairs, grouped by pair."""
        orders: list[VenueOrder] = []
        for page in range(1, _PAGES_MAX + 1):
            groups = rows(await ask("privateSpotGetOpenOrders", {"page": page, "limit": _PAGE}))
            listed = [rows(part(group, "orders")) for group in groups]
            orders += [self._order(desk, each) for group in listed for each in group]
            if all(len(group) < _PAGE for group in listed):
                return orders
        raise AnswerUnusable("open orders do not end")

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all pairs; `until_ns` keeps new trades from shifting the pages."""
        trades = await self._trades(ask, desk, {"to": until_ns // NS_PER_S + 1}, since_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """A hundred levels a side."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """With its id."""
        params = {"currency_pair": desk.names.market_id(symbol), "limit": _PAGE, "with_id": "true"}
        body = row(await ask("publicSpotGetOrderBook", params))
        for field in ("id", "bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All pairs over one connection, one subscription each."""
        await asyncio.gather(*(exchange.watch_order_book(symbol) for symbol in symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> NumberedBooks:
        """Frames name the pair."""
        return gate_books({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return gate_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> GateOrders:
        """Order changes."""
        return GateOrders()

    @staticmethod
    async def _named(ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            return row(await ask("privateSpotGetOrdersOrderId", params))
        except VenueSaid as said:
            if said.code in _UNKNOWN_ORDER:
                return None
            raise

    @staticmethod
    async def _pages(ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos | None) -> list[Row]:
        """All rows, page by page."""
        cut = {} if since_ns is None else {"from": since_ns // NS_PER_S}
        listed: dict[str, Row] = {}
        for number_of_page in range(1, _PAGES_MAX + 1):
            page = rows(await ask(endpoint, {**params, **cut, "page": number_of_page, "limit": _PAGE}))
            listed.update({text(each, "id"): each for each in page})
            if len(page) < _PAGE:
                return list(listed.values())
        raise AnswerUnusable(f"{endpoint} has more than {_PAGES_MAX} pages")

    async def _trades(
        self, ask: Ask, desk: Desk, params: Mapping[str, object], since_ns: Nanos | None
    ) -> list[VenueTrade]:
        listed = await self._pages(ask, "privateSpotGetMyTrades", params, since_ns)
        return [self._trade(desk, each) for each in listed]

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        free, locked = number(source, "available"), number(source, "locked")
        with exactly():
            total = free + locked
        return Balance(account=desk.account, asset=desk.names.asset(text(source, "currency")), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        quantity, left = not_negative(source, "amount"), not_negative(source, "left")
        with exactly():
            executed = quantity - left
        if source.get("type") == "market":  # never ours: a buy's amounts are in quote, what it did is all that counts
            quantity = executed = not_negative(source, "filled_amount") if source.get("filled_amount") else Decimal(0)
            left = Decimal(0)
        state = status(_STATUS, text(source, "status"))
        if state is VenueOrderStatus.FILLED and left:
            state = VenueOrderStatus.CANCELLED  # "closed" says only that nothing more happens
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "currency_pair")),
            venue_order_id=VenueOrderId(text(source, "id")),
            client_id=codec.from_gate(text_or_none(source, "text")),
            side=side(source.get("side")),
            status=state,
            quantity=quantity,
            executed=executed,
            limit_price=number(source, "price") or None,
            venue_time_ns=_moment(source),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        told = (
            (desk.names.asset(text_or_none(source, "fee_currency") or ""), "fee"),
            (Asset("GT"), "gt_fee"),
            (Asset("POINT"), "point_fee"),
        )
        fees = [Fee(asset=asset, amount=number(source, name)) for asset, name in told if text_or_none(source, name)]
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "currency_pair")),
            trade_id=TradeId(text(source, "id")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            side=side(source.get("side")),
            price=positive(source, "price"),
            quantity=positive(source, "amount"),
            fees=tuple(fee for fee in fees if fee.amount),
            maker={"maker": True, "taker": False}.get(str(source.get("role"))),
            venue_time_ns=_moment(source),
            client_id=codec.from_gate(text_or_none(source, "text")),
        )


def _moment(source: Row) -> Nanos:
    """Milliseconds with a fraction where they are told, else seconds."""
    millis = text_or_none(source, "create_time_ms")
    if millis is not None:
        return ns_of_ms(millis)
    return ns_of_seconds(part(source, "create_time"))
