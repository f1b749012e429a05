"""When a token's discount is counted on: switched on, valued, and enough of it for all that is due."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.book.discounts import Purse, with_discounts
from router.book.effective import effective_price, expected_fee, spend_factor
from router.model.ids import AccountId, Asset, InstrumentId, ListingId, Nanos, VenueId
from router.model.instruments import FeeIn, Listing, TokenDiscount
from router.model.market import FxMark, Level, ListingView, MarketView
from router.model.side import Side

ACCOUNT, BNB, USD = AccountId("binance/main"), Asset("BNB"), Asset("USD")
ON = TokenDiscount(token=BNB, taker_fee_bps=Decimal(6), on=True)
LISTING = Listing(
    id=ListingId("binance/main:BTC/USD"),
    instrument=InstrumentId("BTC/USD"),
    venue=VenueId("binance"),
    account=ACCOUNT,
    symbol="BTC/USD",
    base=Asset("BTC"),
    quote=USD,
    tick=Decimal("0.01"),
    step=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(0),
    max_quantity=None,
    taker_fee_bps=Decimal(10),
    fee_in=FeeIn.QUOTE,
    discount=ON,
)
DUE = Decimal(2)
NEEDED = Decimal("0.22")  # 2 at 10,000 a piece, 6 bp, a tenth over, at 60 a token


def seen(*listings: Listing, token_rate: str | None = "60") -> MarketView:
    """A book of 9,000 and 10,000 for each; the token at its mark."""
    books = tuple(
        ListingView(
            listing=one,
            bids=(Level(Decimal(8000), Decimal(9)),),
            asks=(Level(Decimal(9000), Decimal(1)), Level(Decimal(10000), Decimal(9))),
            book_age_ns=0,
            book_seq=1,
        )
        for one in listings
    )
    marks = [FxMark(asset=USD, rate=Decimal(1), age_ns=0, source="reporting currency")]
    if token_rate is not None:
        marks.append(FxMark(asset=BNB, rate=Decimal(token_rate), age_ns=7, source="a book"))
    return MarketView(instrument=InstrumentId("BTC/USD"), at_ns=Nanos(0), listings=books, fx=tuple(marks))


def holding(tokens: str, owed: str = "0") -> dict[tuple[AccountId, Asset], Purse]:
    return {(ACCOUNT, BNB): Purse(available=Decimal(tokens), owed=Decimal(owed))}


def test_enough_for_all_that_is_due_at_the_worst_price_shown():
    """The rate is the token's, the fee is in it, and what may be spent is reckoned without it: it may run out."""
    view, [basis] = with_discounts(seen(LISTING), Side.BUY, DUE, holding(str(NEEDED)))
    listing = view.listings[0].listing

    assert (basis.needed, basis.held, basis.source, basis.age_ns) == (NEEDED, NEEDED, "a book", 7)
    assert effective_price(listing, Side.BUY, Decimal(10000), Decimal(1)) == 10006
    assert effective_price(listing, Side.SELL, Decimal(10000), Decimal(1)) == 9994
    fee = expected_fee(listing, Side.BUY, Decimal(1), Decimal(10000))
    assert (fee.asset, fee.amount) == (BNB, Decimal("0.1"))
    assert spend_factor(listing, Side.BUY) == Decimal("1.001")


@pytest.mark.parametrize(
    ("listing", "view_of", "purses", "why"),
    [
        (LISTING, {}, holding("0.2199"), "0.22 BNB may be needed, 0.2199 are there"),
        (LISTING, {}, holding("0.22", owed="0.01"), "0.22018333 BNB may be needed"),
        (LISTING, {}, {}, "the balance of BNB is not known"),
        (LISTING, {"token_rate": None}, holding("9"), "nobody values BNB"),
        (replace(LISTING, quote=BNB), {}, holding("9"), "BNB itself is traded"),
        (replace(LISTING, quote=Asset("EUR")), {}, holding("9"), "nobody values EUR"),
    ],
)
def test_what_is_short_or_not_known_leaves_the_full_rate(listing, view_of, purses, why):
    """And says why."""
    view, [basis] = with_discounts(seen(listing, **view_of), Side.BUY, DUE, purses)

    assert basis.why_not is not None
    assert why in basis.why_not
    assert view.listings[0].listing.charged_bps == 10


@pytest.mark.parametrize("discount", [None, replace(ON, on=None), replace(ON, on=False)])
def test_a_switch_that_is_off_or_not_told_is_no_discount(discount):
    """There is nothing to say of it, and nothing changes."""
    view = seen(replace(LISTING, discount=discount))

    assert with_discounts(view, Side.BUY, DUE, holding("9")) == (view, ())


def test_listings_of_an_account_share_its_token():
    """What is enough for the cheaper one alone is not enough: the whole may go to the dearer one."""
    dearer = replace(LISTING, id=ListingId("binance/main:BTC/USDC"), discount=replace(ON, taker_fee_bps=Decimal(8)))
    view, bases = with_discounts(seen(LISTING, dearer), Side.BUY, DUE, holding(str(NEEDED)))

    assert [basis.why_not is None for basis in bases] == [False, False]
    assert [one.listing.charged_bps for one in view.listings] == [10, 10]
