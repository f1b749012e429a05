"""KuCoin spot, by the high-frequency endpoints. Sources: www.kucoin.com/docs-new, ccxt's table of errors.

Whether a used `clientOid` is refused once its order has ended is not known, so a second copy is never sent. The fence
is `allowMaxTimeWindow` after `clientTimestamp`, which the venue wants equal to the signature's time stamp and reads at
its gateway. Left to itself ccxt asks what kind of account this is before its first order: it is told. An error comes
under HTTP 200. Fees are in quote currency, or in KCS.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts
from connectors.ccxt_venue.book_kucoin import KucoinOrders, kucoin_books
from connectors.ccxt_venue.book_numbered import NumberedBooks
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
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
    text,
    text_or_none,
)
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.trades.kucoin import kucoin_trades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.ccxt_venue.windows import windows
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 100
_PAGES_MAX = 200
_WINDOW_MS = 6 * 86_400_000
_FEES_AT_ONCE = 10
_SUCCESS = "200000"
_UNKNOWN_ORDER = frozenset({"100001", "126043", "order_not_exist"})

_REFUSED = (
    "200004",  # balance insufficient
    "230003",  # balance insufficient
    "400001",  # a header is missing
    "400003",  # no such key
    "400004",  # passphrase
    "400005",  # signature
    "400006",  # address not allowed
    "400007",  # permission
    "400200",  # may not place orders
    "400330",  # price too far from the net value
    "400350",  # holding limit
    "400370",  # price above the highest
    "400500",  # jurisdiction
    "400600",  # symbol not available
    "400760",  # price below the lowest
    "411100",  # account frozen
    "600100",  # size or funds below the minimum, or off the increment
    "600101",  # funds below the minimum
    "900001",  # no such symbol
)

CODES = (
    # An order with this id is there, or was: go and look.
    Code(code="126044", proves=Proves.EXISTS),
    Code(code="126033", proves=Proves.EXISTS),
    Code(code="400100", words="duplicate", proves=Proves.EXISTS),
    Code(code="400100", words="clientOid", proves=Proves.EXISTS),
    # 400100 is "a parameter is wrong", in many words: only those that can be nothing else.
    Code(code="400100", words="minimum requirement", proves=Proves.REFUSED),
    Code(code="400100", words="increment invalid", proves=Proves.REFUSED),
    Code(code="400100", words="Unsupported trading pair", proves=Proves.REFUSED),
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="400002", proves=Proves.REFUSED_FOR_NOW),  # time stamp too far from theirs
    Code(code="429000", proves=Proves.TOO_MANY),
    # Not here, on purpose: 408000 (time-out), 500000, 300000, 400303, and whatever a passed window is called.
)

_SPOT = "spot pool"
_PUBLIC = "public pool"
_MANAGEMENT = "management pool"
_COSTS = {
    "createOrder": {_SPOT: 1},
    "privateDeleteHfOrdersClientOrderClientOid": {_SPOT: 1},
    "privateGetHfOrdersClientOrderClientOid": {_SPOT: 2},
    "privateGetHfOrdersActive": {_SPOT: 2},
    "privateGetHfOrdersActiveSymbols": {_SPOT: 2},
    "privateGetHfOrdersDone": {_SPOT: 2},
    "privateGetHfFills": {_SPOT: 2},
    "privateGetTradeFees": {_SPOT: 3},
    "privateGetAccounts": {_MANAGEMENT: 5},
    "privateGetUserApiKey": {_MANAGEMENT: 20},
    "publicGetTimestamp": {_PUBLIC: 3},
    "publicGetMarketOrderbookLevelLevelLimit": {_PUBLIC: 4},
    "loadMarkets": {_PUBLIC: 20, _MANAGEMENT: 10},
}


class KucoinClient(Adapted, ccxt.pro.kucoin):  # type: ignore[misc]
    """ccxt's KuCoin, signing an order with the very time stamp its window counts from."""

    stamp_ms: int | None = None

    def nonce(self) -> int:
        """The time stamp of the signature."""
        return int(super().nonce()) if self.stamp_ms is None else self.stamp_ms

    def sign(
        self,
        path: str,
        api: Json = "public",
        method: str = "GET",
        params: Json = None,
    ) -> Json:
        """`KC-API-TIMESTAMP` is the order's `clientTimestamp`, where it has one."""
        fields = params or {}
        self.stamp_ms = fields.get("clientTimestamp") if isinstance(fields, Mapping) else None
        try:
            return super().sign(path, api, method, fields)
        finally:
            self.stamp_ms = None

    async def negotiate(self, privateChannel: bool, isFuturesMethod: bool = False, params: Json = None) -> Json:  # noqa: N803 - ccxt's signature
        """A fresh token for each connection: ccxt would go on with one that has expired."""
        self.open()  # ccxt asks for the token in a task of a loop that it notices with its first request only
        self.options["urls"] = {}
        return await super().negotiate(privateChannel, isFuturesMethod, params or {})


class Kucoin:
    """The dialect."""

    client_class: type[Adapted] = KucoinClient
    fee_in = FeeIn.QUOTE
    takes_deadline = True
    dedupes_for_ever = False
    codes = CODES
    # The pools of an account of the lowest tier: points in thirty seconds.
    limits = (
        Limit(name=_SPOT, units=4000, per_ns=30 * NS_PER_S, reserved=800),
        Limit(name=_MANAGEMENT, units=2000, per_ns=30 * NS_PER_S, reserved=0),
        Limit(name=_PUBLIC, units=2000, per_ns=30 * NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """A classic account with high-frequency trading, so that nothing has to be asked; spot only."""
        options: dict[str, object] = {
            "options": {"uta": False, "hf": True, "defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
            "has": {"fetchCurrencies": False},
        }
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """Weights of the documentation."""
        return _COSTS.get(endpoint, {_PUBLIC if endpoint.startswith("public") else _SPOT: 3})

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, deadline: Deadline | None) -> Mapping[str, object]:
        """The window counts from `clientTimestamp`."""
        params: dict[str, object] = {"clientOrderId": self.encode_id(child.client_id), **unified(child)}
        if deadline is not None:
            params["clientTimestamp"] = deadline.now_ns // NS_PER_MS
            params["allowMaxTimeWindow"] = deadline.left_ms
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"code": "200004", "msg": "Balance insufficient!"}, under HTTP 200 too."""
        if not isinstance(answer, dict) or "code" not in answer or str(answer["code"]) == _SUCCESS:
            return ()
        return (Said(code=str(answer["code"]), text=str(answer.get("msg"))),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """Both ids."""
        same("code", text(answer, "code"), _SUCCESS)
        data = row(part(answer, "data"))
        told = text_or_none(data, "clientOid")
        if told is not None:
            same("clientOid", told, client_id)
        return VenueOrderId(text(data, "orderId"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicGetTimestamp", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_ms(text(row(await ask("publicGetTimestamp", {})), "data")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Per symbol, ten a call."""
        fees = {}
        for first in range(0, len(symbols), _FEES_AT_ONCE):
            wanted = ",".join(desk.names.market_id(symbol) for symbol in symbols[first : first + _FEES_AT_ONCE])
            for each in rows(part(row(await ask("privateGetTradeFees", {"symbols": wanted})), "data")):
                fees[desk.names.symbol(text(each, "symbol"))] = number(each, "takerFeeRate").scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """A list of words."""
        data = row(part(row(await ask("privateGetUserApiKey", {})), "data"))
        granted = text(data, "permission").lower()
        addresses = data.get("ipWhitelist")
        return KeyPowers(
            may_withdraw="withdraw" in granted or "transfer" in granted,
            ip_restricted=bool(addresses) if isinstance(addresses, str) else None,
            may_trade="spot" in granted or "trade" in granted,
        )

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id."""
        params = {"clientOid": self.encode_id(child.client_id), "symbol": desk.names.market_id(child.symbol)}
        data = row(part(row(await ask("privateDeleteHfOrdersClientOrderClientOid", params)), "data"))
        return None if text_or_none(data, "clientOid") else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then in the lists of open and ended orders; then in the fills."""
        market = desk.names.market_id(wanted.child.symbol)
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._named(ask, {"clientOid": client_id, "symbol": market})
        if named is not None:
            return self._order(desk, named)
        listed = rows(part(row(await ask("privateGetHfOrdersActive", {"symbol": market})), "data"))
        listed += await self._since(ask, "privateGetHfOrdersDone", {"symbol": market}, wanted.since_ns)
        match = next((each for each in listed if each.get("clientOid") == client_id), None)
        if match is not None:
            return self._order(desk, match)
        known = {text(each, "id") for each in listed}
        fills = await self._fills(ask, desk, {"symbol": market}, wanted.since_ns)
        strangers = tuple(trade for trade in fills if trade.venue_order_id not in known)
        return Absence(
            endpoints=("hf/orders/client-order", "hf/orders/active", "hf/orders/done", "hf/fills"), strangers=strangers
        )

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        params = {"symbol": desk.names.market_id(order.symbol), "orderId": order.venue_order_id}
        return await self._fills(ask, desk, params, None)

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Of the account that orders trade on."""
        listed = rows(part(row(await ask("privateGetAccounts", {"type": "trade_hf"})), "data"))
        return [
            Balance(
                account=desk.account,
                asset=desk.names.asset(text(each, "currency")),
                total=number(each, "balance"),
                free=number(each, "available"),
            )
            for each in listed
        ]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of every symbol that has any: the venue lists those first."""
        data = row(part(row(await ask("privateGetHfOrdersActiveSymbols", {})), "data"))
        orders: list[VenueOrder] = []
        symbols = data.get("symbols") or []
        if not isinstance(symbols, list):
            raise AnswerUnusable("symbols is no list")
        for market in symbols:
            listed = rows(part(row(await ask("privateGetHfOrdersActive", {"symbol": str(market)})), "data"))
            orders += [self._order(desk, each) for each in listed]
        return orders

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Per symbol: the venue lists no other way."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            trades += await self._fills(ask, desk, {"symbol": desk.names.market_id(symbol)}, since_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """A hundred levels a side."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """With its sequence."""
        params = {"symbol": desk.names.market_id(symbol), "level": 2, "limit": 100}
        body = row(part(row(await ask("publicGetMarketOrderbookLevelLevelLimit", params)), "data"))
        for field in ("sequence", "bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> NumberedBooks:
        """Frames name the market's id."""
        return kucoin_books({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return kucoin_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> KucoinOrders:
        """Order changes."""
        return KucoinOrders()

    @staticmethod
    async def _named(ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            answer = row(await ask("privateGetHfOrdersClientOrderClientOid", params))
        except VenueSaid as said:
            if said.code in _UNKNOWN_ORDER or "not exist" in said.text.lower():
                return None
            raise
        return None if answer.get("data") is None else row(answer["data"])

    async def _since(self, ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos) -> list[Row]:
        """All rows since then up to the venue's now: the venue answers for a week at a time, and says nothing of it."""
        now_ns = ns_of_ms(text(row(await ask("publicGetTimestamp", {})), "data"))
        listed: list[Row] = []
        for start, end in windows(since_ns, now_ns, _WINDOW_MS):
            listed += await self._pages(ask, endpoint, {**params, "startAt": start, "endAt": end})
        return listed

    @staticmethod
    async def _pages(ask: Ask, endpoint: str, params: Mapping[str, object]) -> list[Row]:
        """All rows, newest first; `lastId` leads to the next page."""
        listed: list[Row] = []
        asked: dict[str, object] = {**params, "limit": _PAGE}
        seen: set[str] = set()
        for _ in range(_PAGES_MAX):
            data = row(part(row(await ask(endpoint, asked)), "data"))
            page = rows(part(data, "items"))
            listed += page
            last = text_or_none(data, "lastId")
            if len(page) < _PAGE or last is None:
                return listed
            if last in seen:
                break
            seen.add(last)
            asked = {**asked, "lastId": last}
        raise AnswerUnusable(f"{endpoint} does not end")

    async def _fills(
        self, ask: Ask, desk: Desk, params: Mapping[str, object], since_ns: Nanos | None
    ) -> list[VenueTrade]:
        if since_ns is None:
            listed = await self._pages(ask, "privateGetHfFills", params)
        else:
            listed = await self._since(ask, "privateGetHfFills", params, since_ns)
        return list({text(each, "tradeId"): self._trade(desk, each) for each in listed}.values())

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        quantity, executed = not_negative(source, "size"), not_negative(source, "dealSize")
        active = source.get("active", source.get("isActive"))
        if not isinstance(active, bool):
            raise AnswerUnusable("the order does not say whether it is active")
        ended = VenueOrderStatus.FILLED if executed >= quantity else VenueOrderStatus.CANCELLED
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            venue_order_id=VenueOrderId(text(source, "id")),
            client_id=codec.from_hex(text_or_none(source, "clientOid")),
            side=side(source.get("side")),
            status=VenueOrderStatus.OPEN if active else ended,
            quantity=quantity,
            executed=executed,
            limit_price=number(source, "price") or None,
            venue_time_ns=ns_of_ms(text(source, "createdAt")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        fee = Fee(asset=desk.names.asset(text(source, "feeCurrency")), amount=number(source, "fee"))
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            trade_id=TradeId(text(source, "tradeId")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            side=side(source.get("side")),
            price=positive(source, "price"),
            quantity=positive(source, "size"),
            fees=(fee,) if fee.amount else (),
            maker={"maker": True, "taker": False}.get(str(source.get("liquidity"))),
            venue_time_ns=ns_of_ms(text(source, "createdAt")),
        )
