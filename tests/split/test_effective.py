"""Effective prices by fee currency (worked example W2)."""

from decimal import Decimal

import pytest

from router.book.effective import effective_price, expected_fee, gross_for_net, spend_factor
from router.model.market import Level, ListingView
from router.model.side import Side
from router.split.evaluate import sweep
from tests.split.markets import listing

ONE = Decimal(1)


@pytest.mark.parametrize(
    ("side", "fee_in", "price"),
    [
        (Side.BUY, "QUOTE", "50050"),
        (Side.BUY, "BASE", "50050.050050"),
        (Side.BUY, "RECEIVED", "50050.050050"),
        (Side.SELL, "QUOTE", "49950"),
        (Side.SELL, "BASE", "49950.049950"),
        (Side.SELL, "RECEIVED", "49950"),
    ],
)
def test_w2_price_by_fee_currency(side: Side, fee_in: str, price: str):
    one = listing("A", fee="10", fee_in=fee_in)
    assert round(effective_price(one, side, Decimal(50_000), ONE), 6) == Decimal(price)


def test_w2_net_quantity_with_the_fee_in_base():
    """One bitcoin delivered needs 1.00101 traded; it spends 50050.50."""
    one = listing("A", fee="10", fee_in="RECEIVED")
    gross = gross_for_net(one, Side.BUY, ONE)
    assert gross == Decimal("1.00101")
    assert gross - expected_fee(one, Side.BUY, gross, ONE).amount == Decimal("1.00000899")
    assert gross * 50_000 == Decimal("50050.50")


def test_the_fee_is_spent_from_the_asset_it_is_taken_in():
    """A rebate is not counted on; a fee in what is received costs no balance."""
    assert spend_factor(listing("A", fee="10"), Side.BUY) == Decimal("1.001")
    assert spend_factor(listing("A", fee="10"), Side.SELL) == 1
    assert spend_factor(listing("A", fee="10", fee_in="BASE"), Side.SELL) == Decimal("1.001")
    assert spend_factor(listing("A", fee="10", fee_in="RECEIVED"), Side.BUY) == 1
    assert spend_factor(listing("A", fee="-2"), Side.BUY) == 1


def test_beyond_the_displayed_depth_the_last_level_counts_and_it_is_said():
    book = ListingView(
        listing=listing("A", fee="10"),
        bids=(),
        asks=(Level(Decimal(100), ONE), Level(Decimal(101), ONE)),
        book_age_ns=0,
        book_seq=1,
    )
    swept = sweep(book, Side.BUY, Decimal(3), ONE)
    assert swept.notional == Decimal(302)
    assert swept.beyond_depth == ONE
    assert swept.all_in == Decimal("302.302")
    assert swept.worst_price == Decimal(101)
