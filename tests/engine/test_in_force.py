"""How long an order is worked: one round, one round for all of it, or until its end."""

import pytest

from router.model.orders import ParentState
from tests.engine.desk import Desk

TWO = """
    kraken   bid  99.90 50
    kraken   ask 100.00 0.5
    binance  bid  99.80 50
    binance  ask 100.05 0.5
"""


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(TWO)
    return desk


def test_ioc_takes_what_is_there_and_comes_back_for_nothing(desk: Desk) -> None:
    """Half of it stands in the books: that is sent once, whatever comes later."""
    parent = desk.order("P1", "SWEEP", "2", time_in_force="IOC")
    assert desk.sent == ["binance buy 0.5 @ 100.05", "kraken buy 0.5 @ 100.00"]

    desk.fill("kraken", "0.3")
    desk.fill("binance")
    desk.later(5_000)

    assert desk.sent == []
    assert (parent.state, parent.reason) == (ParentState.DONE_PARTIAL, "its one round is over: no depth")


def test_ioc_that_finds_nothing_expires(desk: Desk) -> None:
    """Nothing at its limit."""
    parent = desk.order("P1", "SWEEP", "2", time_in_force="IOC", limit_price="90")
    assert desk.sent == []
    assert parent.state is ParentState.EXPIRED
    assert parent.reason.startswith("its one round found nothing")


def test_fok_sends_nothing_where_the_books_do_not_show_all_of_it(desk: Desk) -> None:
    """1.0001 of 1 that is there."""
    parent = desk.order("P1", "SWEEP", "1.0001", time_in_force="FOK")
    assert desk.sent == []
    assert parent.state is ParentState.EXPIRED
    assert parent.reason.startswith("all of it could not be filled at once: nothing was sent")


def test_fok_goes_where_all_of_it_is_shown(desk: Desk) -> None:
    """What a venue then leaves is left: it is not atomic."""
    parent = desk.order("P1", "SWEEP", "1", time_in_force="FOK")
    assert desk.sent == ["binance buy 0.5 @ 100.05", "kraken buy 0.5 @ 100.00"]
    desk.fill("kraken", "0.2")
    desk.fill("binance")
    assert desk.sent == []
    assert (parent.state, parent.reason) == (ParentState.DONE_PARTIAL, "its one round is over")


def test_fok_for_money_is_all_of_it_but_less_than_a_lot(desk: Desk) -> None:
    """100 buys 0.9996 of the unit that is there; 101 buys more than there is."""
    desk.order("P1", "SWEEP", None, quote_value="100", time_in_force="FOK")
    assert desk.sent == ["binance buy 0.4997 @ 100.05", "kraken buy 0.5 @ 100.00"]
    desk.order("P2", "SWEEP", None, quote_value="101", time_in_force="FOK")
    assert desk.sent == []
