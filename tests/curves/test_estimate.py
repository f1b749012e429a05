"""The shares of a curve: exactly one in all, each day alike, and no day alone moves a bucket far."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from router.curves.estimate import UNIT, curve_shares, cut_off

D = Decimal
amounts = st.integers(0, 10**9).map(lambda whole: D(whole).scaleb(-4))
days = st.integers(1, 24).flatmap(
    lambda buckets: st.lists(st.lists(amounts, min_size=buckets, max_size=buckets).filter(any), min_size=1, max_size=12)
)


@settings(max_examples=30, deadline=None)
@given(days=days, smooth=st.integers(0, 2))
def test_shares_are_whole_units_that_make_one(days: list[list[D]], smooth: int) -> None:
    """Exactly, whatever was traded; and not below nothing."""
    shares = curve_shares(days, smooth)

    assert len(shares) == len(days[0])
    assert sum(shares) == 1
    assert all(share >= 0 and share % UNIT == 0 for share in shares)


def test_one_day_is_its_own_curve() -> None:
    """Thirds cannot be written: the rest of a unit goes to the bucket that lost most, the earlier first."""
    assert curve_shares([[D(1), D(3)]]) == (D("0.25"), D("0.75"))
    assert curve_shares([[D(1), D(1), D(1)]]) == (D("0.333333333334"), D("0.333333333333"), D("0.333333333333"))


def test_each_day_counts_alike() -> None:
    """A day with a thousand times the volume is one day."""
    assert curve_shares([[D(1), D(3)], [D(3000), D(1000)]]) == (D("0.5"), D("0.5"))


def test_a_burst_on_one_day_moves_nothing() -> None:
    """From three days on the most and the least of every bucket are cut off."""
    calm = [[D(1), D(1), D(2)]] * 4
    burst = [[D(1), D(1000), D(2)]]

    assert curve_shares(calm + burst) == curve_shares(calm)
    assert [cut_off(days) for days in (1, 2, 3, 9, 10, 20, 29)] == [0, 0, 1, 1, 1, 2, 2]


def test_neighbours_smooth_a_bucket_around_midnight_too() -> None:
    """The day is a circle."""
    assert curve_shares([[D(4), D(0), D(0), D(0)]], smooth=1) == tuple(
        map(D, ("0.333333333334", "0.333333333333", "0", "0.333333333333"))
    )


def test_days_that_have_nothing_in_common_are_flat() -> None:
    """Where every bucket is cut off nothing is known, and nothing is divided by zero."""
    assert (
        curve_shares([[D(1), D(0), D(0), D(0)], [D(0), D(1), D(0), D(0)], [D(0), D(0), D(1), D(0)]]) == (D("0.25"),) * 4
    )
