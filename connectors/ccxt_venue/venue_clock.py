"""What time it is at the venue. Pure.

Each answer that names the venue's time bounds the offset (venue minus ours): the venue's clock read `server_ns`, to
some resolution, after we sent and before we had the answer. Bounds of several answers are intersected, so a venue that
names whole seconds can still be known to a few milliseconds.

An answer that contradicts what is known by more than the error we live with is either a clock that was set, or
nonsense. It is believed once the next one agrees with it; until then the venue's time is not relied on.

Lists that a venue cuts by time are cut by *its* clock of that day, which is not today's when either clock was set in
between. `earliest` therefore goes back far enough for every offset seen, and says so when that cannot be known.
"""

from dataclasses import dataclass

from router.model.ids import Nanos

# Crystals drift: a bound loosens with age. 100 ppm is far more than a disciplined clock does.
_DRIFT_PPM = 100
OFFSET_ERROR_NS_MAX = 250_000_000
OFFSET_AGE_NS_MAX = 60_000_000_000
SKEW_NS_MAX = 1_000_000_000
"""More than this between a venue's clock and ours is told of, once it is sure: whatever the readings leave open."""

MARGIN_NS = 3_600_000_000_000
"""How much earlier than the moment meant a list starts: an hour, when the offset at that moment was watched."""
MARGIN_UNWATCHED_NS = 24 * MARGIN_NS
"""A day for a moment before the first answer (before this process, mostly): nobody knows the offset of then."""


@dataclass(slots=True)
class VenueClock:
    """Bounds of the offset, `venue time - our time`, in nanoseconds."""

    _low: int | None = None
    _high: int | None = None
    _at_ns: int = 0
    _odd: tuple[int, int, int] | None = None
    _since_ns: int | None = None
    _lowest: int = 0
    _highest: int = 0

    def observe(self, *, sent_ns: int, received_ns: int, server_ns: int, resolution_ns: int) -> None:
        """Take one answer into account. One that contradicts what is known waits for a second that agrees with it."""
        low = server_ns - received_ns
        high = server_ns + resolution_ns - sent_ns
        known = (self._low, self._high, self._at_ns) if self._low is not None and self._high is not None else None
        if known is None:
            self._believe(low, high, received_ns)
            return
        met = _met(known, low, high, received_ns)
        if met is None and self._odd is not None:
            met = _met(self._odd, low, high, received_ns)
        if met is None:
            self._odd = (low, high, received_ns)
        else:
            self._believe(*met, received_ns)

    def earliest(self, our_ns: int, now_ns: int) -> Nanos:
        """A time on the venue's clock that is surely before this moment of ours, whatever the clocks did since.

        A moment in our future was written down by a clock of ours that has been set since: it is taken as now, and as
        one nobody watched.
        """
        lowest = min(self._lowest, self.offset_ns)
        return Nanos(max(0, min(our_ns, now_ns) + lowest - self._margin_ns(our_ns, now_ns)))

    def latest(self, our_ns: int) -> Nanos:
        """A time on the venue's clock that is surely after this moment of ours."""
        return Nanos(max(0, our_ns + max(self._highest, self.offset_ns) + MARGIN_NS))

    def unsure_since(self, our_ns: int, now_ns: int) -> str | None:
        """Why a list that starts at `earliest` does not surely hold what happened since; None when it does."""
        if self._since_ns is None:
            return "the venue's clock was never read"
        moved = self._highest - self._lowest
        if moved > self._margin_ns(our_ns, now_ns):
            return f"the venue's clock and ours moved apart by {moved // 1_000_000_000} s: lists by time prove nothing"
        return self.contradiction

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

    def our_latest(self, venue_ns: int) -> Nanos:
        """The last moment of ours at which the venue's clock can have shown this time, by its newest bounds."""
        return Nanos(venue_ns - (0 if self._low is None else self._low))

    @property
    def skewed(self) -> str | None:
        """Why the clocks are surely further apart than they may be; None when they may not be."""
        if self._low is None or self._high is None:
            return None
        if self._low <= SKEW_NS_MAX and self._high >= -SKEW_NS_MAX:
            return None
        behind = "ahead of" if self._low > 0 else "behind"
        apart_s, error_ms = abs(self.offset_ns) / 1e9, (self.error_ns or 0) / 1e6
        return f"the venue's clock is {apart_s:.1f} s {behind} ours, known to {error_ms:.0f} ms"

    @property
    def contradiction(self) -> str | None:
        """Why nobody knows what time it is at the venue: the last reading is not of the clock that was known."""
        return None if self._odd is None else "the venue's clock contradicts itself"

    def trouble(self, now_ns: int) -> str | None:
        """Why the venue's time must not be told to it now; None when it may."""
        if self.error_ns is None:
            return "the venue's clock was never read"
        if self.contradiction is not None:
            return self.contradiction
        if self.error_ns > OFFSET_ERROR_NS_MAX:
            return f"the venue's clock is known only to {self.error_ns // 1_000_000} ms"
        if now_ns - self._at_ns > OFFSET_AGE_NS_MAX:
            return f"the venue's clock was last read {(now_ns - self._at_ns) // 1_000_000_000} s ago"
        return None

    def _margin_ns(self, our_ns: int, now_ns: int) -> int:
        watched = self._since_ns is not None and self._since_ns <= our_ns <= now_ns
        return MARGIN_NS if watched else MARGIN_UNWATCHED_NS

    def _believe(self, low: int, high: int, at_ns: int) -> None:
        if self._since_ns is None:
            self._since_ns, self._lowest, self._highest = at_ns, low, high
        self._low, self._high, self._at_ns, self._odd = low, high, at_ns, None
        middle = (low + high) // 2
        self._lowest, self._highest = min(self._lowest, middle), max(self._highest, middle)


def _met(bounds: tuple[int, int, int], low: int, high: int, now_ns: int) -> tuple[int, int] | None:
    """Where new bounds meet older ones, loosened by the drift since; the new ones if they miss by little; else None."""
    slack = (now_ns - bounds[2]) * _DRIFT_PPM // 1_000_000
    met_low, met_high = max(low, bounds[0] - slack), min(high, bounds[1] + slack)
    if met_low <= met_high:
        return met_low, met_high
    return (low, high) if met_low - met_high <= OFFSET_ERROR_NS_MAX else None
