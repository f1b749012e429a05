"""The market record beside a running driver: what it looks at, and what becomes of its trouble."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal

from router.app.parts import Driving, Router
from router.market_record.archive import Archive
from router.market_record.recorder import Recorder
from router.market_record.sampling import Cadence
from router.model.ids import InstrumentId
from router.model.market import MarketView

_AGAIN_S = 1.0
_TOP_ONLY = Decimal(0)


class _Watched:
    """A driver's market and blotter, read only."""

    def __init__(self, router: Router, driving: Driving) -> None:
        self._router = router
        self._driving = driving

    def worked_on(self) -> Iterable[InstrumentId]:
        """Instruments with a parent that has not ended."""
        state = self._driving.driver.engine.state
        return {parent.order.instrument for parent in state.blotter.working_parents()}

    def view(self, instrument: InstrumentId) -> MarketView | None:
        """The newest market; a parent may be of an instrument that is no longer configured."""
        market = self._driving.market
        return market.view(instrument, _TOP_ONLY, self._router.clock.now()) if market.knows(instrument) else None


@asynccontextmanager
async def recording(router: Router, driving: Driving) -> AsyncIterator[None]:
    """Record meanwhile, where that is wanted. No trouble of it reaches the driver."""
    cadence = router.config.market_record
    if cadence is None:
        yield
        return
    task = asyncio.create_task(_record(router, driving, cadence))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _record(router: Router, driving: Driving, cadence: Cadence) -> None:
    archive = Archive(router.config.database_url)
    try:
        while True:
            recorder = Recorder(
                archive=archive,
                cadence=cadence,
                market=_Watched(router, driving),
                now=router.clock.now,
                told=router.observe,
            )
            try:
                await recorder.run()
            except Exception as error:  # noqa: BLE001 - a bug of a watcher is told, and stops nobody but itself
                router.observe.recorder_raised(error)
                await asyncio.sleep(_AGAIN_S)
    finally:
        await archive.close()
