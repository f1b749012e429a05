"""One call of a key at a time, for venues whose nonce must grow in the order requests arrive."""

import asyncio
import heapq

from connectors.budget import Urgency
from connectors.ccxt_venue import wire


class Turn:
    """One private call of a key at a time, and a nonce that grows over all clients that share the key.

    Who waits is served by urgency, then by arrival: a cancel does not stand behind polls, look-ups or orders. A turn
    ends when the answer is there, or `hold_s` after it was taken: by then the request has long arrived, and a venue
    that does not answer must not keep a cancel waiting.
    """

    def __init__(self, hold_s: float = 0.5) -> None:
        self._hold_s = hold_s
        self._taken = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._last = 0

    def nonce(self, candidate: int) -> int:
        """The candidate, or the next number when it was used."""
        self._last = max(candidate, self._last + 1)
        return self._last

    async def take(self) -> asyncio.TimerHandle:
        """Wait for the turn; call `give` with what this returns."""
        loop = asyncio.get_running_loop()
        if self._taken:
            mine: asyncio.Future[None] = loop.create_future()
            self._arrivals += 1
            heapq.heappush(self._waiting, (_rank(), self._arrivals, mine))
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._pass_on()  # it was ours already
                raise
        self._taken = True
        return loop.call_later(self._hold_s, self._pass_on)

    def give(self, handle: asyncio.TimerHandle) -> None:
        """End the turn, unless its time ended it already."""
        if not handle.cancelled() and handle.when() > asyncio.get_running_loop().time():
            handle.cancel()
            self._pass_on()

    def _pass_on(self) -> None:
        """To whom it is due; the turn stays taken until it is picked up."""
        while self._waiting:
            _, _, next_one = heapq.heappop(self._waiting)
            if not next_one.done():
                next_one.set_result(None)
                return
        self._taken = False


def _rank() -> int:
    transmission = wire.current()
    return (Urgency.NORMAL if transmission is None else transmission.kind.urgency).rank
