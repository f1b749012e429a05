"""Orders that wait for a price: which are watched for, and what on a market wakes them."""

import pytest

from router.engine import timers
from router.model import events as e
from router.model.ids import Nanos, TimerId
from router.runtime.recovery import SNAPSHOTS
from tests.engine.desk import Desk

FAR = "kraken bid 99.90 5\nkraken ask 100.00 5\nbinance bid 99.90 5\nbinance ask 100.05 5"
NEAR = "kraken bid 99.30 5\nkraken ask 99.40 5\nbinance bid 99.30 5\nbinance ask 99.45 5"
HIGH = "kraken bid 100.90 5\nkraken ask 101.00 5\nbinance bid 100.90 5\nbinance ask 101.05 5"
HOUR = {"duration": "1h"}
ORDERS = {
    "SNIPER": ({"params": {"trigger_price": "99.50", "min_quantity": "3", "look_every_ms": 3_600_000}}, NEAR),
    "SWEEP": ({"stop_price": "100.80"}, HIGH),
    "TWAP": ({**HOUR, "params": {"slices": 2}, "would_price": "99.50"}, NEAR),
}


@pytest.fixture
def desk() -> Desk:
    desk = Desk().start()
    desk.market(FAR)
    return desk


def reached(desk: Desk) -> tuple[TimerId, ...]:
    return desk.engine.reached_by(desk.view(), Nanos(desk.now_ns))


@pytest.mark.parametrize("policy", ORDERS)
def test_an_order_is_woken_by_its_price_and_by_nothing_else(desk: Desk, policy: str) -> None:
    """By the rule it is planned by; its timer fires early, and it trades on the market of then."""
    fields, there = ORDERS[policy]
    parent = desk.order("P1", policy, "4", **fields)
    assert dict(desk.engine.awaited()) == {"BTC/USD": 4}
    assert (desk.sent, reached(desk)) == ([], ())

    desk.market(there)
    timer = timers.parent(parent.order.id)
    assert reached(desk) == (timer,)
    desk.tell(e.TimerFired(timer_id=timer))

    assert desk.sent != []
    assert reached(desk) == ()


def test_asking_changes_nothing(desk: Desk) -> None:
    """A look of the runtime leaves the state as it was, to the byte."""
    fields, there = ORDERS["SWEEP"]
    desk.order("P1", "SWEEP", "4", **fields)
    desk.market(there)
    before = SNAPSHOTS.dumps(desk.engine.state.image())

    assert reached(desk) != ()
    assert SNAPSHOTS.dumps(desk.engine.state.image()) == before


def test_an_order_that_waits_for_no_price_is_not_watched_for(desk: Desk) -> None:
    """Nor one that was triggered, nor one that may not be planned."""
    desk.order("P1", "TWAP", "1", **HOUR, params={"slices": 2})
    assert dict(desk.engine.awaited()) == {}

    desk.order("P2", "SWEEP", "1", stop_price="100.00", max_participation_rate="0.1")
    assert desk.engine.state.parent(list(desk.engine.state.blotter.parents)[1]).triggered_ns is None
    desk.market(HIGH)
    desk.later(1_000)
    assert dict(desk.engine.awaited()) == {}

    fields, there = ORDERS["SNIPER"]
    desk.order("P3", "SNIPER", "4", **fields)
    desk.market(there)
    assert len(reached(desk)) == 1
    desk.tell(e.HaltAsked(level=e.HaltLevel.NEW, reason="stop", principal="ann"))
    assert reached(desk) == ()
