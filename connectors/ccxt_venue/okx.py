"""OKX spot. Sources: okx.com/docs-v5 (trade, account, error codes).

Our id is unique only among *open* orders, and a look-up by it shows the latest of several: it is never sent twice. The
fence is the request header `expTime`, for which ccxt has no option: it travels through ccxt as a field of the order
and is moved into the header where the request is signed. ccxt places through /trade/batch-orders, where HTTP 200 and
even `code` say little: an order's fate is in its row's `sCode`. Cancelled orders without a fill are forgotten after
two hours, and fills move from one list to another after three days.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import ccxt.pro

from connectors.budget import NS_PER_MS, NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_okx import DEPTH, OkxBooks, OkxOrders
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
    status,
    text,
    text_or_none,
)
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.trades.okx import okx_trades
from connectors.ccxt_venue.trades.polling import COSTS_AS
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 100
_PAGES_MAX = 500
_SPOT = "SPOT"
_UNKNOWN_ORDER = "51603"
_DEADLINE = "expTime"
_PLAIN = ("1", "2")
"""`subType` of what an order bought or sold."""
_PLACING = frozenset({"trade/batch-orders", "trade/order"})
_RECENT_NS = 71 * 3600 * NS_PER_S
"""`fills` reaches back three days; an hour less, for clocks that differ."""

_STATUS = {
    "live": VenueOrderStatus.OPEN,
    "partially_filled": VenueOrderStatus.OPEN,
    "filled": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELLED,
    "mmp_canceled": VenueOrderStatus.CANCELLED,
}

_REQUEST_WRONG = ("50002", "50006", "50014", "50015", "50016", "50024", "50025")
_ACCOUNT_MAY_NOT = (
    *("50007", "50009", "50012", "50027", "50028", "50029", "50030", "50032", "50033", "50035"),
    *("50051", "50052", "50059", "50060"),
)
_KEY_WRONG = (
    *("50100", "50101", "50103", "50104", "50105", "50106", "50107", "50110", "50111", "50112", "50113", "50114"),
    *("50119", "50120", "50121"),
)
_ORDER_WRONG = (
    *("51000", "51001", "51005", "51006", "51008", "51009", "51010", "51012", "51015", "51020", "51021", "51022"),
    *("51024", "51025", "51031", "51087", "51110", "51111", "51116", "51120", "51121", "51122", "51124", "51127"),
    *("51131", "51137", "51138", "51150", "51155", "51174", "51185", "51203", "51204"),
)

CODES = (
    # An order with this id is open: go and look. First, so that it is never read as a refusal.
    Code(code="51016", proves=Proves.EXISTS),
    Code(code="50071", words="clOrdId", proves=Proves.EXISTS),
    # Checks before the order is made (docs: error codes, classes "general", "API" and "trade").
    *(Code(code=code, proves=Proves.REFUSED) for code in (*_REQUEST_WRONG, *_ACCOUNT_MAY_NOT, *_KEY_WRONG)),
    *(Code(code=code, proves=Proves.REFUSED) for code in _ORDER_WRONG),
    # Turned away at the gateway, to be tried again: rate of calls, rate of orders, time stamp, and `expTime` passed
    # ("the request will not be processed"): the proof our deadline is there for.
    Code(code="50011", proves=Proves.TOO_MANY),
    *(Code(code=code, proves=Proves.REFUSED_FOR_NOW) for code in ("50061", "50102", "50036")),
    # Not here, on purpose: 50004 ("does not mean that the request was successful or failed"), 50001, 50005, 50013,
    # 50026, 50037 (expired, where?), 50042 ("repeated request"), 51011, 51054, 51149 (timed out); 1 without a row.
)

_ORDERS = "orders"
_SEVERAL_CANCELS = "privatePostTradeCancelBatchOrders"
_LIMITS = {
    # Per two seconds. Placing counts per market, and is counted here for the account: no market is given more than it
    # has. A batch of one counts as a single order.
    _ORDERS: 60,
    "privatePostTradeCancelOrder": 60,
    _SEVERAL_CANCELS: 300,  # orders, not requests
    "privatePostTradeCancelAllAfter": 2,
    "privateGetTradeOrder": 60,
    "privateGetTradeOrdersPending": 60,
    "privateGetTradeOrdersHistory": 40,
    "privateGetTradeFills": 60,
    "privateGetTradeFillsHistory": 10,
    "privateGetAccountBalance": 10,
    "privateGetAccountBills": 5,
    "privateGetAccountConfig": 5,
    "privateGetAccountTradeFee": 5,
    "publicGetMarketBooks": 40,
    "publicGetPublicTime": 10,
    COSTS_AS: 100,
    "loadMarkets": 20,
}
_SHARED = frozenset({"privateGetTradeOrdersPending", "privateGetTradeFills", "privateGetTradeFillsHistory"})
"""Asked by account reads and look-ups alike: half is kept for the latter."""


class OkxClient(Adapted, ccxt.pro.okx):  # type: ignore[misc]
    """ccxt's OKX with the request's deadline in its header, and the venue's time wherever it says the time."""

    def sign(self, path: str, api: Json = ("public",), method: str = "GET", params: Json = None) -> Json:
        """`expTime` leaves the order it came with. Headers other than OKX's own are not part of what is signed.

        Several cancels are a list on the wire, and came as the one field `orders`.
        """
        given = {} if params is None else params
        if path == "trade/cancel-batch-orders":
            return super().sign(path, api, method, given["orders"])
        if path not in _PLACING:
            return super().sign(path, api, method, given)
        orders = given if isinstance(given, list) else [given]
        bare = [{name: value for name, value in order.items() if name != _DEADLINE} for order in orders]
        signed = super().sign(path, api, method, bare if isinstance(given, list) else bare[0])
        deadlines = [int(order[_DEADLINE]) for order in orders if _DEADLINE in order]
        if deadlines:
            signed["headers"] = {**signed["headers"], _DEADLINE: str(min(deadlines))}
        return signed

    def seconds(self) -> int:
        """By the venue's clock: ccxt dates the private socket's login by ours, which half a minute off is refused."""
        return int(self.nonce()) // 1000


class Okx:
    """The dialect."""

    client_class: type[Adapted] = OkxClient
    fee_in = FeeIn.RECEIVED
    takes_deadline = True
    dedupes_for_ever = False
    codes = CODES
    limits = tuple(
        Limit(
            name=name,
            units=units,
            per_ns=2 * NS_PER_S,
            reserved=units // 2 if name in _SHARED else 0,
            by_ip=name.startswith("public") or name == "loadMarkets",
        )
        for name, units in _LIMITS.items()
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Spot only. Demo trading (the header `x-simulated-trading`) is not used."""
        options: dict[str, object] = {
            "has": {"fetchCurrencies": False},
            "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
        }
        if settings.loopback is not None:
            base = settings.loopback.rstrip("/")
            options["urls"] = {"api": {"rest": base, "ws": f"{base.replace('http', 'ws', 1)}/ws/v5"}}
        return options

    def share(self, *private: Exchange) -> None:
        """Nothing."""

    def cost(self, endpoint: str, params: Mapping[str, object]) -> Mapping[str, int]:
        """Every endpoint has a window of its own, one that takes several orders by the order."""
        if endpoint == _SEVERAL_CANCELS:
            return {endpoint: len(rows(params["orders"]))}
        return {_ORDERS if endpoint == "createOrder" else endpoint: 1}

    def encode_id(self, client_id: ClientOrderId) -> str:
        """32 hex digits: the longest it takes, without hyphens."""
        return codec.as_hex(client_id)

    def create_params(self, child: ChildOrder, deadline: Deadline | None) -> Mapping[str, object]:
        """`expTime` is taken out again by `OkxClient.sign`."""
        params: dict[str, object] = {"clientOrderId": self.encode_id(child.client_id), **unified(child)}
        if deadline is not None:
            params[_DEADLINE] = str(deadline.at_ns // NS_PER_MS)
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """Rows with an `sCode` other than 0, and the envelope's `code` where it says more than "some failed"."""
        if not isinstance(answer, dict) or "code" not in answer:
            return ()
        listed = answer.get("data")
        failed = [
            Said(code=str(each["sCode"]), text=str(each.get("sMsg")), order_id=text_or_none(each, "ordId"))
            for each in (listed if isinstance(listed, list) else [])
            if isinstance(each, dict) and str(each.get("sCode", "0")) != "0"
        ]
        code = str(answer["code"])
        told_by_rows = code == "0" or (code in {"1", "2"} and bool(failed))
        return failed if told_by_rows else [*failed, Said(code=code, text=str(answer.get("msg")))]

    def accepted(self, answer: Row, client_id: str) -> VenueOrderId:
        """Exactly one row, with our id and the venue's."""
        same("code", text(answer, "code"), "0")
        listed = rows(part(answer, "data"))
        if len(listed) != 1:
            raise AnswerUnusable(f"{len(listed)} rows for one order")
        same("sCode", text(listed[0], "sCode"), "0")
        same("clOrdId", text(listed[0], "clOrdId"), client_id)
        return VenueOrderId(text(listed[0], "ordId"))

    async def touch(self, ask: Ask) -> None:
        """The clock."""
        await ask("publicGetPublicTime", {})

    async def server_time(self, ask: Ask, _exchange: Exchange) -> tuple[Nanos, int]:
        """To the millisecond."""
        return ns_of_ms(text(_first(await ask("publicGetPublicTime", {})), "ts")), NS_PER_MS

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """Market by market. Rates are negative where they are charged."""
        fees = {}
        for symbol in symbols:
            params = {"instType": _SPOT, "instId": desk.names.market_id(symbol)}
            rates = _first(await ask("privateGetAccountTradeFee", params))
            fees[symbol] = _dearest(rates, symbol.partition("/")[2]).scaleb(4)
        return fees

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """`perm` lists them: read_only, trade, withdraw. `ip` lists addresses, and is empty without any."""
        told = _first(await ask("privateGetAccountConfig", {}))
        listed = text_or_none(told, "perm")
        powers = None if listed is None else listed.split(",")
        addresses = told.get("ip")
        return KeyPowers(
            may_withdraw=None if powers is None else "withdraw" in powers,
            ip_restricted=bool(addresses) if isinstance(addresses, str) else None,
            may_trade=None if powers is None else "trade" in powers,
        )

    async def cancel(self, ask: Ask, desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id. `sCode` 0 means that the request was taken, no more."""
        params = {"instId": desk.names.market_id(child.symbol), "clOrdId": self.encode_id(child.client_id)}
        answer = _first(await ask("privatePostTradeCancelOrder", params))
        return None if text_or_none(answer, "ordId") else "no order named in the answer"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """By our id; where that fails, over the lists of open and ended orders and both lists of fills."""
        market = desk.names.market_id(wanted.child.symbol)
        client_id = self.encode_id(wanted.child.client_id)
        found = await self._named(ask, {"instId": market, "clOrdId": client_id})
        if found is not None:
            return self._order(desk, found)
        since = {"instType": _SPOT, "instId": market, "begin": wanted.since_ns // NS_PER_MS}
        listed = await self._pages(ask, "privateGetTradeOrdersPending", {"instType": _SPOT, "instId": market}, "ordId")
        listed += await self._pages(ask, "privateGetTradeOrdersHistory", since, "ordId")
        match = next((each for each in listed if each.get("clOrdId") == client_id), None)
        if match is not None:
            return self._order(desk, match)
        named = {text(each, "ordId") for each in listed}
        trades = await self._trades(ask, desk, ("privateGetTradeFills", "privateGetTradeFillsHistory"), since)
        strangers = [t for t in trades if t.side is wanted.child.side and t.venue_order_id not in named]
        for order_id in sorted({trade.venue_order_id for trade in strangers}):
            other = await self._named(ask, {"instId": market, "ordId": order_id})  # from before the lists begin?
            if other is not None and other.get("clOrdId") == client_id:
                return self._order(desk, other)
            if other is not None:
                strangers = [trade for trade in strangers if trade.venue_order_id != order_id]
        endpoints = ("order", "orders-pending", "orders-history", "fills", "fills-history")
        return Absence(endpoints=endpoints, strangers=tuple(strangers))

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, _since_ns: Nanos) -> Sequence[VenueTrade]:
        """By the venue's order id; from the long list too where the short one does not add up to what was executed."""
        params = {"instType": _SPOT, "instId": desk.names.market_id(order.symbol), "ordId": order.venue_order_id}
        trades = await self._trades(ask, desk, ("privateGetTradeFills",), params)
        with exactly():
            whole = sum((trade.quantity for trade in trades), Decimal(0)) >= order.executed
        both = ("privateGetTradeFills", "privateGetTradeFillsHistory")
        return trades if whole else await self._trades(ask, desk, both, params)

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """The trading account, every asset of which there is something."""
        account = _first(await ask("privateGetAccountBalance", {}))
        return [self._balance(desk, each) for each in rows(part(account, "details"))]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account, every page."""
        listed = await self._pages(ask, "privateGetTradeOrdersPending", {"instType": _SPOT}, "ordId")
        return [self._order(desk, each) for each in listed]

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all markets. Pages go back from a bill, so new trades do not shift them."""
        recent = until_ns - since_ns < _RECENT_NS
        endpoints = ("privateGetTradeFills",) if recent else ("privateGetTradeFills", "privateGetTradeFillsHistory")
        trades = await self._trades(ask, desk, endpoints, {"instType": _SPOT, "begin": since_ns // NS_PER_MS})
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """The REST book."""
        body = await self.depth(ask, desk, symbol)
        return body["bids"], body["asks"]

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """As deep as the stream."""
        body = _first(await ask("publicGetMarketBooks", {"instId": desk.names.market_id(symbol), "sz": DEPTH}))
        for field in ("bids", "asks"):
            part(body, field)
        return body

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection; the depth names the channel, `books`."""
        await exchange.watch_order_book_for_symbols(list(symbols), DEPTH)

    def book_decoder(self, symbols: Mapping[str, Row]) -> OkxBooks:
        """Frames name the market's id."""
        return OkxBooks({str(market["id"]): symbol for symbol, market in symbols.items()})

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return okx_trades({str(market["id"]): symbol for symbol, market in symbols.items()})

    def order_decoder(self) -> OkxOrders:
        """The `orders` channel."""
        return OkxOrders()

    async def _named(self, ask: Ask, params: Mapping[str, object]) -> Row | None:
        try:
            return _first(await ask("privateGetTradeOrder", params))
        except VenueSaid as said:
            if said.code == _UNKNOWN_ORDER:
                return None
            raise

    @staticmethod
    async def _pages(ask: Ask, endpoint: str, first: Mapping[str, object], cursor: str) -> list[Row]:
        """Newest first, a hundred a page. A page that is not older than the one before is no page."""
        found: list[Row] = []
        params: Mapping[str, object] = {**first, "limit": _PAGE}
        last: Decimal | None = None
        for _ in range(_PAGES_MAX):
            page = _rows(await ask(endpoint, params))
            found += page
            if len(page) < _PAGE:
                return found
            ids = [number(each, cursor) for each in page]
            if last is not None and max(ids) >= last:
                raise AnswerUnusable(f"{endpoint} repeats itself")
            last = min(ids)
            params = {**first, "limit": _PAGE, "after": str(last)}
        raise AnswerUnusable(f"{endpoint} has more than {_PAGES_MAX} pages")

    async def _trades(
        self, ask: Ask, desk: Desk, endpoints: Sequence[str], params: Mapping[str, object]
    ) -> list[VenueTrade]:
        """The lists overlap: a bill is counted once."""
        bills: dict[str, Row] = {}
        for endpoint in endpoints:
            bills.update({text(each, "billId"): each for each in await self._pages(ask, endpoint, params, "billId")})
        return [self._trade(desk, each) for each in bills.values()]

    @staticmethod
    def _balance(desk: Desk, source: Row) -> Balance:
        total, free = number(source, "cashBal"), number(source, "availBal")
        return Balance(account=desk.account, asset=desk.names.asset(text(source, "ccy")), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, source: Row) -> VenueOrder:
        executed = not_negative(source, "accFillSz")
        in_quote = source.get("tgtCcy") == "quote_ccy"
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "instId")),
            venue_order_id=VenueOrderId(text(source, "ordId")),
            client_id=codec.from_hex(text_or_none(source, "clOrdId")),
            side=side(source.get("side")),
            status=status(_STATUS, text(source, "state")),
            # A market order (never ours) may be for an amount of quote: what it did is all that can be said in base.
            quantity=executed if in_quote else not_negative(source, "sz"),
            executed=executed,
            limit_price=not_negative(source, "px") if source.get("px") else None,
            venue_time_ns=ns_of_ms(text(source, "cTime")),
        )

    @staticmethod
    def _trade(desk: Desk, source: Row) -> VenueTrade:
        """A conversion or a block trade (never ours) has no order: its bill stands for it. A plain one must have."""
        bill = f"bill-{text(source, 'billId')}"
        plain = str(source.get("subType") or _PLAIN[0]) in _PLAIN
        trade_id, order_id = (text(source, name) if plain else str(part(source, name)) for name in ("tradeId", "ordId"))
        charged = number(source, "fee").copy_negate() if source.get("fee") else Decimal(0)
        fees = (Fee(asset=desk.names.asset(text(source, "feeCcy")), amount=charged),) if charged else ()
        return VenueTrade(
            account=desk.account,
            symbol=desk.names.symbol(text(source, "instId")),
            trade_id=TradeId(trade_id or bill),
            venue_order_id=VenueOrderId(order_id or bill),
            side=side(source.get("side")),
            price=positive(source, "fillPx"),
            quantity=positive(source, "fillSz"),
            fees=fees,
            maker={"M": True, "T": False}.get(str(source.get("execType"))),
            venue_time_ns=ns_of_ms(text_or_none(source, "fillTime") or text(source, "ts")),
            client_id=codec.from_hex(text_or_none(source, "clOrdId")),
        )


def _rows(answer: Json) -> list[Row]:
    return rows(part(row(answer), "data"))


def _first(answer: Json) -> Row:
    listed = _rows(answer)
    if not listed:
        message = "no row in the answer"
        raise AnswerUnusable(message)
    return listed[0]


def _dearest(rates: Row, quote: str) -> Decimal:
    """What taking costs in a market of this quote currency, as a fraction.

    `taker` is said of markets in USDT, `takerUSDC` of those in other stablecoins, and `fiat` has a row per currency.
    Where it is not plain which holds, the dearest is assumed: a venue is then taken for worse than it is, not better.
    """
    fiat = [each for each in rows(rates.get("fiat") or []) if each.get("ccy") == quote]
    if fiat:
        told = [number(fiat[0], "taker")]
    else:
        names = ("taker",) if quote == "USDT" else ("taker", "takerUSDC")
        told = [number(rates, name) for name in names if rates.get(name)]
    if not told:
        message = "no rate for takers in the answer"
        raise AnswerUnusable(message)
    return min(told).copy_negate()
