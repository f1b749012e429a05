"""The band around a schedule: what lies outside it is due at once, and nothing ahead of it is."""

import pytest

from tests.engine.desk import Desk

MIN = 60_000
DEAR = "kraken ask 200 50\nkraken bid 99.90 50"
CHEAP = "kraken ask 100.00 50\nkraken bid 99.90 50"


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(CHEAP)
    return desk


def after_ten_minutes_out_of_reach(desk: Desk, policy: str, **more: object) -> list[str]:
    """20 slices in 20 minutes; for half of it nothing is to be had inside the limit, then all is."""
    params = {"slices": 20, "round_wait_ms": 60_000} | dict(more.pop("params", {}))  # type: ignore[call-overload]
    desk.market(DEAR)
    desk.order("P1", policy, "20", duration="20m", limit_price="101", params=params, **more)
    for _ in range(10):
        desk.later(MIN)
    desk.market(CHEAP)
    desk.later(MIN)
    return desk.sent


@pytest.mark.parametrize(
    ("tolerance", "sent"),
    [(None, ["2"]), ("wide", ["5"]), ("standard", ["8"]), ("narrow", ["9"])],
)
def test_the_narrower_the_band_the_more_is_made_up_at_once(desk: Desk, tolerance: str | None, sent: list[str]) -> None:
    """Ten of 20 are missed: two a slice without a band, else all but what the band holds."""
    found = after_ten_minutes_out_of_reach(desk, "TWAP", tolerance=tolerance)
    assert [one.split()[2] for one in found] == sent


def test_an_order_that_makes_up_for_nothing_is_left_behind(desk: Desk) -> None:
    """One slice, as ever."""
    more = {"tolerance": "narrow", "params": {"catch_up": "none"}}
    assert after_ten_minutes_out_of_reach(desk, "TWAP", **more) == ["kraken buy 1 @ 100.00"]


def test_least_shortfall_comes_back_to_the_curve_it_began_with(desk: Desk) -> None:
    """Without a band only the first slice of what is left."""
    loose = after_ten_minutes_out_of_reach(desk, "IS")
    tight = Desk().start()
    tight.market(CHEAP)
    assert float(after_ten_minutes_out_of_reach(tight, "IS", tolerance="narrow")[0].split()[2]) > float(
        loose[0].split()[2]
    )
