"""Every private call of every venue, parsed offline from what was recorded: nothing listens, nothing is sent."""

import json

import pytest

from connectors.ccxt_venue.registry import DIALECTS
from connectors.lab.protocols import PROTOCOLS
from tests.connectors.cassettes import FOLDER, cassette, played, replayed


@pytest.mark.parametrize("name", sorted(set(DIALECTS) & set(PROTOCOLS)))
async def test_recorded_answers_are_read_as_they_were(name):
    """Listings, outcomes, records, trades, balances: the same objects as on the day of recording."""
    told = json.loads((FOLDER / f"{name}.json").read_text())
    with cassette(name, "none") as tape:
        read = await played(replayed(name), name)
    assert [repr(each) for each in read] == told
    assert tape.all_played


PRIVATE = {
    "binance": ["order", "allOrders", "openOrders", "myTrades", "account", "commission", "tradeFee", "apiRestrictions"],
    "kraken": [
        "AddOrder",
        "CancelOrder",
        "OpenOrders",
        "ClosedOrders",
        "TradesHistory",
        "BalanceEx",
        "TradeVolume",
        "GetApiKeyInfo",
    ],
    "bybit": [
        "order/create",
        "order/cancel",
        "order/realtime",
        "order/history",
        "execution/list",
        "account/wallet-balance",
        "account/fee-rate",
        "user/query-api",
    ],
    "bitstamp": [
        "buy/btcusd/",
        "order_status/",
        "open_orders/all/",
        "open_orders/btcusd/",
        "user_transactions/btcusd/",
        "account_balances/",
        "cancel_order/",
        "fees/trading/",
    ],
    "okx": [
        "batch-orders",
        "cancel-order",
        "order",
        "orders-pending",
        "orders-history",
        "fills",
        "fills-history",
        "balance",
        "trade-fee",
        "config",
    ],
    "gemini": ["new", "status", "cancel", "orders", "mytrades", "balances", "notionalvolume", "roles"],
    "coinbase": ["orders", "batch", "fills", "accounts", "batch_cancel", "transaction_summary", "key_permissions"],
}


@pytest.mark.parametrize(("name", "calls"), sorted(PRIVATE.items()))
def test_every_private_call_is_on_the_tape(name, calls):
    text = (FOLDER / f"{name}.yaml").read_text()
    for call in calls:
        assert f"/{call}\n" in text, call
