"""A lab and a router shared by the tests of a module: each trades on, as in a day's work, while it stays sound."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from router.drill.stand import ALL_SEATS, Seat
from tests.e2e.rig import Stand, standing


class Stands:
    """The stand of a module. One that a test left broken is torn down, so that the next test starts on a new one."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._stack = AsyncExitStack()
        self._stand: Stand | None = None
        self._seats = ALL_SEATS

    async def sound(self, seat: Seat | None = None) -> Stand:
        """The stand; a new one, when `seat` is a venue the old one has not."""
        if seat is not None and seat not in self._seats:
            await self.discard()
            self._seats = (*ALL_SEATS, seat)
        if self._stand is None:
            folder = self._factory.mktemp("stand")
            self._stand = await self._stack.enter_async_context(standing(folder, self._seats))
        return self._stand

    async def discard(self) -> None:
        self._stand = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stands(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stands]:
    """Four venue accounts, one of each protocol and a Coinbase whose dedupe nobody has licensed."""
    kept = Stands(tmp_path_factory)
    yield kept
    await kept.discard()
