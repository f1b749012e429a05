"""Who winds the venues' dead-man timers, and when: the driver, by what the engine's state says."""

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any

from router.model.ids import Nanos, VenueOrderId
from router.model.orders import VenueOrder, VenueOrderStatus
from router.model.outcomes import AccountRead
from router.runtime.clock import SystemClock
from router.runtime.dead_man import DeadMan
from router.runtime.switch import Switch
from tests.e2e.rig import watched
from tests.engine.desk import DEPLOYMENT, Desk, account
from tests.waiting import eventually

KRAKEN = account("kraken")


class Port:
    """Remembers how its timer was set, and answers as told."""

    def __init__(self) -> None:
        self.set: list[int | None] = []
        self.says: str | None = None

    async def dead_man(self, seconds: int | None) -> str | None:
        self.set.append(seconds)
        return self.says


class CountedClock(SystemClock):
    """How often it was asked: once in every turn of a timer, whether the lease still stands."""

    asked = 0

    def now(self) -> Nanos:
        self.asked += 1
        return super().now()


async def turns(clock: CountedClock, count: int) -> None:
    """The watcher has looked so many times more."""
    until = clock.asked + count
    await eventually(lambda: clock.asked >= until)


@asynccontextmanager
async def at_work(seconds: float, port: Port, *, lease_s: int = 60, clock: CountedClock | None = None):
    """A driver's timers, with the account read and nothing of ours out there yet."""
    switch = Switch(clock or CountedClock(), 1_000)
    switch.lease_good_until(Nanos(time.time_ns() + lease_s * 1_000_000_000))
    timers: Any = {KRAKEN: seconds}
    ports: Any = {KRAKEN: port}
    dead_man = DeadMan(timers, ports, switch, watched())
    running = asyncio.create_task(dead_man.run())
    yield dead_man
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def read(*orders: VenueOrder) -> AccountRead:
    return AccountRead(account=KRAKEN, asked_ns=Nanos(1), balances=(), open_orders=orders, trades=())


def with_a_child() -> Desk:
    desk = Desk().start()
    desk.market("kraken ask 100.00 5.0")
    desk.submit("P1 buy 1")
    assert desk.sent
    return desk


async def test_it_is_wound_while_something_is_out_and_stopped_when_nothing_is() -> None:
    """Again and again, each time well before it runs out; then once off."""
    port, desk, clock = Port(), with_a_child(), CountedClock()
    async with at_work(0.06, port, clock=clock) as dead_man:
        dead_man.account_read(read(), DEPLOYMENT)
        await eventually(lambda: port.set == [None])  # whatever a driver before left wound
        dead_man.follow(desk.engine.state)
        await eventually(lambda: port.set.count(0.06) >= 4)
        desk.accept("kraken")
        desk.found("kraken", "FILLED", "1@100.00#T1")
        dead_man.follow(desk.engine.state)
        await eventually(lambda: port.set[-1] is None)
        settled = len(port.set)
        await turns(clock, 5)
        assert len(port.set) == settled


async def test_it_is_wound_at_once_when_an_order_goes_out() -> None:
    """Not at the next round of an idle timer."""
    port, desk = Port(), with_a_child()
    async with at_work(600, port) as dead_man:
        dead_man.account_read(read(), DEPLOYMENT)
        await eventually(lambda: port.set == [None])
        dead_man.follow(desk.engine.state)
        await eventually(lambda: port.set == [None, 600])
        await dead_man.stop_all()
        assert port.set == [None, 600, None]


async def test_with_somebody_elses_order_at_the_account_it_is_stopped() -> None:
    """It would end that one too. When it is gone, ours is wound again."""
    port, desk = Port(), with_a_child()
    stranger = VenueOrder(
        account=KRAKEN,
        symbol="BTC/USD",
        venue_order_id=VenueOrderId("V1"),
        client_id=None,
        side=desk.child("kraken").order.side,
        status=VenueOrderStatus.OPEN,
        quantity=desk.child("kraken").order.quantity,
        executed=desk.child("kraken").order.quantity * 0,
        limit_price=None,
    )
    async with at_work(600, port) as dead_man:
        dead_man.follow(desk.engine.state)
        dead_man.account_read(read(), DEPLOYMENT)
        await eventually(lambda: port.set == [600])
        dead_man.account_read(read(stranger), DEPLOYMENT)
        await eventually(lambda: port.set == [600, None])
        dead_man.account_read(read(), DEPLOYMENT)
        await eventually(lambda: port.set == [600, None, 600])


async def test_a_driver_whose_lease_is_over_leaves_the_timer_to_its_successor() -> None:
    """Neither wound nor stopped: the account's timer is one, and another driver relies on it."""
    port, desk, clock = Port(), with_a_child(), CountedClock()
    async with at_work(0.03, port, lease_s=-1, clock=clock) as dead_man:
        dead_man.account_read(read(), DEPLOYMENT)
        dead_man.follow(desk.engine.state)
        await turns(clock, 5)
        assert port.set == []


async def test_a_timer_that_is_not_taken_is_reported_and_tried_again() -> None:
    port, desk = Port(), with_a_child()
    port.says = "HTTP 503"
    async with at_work(0.03, port) as dead_man:
        dead_man.follow(desk.engine.state)
        dead_man.account_read(read(), DEPLOYMENT)
        await eventually(lambda: len(port.set) >= 3)
        metrics = dead_man._observe.exposition().decode()
        assert f'sor_dead_man_failures_total{{account="{KRAKEN}"}}' in metrics
