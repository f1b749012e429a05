"""Views: which listings may be used, what their currencies are worth, and what is said of the others."""

from decimal import Decimal

import pytest

from router.book.books import Books, ViewPolicy
from router.book.fx import FxPolicy, FxRule
from router.book.venue_book import PASSED_OVER_MIN
from router.model.ids import Asset, InstrumentId, Nanos
from router.model.instruments import Instrument
from router.model.market import FxMark, MarketView
from router.model.side import Side
from tests.split.markets import lid, listing

MS = 1_000_000
BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
DOLLAR = listing("A")
TETHER = listing("B", "BTC/USDT")
RATE = listing("A", "USDT/USD", instrument="USDT/USD")
ALL = (TETHER, DOLLAR, RATE)
USDT = Asset("USDT")
MARKED = FxPolicy(rules=(FxRule(asset=USDT, age_ms_max=5_000, depeg_bps_max=Decimal(100)),))


@pytest.fixture
def books() -> Books:
    books = Books()
    books.book_snapshot(DOLLAR.id, {99.0: 1.0}, {100.0: 1.0, 101.0: 5.0}, Nanos(0))
    books.book_snapshot(TETHER.id, {99.0: 1.0}, {100.0: 1.0}, Nanos(0))
    books.book_snapshot(RATE.id, {0.999: 1000.0}, {0.9992: 1000.0}, Nanos(0))
    return books


def seen(books: Books, at_ms: int = 1, fx: FxPolicy = MARKED, **policy: int) -> MarketView:
    rules = ViewPolicy(book_age_ms_max=policy.pop("book_age_ms_max", 2_000), fx=fx, **policy)
    return books.view(BTC_USD, Decimal(1), Nanos(at_ms * MS), listings=ALL, policy=rules)


def why(view: MarketView) -> dict[str, str | None]:
    return {one.listing.id: one.unusable for one in view.listings}


def test_a_view_has_every_listing_of_the_instrument_in_order(books: Books):
    view = seen(books)
    assert why(view) == {DOLLAR.id: None, TETHER.id: None}
    assert view.listings[0].book_age_ns == MS
    assert view.listings[0].asks[0].price == 100
    assert view.fx == (
        FxMark(asset=Asset("USD"), rate=Decimal(1), age_ns=0, source="reporting currency"),
        FxMark(asset=USDT, rate=Decimal("0.9991"), age_ns=MS, source=RATE.id),
    )


def test_an_old_book_is_stale_and_a_heartbeat_keeps_it_fresh(books: Books):
    books.book_heartbeat(DOLLAR.id, Nanos(1_500 * MS))
    assert why(seen(books, 3_000)) == {DOLLAR.id: None, TETHER.id: "stale: 3000 ms old, limit 2000 ms"}


def one_sided(books: Books, messages: int) -> str | None:
    """Why the book is not used after so many changes of its bids only, up to three seconds."""
    for number in range(messages):
        books.book_delta(DOLLAR.id, [(99.0, 2.0 + number)], [], Nanos(3_000 * MS))
    return why(seen(books, 3_000, book_age_ms_max=10_000, side_age_ms_max=2_000))[DOLLAR.id]


def test_a_side_that_stands_still_while_the_other_moves_is_not_believed(books: Books):
    """Over and over, and for too long: one change of the other side is no suspicion."""
    assert one_sided(books, PASSED_OVER_MIN - 1) is None
    assert one_sided(books, 1) == "still: asks unchanged for 3000 ms while the other side moves"


def test_a_side_that_stands_still_at_a_quiet_venue_is_believed(books: Books):
    """Messages that say nothing are signs of life; both sides may stand still for ever."""
    for number in range(2 * PASSED_OVER_MIN):
        books.book_delta(DOLLAR.id, [], [], Nanos(3_000 * MS + number))
    assert one_sided(books, 0) is None


@pytest.mark.parametrize("cleared_by", ["its own change", "a snapshot", "REST"])
def test_a_doubted_side_is_believed_again(books: Books, cleared_by: str):
    assert one_sided(books, PASSED_OVER_MIN) is not None
    match cleared_by:
        case "its own change":
            books.book_delta(DOLLAR.id, [], [(101.0, 7.0)], Nanos(3_000 * MS))
        case "a snapshot":
            books.book_snapshot(DOLLAR.id, {99.0: 1.0}, {100.0: 1.0}, Nanos(3_000 * MS))
        case _:
            books.book_confirmed(DOLLAR.id, Nanos(2_500 * MS))
    assert one_sided(books, 0) is None


def test_a_book_with_an_empty_side_is_not_used(books: Books):
    """Nobody can tell what a price is worth where nobody bids."""
    books.book_delta(DOLLAR.id, [(99.0, 0.0)], [], Nanos(MS))
    assert why(seen(books))[DOLLAR.id] == "one-sided: no bids"


def test_a_lost_or_unknown_book_says_so(books: Books):
    books.book_lost(DOLLAR.id, "socket down")
    other = listing("C")
    rules = ViewPolicy(book_age_ms_max=2_000, fx=MARKED)
    view = books.view(BTC_USD, Decimal(1), Nanos(1), listings=(DOLLAR, other), policy=rules)
    assert why(view) == {DOLLAR.id: "socket down", other.id: "no book yet"}


def test_a_crossed_delta_is_answered_with_the_reason(books: Books):
    assert books.book_delta(DOLLAR.id, [(100.0, 1.0)], [], Nanos(1)) == "crossed: bid 100.0 at or above ask 100.0"
    assert why(seen(books))[DOLLAR.id] == "crossed: bid 100.0 at or above ask 100.0"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((), "no FX rule for USDT"),
        ((FxRule(asset=USDT, age_ms_max=0),), f"no mark for USDT: {RATE.id} is 1 ms old, limit 0 ms"),
        ((FxRule(asset=USDT, listings=(lid("Z", "USDT/USD"),)),), "no mark for USDT: Z/main:USDT/USD has no book yet"),
        (
            (FxRule(asset=USDT, depeg_bps_max=Decimal(5)),),
            f"USDT is off its peg: 0.9991 by {RATE.id}, limit 5 bps",
        ),
        (
            (FxRule(asset=USDT, declared=Decimal("0.9"), depeg_bps_max=Decimal(100)),),
            "USDT is off its peg: 0.9 by declared, limit 100 bps",
        ),
    ],
)
def test_without_a_mark_to_rely_on_a_listing_stands_aside(books: Books, rules: tuple[FxRule, ...], said: str):
    view = seen(books, fx=FxPolicy(rules=rules))
    assert why(view) == {DOLLAR.id: None, TETHER.id: said}
    assert view.fx_rate(USDT) is None


def test_a_declared_rate_needs_no_book(books: Books):
    view = seen(books, fx=FxPolicy(rules=(FxRule(asset=USDT, declared=Decimal(1)),)))
    assert view.fx[1] == FxMark(asset=USDT, rate=Decimal(1), age_ns=0, source="declared")


def test_the_first_usable_source_marks(books: Books):
    """The preferred book is lost, so the next one in the rule's order is taken."""
    second = lid("B", "USDT/USD")
    books.book_lost(RATE.id, "gap")
    books.book_snapshot(second, {0.9980: 1.0}, {0.9990: 1.0}, Nanos(0))
    view = seen(books, fx=FxPolicy(rules=(FxRule(asset=USDT, listings=(RATE.id, second)),)))
    assert view.fx_rate(USDT) == Decimal("0.9985")


def test_with_a_side_only_that_side_goes_deep(books: Books):
    books.book_snapshot(DOLLAR.id, {90.0 - tick: 1.0 for tick in range(40)}, {100.0: 1.0}, Nanos(0))
    rules = ViewPolicy(book_age_ms_max=2_000, fx=MARKED)
    deep = books.view(BTC_USD, Decimal(30), Nanos(1), listings=ALL, policy=rules, side=Side.SELL)
    flat = books.view(BTC_USD, Decimal(30), Nanos(1), listings=ALL, policy=rules, side=Side.BUY)
    assert len(deep.listings[0].bids) > 30
    assert 1 <= len(flat.listings[0].bids) < 5
