"""Hold the lease and drive, until asked to stop or until somebody else drives."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from router.app.fill_chances import chosen_chances
from router.app.heads import exporting_heads
from router.app.parts import Driving, Router, build_driving
from router.app.recording import recording
from router.model.errors import AppendLost, LeaseHeld
from router.ports import Lease

_LOOK_S = 0.02


async def drive_while(router: Router, lease: Lease, wanted: Callable[[Driving], bool]) -> None:
    """Drive under `lease` for as long as `wanted` says so, then drain. Returns early when the lease is lost."""
    driving = build_driving(router, await chosen_chances(router.store, router.config.fill_chances))
    gc.collect()  # now, while nothing waits: a full collection stops the loop for tens of milliseconds
    running = asyncio.create_task(driving.driver.run(lease))
    tidying = asyncio.create_task(freeze_when_started(driving))
    try:
        async with exporting_heads(router), recording(router, driving):
            while not running.done() and wanted(driving):
                await asyncio.wait([running], timeout=_LOOK_S)
            driving.driver.stop()
            with suppress(LeaseHeld, AppendLost):  # fenced: whoever drives now carries on
                await running
    finally:
        await _ended(tidying)
        await _ended(running)


@asynccontextmanager
async def following(router: Router) -> AsyncIterator[None]:
    """Keep the query tables close behind the journal meanwhile."""
    task = asyncio.create_task(router.projector.run())
    try:
        yield
    finally:
        await _ended(task)
        await router.projector.catch_up()


async def freeze_when_started(driving: Driving) -> None:
    """What start-up made stays for good: freezing it, uncollected, takes no time and spares every later collection."""
    await driving.driver.ready()
    gc.freeze()


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(task, return_exceptions=True)
