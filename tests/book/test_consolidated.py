"""All venues in one order."""

from dataclasses import replace
from decimal import Decimal
from itertools import islice

from router.book.consolidated import Top, ladder, top
from router.book.effective import effective_price
from router.model.side import Side
from tests.split.markets import lid, market

W3 = """
    K BTC/USD fee=16 : 60000x1 60020x2
    X BTC/USDT fee=10 : 60080x1 60100x3
    Y BTC/USDC fee=8 : 60010x1.5
"""


def test_the_ladder_is_ordered_by_all_in_price():
    """The dearest-looking quote, 60080 USDT, is the second best once fee and FX are in."""
    rungs = list(ladder(market(W3, USDT="0.9990", USDC="1"), Side.BUY))
    assert [(rung.venue, str(rung.effective_price.normalize())) for rung in rungs] == [
        ("Y", "60058.008"),
        ("X", "60079.93992"),
        ("K", "60096"),
        ("X", "60099.9399"),
        ("K", "60116.032"),
    ]
    assert [rung.cumulative for rung in rungs] == [Decimal(each) for each in ("1.5", "2.5", "3.5", "6.5", "8.5")]
    assert rungs[1].price == 60_080
    assert rungs[1].fee_bps == 10


def test_a_sell_ladder_begins_with_the_best_proceeds():
    view = market("A BTC/USD fee=40 : 100x1 98x1\nB BTC/USD : 99.9x1", Side.SELL)
    assert [rung.venue for rung in ladder(view, Side.SELL)] == ["B", "A", "A"]


def test_the_ladder_is_merged_as_it_is_read():
    """Three rungs of a deep market cost three rungs: it is an iterator, not a list."""
    view = market("A BTC/USD : " + " ".join(f"{100 + tick}x1" for tick in range(500)))
    assert [rung.price for rung in islice(ladder(view, Side.BUY), 3)] == [100, 101, 102]


def test_unusable_listings_are_not_in_it():
    view = market("A BTC/USD : 100x1\nB BTC/USD : 99x1\nC BTC/EUR : 1x1")
    view = replace(view, listings=(view.listings[0], replace(view.listings[1], unusable="gap"), view.listings[2]))
    assert [rung.listing_id for rung in ladder(view, Side.BUY)] == [lid("A")]
    assert top(view) == Top(bid=None, ask=Decimal(100))
    assert top(view).mid is None


def test_the_top_is_raw_price_after_fx():
    """Fees are no part of it: the collar asks where the market is, not what trading there costs."""
    asks = market("A BTC/USD fee=100 : 101x1\nB BTC/USDT : 102x1", USDT="0.98")
    bids = market("A BTC/USD fee=100 : 100x1\nB BTC/USDT : 100.5x1", Side.SELL, USDT="0.98")
    view = replace(
        asks,
        listings=tuple(replace(one, bids=other.bids) for one, other in zip(asks.listings, bids.listings, strict=True)),
    )
    found = top(view)
    assert found == Top(bid=Decimal(100), ask=Decimal("99.96"))
    assert found.mid == Decimal("99.98")
    assert found.opposite(Side.BUY) == Decimal("99.96")
    assert effective_price(view.listings[0].listing, Side.BUY, Decimal(101), Decimal(1)) == Decimal("102.01")
