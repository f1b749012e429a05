"""One venue's book against the simplest book there is, and what makes it unusable."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from router.book.venue_book import PASSED_OVER_MIN, VenueBook
from router.model.ids import Nanos
from router.model.market import Level
from router.model.side import Side

NOW = Nanos(1_000)

prices = st.integers(1, 60).map(lambda tick: tick / 10)
sizes = st.sampled_from([0.0, 0.0, 0.001, 0.5, 1.0, 2.25, 1e-08])
changes = st.lists(st.tuples(prices, sizes), max_size=6)


@given(start=st.dictionaries(prices, sizes), messages=st.lists(changes, max_size=20), count=st.integers(1, 8))
def test_a_side_equals_a_plain_dict(start: dict[float, float], messages: list, count: int):
    """Whatever comes, the best levels in order are those of a dict that is sorted when read."""
    for side in Side:
        book, naive = VenueBook(), {price: size for price, size in start.items() if size}
        book.snapshot(*((start, {}) if side is Side.SELL else ({}, start)), NOW)
        for message in messages:
            book.apply(*((message, []) if side is Side.SELL else ([], message)), NOW)
            for price, size in message:
                naive.pop(price, None)
                if size:
                    naive[price] = size
            expected = sorted(naive.items(), reverse=side is Side.SELL)
            assert book.top(side, count) == [list(level) for level in expected[:count]]
            assert book.levels(side, Decimal(10**9)) == tuple(
                Level(Decimal(repr(price)), Decimal(repr(size))) for price, size in expected
            )
        assert book.unusable is None
        assert book.seq == 1 + len(messages)


def test_nothing_is_known_before_the_first_snapshot():
    """Changes without a snapshot build no book."""
    book = VenueBook()
    assert book.apply([(100.0, 1.0)], [], NOW) == "no book yet"
    assert book.best(Side.SELL) is None
    assert book.snapshot({100.0: 1.0}, {101.0: 1.0}, NOW) is None
    assert book.best(Side.SELL) == (100.0, 1.0)
    assert book.best(Side.BUY) == (101.0, 1.0)


def test_a_crossed_book_needs_a_new_snapshot():
    """Uncrossing it by a change proves nothing: a message was missed."""
    book = VenueBook()
    book.snapshot({100.0: 1.0}, {101.0: 1.0}, NOW)
    said = "crossed: bid 101.0 at or above ask 101.0"
    assert book.apply([(101.0, 1.0)], [], NOW) == said
    assert book.apply([(101.0, 0.0)], [], NOW) == said
    book.heartbeat(NOW)
    assert book.unusable == said
    assert book.snapshot({100.0: 1.0}, {101.0: 1.0}, NOW) is None


def test_a_message_is_judged_whole():
    """Both sides move up in one message; in between the book would look crossed."""
    book = VenueBook()
    book.snapshot({100.0: 1.0}, {101.0: 1.0}, NOW)
    assert book.apply([(101.5, 1.0)], [(101.0, 0.0), (102.0, 1.0)], NOW) is None


def test_nonsense_makes_a_book_unusable():
    for price, size in [(float("nan"), 1.0), (-1.0, 1.0), (100.0, -1.0), (100.0, float("inf")), (100.5, float("nan"))]:
        book = VenueBook()
        book.snapshot({100.0: 1.0}, {101.0: 1.0}, NOW)
        assert str(book.apply([(price, size)], [], NOW)).startswith("nonsense level")
        assert str(book.snapshot({price: size}, {}, NOW)).startswith("nonsense level")


def test_a_lost_book_stays_lost_until_a_snapshot():
    book = VenueBook()
    book.snapshot({100.0: 1.0}, {101.0: 1.0}, NOW)
    book.lose("gap")
    assert book.apply([], [(101.0, 2.0)], NOW) == "gap"
    assert book.best(Side.BUY) == (101.0, 1.0)


def test_each_side_stands_still_by_itself():
    """A heartbeat vouches for the book, not for a side: a stream may have lost one only."""
    book = VenueBook()
    book.snapshot({100.0: 1.0}, {101.0: 1.0}, Nanos(0))
    for at in range(PASSED_OVER_MIN):
        book.apply([(100.0, 2.0)], [], Nanos(at))
    book.heartbeat(Nanos(80))
    assert book.age_ns(Nanos(100)) == 20
    assert book.still_ns(Side.SELL, Nanos(100)) == 0
    assert book.still_ns(Side.BUY, Nanos(100)) == 100


def test_a_read_goes_as_deep_as_the_quantity_and_a_little_further():
    book = VenueBook()
    book.snapshot({}, {100.0 + tick: 1.0 for tick in range(50)}, NOW)
    assert [level.price for level in book.levels(Side.BUY, Decimal("2.5"), extra=2)] == [100, 101, 102, 103, 104]
    assert len(book.levels(Side.BUY, Decimal(1000))) == 50


def test_a_read_is_exact_and_a_copy():
    """Decimals are the digits the venue sent; later changes do not reach what was read."""
    book = VenueBook()
    book.snapshot({}, {61837.64: 0.1, 61838.04: 1.5478}, NOW)
    read = book.levels(Side.BUY, Decimal(1))
    book.apply([], [(61837.64, 0.3)], NOW)
    assert read == (Level(Decimal("61837.64"), Decimal("0.1")), Level(Decimal("61838.04"), Decimal("1.5478")))
    assert book.levels(Side.BUY, Decimal(1))[0].size == Decimal("0.3")
