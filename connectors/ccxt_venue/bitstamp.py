"""Bitstamp spot. Sources: www.bitstamp.net/api (v2), ccxt's table of errors.

An order rests on the book unless the venue's own `ioc_order` is true: ccxt sends `timeInForce` as it is, which nobody
reads there. Our id "can only be used once", which an operator may license after measuring it; there is no
request deadline. Answers to orders tell nothing of fills; `order_status` finds an order by our id, without its price
and original amount, with all its transactions. Lists of transactions cannot be asked for an order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro
from ccxt.async_support.base.ws.client import Client

from connectors.budget import NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_bitstamp import BitstampBooks, BitstampOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.http_date import date_of
from connectors.ccxt_venue.mapping import (
    Row,
    not_negative,
    ns_of_iso,
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
from connectors.ccxt_venue.strangers import could_be
from connectors.ccxt_venue.trades.bitstamp import bitstamp_trades
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, TimeInForce, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.side import Side

_PAGE = 1000
_PAGES_MAX = 200
_SINCE_NS_MAX = 29 * 86_400 * NS_PER_S  # `since_timestamp` reaches back thirty days; a day for clocks and lag
_TRADED = "2"
_NOT_FOUND = "Order not found"

_STATUS = {
    "In Queue": VenueOrderStatus.OPEN,
    "Open": VenueOrderStatus.OPEN,
    "Cancel pending": VenueOrderStatus.OPEN,
    "Finished": VenueOrderStatus.FILLED,
    "Canceled": VenueOrderStatus.CANCELLED,
    "Expired": VenueOrderStatus.EXPIRED,
}
_SIDE = {"0": Side.BUY, "1": Side.SELL}

_REFUSED_WORDS = (  # The venue tells reasons in sentences; these are the ones ccxt's table and recordings hold.
    "Check your account balance for details",
    "Minimum order size is",
    "Price is more than",
    "Ensure that there are no more than",
    "No permission found",
    "API key not found",
    "IP address not allowed",
    "Invalid signature",
    "Authentication failed",
    "Missing key, signature and nonce parameters",
    "Wrong API key format",
    "Your account is frozen",
    "Please update your profile with your FATCA information",
    "Trading is currently unavailable for your account",
)

CODES = (
    # Whatever is wrong with our id, its form is always the same: an order with it may be there, so go and look.
    Code(code="", prefix=True, words="client_order_id", proves=Proves.EXISTS),
    Code(code="", prefix=True, words="client order id", proves=Proves.EXISTS),
    *(Code(code="", prefix=True, words=words, proves=Proves.REFUSED) for words in _REFUSED_WORDS),
    # Turned away at the door: a nonce seen before, a time stamp outside 150 s, too many requests.
    Code(code="", prefix=True, words="Invalid nonce", proves=Proves.REFUSED_FOR_NOW),
    Code(code="", prefix=True, words="X-Auth-Timestamp", proves=Proves.REFUSED_FOR_NOW),
    Code(code="", prefix=True, words="rate limit", proves=Proves.TOO_MANY),
    # Not here, on purpose: "Order could not be placed" (an internal error or a halt), maintenance, "Not found".
)

_CALLS_S = "calls per second"
_CALLS_10M = "calls per ten minutes"
_SYMBOLS = "orderSymbols"


class BitstampClient(Adapted, ccxt.pro.bitstamp):  # type: ignore[misc]
    """ccxt's Bitstamp, whose private channels are one per pair."""

    async def watch_orders(self, *_args: object, **_kwargs: object) -> None:
        """The orders of every pair we trade; ends with the first that ends."""
        watch = super().watch_orders
        await asyncio.gather(*(watch(symbol) for symbol in self.options[_SYMBOLS]))

    def client(self, url: str) -> Client:
        """Ccxt keeps futures of `authenticate` in a client that is never dialled and has no URL."""
        return super().client(url) if "://" in url else super(Adapted, self).client(url)


class Bitstamp:
    """The dialect."""

    client_class: type[Adapted] = BitstampClient
    fee_in = FeeIn.QUOTE
    takes_deadline = False
    dedupes_for_ever = True
    codes = CODES
    # "400 requests per second", "10,000 requests per ten minutes" (www.bitstamp.net/api, request limits).
    limits = (
        Limit(name=_CALLS_S, units=400, per_ns=NS_PER_S, reserved=100, by_ip=True),
        Limit(name=_CALLS_10M, units=10_000, per_ns=600 * NS_PER_S, reserved=2_000, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """The pairs whose orders are watched, and the lab's hosts."""
        options: dict[str, object] = {
            "has": {"fetchCurrencies": False},
            "options": {_SYMBOLS: list(settings.symbols)},
        }
        if settings.loopback is not None:
            base = settings.loopback.rstrip("/")
            ws = base.replace("http", "ws", 1)
            options["urls"] = {"api": {"public": f"{base}/api", "private": f"{base}/api", "ws": f"{ws}/ws"}}
        return options

    def share(self, *private: Exchange) -> None:
        """Nothing: nonces are random."""

    def cost(self, _endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """One each."""
        return {_CALLS_S: 1, _CALLS_10M: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """The venue's own words for the time in force; nothing of ccxt's would keep the rest off the book.

        `moc_order` is maker-or-cancel. An order with neither word rests, and may take before it does.
        """
        params: dict[str, object] = {"client_order_id": self.encode_id(child.client_id)}
        if child.time_in_force is TimeInForce.IOC:
            params["ioc_order"] = True
        if child.post_only:
            params["moc_order"] = True
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """`{"status": "error", "reason": sentence or {field: [sentence, ...]}}`; older paths say it under `error`."""
        if not isinstance(answer, dict) or (answer.get("status") != "error" and answer.get("error") is None):
            return ()
        code = str(answer.get("response_code") or answer.get("code") or "error")
        sentences = [each for name in ("reason", "error") for each in _sentences(answer.get(name))]
        return [Said(code=code, text=sentence) for sentence in sentences or ["no reason given"]]

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """The order's id; ours comes back."""
        same("client_order_id", text(answer, "client_order_id"), client_id)
        return VenueOrderId(text(answer, "id"))

    async def touch(self, ask: Ask) -> None:
        """The smallest public answer."""
        await ask("publicGetEurUsd", {})

    async def server_time(self, ask: Ask, exchange: Exchange) -> tuple[Nanos, int]:
        """No call tells the time: the `Date` of an answer does, to the second."""
        await self.touch(ask)
        return date_of(exchange)

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Per cent, per pair."""
        wanted = {desk.names.market_id(symbol): symbol for symbol in symbols}
        fees = {}
        for each in rows(await ask("privatePostFeesTrading", {})):
            symbol = wanted.get(text(each, "market"))
            if symbol is not None:
                fees[symbol] = number(row(part(each, "fees")), "taker").scaleb(2)
        return fees

    async def key_powers(self, _ask: Ask) -> KeyPowers:
        """No call tells what a key may do."""
        return KeyPowers()

    async def cancel(self, ask: Ask, _desk: Desk, child: ChildOrder, venue_order_id: VenueOrderId | None) -> str | None:
        """By the venue's id; without it by ours, under the venue's name for it: ccxt would ask for an order `None`."""
        ours = {"client_order_id": self.encode_id(child.client_id)}
        answer = row(await ask("privatePostCancelOrder", ours if venue_order_id is None else {"id": venue_order_id}))
        return None if text_or_none(answer, "id") else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then among the open orders; then behind each trade that nothing explains."""
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._status(ask, {"client_order_id": client_id})
        if named is not None:
            return self._order(desk, named)
        market = desk.names.market_id(wanted.child.symbol)
        listed = rows(await ask("privatePostOpenOrdersPair", {"pair": market}))
        match = next((each for each in listed if each.get("client_order_id") == client_id), None)
        if match is not None:
            return self._open_order(desk, match)
        trades = await self._transactions(ask, desk, wanted.child.symbol, wanted.since_ns, None)
        strangers = [trade for trade in trades if could_be(wanted.child, trade)]
        for order_id in sorted({trade.venue_order_id for trade in strangers}):
            other = await self._status(ask, {"id": order_id})
            if other is not None and other.get("client_order_id") == client_id:
                return self._order(desk, other)
            if other is not None:
                strangers = [trade for trade in strangers if trade.venue_order_id != order_id]
        return Absence(endpoints=("order_status", "open_orders", "user_transactions"), strangers=tuple(strangers))

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """The transactions of its status: the lists of transactions cannot be asked for an order."""
        known = await self._status(ask, {"id": order.venue_order_id})
        if known is None:
            raise AnswerUnusable("an order that was found a moment ago is not")
        same("id", text(known, "id"), order.venue_order_id)
        return [self._fill(desk, order, each) for each in rows(part(known, "transactions"))]

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Total and available."""
        return [
            Balance(
                account=desk.account,
                asset=desk.names.asset(text(each, "currency").upper()),
                total=number(each, "total"),
                free=number(each, "available"),
            )
            for each in rows(await ask("privatePostAccountBalances", {}))
        ]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account."""
        return [self._open_order(desk, each) for each in rows(await ask("privatePostOpenOrdersAll", {}))]

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Pair by pair: rows of all pairs do not name theirs."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            trades += await self._transactions(ask, desk, symbol, since_ns, until_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """The REST book."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """The whole book with its time in microseconds."""
        body = row(await ask("publicGetOrderBookPair", {"pair": desk.names.market_id(symbol)}))
        number(body, "microtimestamp")
        for name in ("bids", "asks"):
            if not isinstance(body.get(name), list):
                raise AnswerUnusable(f"field {name} is missing")
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """One channel per pair over one connection."""
        await asyncio.gather(*(exchange.watch_order_book(symbol) for symbol in symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> BitstampBooks:
        """Channels name the market's id."""
        return BitstampBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """One subscription a symbol over one connection."""
        await asyncio.gather(*(exchange.watch_trades(symbol) for symbol in symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return bitstamp_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> BitstampOrders:
        """Order events."""
        return BitstampOrders()

    async def _status(self, ask: Ask, name: Mapping[str, object]) -> Row | None:
        try:
            return row(await ask("privatePostOrderStatus", name))
        except VenueSaid as said:
            if _NOT_FOUND in said.text:
                return None
            raise

    async def _transactions(
        self, ask: Ask, desk: Desk, symbol: str, since_ns: int, until_ns: int | None
    ) -> list[VenueTrade]:
        """Every page, oldest first, so that new rows do not move the pages."""
        params: dict[str, object] = {"pair": desk.names.market_id(symbol), "sort": "asc", "limit": _PAGE}
        if until_ns is None or since_ns >= until_ns - _SINCE_NS_MAX:
            params["since_timestamp"] = max(0, since_ns // NS_PER_S)
        found: list[VenueTrade] = []
        for page in range(_PAGES_MAX):
            listed = rows(await ask("privatePostUserTransactionsPair", {**params, "offset": page * _PAGE}))
            found += [self._trade(desk, symbol, each) for each in listed if text(each, "type") == _TRADED]
            if len(listed) < _PAGE:
                return [trade for trade in found if trade.venue_time_ns >= since_ns // NS_PER_S * NS_PER_S]
        raise AnswerUnusable(f"more than {_PAGES_MAX} pages of transactions")

    @staticmethod
    def _symbol(desk: Desk, source: Row) -> str:
        return desk.names.symbol(text(source, "market").replace("/", "").lower())

    def _order(self, desk: Desk, source: Row) -> VenueOrder:
        """Its amount is what was traded and what remains: the venue does not repeat what was asked for."""
        symbol = self._symbol(desk, source)
        base = symbol.partition("/")[0].lower()
        remaining = not_negative(source, "amount_remaining")
        with exactly():
            executed = sum((positive(each, base) for each in rows(part(source, "transactions"))), Decimal(0))
            quantity = executed + remaining
        state = status(_STATUS, text(source, "status"))
        if state is VenueOrderStatus.FILLED and remaining:
            state = VenueOrderStatus.CANCELLED  # "finished" says only that nothing more happens
        return VenueOrder(
            account=desk.account,
            symbol=symbol,
            venue_order_id=VenueOrderId(text(source, "id")),
            client_id=codec.from_hex(text_or_none(source, "client_order_id")),
            side=_side(source),
            status=state,
            quantity=quantity,
            executed=executed,
            limit_price=None,
            venue_time_ns=ns_of_iso(text(source, "datetime")),
        )

    def _open_order(self, desk: Desk, source: Row) -> VenueOrder:
        quantity = positive(source, "amount_at_create")
        with exactly():
            executed = quantity - not_negative(source, "amount")
        return VenueOrder(
            account=desk.account,
            symbol=self._symbol(desk, source),
            venue_order_id=VenueOrderId(text(source, "id")),
            client_id=codec.from_hex(text_or_none(source, "client_order_id")),
            side=_side(source),
            status=VenueOrderStatus.OPEN,
            quantity=quantity,
            executed=executed,
            limit_price=positive(source, "price"),
            venue_time_ns=ns_of_iso(text(source, "datetime")),
        )

    @staticmethod
    def _fill(desk: Desk, order: VenueOrder, source: Row) -> VenueTrade:
        base, quote = order.symbol.split("/")
        return VenueTrade(
            account=desk.account,
            symbol=order.symbol,
            trade_id=TradeId(text(source, "tid")),
            venue_order_id=order.venue_order_id,
            side=order.side,
            price=positive(source, "price"),
            quantity=positive(source, base.lower()),
            fees=_fees(desk, quote, source),
            maker=None,
            venue_time_ns=ns_of_iso(text(source, "datetime")),
        )

    @staticmethod
    def _trade(desk: Desk, symbol: str, source: Row) -> VenueTrade:
        base, quote = symbol.split("/")
        amount = number(source, base.lower())
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(text(source, "id")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            side=Side.BUY if amount > 0 else Side.SELL,
            price=positive(source, f"{base}_{quote}".lower()),
            quantity=abs(amount),
            fees=_fees(desk, quote, source),
            maker=None,
            venue_time_ns=ns_of_iso(text(source, "datetime")),
        )


def _side(source: Row) -> Side:
    return _SIDE.get(text(source, "type")) or side(None)


def _fees(desk: Desk, quote: str, source: Row) -> tuple[Fee, ...]:
    amount = number(source, "fee")
    return (Fee(asset=desk.names.asset(quote), amount=amount),) if amount else ()


def _sentences(reason: object) -> list[str]:
    """A sentence, or sentences by field; those about a field name it."""
    if isinstance(reason, str):
        return [reason]
    if isinstance(reason, list):
        return [str(each) for each in reason]
    if not isinstance(reason, dict):
        return []
    return [
        str(each) if field == "__all__" else f"{field}: {each}"
        for field, told in reason.items()
        for each in (told if isinstance(told, list) else [told])
    ]
