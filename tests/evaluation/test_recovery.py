"""In a market whose truth is known, what is learned is the truth: the share of quotes that makers show twice."""

from decimal import Decimal

import pytest

from router.evaluation.contestants import Sent
from router.evaluation.makers import Makers, seeded
from router.evaluation.replay import Delays, World
from router.learn.duplicated import Taken, duplicated_share
from router.model.ids import Asset, InstrumentId
from router.model.instruments import Instrument
from router.model.side import Side
from tests.split.markets import listing

MS = 1_000_000
DELAYS = Delays(feed_ms={"A": 0, "B": 0}, order_ms={"A": 40, "B": 40})
BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))


@pytest.mark.parametrize("truth", ["0", "0.2", "0.35"])
def test_the_share_that_is_quoted_twice_is_recovered(truth: str):
    """Thirty times something is taken at A, and B looked at a moment later; the control: B had nothing been taken."""
    makers = tuple(
        Makers(
            listing=listing(venue),
            lag_ms=0,
            requote_bps=0.4,
            redraw_per_s=12.0,
            half_spread_bps=0.15,
            gap_bps=0.3,
            size=2.0,
        )
        for venue in ("A", "B")
    )
    market = seeded("recovery", BTC_USD, makers, seconds=40, duplicated=Decimal(truth))
    there, elsewhere = (book.listing.id for book in market.books)
    seen = []
    for at_ms in range(5_000, 35_000, 1_000):
        world = World(market, DELAYS, Side.BUY)
        before = _depth(world, elsewhere, at_ms)
        order = Sent(listing_id=there, quantity=Decimal(1 + at_ms % 3), limit_price=Decimal(10**6))
        done, _ = world.trade(order, at_ms * MS)
        change = _depth(world, elsewhere, at_ms + 100) - before
        control = _depth(World(market, DELAYS, Side.BUY), elsewhere, at_ms + 100) - before
        seen.append(Taken(volume=done, change=change, control=control))
    share = duplicated_share(seen)
    assert share is not None
    assert abs(share - Decimal(truth)) < Decimal("0.001")


def test_where_nothing_was_taken_nothing_is_known():
    assert duplicated_share([]) is None


def _depth(world: World, listing_id: str, at_ms: int) -> Decimal:
    view = world.view(at_ms * MS, feed=False)
    return sum((level.size for one in view.listings if one.listing.id == listing_id for level in one.asks), Decimal(0))
