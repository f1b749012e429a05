"""When a fee is a surprise: beyond the venue's own rounding, or in an asset that was neither bought nor sold."""

from decimal import Decimal

import pytest

from router.engine.charging import is_surprise
from router.model.ids import AccountId, Asset, Nanos, TradeId, VenueOrderId
from router.model.money import exactly
from router.model.orders import Fee, VenueTrade
from router.model.side import Side


def trade(quantity: str, *fees: tuple[str, str]) -> VenueTrade:
    """At 100 dollars."""
    return VenueTrade(
        account=AccountId("kraken/main"),
        symbol="BTC/USD",
        trade_id=TradeId("T1"),
        venue_order_id=VenueOrderId("O1"),
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(quantity),
        fees=tuple(Fee(asset=Asset(asset), amount=Decimal(amount)) for asset, amount in fees),
        maker=False,
        venue_time_ns=Nanos(0),
    )


@pytest.mark.parametrize(
    ("listed_bps", "quantity", "fees", "surprise"),
    [
        ("10", "1.2345", [("USD", "0.12345")], False),
        ("10", "1.2345", [("USD", "0.13")], False),  # up to the next cent
        ("10", "1.2345", [("USD", "0.14")], True),
        ("10", "1.2345", [("USD", "0.12346")], False),
        ("10", "1.2345", [("USD", "0.12350")], True),  # a venue that counts to the fifth digit
        ("10", "1.2345", [("BTC", "0.00123450")], False),
        ("10", "1.2345", [("BTC", "0.00123453")], True),
        ("10", "0.001", [("USD", "0")], False),
        ("10", "10", [], True),
        ("-5", "2", [("USD", "-0.1")], False),
        ("-5", "2", [("USD", "0.1")], True),
        ("10", "1", [("USD", "0.05"), ("BTC", "0.0005")], False),
        ("10", "1", [("BNB", "0.0001")], True),
    ],
)
def test_a_surprise_is_more_than_rounding(
    listed_bps: str, quantity: str, fees: list[tuple[str, str]], surprise: bool
) -> None:
    """By one step of the last digit the venue shows; cents where it shows none."""
    with exactly():
        assert is_surprise(Decimal(listed_bps), trade(quantity, *fees)) is surprise
