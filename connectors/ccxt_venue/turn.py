"""One call of a key at a time, for venues whose nonce must grow in the order requests arrive."""

import asyncio


class Turn:
    """One private call of a key at a time, and a nonce that grows over all clients that share the key.

    A turn ends when the answer is there, or `hold_s` after it was taken: by then the request has long arrived, and a
    venue that does not answer must not keep a cancel waiting.
    """

    def __init__(self, hold_s: float = 0.5) -> None:
        self._hold_s = hold_s
        self._lock = asyncio.Lock()
        self._last = 0

    def nonce(self, candidate: int) -> int:
        """The candidate, or the next number when it was used."""
        self._last = max(candidate, self._last + 1)
        return self._last

    async def take(self) -> asyncio.TimerHandle:
        """Wait for the turn; call `give` with what this returns."""
        await self._lock.acquire()
        return asyncio.get_running_loop().call_later(self._hold_s, self._lock.release)

    def give(self, handle: asyncio.TimerHandle) -> None:
        """End the turn, unless its time ended it already."""
        if not handle.cancelled() and handle.when() > asyncio.get_running_loop().time():
            handle.cancel()
            self._lock.release()
