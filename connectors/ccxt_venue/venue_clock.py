"""What time it is at the venue. Pure.

Each answer that names the venue's time bounds the offset (venue minus ours): the venue's clock read `server_ns`, to
some resolution, after we sent and before we had the answer. Bounds of several answers are intersected, so a venue that
names whole seconds can still be known to a few milliseconds.
"""

from dataclasses import dataclass

from router.model.ids import Nanos

# Crystals drift: a bound loosens with age. 100 ppm is far more than a disciplined clock does.
_DRIFT_PPM = 100
OFFSET_ERROR_NS_MAX = 250_000_000
OFFSET_AGE_NS_MAX = 60_000_000_000


@dataclass(slots=True)
class VenueClock:
    """Bounds of the offset, `venue time - our time`, in nanoseconds."""

    _low: int | None = None
    _high: int | None = None
    _at_ns: int = 0

    def observe(self, *, sent_ns: int, received_ns: int, server_ns: int, resolution_ns: int) -> None:
        """Take one answer into account. Bounds that contradict it (a clock was stepped) are dropped for it."""
        low = server_ns - received_ns
        high = server_ns + resolution_ns - sent_ns
        if self._low is not None and self._high is not None:
            slack = (received_ns - self._at_ns) * _DRIFT_PPM // 1_000_000
            met_low = max(low, self._low - slack)
            met_high = min(high, self._high + slack)
            if met_low <= met_high:
                low, high = met_low, met_high
        self._low, self._high, self._at_ns = low, high, received_ns

    @property
    def offset_ns(self) -> int:
        """Best guess: the middle of the bounds; 0 before the first answer."""
        return 0 if self._low is None or self._high is None else (self._low + self._high) // 2

    @property
    def error_ns(self) -> int | None:
        """How wrong the guess can be; None before the first answer."""
        return None if self._low is None or self._high is None else (self._high - self._low + 1) // 2

    def venue_time(self, our_ns: int) -> Nanos:
        """Our time, read on the venue's clock."""
        return Nanos(our_ns + self.offset_ns)

    def trouble(self, now_ns: int) -> str | None:
        """Why the venue's time must not be relied on now; None when it may (RELIABILITY §2.1)."""
        if self.error_ns is None:
            return "the venue's clock was never read"
        if self.error_ns > OFFSET_ERROR_NS_MAX:
            return f"the venue's clock is known only to {self.error_ns // 1_000_000} ms"
        if now_ns - self._at_ns > OFFSET_AGE_NS_MAX:
            return f"the venue's clock was last read {(now_ns - self._at_ns) // 1_000_000_000} s ago"
        return None
