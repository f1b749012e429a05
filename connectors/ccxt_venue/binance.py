"""Binance spot. Sources: binance-spot-api-docs (rest-api.md, errors.md).

Our id is unique only among *open* orders: a finished immediate-or-cancel id would fill again, so it is never sent
twice. The fence is `recvWindow`, checked twice before the engine; the engine may then take ten seconds more.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro
from ccxt.async_support.base.ws.client import Client
from ccxt.base.types import Entry

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_binance import BinanceBooks, BinanceOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange, Json
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
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
    status,
    text,
    text_or_none,
)
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.binance import binance_trades
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.trades.polling import COSTS_AS
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 1000
_PAGES_MAX = 200
_WINDOW_MS_MAX = 60_000
_UNKNOWN_ORDER = "-2013"
_BOOK_ROWS = 1000

_STATUS = {
    "NEW": VenueOrderStatus.OPEN,
    "PENDING_NEW": VenueOrderStatus.OPEN,
    "PARTIALLY_FILLED": VenueOrderStatus.OPEN,
    "PENDING_CANCEL": VenueOrderStatus.OPEN,
    "FILLED": VenueOrderStatus.FILLED,
    "CANCELED": VenueOrderStatus.CANCELLED,
    "REJECTED": VenueOrderStatus.REJECTED,
    "EXPIRED": VenueOrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": VenueOrderStatus.EXPIRED,
}

_REFUSED_WORDS = (  # -2010 is "the matching engine said no", whose words tell why; errors.md lists them.
    "insufficient balance",
    "Market is closed",
    "action is disabled",
    "Order type not supported",
    "symbol is not permitted",
    "symbol is restricted",
    "Price * QTY is zero or less",
    "trading is not enabled",
    "not supported for this symbol",
)

CODES = (
    # An order with this id is open: go and look. First, so that it is never read as a refusal.
    Code(code="-2010", words="Duplicate order sent", proves=Proves.EXISTS),
    *(Code(code="-2010", words=words, proves=Proves.REFUSED) for words in _REFUSED_WORDS),
    Code(code="-2010", words="would immediately match and take", proves=Proves.WOULD_CROSS),
    # "did not reach the Matching Engine": filters, and everything that is wrong with the request itself.
    Code(code="-1013", proves=Proves.REFUSED),
    Code(code="-1002", proves=Proves.REFUSED),
    Code(code="-1022", proves=Proves.REFUSED),
    Code(code="-2014", proves=Proves.REFUSED),
    Code(code="-2015", proves=Proves.REFUSED),
    *(Code(code=str(code), proves=Proves.REFUSED) for code in range(-1109, -1099)),
    *(Code(code=str(code), proves=Proves.REFUSED) for code in (-1111, -1114, -1115, -1116, -1117, -1121, -1128, -1130)),
    # Turned away at the gateway, to be tried again: time stamp outside the window, request and order rate.
    Code(code="-1021", proves=Proves.REFUSED_FOR_NOW),
    Code(code="-1003", proves=Proves.TOO_MANY),
    Code(code="-1015", proves=Proves.REFUSED_FOR_NOW),
    # Not here, on purpose: -1000, -1001, -1006, -1007, -1008, -1016 and every 5xx ("execution status UNKNOWN").
)

_WEIGHT = "request weight"
_ORDERS_10S = "orders per 10 s"
_ORDERS_DAY = "orders per day"
_WEIGHTS = {
    "privateGetOrder": 4,
    "privateGetAllOrders": 20,
    "privateGetAccount": 20,
    "privateGetAccountCommission": 20,
    "publicGetDepth": 50,
    COSTS_AS: 25,
    "loadMarkets": 20,
}


class BinanceClient(Adapted, ccxt.pro.binance):  # type: ignore[misc]
    """ccxt's Binance, except that books are ours: an acknowledged subscription starts no snapshot of ccxt's.

    And a read that is not in ccxt's table: what paying in BNB takes off.
    """

    privateGetAccountCommission = Entry("account/commission", "private", "GET", {"cost": 4})  # noqa: N815 - ccxt's spelling

    def handle_order_book_subscription(self, client: Client, message: Json, subscription: Json) -> None:
        """Nothing: `BinanceBooks` asks for the snapshot when it needs one."""


class Binance:
    """The dialect."""

    client_class: type[Adapted] = BinanceClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = True
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_WEIGHT, units=6000, per_ns=60 * NS_PER_S, reserved=1200, by_ip=True),
        Limit(name=_ORDERS_10S, units=100, per_ns=10 * NS_PER_S, reserved=0),
        Limit(name=_ORDERS_DAY, units=200_000, per_ns=86_400 * NS_PER_S, reserved=0),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot only, and as few calls at start as that takes."""
        options: dict[str, object] = {
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
            },
            "has": {"fetchCurrencies": False},
        }
        if settings.loopback is not None:
            base = settings.loopback.rstrip("/")
            ws = base.replace("http", "ws", 1)
            options["urls"] = {
                "api": {
                    "public": f"{base}/api/v3",
                    "private": f"{base}/api/v3",
                    "sapi": f"{base}/sapi/v1",
                    "v1": f"{base}/api/v1",
                    # ccxt takes a URL with /stream in it for spot
                    "ws": {"spot": f"{ws}/stream/ws", "ws-api": {"spot": f"{ws}/ws-api/v3"}},
                }
            }
        return options

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, params: Mapping[str, object]) -> Mapping[str, int]:
        """Weights of rest-api.md."""
        if endpoint == "createOrder":
            return {_WEIGHT: 1, _ORDERS_10S: 1, _ORDERS_DAY: 1}
        if endpoint == "privateGetOpenOrders":
            return {_WEIGHT: 6 if "symbol" in params else 80}
        if endpoint == "privateGetMyTrades":
            return {_WEIGHT: 5 if "orderId" in params else 20}
        return {_WEIGHT: _WEIGHTS.get(endpoint, 1)}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, deadline: Deadline | None) -> Mapping[str, object]:
        """The window counts from the request's time stamp, so both are given: together they name the deadline."""
        params: dict[str, object] = {"clientOrderId": self.encode_id(child.client_id), **unified(child)}
        if deadline is not None:
            params["timestamp"] = deadline.now_ns // NS_PER_MS
            params["recvWindow"] = min(deadline.left_ms, _WINDOW_MS_MAX)
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"code": -2010, "msg": "..."}."""
        if not isinstance(answer, dict) or "code" not in answer or "msg" not in answer:
            return ()
        return (Said(code=str(answer["code"]), text=str(answer["msg"])),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """The full order; our id comes back."""
        same("clientOrderId", text(answer, "clientOrderId"), client_id)
        text(answer, "symbol")
        return VenueOrderId(text(answer, "orderId"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicGetTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_ms(text(row(await ask("publicGetTime", {})), "serverTime")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """The account's own rates, per symbol."""
        fees = {}
        for each in rows(await ask("sapiGetAssetTradeFee", {})):
            symbol = desk.names.symbol(text(each, "symbol"))
            if symbol in symbols:
                fees[symbol] = number(each, "takerCommission").scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """ApiRestrictions names every power."""
        powers = row(await ask("sapiGetAccountApiRestrictions", {}))
        out = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")
        return KeyPowers(
            may_withdraw=any(powers.get(name) is True for name in out),
            ip_restricted=flag(powers, "ipRestrict"),
            may_trade=flag(powers, "enableSpotAndMarginTrading"),
        )

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id: it is the one name both sides are sure of."""
        params = {"symbol": desk.names.market_id(child.symbol), "origClientOrderId": self.encode_id(child.client_id)}
        answer = row(await ask("privateDeleteOrder", params))
        return None if text_or_none(answer, "orderId") else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; where that fails, over the lists: absence needs two witnesses."""
        market = desk.names.market_id(wanted.child.symbol)
        client_id = self.encode_id(wanted.child.client_id)
        found = await self._named(ask, {"symbol": market, "origClientOrderId": client_id})
        if found is not None:
            return self._order(desk, found)
        listed = await self._all_orders(ask, market, wanted.since_ns)
        listed += rows(await ask("privateGetOpenOrders", {"symbol": market}))
        match = next((each for each in listed if each.get("clientOrderId") == client_id), None)
        if match is not None:
            return self._order(desk, match)
        named = {text(each, "orderId") for each in listed}
        trades = await self._trades(ask, desk, {"symbol": market, "startTime": wanted.since_ns // NS_PER_MS})
        strangers = tuple(t for t in trades if t.side is wanted.child.side and t.venue_order_id not in named)
        return Absence(endpoints=("order", "allOrders", "openOrders", "myTrades"), strangers=strangers)

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        market = desk.names.market_id(order.symbol)
        return await self._trades(ask, desk, {"symbol": market, "orderId": order.venue_order_id})

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Free and locked."""
        account = row(await ask("privateGetAccount", {"omitZeroBalances": "true"}))
        return [self._balance(desk, each) for each in rows(account.get("balances"))]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account."""
        return [self._order(desk, each) for each in rows(await ask("privateGetOpenOrders", {}))]

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Per symbol: the venue lists no other way."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            params = {"symbol": desk.names.market_id(symbol), "startTime": since_ns // NS_PER_MS}
            trades += await self._trades(ask, desk, params)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """The REST snapshot."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """The REST snapshot with its update id."""
        body = row(await ask("publicGetDepth", {"symbol": desk.names.market_id(symbol), "limit": _BOOK_ROWS}))
        for field in ("lastUpdateId", "bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols), _BOOK_ROWS)

    def book_decoder(self, symbols: Mapping[str, Row]) -> BinanceBooks:
        """Frames name the market's id."""
        return BinanceBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return binance_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> BinanceOrders:
        """Execution reports."""
        return BinanceOrders()

    async def _named(self, ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            return row(await ask("privateGetOrder", params))
        except VenueSaid as said:
            if said.code == _UNKNOWN_ORDER:
                return None
            raise

    async def _all_orders(self, ask: Ask, market: str, since_ns: Nanos) -> list[Row]:
        first = {"symbol": market, "startTime": since_ns // NS_PER_MS}
        return await self._pages(ask, "privateGetAllOrders", first, ("orderId", "orderId"))

    async def _trades(self, ask: Ask, desk: Desk, first: Mapping[str, object]) -> list[VenueTrade]:
        """Every page; of an order's own list, too: it is cut by trade id like any other."""
        listed = await self._pages(ask, "privateGetMyTrades", first, ("id", "fromId"))
        return [self._trade(desk, each) for each in listed]

    @staticmethod
    async def _pages(ask: Ask, endpoint: str, first: Mapping[str, object], by: tuple[str, str]) -> list[Row]:
        """All rows of a list, oldest first: the first page as asked for, later ones from the id after the last.

        `by`: the rows' id, and the parameter to start at one. A page that does not go on from the last is no page.
        """
        id_field, from_field = by
        listed: list[Row] = []
        params: dict[str, object] = {**first, "limit": _PAGE}
        next_id = 0
        for _ in range(_PAGES_MAX):
            page = rows(await ask(endpoint, params))
            listed += page
            if len(page) < _PAGE:
                return listed
            ids = [int(number(each, id_field)) for each in page]
            if min(ids) < next_id or len(set(ids)) < len(ids):
                raise AnswerUnusable(f"{endpoint} repeats itself")
            next_id = max(ids) + 1
            keep = {name: value for name, value in first.items() if name != "startTime"}
            params = {**keep, from_field: next_id, "limit": _PAGE}
        raise AnswerUnusable(f"{endpoint} has more than {_PAGES_MAX} pages")

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        free, locked = number(source, "free"), number(source, "locked")
        with exactly():
            total = free + locked
        return Balance(account=desk.account, asset=desk.names.asset(text(source, "asset")), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        at = source.get("time", source.get("transactTime"))
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            client_id=codec.from_hex(text_or_none(source, "clientOrderId")),
            side=side(source.get("side")),
            status=status(_STATUS, text(source, "status")),
            quantity=not_negative(source, "origQty"),
            executed=not_negative(source, "executedQty"),
            limit_price=not_negative(source, "price") or None,
            venue_time_ns=None if at is None else ns_of_ms(at),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        symbol = desk.names.symbol(text(source, "symbol"))
        fee = Fee(asset=desk.names.asset(text(source, "commissionAsset")), amount=number(source, "commission"))
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(text(source, "id")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            side=side("buy" if source.get("isBuyer") is True else "sell" if source.get("isBuyer") is False else None),
            price=positive(source, "price"),
            quantity=positive(source, "qty"),
            fees=(fee,) if fee.amount else (),
            maker=source.get("isMaker"),
            venue_time_ns=ns_of_ms(text(source, "time")),
        )
