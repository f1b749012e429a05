"""The budget never lets a venue's limit be exceeded, keeps headroom for cancels, and adds no wait it need not."""

import asyncio
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.budget import NS_PER_S, Addresses, Budget, BudgetExhausted, Limit, Urgency
from connectors.ccxt_venue.calls import CallFailed
from connectors.ccxt_venue.dialect import Wanted
from connectors.ccxt_venue.registry import DIALECTS
from connectors.ccxt_venue.wire import retry_after_ms
from router.model.ids import Nanos, VenueOrderId
from tests.capabilities.asking import Offline, child_at


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
        urgency = Urgency.FIRST if urgent else Urgency.NORMAL
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


@given(calls, st.integers(8, 20))
def test_no_long_window_holds_more_than_the_limit_either(asked, units):
    """What is kept of it in a thousandth is one line: nothing is let by earlier, and nothing waits much longer."""
    limit = Limit(name="w", units=units, per_ns=100 * NS_PER_S, reserved=4)
    gone = played(Budget([limit], Hand()), limit, [(pause // 20, *rest) for pause, *rest in asked])
    for start, *_ in gone:
        assert sum(each[1] for each in gone if start <= each[0] < start + limit.per_ns) <= units
    for index, (at, spent, urgent, waited) in enumerate(gone):
        room, since = units if urgent else units - 4, at - waited - limit.per_ns - limit.per_ns // 1_000
        assert waited == 0 or sum(each[1] for each in gone[:index] if each[0] > since) + spent > room


def test_a_day_of_calls_is_not_kept_one_by_one():
    """A limit of orders per day would be a list of a day's orders."""
    limit = Limit(name="w", units=200_000, per_ns=86_400 * NS_PER_S, reserved=0)
    budget = Budget([limit], Hand())
    for number in range(20_000):
        budget.spend({"w": 1}, number * NS_PER_S)

    (meter,) = budget._meters.values()
    assert len(meter._spent) < 300


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
    """Idle or in a burst of five, the published limits allow an order at once, and so do we."""
    dialect = DIALECTS[name]()
    budget = Budget(dialect.limits, Hand())
    for _ in range(5):
        cost = dialect.cost("createOrder", {})
        assert budget.wait_ns(cost, Urgency.NORMAL, 0) == 0
        budget.spend(cost, 0)


class Ticking:
    """A clock that moves by itself."""

    def now(self) -> Nanos:
        return Nanos(time.monotonic_ns())


async def order_of_going(budget, *urgencies, cost):
    """All ask at once, in this order; who goes when."""
    gone = []

    async def one(urgency):
        await budget.take(cost, urgency)
        gone.append(urgency)

    async with asyncio.timeout(20), asyncio.TaskGroup() as calls:
        for urgency in urgencies:
            calls.create_task(one(urgency))
            await asyncio.sleep(0)
    return gone


async def test_who_waits_is_served_by_urgency_and_then_by_arrival():
    """Without any headroom left a cancel still passes everything that queues for the same limit."""
    budget = Budget([Limit(name="w", units=1, per_ns=20_000_000, reserved=0)], Ticking())
    await budget.take({"w": 1}, Urgency.NORMAL)
    asked = (*Urgency, Urgency.NORMAL)
    gone = await order_of_going(budget, *asked, cost={"w": 1})
    assert gone == sorted(asked, key=lambda urgency: urgency.rank)


async def test_nobody_is_let_by_who_counts_against_something_else():
    hand = Hand()
    full, other = (Limit(name=name, units=1, per_ns=NS_PER_S, reserved=0) for name in ("full", "other"))
    budget = Budget([full, other], hand)
    await budget.take({"full": 1}, Urgency.NORMAL)
    waiting = asyncio.create_task(budget.take({"full": 1}, Urgency.FIRST))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await budget.take({"other": 1}, Urgency.IDLE)
    waiting.cancel()


def test_a_quarter_of_the_headroom_is_for_cancels_alone():
    """A storm of look-ups leaves room for what takes risk off."""
    budget = Budget([Limit(name="w", units=10, per_ns=NS_PER_S, reserved=4)], Hand())
    budget.spend({"w": 9}, 0)
    assert budget.wait_ns({"w": 1}, Urgency.URGENT, 0) == NS_PER_S
    assert budget.wait_ns({"w": 1}, Urgency.FIRST, 0) == 0


def test_what_a_venue_counts_by_ip_is_spent_by_all_accounts_together():
    limits = (
        Limit(name="ip", units=10, per_ns=NS_PER_S, reserved=0, by_ip=True),
        Limit(name="account", units=10, per_ns=NS_PER_S, reserved=0),
    )
    shared = Addresses().of("binance", None)
    one, other = (Budget(limits, Hand(), shared) for _ in range(2))
    one.spend({"ip": 10, "account": 10}, 0)
    assert other.wait_ns({"ip": 1}, Urgency.FIRST, 0) == NS_PER_S
    assert other.wait_ns({"account": 1}, Urgency.FIRST, 0) == 0


def test_quiet_holds_every_account_of_an_address():
    hand, addresses = Hand(), Addresses()
    one, other = (Budget((), hand, addresses.of("kraken", None)) for _ in range(2))
    elsewhere = Budget((), hand, addresses.of("okx", None))
    one.told_off(3_000)
    assert (other.wait_ns({}, Urgency.FIRST, 0), elsewhere.quiet_ns(0)) == (3 * NS_PER_S, 0)


def test_quiet_without_a_time_doubles_while_it_goes_on_and_not_for_answers_under_way():
    """Five answers that were on their way when the first came are one telling-off."""
    hand = Hand()
    budget = Budget((), hand)
    waits = []
    for _ in range(9):
        for _ in range(5):
            budget.told_off(None)
        waits.append(budget.quiet_ns(hand.ns) // NS_PER_S)
        hand.ns += waits[-1] * NS_PER_S + 1
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    hand.ns += 61 * NS_PER_S
    budget.told_off(None)
    assert budget.quiet_ns(hand.ns) == NS_PER_S
    budget.told_off(None, banned=True)
    assert budget.quiet_ns(hand.ns) == 120 * NS_PER_S


DATE = "Fri, 20 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "ms"),
    [
        ({"Retry-After": "7"}, 7_000),
        ({"retry-after": " 7 "}, 7_000),
        ({"Retry-After": "Fri, 20 Nov 2026 12:00:09 GMT", "Date": DATE}, 9_000),
        ({"Retry-After": "Fri, 20 Nov 2026 11:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "99999999999999999999"}, 300_000),
        ({"Retry-After": "Fri, 20 Nov 2099 12:00:00 GMT", "Date": DATE}, 300_000),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "\u0667"}, None),
        ({"Retry-After": "soon", "Date": DATE}, None),
        ({"Retry-After": DATE}, None),
        ({}, None),
    ],
)
def test_what_retry_after_may_say(headers, ms):
    """Seconds, a date, absent, huge, negative, nonsense: capped at five minutes, and never an exception."""
    assert retry_after_ms(headers) == ms


async def asked(venue, *calls):
    """What these calls of a dialect cost, as far as they get with answers that hold nothing."""
    costs = []
    for call in calls:
        offline = Offline(venue, DIALECTS[venue]())
        with suppress(CallFailed):
            await call(offline.dialect, offline.ask, offline.desk)
        assert offline.asked
        costs += [offline.dialect.cost(endpoint, params) for endpoint, params in offline.asked]
    return costs


@pytest.mark.parametrize("venue", sorted(DIALECTS))
async def test_a_cancel_passes_everything_else_at_every_venue(venue):
    """Whatever reads and orders have used up, there is room for a look-up; whatever those have, for a cancel."""
    child, limits = child_at(venue), {limit.name: limit for limit in DIALECTS[venue]().limits}
    wanted = Wanted(child=child, venue_order_id=None, since_ns=child.decided_at_ns)
    now = child.decided_at_ns
    cancels = await asked(venue, lambda d, ask, desk: d.cancel(ask, desk, child, VenueOrderId("123")))
    look_ups = await asked(venue, lambda d, ask, desk: d.find(ask, desk, wanted))
    reads = await asked(
        venue,
        lambda d, ask, desk: d.balances(ask, desk),
        lambda d, ask, desk: d.open_orders(ask, desk),
        lambda d, ask, desk: d.trades_since(ask, desk, [child.symbol], now, now),
        lambda d, ask, desk: d.depth(ask, desk, child.symbol),
    )
    reads.append(DIALECTS[venue]().cost("createOrder", {}))
    for urgent, others in ((cancels, [*look_ups, *reads]), (look_ups, reads)):
        urgency = Urgency.FIRST if urgent is cancels else Urgency.URGENT
        for cost in urgent:
            budget = Budget(limits.values(), Hand())
            for name, limit in limits.items():
                budget.spend({name: most_used(limit, name, look_ups if urgent is cancels else (), others)}, 0)
            if not all(limits[name].units == 1 for name in cost):  # of one unit none can be kept: who waits first goes
                assert budget.wait_ns(cost, urgency, 0) == 0, (venue, cost)


def most_used(limit, name, look_ups, others):
    """How much of a limit these calls can have used up at one moment."""
    if any(name in cost for cost in look_ups):
        return limit.room(Urgency.URGENT)
    return limit.room(Urgency.NORMAL) if any(name in cost for cost in others) else 0
