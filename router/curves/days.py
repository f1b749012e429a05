"""What was traded on each UTC day, bucket by bucket, and which days are whole enough to learn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from router.model.money import ZERO, exactly

DAY_MINUTES = 1_440
MINUTE_NS = 60_000_000_000
DAY_NS = DAY_MINUTES * MINUTE_NS
_EPOCH = date(1970, 1, 1).toordinal()
_SATURDAY = 5


class DayCount:
    """One series (a venue's market) on one UTC day, its prints or bars added in any order."""

    __slots__ = ("_heard", "volumes")

    def __init__(self, buckets: int) -> None:
        self.volumes = [ZERO] * buckets
        """Base per bucket, exactly."""
        self._heard = bytearray(DAY_MINUTES)

    def add(self, at_ns: int, quantity: Decimal) -> None:
        """So much was traded `at_ns` into the day."""
        bucket = at_ns * len(self.volumes) // DAY_NS
        with exactly():
            self.volumes[bucket] += quantity

    def hear(self, minute: int, minutes: int = 1) -> None:
        """Something is known of these minutes: whatever was traded in them has been added."""
        until = min(minute + minutes, DAY_MINUTES)
        self._heard[minute:until] = b"\1" * (until - minute)

    def silence(self) -> tuple[int, int]:
        """The longest stretch of which nothing is known, from one minute of the day until another."""
        longest, begun = (0, 0), None
        for minute in range(DAY_MINUTES + 1):
            silent = minute < DAY_MINUTES and not self._heard[minute]
            if silent and begun is None:
                begun = minute
            elif not silent and begun is not None:
                longest = max(longest, (begun, minute), key=lambda one: one[1] - one[0])
                begun = None
        return longest


@dataclass(frozen=True, kw_only=True, slots=True)
class DayVolume:
    """A day to learn from: its base volume per bucket, all series together."""

    day: str
    volumes: tuple[Decimal, ...]

    @property
    def weekend(self) -> bool:
        """Saturday or Sunday."""
        return is_weekend(self.day)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A day nothing is learned from, and why."""

    day: str
    why: str


Series = Mapping[str, Mapping[int, DayCount]]
"""By its name: what is known of each day, by its number since 1970."""


def chosen(
    series: Series, *, silence_max: int, first: int | None = None, last: int | None = None
) -> tuple[tuple[DayVolume, ...], tuple[LeftOut, ...]]:
    """The days of `first` to `last` (all there are, where not given) on which every series is whole, and the others.

    A series is whole on a day where it is never silent for `silence_max` minutes or more. A day that one series has
    and another lacks would mix two shapes, so it is left out.
    """
    days = {day for known in series.values() for day in known}
    first, last = min(days, default=0) if first is None else first, max(days, default=-1) if last is None else last
    used, left_out = [], []
    for day in range(first, last + 1):
        why = _why_not(series, day, silence_max)
        if why is not None:
            left_out.append(LeftOut(day=day_name(day), why=why))
            continue
        counts = [known[day].volumes for known in series.values()]
        with exactly():
            volumes = tuple(sum(one, ZERO) for one in zip(*counts, strict=True))
        used.append(DayVolume(day=day_name(day), volumes=volumes))
    return tuple(used), tuple(left_out)


def _why_not(series: Series, day: int, silence_max: int) -> str | None:
    for name, known in sorted(series.items()):
        if day not in known:
            return f"there is nothing of {name}"
        begin, end = known[day].silence()
        if end - begin >= silence_max:
            return f"{name} is silent from {_clock(begin)} to {_clock(end)}"
    return None if series else "there is nothing of it"


def day_name(day: int) -> str:
    """`1970-01-01` of 0."""
    return date.fromordinal(_EPOCH + day).isoformat()


def day_number(day: str) -> int:
    """0 of `1970-01-01`. Raises `ValueError` for what is no day of the calendar."""
    return date.fromisoformat(day).toordinal() - _EPOCH


def is_weekend(day: str) -> bool:
    """Saturday or Sunday, in UTC."""
    return date.fromisoformat(day).weekday() >= _SATURDAY


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
