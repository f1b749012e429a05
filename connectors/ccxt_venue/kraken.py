"""Kraken spot. Sources: docs.kraken.com (rest-api, websocket v2).

Our id is unique only among open orders. The fence is `deadline`, honoured at the matching engine. `fetch_order` by our
id is a false negative in ccxt (it asks by userref), so open *and* closed orders are asked by cl_ord_id. A key's nonce
must grow with every call, in the order of arrival: one private call of a key is under way at a time (invariant I16).
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import aiohttp
import ccxt.pro

from connectors.budget import NS_PER_S, Limit
from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_kraken import Digits, KrakenBooks, KrakenOrders
from connectors.ccxt_venue.calls import AnswerUnusable
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
    side,
    status,
    text,
    text_or_none,
)
from connectors.ccxt_venue.time_in_force import unified
from connectors.ccxt_venue.trades.decoding import PlainTrades
from connectors.ccxt_venue.trades.kraken import kraken_trades
from connectors.ccxt_venue.turn import Turn
from connectors.ccxt_venue.verdict import Code, Proves, Said
from connectors.settings import VenueSettings
from router.model.balances import Balance
from router.model.ids import ClientOrderId, Nanos, TradeId, VenueOrderId
from router.model.instruments import FeeIn
from router.model.keys import KeyPowers
from router.model.money import exactly
from router.model.orders import ChildOrder, Fee, VenueOrder, VenueOrderStatus, VenueTrade

_PAGE = 50
_DEADLINE_NS_MAX = 59 * NS_PER_S
_PING_S = 2.0
_NS_PER_US = 1000
_PAGES_MAX = 200
_BOOK_DEPTH = 100

_STATUS = {
    "pending": VenueOrderStatus.OPEN,
    "open": VenueOrderStatus.OPEN,
    "closed": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELLED,
    "expired": VenueOrderStatus.EXPIRED,
}

_REFUSED = (
    "EOrder:Insufficient funds",
    "EOrder:Order minimum not met",
    "EOrder:Cost minimum not met",
    "EOrder:Tick size check failed",
    "EOrder:Invalid price",
    "EOrder:Invalid order",
    "EOrder:Trading agreement required",
    "EGeneral:Permission denied",
    "EGeneral:Invalid arguments",
    "EGeneral:Unknown method",
    "EQuery:Unknown asset pair",
    "EAPI:Invalid key",
    "EAPI:Invalid signature",
    "EAPI:Bad request",
    "EAccount:Invalid permissions",
    "EService:Market in",
)
_REFUSED_FOR_NOW = (
    "EAPI:Invalid nonce",
    "EOrder:Rate limit exceeded",
    "EOrder:Orders limit exceeded",
    "EGeneral:Temporary lockout",
    "EGeneral:Too many requests",
    "EService:Throttled",
    # The engine refused it because it came too late: the proof our deadline is there for.
    "EService:Deadline elapsed",
)

CODES = (
    # An open order has this id: go and look.
    Code(code="EGeneral:Invalid arguments", words="cl_ord_id not unique", prefix=True, proves=Proves.EXISTS),
    Code(code="EOrder:Duplicate", prefix=True, proves=Proves.EXISTS),
    *(Code(code=code, prefix=True, proves=Proves.REFUSED) for code in _REFUSED),
    Code(code="EOrder:Post only order", prefix=True, proves=Proves.WOULD_CROSS),
    *(Code(code=code, prefix=True, proves=Proves.REFUSED_FOR_NOW) for code in _REFUSED_FOR_NOW),
    Code(code="EAPI:Rate limit exceeded", prefix=True, proves=Proves.TOO_MANY),
    # Not here, on purpose: EService:Timeout, :Unavailable, :Busy, EGeneral:Internal error.
)

_COUNTER = "call counter"
_ORDERS = "order counter"
_PUBLIC = "public calls"
# Ledger and trade history count double; placing and cancelling have a counter of their own (docs: rate limits). What a
# cancel counts hangs on the order's age (`cancelling.BY_AGE`).
_COUNTS = {
    "privatePostTradesHistory": {_COUNTER: 2},
    "privatePostLedgers": {_COUNTER: 2},
    "privatePostClosedOrders": {_COUNTER: 1},
    "privatePostCancelOrder": {_ORDERS: 8},
    "privatePostCancelOrderBatch": {_ORDERS: 100},
    "createOrder": {_ORDERS: 1},
}


class KrakenClient(Adapted, ccxt.pro.kraken):  # type: ignore[misc]
    """ccxt's Kraken with one nonce per key."""

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
        return self.turn.nonce(int(self.nonce()))


async def _pinged(exchange: Exchange) -> tuple[Nanos, int]:
    """The time in the answer to a ping, over a socket of its own, and its resolution.

    What the socket took to open is taken off the resolution: the ping left so much later than we began, so the venue's
    clock is known so much better. Far from the venue, or on a busy machine, opening takes most of the time there is.
    """
    url = exchange.urls["api"]["ws"]["publicV2"]
    exchange.check_target(url)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with asyncio.timeout(_PING_S), exchange.session.ws_connect(url) as socket:
        opening_ns = int((loop.time() - began_s) * NS_PER_S)
        await socket.send_json({"method": "ping", "req_id": 1})
        async for frame in socket:
            try:
                answer = row(frame.json())
            except (TypeError, ValueError):
                message = "a frame that is no JSON"
                raise AnswerUnusable(message) from None
            if answer.get("method") == "pong":
                return ns_of_iso(text(answer, "time_in")), _NS_PER_US - opening_ns
    message = "the socket was closed before the answer"
    raise aiohttp.ClientConnectionError(message)


class Kraken:
    """The dialect."""

    client_class: type[Adapted] = KrakenClient
    fee_in = FeeIn.QUOTE
    takes_deadline = True
    dedupes_for_ever = False
    codes = CODES
    # The intermediate tier. Counters run down evenly: 20 at 0.5/s, orders 125 at 2.34/s per pair.
    limits = (
        Limit(name=_COUNTER, units=20, per_ns=40 * NS_PER_S, reserved=6, drips=True),
        Limit(name=_ORDERS, units=125, per_ns=53 * NS_PER_S, reserved=45, drips=True),
        Limit(name=_PUBLIC, units=10, per_ns=10 * NS_PER_S, reserved=0, drips=True, by_ip=True),
    )

    def options(self, settings: VenueSettings) -> Mapping[str, object]:
        """Hosts of the lab; nothing else differs."""
        if settings.loopback is None:
            return {}
        base = settings.loopback.rstrip("/")
        ws = base.replace("http", "ws", 1)
        sockets = {"public": f"{ws}/", "private": f"{ws}/", "publicV2": f"{ws}/v2", "privateV2": f"{ws}/v2-private"}
        return {"urls": {"api": {"public": base, "private": base, "ws": sockets}}}

    def share(self, *private: Exchange) -> None:
        """The nonce and the turn."""
        turn = Turn()
        for each in private:
            assert isinstance(each, KrakenClient)
            each.turn = turn

    def cost(self, endpoint: str, _params: Mapping[str, object]) -> Mapping[str, int]:
        """Of the API counter, unless it is a trading or public call."""
        if endpoint.startswith("public") or endpoint == "loadMarkets":
            return {_PUBLIC: 1}
        return _COUNTS.get(endpoint, {_COUNTER: 1})

    def encode_id(self, client_id: ClientOrderId) -> str:
        """The long UUID."""
        return codec.as_uuid(client_id)

    def create_params(self, child: ChildOrder, deadline: Deadline | None) -> Mapping[str, object]:
        """The fee is asked for in quote: left alone, Kraken takes a seller's in base."""
        params = {"clientOrderId": self.encode_id(child.client_id), **unified(child), "oflags": "fciq"}
        if deadline is not None:
            params["deadline"] = iso_of_ns(min(deadline.at_ns, deadline.now_ns + _DEADLINE_NS_MAX))
        return params

    def errors(self, _status: int, answer: object) -> Sequence[Said]:
        """{"error": ["EOrder:Insufficient funds"]}: the sentence is the code."""
        if not isinstance(answer, dict) or not isinstance(answer.get("error"), list):
            return ()
        return [Said(code=str(sentence), text=str(sentence)) for sentence in answer["error"]]

    def accepted(self, answer: Row, _client_id: str) -> VenueOrderId:
        """Exactly one transaction id. Our id does not come back."""
        ids = part(row(part(answer, "result")), "txid")
        first = ids[0] if isinstance(ids, list) and len(ids) == 1 else None
        return VenueOrderId(text({"txid": first}, "txid"))

    async def touch(self, ask: Ask) -> None:
        """The clock, by REST: the socket that tells it exactly is another host's."""
        await ask("publicGetTime", {})

    async def server_time(self, ask: Ask, exchange: Exchange) -> tuple[Nanos, int]:
        """From a websocket ping, to the microsecond; REST says only the second (and is asked if the ping fails)."""
        try:
            return await _pinged(exchange)
        except (TimeoutError, aiohttp.ClientError, AnswerUnusable):
            result = row(part(row(await ask("publicGetTime", {})), "result"))
            return ns_of_seconds(part(result, "unixtime")), NS_PER_S

    async def taker_fees_bps(self, ask: Ask, desk: Desk, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """TradeVolume, pair by pair of the request: a percentage."""
        pairs = ",".join(desk.names.market_id(symbol) for symbol in symbols)
        result = row(part(row(await ask("privatePostTradeVolume", {"pair": pairs})), "result"))
        fees = row(part(result, "fees"))
        return {desk.names.symbol(pair): number(row(tier), "fee").scaleb(2) for pair, tier in fees.items()}

    async def key_powers(self, ask: Ask) -> KeyPowers:
        """GetApiKeyInfo lists permissions, and the addresses the key is good from."""
        result = row(part(row(await ask("privatePostGetApiKeyInfo", {})), "result"))
        listed = [str(each).lower() for each in part(result, "permissions")]
        addresses = result.get("ipAllowlist", result.get("ip_allowlist"))
        return KeyPowers(
            may_withdraw=any("withdraw" in each for each in listed),
            ip_restricted=bool(addresses) if isinstance(addresses, list) else None,
            may_trade=any("modify-trades" in each or "create" in each for each in listed),
        )

    async def cancel(self, ask: Ask, _desk: Desk, child: ChildOrder, _order_id: VenueOrderId | None) -> str | None:
        """By our id."""
        answer = row(await ask("privatePostCancelOrder", {"cl_ord_id": self.encode_id(child.client_id)}))
        count = text_or_none(row(part(answer, "result")), "count")
        return None if count not in {None, "0"} else "no order was cancelled"

    async def find(self, ask: Ask, desk: Desk, wanted: Wanted) -> VenueOrder | Absence:
        """Open, then closed orders by our id: an order that ends in between is in the second.

        Neither is cut by time: no clock, theirs or ours, can hide an order that is asked for by its name.
        """
        client_id = self.encode_id(wanted.child.client_id)
        for endpoint, key in (("privatePostOpenOrders", "open"), ("privatePostClosedOrders", "closed")):
            result = row(part(row(await ask(endpoint, {"cl_ord_id": client_id})), "result"))
            listed = row(part(result, key))
            for txid, each in listed.items():
                if text_or_none(row(each), "cl_ord_id") == client_id:
                    return self._order(desk, txid, row(each))
            if listed:
                raise AnswerUnusable(f"{endpoint} does not heed cl_ord_id: what is not in its list may exist")
        trades = await self._trades(ask, desk, wanted.since_ns, None)
        unexplained = [t for t in trades if t.symbol == wanted.child.symbol and t.side is wanted.child.side]
        named = await self._orders_named(ask, sorted({trade.venue_order_id for trade in unexplained}))
        for txid, each in named.items():
            if text_or_none(each, "cl_ord_id") == client_id:
                return self._order(desk, txid, each)
        return Absence(
            endpoints=("OpenOrders", "ClosedOrders", "TradesHistory"),
            strangers=tuple(trade for trade in unexplained if trade.venue_order_id not in named),
        )

    async def trades_of(self, ask: Ask, desk: Desk, order: VenueOrder, since_ns: Nanos) -> Sequence[VenueTrade]:
        """Out of the account's trades since the order: Kraken lists them no other way.

        When that does not hold all that was executed (its clock was set meanwhile), from `since_ns` on.
        """
        found: list[VenueTrade] = []
        for since in (order.venue_time_ns or since_ns, since_ns):
            trades = await self._trades(ask, desk, Nanos(since), None)
            found = [trade for trade in trades if trade.venue_order_id == order.venue_order_id]
            with exactly():
                if sum((trade.quantity for trade in found), Decimal(0)) >= order.executed:
                    break
        return found

    async def balances(self, ask: Ask, desk: Desk) -> Sequence[Balance]:
        """Balance and what open orders hold of it."""
        result = row(part(row(await ask("privatePostBalanceEx", {})), "result"))
        return [self._balance(desk, asset, row(each)) for asset, each in result.items()]

    async def open_orders(self, ask: Ask, desk: Desk) -> Sequence[VenueOrder]:
        """Of the whole account."""
        result = row(part(row(await ask("privatePostOpenOrders", {})), "result"))
        return [self._order(desk, txid, row(each)) for txid, each in row(part(result, "open")).items()]

    async def trades_since(
        self, ask: Ask, desk: Desk, _symbols: Sequence[str], since_ns: Nanos, until_ns: Nanos
    ) -> Sequence[VenueTrade]:
        """Of all pairs; `until_ns` keeps new trades from shifting the pages."""
        trades = await self._trades(ask, desk, since_ns, until_ns)
        return sorted(trades, key=lambda trade: trade.venue_time_ns)

    async def book(self, ask: Ask, desk: Desk, symbol: str) -> tuple[Sequence[Sequence[str]], ...]:
        """REST depth."""
        book = await self.depth(ask, desk, symbol)
        return part(book, "bids"), part(book, "asks")

    async def depth(self, ask: Ask, desk: Desk, symbol: str) -> Row:
        """One pair's sides."""
        market = desk.names.market_id(symbol)
        result = row(part(row(await ask("publicGetDepth", {"pair": market, "count": _BOOK_DEPTH})), "result"))
        return row(next(iter(result.values()), None))

    async def watch_books(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_order_book_for_symbols(list(symbols), _BOOK_DEPTH)

    def book_decoder(self, symbols: Mapping[str, Row]) -> KrakenBooks:
        """Decimals are the pair's own: the checksum is over digits written with them."""
        digits = {
            symbol: Digits(price=int(market["info"]["pair_decimals"]), size=int(market["info"]["lot_decimals"]))
            for symbol, market in symbols.items()
        }
        return KrakenBooks(digits, _BOOK_DEPTH)

    async def watch_trades(self, exchange: Exchange, symbols: Sequence[str]) -> None:
        """All symbols over one connection."""
        await exchange.watch_trades_for_symbols(list(symbols))

    def trade_decoder(self, symbols: Mapping[str, Row]) -> PlainTrades:
        """Public trades."""
        return kraken_trades(symbols)

    def order_decoder(self) -> KrakenOrders:
        """Executions."""
        return KrakenOrders()

    async def _orders_named(self, ask: Ask, order_ids: Sequence[str]) -> dict[str, Row]:
        """The venue's records of these orders, as far as it has them."""
        found: dict[str, Row] = {}
        for first in range(0, len(order_ids), _PAGE):
            wanted = ",".join(order_ids[first : first + _PAGE])
            result = row(part(row(await ask("privatePostQueryOrders", {"txid": wanted})), "result"))
            found.update({txid: row(each) for txid, each in result.items()})
        return found

    async def _trades(self, ask: Ask, desk: Desk, since_ns: Nanos, until_ns: Nanos | None) -> list[VenueTrade]:
        """Newest first, fifty a page. A page is complete evidence only together with all others."""
        found: dict[str, VenueTrade] = {}
        params: dict[str, object] = {"start": self._seconds_before(since_ns)}
        if until_ns is not None:
            params["end"] = until_ns // NS_PER_S + 1
        for page in range(_PAGES_MAX + 1):
            if page == _PAGES_MAX:
                raise AnswerUnusable(f"more than {_PAGES_MAX} pages of trades")
            answer = row(await ask("privatePostTradesHistory", {**params, "ofs": page * _PAGE} if page else params))
            result = row(part(answer, "result"))
            listed = row(part(result, "trades"))
            if len(listed) >= _PAGE and listed.keys() <= found.keys():
                raise AnswerUnusable("TradesHistory repeats itself")
            found.update({trade_id: self._trade(desk, trade_id, row(each)) for trade_id, each in listed.items()})
            if len(listed) < _PAGE:
                break
        return list(found.values())

    @staticmethod
    def _seconds_before(at_ns: int) -> int:
        """`start` is exclusive and in whole seconds: one earlier loses nothing."""
        return max(0, at_ns // NS_PER_S - 1)

    @staticmethod
    def _balance(desk: Desk, asset: str, source: Row) -> Balance:
        total = number(source, "balance")
        held = number(source, "hold_trade") if source.get("hold_trade") is not None else Decimal(0)
        with exactly():
            free = total - held
        return Balance(account=desk.account, asset=desk.names.asset(asset), total=total, free=free)

    @staticmethod
    def _order(desk: Desk, txid: str, source: Row) -> VenueOrder:
        description = row(part(source, "descr"))
        quantity, executed = not_negative(source, "vol"), not_negative(source, "vol_exec")
        state = status(_STATUS, text(source, "status"))
        if state is VenueOrderStatus.FILLED and executed < quantity:
            state = VenueOrderStatus.CANCELLED  # "closed" says only that nothing more happens
        client_id = text_or_none(source, "cl_ord_id")
        return VenueOrder(
            account=desk.account,
            symbol=desk.names.symbol(text(description, "pair")),
            venue_order_id=VenueOrderId(txid),
            client_id=codec.from_uuid(client_id) or codec.from_hex(client_id),
            side=side(description.get("type")),
            status=state,
            quantity=quantity,
            executed=executed,
            limit_price=not_negative(description, "price") or None,
            venue_time_ns=ns_of_seconds(part(source, "opentm")),
        )

    @staticmethod
    def _trade(desk: Desk, trade_id: str, source: Row) -> VenueTrade:
        symbol = desk.names.symbol(text(source, "pair"))
        fee = Fee(asset=desk.names.asset(symbol.partition("/")[2]), amount=number(source, "fee"))
        client_id = text_or_none(source, "cl_ord_id")
        return VenueTrade(
            account=desk.account,
            symbol=symbol,
            trade_id=TradeId(trade_id),
            venue_order_id=VenueOrderId(text(source, "ordertxid")),
            side=side(source.get("type")),
            price=positive(source, "price"),
            quantity=positive(source, "vol"),
            fees=(fee,) if fee.amount else (),
            maker=source.get("maker"),
            venue_time_ns=ns_of_seconds(part(source, "time")),
            client_id=codec.from_uuid(client_id) or codec.from_hex(client_id),
        )
