"""Through a third asset: two books as one curve, all costs in it."""

from dataclasses import replace
from decimal import Decimal

from router.model.ids import InstrumentId
from router.model.market import Level, ListingView
from router.model.side import Side
from router.split.bridge import bridged, saving_of
from router.split.check import violations
from router.split.plan import SplitRequest
from router.split.split import split
from tests.split.markets import lid, listing, market

DIRECT = market("A BTC/USD fee=10 : 60000x1 60100x5")
PAIR_ID = f"{lid('B', 'BTC/ETH')}+{lid('B', 'ETH/USD')}"


def asks(venue: str, symbol: str, *levels: str, **rules: str) -> ListingView:
    return ListingView(
        listing=replace(listing(venue, symbol, **rules), instrument=InstrumentId(symbol)),
        bids=(),
        asks=tuple(Level(*map(Decimal, level.split("x"))) for level in levels),
        book_age_ns=0,
        book_seq=1,
    )


BTC_ETH = asks("B", "BTC/ETH", "20x1", "20.02x2", fee="5", step="0.001")
ETH_USD = asks("B", "ETH/USD", "3000x10", "3001x100", fee="5", step="0.01")


def buy(quantity: str) -> SplitRequest:
    return SplitRequest(view=DIRECT, side=Side.BUY, quantity=Decimal(quantity))


def test_the_pair_is_taken_where_it_is_cheaper_after_both_fees():
    """20 x 3000 is the direct price, but ten basis points in two halves compound: dearer by 0.015 USD a bitcoin."""
    request = bridged(buy("0.5"), BTC_ETH, ETH_USD, Decimal(1000))
    pair = request.view.listings[-1]
    assert pair.listing.id == PAIR_ID
    assert pair.asks[0] == Level(Decimal(60_000) * Decimal("1.0005") ** 2, Decimal("0.499"))
    assert [line.listing_id for line in split(request).lines] == [lid("A")]
    cheaper = bridged(buy("0.5"), asks("B", "BTC/ETH", "19.9x1", fee="5", step="0.001"), ETH_USD, Decimal(1000))
    plan = split(cheaper)
    assert violations(cheaper, plan) == ()
    assert [line.listing_id for line in plan.lines] == [PAIR_ID]


def test_both_books_run_out_level_by_level():
    """Ten ETH reach for 0.499 of a bitcoin at the first price, whole lots; then the second ETH level is used."""
    pair = bridged(buy("3"), BTC_ETH, ETH_USD, Decimal(1000)).view.listings[-1]
    fees = Decimal("1.0005") ** 2
    assert pair.asks == (
        Level(20 * 3000 * fees, Decimal("0.499")),
        Level(20 * 3001 * fees, Decimal("0.501")),
        Level(Decimal("20.02") * 3001 * fees, Decimal(2)),
    )


def test_no_more_goes_through_than_the_intermediate_asset_there_is():
    pair = bridged(buy("3"), BTC_ETH, ETH_USD, Decimal("12.1")).view.listings[-1]
    assert sum(level.size for level in pair.asks) == Decimal("0.604")


def test_what_cannot_be_chained_leaves_the_request_as_it_was():
    request = buy("1")
    assert bridged(request, ETH_USD, BTC_ETH, Decimal(1)) is request
    assert bridged(request, BTC_ETH, replace(ETH_USD, asks=()), Decimal(1)) is request
    assert bridged(request, BTC_ETH, ETH_USD, Decimal(0)) is request


def test_what_a_bridge_would_save_is_against_the_plan_that_is_sent():
    """Half a bitcoin at 60060 direct; 19.9 ETH at 3000 and both fees make 59759.71. Where it is dearer, nothing."""
    request = buy("0.5")
    plan = split(request)
    cheap = asks("B", "BTC/ETH", "19.9x1", fee="5", step="0.001")
    found = saving_of(request, plan, [(cheap, ETH_USD, Decimal(1000))])
    assert found is not None
    fees = Decimal("1.0005") ** 2
    over = Decimal("0.01") * 3000 * Decimal("1.0005")  # what a lot of ETH may leave over
    assert found.saving == Decimal("0.5") * (Decimal(60060) - Decimal("19.9") * 3000 * fees) - over
    assert {line.listing_id: line.quantity for line in found.lines} == {PAIR_ID: Decimal("0.5")}
    dear = saving_of(request, plan, [(BTC_ETH, ETH_USD, Decimal(1000))])
    assert dear is not None
    assert (dear.saving, dear.lines) == (0, ())
    assert saving_of(request, plan, [(BTC_ETH, BTC_ETH, Decimal(1000))]) is None
