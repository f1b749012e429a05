"""Spreads, markouts and captures, by the published numbers."""

from decimal import Decimal

import pytest

from router.model.side import Side
from router.tca.spreads import (
    Marked,
    by_quantity,
    capture,
    effective_bps,
    impact_bps,
    markout_bps,
    realised_bps,
)


def marked(side: Side, price: str, mid: str, later: str, quantity: str) -> Marked:
    mids = dict(zip((1, 10, 60), map(Decimal, later.split()), strict=True))
    return Marked(side=side, quantity=Decimal(quantity), price=Decimal(price), mid=Decimal(mid), later={**mids})


W18 = (
    marked(Side.BUY, "100.06", "100.02", "100.03 100.05 100.01", "2"),
    marked(Side.BUY, "100.08", "100.03", "100.06 100.07 100.09", "1"),
    marked(Side.SELL, "99.95", "100.00", "99.99 99.97 100.02", "3"),
)


def shown(figures: list[Decimal | None]) -> str:
    found = by_quantity(zip((one.quantity for one in W18), figures, strict=True))
    assert (found.seen, found.of) == (3, 3)
    return f"{found.value:.6f}"


def test_the_printed_example():
    """W18: three fills, three horizons."""
    assert shown([effective_bps(one) for one in W18]) == "9.332300"
    assert [shown([realised_bps(one, at) for one in W18]) for at in (1, 10, 60)] == ["6.666067", "2.999767", "9.999433"]
    assert [shown([impact_bps(one, at) for one in W18]) for at in (1, 10, 60)] == ["2.666233", "6.332534", "-0.667133"]
    assert [shown([markout_bps(one, at) for one in W18]) for at in (1, 10, 60)] == [
        "-3.333468",
        "-1.500167",
        "-5.000885",
    ]


def test_a_buy_above_the_mid_pays_twice_the_distance():
    """100.05 against 100: ten basis points."""
    assert effective_bps(marked(Side.BUY, "100.05", "100", "100 100 100", "1")) == 10


@pytest.mark.parametrize(
    ("side", "price", "earned"),
    [(Side.BUY, "99", 1), (Side.BUY, "100", 0), (Side.BUY, "101", -1), (Side.SELL, "101", 1), (Side.SELL, "99", -1)],
)
def test_capture_is_one_at_ones_own_touch(side: Side, price: str, earned: int):
    """Nothing at the mid, and minus one across."""
    assert capture(side, Decimal(price), Decimal(99), Decimal(101)) == earned


def test_a_locked_book_has_no_spread_to_capture():
    """Nor has a crossed one."""
    assert capture(Side.BUY, Decimal(100), Decimal(100), Decimal(100)) is None
    assert capture(Side.BUY, Decimal(100), Decimal(101), Decimal(100)) is None


def test_a_mid_nobody_saw_is_left_out_and_counted():
    """Never clamped to the last one that was seen."""
    unseen = Marked(side=Side.BUY, quantity=Decimal(9), price=Decimal(101), mid=Decimal(100), later={1: None})
    seen = Marked(side=Side.BUY, quantity=Decimal(1), price=Decimal(101), mid=Decimal(100), later={1: Decimal(102)})
    found = by_quantity((one.quantity, impact_bps(one, 1)) for one in (unseen, seen))

    assert (found.value, found.seen, found.of) == (400, 1, 2)
    assert by_quantity([(Decimal(1), realised_bps(unseen, 1))]).value is None
