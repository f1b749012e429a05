"""Crypto.com Exchange, version 1. Sources: exchange-docs.crypto.com, ccxt's class and table of errors.

ccxt drops `clientOrderId`: `client_oid` is given by its own name, to orders, look-ups and cancels alike. Whether a used
one is refused is not known, and a request carries no deadline: there is no fence. An accepted order may be rejected
afterwards. Lists reach back a day unless told. Fees are written negative, with their currency.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts
from connectors.ccxt_venue.book_cryptocom import CryptocomOrders, cryptocom_books
from connectors.ccxt_venue.book_numbered import NumberedBooks
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.http_date import date_of
from connectors.ccxt_venue.mapping import (
    Row,
    not_negative,
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
from connectors.ccxt_venue.trades.cryptocom import cryptocom_trades
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
_SUCCESS = "0"
_UNKNOWN_ORDER = frozenset({"212", "40401"})
_HISTORY = "v1PrivatePostPrivateGetOrderHistory"
_TRADES = "v1PrivatePostPrivateGetTrades"

_STATUS = {
    "NEW": VenueOrderStatus.OPEN,
    "PENDING": VenueOrderStatus.OPEN,
    "ACTIVE": VenueOrderStatus.OPEN,
    "FILLED": VenueOrderStatus.FILLED,
    "CANCELED": VenueOrderStatus.CANCELLED,
    "EXPIRED": VenueOrderStatus.EXPIRED,
    "REJECTED": VenueOrderStatus.REJECTED,
}

_REFUSED = (
    "213",  # quantity
    "306",  # balance
    "314",  # above the maximum size
    "315",  # price too far away
    "325",  # daily volume
    "415",  # below the minimum size
    "10002",  # unauthorised
    "10003",  # address not allowed
    "10004",  # bad request
    "10005",  # tier
    "20002",  # balance
    "30003",  # symbol
    "30004",  # side
    "30005",  # type
    "30006",  # price below the minimum
    "30007",  # price above the maximum
    "30008",  # quantity below the minimum
    "30009",  # quantity above the maximum
    "30013",  # decimals of the price
    "30014",  # decimals of the quantity
    "30016",  # below the minimum notional
    "30017",  # above the maximum notional
    "40004",  # a field is missing
    "40005",
    "40006",
    "40101",  # signature
)

CODES = (
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="10006", proves=Proves.REFUSED_FOR_NOW),
    Code(code="10007", proves=Proves.REFUSED_FOR_NOW),  # nonce
    Code(code="40102", proves=Proves.REFUSED_FOR_NOW),  # nonce more than a minute off
    Code(code="42901", proves=Proves.TOO_MANY),
    # Not here, on purpose: 10001 (SYS_ERROR), 40801 (time-out), 50001, and 43003 to 43005, which speak of an order.
)

_ORDERS = "orders"
_CANCELS = "cancels"
_DETAILS = "details"
_HISTORIES = "histories"
_PRIVATE = "private calls"
_PUBLIC = "public calls"
_COSTS = {
    "createOrder": {_ORDERS: 1},
    "v1PrivatePostPrivateCancelOrder": {_CANCELS: 1},
    "v1PrivatePostPrivateGetOrderDetail": {_DETAILS: 1},
    _HISTORY: {_HISTORIES: 1},
    _TRADES: {_HISTORIES: 1},
}


class CryptocomClient(Adapted, ccxt.pro.cryptocom):  # type: ignore[misc]
    """ccxt's Crypto.com."""


class Cryptocom:
    """The dialect."""

    client_class: type[Adapted] = CryptocomClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = False
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_ORDERS, units=15, per_ns=100 * NS_PER_MS, reserved=0),
        Limit(name=_CANCELS, units=15, per_ns=100 * NS_PER_MS, reserved=0),
        Limit(name=_DETAILS, units=30, per_ns=100 * NS_PER_MS, reserved=0),
        Limit(name=_HISTORIES, units=1, per_ns=NS_PER_S, reserved=0),
        Limit(name=_PRIVATE, units=3, per_ns=100 * NS_PER_MS, reserved=1),
        Limit(name=_PUBLIC, units=100, per_ns=NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot; currencies follow from the markets."""
        options: dict[str, object] = {"options": {"defaultType": "spot"}, "has": {"fetchCurrencies": False}}
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """Nothing: the nonce is a time stamp here."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """Windows per endpoint."""
        return _COSTS.get(endpoint, {_PUBLIC if "Public" in endpoint or endpoint == "loadMarkets" else _PRIVATE: 1})

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """The venue's own name: ccxt would send the order without our id."""
        return {"client_oid": self.encode_id(child.client_id), **unified(child)}

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"code": 306, "message": "INSUFFICIENT_AVAILABLE_BALANCE"}."""
        if not isinstance(answer, dict) or "code" not in answer or str(answer["code"]) == _SUCCESS:
            return ()
        result = answer.get("result")
        order_id = text_or_none(result, "order_id") if isinstance(result, dict) else None
        return (Said(code=str(answer["code"]), text=str(answer.get("message")), order_id=order_id),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """Both ids: the order is on its way to the book."""
        same("code", text(answer, "code"), _SUCCESS)
        result = row(part(answer, "result"))
        same("client_oid", text(result, "client_oid"), client_id)
        return VenueOrderId(text(result, "order_id"))

    async def touch(self, ask: Ask) -> None:
        """The smallest book."""
        await ask("v1PublicGetPublicGetTickers", {"instrument_name": "BTC_USDT"})

    async def server_time(self, ask: Ask, exchange: Exchange) -> tuple[Nanos, int]:
        """No call tells it: the `Date` of an answer does, to the second."""
        await self.touch(ask)
        return date_of(exchange)

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Per instrument, in basis points."""
        fees = {}
        for symbol in symbols:
            params = {"instrument_name": desk.names.market_id(symbol)}
            result = row(part(row(await ask("v1PrivatePostPrivateGetInstrumentFeeRate", params)), "result"))
            fees[symbol] = number(result, "effective_taker_rate_bps")
        return fees

    async def key_powers(self, _ask: Ask) -> KeyPowers:
        """Not told."""
        return KeyPowers()

    async def cancel(self, ask: Ask, _desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id, under the venue's name: ccxt's own cancel would send an empty order_id beside it."""
        answer = row(await ask("v1PrivatePostPrivateCancelOrder", {"client_oid": self.encode_id(child.client_id)}))
        result = answer.get("result")
        named = isinstance(result, Mapping) and text_or_none(result, "order_id")
        return None if named else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then in the lists of open and past orders; then in the trades."""
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._named(ask, {"client_oid": client_id})
        if named is not None:
            return self._order(desk, named)
        params = {"instrument_name": desk.names.market_id(wanted.child.symbol)}
        listed = self._rows(await ask("v1PrivatePostPrivateGetOpenOrders", params))
        listed += await self._since(ask, _HISTORY, params, wanted.since_ns, "order_id")
        match = next((each for each in listed if each.get("client_oid") == client_id), None)
        if match is not None:
            return self._order(desk, match)
        known = {text(each, "order_id") for each in listed}
        trades = [
            self._trade(desk, each) for each in await self._since(ask, _TRADES, params, wanted.since_ns, "trade_id")
        ]
        strangers = tuple(trade for trade in trades if trade.venue_order_id not in known)
        endpoints = ("get-order-detail", "get-open-orders", "get-order-history", "get-trades")
        return Absence(endpoints=endpoints, strangers=strangers)

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, since_ns: Nanos) -> Sequence[VenueTrade]:
        """Out of the instrument's trades since the order: they cannot be asked for by order."""
        params = {"instrument_name": desk.names.market_id(order.symbol)}
        listed = await self._since(ask, _TRADES, params, order.venue_time_ns or since_ns, "trade_id")
        return [self._trade(desk, each) for each in listed if each.get("order_id") == order.venue_order_id]

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Quantity and what is reserved of it."""
        wallets = self._rows(await ask("v1PrivatePostPrivateUserBalance", {}))
        return [self._balance(desk, each) for wallet in wallets for each in rows(part(wallet, "position_balances"))]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of all instruments."""
        return [self._order(desk, each) for each in self._rows(await ask("v1PrivatePostPrivateGetOpenOrders", {}))]

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all instruments."""
        trades = [self._trade(desk, each) for each in await self._since(ask, _TRADES, {}, since_ns, "trade_id")]
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """Fifty levels a side."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """Both sides."""
        params = {"instrument_name": desk.names.market_id(symbol), "depth": 50}
        listed = self._rows(await ask("v1PublicGetPublicGetBook", params))
        body = row(next(iter(listed), None))
        for field in ("bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols), 50, {})

    def book_decoder(self, symbols: Mapping[str, Row]) -> NumberedBooks:
        """Frames name the instrument."""
        return cryptocom_books({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return cryptocom_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> CryptocomOrders:
        """The user's orders."""
        return CryptocomOrders()

    @staticmethod
    def _rows(answer: object) -> list[Row]:
        return rows(part(row(part(row(answer), "result")), "data"))

    @staticmethod
    async def _named(ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            answer = row(await ask("v1PrivatePostPrivateGetOrderDetail", params))
        except VenueSaid as said:
            if said.code in _UNKNOWN_ORDER:
                return None
            raise
        return row(part(answer, "result"))

    async def _since(
        self, ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos, id_field: str
    ) -> list[Row]:
        """All rows since then, newest first, a hundred a page, times in nanoseconds; older pages end where one began.

        The beginning is always named: left out, the venue takes the day before the end.
        """
        found: dict[str, Row] = {}
        asked: dict[str, object] = {**params, "start_time": int(since_ns), "limit": _PAGE}
        for _ in range(_PAGES_MAX):
            page = self._rows(await ask(endpoint, asked))
            fresh = [each for each in page if text(each, id_field) not in found]
            found.update({text(each, id_field): each for each in fresh})
            if len(page) < _PAGE:
                return list(found.values())
            if not fresh:
                break
            asked = {**asked, "end_time": min(int(number(each, "create_time_ns")) for each in page) + 1}
        raise AnswerUnusable(f"{endpoint} does not end")

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        total, held = number(source, "quantity"), number(source, "reserved_qty")
        with exactly():
            free = total - held
        return Balance(
            account=desk.account, asset=desk.names.asset(text(source, "instrument_name")), total=total, free=free
        )

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        price = text_or_none(source, "limit_price")
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "instrument_name")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            client_id=codec.from_hex(text_or_none(source, "client_oid")),
            side=side(source.get("side")),
            status=status(_STATUS, text(source, "status")),
            quantity=not_negative(source, "quantity"),
            executed=not_negative(source, "cumulative_quantity"),
            limit_price=None if price is None else number(source, "limit_price") or None,
            venue_time_ns=Nanos(int(number(source, "create_time_ns"))),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        with exactly():
            amount = -number(source, "fees")  # written as a change of the balance
        fee = Fee(asset=desk.names.asset(text(source, "fee_instrument_name")), amount=amount)
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "instrument_name")),
            trade_id=TradeId(text(source, "trade_id")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            side=side(source.get("side")),
            price=positive(source, "traded_price"),
            quantity=positive(source, "traded_quantity"),
            fees=(fee,) if fee.amount else (),
            maker={"MAKER": True, "TAKER": False}.get(str(source.get("taker_side"))),
            venue_time_ns=Nanos(int(number(source, "create_time_ns"))),
            client_id=codec.from_hex(text_or_none(source, "client_oid")),
        )
