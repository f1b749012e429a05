"""Single bounds of the envelope, at work."""

import pytest

from router.model.orders import ParentState
from tests.engine.desk import Desk

MIN = 60_000


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market("""
        kraken   bid  99.90 50
        kraken   ask 100.00 50 fee 26bp
        binance  bid  99.90 50
        binance  ask 100.10 50 fee 10bp
    """)
    return desk


def test_no_child_goes_where_more_is_charged_than_allowed(desk: Desk) -> None:
    """Kraken would be cheaper before its fee; it charges 26 bp."""
    parent = desk.order("P1", "SWEEP", "1", max_fee_bps="10")
    assert desk.sent == ["binance buy 1 @ 100.10"]
    [planned] = [fact for fact in desk.facts if type(fact).__name__ == "RoundPlanned"]
    [why] = [one.reason for one in planned.exclusions if one.listing_id.startswith("kraken")]  # type: ignore[union-attr]
    assert why == "charges 26 bp, above max_fee_bps 10"
    assert parent.state is ParentState.WORKING


def test_a_fee_nobody_charges_so_little_is_refused_with_the_least(desk: Desk) -> None:
    """10 bp is what there is."""
    parent = desk.order("P1", "SWEEP", "1", max_fee_bps="9")
    assert (parent.state, parent.reason) == (ParentState.REJECTED, "max_fee_bps: 10 is the least that is charged here")


@pytest.mark.parametrize(("past", "state"), [(False, ParentState.DONE_PARTIAL), (True, ParentState.FILLED)])
def test_an_order_may_go_on_after_its_end(desk: Desk, past: bool, state: ParentState) -> None:
    """What the last slice missed is taken when there is a price again."""
    parent = desk.order(
        "P1", "TWAP", "2", duration="2m", limit_price="101", params={"slices": 2}, allow_past_end_time=past
    )
    desk.later(MIN)
    desk.fill("binance")
    desk.books.clear()
    desk.market("kraken ask 200 50\nkraken bid 99.90 50")
    desk.later(2 * MIN)
    desk.market("kraken ask 100.00 50\nkraken bid 99.90 50")
    desk.later(1_000)
    if past:
        desk.fill("kraken")
    assert parent.state is state


def test_a_share_that_fell_behind_is_made_up_within_the_largest(desk: Desk) -> None:
    """A first window fills a tenth of its two: the second makes up for it as far as the least rate asks."""

    def second_window(**rates: str) -> list[str]:
        desk = Desk().start()
        desk.market("kraken ask 100.00 50\nkraken bid 99.90 50")
        desk.printed("kraken", "1000")
        params = {"target_rate": "0.1", "window": "1m", "max_rate": "0.5", "catch_up_cap": "1"} | rates
        desk.order("P1", "POV", "10", params=params)
        desk.printed("kraken", "1018")
        desk.later(MIN)
        assert desk.sent == ["kraken buy 2 @ 100.00"]
        desk.fill("kraken", "0.2")
        desk.printed("kraken", "1036.2")
        desk.later(MIN)
        return desk.sent

    assert second_window() == ["kraken buy 2 @ 100.00"]
    assert second_window(min_rate="0.09") == ["kraken buy 3.3604 @ 100.00"]
    assert second_window(min_rate="0.09", max_rate="0.12") == ["kraken buy 2.4545 @ 100.00"]
