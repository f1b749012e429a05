"""What an order should come to, before it is sent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.model.ids import AccountId, Asset, Nanos
from router.model.market import Level, MarketView
from router.model.public_trades import TradeCounters
from router.model.side import Side
from router.split.plan import SplitRequest
from router.tca.band import band, moves_per_second
from router.tca.estimate import estimate
from router.tca.impact import posterior_prefactor, square_root
from tests.split.markets import market

BOOKS = """
    A BTC/USD fee=10 : 60000x0.5 60010x1.0 60050x2
    B BTC/USD fee=5 : 60020x0.4 60030x1.2 60060x2
    C BTC/USD fee=25 : 59950x0.6 59990x1.0
"""
MS = 1_000_000


def two_sided(text: str = BOOKS) -> MarketView:
    """A bid of 59,930 everywhere: the mid of the example is 59,940."""
    view = market(text)
    bids = (Level(Decimal(59930), Decimal(5)),)
    return replace(view, listings=tuple(replace(one, bids=bids) for one in view.listings))


def test_its_parts_add_up():
    """Spread and depth, and fees: what the all-in price lies above the mid. The fee part is 10 bps of A and 5 of B."""
    found = estimate(SplitRequest(view=two_sided(), side=Side.BUY, quantity=Decimal(3)))

    assert found.plan.all_in_cost == Decimal("180185.031")
    assert found.mid == Decimal(59940)
    assert found.slippage_bps == pytest.approx(found.book_bps + found.fee_bps)
    assert found.fee_bps == pytest.approx(Decimal("7.342397953509"))
    raw = Decimal("0.5") * 60000 + Decimal("0.9") * 60010 + Decimal("0.4") * 60020 + Decimal("1.2") * 60030
    assert found.book_bps == pytest.approx((raw / 3 / 59940 - 1) * 10_000)


def test_it_says_what_it_costs_that_the_cash_lies_where_it_lies():
    """No cash at B: what was to be bought there costs more elsewhere."""
    rich = {(AccountId(f"{venue}/main"), Asset("USD")): Decimal(10**6) for venue in "ABC"}
    poor = rich | {(AccountId("B/main"), Asset("USD")): Decimal(0)}
    request = SplitRequest(view=two_sided(), side=Side.BUY, quantity=Decimal(3), spendable=rich)

    assert estimate(request).cash.lost_bps == 0
    assert estimate(replace(request, spendable=poor)).cash.lost_bps > 1
    assert estimate(replace(request, spendable=None)).cash is None


def test_rounds_are_shown_as_far_as_each_goes():
    request = SplitRequest(view=two_sided(), side=Side.BUY, quantity=Decimal(3))

    near, rest = estimate(request, reaches=(Decimal(2), None)).rounds

    assert near.quantity + rest.quantity == Decimal(3)
    assert near.marginal_price < rest.marginal_price == Decimal("60070.01")


def test_beyond_the_books_the_square_root_law_speaks_where_volume_is_known():
    request = SplitRequest(view=two_sided(), side=Side.BUY, quantity=Decimal(100))
    assert estimate(request).beyond_bps is None

    hour_ns = 3_600 * 1_000 * MS
    counted = TradeCounters(
        epoch_ns=Nanos(0),
        prints=10,
        quantity=Decimal("1041.66666"),
        notional=Decimal(0),
        bought=Decimal(0),
        sold=Decimal(0),
        last_ns=None,
    )
    first, *others = request.view.listings
    view = replace(request.view, at_ns=Nanos(hour_ns), listings=(replace(first, trades=counted), *others))
    found = estimate(replace(request, view=view))

    assert found.volume_day == pytest.approx(Decimal(25_000), rel=Decimal("1e-6"))
    assert found.beyond_bps == pytest.approx(Decimal("12.6491"), abs=Decimal("0.0001"))


def test_cost_against_time():
    """More time costs less depth and more risk; a slice below a minimum is said to be one."""
    view = two_sided("A BTC/USD fee=10 minimum=0.02 : 60000x0.05 60010x1.0 60050x2")
    found = estimate(SplitRequest(view=view, side=Side.BUY, quantity=Decimal(1))).over_time

    assert [one.horizon_s for one in found] == [0, 60, 600, 3_600, 14_400]
    assert found[2].cost_bps < found[0].cost_bps
    assert found[0].risk_bps < found[1].risk_bps < found[3].risk_bps
    assert found[3].cost_bps is None
    assert "minimum" in found[3].why_not


def test_the_square_root_law():
    """W22."""
    found = square_root(Decimal(100), Decimal(25_000), Decimal(300))

    assert found.peak_bps == pytest.approx(Decimal("18.9737"), abs=Decimal("0.0001"))
    assert found.average_bps == pytest.approx(Decimal("12.6491"), abs=Decimal("0.0001"))


def test_own_trades_sharpen_the_prefactor():
    """W22."""
    seen = [(Decimal(x), Decimal(y)) for x, y in ((19, 25), (8, 3), (12, 10), (30, 40))]

    assert posterior_prefactor(seen, Decimal(10)) == pytest.approx(Decimal("1.187266"), abs=Decimal("0.000001"))


def test_a_band_widens_with_what_was_watched_and_says_when_nobody_did():
    quiet, lively = (band(Side.BUY, Decimal(60_000), Decimal(moves), Decimal(0)) for moves in ("0.1", "2"))
    prior = band(Side.SELL, Decimal(60_000), None, Decimal(1))

    assert lively.low < quiet.low < Decimal(60_000) < quiet.high < lively.high
    assert (quiet.watched, prior.watched) == (True, False)
    assert prior.low < prior.high


def test_moves_are_measured_over_whole_seconds():
    """Up a bp, down a bp: a second apart."""
    seen = [
        (Nanos(at_ms * MS), Decimal(mid))
        for at_ms, mid in ((0, 10_000), (500, 10_000), (1_000, 10_001), (1_500, 10_002))
    ]

    assert moves_per_second(seen) == pytest.approx(Decimal("1.5"))
    assert moves_per_second(seen[:2]) is None
