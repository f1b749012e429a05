"""What paper orders took of a book stays taken until its feed tells another size."""

from decimal import Decimal

from connectors.paper.books import Left, RealBook
from router.model.side import Side


def book() -> RealBook:
    made = RealBook()
    made.replace({60000.0: 1.0}, {60010.0: 1.0, 60020.0: 2.0})
    return made


def asks_of(made: RealBook, limit: str = "70000") -> list[tuple[str, str]]:
    return sorted((str(level.price), str(level.size)) for level in made.facing(Side.BUY, Decimal(limit)).asks)


def buy(made: RealBook, **left: str) -> None:
    """Take from the asks; `left` names what remains by price, as p60010="0.4"."""
    offer = made.facing(Side.BUY, Decimal(70000))
    sizes = {level.price: level.size for level in offer.asks}
    sizes |= {Decimal(price[1:]): Decimal(size) for price, size in left.items()}
    made.took(offer, Left(bids={}, asks=sizes))


def test_an_offer_ends_at_the_limit():
    assert asks_of(book(), "60010") == [("60010.0", "1.0")]
    assert asks_of(book(), "60009.99") == []
    assert [level.price for level in book().facing(Side.SELL, Decimal(60000)).bids] == [Decimal(60000)]


def test_a_size_told_again_refreshes_nothing():
    """By a change or by a snapshot: a poll every second would fill the book anew every second."""
    made = book()
    buy(made, p60010="0.4")
    assert made.change([], [(60010.0, 1.0)]) == ([], [])
    assert made.replace({60000.0: 1.0}, {60010.0: 1.0, 60020.0: 2.0})[1] == {60010.0: 0.4, 60020.0: 2.0}
    assert asks_of(made) == [("60010.0", "0.4"), ("60020.0", "2.0")]


def test_another_size_is_a_fresh_level():
    for refresh in (
        lambda made: made.change([], [(60010.0, 0.9)]),
        lambda made: made.replace({}, {60010.0: 0.9, 60020.0: 2.0}),
    ):
        made = book()
        buy(made, p60010="0", p60020="1.5")
        refresh(made)
        assert asks_of(made) == [("60010.0", "0.9"), ("60020.0", "1.5")]


def test_a_level_that_was_used_up_is_not_shown():
    made = book()
    buy(made, p60010="0")
    assert made.replace({60000.0: 1.0}, {60010.0: 1.0, 60020.0: 2.0})[1] == {60020.0: 2.0}
    assert asks_of(made) == [("60020.0", "2.0")]


def test_a_level_that_left_and_came_back_is_fresh():
    made = book()
    buy(made, p60010="0.4")
    made.change([], [(60010.0, 0.0)])
    made.change([], [(60010.0, 1.0)])
    assert asks_of(made)[0] == ("60010.0", "1.0")


def test_what_the_feed_changed_while_we_took_is_fresh():
    """The taking came before: the book was offered before the change was heard."""
    made = book()
    offer = made.facing(Side.BUY, Decimal(60010))
    made.change([], [(60010.0, 3.0)])
    assert made.took(offer, Left(bids={}, asks={})) == ([], [])
    assert asks_of(made)[0] == ("60010.0", "3.0")


def test_a_lost_book_offers_nothing():
    made = book()
    made.lose()
    assert asks_of(made) == []
    made.replace({}, {60010.0: 1.0})
    assert asks_of(made) == [("60010.0", "1.0")]


def test_nonsense_is_not_on_offer():
    made = RealBook()
    made.replace({}, {60010.0: float("inf"), float("nan"): 1.0, -1.0: 1.0, 60020.0: -2.0})
    assert asks_of(made) == []
