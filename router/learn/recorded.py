"""Recorded books as witnesses: was what stood at the top still to be had one latency later?

They cost nothing, and say less than an order: the look ahead is as long as two samples are apart at the least, and of a
later book only what was recorded of it is known. Where the best price became better and shows less, nothing is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from router.learn.chances import CellKey, Observed, bucket_of, still_there
from router.model.ids import InstrumentId, Nanos, VenueId
from router.model.market import Level
from router.model.side import Side

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Top:
    """One venue's best levels at an instant, and how old its book was."""

    at_ns: Nanos
    age_ns: int
    bid: Level | None
    ask: Level | None


def looked(
    instrument: InstrumentId, venue: VenueId, tops: Iterable[Top], *, latency_ms: int, late_ms_max: int
) -> dict[CellKey, Observed]:
    """Both sides of every top against the first that is `latency_ms` later, if that is no more than `late_ms_max`."""
    ordered = sorted(tops, key=lambda one: one.at_ns)
    counts: dict[int, list[int]] = {}
    later = 0
    for top in ordered:
        while later < len(ordered) and ordered[later].at_ns < top.at_ns + latency_ms * _NS_PER_MS:
            later += 1
        if later == len(ordered):
            break
        then = ordered[later]
        if then.at_ns > top.at_ns + late_ms_max * _NS_PER_MS:
            continue
        for side, before, after in ((Side.BUY, top.ask, then.ask), (Side.SELL, top.bid, then.bid)):
            said = None if before is None else _there(before, after, side)
            if said is not None:
                counts.setdefault(bucket_of(top.age_ns), [0, 0])[0 if said else 1] += 1
    return {(instrument, venue, bucket): Observed(there=there, gone=gone) for bucket, (there, gone) in counts.items()}


def _there(before: Level, after: Level | None, side: Side) -> bool | None:
    if after is None:
        return False
    better = (after.price - before.price) * side.sign < 0
    if better and after.size < before.size:
        return None
    return still_there(before.price, before.size, (after,), side)
