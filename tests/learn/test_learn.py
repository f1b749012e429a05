"""How much of what is displayed is there: own orders (worked example W10), and what stands in for them."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from router.learn import WITNESSES_MIN, Learned, Observed, age_bucket, still_there, survival, thinned
from router.model.ids import VenueId
from router.model.market import Level
from router.model.side import Side
from router.split.plan import Landing, SplitRequest
from router.split.split import split
from router.split.survival import Sent, kaplan_meier
from tests.split.markets import lid, market

W10 = [(5, 3), (5, 5), (2, 2), (4, 1), (3, 3), (6, 4), (6, 6), (1, 1), (4, 0), (5, 2)]
A, B = VenueId("A"), VenueId("B")


def orders(*pairs: tuple[int, int]) -> tuple[Sent, ...]:
    return tuple(Sent(sent=Decimal(sent), filled=Decimal(filled)) for sent, filled in pairs)


def test_w10_what_filled_in_full_is_censored():
    """The plain share filled that far (.9 .7 .5 .3 .2 .1) is too low: who sent two cannot tell about the third."""
    found = kaplan_meier(orders(*W10))
    told = [found.at(Decimal(size)) for size in range(1, 7)]
    assert told == [Fraction(*each) for each in ((9, 10), (63, 80), (21, 32), (63, 128), (21, 64), (21, 64))]


def test_few_orders_leave_it_to_the_books_and_the_prior():
    """Two misses in a hundred to begin with; own orders count once enough of them got that far."""
    assert Observed().chance(Decimal(1)) == Fraction(98, 100)
    assert Observed(there=80, gone=20).chance(Decimal(1)) == Fraction(178, 200)
    few = Observed(sent=orders(*[(2, 1)] * (WITNESSES_MIN - 1)))
    assert few.chance(Decimal(2)) == Fraction(98, 100)
    enough = Observed(sent=orders(*[(2, 1)] * 5, *[(2, 2)] * (WITNESSES_MIN - 5)))
    assert enough.chance(Decimal(1)) == 1
    assert enough.chance(Decimal(2)) == Fraction(15, 20)


def test_a_recorded_book_one_latency_later_tells_what_was_left():
    later = [Level(Decimal(100), Decimal(1)), Level(Decimal(101), Decimal(5))]
    assert still_there(Decimal(101), Decimal(6), later, Side.BUY)
    assert not still_there(Decimal(100), Decimal(2), later, Side.BUY)
    assert still_there(Decimal(101), Decimal(5), later, Side.SELL)
    assert not still_there(Decimal(101), Decimal(6), later, Side.SELL)


def test_the_haircut_is_by_venue_and_age_and_never_better_with_depth():
    """An old book of one venue is told apart from a new one; a miss of this parent halves what is left of it."""
    view = market("""
        A BTC/USD : 100x1 101x1
        B BTC/USD : 100x1 101x1
    """)
    old = replace(view, listings=tuple(replace(one, book_age_ns=300_000_000) for one in view.listings))
    assert (age_bucket(0), age_bucket(300_000_000)) == (0, 2)
    learned = Learned(seen={(A, 2): Observed(sent=orders(*[(2, 1)] * 10, *[(2, 2)] * 30), there=0, gone=0)})
    fresh = survival(view, Side.BUY, learned)
    assert fresh == {lid("A"): (Decimal("0.98"),) * 2, lid("B"): (Decimal("0.98"),) * 2}
    aged = survival(old, Side.BUY, learned, misses={B: 1})
    assert aged == {lid("A"): (Decimal(1), Decimal("0.75")), lid("B"): (Decimal("0.49"),) * 2}
    request = SplitRequest(
        view=old,
        side=Side.BUY,
        quantity=Decimal(1),
        landing=Landing(survival=aged, fallback_price=Decimal(102)),
    )
    assert [line.listing_id for line in split(request).lines] == [lid("A")]


def test_a_twin_that_is_withdrawn_thins_what_arrives_later():
    assert thinned((Decimal("0.9"), Decimal("0.8")), Decimal("0.2"), Decimal("0.5")) == (
        Decimal("0.810"),
        Decimal("0.720"),
    )
