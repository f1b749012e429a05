"""Bybit spot, v5, unified account. Sources: bybit-exchange.github.io/docs/v5.

An answer to an order says that the gateway took it; the engine may reject it later, and then only the order's record
tells (status Rejected, no fill). The fence is `recv_window`, counted from the request's time stamp and checked at the
gateway. Our id is good once, ever, says the venue; whether it still refuses one after the first order ended has to be
measured before `dedupe_licensed` may be set.

Looking up takes three lists: realtime (open), realtime with openOnly=1 (the last 500 ended ones; a release of the venue
empties it), history. ccxt's `fetch_order` does not look by our id, and its `fetch_closed_orders` asks for filled ones
only. History keeps an order that ended without a fill for 24 hours: absence of an older one would prove nothing.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_bybit import BybitBooks, BybitOrders
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.clients import Adapted, Exchange, Json
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.mapping import (
    Row,
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
from connectors.ccxt_venue.trades.bybit import bybit_trades
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import Asset, ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.side import Side

_ORDERS_PAGE = 50
_TRADES_PAGE = 100
_PAGES_MAX = 400
_WINDOW_MS_MAX = 60_000
_BOOK_DEPTH = 50
_NS_PER_US = 1000
_WEEK_MS = 7 * 86_400_000
_TRADES_KEPT_MS = 730 * 86_400_000
"""Trades are listed for two years, seven days at a time."""
_LOGIN, _LOGIN_MS = "authenticated", 10_000
_STAMP, _WINDOW = "sorTimestamp", "sorRecvWindow"
"""How the deadline travels through ccxt to the headers; never sent."""

_MONEY_MOVERS = frozenset({"Withdraw", "AccountTransfer", "SubMemberTransfer"})

_STATUS = {
    "Created": VenueOrderStatus.OPEN,
    "New": VenueOrderStatus.OPEN,
    "PartiallyFilled": VenueOrderStatus.OPEN,
    "Untriggered": VenueOrderStatus.OPEN,
    "Triggered": VenueOrderStatus.OPEN,
    "Active": VenueOrderStatus.OPEN,
    "Filled": VenueOrderStatus.FILLED,
    "Cancelled": VenueOrderStatus.CANCELLED,
    "PartiallyFilledCanceled": VenueOrderStatus.CANCELLED,
    "Deactivated": VenueOrderStatus.CANCELLED,
    "Rejected": VenueOrderStatus.REJECTED,
}

# docs/v5/error: what the gateway or the order check found wrong before the order was anywhere.
_REFUSED = (
    10001,  # request parameter error
    10003,  # API key
    10004,  # signature
    10005,  # permission
    10007,  # authentication
    10008,  # banned
    10009,  # banned IP
    10010,  # unmatched IP
    10017,  # route
    10024,  # compliance
    10027,  # trading banned
    10028,  # unified accounts only
    10029,  # symbol
    33004,  # key expired
    110003,  # price out of range
    110004,  # wallet balance
    110007,  # available balance
    110012,  # available balance
    110094,  # below the smallest value
    170031,  # feature suspended
    170033,  # margin
    170105,  # parameter empty
    170115,  # time in force
    170116,  # order type
    170117,  # side
    170121,  # symbol
    170124,  # amount too large
    170130,  # parameter
    170131,  # balance
    170132,  # price too high
    170133,  # price too low
    170134,  # price decimals
    170135,  # quantity too large
    170136,  # quantity too small
    170137,  # quantity decimals
    170140,  # value too small
    170148,  # market order decimals
    170151,  # pair not open
    170157,  # pair not open to the API
    170192,  # price bound
    170193,  # buy price bound
    170194,  # sell price bound
    170197,  # buy too large
    170198,  # sell too large
    170201,  # account restricted
    170202,  # order filter
    170209,  # region
    170217,  # post-only pair
    170221,  # coin
    170224,  # innovation zone
    170227,  # not supported
    170228,  # purchase bound
    170229,  # sale bound
    170241,  # disclosure to be read first
)
_REFUSED_FOR_NOW = (
    10002,  # outside recv_window: the proof our deadline is there for
    170005,  # too many new orders
    170222,  # too many requests in this time frame
)
_TOO_MANY = (
    10006,  # too many visits
    10018,  # IP rate
)
_EXISTS = (
    170141,  # duplicate clientOrderId (spot)
    110072,  # OrderLinkedID is duplicate
    110030,  # duplicate orderId
    12141,  # duplicate clientOrderId
    10014,  # invalid duplicate request
)

CODES = (
    *(Code(code=str(code), proves=Proves.EXISTS) for code in _EXISTS),
    *(Code(code=str(code), proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="170218", proves=Proves.WOULD_CROSS),  # "the LIMIT-MAKER order is rejected due to invalid price"
    *(Code(code=str(code), proves=Proves.REFUSED_FOR_NOW) for code in _REFUSED_FOR_NOW),
    *(Code(code=str(code), proves=Proves.TOO_MANY) for code in _TOO_MANY),
    # Not here, on purpose: 170146 "order creation timeout", 170007 and 10000 and 5004 (time-outs), 10016, 170001,
    # 170032, 170234 (internal, network, system), 170149 "create order failed", 170210 "new order rejected", 429.
)

_IP = "requests per IP"
_CREATE = "orders created"
_CANCEL = "orders cancelled"
_FEES = "fee rates"
_KEYS = "key facts"
_OF_ENDPOINT = {
    "createOrder": _CREATE,
    "privatePostV5OrderCancel": _CANCEL,
    "privateGetV5OrderRealtime": "realtime",
    "privateGetV5OrderHistory": "history",
    "privateGetV5ExecutionList": "executions",
    "privateGetV5AccountWalletBalance": "wallet",
    "privateGetV5AccountFeeRate": _FEES,
    "privateGetV5UserQueryApi": _KEYS,
}


class BybitClient(Adapted, ccxt.pro.bybit):  # type: ignore[misc]
    """ccxt's Bybit, with a time stamp and a window of its own for each request that has a deadline."""

    stamp_ms: int | None = None

    def sign(self, path: str, api: Json = ("public",), method: str = "GET", params: Json = None) -> Json:
        """The window is a header, and an option of the whole instance to ccxt: here it is the call's.

        Signing is synchronous, so that no other call can come in between.
        """
        fields = dict(params or {})
        self.stamp_ms, window = fields.pop(_STAMP, None), fields.pop(_WINDOW, None)
        usual = self.options["recvWindow"]
        self.options["recvWindow"] = usual if window is None else window
        try:
            return super().sign(path, api, method, fields)
        finally:
            self.options["recvWindow"] = usual
            self.stamp_ms = None

    def nonce(self) -> Json:
        """The venue's time, or that of the decision."""
        return super().nonce() if self.stamp_ms is None else self.stamp_ms

    async def authenticate(self, url: str, _params: Json = None) -> Json:
        """In the venue's time: ccxt dates the login by our clock, and ten seconds behind it would be refused."""
        client = self.client(url)
        answered = client.reusableFuture(_LOGIN)
        if client.subscriptions.get(_LOGIN) is None:
            expires = str(int(self.nonce()) + _LOGIN_MS)
            secret, signed = self.encode(self.secret), self.encode(f"GET/realtime{expires}")
            signature = self.hmac(signed, secret, hashlib.sha256, "hex")
            self.watch(url, _LOGIN, {"op": "auth", "args": [self.apiKey, expires, signature]}, _LOGIN)
        return await answered

    async def watch_orders(self, *_args: object, **_kwargs: object) -> Json:
        """The account's orders and executions over one socket. Frames are tapped: this ends with the connection."""
        url = await self.get_url_by_market_type(None, True, "watchOrders", {})
        await self.authenticate(url)
        return await self.watch_topics(url, ["orders"], ["order", "execution"], {})


class Bybit:
    """The dialect."""

    client_class: type[Adapted] = BybitClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = True
    dedupes_for_ever = True
    codes = CODES
    # docs/v5/rate-limit: 600 in 5 s per IP; per second and account for each path, spot of a unified account.
    limits = (
        Limit(name=_IP, units=600, per_ns=5 * NS_PER_S, reserved=120, by_ip=True),
        Limit(name=_CREATE, units=20, per_ns=NS_PER_S, reserved=0),
        Limit(name=_CANCEL, units=20, per_ns=NS_PER_S, reserved=0),
        Limit(name="realtime", units=50, per_ns=NS_PER_S, reserved=20),
        Limit(name="history", units=50, per_ns=NS_PER_S, reserved=20),
        Limit(name="executions", units=50, per_ns=NS_PER_S, reserved=20),
        Limit(name="wallet", units=50, per_ns=NS_PER_S, reserved=0),
        Limit(name=_FEES, units=5, per_ns=NS_PER_S, reserved=0),
        Limit(name=_KEYS, units=10, per_ns=NS_PER_S, reserved=0),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot of a unified account, said outright: ccxt would ask before an order, and remember a wrong answer."""
        options: dict[str, object] = {
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": ["spot"]},
                "enableUnifiedMargin": False,
                "enableUnifiedAccount": True,
            },
            "has": {"fetchCurrencies": False},
        }
        if settings.loopback is not None:
            base = settings.loopback.rstrip("/")
            ws = base.replace("http", "ws", 1)
            private = f"{ws}/v5/private"
            sockets = {
                # ccxt takes a URL with "spot" in it for spot, and one with "v5/private" for a unified account
                "public": {"spot": f"{ws}/v5/public/spot"},
                "private": {"spot": {"unified": private}, "contract": private, "trade": f"{ws}/v5/trade"},
            }
            options["urls"] = {"api": {"public": base, "private": base, "ws": sockets}}
        return options

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """One of the IP's, and one of its path's."""
        own = _OF_ENDPOINT.get(endpoint)
        return {_IP: 1} if own is None else {_IP: 1, own: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits, of at most 36 characters."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, deadline: Deadline | None) -> Mapping[str, object]:
        """The window counts from the request's time stamp, so both are given: together they name the deadline."""
        params: dict[str, object] = {"clientOrderId": self.encode_id(child.client_id), **unified(child)}
        if deadline is not None:
            params[_STAMP] = deadline.now_ns // NS_PER_MS
            params[_WINDOW] = min(deadline.left_ms, _WINDOW_MS_MAX)
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"retCode": 170131, "retMsg": "..."}; 0 is success."""
        if not isinstance(answer, dict) or answer.get("retCode") is None or _is_zero(answer["retCode"]):
            return ()
        return (Said(code=str(answer["retCode"]), text=str(answer.get("retMsg"))),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """The gateway took it: the order's id and ours. The order's fate is for its record to tell."""
        if not _is_zero(part(answer, "retCode")):
            same("retCode", str(answer["retCode"]), "0")
        result = row(part(answer, "result"))
        same("orderLinkId", text(result, "orderLinkId"), client_id)
        return VenueOrderId(text(result, "orderId"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicGetV5MarketTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """In nanoseconds; believed to the microsecond."""
        result = _result(await ask("publicGetV5MarketTime", {}))
        return Nanos(int(number(result, "timeNano"))), _NS_PER_US

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """The account's own rates, all symbols in one answer."""
        fees = {}
        for each in rows(part(_result(await ask("privateGetV5AccountFeeRate", {"category": "spot"})), "list")):
            symbol = desk.names.symbol(text(each, "symbol"))
            if symbol in symbols:
                fees[symbol] = number(each, "takerFeeRate").scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """`Wallet` lists what moves money. An account that is not unified is refused here: ccxt was told it is."""
        told = _result(await ask("privateGetV5UserQueryApi", {}))
        if str(told.get("uta")) == "0":
            raise AnswerUnusable("the account is not a unified trading account")
        permissions = told.get("permissions")
        granted = permissions if isinstance(permissions, dict) else {}
        wallet, spot, addresses = granted.get("Wallet"), granted.get("Spot"), told.get("ips")
        return KeyPowers(
            may_withdraw=any(str(power) in _MONEY_MOVERS for power in wallet) if isinstance(wallet, list) else None,
            ip_restricted="*" not in addresses if isinstance(addresses, list) and addresses else None,
            may_trade=str(told.get("readOnly")) != "1" and "SpotTrade" in spot if isinstance(spot, list) else None,
        )

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id alone. The answer says only that the cancel is on its way."""
        link_id = self.encode_id(child.client_id)
        params = {"category": "spot", "symbol": desk.names.market_id(child.symbol), "orderLinkId": link_id}
        result = _result(await ask("privatePostV5OrderCancel", params))
        return None if text_or_none(result, "orderLinkId") == link_id else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """Open, lately ended, history: an order that ends in between is in a later one. Then what was traded."""
        link_id = self.encode_id(wanted.child.client_id)
        found = await self._named(ask, {"orderLinkId": link_id})
        if found is not None:
            return self._order(desk, found)
        market = desk.names.market_id(wanted.child.symbol)
        trades = await self._trades(ask, desk, {"symbol": market, "startTime": wanted.since_ns // NS_PER_MS})
        if any(trade.client_id == wanted.child.client_id for trade in trades):
            raise AnswerUnusable("a trade names our order and no list has it")
        strangers = []
        # A trade that bears another order's link id is explained by it; one that bears none, by that order's record.
        nameless = [t for t in trades if t.client_id is None and t.side is wanted.child.side]
        for order_id in sorted({trade.venue_order_id for trade in nameless}):
            other = await self._named(ask, {"orderId": order_id})
            if other is None:
                strangers += [trade for trade in nameless if trade.venue_order_id == order_id]
            elif other.get("orderLinkId") == link_id:
                return self._order(desk, other)
        endpoints = ("order/realtime", "order/realtime openOnly=1", "order/history", "execution/list")
        return Absence(endpoints=endpoints, strangers=tuple(strangers))

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        return await self._trades(ask, desk, {"orderId": order.venue_order_id})

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Every coin of the unified account; `locked` is what spot orders hold."""
        answer = _result(await ask("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"}))
        accounts = rows(part(answer, "list"))
        return [self._balance(desk, each) for account in accounts for each in rows(part(account, "coin"))]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account, every page."""
        listed = [each async for each in _pages(ask, "privateGetV5OrderRealtime", {"openOnly": 0}, _ORDERS_PAGE)]
        orders = {text(each, "orderId"): self._order(desk, each) for each in listed}
        return [order for order in orders.values() if not order.status.ended]

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all symbols, week by week: the venue lists no more at a time. `until_ns` ends the last week."""
        trades: dict[str, VenueTrade] = {}
        for start, end in weeks(since_ns // NS_PER_MS, until_ns // NS_PER_MS + 1):
            for trade in await self._trades(ask, desk, {"startTime": start, "endTime": end}):
                trades[trade.trade_id] = trade
        return sorted(trades.values(), key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """REST depth."""
        body = await self.depth(ask, desk, symbol)
        return body["b"], body["a"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """As deep as the stream."""
        params = {"category": "spot", "symbol": desk.names.market_id(symbol), "limit": _BOOK_DEPTH}
        body = _result(await ask("publicGetV5MarketOrderbook", params))
        for name in ("b", "a", "seq"):
            part(body, name)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols), _BOOK_DEPTH)

    def book_decoder(self, symbols: Mapping[str, Row]) -> BybitBooks:
        """Frames name the market's id."""
        return BybitBooks({str(market["id"]): symbol for symbol, market in symbols.items()}, _BOOK_DEPTH)

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return bybit_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> BybitOrders:
        """Orders and executions."""
        return BybitOrders()

    @staticmethod
    async def _named(ask: Ask, name: Mapping[str, object]) -> Row | None:
        """The record of the order called that, from whichever list has it.

        A list of others' orders was not narrowed to the name: what is not on this page may exist.
        """
        (field, wanted), *_ = name.items()
        for endpoint, more in (
            ("privateGetV5OrderRealtime", {"openOnly": 0}),
            ("privateGetV5OrderRealtime", {"openOnly": 1}),
            ("privateGetV5OrderHistory", {}),
        ):
            result = _result(await ask(endpoint, {"category": "spot", **name, **more}))
            listed = rows(part(result, "list"))
            match = next((each for each in listed if each.get(field) == wanted), None)
            if match is not None:
                return match
            if listed:
                raise AnswerUnusable(f"{endpoint} does not heed {field}")
        return None

    async def _trades(self, ask: Ask, desk: Desk, params: Mapping[str, object]) -> list[VenueTrade]:
        """Every page, each trade once."""
        listed = [each async for each in _pages(ask, "privateGetV5ExecutionList", params, _TRADES_PAGE)]
        return list({text(each, "execId"): self._trade(desk, each) for each in listed}.values())

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        total = number(source, "walletBalance")
        locked = number(source, "locked") if text_or_none(source, "locked") else Decimal(0)
        with exactly():
            free = total - locked
        return Balance(account=desk.account, asset=desk.names.asset(text(source, "coin")), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        executed = not_negative(source, "cumExecQty")
        # A market buy in quote currency (never ours) has no base quantity: what it did is all that can be said.
        in_quote = source.get("orderType") == "Market" and source.get("marketUnit") != "baseCoin"
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            client_id=codec.from_hex(text_or_none(source, "orderLinkId")),
            side=side(source.get("side")),
            status=status(_STATUS, text(source, "orderStatus")),
            quantity=executed if in_quote and source.get("side") == "Buy" else positive(source, "qty"),
            executed=executed,
            limit_price=not_negative(source, "price") or None,
            venue_time_ns=ns_of_ms(text(source, "createdTime")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        symbol = desk.names.symbol(text(source, "symbol"))
        way = side(source.get("side"))
        fee = number(source, "execFee")
        told = text_or_none(source, "feeCurrency")
        asset = fee_asset(symbol, way, source) if told is None else desk.names.asset(told)
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(text(source, "execId")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            side=way,
            price=positive(source, "execPrice"),
            quantity=positive(source, "execQty"),
            fees=(Fee(asset=asset, amount=fee),) if fee else (),
            maker=source.get("isMaker"),
            venue_time_ns=ns_of_ms(text(source, "execTime")),
            client_id=codec.from_hex(text_or_none(source, "orderLinkId")),
        )


def fee_asset(symbol: str, way: Side, source: Row) -> Asset:
    """The venue's rule where a row does not name the asset: the one received; a maker's rebate, the one given."""
    base, _, quote = symbol.partition("/")
    rebate = source.get("isMaker") is True and number(source, "execFee") < 0
    return Asset(base if (way is Side.BUY) is not rebate else quote)


def weeks(start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """Spans of at most seven days from `start_ms`, or from where trades are still kept, to `end_ms`."""
    start = max(start_ms, end_ms - _TRADES_KEPT_MS)
    while start < end_ms:
        end = min(start + _WEEK_MS, end_ms)
        yield start, end
        start = end


async def _pages(ask: Ask, endpoint: str, params: Mapping[str, object], limit: int) -> AsyncIterator[Row]:
    """All rows of a list. The venue gives a cursor even after the last row: an empty page ends it."""
    seen: set[str] = set()
    cursor: str | None = None
    while len(seen) < _PAGES_MAX:
        more = {} if cursor is None else {"cursor": cursor}
        result = _result(await ask(endpoint, {"category": "spot", **params, "limit": limit, **more}))
        listed = rows(part(result, "list"))
        for each in listed:
            yield each
        cursor = text_or_none(result, "nextPageCursor")
        if not listed or cursor is None:
            return
        if cursor in seen:
            raise AnswerUnusable(f"{endpoint} repeats itself")
        seen.add(cursor)
    raise AnswerUnusable(f"{endpoint} has more than {_PAGES_MAX} pages")


def _result(answer: object) -> Row:
    """The `result` of a success."""
    return row(part(row(answer), "result"))


def _is_zero(code: object) -> bool:
    return str(code) == "0"
