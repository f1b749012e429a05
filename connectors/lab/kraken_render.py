"""The exchange's records in Kraken's shapes, REST and websocket v2. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.lab import kraken_wire as wire
from connectors.lab.core import OrderRecord, OrderStatus, Printed, SymbolRules, TimeInForce, TradeRecord
from router.model.money import ZERO, exactly, plain, ratio
from router.model.side import Side

Json = dict[str, object]

_MONEY_DECIMALS = 5
_STATUS = {
    OrderStatus.OPEN: "open",
    OrderStatus.FILLED: "closed",
    OrderStatus.CANCELLED: "canceled",
    # The remainder of an IOC ends as canceled; "expired" is for orders with an expiry time, which the lab has not.
    OrderStatus.EXPIRED: "canceled",
}


class Pair:
    """One book with its names and number of decimals."""

    def __init__(self, rules: SymbolRules) -> None:
        self.rules = rules
        self.names = wire.pair_names(rules.base, rules.quote)
        self.price_decimals = wire.decimals_of(rules.tick)
        self.size_decimals = wire.decimals_of(rules.step)

    def price(self, value: Decimal) -> str:
        """A price as REST spells it."""
        return wire.text(value, self.price_decimals)

    def size(self, value: Decimal) -> str:
        """A size as REST spells it."""
        return wire.text(value, self.size_decimals)

    def bare_price(self, value: Decimal) -> Decimal:
        """A price with the digits the websocket shows."""
        return wire.fixed(value, self.price_decimals)

    def bare_size(self, value: Decimal) -> Decimal:
        """A size with the digits the websocket shows."""
        return wire.fixed(value, self.size_decimals)


def asset_info(asset: str) -> Json:
    """One entry of Assets."""
    cash = asset in {"USD", "EUR", "GBP", "JPY", "CAD", "AUD"}
    return {
        "aclass": "currency",
        "altname": wire.alternative_name(asset),
        "decimals": 4 if cash else 10,
        "display_decimals": 2 if cash else 5,
        "status": "enabled",
    }


def pair_info(pair: Pair, taker_bps: Decimal, maker_bps: Decimal, *, halted: bool) -> Json:
    """One entry of AssetPairs. Fees are in per cent, as tiers of which an account of the lab has the first."""
    rules = pair.rules
    return {
        "altname": pair.names.altname,
        "wsname": pair.names.wsname,
        "aclass_base": "currency",
        "base": wire.asset_id(rules.base),
        "aclass_quote": "currency",
        "quote": wire.asset_id(rules.quote),
        "lot": "unit",
        "cost_decimals": _MONEY_DECIMALS,
        "pair_decimals": pair.price_decimals,
        "lot_decimals": pair.size_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, per_cent(taker_bps)]],
        "fees_maker": [[0, per_cent(maker_bps)]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": plain(rules.min_quantity),
        "costmin": plain(rules.min_notional),
        "tick_size": plain(rules.tick),
        "status": "cancel_only" if halted else "online",
    }


def fee_tier(bps: Decimal) -> Json:
    """One pair in TradeVolume."""
    rate = wire.text(per_cent(bps), 4)
    return {"fee": rate, "minfee": rate, "maxfee": rate, "nextfee": None, "tiervolume": "0.0000", "nextvolume": None}


def per_cent(bps: Decimal) -> Decimal:
    """26 bps is 0.26 per cent."""
    with exactly():
        return bps.scaleb(-2)


def depth(pair: Pair, bids: Sequence[wire.Level], asks: Sequence[wire.Level], now_ns: int) -> Json:
    """The book as REST shows it: price, size, time."""
    at = now_ns // 1_000_000_000
    sides = {"asks": asks, "bids": bids}
    return {side: [[pair.price(p), pair.size(s), at] for p, s in levels] for side, levels in sides.items()}


def description(pair: Pair, side: Side, quantity: Decimal, limit_price: Decimal | None) -> str:
    """The sentence in which Kraken repeats an order: `buy 0.50000000 XBTUSD @ limit 29500.0`."""
    kind = "market" if limit_price is None else f"limit {pair.price(limit_price)}"
    return f"{side.lower()} {pair.size(quantity)} {pair.names.altname} @ {kind}"


def order_info(pair: Pair, record: OrderRecord, trades: Sequence[TradeRecord] | None) -> Json:
    """One order as QueryOrders, OpenOrders and ClosedOrders show it; trade ids only when they were asked for."""
    limit_price = record.limit_price
    info: Json = {
        "refid": None,
        "userref": 0,
        **({} if record.client_id is None else {"cl_ord_id": record.client_id}),
        "status": _STATUS[record.status],
        "opentm": wire.seconds(record.placed_ns),
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": pair.names.altname,
            "type": record.side.lower(),
            "ordertype": "market" if limit_price is None else "limit",
            "price": "0" if limit_price is None else pair.price(limit_price),
            "price2": "0",
            "leverage": "none",
            "order": description(pair, record.side, record.quantity, limit_price),
            "close": "",
        },
        "vol": pair.size(record.quantity),
        "vol_exec": pair.size(record.executed),
        "cost": money(record.cost),
        "fee": money(fee_paid(record)),
        "price": pair.price(average_price(record)),
        "stopprice": pair.price(ZERO),
        "limitprice": pair.price(ZERO),
        "misc": "",
        "oflags": "post,fciq" if record.post_only else "fciq",
    }
    if record.tif is not TimeInForce.GTC:
        info["timeinforce"] = str(record.tif)
    if record.status.ended:
        info["closetm"] = wire.seconds(record.updated_ns)
        info["reason"] = reason(record)
    if trades:
        info["trades"] = [wire.trade_txid(trade.execution_id) for trade in trades]
    return info


def trade_info(pair: Pair, trade: TradeRecord, *, market: bool) -> Json:
    """One execution as TradesHistory and QueryTrades show it."""
    with exactly():
        cost = trade.price * trade.quantity
    return {
        "ordertxid": wire.order_txid(trade.order_id),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": pair.names.key,
        "time": wire.seconds(trade.at_ns),
        "type": trade.side.lower(),
        "ordertype": "market" if market else "limit",
        "price": pair.price(trade.price),
        "cost": money(cost),
        "fee": money(trade.fee),
        "vol": pair.size(trade.quantity),
        "margin": money(ZERO),
        "leverage": "0",
        "misc": "",
        "trade_id": trade.trade_id,
        "maker": trade.maker,
    }


def reason(record: OrderRecord) -> str | None:
    """Why an order ended without filling."""
    if record.status is OrderStatus.CANCELLED:
        return "User requested"
    if record.status is OrderStatus.EXPIRED:
        return f"{record.tif} order not filled in full"
    return None


def fee_paid(record: OrderRecord) -> Decimal:
    """The order's fees in quote currency, in which Kraken takes them."""
    with exactly():
        return sum(record.fees.values(), ZERO)


def average_price(record: OrderRecord) -> Decimal:
    """The mean price of what executed, 0 when nothing did."""
    return ratio(record.cost, record.executed) if record.executed else ZERO


def money(value: Decimal) -> str:
    """A quote amount with at least five decimals, more where it has more."""
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return wire.text(value, max(_MONEY_DECIMALS, -exponent))


def public_trade(pair: Pair, printed: Printed) -> Json:
    """One trade of the `trade` channel."""
    return {
        "symbol": pair.names.symbol,
        "side": printed.taker_side.lower(),
        "price": pair.bare_price(printed.price),
        "qty": pair.bare_size(printed.quantity),
        "ord_type": "limit",
        "trade_id": printed.trade_id,
        "timestamp": wire.rfc3339(printed.at_ns),
    }


def recent_trade(pair: Pair, printed: Printed) -> list[object]:
    """A row of `Trades`: price, volume, time, side, kind, nothing, id."""
    seconds = float(Decimal(printed.at_ns).scaleb(-9))
    said = [pair.price(printed.price), pair.size(printed.quantity), seconds, printed.taker_side.lower()[0], "l", ""]
    return [*said, printed.trade_id]


def book_side(pair: Pair, levels: Sequence[wire.Level]) -> list[Json]:
    """Levels of the `book` channel."""
    return [{"price": pair.bare_price(price), "qty": pair.bare_size(size)} for price, size in levels]


def execution_new(pair: Pair, record: OrderRecord, exec_type: str) -> Json:
    """An order that came into being (`pending_new`, `new`), or an open one in a snapshot."""
    status = exec_type if not record.executed else "partially_filled"
    return {
        "order_id": wire.order_txid(record.order_id),
        **_client_id(record.client_id),
        "order_userref": 0,
        "symbol": pair.names.symbol,
        "order_qty": pair.bare_size(record.quantity),
        "cum_qty": pair.bare_size(record.executed),
        "cum_cost": record.cost,
        "avg_price": pair.bare_price(average_price(record)),
        "time_in_force": str(record.tif),
        "exec_type": exec_type,
        "side": record.side.lower(),
        "order_type": "market" if record.limit_price is None else "limit",
        "limit_price_type": "static",
        "limit_price": pair.bare_price(record.limit_price or ZERO),
        "stop_price": ZERO,
        "order_status": status,
        "fee_usd_equiv": fee_paid(record),
        "fee_ccy_pref": "fciq",
        "post_only": record.post_only,
        "timestamp": wire.rfc3339(record.updated_ns),
    }


def execution_trade(pair: Pair, record: OrderRecord, trade: TradeRecord) -> Json:
    """A fill. `record` is the order as it stood after it."""
    with exactly():
        cost = trade.price * trade.quantity
    return {
        "order_id": wire.order_txid(record.order_id),
        **_client_id(record.client_id),
        "order_userref": 0,
        "exec_id": wire.trade_txid(trade.execution_id),
        "exec_type": "trade",
        "trade_id": trade.trade_id,
        "symbol": pair.names.symbol,
        "side": trade.side.lower(),
        "last_qty": pair.bare_size(trade.quantity),
        "last_price": pair.bare_price(trade.price),
        "liquidity_ind": "m" if trade.maker else "t",
        "cost": cost,
        "order_qty": pair.bare_size(record.quantity),
        "cum_qty": pair.bare_size(record.executed),
        "cum_cost": record.cost,
        "avg_price": pair.bare_price(average_price(record)),
        "order_status": "filled" if record.status is OrderStatus.FILLED else "partially_filled",
        "order_type": "market" if record.limit_price is None else "limit",
        "fee_usd_equiv": trade.fee,
        "fees": [{"asset": trade.fee_asset, "qty": trade.fee}],
        "timestamp": wire.rfc3339(trade.at_ns),
    }


def execution_end(record: OrderRecord) -> Json:
    """An order's end (`filled`, `canceled`). Kraken names neither symbol nor side here."""
    ended_as = "filled" if record.status is OrderStatus.FILLED else "canceled"
    why = reason(record)
    return {
        "timestamp": wire.rfc3339(record.updated_ns),
        "order_status": ended_as,
        "exec_type": ended_as,
        "order_userref": 0,
        "order_id": wire.order_txid(record.order_id),
        **_client_id(record.client_id),
        "cum_qty": record.executed,
        "cum_cost": record.cost,
        "fee_usd_equiv": fee_paid(record),
        "avg_price": wire.fixed(average_price(record), 8),
        **({} if why is None else {"cancel_reason": why, "reason": why}),
    }


def balance_snapshot(totals: Mapping[str, Decimal]) -> list[Json]:
    """All holdings, as the `balances` channel starts."""
    return [
        {
            "asset": asset,
            "asset_class": "currency",
            "balance": total,
            "wallets": [{"type": "spot", "id": "main", "balance": total}],
        }
        for asset, total in totals.items()
    ]


def balance_update(asset: str, total: Decimal, change: Decimal, now_ns: int) -> Json:
    """One change of a holding."""
    return {
        "asset": asset,
        "asset_class": "currency",
        "amount": change,
        "balance": total,
        "fee": ZERO,
        "timestamp": wire.rfc3339(now_ns),
        "type": "trade",
        "category": "trade",
        "wallet_type": "spot",
        "wallet_id": "main",
    }


def _client_id(client_id: str | None) -> Json:
    return {} if client_id is None else {"cl_ord_id": client_id}
