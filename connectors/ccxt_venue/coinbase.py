"""Coinbase Advanced Trade. Sources: docs.cdp.coinbase.com (advanced-trade).

There is no request deadline and no look-up by our id: orders are listed by product and time and matched. The venue says
that an id is good for one order for ever and that a second request returns the first order; where the operator has
licensed that (`dedupe_licensed`), the engine may send the same id again, and what comes back is the one order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_coinbase import CoinbaseBooks, CoinbaseOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.mapping import (
    Row,
    flag,
    iso_of_ns,
    not_negative,
    ns_of_iso,
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
from connectors.ccxt_venue.trades.coinbase import CoinbaseTrades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly, ratio
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.rounding import down

_PAGE = 250
_PAGES_MAX = 400
_BOOK_ROWS = 1000
_GRAIN = Decimal("1e-12")
_NOT_FOUND = frozenset({"NOT_FOUND", "not_found"})

_STATUS = {
    "PENDING": VenueOrderStatus.OPEN,
    "QUEUED": VenueOrderStatus.OPEN,
    "OPEN": VenueOrderStatus.OPEN,
    "CANCEL_QUEUED": VenueOrderStatus.OPEN,
    "EDIT_QUEUED": VenueOrderStatus.OPEN,
    "FILLED": VenueOrderStatus.FILLED,
    "CANCELLED": VenueOrderStatus.CANCELLED,
    "EXPIRED": VenueOrderStatus.EXPIRED,
    "FAILED": VenueOrderStatus.REJECTED,
}

_REFUSED = (
    "INSUFFICIENT_FUND",
    "INVALID_LIMIT_PRICE",
    "INVALID_PRICE_PRECISION",
    "INVALID_SIZE_PRECISION",
    "INVALID_PRODUCT_ID",
    "INVALID_SIDE",
    "INVALID_REQUEST",
    "INVALID_NO_LIQUIDITY",
    "INVALID_ARGUMENT",
    "INELIGIBLE_PAIR",
    "ORDER_ENTRY_DISABLED",
    "UNSUPPORTED_ORDER_CONFIGURATION",
    "UNSUPPORTED_ORDER_TYPE",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "unauthorized",
    "Unauthorized",
    "invalid_token",
    "invalid_api_key",
    "invalid_scope",
    "authentication_error",
)

CODES = (
    # "The order fails to be created and the order corresponding to that ID is returned": in whatever words.
    Code(code="DUPLICATE", prefix=True, proves=Proves.EXISTS),
    Code(code="INVALID_REQUEST", words="duplicate", proves=Proves.EXISTS),
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="INVALID_LIMIT_PRICE_POST_ONLY", proves=Proves.WOULD_CROSS),
    Code(code="rate_limit_exceeded", proves=Proves.TOO_MANY),
    Code(code="RESOURCE_EXHAUSTED", proves=Proves.TOO_MANY),
    # Not here, on purpose: UNKNOWN_FAILURE_REASON, COMMANDER_REJECTED_NEW_ORDER, internal_server_error.
)

_PRIVATE = "private calls"
_PUBLIC = "public calls"


class CoinbaseClient(Adapted, ccxt.pro.coinbase):  # type: ignore[misc]
    """ccxt's Coinbase."""


class Coinbase:
    """The dialect."""

    client_class: type[Adapted] = CoinbaseClient
    fee_in = FeeIn.QUOTE
    takes_deadline = False
    dedupes_for_ever = True
    codes = CODES
    limits = (
        Limit(name=_PRIVATE, units=30, per_ns=NS_PER_S, reserved=8),
        Limit(name=_PUBLIC, units=10, per_ns=NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot through Advanced Trade; what currencies are called follows from the markets."""
        options: dict[str, object] = {"has": {"fetchCurrencies": False}, "options": {"defaultType": "spot"}}
        if settings.loopback is not None:
            base = settings.loopback.rstrip("/")
            options["urls"] = {"api": {"rest": base, "ws": f"{base.replace('http', 'ws', 1)}/ws"}}
        return options

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """One each."""
        return {_PUBLIC if "Public" in endpoint or endpoint == "loadMarkets" else _PRIVATE: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """A UUID."""
        return codec.as_uuid(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """`clientOrderId` would be dropped by ccxt and a random id sent: the venue's own name is used."""
        return {"client_order_id": self.encode_id(child.client_id), **unified(child)}

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """Orders: `error_response` under 200; else `error`, or a list `errors` from the older gateway."""
        if not isinstance(answer, dict):
            return ()
        refused = answer.get("error_response")
        if isinstance(refused, dict) and answer.get("success") is not True:
            words = (str(refused.get(name)) for name in ("message", "error_details", "preview_failure_reason"))
            code = str(refused.get("error") or "UNKNOWN_FAILURE_REASON")
            return (Said(code=code, text=" ".join(words), order_id=text_or_none(answer, "order_id")),)
        first = next(iter(answer["errors"]), None) if isinstance(answer.get("errors"), list) else None
        if isinstance(first, dict):
            return (Said(code=str(first.get("id")), text=str(first.get("message"))),)
        if answer.get("error"):
            return (Said(code=str(answer["error"]), text=str(answer.get("message") or answer.get("error_details"))),)
        return ()

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """`success`, the order's id and ours. After a second copy of an id these are the first, the one, order's."""
        if answer.get("success") is not True:
            same("success", str(answer.get("success")), "True")
        success = row(part(answer, "success_response"))
        same("client_order_id", text(success, "client_order_id"), client_id)
        return VenueOrderId(text(success, "order_id"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("v3PublicGetBrokerageTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_ms(text(row(await ask("v3PublicGetBrokerageTime", {})), "epochMillis")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, _desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """One tier for all products."""
        summary = row(await ask("v3PrivateGetBrokerageTransactionSummary", {"product_type": "SPOT"}))
        rate = number(row(part(summary, "fee_tier")), "taker_fee_rate").scaleb(4)
        return dict.fromkeys(symbols, rate)

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """`can_transfer` moves money."""
        powers = row(await ask("v3PrivateGetBrokerageKeyPermissions", {}))
        return KeyPowers(may_withdraw=flag(powers, "can_transfer"), may_trade=flag(powers, "can_trade"))

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, venue_order_id: VenueOrderId | None) -> str | None:
        """Only by the venue's id: without it the order is looked for first."""
        order_id = venue_order_id
        if order_id is None:
            market = desk.names.market_id(child.symbol)
            match = self._match(await self._orders(ask, {"product_ids": [market], "order_status": ["OPEN"]}), child)
            if match is None:
                return "the venue lists no open order with this id"
            order_id = VenueOrderId(text(match, "order_id"))
        answer = row(await ask("v3PrivatePostBrokerageOrdersBatchCancel", {"order_ids": [order_id]}))
        first = next(iter(rows(part(answer, "results"))), {})
        return None if first.get("success") is True else str(first.get("failure_reason"))

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By the venue's id if we have it; else in the product's list since the decision."""
        if wanted.venue_order_id is not None:
            named = await self._by_id(ask, wanted.venue_order_id)
            if named is not None and self._match([named], wanted.child) is not None:
                return self._order(desk, named)
        listed = await self._listed(ask, desk, wanted.child.symbol, wanted.since_ns)
        match = self._match(listed, wanted.child)
        if match is not None:
            return self._order(desk, match)
        named_ids = {text(each, "order_id") for each in listed}
        market = desk.names.market_id(wanted.child.symbol)
        trades = await self._fills(ask, desk, {"product_ids": [market]}, wanted.since_ns)
        strangers = [t for t in trades if t.side is wanted.child.side and t.venue_order_id not in named_ids]
        for order_id in {trade.venue_order_id for trade in strangers}:
            other = await self._by_id(ask, order_id)  # an order from before the list began, or the one we look for
            if other is not None and self._match([other], wanted.child) is not None:
                return self._order(desk, other)
            if other is not None:
                strangers = [trade for trade in strangers if trade.venue_order_id != order_id]
        return Absence(endpoints=("historical/batch", "historical/fills"), strangers=tuple(strangers))

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """Fills by the venue's order id."""
        return await self._fills(ask, desk, {"order_ids": [order.venue_order_id]}, None)

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Available and held, every page."""
        pages = await self._pages(ask, "v3PrivateGetBrokerageAccounts", {}, "accounts")
        return [self._balance(desk, each) for each in pages]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account."""
        return [self._order(desk, each) for each in await self._orders(ask, {"order_status": ["OPEN"]})]

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all products."""
        return sorted(await self._fills(ask, desk, {}, since_ns), key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """REST product book."""
        book = await self.depth(ask, desk, symbol)
        sides = [
            [(text(each, "price"), text(each, "size")) for each in rows(part(book, name))] for name in ("bids", "asks")
        ]
        return sides[0], sides[1]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """One product's sides."""
        params = {"product_id": desk.names.market_id(symbol), "limit": _BOOK_ROWS}
        return row(part(row(await ask("v3PublicGetBrokerageMarketProductBook", params)), "pricebook"))

    def book_decoder(self, symbols: Mapping[str, Row]) -> CoinbaseBooks:
        """Frames name the product; subscribing to an alias (BTC-USDC) brings frames of the product behind it."""
        return CoinbaseBooks(_by_product(symbols))

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """Trades, and the channel that beats once a second: without it the venue ends a quiet connection."""
        await asyncio.gather(
            exchange.watch_trades_for_symbols(list(symbols)), exchange.subscribe("heartbeats", False, list(symbols))
        )

    def trade_decoder(self, symbols: Mapping[str, Row]) -> CoinbaseTrades:
        """Public trades."""
        return CoinbaseTrades(_by_product(symbols))

    def order_decoder(self) -> CoinbaseOrders:
        """The user channel."""
        return CoinbaseOrders()

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """Books, and the channel that beats once a second, so that silence can be told from quiet."""
        await asyncio.gather(
            exchange.watch_order_book_for_symbols(list(symbols)), exchange.subscribe("heartbeats", False, list(symbols))
        )

    async def _by_id(self, ask: Ask, order_id: str) -> Row | None:
        try:
            answer = row(await ask("v3PrivateGetBrokerageOrdersHistoricalOrderId", {"order_id": order_id}))
        except VenueSaid as said:
            if said.code in _NOT_FOUND:
                return None
            raise
        return row(part(answer, "order"))

    async def _listed(self, ask: Ask, desk: Desk, symbol: str, since_ns: int) -> list[Row]:
        params = {"product_ids": [desk.names.market_id(symbol)], "start_date": iso_of_ns(since_ns)}
        return await self._orders(ask, params)

    async def _orders(self, ask: Ask, params: Mapping[str, object]) -> list[Row]:
        return await self._pages(ask, "v3PrivateGetBrokerageOrdersHistoricalBatch", params, "orders")

    @staticmethod
    async def _pages(ask: Ask, endpoint: str, params: Mapping[str, object], name: str) -> list[Row]:
        """All rows of a list. A page without a cursor, a row, or (where it says so) a successor is the last."""
        found: list[Row] = []
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(_PAGES_MAX):
            page = row(await ask(endpoint, {**params, "limit": _PAGE, **({"cursor": cursor} if cursor else {})}))
            listed = rows(part(page, name))
            found += listed
            cursor = text_or_none(page, "cursor") if listed and page.get("has_next") is not False else None
            if cursor is None:
                return found
            if cursor in seen:
                raise AnswerUnusable(f"{name}: the venue's pages repeat themselves")
            seen.add(cursor)
        raise AnswerUnusable(f"{name}: more than {_PAGES_MAX} pages")

    async def _fills(
        self, ask: Ask, desk: Desk, params: Mapping[str, object], since_ns: int | None
    ) -> list[VenueTrade]:
        since = {} if since_ns is None else {"start_sequence_timestamp": iso_of_ns(since_ns)}
        endpoint = "v3PrivateGetBrokerageOrdersHistoricalFills"
        listed = await self._pages(ask, endpoint, {**params, **since}, "fills")
        return list({text(each, "entry_id"): self._trade(desk, each) for each in listed}.values())

    def _match(self, listed: Sequence[Row], child: ChildOrder) -> Row | None:
        """The order with our id. One on our side that has none at all could be ours: then nobody can say."""
        for each in listed:
            if each.get("side") == child.side:
                text(each, "client_order_id")
        client_id = self.encode_id(child.client_id)
        return next((each for each in listed if each.get("client_order_id") == client_id), None)

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        free = number(row(part(source, "available_balance")), "value")
        held = number(row(part(source, "hold")), "value")
        with exactly():
            total = free + held
        return Balance(account=desk.account, asset=desk.names.asset(text(source, "currency")), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        kinds = row(part(source, "order_configuration"))
        terms = row(next(iter(kinds.values()), {}))
        executed = not_negative(source, "filled_size")
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "product_id")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            client_id=codec.from_uuid(text_or_none(source, "client_order_id")),
            side=side(source.get("side")),
            status=status(_STATUS, text(source, "status")),
            # An order in quote currency (never ours) has no base size: what it did is all that can be said.
            quantity=not_negative(terms, "base_size") if terms.get("base_size") else executed,
            executed=executed,
            limit_price=positive(terms, "limit_price") if terms.get("limit_price") else None,
            venue_time_ns=ns_of_iso(text(source, "created_time")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        symbol = desk.names.symbol(text(source, "product_id"))
        price, size = positive(source, "price"), positive(source, "size")
        fee = Fee(asset=desk.names.asset(symbol.partition("/")[2]), amount=number(source, "commission"))
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(text(source, "trade_id")),
            venue_order_id=VenueOrderId(text(source, "order_id")),
            side=side(source.get("side")),
            price=price,
            # Only a foreign order is in quote currency; its base size is not in the row and is computed.
            quantity=_base_size(size, price) if source.get("size_in_quote") is True else size,
            fees=(fee,) if fee.amount else (),
            maker={"MAKER": True, "TAKER": False}.get(str(source.get("liquidity_indicator"))),
            venue_time_ns=ns_of_iso(text(source, "trade_time")),
        )


def _base_size(quote_size: Decimal, price: Decimal) -> Decimal:
    """What a size in quote bought, to a grain no venue trades below: a quotient's endless digits fit nowhere."""
    return max(down(ratio(quote_size, price), _GRAIN), _GRAIN)


def _by_product(symbols: Mapping[str, Row]) -> dict[str, list[str]]:
    """Symbols by the product ids their frames may name: their own, and that of the product they are an alias of."""
    by_product: dict[str, list[str]] = {}
    for symbol, market in symbols.items():
        alias = text_or_none(row(market.get("info") or {}), "alias")
        for product in {str(market["id"]), *([alias] if alias else [])}:
            by_product.setdefault(product, []).append(symbol)
    return by_product
