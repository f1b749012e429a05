"""Time keeps running, and arrivals keep their order."""

import asyncio

from router.model.events import HaltAsked, HaltLevel, StreamRestored
from router.model.ids import AccountId, Nanos
from router.runtime.clock import SystemClock
from router.runtime.inbox import Inbox

HOUR_NS = 3_600_000_000_000


async def test_a_journal_from_the_future_moves_the_clock_on_and_does_not_stop_it() -> None:
    """A clock that stood still would let no lease, deadline or approval pass."""
    clock = SystemClock()
    future = Nanos(clock.now() + HOUR_NS)
    clock.raise_floor(future)

    before = clock.now()
    await asyncio.sleep(0.01)

    assert before >= future
    assert clock.now() - before >= 9_000_000


async def test_what_is_put_back_is_first_again_and_a_halt_is_before_all() -> None:
    """In their order; a kill switch does not queue."""
    inbox = Inbox()
    events = [StreamRestored(account=AccountId(f"v/{number}")) for number in range(4)]
    for event in events:
        inbox.put(event)
    taken = await inbox.take(3)
    inbox.put_back(taken[1:])
    halt = HaltAsked(level=HaltLevel.NEW, reason="stop", principal="ann")
    inbox.put_first(halt, 7)

    again = [arrival.event for arrival in await inbox.take(10)]

    assert again == [halt, *events[1:]]
