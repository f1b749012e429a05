"""A streamed book held against REST's: what counts, and what is only of another moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.cross_check import COMPARED, Watch, differing

OURS = ({99.0: 1.0, 98.0: 2.5, 97.0: 4.0}, {101.0: 1.0, 102.0: 2.0})
BIDS = [["99.0", "1"], ["98.0", "2.5"], ["97.0", "4"]]
ASKS = [["101.0", "1"], ["102.0", "2"]]


def test_the_same_book_differs_nowhere():
    assert differing(OURS, BIDS, ASKS, Watch()) == frozenset()


@pytest.mark.parametrize(
    ("bids", "asks", "wrong"),
    [
        ([*BIDS[:2], ["97.0", "3"]], ASKS, ("bid", 97.0)),  # a change of size was lost
        (BIDS, [*ASKS, ["101.5", "7"]], ("ask", 101.5)),  # a new level was lost
        (BIDS[:1] + BIDS[2:], ASKS, ("bid", 98.0)),  # a removal was lost
    ],
)
def test_a_lost_change_shows_at_its_level(bids, asks, wrong):
    assert differing(OURS, bids, asks, Watch()) == {wrong}


def test_a_level_the_stream_touched_meanwhile_is_of_another_moment():
    watch = Watch()
    watch.heard([(98.0, 2.5)], [])
    assert differing(OURS, [BIDS[0], ["98.0", "9"], BIDS[2]], ASKS, watch) == frozenset()


def test_a_side_that_is_gone_is_wrong_in_all_its_levels():
    assert differing((OURS[0], {}), BIDS, ASKS, Watch()) == {("ask", 101.0), ("ask", 102.0)}
    assert differing(OURS, BIDS, [], Watch()) == {("ask", 101.0), ("ask", 102.0)}


def test_sizes_that_rest_rounds_agree():
    """Kraken writes three decimals there and eight on the stream."""
    ours = ({99.0: 0.00012345, 98.0: 2.0596}, {101.0: 1.5})
    assert differing(ours, [["99.0", "0.000"], ["98.0", "2.059"]], [["101.0", "1.500"]], Watch()) == frozenset()
    assert differing(ours, [["99.0", "0.000"], ["98.0", "2.068"]], [["101.0", "1.500"]], Watch()) == {("bid", 98.0)}


def test_nothing_is_compared_beyond_where_a_list_was_cut():
    """One shows more levels than the other, or the book has moved: what only one of them reaches proves nothing."""
    deep = {100.0 - tick: 1.0 for tick in range(3 * COMPARED)}
    rows = [[str(price + 3), "1"] for price in deep][:COMPARED]
    moved = differing((deep, {}), rows, [], Watch())
    assert moved == {("bid", 103.0), ("bid", 102.0), ("bid", 101.0)}


def test_rows_that_are_no_levels_are_no_evidence():
    with pytest.raises(AnswerUnusable):
        differing(OURS, [["99.0", "x"]], ASKS, Watch())


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 9), max_size=30), st.integers(1, 40), st.integers(0, 9))
def test_one_lost_change_of_the_best_levels_is_always_seen_and_nothing_else(levels, at, size):
    """Whatever the book: the levels that differ are those one lost change made differ, as far as both lists reach."""
    true = {**levels, at: size} if size else {price: s for price, s in levels.items() if price != at}
    ours = {float(price): float(s) for price, s in levels.items()}
    rows = [[str(price), str(s)] for price, s in sorted(true.items())]
    found = differing(({}, ours), [], rows, Watch())
    expected = {at} if true.get(at, 0) != levels.get(at, 0) else set()
    cut = [sorted(prices)[COMPARED - 1] for prices in (ours, true) if len(prices) >= COMPARED]
    assert found == {("ask", float(price)) for price in expected if price <= min(cut, default=price)}
