"""Bitget spot, classic account, version 2. Sources: www.bitget.com/api-doc/spot, ccxt's table of errors.

Whether a used `clientOid` is refused once its order has ended is not known. A request window is documented
(`requestTime`, `receiveWindow`), its unit is not: it fences nothing here. Left to itself ccxt asks what kind of account
this is before its first order, and takes a time-out for an answer: it is told. Fees are taken from what is received, or
in BGB, and written negative.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts
from connectors.ccxt_venue.book_bitget import BitgetBooks, BitgetOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange
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
from connectors.ccxt_venue.trades.bitget import bitget_trades
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 100
_PAGES_MAX = 200
_SUCCESS = "00000"
_UNKNOWN_ORDER = frozenset({"40109", "40768", "43001"})

_STATUS = {
    "init": VenueOrderStatus.OPEN,
    "new": VenueOrderStatus.OPEN,
    "live": VenueOrderStatus.OPEN,
    "partially_filled": VenueOrderStatus.OPEN,
    "filled": VenueOrderStatus.FILLED,
    "full_fill": VenueOrderStatus.FILLED,
    "cancelled": VenueOrderStatus.CANCELLED,
}

_REFUSED = (
    "40001",  # key is missing
    "40002",
    "40003",  # signature is missing
    "40006",  # key
    "40007",  # content type
    "40009",  # signature
    "40010",
    "40011",  # passphrase
    "40012",  # key or passphrase
    "40014",  # permission
    "40018",  # address not allowed
    "40019",  # a parameter is empty
    "40020",  # a parameter is wrong
    "40024",  # region
    "40037",  # no such key
    "40085",  # unified account
    "40108",  # quantity
    "40305",  # client id too long
    "40309",  # symbol was removed
    "40706",  # price
    "40762",  # exceeds the balance
    "40808",  # precision
    "43012",  # balance
    "43115",  # not open yet
    "45110",  # below the minimum amount
    "45111",  # below the minimum quantity
    "45113",  # above the maximum value
)

CODES = (
    # An order with this id is there, or was: go and look.
    Code(code="43118", proves=Proves.EXISTS),
    Code(code="40786", proves=Proves.EXISTS),
    Code(code="45034", proves=Proves.EXISTS),
    Code(code="40708", proves=Proves.EXISTS),
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="40004", proves=Proves.REFUSED_FOR_NOW),  # time stamp
    Code(code="40005", proves=Proves.REFUSED_FOR_NOW),
    Code(code="40008", proves=Proves.REFUSED_FOR_NOW),
    Code(code="429", proves=Proves.TOO_MANY),
    # Not here, on purpose: 40015, 1, 30009, 40200, 40604, 40725, 45001, "gateway internal error".
)

_ORDERS = "orders"
_CANCELS = "cancels"
_PRIVATE = "private calls"
_PUBLIC = "public calls"


class BitgetClient(Adapted, ccxt.pro.bitget):  # type: ignore[misc]
    """ccxt's Bitget."""


class Bitget:
    """The dialect."""

    client_class: type[Adapted] = BitgetClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = False
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_ORDERS, units=10, per_ns=NS_PER_S, reserved=0),
        Limit(name=_CANCELS, units=10, per_ns=NS_PER_S, reserved=0),
        Limit(name=_PRIVATE, units=10, per_ns=NS_PER_S, reserved=3),
        Limit(name=_PUBLIC, units=20, per_ns=NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """A classic account, so that its kind has not to be asked; spot only."""
        options: dict[str, object] = {
            "options": {"uta": False, "defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
            "has": {"fetchCurrencies": False},
        }
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """The venue counts each endpoint by itself, ten or twenty a second: all private ones together is stricter."""
        if endpoint == "createOrder":
            return {_ORDERS: 1}
        if endpoint == "privateSpotPostV2SpotTradeCancelOrder":
            return {_CANCELS: 1}
        return {_PUBLIC if endpoint.startswith("public") or endpoint == "loadMarkets" else _PRIVATE: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """`force` in the venue's own lower case: ccxt would write IOC. Given by itself it is all ccxt looks at."""
        force = "post_only" if child.post_only else str(child.time_in_force).lower()
        return {"clientOrderId": self.encode_id(child.client_id), "force": force}

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"code": "43012", "msg": "Insufficient balance"}, under HTTP 200 or 400."""
        if not isinstance(answer, dict) or "code" not in answer or str(answer["code"]) == _SUCCESS:
            return ()
        return (Said(code=str(answer["code"]), text=str(answer.get("msg"))),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """Both ids."""
        same("code", text(answer, "code"), _SUCCESS)
        data = row(part(answer, "data"))
        same("clientOid", text(data, "clientOid"), client_id)
        return VenueOrderId(text(data, "orderId"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicCommonGetV2PublicTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        data = row(part(row(await ask("publicCommonGetV2PublicTime", {})), "data"))
        return ns_of_ms(text(data, "serverTime")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Per symbol."""
        fees = {}
        for symbol in symbols:
            params = {"symbol": desk.names.market_id(symbol), "businessType": "spot"}
            data = row(part(row(await ask("privateCommonGetV2CommonTradeRate", params)), "data"))
            fees[symbol] = number(data, "takerFeeRate").scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """`stow` is spot trade, read and write; `wtow` and `wwow` are the wallet's. None listed tells nothing."""
        data = row(part(row(await ask("privateSpotGetV2SpotAccountInfo", {})), "data"))
        granted = data.get("authorities")
        addresses = data.get("ips")
        bound = bool(addresses) if isinstance(addresses, str) else None
        if not isinstance(granted, list) or not granted:
            return KeyPowers(ip_restricted=bound)
        return KeyPowers(
            may_withdraw=any(str(each).startswith("w") and str(each).endswith("w") for each in granted),
            ip_restricted=bound,
            may_trade="stow" in granted,
        )

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id."""
        params = {"symbol": desk.names.market_id(child.symbol), "clientOid": self.encode_id(child.client_id)}
        data = row(part(row(await ask("privateSpotPostV2SpotTradeCancelOrder", params)), "data"))
        return None if text_or_none(data, "orderId") else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then in the lists of open and ended orders; then in the fills."""
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._named(ask, {"clientOid": client_id})
        if named is not None:
            return self._order(desk, named)
        params = {"symbol": desk.names.market_id(wanted.child.symbol)}
        listed = await self._pages(ask, "privateSpotGetV2SpotTradeUnfilledOrders", params, None, "orderId")
        listed += await self._pages(ask, "privateSpotGetV2SpotTradeHistoryOrders", params, wanted.since_ns, "orderId")
        match = next((each for each in listed if each.get("clientOid") == client_id), None)
        if match is not None:
            return self._order(desk, match)
        known = {text(each, "orderId") for each in listed}
        fills = await self._fills(ask, desk, params, wanted.since_ns)
        strangers = tuple(trade for trade in fills if trade.venue_order_id not in known)
        return Absence(endpoints=("orderInfo", "unfilled-orders", "history-orders", "fills"), strangers=strangers)

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        params = {"symbol": desk.names.market_id(order.symbol), "orderId": order.venue_order_id}
        return await self._fills(ask, desk, params, None)

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Available, frozen and locked."""
        listed = rows(part(row(await ask("privateSpotGetV2SpotAccountAssets", {})), "data"))
        return [self._balance(desk, each) for each in listed]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of all symbols."""
        listed = await self._pages(ask, "privateSpotGetV2SpotTradeUnfilledOrders", {}, None, "orderId")
        return [self._order(desk, each) for each in listed]

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Per symbol."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            trades += await self._fills(ask, desk, {"symbol": desk.names.market_id(symbol)}, since_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """150 levels a side."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """Both sides."""
        params = {"symbol": desk.names.market_id(symbol), "type": "step0", "limit": 150}
        body = row(part(row(await ask("publicSpotGetV2SpotMarketOrderbook", params)), "data"))
        for field in ("bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> BitgetBooks:
        """Frames name the market's id."""
        return BitgetBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return bitget_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> BitgetOrders:
        """The orders channel."""
        return BitgetOrders()

    @staticmethod
    async def _named(ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            answer = row(await ask("privateSpotGetV2SpotTradeOrderInfo", params))
        except VenueSaid as said:
            if said.code in _UNKNOWN_ORDER:
                return None
            raise
        return next(iter(rows(part(answer, "data"))), None)

    @staticmethod
    async def _pages(
        ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos | None, id_field: str
    ) -> list[Row]:
        """All rows, newest first; `idLessThan` leads to older ones."""
        cut = {} if since_ns is None else {"startTime": since_ns // NS_PER_MS}
        found: dict[str, Row] = {}
        asked: dict[str, object] = {**params, **cut, "limit": _PAGE}
        for _ in range(_PAGES_MAX):
            page = rows(part(row(await ask(endpoint, asked)), "data"))
            fresh = {text(each, id_field): each for each in page}
            if page and not fresh.keys() - found.keys():
                break
            found.update(fresh)
            if len(page) < _PAGE:
                return list(found.values())
            asked = {**asked, "idLessThan": min(fresh, key=int)}
        raise AnswerUnusable(f"{endpoint} does not end")

    async def _fills(
        self, ask: Ask, desk: Desk, params: Mapping[str, object], since_ns: Nanos | None
    ) -> list[VenueTrade]:
        listed = await self._pages(ask, "privateSpotGetV2SpotTradeFills", params, since_ns, "tradeId")
        return [self._trade(desk, each) for each in listed]

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        free, frozen, locked = number(source, "available"), number(source, "frozen"), number(source, "locked")
        with exactly():
            total = free + frozen + locked
        return Balance(account=desk.account, asset=desk.names.asset(text(source, "coin")), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            client_id=codec.from_hex(text_or_none(source, "clientOid")),
            side=side(source.get("side")),
            status=status(_STATUS, text(source, "status")),
            quantity=not_negative(source, "size"),
            executed=not_negative(source, "baseVolume") if text_or_none(source, "baseVolume") else Decimal(0),
            limit_price=(number(source, "price") or None) if text_or_none(source, "price") else None,
            venue_time_ns=ns_of_ms(text(source, "cTime")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        detail = row(part(source, "feeDetail"))
        with exactly():
            amount = -number(detail, "totalFee")  # written as a change of the balance
        fee = Fee(asset=desk.names.asset(text(detail, "feeCoin")), amount=amount)
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            trade_id=TradeId(text(source, "tradeId")),
            venue_order_id=VenueOrderId(text(source, "orderId")),
            side=side(source.get("side")),
            price=positive(source, "priceAvg"),
            quantity=positive(source, "size"),
            fees=(fee,) if fee.amount else (),
            maker={"maker": True, "taker": False}.get(str(source.get("tradeScope"))),
            venue_time_ns=ns_of_ms(text(source, "cTime")),
        )
