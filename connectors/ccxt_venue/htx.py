"""HTX spot. Sources: www.htx.com/en-us/opend (spot), ccxt's class and table of errors.

Since 2021-05-26 a used `client-order-id` is no longer refused: a second copy is a second order, and a look-up by id
shows one of them. There is no deadline, so there is no fence. An order is found by our id for two hours after its end,
and an answer to it holds the venue's id alone. Left to itself ccxt asks for the accounts before its first order: they
are read with the markets. Fees are taken from what is received, or in points and tokens.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec, hosts
from connectors.ccxt_venue.book_htx import HtxOrders, htx_books
from connectors.ccxt_venue.book_numbered import NumberedBooks
from connectors.ccxt_venue.calls import AnswerUnusable, Forbidden, VenueSaid
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
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.trades.htx import htx_trades
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.ccxt_venue.windows import windows
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import Asset, ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 100
_OPEN_PAGE = 500
_PAGES_MAX = 200
_WINDOW_MS = 47 * 3_600_000  # lists answer for at most 48 hours at a time
_UNKNOWN_ORDER = frozenset({"base-record-invalid", "order-queryorder-invalid"})
_ENDED = "partial-canceled,filled,canceled"
_LISTED = "spotPrivateGetV1OrderOrders"
_TRADES = "spotPrivateGetV1OrderMatchresults"

_STATUS = {
    "created": VenueOrderStatus.OPEN,
    "pre-submitted": VenueOrderStatus.OPEN,
    "submitted": VenueOrderStatus.OPEN,
    "partial-filled": VenueOrderStatus.OPEN,
    "canceling": VenueOrderStatus.OPEN,
    "filled": VenueOrderStatus.FILLED,
    "partial-canceled": VenueOrderStatus.CANCELLED,
    "canceled": VenueOrderStatus.CANCELLED,
    "rejected": VenueOrderStatus.REJECTED,
}

_REFUSED = (
    "account-frozen-balance-insufficient-error",
    "account-get-accounts-inexistent-error",
    "api-signature-not-valid",
    "api-signature-check-failed",
    "base-symbol-error",
    "base-symbol-trade-disabled",
    "invalid-amount",
    "invalid-price",
    "invalid-parameter",
    "login-required",
    "order-accountbalance-error",
    "order-amount-over-limit",
    "order-etp-nav-price-max-error",
    "order-holding-limit-failed",
    "order-invalid-price",
    "order-limitorder-amount-max-error",
    "order-limitorder-amount-min-error",
    "order-limitorder-price-buy-max-error",
    "order-limitorder-price-buy-min-error",
    "order-limitorder-price-max-error",
    "order-limitorder-price-min-error",
    "order-limitorder-price-sell-max-error",
    "order-limitorder-price-sell-min-error",
    "order-orderamount-precision-error",
    "order-orderprice-precision-error",
    "order-value-min-error",
    "forbidden-trade-for-open-protect",
)

CODES = (
    *(Code(code=code, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="base-request-exceed-frequency-limit", proves=Proves.TOO_MANY),
    Code(code="rate-too-many-requests", proves=Proves.TOO_MANY),
    # Not here, on purpose: timeout, gateway-internal-error, system-maintenance, order-update-error, base-*-error.
)

_ORDERS = "orders"
_CANCELS = "cancels"
_PRIVATE = "private calls"
_PUBLIC = "public calls"


class HtxClient(Adapted, ccxt.pro.htx):  # type: ignore[misc]
    """ccxt's HTX, whose accounts are read once, with the markets, and shared: an order asks for nothing."""

    shared: dict[str, Json]

    async def load_markets(self, reload: bool = False, params: Json = None) -> Json:
        """The markets, and with a key the accounts."""
        markets = await super().load_markets(reload, params or {})
        if self.apiKey and "accounts" not in self.shared:
            self.shared["accounts"] = []  # what asks for the accounts asks for the markets first
            self.shared["accounts"] = await self.fetch_accounts()
        return markets

    async def load_accounts(self, reload: bool = False, params: Json = None) -> Json:  # noqa: ARG002 - ccxt's signature
        """What was read at the start."""
        accounts = self.shared.get("accounts")
        if not accounts:
            raise Forbidden("the accounts were never read: nothing is asked on the way of an order")
        return accounts


class Htx:
    """The dialect."""

    client_class: type[Adapted] = HtxClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = False
    dedupes_for_ever = False
    codes = CODES
    limits = (
        Limit(name=_ORDERS, units=100, per_ns=2 * NS_PER_S, reserved=0),
        Limit(name=_CANCELS, units=100, per_ns=2 * NS_PER_S, reserved=0),
        Limit(name=_PRIVATE, units=20, per_ns=2 * NS_PER_S, reserved=6),
        Limit(name=_PUBLIC, units=10, per_ns=NS_PER_S, reserved=0, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot only."""
        options: dict[str, object] = {
            "options": {
                "defaultType": "spot",
                "fetchMarkets": {"types": {"spot": True, "linear": False, "inverse": False}},
            },
            "has": {"fetchCurrencies": False},
        }
        return (
            options if settings.loopback is None else {**options, **hosts.moved(self.client_class, settings.loopback)}
        )

    def share(self, *private: Exchange) -> None:
        """The accounts."""
        shared: dict[str, Json] = {}
        for each in private:
            assert isinstance(each, HtxClient)
            each.shared = shared

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """The venue counts each endpoint by itself: all private ones together is stricter."""
        if endpoint == "createOrder":
            return {_ORDERS: 1}
        if "Cancel" in endpoint:
            return {_CANCELS: 1}
        return {_PUBLIC if "Public" in endpoint or endpoint == "loadMarkets" else _PRIVATE: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, _deadline: Deadline | None) -> Mapping[str, object]:
        """`buy-ioc`, `buy-limit` or `buy-limit-maker`, and our id, in ccxt's words."""
        return {"clientOrderId": self.encode_id(child.client_id), **unified(child)}

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"status": "error", "err-code": "...", "err-msg": "..."}; version 2: {"code": 2002, "message": "..."}."""
        if not isinstance(answer, dict):
            return ()
        if answer.get("status") == "error" or "err-code" in answer:
            return (Said(code=str(answer.get("err-code")), text=str(answer.get("err-msg"))),)
        if "status" not in answer and str(answer.get("code", "200")) != "200":
            return (Said(code=str(answer["code"]), text=str(answer.get("message"))),)
        return ()

    def accepted(self, answer: Row, _client_id: str) -> VenueOrderId:
        """The order's id, as text. Our id does not come back."""
        same("status", text(answer, "status"), "ok")
        order_id = text(answer, "data")
        if not order_id.isdigit():
            raise AnswerUnusable("the order's id is not a number")
        return VenueOrderId(order_id)

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("spotPublicGetV1CommonTimestamp", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_ms(text(row(await ask("spotPublicGetV1CommonTimestamp", {})), "data")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Per symbol, ten a call."""
        fees = {}
        for first in range(0, len(symbols), 10):
            wanted = ",".join(desk.names.market_id(symbol) for symbol in symbols[first : first + 10])
            answer = row(await ask("spotPrivateGetV2ReferenceTransactFeeRate", {"symbols": wanted}))
            for each in rows(part(answer, "data")):
                fees[desk.names.symbol(text(each, "symbol"))] = number(each, "actualTakerRate").scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """What any key of this user may do: which of them is ours cannot be told from here."""
        uid = text(row(await ask("spotPrivateGetV2UserUid", {})), "data")
        keys = rows(part(row(await ask("spotPrivateGetV2UserApiKey", {"uid": uid})), "data"))
        if not keys:
            return KeyPowers()
        granted = [text(key, "permission").lower() for key in keys]
        addresses = [key.get("ipAddresses") for key in keys]
        return KeyPowers(
            may_withdraw=any("withdraw" in each for each in granted),
            ip_restricted=all(addresses) if all(isinstance(each, str) for each in addresses) else None,
            may_trade=any("trade" in each for each in granted),
        )

    async def cancel(self, ask: Ask, _desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id."""
        params = {"client-order-id": self.encode_id(child.client_id)}
        answer = row(await ask("spotPrivatePostV1OrderOrdersSubmitCancelClientOrder", params))
        return None if text_or_none(answer, "data") == "0" else "the cancel was not taken"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; then among the open orders, then among all that ended since; then in the trades."""
        client_id = self.encode_id(wanted.child.client_id)
        named = await self._named(ask, {"clientOrderId": client_id})
        if named is not None:
            return self._order(desk, named, client_id)
        market = desk.names.market_id(wanted.child.symbol)
        listed = [each for each in await self._open(ask) if each.get("symbol") == market]
        listed += await self._windows(ask, _LISTED, {"symbol": market, "states": _ENDED}, wanted.since_ns)
        match = next((each for each in listed if each.get("client-order-id") == client_id), None)
        if match is not None:
            return self._order(desk, match, client_id)
        known = {text(each, "id") for each in listed}
        trades = await self._trades(ask, desk, market, wanted.since_ns)
        strangers = tuple(trade for trade in trades if trade.venue_order_id not in known)
        return Absence(endpoints=("getClientOrder", "openOrders", "orders", "matchresults"), strangers=strangers)

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id."""
        params = {"order-id": order.venue_order_id}
        listed = rows(part(row(await ask("spotPrivateGetV1OrderOrdersOrderIdMatchresults", params)), "data"))
        return [self._trade(desk, each) for each in listed]

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Of the spot account: one row says what may be traded, another what is frozen."""
        accounts = rows(part(row(await ask("spotPrivateGetV1AccountAccounts", {})), "data"))
        spot = [text(each, "id") for each in accounts if each.get("type") == "spot"]
        if len(spot) != 1:
            raise AnswerUnusable(f"{len(spot)} spot accounts")
        answer = row(await ask("spotPrivateGetV1AccountAccountsAccountIdBalance", {"account-id": spot[0]}))
        held: dict[Asset, dict[str, Decimal]] = {}
        for each in rows(part(row(part(answer, "data")), "list")):
            held.setdefault(desk.names.asset(text(each, "currency")), {})[text(each, "type")] = number(each, "balance")
        return [self._balance(desk, asset, parts) for asset, parts in held.items()]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of all symbols."""
        return [self._order(desk, each, text_or_none(each, "client-order-id")) for each in await self._open(ask)]

    async def trades_since(
        self, ask: Ask, desk: Desk, symbols: Sequence[str], since_ns: Nanos, _until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Per symbol: the venue lists no other way."""
        trades: list[VenueTrade] = []
        for symbol in symbols:
            trades += await self._trades(ask, desk, desk.names.market_id(symbol), since_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """150 levels a side."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """Both sides."""
        params = {"symbol": desk.names.market_id(symbol), "type": "step0"}
        body = row(part(row(await ask("spotPublicGetMarketDepth", params)), "tick"))
        for field in ("bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection, one subscription each."""
        await asyncio.gather(*(exchange.watch_order_book(symbol, 150) for symbol in symbols))

    def book_decoder(self, symbols: Mapping[str, Row]) -> NumberedBooks:
        """Frames name the market's id."""
        return htx_books({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """One subscription a symbol over one connection."""
        await asyncio.gather(*(exchange.watch_trades(symbol) for symbol in symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return htx_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> HtxOrders:
        """Order pushes."""
        return HtxOrders()

    @staticmethod
    async def _named(ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            answer = row(await ask("spotPrivateGetV1OrderOrdersGetClientOrder", params))
        except VenueSaid as said:
            if said.code in _UNKNOWN_ORDER:
                return None
            raise
        return row(part(answer, "data"))

    @staticmethod
    async def _open(ask: Ask) -> list[Row]:
        """All open orders of the account, newest first."""
        found: dict[str, Row] = {}
        asked: dict[str, object] = {"size": _OPEN_PAGE}
        for _ in range(_PAGES_MAX):
            page = rows(part(row(await ask("spotPrivateGetV1OrderOpenOrders", asked)), "data"))
            fresh = {text(each, "id"): each for each in page}
            if page and not fresh.keys() - found.keys():
                break
            found.update(fresh)
            if len(page) < _OPEN_PAGE:
                return list(found.values())
            asked = {"size": _OPEN_PAGE, "from": min(fresh, key=int), "direct": "next"}
        raise AnswerUnusable("open orders do not end")

    async def _windows(self, ask: Ask, endpoint: str, params: Mapping[str, object], since_ns: Nanos) -> list[Row]:
        """All rows since then up to the venue's now: the venue answers for at most 48 hours at a time."""
        data = part(row(await ask("spotPublicGetV1CommonTimestamp", {})), "data")
        found: dict[str, Row] = {}
        for start, end in windows(since_ns, ns_of_ms(data), _WINDOW_MS):
            cut = {"start-time": start, "end-time": end, "size": _PAGE}
            await self._window(ask, endpoint, {**params, **cut}, found)
        return list(found.values())

    @staticmethod
    async def _window(ask: Ask, endpoint: str, first: Mapping[str, object], found: dict[str, Row]) -> None:
        """One window's rows, newest first, a hundred a page."""
        asked = first
        for _ in range(_PAGES_MAX):
            page = rows(part(row(await ask(endpoint, asked)), "data"))
            fresh = {text(each, "id"): each for each in page}
            repeats = bool(page) and not fresh.keys() - found.keys()
            found.update(fresh)
            if len(page) < _PAGE:
                return
            if repeats:
                break
            asked = {**first, "from": min(fresh, key=int), "direct": "next"}
        raise AnswerUnusable(f"{endpoint} does not end")

    async def _trades(self, ask: Ask, desk: Desk, market: str, since_ns: Nanos) -> list[VenueTrade]:
        listed = await self._windows(ask, _TRADES, {"symbol": market}, since_ns)
        return [self._trade(desk, each) for each in listed]

    @staticmethod
    def _balance(desk: Desk, asset: Asset, parts: Mapping[str, Decimal]) -> Balance:
        free = parts.get("trade", Decimal(0))
        with exactly():
            total = free + parts.get("frozen", Decimal(0))
        return Balance(account=desk.account, asset=asset, total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row, client_id: str | None) -> VenueOrder:
        kind = text(source, "type")
        executed = "filled-amount" if "filled-amount" in source else "field-amount"
        told = text_or_none(source, "client-order-id") or client_id
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            venue_order_id=VenueOrderId(text(source, "id")),
            client_id=codec.from_hex(told),
            side=side(kind.partition("-")[0]),
            status=status(_STATUS, text(source, "state")),
            quantity=not_negative(source, "amount"),
            executed=not_negative(source, executed),
            limit_price=number(source, "price") or None,
            venue_time_ns=ns_of_ms(text(source, "created-at")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        taken = Fee(asset=desk.names.asset(text(source, "fee-currency")), amount=number(source, "filled-fees"))
        deducted = text_or_none(source, "fee-deduct-currency")
        points = number(source, "filled-points") if text_or_none(source, "filled-points") else Decimal(0)
        fees = [taken, *([] if deducted is None else [Fee(asset=desk.names.asset(deducted), amount=points)])]
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "symbol")),
            trade_id=TradeId(text(source, "trade-id")),
            venue_order_id=VenueOrderId(text(source, "order-id")),
            side=side(text(source, "type").partition("-")[0]),
            price=positive(source, "price"),
            quantity=positive(source, "filled-amount"),
            fees=tuple(fee for fee in fees if fee.amount),
            maker={"maker": True, "taker": False}.get(str(source.get("role"))),
            venue_time_ns=ns_of_ms(text(source, "created-at")),
        )
