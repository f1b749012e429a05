"""Bitfinex spot, the exchange wallet. Sources: docs.bitfinex.com (v2), ccxt's class.

Our 128 bits do not fit: `cid` takes 45, unique per UTC day on request, not by force. 45 bits of the id go out, and a
record is ours only when cid, time, symbol, side, quantity and price agree; two such records are a doubt. There is no
deadline, so there is no fence. Every answer is a list; errors come under HTTP 500, in the venue's own words. Prices
have five significant digits instead of a tick: the grid is taken for twice today's price. Fees are written negative.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts, wire
from connectors.ccxt_venue.book_bitfinex import SEQ_ALL, BitfinexBooks, BitfinexOrders
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.clients import Adapted, Exchange, Json
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.http_date import date_of
from connectors.ccxt_venue.mapping import Row, decimal_of, ns_of_ms, part, same
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.bitfinex import BitfinexTrades
from connectors.ccxt_venue.turn import Turn
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.side import Side

_PAGE = 2500
_PAGES_MAX = 100
_ERROR = "error"
_ERROR_ROW = (_ERROR, "code", "text")
_SERVER_ERROR = 500
_BAD_REQUEST = 400
_SIGNIFICANT = 5
_WALLET = "exchange"
_MANY = "answer"
"""A list of the venue, as the one field of an object: outcomes are judged by objects."""

# An order: id, group, cid, symbol, created, updated, amount left, amount, type, ..., status, ..., price, average.
_ID, _CID, _SYMBOL, _CREATED, _LEFT, _AMOUNT, _STATUS_AT, _PRICE = 0, 2, 3, 4, 6, 7, 13, 16
# A trade: id, pair, time, order id, amount, price, order type, order price, maker, fee, fee currency.
_T_PAIR, _T_TIME, _T_ORDER, _T_AMOUNT, _T_PRICE, _T_MAKER, _T_FEE, _T_FEE_IN = 1, 2, 3, 4, 5, 8, 9, 10
# A notification: time, kind, -, -, orders, code, status, text.
_N_ORDERS, _N_CODE, _N_STATUS, _N_TEXT = 4, 5, 6, 7

_STATUS = (
    ("ACTIVE", VenueOrderStatus.OPEN),
    ("PARTIALLY FILLED", VenueOrderStatus.OPEN),
    ("EXECUTED", VenueOrderStatus.FILLED),
    ("CANCELED", VenueOrderStatus.CANCELLED),
    ("IOC CANCELED", VenueOrderStatus.CANCELLED),
    ("FILLORKILL CANCELED", VenueOrderStatus.CANCELLED),
    ("POSTONLY CANCELED", VenueOrderStatus.CANCELLED),
    ("INSUFFICIENT BALANCE", VenueOrderStatus.CANCELLED),
    ("INSUFFICIENT MARGIN", VenueOrderStatus.CANCELLED),
    ("RSN_DUST", VenueOrderStatus.REJECTED),
    ("RSN_PAUSE", VenueOrderStatus.REJECTED),
)

CODES = (
    # 10001 is "invalid order", whose words tell why.
    Code(code="10001", words="not enough", proves=Proves.REFUSED),
    Code(code="10001", words="minimum size", proves=Proves.REFUSED),
    Code(code="10001", words="maximum size", proves=Proves.REFUSED),
    Code(code="10001", words="symbol: invalid", proves=Proves.REFUSED),
    Code(code="10001", words="price: invalid", proves=Proves.REFUSED),
    Code(code="10001", words="amount: invalid", proves=Proves.REFUSED),
    Code(code="10020", proves=Proves.REFUSED),  # parameters
    Code(code="10100", proves=Proves.REFUSED),  # key, signature
    Code(code="10111", proves=Proves.REFUSED),
    Code(code="10112", proves=Proves.REFUSED),
    Code(code="10113", proves=Proves.REFUSED),
    Code(code="10114", proves=Proves.REFUSED_FOR_NOW),  # nonce
    Code(code="11010", proves=Proves.TOO_MANY),  # rate limit
    # Not here, on purpose: 10000 (unknown), 20060 (maintenance), and whatever else 10001 may say.
)

_ORDERS = "orders"
_READS = "reads"
_PUBLIC = "public calls"


class BitfinexClient(Adapted, ccxt.pro.bitfinex):  # type: ignore[misc]
    """ccxt's Bitfinex: one nonce per key, a grid for prices, and its answers as the outcome is judged by."""

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
        """Shared by all clients of the account."""
        return self.turn.nonce(int(self.microseconds()))

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
        """The venue says no under HTTP 500; ["error", code, text] is its own word, whatever the status."""
        told = _BAD_REQUEST if code == _SERVER_ERROR and _is_error(response_body) else code
        super().on_rest_response(
            told, reason, url, method, response_headers, response_body, request_headers, request_body
        )
        transmission = wire.current()
        if transmission is not None and response_body.lstrip().startswith("["):
            transmission.body = f'{{"{_MANY}":{response_body}}}'
        return response_body

    async def fetch_markets(self, params: Json = None) -> Json:
        """With a tick: five significant digits of twice the last price, which holds until the price has doubled."""
        markets = await super().fetch_markets(params or {})
        tickers = await self.publicGetTickers({"symbols": "ALL"})
        last = {each[0]: each[7] for each in tickers if str(each[0]).startswith("t")}
        for market in markets:
            market["precision"] = {"amount": "0.00000001", "price": tick_of(last.get(market["id"]))}
        return markets

    def price_to_precision(self, _symbol: str, price: Json) -> str:
        """As given: the grid was checked."""
        return str(price)

    def amount_to_precision(self, _symbol: str, amount: Json) -> str:
        """As given."""
        return str(amount)


def tick_of(last: object) -> str | None:
    """The grid on which every price up to twice this one has at most five significant digits; None without a price."""
    if not isinstance(last, int | float) or isinstance(last, bool) or last <= 0:
        return None
    doubled = decimal_of(last, "last price") * 2
    return str(Decimal(1).scaleb(max(doubled.adjusted() - _SIGNIFICANT + 1, -8)))


def _is_error(body: str) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, list) and len(answer) == len(_ERROR_ROW) and answer[0] == _ERROR


class Bitfinex:
    """The dialect."""

    client_class: type[Adapted] = BitfinexClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = False
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_ORDERS, units=90, per_ns=60 * NS_PER_S, reserved=30, by_ip=True),
        Limit(name=_READS, units=90, per_ns=60 * NS_PER_S, reserved=30, by_ip=True),
        Limit(name=_PUBLIC, units=30, per_ns=60 * NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot; currencies follow from the markets."""
        options: dict[str, object] = {"options": {"defaultType": "spot"}, "has": {"fetchCurrencies": False}}
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """The nonce and the turn."""
        turn = Turn()
        for each in private:
            assert isinstance(each, BitfinexClient)
            each.turn = turn

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """The strictest window each kind of call is given."""
        if endpoint in {"createOrder", "privatePostAuthWOrderCancel"}:
            return {_ORDERS: 1}
        return {_READS if endpoint.startswith("private") else _PUBLIC: 2 if endpoint == "loadMarkets" else 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """45 bits of it, as a number."""
        return codec.as_int45(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """A number: ccxt lets a text through, which the venue does not read."""
        return {"clientOrderId": int(self.encode_id(child.client_id)), **unified(child)}

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """["error", 10001, "Invalid order: ..."], or a notification whose status is not SUCCESS."""
        told = answer.get(_MANY) if isinstance(answer, dict) else answer
        if not isinstance(told, list) or not told:
            return ()
        if told[0] == _ERROR:
            words = [*map(str, told[1:3]), "", ""]
            return (Said(code=words[0], text=words[1]),)
        if len(told) > _N_TEXT and told[1] == "on-req" and told[_N_STATUS] != "SUCCESS":
            return (Said(code=str(told[_N_CODE]), text=str(told[_N_TEXT])),)
        return ()

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """A notification of success that holds our one order."""
        told = _list(part(answer, _MANY), _N_TEXT + 1)
        same("status", str(told[_N_STATUS]), "SUCCESS")
        orders = _list(told[_N_ORDERS], 1)
        if len(orders) != 1:
            raise AnswerUnusable("not one order in the answer")
        order = _list(orders[0], _PRICE + 1)
        same("cid", str(order[_CID]), client_id)
        return VenueOrderId(_id(order[_ID]))

    async def touch(self, ask: Ask) -> None:
        """One ticker."""
        await ask("publicGetTickerSymbol", {"symbol": "tBTCUSD"})

    async def server_time(self, ask: Ask, exchange: Exchange) -> tuple[Nanos, int]:
        """No call tells it: the `Date` of an answer does, to the second."""
        await self.touch(ask)
        return date_of(exchange)

    async def taker_fees_bps(self, ask: Ask, _desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """The dearest of the rates to crypto, stable and fiat: which one a quote counts as is not told."""
        summary = _list(await ask("privatePostAuthRSummary", {}), 5)
        takers = _list(_list(summary[4], 2)[1], 3)[:3]
        rate = max(decimal_of(each, "taker fee") for each in takers).scaleb(4)
        return dict.fromkeys(symbols, rate)

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """[scope, read, write] rows."""
        rows = [_list(each, 3)[:3] for each in _list(await ask("privatePostAuthRPermissions", {}))]
        writes = {str(scope): bool(write) for scope, _, write in rows}
        return KeyPowers(may_withdraw=writes.get("withdraw"), may_trade=writes.get("orders"))

    async def cancel(self, ask: Ask, _desk: Desk, child: ChildOrder, order_id: VenueOrderId | None) -> str | None:
        """By the venue's id if we have it; else by cid and the UTC day, which ccxt's own cancel writes otherwise."""
        day = datetime.fromtimestamp(child.decided_at_ns // NS_PER_S, UTC).date().isoformat()
        by_cid = {"cid": int(self.encode_id(child.client_id)), "cid_date": day}
        params = by_cid if order_id is None else {"id": int(order_id)}
        told = _list(await ask("privatePostAuthWOrderCancel", params), _N_STATUS + 1)
        return None if told[_N_STATUS] == "SUCCESS" else str(told[-1])

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """In the lists of open and past orders; ours agrees in everything that was sent."""
        market = desk.names.market_id(wanted.child.symbol)
        listed = _list(await ask("privatePostAuthROrdersSymbol", {"symbol": market}))
        past = await self._pages(ask, "privatePostAuthROrdersSymbolHist", {"symbol": market}, wanted.since_ns, _CREATED)
        orders = {str(_list(each, _PRICE + 1)[_ID]): each for each in [*past, *listed]}
        ours = [each for each in orders.values() if self._is_ours(desk, each, wanted)]
        if len(ours) > 1:
            raise AnswerUnusable("two orders agree with ours in everything")
        if ours:
            return self._order(desk, ours[0], wanted.child.client_id)
        trades = await self._pages(
            ask, "privatePostAuthRTradesSymbolHist", {"symbol": market}, wanted.since_ns, _T_TIME
        )
        strangers = [
            trade for trade in (self._trade(desk, each) for each in trades) if trade.venue_order_id not in orders
        ]
        return Absence(endpoints=("orders", "orders/hist", "trades/hist"), strangers=tuple(strangers))

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        params = {"symbol": desk.names.market_id(order.symbol), "id": int(order.venue_order_id)}
        return [self._trade(desk, each) for each in _list(await ask("privatePostAuthROrderSymbolIdTrades", params))]

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Of the exchange wallet."""
        wallets = [_list(each, 5) for each in _list(await ask("privatePostAuthRWallets", {}))]
        return [
            Balance(
                account=desk.account,
                asset=desk.names.asset(str(each[1])),
                total=decimal_of(each[2], "balance"),
                free=decimal_of(each[4], "available balance"),
            )
            for each in wallets
            if each[0] == _WALLET
        ]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of all symbols. Whose they are cannot be read from 45 bits: a look-up tells."""
        return [self._order(desk, each, None) for each in _list(await ask("privatePostAuthROrders", {}))]

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all symbols."""
        listed = await self._pages(ask, "privatePostAuthRTradesHist", {}, since_ns, _T_TIME)
        return sorted((self._trade(desk, each) for each in listed), key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """A hundred levels a side."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """[price, count, amount] rows, brought into two sides, best first."""
        params = {"symbol": desk.names.market_id(symbol), "precision": "P0", "len": 100}
        listed = [_list(each, 3) for each in _list(await ask("publicGetBookSymbolPrecision", params))]
        bids = [[str(each[0]), str(each[2])] for each in listed if each[2] > 0]
        asks = [[str(each[0]), str(-each[2])] for each in listed if each[2] < 0]
        return {"bids": bids, "asks": asks}

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """Numbers first, then all books over one connection."""
        url = exchange.urls["api"]["ws"]["public"]
        numbers = exchange.watch(url, "conf", {"event": "conf", "flags": SEQ_ALL}, "conf")
        await asyncio.gather(numbers, *(exchange.watch_order_book(symbol, 100) for symbol in symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> BitfinexBooks:
        """Channels are named by the market's id."""
        return BitfinexBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """Numbers first, then all trades over one connection."""
        url = exchange.urls["api"]["ws"]["public"]
        numbers = exchange.watch(url, "conf", {"event": "conf", "flags": SEQ_ALL}, "conf")
        await asyncio.gather(numbers, *(exchange.watch_trades(symbol) for symbol in symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> BitfinexTrades:
        """Public trades."""
        return BitfinexTrades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> BitfinexOrders:
        """Channel 0."""
        return BitfinexOrders()

    def _is_ours(self, desk: Desk, source: object, wanted: Wanted) -> bool:
        """45 bits are not an identity: everything else that was sent must agree, too. Without a cid that is a doubt."""
        child, cid = wanted.child, _list(source, _PRICE + 1)[_CID]
        if cid is not None and (not isinstance(cid, int) or isinstance(cid, bool)):
            raise AnswerUnusable("cid is not a whole number")
        if cid is not None and str(cid) != self.encode_id(child.client_id):
            return False
        order = self._order(desk, source, child.client_id)
        if not wanted.as_sent:
            if cid is None:
                raise AnswerUnusable("an order without a cid may be the one that is sought")
            return (child.symbol, child.side) == (order.symbol, order.side)
        sent = (child.symbol, child.side, child.quantity, child.limit_price)
        late_enough = order.venue_time_ns is not None and order.venue_time_ns >= wanted.since_ns
        agrees = late_enough and sent == (order.symbol, order.side, order.quantity, order.limit_price)
        if agrees and cid is None:
            raise AnswerUnusable("an order without a cid agrees with ours in everything else")
        return agrees

    @staticmethod
    async def _pages(
        ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos, time_at: int
    ) -> list[Sequence[Json]]:
        """All rows since then, newest first; an older page ends where the last one began."""
        found: dict[str, Sequence[Json]] = {}
        asked: dict[str, object] = {**params, "start": since_ns // NS_PER_MS, "limit": _PAGE}
        for _ in range(_PAGES_MAX):
            page = [_list(each, time_at + 1) for each in _list(await ask(endpoint, asked))]
            fresh = {f"{each[0]} {each[_T_ORDER]}": each for each in page}
            if page and not fresh.keys() - found.keys():
                break
            found.update(fresh)
            if len(page) < _PAGE:
                return list(found.values())
            asked = {**asked, "end": min(int(_id(each[time_at])) for each in page)}
        raise AnswerUnusable(f"{endpoint} does not end")

    @staticmethod
    def _order(desk: Desk, source: object, client_id: ClientOrderId | None) -> VenueOrder:
        told = _list(source, _PRICE + 1)
        if not isinstance(told[_SYMBOL], str) or not told[_SYMBOL]:
            raise AnswerUnusable("symbol is no name")
        amount, left = decimal_of(told[_AMOUNT], "amount"), decimal_of(told[_LEFT], "amount left")
        word = str(told[_STATUS_AT])
        state = next((state for start, state in _STATUS if word.startswith(start)), None)
        if state is None:
            raise AnswerUnusable(f"order status {word} is not known")
        with exactly():
            executed = abs(amount) - abs(left)
        if state is VenueOrderStatus.FILLED and left:
            state = VenueOrderStatus.CANCELLED
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(str(told[_SYMBOL])),
            venue_order_id=VenueOrderId(_id(told[_ID])),
            client_id=client_id,
            side=Side.BUY if amount > 0 else Side.SELL,
            status=state,
            quantity=abs(amount),
            executed=executed,
            limit_price=decimal_of(told[_PRICE], "price") or None,
            venue_time_ns=ns_of_ms(told[_CREATED]),
        )

    @staticmethod
    def _trade(desk: Desk, source: object) -> VenueTrade:
        told = _list(source, _T_FEE_IN + 1)
        amount, price = decimal_of(told[_T_AMOUNT], "amount"), decimal_of(told[_T_PRICE], "price")
        if not amount or price <= 0:
            raise AnswerUnusable("a trade of nothing, or for nothing")
        with exactly():
            paid = -decimal_of(told[_T_FEE], "fee")  # written as a change of the balance
        fee = Fee(asset=desk.names.asset(str(told[_T_FEE_IN])), amount=paid)
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(str(told[_T_PAIR])),
            trade_id=TradeId(_id(told[_ID])),
            venue_order_id=VenueOrderId(_id(told[_T_ORDER])),
            side=Side.BUY if amount > 0 else Side.SELL,
            price=price,
            quantity=abs(amount),
            fees=(fee,) if fee.amount else (),
            maker={"1": True, "-1": False}.get(str(told[_T_MAKER])),
            venue_time_ns=ns_of_ms(told[_T_TIME]),
        )


def _id(value: object) -> str:
    """`value` as the digits of an id, or of a moment: a whole number above zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        message = "a whole number was expected"
        raise AnswerUnusable(message)
    return str(value)


def _list(value: object, at_least: int = 0) -> Sequence[Any]:
    """`value` as a list of at least so many items."""
    if not isinstance(value, list) or len(value) < at_least:
        message = f"a list of {at_least} was expected"
        raise AnswerUnusable(message)
    return value
