"""Gemini spot. Sources: docs.gemini.com (rest-api, websocket-api).

Our id is never checked for uniqueness, and a request has no deadline: nothing is ever sent twice, and what cannot be
found after a lost answer is a person's. One child at a time and one replica (`outstanding_max`).
An order is asked for by our id with the raw call (ccxt adds an empty `order_id`), and cancelled only by the venue's:
a cancel by our id would end every order that has it. A key's nonce must grow in the order of arrival.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro
from ccxt.async_support.base.ws.client import Client

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_gemini import GeminiBooks, GeminiOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange, Json
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.http_date import date_of
from connectors.ccxt_venue.mapping import (
    Row,
    flag,
    not_negative,
    ns_of_ms,
    number,
    part,
    positive,
    row,
    rows,
    same,
    side,
    text,
    text_or_none,
)
from connectors.ccxt_venue.strangers import could_be
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.gemini import GeminiTrades
from connectors.ccxt_venue.turn import Turn
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 500
_PAGES_MAX = 200
_BOOK_ROWS = 1000
_NOT_FOUND = "OrderNotFound"
_SYMBOLS = "orderSymbols"

_REFUSED = (  # docs.gemini.com, rest-api, error codes
    "AuctionNotOpen",
    "ClientOrderIdTooLong",
    "ClientOrderIdMustBeString",
    "ConflictingOptions",
    "EndpointMismatch",
    "EndpointNotFound",
    "IneligibleTiming",
    "InsufficientFunds",
    "InvalidApiKey",
    "InvalidJson",
    "InvalidOrderType",
    "InvalidPrice",
    "InvalidQuantity",
    "InvalidSide",
    "InvalidSignature",
    "InvalidSymbol",
    "InvalidTimestampInPayload",
    "MarketNotOpen",
    "MissingApikeyHeader",
    "MissingOrderField",
    "MissingPayloadHeader",
    "MissingRole",
    "MissingSignatureHeader",
    "NoSSL",
    "OptionsMustBeArray",
    "UnsupportedOption",
)

CODES = (
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="InvalidNonce", proves=Proves.REFUSED_FOR_NOW),
    Code(code="RateLimit", proves=Proves.TOO_MANY),
    # Not here, on purpose: System ("we are experiencing technical issues"), Maintenance, OrderNotFound.
)

_PRIVATE = "private calls"
_PUBLIC = "public calls"


class GeminiClient(Adapted, ccxt.pro.gemini):  # type: ignore[misc]
    """ccxt's Gemini with one nonce per key, and the grids of the markets that are traded."""

    turn: Turn

    async def fetch2(
        self, path: str, api: Json = ("public",), method: str = "GET", params: Json = None, config: Json = None
    ) -> Json:
        """Sign and send within a turn, so that requests arrive in the order of their nonces."""
        if api[0] != "private":
            return await super().fetch2(path, api, method, params or {}, config or {})
        handle = await self.turn.take()
        try:
            return await super().fetch2(path, api, method, params or {}, config or {})
        finally:
            self.turn.give(handle)

    def incrementing_nonce(self) -> int:
        """Shared by all clients of the account, the handshakes of private sockets included."""
        return self.turn.nonce(int(self.nonce()))

    def client(self, url: str) -> Client:
        """With headers of its own: ccxt signs the handshake into a dictionary it shares, and takes it out again."""
        client = super().client(url)
        client.options = dict(client.options)
        return client

    async def fetch_markets(self, params: Json = None) -> list[Json]:
        """Names of all; details, which cost a call each, of those we trade (ccxt would read them off a web page)."""
        listed = await super().fetch_markets(params or {})
        markets = {market["symbol"]: market for market in listed}
        for symbol in self.options[_SYMBOLS]:
            if symbol in markets:
                details = await self.publicGetV1SymbolsDetailsSymbol({"symbol": markets[symbol]["id"]})
                markets[symbol] = self.parse_market(details)
        return list(markets.values())

    def parse_market(self, response: Json) -> Json:
        """A spot market names a contract's currency too, and ccxt takes it for a swap by that.

        Of a market known by name only, the raw row is the name: an object here, as everywhere else.
        """
        if isinstance(response, dict) and response.get("product_type") == "spot":
            response = {name: value for name, value in response.items() if name != "contract_price_currency"}
        market = super().parse_market(response)
        if market is not None and isinstance(response, str):
            market["info"] = {"symbol": response}
        return market


class Gemini:
    """The dialect."""

    client_class: type[Adapted] = GeminiClient
    fee_in = FeeIn.QUOTE
    takes_deadline = False
    dedupes_for_ever = False
    codes = CODES
    # "120 requests per minute" for public calls, "600 requests per minute" for private ones (docs: rate limits).
    limits = (
        Limit(name=_PRIVATE, units=600, per_ns=60 * NS_PER_S, reserved=150),
        Limit(name=_PUBLIC, units=120, per_ns=60 * NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Markets from the API only, and the lab's hosts."""
        options: dict[str, object] = {
            "has": {"fetchCurrencies": False},
            "options": {_SYMBOLS: list(settings.symbols), "fetchMarketsMethod": "fetch_markets_from_api"},
        }
        if settings.loopback is not None:
            base = settings.loopback.rstrip("/")
            api = dict.fromkeys(("public", "private", "web", "webExchange"), base)
            options["urls"] = {"api": {**api, "ws": base.replace("http", "ws", 1)}}
        return options

    def share(self, *private: Exchange) -> None:
        """The nonce and the turn."""
        turn = Turn()
        for each in private:
            assert isinstance(each, GeminiClient)
            each.turn = turn

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """One each."""
        return {_PUBLIC if endpoint.startswith("public") or endpoint == "loadMarkets" else _PRIVATE: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """In the venue's `options`: `immediate-or-cancel` or `maker-or-cancel`; an order with none of them rests."""
        return {"clientOrderId": self.encode_id(child.client_id), **unified(child)}

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """`{"result": "error", "reason": "InvalidNonce", "message": "..."}`."""
        if not isinstance(answer, dict) or answer.get("result") != "error":
            return ()
        return (Said(code=str(answer.get("reason")), text=str(answer.get("message"))),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """The full order; our id comes back."""
        same("client_order_id", text(answer, "client_order_id"), client_id)
        return VenueOrderId(text(answer, "order_id"))

    async def touch(self, ask: Ask) -> None:
        """A short public list."""
        await ask("publicGetV1Feepromos", {})

    async def server_time(self, ask: Ask, exchange: Exchange) -> tuple[Nanos, int]:
        """No call tells the time: the `Date` of an answer does, to the second."""
        await self.touch(ask)
        return date_of(exchange)

    async def taker_fees_bps(self, ask: Ask, _desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """One tier for all symbols."""
        rate = number(row(await ask("privatePostV1Notionalvolume", {})), "api_taker_fee_bps")
        return dict.fromkeys(symbols, rate)

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """A fund manager may withdraw. Addresses are not told."""
        roles = row(await ask("privatePostV1Roles", {}))
        return KeyPowers(may_withdraw=flag(roles, "isFundManager"), may_trade=flag(roles, "isTrader"))

    async def cancel(self, ask: Ask, _desk: Desk, child: ChildOrder, venue_order_id: VenueOrderId | None) -> str | None:
        """By the venue's id. Ours is good for finding it, when exactly one order has it."""
        order_id = venue_order_id
        if order_id is None:
            client_id = self.encode_id(child.client_id)
            found = await self._named(ask, {"client_order_id": client_id})
            if len(found) != 1:
                return f"{len(found)} orders have this id"
            same("client_order_id", text(found[0], "client_order_id"), client_id)
            order_id = VenueOrderId(text(found[0], "order_id"))
        answer = row(await ask("privatePostV1OrderCancel", {"order_id": order_id}))
        same("order_id", text(answer, "order_id"), order_id)
        return None if answer.get("is_cancelled") is True else "the answer does not say that it is cancelled"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then among the open orders; then behind trades."""
        client_id = self.encode_id(wanted.child.client_id)
        found = await self._named(ask, {"client_order_id": client_id})
        listed = [] if found else rows(await ask("privatePostV1Orders", {}))
        found += [each for each in listed if each.get("client_order_id") == client_id]
        if found:
            return self._order(desk, _one(found))
        trades = await self._trades(ask, desk, wanted.child.symbol, wanted.since_ns)
        strangers = [trade for trade in trades if could_be(wanted.child, trade)]
        for order_id in sorted({trade.venue_order_id for trade in strangers}):
            named = await self._named(ask, {"order_id": order_id})
            if named and _one(named).get("client_order_id") == client_id:
                return self._order(desk, named[0])
            if named:
                strangers = [trade for trade in strangers if trade.venue_order_id != order_id]
        return Absence(endpoints=("order/status", "orders", "mytrades"), strangers=tuple(strangers))

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """Its status with all its fills."""
        named = _one(await self._named(ask, {"order_id": order.venue_order_id, "include_trades": True}))
        same("order_id", text(named, "order_id"), order.venue_order_id)
        return [self._trade(desk, order.symbol, each) for each in rows(part(named, "trades"))]

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Amount and available."""
        return [
            Balance(
                account=desk.account,
                asset=desk.names.asset(text(each, "currency")),
                total=number(each, "amount"),
                free=number(each, "available"),
            )
            for each in rows(await ask("privatePostV1Balances", {}))
        ]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account."""
        return [self._order(desk, each) for each in rows(await ask("privatePostV1Orders", {}))]

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Per symbol."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            trades += await self._trades(ask, desk, symbol, since_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """The REST book."""
        body = await self.depth(ask, desk, symbol)
        sides = [
            [(text(each, "price"), text(each, "amount")) for each in rows(part(body, name))]
            for name in ("bids", "asks")
        ]
        return sides[0], sides[1]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """One symbol's sides."""
        params = {"symbol": desk.names.market_id(symbol), "limit_bids": _BOOK_ROWS, "limit_asks": _BOOK_ROWS}
        body = row(await ask("publicGetV1BookSymbol", params))
        for name in ("bids", "asks"):
            rows(part(body, name))
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection, the one whose frames are counted."""
        await exchange.watch_order_book_for_symbols(list(symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> GeminiBooks:
        """Frames name the market's id, in capitals."""
        return GeminiBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> GeminiTrades:
        """Public trades."""
        return GeminiTrades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> GeminiOrders:
        """Order events."""
        return GeminiOrders()

    async def _named(self, ask: Ask, name: Mapping[str, object]) -> list[Row]:
        """Orders of this name: the venue answers with one, or with a list of all that have it."""
        try:
            answer = await ask("privatePostV1OrderStatus", name)
        except VenueSaid as said:
            if said.code == _NOT_FOUND:
                return []
            raise
        return rows(answer) if isinstance(answer, list) else [row(answer)]

    async def _trades(self, ask: Ask, desk: Desk, symbol: str, since_ns: int) -> list[VenueTrade]:
        """Forward from a time, page by page; the last millisecond of a page is asked for again."""
        found: dict[str, VenueTrade] = {}
        from_ms = max(0, since_ns // NS_PER_MS)
        for _ in range(_PAGES_MAX):
            params = {"symbol": desk.names.market_id(symbol), "limit_trades": _PAGE, "timestamp": from_ms}
            page = rows(await ask("privatePostV1Mytrades", params))
            found.update({text(each, "tid"): self._trade(desk, symbol, each) for each in page})
            if len(page) < _PAGE:
                return list(found.values())
            last_ms = max(int(number(each, "timestampms")) for each in page)
            if last_ms <= from_ms:
                raise AnswerUnusable("more trades in a millisecond than fit on a page")
            from_ms = last_ms
        raise AnswerUnusable(f"more than {_PAGES_MAX} pages of trades")

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol").lower()),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            client_id=codec.from_hex(text_or_none(source, "client_order_id")),
            side=side(source.get("side")),
            status=_status(source),
            quantity=positive(source, "original_amount"),
            executed=not_negative(source, "executed_amount"),
            limit_price=not_negative(source, "price") or None,
            venue_time_ns=ns_of_ms(text(source, "timestampms")),
        )

    @staticmethod
    def _trade(desk: Desk, symbol: str, source: Row) -> VenueTrade:
        fee = Fee(asset=desk.names.asset(text(source, "fee_currency")), amount=number(source, "fee_amount"))
        aggressor = source.get("aggressor")
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(text(source, "tid")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            side=side(source.get("type")),
            price=positive(source, "price"),
            quantity=positive(source, "amount"),
            fees=(fee,) if fee.amount else (),
            maker=not aggressor if isinstance(aggressor, bool) else None,
            venue_time_ns=ns_of_ms(text(source, "timestampms")),
            client_id=codec.from_hex(text_or_none(source, "client_order_id")),
        )


def _one(found: Sequence[Row]) -> Row:
    """The only one. Of two orders under one id neither is the order: the venue lets anybody make them."""
    if len(found) != 1:
        raise AnswerUnusable(f"{len(found)} orders have this id")
    return found[0]


def _status(source: Row) -> VenueOrderStatus:
    """Live or not, cancelled or not; what is neither live nor cancelled must be done."""
    live, cancelled = part(source, "is_live"), part(source, "is_cancelled")
    if live is True:
        return VenueOrderStatus.OPEN
    if number(source, "executed_amount") == number(source, "original_amount"):
        return VenueOrderStatus.FILLED
    if live is False and cancelled is True:
        return VenueOrderStatus.CANCELLED
    raise AnswerUnusable("an order neither live, nor done, nor cancelled")
