"""The market's own averages."""

from decimal import Decimal

import pytest

from router.model.ids import Nanos
from router.model.money import ratio
from router.model.side import Side
from router.tca.benchmarks import Own, Piece, improvement_bps, participation, pwp, twap, vwap


def piece(second: int, quantity: str, price: str) -> Piece:
    size = Decimal(quantity)
    return Piece(from_ns=at(second), to_ns=at(second + 1), quantity=size, notional=size * Decimal(price))


def at(second: int) -> Nanos:
    return Nanos(second * 1_000_000_000)


TAPE = (piece(0, "4", "100"), piece(1, "0", "0"), piece(2, "6", "102"), piece(3, "10", "104"))


def test_own_prints_move_the_average_one_is_held_against():
    """Without them the benchmark is what the others paid."""
    own = Own(quantity=Decimal(5), notional=Decimal(520))

    assert vwap(TAPE) == Decimal("102.6")
    assert vwap(TAPE, own) == ratio(Decimal(1532), Decimal(15))
    assert participation(own, TAPE) == Decimal("0.25")


def test_nothing_traded_is_no_average():
    """And more of our own than the tape shows is not of this tape."""
    assert vwap([piece(0, "0", "0")]) is None
    assert participation(Own(quantity=Decimal(0), notional=Decimal(0)), []) is None
    with pytest.raises(ValueError, match="more than the tape shows"):
        vwap([piece(0, "1", "100")], Own(quantity=Decimal(2), notional=Decimal(200)))


def test_time_without_a_mid_counts_for_nothing_and_is_said():
    """One second at 100, two unknown, one at 110."""
    mids = [(at(-5), Decimal(100)), (at(1), None), (at(3), Decimal(110))]

    assert twap(mids, at(0), at(4)) == (105, Decimal("0.5"))
    assert twap(mids, at(1), at(3)) == (None, 0)
    assert twap(mids, at(0), at(0)) == (100, 1)
    assert twap([], at(0), at(1)) == (None, 0)


def test_the_market_until_we_would_have_been_its_share():
    """Half of 8 is done when 8 were traded, two thirds of the way through the third piece."""
    assert pwp(TAPE, Decimal(4), Decimal("0.5")) == Decimal(4 * 100 + 4 * 102) / 8
    assert pwp(TAPE, Decimal(20), Decimal(1)) == Decimal("102.6")
    assert pwp(TAPE, Decimal(4), Decimal("0.1")) is None


@pytest.mark.parametrize(("side", "price", "found"), [(Side.BUY, "99", 100), (Side.SELL, "99", -100)])
def test_improvement_helps_when_positive(side: Side, price: str, found: int):
    """On either side."""
    assert improvement_bps(side, Decimal(price), Decimal(100)) == found
