"""An order that rests partly filled, as the venues without a lab list it: open, ours, and what it has executed.

Shapes of the venues' documentation. Bitfinex names nobody in its list (45 bits are no identity): its own id does.
"""

from decimal import Decimal
from typing import Any

import pytest

from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import AccountId
from router.model.orders import VenueOrderStatus
from router.model.side import Side
from tests.capabilities.capture import MARKET_ID, NOW_MS, OUR_ID, SYMBOL, spelled

ISO = "2025-11-20T00:53:20.5Z"
BITFINEX = [77, None, 1, "tBTCUST", NOW_MS, NOW_MS, 0.3, 0.5, "EXCHANGE LIMIT", *[None] * 23]
BITFINEX[13], BITFINEX[16], BITFINEX[17] = "PARTIALLY FILLED @ 60000(0.2)", 60000, 60000

ROWS: dict[str, Any] = {
    "binanceus": {
        "symbol": "BTCUSDT",
        "orderId": 77,
        "clientOrderId": spelled("binanceus"),
        "price": "60000",
        "origQty": "0.5",
        "executedQty": "0.2",
        "status": "PARTIALLY_FILLED",
        "type": "LIMIT_MAKER",
        "side": "BUY",
        "time": NOW_MS,
    },
    "bitfinex": BITFINEX,
    "bitget": {
        "symbol": "BTCUSDT",
        "orderId": "77",
        "clientOid": spelled("bitget"),
        "priceAvg": "60000",
        "price": "60000",
        "size": "0.5",
        "orderType": "limit",
        "side": "buy",
        "status": "partially_filled",
        "baseVolume": "0.2",
        "cTime": str(NOW_MS),
    },
    "coinbaseexchange": {
        "id": "77",
        "client_oid": spelled("coinbaseexchange"),
        "price": "60000.00",
        "size": "0.5",
        "product_id": "BTC-USDT",
        "side": "buy",
        "created_at": ISO,
        "filled_size": "0.2",
        "post_only": True,
        "status": "open",
    },
    "cryptocom": {
        "order_id": "77",
        "client_oid": spelled("cryptocom"),
        "side": "BUY",
        "quantity": "0.5",
        "limit_price": "60000",
        "cumulative_quantity": "0.2",
        "status": "ACTIVE",
        "exec_inst": ["POST_ONLY"],
        "instrument_name": "BTC_USDT",
        "create_time_ns": str(NOW_MS * 1_000_000),
    },
    "gate": {
        "id": "77",
        "text": spelled("gate"),
        "create_time_ms": NOW_MS,
        "currency_pair": "BTC_USDT",
        "status": "open",
        "type": "limit",
        "side": "buy",
        "amount": "0.5",
        "price": "60000",
        "time_in_force": "poc",
        "left": "0.3",
    },
    "htx": {
        "id": 77,
        "symbol": "btcusdt",
        "client-order-id": spelled("htx"),
        "amount": "0.5",
        "price": "60000",
        "created-at": NOW_MS,
        "type": "buy-limit-maker",
        "filled-amount": "0.2",
        "state": "partial-filled",
    },
    "kucoin": {
        "id": "77",
        "symbol": "BTC-USDT",
        "side": "buy",
        "price": "60000",
        "size": "0.5",
        "dealSize": "0.2",
        "postOnly": True,
        "clientOid": spelled("kucoin"),
        "createdAt": NOW_MS,
        "active": True,
    },
}


def answer_of(venue: str, endpoint: str, params: Any) -> Any:
    """One page with the one order, in the envelope the endpoint has."""
    rows = [] if params.get("from-id") or params.get("idLessThan") else [ROWS[venue]]
    if endpoint == "privateGetHfOrdersActiveSymbols":
        return {"code": "200000", "data": {"symbols": ["BTC-USDT"]}}
    envelopes: dict[str, Any] = {
        "bitget": {"code": "00000", "data": rows},
        "cryptocom": {"code": 0, "result": {"data": rows}},
        "gate": [{"currency_pair": "BTC_USDT", "orders": rows}],
        "htx": {"status": "ok", "data": rows},
        "kucoin": {"code": "200000", "data": rows},
    }
    return envelopes.get(venue, rows)


@pytest.mark.parametrize("venue", sorted(ROWS))
async def test_what_rests_in_part_is_listed_with_what_it_did(venue: str) -> None:
    market = MARKET_ID.get(venue, "BTCUSDT")
    names = Names(symbol_by_id={market: SYMBOL}, id_by_symbol={SYMBOL: market}, asset_by_id={})

    async def ask(endpoint: str, params: Any) -> Any:
        return answer_of(venue, endpoint, params)

    (told,) = await DIALECTS[venue]().open_orders(ask, Desk(account=AccountId(f"{venue}/main"), names=names))

    assert (told.status, told.side, told.venue_order_id) == (VenueOrderStatus.OPEN, Side.BUY, "77")
    assert (told.quantity, told.executed, told.limit_price) == (Decimal("0.5"), Decimal("0.2"), Decimal(60000))
    assert told.client_id == (None if venue == "bitfinex" else OUR_ID)
