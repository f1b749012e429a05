"""Coinbase Exchange. Sources: docs.cdp.coinbase.com/exchange, ccxt's class and table of errors.

`client_oid` is a UUID; whether a used one is refused is not known, and a request carries no deadline (its time stamp is
checked when it arrives, within 30 s, by general knowledge): there is no fence. An order that ended without a fill may
be forgotten at once, so `404` is no proof by itself. Fees are in quote currency.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts
from connectors.ccxt_venue.book_coinbaseexchange import CoinbaseexchangeBooks, CoinbaseexchangeOrders
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.clients import Adapted, Exchange, Json
from connectors.ccxt_venue.dialect import Absence, Ask, Deadline, Desk, Wanted
from connectors.ccxt_venue.mapping import (
    Row,
    iso_of_ns,
    not_negative,
    ns_of_iso,
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
from connectors.ccxt_venue.trades.coinbaseexchange import coinbaseexchange_trades
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 1000
_PAGES_MAX = 200
_NOT_FOUND = 404
_FULL_BOOK = 2

_STATUS = {
    "received": VenueOrderStatus.OPEN,
    "pending": VenueOrderStatus.OPEN,
    "open": VenueOrderStatus.OPEN,
    "active": VenueOrderStatus.OPEN,
    "canceling": VenueOrderStatus.OPEN,
    "rejected": VenueOrderStatus.REJECTED,
    "canceled": VenueOrderStatus.CANCELLED,
}
_DONE = {
    "filled": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELLED,
    "rejected": VenueOrderStatus.REJECTED,
}

# The venue answers in sentences, without codes. Each of these is said of a request that made no order.
_REFUSED = (
    "Insufficient funds",
    "price too small",
    "price too precise",
    "price is too large",
    "size is too small",
    "size too precise",
    "size is too large",
    "size is required",
    "Product not found",
    "Invalid product_id",
    "Post only mode",
    "Limit only mode",
    "Cancel only mode",
    "Trading is disabled",
    "Invalid API Key",
    "invalid signature",
    "Invalid Passphrase",
    "request timestamp expired",
    "Forbidden",
    "Unauthorized",
)

CODES = (
    *(Code(code=words, prefix=True, proves=Proves.REFUSED) for words in _REFUSED),
    Code(code="Private rate limit exceeded", prefix=True, proves=Proves.TOO_MANY),
    Code(code="Public rate limit exceeded", prefix=True, proves=Proves.TOO_MANY),
    # Not here, on purpose: "Internal server error", "Service under maintenance", and whatever is said of a used id.
)

_PRIVATE = "private calls"
_PUBLIC = "public calls"


class CoinbaseexchangeClient(Adapted, ccxt.pro.coinbaseexchange):  # type: ignore[misc]
    """ccxt's Coinbase Exchange, with one subscription for all our products on either stream."""

    async def watch_order_book_for_symbols(
        self, symbols: Sequence[str], limit: int | None = None, params: Json = None
    ) -> Json:
        """The batched channel, which wants no key, and the one that beats once a second."""
        products = [self.market(symbol)["id"] for symbol in symbols]
        request = {"type": "subscribe", "product_ids": products, "channels": ["level2_batch", "heartbeat"]}
        hashes = [f"level2:{product}" for product in products]
        subscription = {**(params or {}), "limit": limit}
        return await self.watch_multiple(self.urls["api"]["ws"], hashes, request, hashes, subscription)

    async def watch_orders(
        self, _symbol: str | None = None, _since: int | None = None, _limit: int | None = None, params: Json = None
    ) -> Json:
        """Ccxt's own wants a symbol: this one takes them all."""
        symbols = self.options["ourSymbols"]
        return await self.subscribe_multiple("user", symbols, "orders", {**(params or {}), **self.authenticate()})


class Coinbaseexchange:
    """The dialect."""

    client_class: type[Adapted] = CoinbaseexchangeClient
    fee_in = FeeIn.QUOTE
    takes_deadline = False
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_PRIVATE, units=15, per_ns=NS_PER_S, reserved=5),
        Limit(name=_PUBLIC, units=10, per_ns=NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Which symbols the private stream is about; currencies follow from the markets."""
        options: dict[str, object] = {
            "options": {"ourSymbols": list(settings.symbols)},
            "has": {"fetchCurrencies": False},
        }
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """One each."""
        return {_PUBLIC if endpoint.startswith("public") or endpoint == "loadMarkets" else _PRIVATE: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """A UUID."""
        return codec.as_uuid(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """As ccxt says it."""
        return {"clientOrderId": self.encode_id(child.client_id), **unified(child)}

    def errors(self, status: int, answer: object) -> Sequence[Said]:
        """{"message": "Insufficient funds"}: the sentence is the code."""
        if not isinstance(answer, dict) or "message" not in answer or "id" in answer:
            return ()
        said = str(answer["message"])
        return (Said(code=str(status) if status == _NOT_FOUND else said, text=said),)

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """The order, pending. Our id comes back where the venue repeats it."""
        told = text_or_none(answer, "client_oid")
        if told is not None:
            same("client_oid", told, client_id)
        text(answer, "product_id")
        if text(answer, "status") == "rejected":
            raise AnswerUnusable("the order was rejected in its answer")
        return VenueOrderId(text(answer, "id"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicGetTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_seconds(part(row(await ask("publicGetTime", {})), "epoch")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, _desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """One tier for all products."""
        rate = number(row(await ask("privateGetFees", {})), "taker_fee_rate").scaleb(4)
        return dict.fromkeys(symbols, rate)

    async def key_powers(self, _ask: Ask) -> KeyPowers:
        """Not told."""
        return KeyPowers()

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id, with the venue's name of the product: ccxt would write its own."""
        client_id = self.encode_id(child.client_id)
        params = {"client_oid": client_id, "product_id": desk.names.market_id(child.symbol)}
        answer = await ask("privateDeleteOrdersClientClientOid", params)
        # The answer is the order's id: in a list, or as a bare JSON text, which our reader does not take. Then the
        # cancel is unclear, and the order is read again.
        named = isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], str) and answer[0]
        return None if named else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then in the product's list, whatever its state; then in the fills."""
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._named(ask, "privateGetOrdersClientClientOid", {"client_oid": client_id})
        if named is not None:
            return self._order(desk, named, client_id)
        market = desk.names.market_id(wanted.child.symbol)
        listed = await self._pages(ask, "privateGetOrders", {"product_id": market, "status": "all"}, wanted.since_ns)
        match = next((each for each in listed if each.get("client_oid") == client_id), None)
        if match is not None:
            return self._order(desk, match, client_id)
        known = {text(each, "id") for each in listed}
        fills = await self._fills(ask, desk, {"product_id": market}, wanted.since_ns)
        strangers = tuple(trade for trade in fills if trade.venue_order_id not in known)
        return Absence(endpoints=("orders/client", "orders", "fills"), strangers=strangers)

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        return await self._fills(ask, desk, {"order_id": order.venue_order_id}, None)

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Balance and what is available of it."""
        return [
            Balance(
                account=desk.account,
                asset=desk.names.asset(text(each, "currency")),
                total=number(each, "balance"),
                free=number(each, "available"),
            )
            for each in rows(await ask("privateGetAccounts", {}))
        ]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account; without a status the list holds the open ones."""
        listed = await self._pages(ask, "privateGetOrders", {}, None)
        return [self._order(desk, each, text_or_none(each, "client_oid")) for each in listed]

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Per product: the venue lists no other way."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            trades += await self._fills(ask, desk, {"product_id": desk.names.market_id(symbol)}, since_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """The aggregated book."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """Both sides."""
        body = row(await ask("publicGetProductsIdBook", {"id": desk.names.market_id(symbol), "level": _FULL_BOOK}))
        for field in ("bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All products over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> CoinbaseexchangeBooks:
        """Frames name the product."""
        return CoinbaseexchangeBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All products over one connection, and the channel that beats once a second."""
        await exchange.watch_trades_for_symbols(list(symbols), params={"channels": ["matches", "heartbeat"]})

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return coinbaseexchange_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> CoinbaseexchangeOrders:
        """The user channel."""
        return CoinbaseexchangeOrders()

    @staticmethod
    async def _named(ask: Ask, endpoint: str, params: Mapping[str, object]) -> Row | None:
        try:
            return row(await ask(endpoint, params))
        except VenueSaid as said:
            if said.status == _NOT_FOUND:
                return None
            raise

    @staticmethod
    async def _pages(ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos | None) -> list[Row]:
        """All rows, newest first, cut at `since_ns`. Older pages are asked for by time: cursors travel in headers."""
        found: dict[str, Row] = {}
        cut = {} if since_ns is None else {"start_date": iso_of_ns(since_ns)}
        asked: dict[str, object] = {**params, **cut, "limit": _PAGE, "sorting": "desc", "sortedBy": "created_at"}
        for _ in range(_PAGES_MAX):
            page = rows(await ask(endpoint, asked))
            fresh = [each for each in page if text(each, "id") not in found]
            found.update({text(each, "id"): each for each in fresh})
            if len(page) < _PAGE:
                return list(found.values())
            if not fresh:
                break
            asked = {**asked, "end_date": min(text(each, "created_at") for each in page)}
        raise AnswerUnusable(f"{endpoint} does not end")

    async def _fills(
        self, ask: Ask, desk: Desk, params: Mapping[str, object], since_ns: Nanos | None
    ) -> list[VenueTrade]:
        """All fills, newest first, page by page towards older trade ids."""
        found: dict[str, VenueTrade] = {}
        cut = {} if since_ns is None else {"start_date": iso_of_ns(since_ns)}
        asked: dict[str, object] = {**params, **cut, "limit": _PAGE}
        for _ in range(_PAGES_MAX):
            page = rows(await ask("privateGetFills", asked))
            fresh = {text(each, "trade_id"): self._trade(desk, each) for each in page}
            if not fresh.keys() - found.keys() and page:
                break
            found.update(fresh)
            if len(page) < _PAGE:
                return list(found.values())
            asked = {**asked, "after": min(int(number(each, "trade_id")) for each in page)}
        raise AnswerUnusable("fills do not end")

    @staticmethod
    def _order(desk: Desk, source: Row, client_id: str | None) -> VenueOrder:
        word = text(source, "status")
        done = word in {"done", "settled"}
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "product_id")),
            venue_order_id=VenueOrderId(text(source, "id")),
            client_id=codec.from_uuid(text_or_none(source, "client_oid") or client_id),
            side=side(source.get("side")),
            status=status(_DONE, text(source, "done_reason")) if done else status(_STATUS, word),
            quantity=number(source, "size") if source.get("size") else number(source, "filled_size"),
            executed=not_negative(source, "filled_size"),
            limit_price=number(source, "price") if source.get("price") else None,
            venue_time_ns=ns_of_iso(text(source, "created_at")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        symbol = desk.names.symbol(text(source, "product_id"))
        fee = Fee(asset=desk.names.asset(symbol.partition("/")[2]), amount=number(source, "fee"))
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(text(source, "trade_id")),  # numbered per product, as the booking key is
            venue_order_id=VenueOrderId(text(source, "order_id")),
            side=side(source.get("side")),
            price=positive(source, "price"),
            quantity=positive(source, "size"),
            fees=(fee,) if fee.amount else (),
            maker={"M": True, "T": False}.get(str(source.get("liquidity"))),
            venue_time_ns=ns_of_iso(text(source, "created_at")),
        )
