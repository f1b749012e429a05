"""Orders of one plan arrive together."""

from router.split.arrival import delays_ms, upper_quartile_ms


def test_the_slowest_goes_first_and_none_waits_too_long():
    assert delays_ms({"A": 40, "B": 100, "C": 100}) == {"A": 60, "B": 0, "C": 0}
    assert delays_ms({"A": 5, "B": 900}) == {"A": 250, "B": 0}
    assert delays_ms({}) == {}


def test_latency_is_what_three_in_four_do_not_exceed():
    assert upper_quartile_ms([10, 40, 20, 30]) == 30
    assert upper_quartile_ms([7]) == 7
    assert upper_quartile_ms(list(range(1, 101))) == 75
