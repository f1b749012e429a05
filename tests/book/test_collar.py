"""The collar hangs on the market, not on one venue's quote."""

from decimal import Decimal

import pytest

from router.book.collar import collar_prices, outliers, reference_mid
from router.model.side import Side
from tests.engine.desk import Desk, account

HONEST = """
    kraken    bid 100.0 5
    kraken    ask 100.2 5
    coinbase  bid  99.9 5
    coinbase  ask 100.1 5
"""


def listing(venue: str) -> str:
    """Its one listing."""
    return f"{account(venue)}:BTC/USD"


def view_of(text: str):  # type: ignore[no-untyped-def]
    """The market as text."""
    desk = Desk()
    desk.market(text)
    return desk.view()


def test_one_rogue_venue_does_not_move_the_reference() -> None:
    """The median of three ignores it."""
    rogue = HONEST + "binance bid 9.9 5\n binance ask 10.0 0.0001"
    assert reference_mid(view_of(rogue)) == Decimal("100.0")


@pytest.mark.parametrize(
    ("side", "quotes"), [(Side.SELL, "bid 9.9 1\n binance ask 10.0 1"), (Side.BUY, "bid 400 1\n binance ask 401 1")]
)
def test_an_honest_listing_keeps_its_collar_beside_a_rogue(side: Side, quotes: str) -> None:
    """Even with two sources, where the median is bent, a listing's own mid holds."""
    text = "kraken bid 100.0 5\n kraken ask 100.2 5\n binance " + quotes
    bound = collar_prices(view_of(text), side, Decimal(500))[listing("kraken")]  # type: ignore[index]
    assert (bound - Decimal("100.1") * (1 + side.sign * Decimal("0.05"))) * side.sign <= 0


def test_a_listing_far_from_the_others_stands_aside() -> None:
    """By name, and by how far."""
    rogue = HONEST + "binance bid 110.0 5\n binance ask 110.2 5"
    found = outliers(view_of(rogue), Decimal(500))
    assert list(found) == [listing("binance")]
    assert "bps from the other venues'" in found[listing("binance")]  # type: ignore[index]
