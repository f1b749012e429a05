"""What fills cost, by the formulas the split compared venues with."""

import decimal
from decimal import Decimal

import pytest

from router.model.ids import Asset
from router.model.money import grouped, readable
from router.model.orders import Fee
from router.model.side import Side
from router.model.trades import Traded, totals
from router.split.evaluate import sweep
from router.tca.result import all_in_of, result_of, slippage_bps
from tests.split.markets import market

BTC = Asset("BTC")


def traded(quantity: str, price: str, *fees: Fee, quote: str = "USDT") -> Traded:
    return Traded(quote=Asset(quote), quantity=Decimal(quantity), price=Decimal(price), fees=fees)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("fee_in", ["QUOTE", "BASE", "RECEIVED"])
def test_a_fill_at_the_planned_price_costs_what_was_planned(side: Side, fee_in: str):
    """To the last digit, whatever the fee is taken in: planner and report use one formula."""
    view = market(f"A BTC/USDT fee=10 fee_in={fee_in} : 60000x1 60020x2", side, USDT="0.9995")
    planned = sweep(view.listings[0], side, Decimal("0.7"), Decimal("0.9995"))

    assert all_in_of(side, BTC, traded("0.7", "60000", planned.fee), view) == planned.all_in


def test_a_fee_in_a_third_asset_is_valued_at_its_mark():
    """And where there is no mark, the whole sum is unknown, not a little too low."""
    view = market("A BTC/USDT : 60000x1", USDT="1", BNB="600")
    cheap = traded("1", "60000", Fee(asset=Asset("BNB"), amount=Decimal("0.1")))
    strange = traded("1", "60000", Fee(asset=Asset("XYZ"), amount=Decimal("0.1")))

    assert result_of(Side.BUY, BTC, [(cheap, view)]).all_in_price == 60060
    assert result_of(Side.SELL, BTC, [(cheap, view)]).all_in_price == 59940
    unknown = result_of(Side.BUY, BTC, [(cheap, view), (strange, view)])
    assert (unknown.all_in, unknown.totals.quantity) == (None, 2)
    assert result_of(Side.BUY, BTC, [(cheap, None)]).all_in is None


def test_nothing_done_has_no_price():
    """And no slippage."""
    nothing = result_of(Side.BUY, BTC, [])

    assert (nothing.all_in_price, nothing.totals.quantity) == (None, 0)
    assert slippage_bps(Side.BUY, nothing.all_in_price, Decimal(1)) is None


def test_slippage_hurts_when_positive():
    """On either side."""
    assert slippage_bps(Side.BUY, Decimal(101), Decimal(100)) == 100
    assert slippage_bps(Side.SELL, Decimal(101), Decimal(100)) == -100


def test_sums_keep_currencies_apart():
    """Notionals by quote, fees by asset."""
    fee = Fee(asset=Asset("USD"), amount=Decimal("0.1"))
    found = totals([traded("1", "10", fee, quote="USD"), traded("2", "10.1"), traded("1", "11", fee, quote="USD")])

    assert [(one.quote, one.notional) for one in found.by_quote] == [("USD", 21), ("USDT", Decimal("20.2"))]
    assert found.fees == {"USD": Decimal("0.2")}
    assert (found.average, found.quantity) == (None, 4)


@pytest.mark.parametrize(
    ("value", "shown", "whole"),
    [
        ("61764.10432", "61,764.10", "61,764.10432"),
        ("0.00001234", "0.00001234", "0.00001234"),
        ("9.91514", "9.9151", "9.91514"),
        ("-0.5", "-0.5", "-0.5"),
        ("0", "0", "0"),
        ("-61764.105", "-61,764.10", "-61,764.105"),
    ],
)
def test_figures_for_people(value: str, shown: str, whole: str):
    """A figure for reading is cut, whatever rounding ccxt left behind; a limit keeps every digit."""
    with decimal.localcontext() as ambient:
        ambient.rounding = decimal.ROUND_HALF_UP
        shown_now = readable(Decimal(value))
    assert shown_now == shown
    assert (readable(Decimal(value)), grouped(Decimal(value))) == (shown, whole)
