"""What venues tell of the discount for paying fees in their token."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.discounts import DISCOUNTS
from connectors.ccxt_venue.mapping import Names
from router.model.ids import AccountId

DESK = Desk(
    account=AccountId("v/main"),
    names=Names(symbol_by_id={"BTCUSDT": "BTC/USDT"}, id_by_symbol={"BTC/USDT": "BTCUSDT"}, asset_by_id={"BNB": "BNB"}),
)
RATES = {"BTC/USDT": Decimal(10)}


def commission(**discount: object) -> dict[str, object]:
    """As Binance documents `GET /api/v3/account/commission`."""
    rates = {"maker": "0.00000010", "taker": "0.00000020", "buyer": "0.00000030", "seller": "0.00000040"}
    return {
        "symbol": "BTCUSDT",
        "standardCommission": {**rates, "taker": "0.00100000"},
        "taxCommission": {**rates, "taker": "0.00010000"},
        "discount": {
            "enabledForAccount": True,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": "0.75000000",
            **discount,
        },
    }


@pytest.mark.parametrize(
    ("venue", "answer", "token", "rate", "on"),
    [
        ("binance", commission(), "BNB", "8.5", True),
        ("binance", commission(discount="0.25000000"), "BNB", "8.5", True),  # described both ways: the dearer reading
        ("binance", commission(enabledForAccount=False), "BNB", "8.5", False),
        ("binance", commission(enabledForSymbol=False), "BNB", "8.5", False),
        ("gate", {"taker_fee": "0.001", "gt_discount": True, "gt_taker_fee": "0.0009"}, "GT", "9", True),
        ("gate", {"taker_fee": "0.001", "gt_discount": False, "gt_taker_fee": "0"}, "GT", "10", False),
        ("kucoin", None, "KCS", "8", None),
        ("bitget", None, "BGB", "8", None),
    ],
)
async def test_token_rate_and_switch_as_told(venue, answer, token, rate, on):
    """None: the venue does not tell whether it is on."""

    async def ask(_endpoint, _params):
        assert answer is not None
        return answer

    found = (await DISCOUNTS[venue](ask, DESK, RATES))["BTC/USDT"]

    assert (found.token, found.taker_fee_bps, found.on) == (token, Decimal(rate), on)
