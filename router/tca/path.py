"""The market over time, as far as somebody looked: the mid and the marks at any moment, or None."""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal

from router.model.ids import Asset, Nanos
from router.tca.record import Blind, Instant

AGE_NS_MAX = 2_000_000_000
"""An instant stands for no longer than this: while somebody looks there is one a second."""


class Path:
    """Instants in time. Each stands until the next, for two seconds at most, and never into a time nobody looked."""

    def __init__(self, instants: Sequence[Instant], blind: Sequence[Blind] = ()) -> None:
        self._instants = tuple(sorted(instants, key=lambda one: one.at_ns))
        self._times = [one.at_ns for one in self._instants]
        self._blind = tuple(blind)

    def at(self, at_ns: int) -> Instant | None:
        """How the market stood then; None where nobody saw it."""
        index = bisect_right(self._times, at_ns) - 1
        if index < 0:
            return None
        found = self._instants[index]
        if at_ns - found.at_ns > AGE_NS_MAX:
            return None
        if any(one.from_ns < at_ns and one.to_ns > found.at_ns for one in self._blind):
            return None
        return found

    def mid(self, at_ns: int) -> Decimal | None:
        """The consolidated mid then."""
        found = self.at(at_ns)
        return None if found is None else found.mid

    def mark(self, asset: Asset, at_ns: int) -> Decimal | None:
        """What a unit of it was worth then, in reporting currency."""
        found = self.at(at_ns)
        return None if found is None else found.marks.get(asset)

    def mids(self, from_ns: Nanos, to_ns: Nanos) -> list[tuple[Nanos, Decimal | None]]:
        """The mid as steps from `from_ns` to `to_ns`, None from where nobody knew it: for a time-weighted mean."""
        steps: list[tuple[Nanos, Decimal | None]] = [(from_ns, self.mid(from_ns))]
        turns = {one.at_ns for one in self._instants} | {Nanos(one.at_ns + AGE_NS_MAX + 1) for one in self._instants}
        turns |= {Nanos(one.from_ns + 1) for one in self._blind}
        steps += [(at_ns, self.mid(at_ns)) for at_ns in sorted(turns) if from_ns < at_ns < to_ns]
        return steps
