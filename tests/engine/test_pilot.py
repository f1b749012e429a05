"""A part of an order first: then it waits for a person's word, with what the part cost."""

from decimal import Decimal
from typing import Any

import pytest

from router.model import events as e
from router.model import facts as f
from router.model.orders import ParentState
from router.orders.records import Parent
from tests.engine.desk import Desk

S = 1_000
MIN = 60 * S
BOOKS = """
    kraken   bid  99.90 50
    kraken   ask 100.10 50
    binance  bid  99.90 50
    binance  ask 100.10 0.1
"""


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(BOOKS)
    return desk


KRAKEN: dict[str, Any] = {"duration": "1h", "venues": {"include": ["kraken"]}}


def word(desk: Desk, parent: Parent, *, confirms: bool) -> tuple[f.Fact, ...]:
    return desk.tell(e.PauseAsked(parent_id=parent.order.id, resume=True, principal="ann", confirms=confirms))


def piloted(desk: Desk, **more: object) -> Parent:
    parent = desk.order("P1", "SWEEP", "4", pilot_pct=25, venues={"include": ["kraken"]}, **more)
    assert desk.sent == ["kraken buy 1 @ 100.10"]
    desk.fill("kraken")
    return parent


def test_the_pilot_pauses_with_what_it_cost_and_goes_on_when_told(desk: Desk) -> None:
    """A quarter first: 10 bps above the mid at arrival, as planned; the trade's fee of a cent on top."""
    parent = piloted(desk)

    assert desk.sent == []
    assert parent.state is ParentState.PAUSED
    assert parent.reason == (
        "its pilot is over: 1 of 4 at 100.11 all in, 11 bps from arrival where its rounds were planned at 10; "
        "`sor continue` lets it go on"
    )

    word(desk, parent, confirms=True)

    assert desk.sent == ["kraken buy 3 @ 100.10"]
    desk.fill("kraken")
    assert parent.state is ParentState.FILLED


def test_without_a_word_it_stays_paused(desk: Desk) -> None:
    """Also after its time for that, and after a restart; a plain resume is not the word."""
    parent = piloted(desk, pilot_timeout="5m")
    [refused] = [fact for fact in word(desk, parent, confirms=False) if isinstance(fact, f.AmendRefused)]
    assert refused.why == "ref_id: its pilot waits for a word: `sor continue` gives it"

    desk.later(6 * MIN)
    assert parent.reason == "nobody has confirmed its pilot in time: it stays paused until `sor continue`"
    successor = desk.restarted().start(epoch=2)
    successor.later(MIN)

    again = successor.engine.state.parent(parent.order.id)
    assert (successor.sent, again.state) == ([], ParentState.PAUSED)
    word(successor, again, confirms=True)
    assert successor.sent == ["kraken buy 3 @ 100.10"]


def test_a_word_where_no_pilot_waits_changes_nothing(desk: Desk) -> None:
    """It is refused, and said."""
    parent = desk.order("P1", "TWAP", "4", duration="1h", params={"slices": 4})
    [refused] = [fact for fact in word(desk, parent, confirms=True) if isinstance(fact, f.AmendRefused)]
    assert refused.why == "ref_id: no pilot of it waits for a word"


def test_rounds_of_the_pilot_are_not_taken_from_the_rest(desk: Desk) -> None:
    """One round for the pilot, one for what is left."""
    parent = piloted(desk, params={"rounds_max": 1})
    assert parent.state is ParentState.PAUSED
    word(desk, parent, confirms=True)
    assert desk.sent == ["kraken buy 3 @ 100.10"]


def test_a_pilot_of_money_is_a_part_of_the_money(desk: Desk) -> None:
    """A tenth of 1000."""
    desk.order("P1", "SWEEP", None, quote_value="1000", pilot_pct=10, venues={"include": ["kraken"]})
    assert desk.sent == ["kraken buy 0.999 @ 100.10"]


def test_a_schedule_stops_at_its_pilot(desk: Desk) -> None:
    """The second of four slices is cut where 30 % are done; told late, the schedule makes up for what it missed."""
    parent = desk.order("P1", "TWAP", "4", pilot_pct=30, params={"slices": 4, "catch_up_cap": "3"}, **KRAKEN)
    for sent in (["kraken buy 1 @ 100.10"], ["kraken buy 0.2 @ 100.10"]):
        desk.later(15 * MIN)
        assert desk.sent == sent
        desk.fill("kraken")
    desk.later(10 * MIN)
    assert (desk.sent, parent.state) == ([], ParentState.PAUSED)
    word(desk, parent, confirms=True)
    assert desk.sent == ["kraken buy 1.8 @ 100.10"]


def test_a_pilot_that_no_venue_takes_is_refused_with_the_least(desk: Desk) -> None:
    """1 % of a hundred-thousandth."""
    parent = desk.order("P1", "SWEEP", "0.001", pilot_pct=1)
    assert (parent.state, parent.reason) == (
        ParentState.REJECTED,
        "pilot_pct: 20 is the least: no venue here takes less than 0.0002",
    )
    assert parent.order.size == Decimal("0.001")
