"""So many calls of one sort at a time; who waits is let in from both ends of the queue by turns.

After a crash hundreds of children are to be looked up at one venue. All at once they take each other's time until none
is answered before it times out, and asked again they do so for ever. By arrival, the child that trades now would stand
behind all of them; newest first, an old doubt might never be asked about. So one of each, by turns.
"""

import asyncio
from collections import deque
from types import TracebackType


class Turns:
    """`async with turns:` goes on when fewer than `most` are within."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._newest_next = True

    async def __aenter__(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                self._pass_on()  # it was ours already
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            next_one = self._waiting.pop() if self._newest_next else self._waiting.popleft()
            if not next_one.done():
                self._newest_next = not self._newest_next
                next_one.set_result(None)
                return
        self._free += 1
