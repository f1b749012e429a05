"""Put a request on the table, and wait a moment for the driver to take it, where one runs."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from router.app.exits import ExitCode
from router.cli.reading import reading
from router.config import Config
from router.model.requests import Request, RequestKind, RequestState
from router.store import open_store
from router.store.tables import AlertTable

_PATIENCE_S = 3.0
_ALONE_S = 0.3
"""So long a free lease is not believed: a driver that was late may be about to renew it."""
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it stands. `driven`: does somebody hold the lease?"""

    request: Request
    driven: bool

    @property
    def taken(self) -> bool:
        """Is it part of the journal?"""
        return self.request.state is RequestState.CONSUMED

    @property
    def exit_code(self) -> ExitCode:
        """Not final yet only where a driver should have taken it and has not: without one nothing can leave anyway."""
        return ExitCode.IN_DOUBT if self.driven and not self.taken else ExitCode.OK


async def ask(config: Config, request: Request, *, wait: bool) -> Asked:
    """Insert the request, or find the same one already there. With `wait`, give a running driver time to take it."""
    loop = asyncio.get_running_loop()
    store = await open_store(config.database_url, config.mode)
    try:
        asked = Asked(await store.ask(request), await store.holder() is not None)
        give_up = loop.time() + _PATIENCE_S
        alone = loop.time() + _ALONE_S
        while wait and not asked.taken and loop.time() < (give_up if asked.driven else alone):
            await asyncio.sleep(_LOOK_S)
            found = await store.asked(request.entity, request.kind, request.key)
            assert found is not None
            asked = Asked(found, await store.holder() is not None)
    finally:
        await store.close()
    return asked


async def said_of(config: Config, asked: Asked, kinds: Collection[str]) -> AlertTable | None:
    """What the engine made of a request, where it is one of these kinds; None while it is not taken."""
    seq = asked.request.consumed_seq
    if seq is None:
        return None
    async with reading(config) as seen:
        lines = await seen.queries.alerts(after_seq=seq - 1, limit=1_000)
    return next((line for line in lines if line.seq == seq and line.kind in kinds), None)


async def word_on(config: Config, kind: RequestKind) -> AlertTable | None:
    """The halt that holds, or the newest resume."""
    async with reading(config) as found:
        if kind is RequestKind.HALT:
            return await found.queries.halt()
        resumed = await found.queries.alerts(kind="RESUMED", limit=1)
        return resumed[0] if resumed else None
