"""How often one may ask: a bucket per key or user, and one per address for who is nobody yet."""

from collections.abc import Callable

_NAMES_MAX = 10_000


class Throttle:
    """Token buckets. `per_s` is what comes back in a second; twice as many may be spent at once."""

    def __init__(self, per_s: float, now_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._most = 2 * per_s
        self._now_s = now_s
        self._left: dict[str, tuple[float, float]] = {}

    def spend(self, name: str) -> float:
        """0 where it is fine; else how many seconds to wait."""
        now = self._now_s()
        left, at = self._left.get(name, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_s)
        if len(self._left) > _NAMES_MAX:
            self._left.clear()  # forgetting everybody is kinder than growing without end
        if left < 1:
            self._left[name] = (left, now)
            return (1 - left) / self._per_s
        self._left[name] = (left - 1, now)
        return 0.0
