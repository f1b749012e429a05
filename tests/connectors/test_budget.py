"""The budget never lets a venue's limit be exceeded, keeps headroom for cancels, and adds no wait it need not."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.budget import NS_PER_S, Budget, BudgetExhausted, Limit, Urgency
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import Nanos


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def now(self) -> Nanos:
        return Nanos(self.ns)


calls = st.lists(st.tuples(st.integers(0, 3 * NS_PER_S), st.integers(1, 4), st.booleans()), max_size=60)


def played(budget, limit, asked):
    """Every call goes as soon as the budget lets it; returns (when, units, urgent, waited)."""
    now, gone = 0, []
    for pause, units, urgent in asked:
        now += pause
        urgency = Urgency.URGENT if urgent else Urgency.NORMAL
        waited = 0
        while wait := budget.wait_ns({limit.name: units}, urgency, now):
            now += wait
            waited += wait
        budget.spend({limit.name: units}, now)
        gone.append((now, units, urgent, waited))
    return gone


@given(calls, st.integers(8, 20))
def test_no_window_ever_holds_more_than_the_limit(asked, units):
    """Wherever a window begins, what was spent in it is within the limit, and within the unreserved part for polls."""
    limit = Limit(name="w", units=units, per_ns=10 * NS_PER_S, reserved=4)
    gone = played(Budget([limit], Hand()), limit, asked)
    for start, *_ in gone:
        inside = [each for each in gone if start <= each[0] < start + limit.per_ns]
        assert sum(each[1] for each in inside) <= units
    for index, (at, spent, urgent, _) in enumerate(gone):
        before = sum(each[1] for each in gone[:index] if each[0] > at - limit.per_ns)
        assert urgent or before + spent <= units - 4


@given(calls)
def test_a_call_within_the_window_waits_for_nothing(asked):
    """A wait is asked for only when the call would not fit at that very moment."""
    limit = Limit(name="w", units=12, per_ns=10 * NS_PER_S, reserved=4)
    gone = played(Budget([limit], Hand()), limit, asked)
    for index, (at, spent, urgent, waited) in enumerate(gone):
        asked_at = at - waited
        before = sum(each[1] for each in gone[:index] if each[0] > asked_at - limit.per_ns)
        assert (waited == 0) == (before + spent <= (12 if urgent else 8))


@given(calls)
def test_a_counter_that_runs_down_never_rises_above_its_top(asked):
    limit = Limit(name="d", units=10, per_ns=20 * NS_PER_S, reserved=3, drips=True)
    level, last = 0.0, 0
    for at, units, urgent, _ in played(Budget([limit], Hand()), limit, asked):
        level = max(0.0, level - (at - last) / NS_PER_S / 2) + units
        last = at
        assert level <= (10 if urgent else 7) + 1e-6


def test_headroom_lets_a_cancel_pass_a_queue_of_polls():
    limit = Limit(name="w", units=10, per_ns=NS_PER_S, reserved=2)
    budget = Budget([limit], Hand())
    for _ in range(8):
        budget.spend({"w": 1}, 0)
    assert budget.wait_ns({"w": 1}, Urgency.NORMAL, 0) == NS_PER_S
    assert budget.wait_ns({"w": 1}, Urgency.URGENT, 0) == 0


def test_a_pause_the_venue_asked_for_holds_everything():
    budget = Budget([Limit(name="w", units=10, per_ns=NS_PER_S, reserved=2)], Hand())
    budget.pause(3 * NS_PER_S)
    assert budget.wait_ns({"w": 1}, Urgency.URGENT, NS_PER_S) == 2 * NS_PER_S


async def test_impatience_sends_nothing():
    hand = Hand()
    budget = Budget([Limit(name="w", units=1, per_ns=NS_PER_S, reserved=0)], hand)
    await budget.take({"w": 1}, Urgency.NORMAL)
    with pytest.raises(BudgetExhausted):
        await budget.take({"w": 1}, Urgency.NORMAL, patience_ns=1000)


async def test_waiting_ends_when_the_window_has_moved_on():
    class Real:
        def now(self) -> Nanos:
            return Nanos(time.monotonic_ns())

    budget = Budget([Limit(name="w", units=2, per_ns=50_000_000, reserved=0)], Real())
    async with asyncio.timeout(20):
        for _ in range(5):
            await budget.take({"w": 1}, Urgency.NORMAL)


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_burst_of_five_orders_waits_for_nothing(name):
    """PERFORMANCE goal 1: idle or in a burst of five, the published limits allow it, and so do we."""
    dialect = DIALECTS[name]()
    budget = Budget(dialect.limits, Hand())
    for _ in range(5):
        cost = dialect.cost("createOrder", {})
        assert budget.wait_ns(cost, Urgency.NORMAL, 0) == 0
        budget.spend(cost, 0)
