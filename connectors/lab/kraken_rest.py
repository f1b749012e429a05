"""Kraken's REST calls against an exchange: fields in, result or error out. Pure; who asks is already known.

Errors are Kraken's own sentences. The engine, not the gateway, looks at `deadline`: a request that was held up on its
way is refused there, and nothing of it is placed.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from connectors.lab import kraken_render as render
from connectors.lab import kraken_wire as wire
from connectors.lab.core import Exchange, NewOrder, OrderRecord, Rejection, RejectKind, TimeInForce, TradeRecord
from connectors.lab.kraken_render import Json, Pair
from router.model.money import ZERO, exactly
from router.model.side import Side

PAGE_ROWS = 50
_BATCH_LEAST, _BATCH_MOST = 2, 50
_TRADES_MAX = 1_000
DEADLINE_MAX_NS = 60_000_000_000
TOKEN_SECONDS = 900

_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[ -~]{1,18}")
_REJECTIONS = {
    RejectKind.UNKNOWN_SYMBOL: "EQuery:Unknown asset pair",
    RejectKind.SYMBOL_HALTED: "EService:Market in cancel_only mode",
    RejectKind.QUANTITY_STEP: "EGeneral:Invalid arguments:volume",
    RejectKind.QUANTITY_TOO_SMALL: "EGeneral:Invalid arguments:volume minimum not met",
    RejectKind.QUANTITY_TOO_LARGE: "EGeneral:Invalid arguments:volume",
    RejectKind.PRICE_NOT_POSITIVE: "EGeneral:Invalid arguments:price",
    RejectKind.NOTIONAL_TOO_SMALL: "EOrder:Cost minimum not met",
    RejectKind.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    RejectKind.DUPLICATE_CLIENT_ID: "EGeneral:Invalid arguments:cl_ord_id not unique",
    RejectKind.POST_ONLY_WOULD_TAKE: "EOrder:Post only order",
    RejectKind.UNKNOWN_ORDER: "EOrder:Unknown order",
    RejectKind.ALREADY_ENDED: "EOrder:Unknown order",
}

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that came to nothing, with Kraken's error."""

    error: str


Answer = Json | Refused


def body_of(answer: Answer) -> Json:
    """The JSON body: HTTP status is 200 either way."""
    return {"error": [answer.error]} if isinstance(answer, Refused) else {"error": [], "result": answer}


class KrakenRest:
    """All calls of one venue. `now_ns` is the time at which the call reaches the engine."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.pairs = {name: Pair(rules) for name, rules in exchange.symbols.items()}
        self._by_name = {spelling: pair for pair in self.pairs.values() for spelling in pair.names.spellings}
        self._public: dict[str, Callable[[Fields, int], Answer]] = {
            "Time": self._time,
            "SystemStatus": self._system_status,
            "Assets": self._assets,
            "AssetPairs": self._asset_pairs,
            "Depth": self._depth,
            "Trades": self._trades,
        }
        self._private: dict[str, Callable[[str, Fields, int], Answer]] = {
            "AddOrder": self._add_order,
            "CancelOrder": self._cancel_order,
            "CancelOrderBatch": self._cancel_order_batch,
            "CancelAllOrdersAfter": self._cancel_all_after,
            "QueryOrders": self._query_orders,
            "OpenOrders": self._open_orders,
            "ClosedOrders": self._closed_orders,
            "TradesHistory": self._trades_history,
            "QueryTrades": self._query_trades,
            "Balance": self._balance,
            "BalanceEx": self._balance_ex,
            "TradeVolume": self._trade_volume,
            "GetApiKeyInfo": self._api_key_info,
            "Ledgers": self._ledgers,
        }

    def public(self, call: str, fields: Fields, now_ns: int) -> Answer:
        """A call anybody may make."""
        handler = self._public.get(call)
        return handler(fields, now_ns) if handler else Refused("EGeneral:Unknown method")

    def private(self, account: str, call: str, fields: Fields, now_ns: int) -> Answer:
        """A call for an account."""
        handler = self._private.get(call)
        return handler(account, fields, now_ns) if handler else Refused("EGeneral:Unknown method")

    # Public

    def _time(self, _: Fields, now_ns: int) -> Answer:
        return {"unixtime": now_ns // 1_000_000_000, "rfc1123": wire.rfc3339(now_ns)}

    def _system_status(self, _: Fields, now_ns: int) -> Answer:
        return {"status": "online", "timestamp": wire.rfc3339(now_ns)}

    def _assets(self, _: Fields, __: int) -> Answer:
        assets = {asset for rules in self.exchange.symbols.values() for asset in (rules.base, rules.quote)}
        return {wire.asset_id(asset): render.asset_info(asset) for asset in sorted(assets)}

    def _asset_pairs(self, fields: Fields, _: int) -> Answer:
        wanted = self._pairs_named(fields.get("pair"))
        if wanted is None:
            return Refused("EQuery:Unknown asset pair")
        return {
            pair.names.key: render.pair_info(
                pair,
                self.exchange.fee_bps(pair.rules, maker=False),
                self.exchange.fee_bps(pair.rules, maker=True),
                halted=self.exchange.is_halted(pair.rules.symbol),
            )
            for pair in wanted
        }

    def _depth(self, fields: Fields, now_ns: int) -> Answer:
        pair = self._by_name.get(fields.get("pair", ""))
        if pair is None:
            return Refused("EQuery:Unknown asset pair")
        count = _integer(fields.get("count", "100"))
        if count is None or count < 1:
            return Refused("EGeneral:Invalid arguments:count")
        bids, asks = self.exchange.book(pair.rules.symbol, min(count, 500))
        return {pair.names.key: render.depth(pair, bids, asks, now_ns)}

    def _trades(self, fields: Fields, now_ns: int) -> Answer:
        pair = self._by_name.get(fields.get("pair", ""))
        if pair is None:
            return Refused("EQuery:Unknown asset pair")
        rows = [render.recent_trade(pair, one) for one in self.exchange.prints(pair.rules.symbol)[-_TRADES_MAX:]]
        return {pair.names.key: rows, "last": str(now_ns)}

    # Orders

    def _add_order(self, account: str, fields: Fields, now_ns: int) -> Answer:
        refused = _deadline_refusal(fields.get("deadline"), now_ns)
        if refused is not None:
            return refused
        pair = self._by_name.get(fields.get("pair", ""))
        if pair is None:
            return Refused("EQuery:Unknown asset pair")
        order = _new_order(pair, fields)
        if isinstance(order, Refused):
            return order
        placed = self.exchange.place(account, order, now_ns)
        if isinstance(placed, Rejection):
            return _refusal(pair, placed)
        sentence = render.description(pair, order.side, order.quantity, order.limit_price)
        return {"txid": [wire.order_txid(placed.order_id)], "descr": {"order": sentence}}

    def _cancel_order(self, account: str, fields: Fields, now_ns: int) -> Answer:
        found = self._named_orders(account, fields)
        if isinstance(found, Refused):
            return found
        ended = [self.exchange.cancel(account, record.order_id, now_ns) for record in found if not record.status.ended]
        if not ended:
            return Refused("EOrder:Unknown order")
        return {"count": len(ended)}

    def _cancel_order_batch(self, account: str, fields: Fields, now_ns: int) -> Answer:
        """By our ids, two to fifty of them. Told is only how many of them were open."""
        try:
            names = json.loads(fields.get("cl_ord_ids", ""))
        except ValueError:
            names = None
        if not isinstance(names, list) or not _BATCH_LEAST <= len(names) <= _BATCH_MOST:
            return Refused("EGeneral:Invalid arguments:cl_ord_ids")
        found = [record for name in names for record in self.exchange.find(account, client_id=str(name))]
        ended = [self.exchange.cancel(account, record.order_id, now_ns) for record in found if not record.status.ended]
        return {"count": len(ended)}

    def _cancel_all_after(self, account: str, fields: Fields, now_ns: int) -> Answer:
        """`timeout` in seconds from now; 0 stops it."""
        timeout = fields.get("timeout", "")
        if not timeout.isdigit():
            return Refused("EGeneral:Invalid arguments:timeout")
        due_ns = now_ns + int(timeout) * 1_000_000_000 if int(timeout) else None
        self.exchange.cancel_all_at(account, due_ns)
        trigger = "0" if due_ns is None else wire.rfc3339(due_ns)
        return {"currentTime": wire.rfc3339(now_ns), "triggerTime": trigger}

    def _named_orders(self, account: str, fields: Fields) -> Sequence[OrderRecord] | Refused:
        """Orders a cancel names: the engine knows all of them, whatever look-ups still hide."""
        if "cl_ord_id" in fields:
            return self.exchange.find(account, client_id=fields["cl_ord_id"])
        if "txid" not in fields:
            return Refused("EGeneral:Invalid arguments")
        number = wire.order_number(fields["txid"])
        return self.exchange.find(account, order_id=number) if number is not None else ()

    def _query_orders(self, account: str, fields: Fields, now_ns: int) -> Answer:
        if "txid" not in fields:
            return Refused("EGeneral:Invalid arguments:txid")
        numbers = [wire.order_number(txid) for txid in fields["txid"].split(",")]
        found = [
            record
            for number in numbers
            if number is not None
            for record in self.exchange.find(account, order_id=number, now_ns=now_ns)
        ]
        return self._order_infos(account, _with_userref(found, fields), fields, now_ns)

    def _open_orders(self, account: str, fields: Fields, now_ns: int) -> Answer:
        records = self.exchange.orders(account, open_only=True, now_ns=now_ns)
        wanted = _with_userref(_with_client_id(records, fields), fields)
        return {"open": self._order_infos(account, reversed(wanted), fields, now_ns)}

    def _closed_orders(self, account: str, fields: Fields, now_ns: int) -> Answer:
        records = [r for r in self.exchange.orders(account, now_ns=now_ns) if r.status.ended]
        wanted = _with_userref(_with_client_id(records, fields), fields)
        window = _window(fields)
        offset = _integer(fields.get("ofs", "0"))
        if window is None or offset is None:
            return Refused("EGeneral:Invalid arguments")
        times: Callable[[OrderRecord], tuple[int, ...]] = {
            "open": lambda r: (r.placed_ns,),
            "close": lambda r: (r.updated_ns,),
        }.get(fields.get("closetime", "both"), lambda r: (r.placed_ns, r.updated_ns))
        inside = [r for r in wanted if any(window[0] < at <= window[1] for at in times(r))]
        newest_first = sorted(inside, key=lambda r: (r.updated_ns, r.order_id), reverse=True)
        page = newest_first[offset : offset + PAGE_ROWS]
        return {"closed": self._order_infos(account, page, fields, now_ns), "count": len(newest_first)}

    def _trades_history(self, account: str, fields: Fields, now_ns: int) -> Answer:
        window = _window(fields)
        offset = _integer(fields.get("ofs", "0"))
        if window is None or offset is None:
            return Refused("EGeneral:Invalid arguments")
        trades = [t for t in self.exchange.trades(account, now_ns=now_ns) if window[0] < t.at_ns <= window[1]]
        newest_first = trades[::-1]
        page = newest_first[offset : offset + PAGE_ROWS]
        return {"trades": self._trade_infos(account, page), "count": len(newest_first)}

    def _query_trades(self, account: str, fields: Fields, now_ns: int) -> Answer:
        wanted = set(fields.get("txid", "").split(","))
        trades = self.exchange.trades(account, now_ns=now_ns)
        return self._trade_infos(account, [t for t in trades if wire.trade_txid(t.execution_id) in wanted])

    # Account

    def _balance(self, account: str, _: Fields, __: int) -> Answer:
        return {wire.asset_id(a): render.money(b.total) for a, b in self.exchange.balances(account).items()}

    def _balance_ex(self, account: str, _: Fields, __: int) -> Answer:
        rows: Json = {}
        with exactly():
            for asset, balance in self.exchange.balances(account).items():
                held = balance.total - balance.free
                rows[wire.asset_id(asset)] = {"balance": render.money(balance.total), "hold_trade": render.money(held)}
        return rows

    def _trade_volume(self, _: str, fields: Fields, __: int) -> Answer:
        named = fields.get("pair")
        wanted = self._pairs_named(named) if named else []
        if wanted is None:
            return Refused("EQuery:Unknown asset pair")
        tiers = {
            maker: {p.names.key: render.fee_tier(self.exchange.fee_bps(p.rules, maker=maker)) for p in wanted}
            for maker in (False, True)
        }
        return {"currency": "ZUSD", "volume": "0.0000", "fees": tiers[False], "fees_maker": tiers[True]}

    def _ledgers(self, account: str, fields: Fields, _: int) -> Answer:
        """Without trades: only what was moved."""
        if not self.exchange.grants.ledger:
            return Refused("EGeneral:Permission denied")
        since_ns = int(float(fields.get("start", "0"))) * 1_000_000_000
        kinds = {"deposit": 1, "withdrawal": -1}
        wanted = [
            moved
            for moved in self.exchange.movements(account, since_ns)
            if (moved.amount > 0) == (kinds.get(fields.get("type", ""), 0) > 0) and fields.get("type") in kinds
        ]
        offset = _integer(fields.get("ofs", "0")) or 0
        rows = {
            f"L{moved.number:05d}": {
                "refid": f"R{moved.number:05d}",
                "time": moved.at_ns / 1e9,
                "type": fields["type"],
                "subtype": "",
                "aclass": "currency",
                "asset": wire.asset_id(moved.asset),
                "amount": render.money(moved.amount),
                "fee": "0.0000000000",
                "balance": "0.0000000000",
            }
            for moved in wanted[offset : offset + PAGE_ROWS]
        }
        return {"ledger": rows, "count": len(wanted)}

    def _api_key_info(self, account: str, _: Fields, now_ns: int) -> Answer:
        grants = self.exchange.grants
        permissions = ["query-funds", "query-open-trades", "query-closed-trades"]
        permissions += ["modify-trades", "close-trades"] if grants.trade else []
        permissions += ["withdraw-funds"] if grants.withdraw else []
        return {
            "apiKeyName": account,
            "permissions": permissions,
            "nonceWindow": "0",
            "validUntil": "0",
            "queryFrom": "0",
            "queryTo": "0",
            "ipAllowlist": ["127.0.0.1"] if grants.ip_restricted else [],
            "lastUsed": str(now_ns // 1_000_000_000),
        }

    # Shapes

    def _pairs_named(self, names: str | None) -> list[Pair] | None:
        """All pairs when none is named; None when a name is unknown."""
        if not names:
            return list(self.pairs.values())
        found = [self._by_name.get(name) for name in names.split(",")]
        known = [pair for pair in found if pair is not None]
        return known if len(known) == len(found) else None

    def _order_infos(self, account: str, records: Iterable[OrderRecord], fields: Fields, now_ns: int) -> Json:
        with_trades = fields.get("trades", "").lower() == "true"
        infos: Json = {}
        for record in records:
            trades = self.exchange.trades(account, order_id=record.order_id, now_ns=now_ns) if with_trades else None
            infos[wire.order_txid(record.order_id)] = render.order_info(self.pairs[record.symbol], record, trades)
        return infos

    def _trade_infos(self, account: str, trades: Iterable[TradeRecord]) -> Json:
        infos: Json = {}
        for trade in trades:
            (record,) = self.exchange.find(account, order_id=trade.order_id)
            info = render.trade_info(self.pairs[trade.symbol], trade, market=record.limit_price is None)
            infos[wire.trade_txid(trade.execution_id)] = info
        return infos


def _deadline_refusal(deadline: str | None, now_ns: int) -> Refused | None:
    """Kraken takes deadlines two to sixty seconds ahead; the lab takes shorter ones too: nobody has to wait."""
    if deadline is None:
        return None
    at_ns = wire.parse_rfc3339(deadline)
    if at_ns is None or at_ns > now_ns + DEADLINE_MAX_NS:
        return Refused("EGeneral:Invalid arguments:deadline")
    return Refused("EService:Deadline elapsed") if at_ns <= now_ns else None


def _new_order(pair: Pair, fields: Fields) -> NewOrder | Refused:
    kind = fields.get("ordertype")
    price = _number(fields.get("price"))
    wrong = next((name for name, fine in _checks(fields, kind, price).items() if not fine), None)
    if wrong is not None:
        return Refused(f"EGeneral:Invalid arguments:{wrong}")
    return NewOrder(
        symbol=pair.rules.symbol,
        side=Side(fields["type"].upper()),
        quantity=_number(fields["volume"]) or ZERO,
        limit_price=price if kind == "limit" else None,
        tif=TimeInForce(fields.get("timeinforce", "GTC").upper()) if kind == "limit" else TimeInForce.IOC,
        post_only="post" in fields.get("oflags", "").split(","),
        client_id=fields.get("cl_ord_id"),
    )


def _checks(fields: Fields, kind: str | None, price: Decimal | None) -> dict[str, bool]:
    """What must hold of each argument before the engine sees the order."""
    client_id = fields.get("cl_ord_id")
    return {
        "type": fields.get("type") in {"buy", "sell"},
        "ordertype": kind in {"limit", "market"},
        "volume": _number(fields.get("volume")) is not None,
        "price": kind != "limit" or price is not None,
        "timeinforce": fields.get("timeinforce", "GTC").upper() in set(TimeInForce),
        "oflags": "viqc" not in fields.get("oflags", ""),
        "cl_ord_id": client_id is None or _CLIENT_ID.fullmatch(client_id) is not None,
        # Kraken would check the order and place nothing; the lab must not place it, so it refuses to pretend.
        "validate": fields.get("validate", "false").lower() != "true",
    }


def _refusal(pair: Pair, rejection: Rejection) -> Refused:
    if rejection.kind is RejectKind.PRICE_TICK:
        where = f"{pair.names.wsname} price can only be specified up to {pair.price_decimals} decimals."
        return Refused(f"EOrder:Invalid price:{where}")
    return Refused(_REJECTIONS[rejection.kind])


def _with_client_id(records: Sequence[OrderRecord], fields: Fields) -> list[OrderRecord]:
    wanted = fields.get("cl_ord_id")
    return [record for record in records if wanted is None or record.client_id == wanted]


def _with_userref(records: list[OrderRecord], fields: Fields) -> list[OrderRecord]:
    """The lab's orders carry no user reference: asking for one finds nothing."""
    return [] if fields.get("userref", "0") != "0" else records


def _window(fields: Fields) -> tuple[int, int] | None:
    """(start, end] in nanoseconds from seconds, fractions allowed; None when not numbers."""
    start, end = _number(fields.get("start", "0")), _number(fields.get("end", "9999999999"))
    if start is None or end is None:
        return None
    return int(start.scaleb(9)), int(end.scaleb(9))


def _integer(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _number(text: str | None) -> Decimal | None:
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
