"""What the first half of a market teaches, judged on the parents of its second half: nothing is tuned on its judge.

Three things are learned: how much of what is shown is there when an order lands (own orders of the first half's
parents, and looks at its books), how long an order takes to each venue in three cases of four, and how far the mid
moves while an order is under way and its answer comes back. The last makes a rule without a knob: a first round goes
only as deep as the market is expected to move meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from bench.evaluation.cells import DELAYS, OURS, RULES, SIZES, Cell, cell_of, tasks
from router.book.collar import reference_mid
from router.evaluation.contestants import Rule, Sent, by_expected_price, synchronised, this_router
from router.evaluation.history import MarketHistory
from router.evaluation.replay import Delays, Latencies, Task, World, replay
from router.learn.chances import CellKey, Observed, bucket_of, chances_of, merged
from router.learn.recorded import Top, looked
from router.model.fill_chances import FillChances
from router.model.ids import Nanos, VenueId
from router.model.market import MarketView
from router.model.side import Side
from router.split.arrival import upper_quartile_ms
from router.split.survival import Sent as Witness

EXPECTING = "learned fill chances"
SYNCHRONISED = "arriving together"
DRIFTING = "reach of the market's drift"
SEQUENTIAL = "sequential"
_MS = 1_000_000
_EVERY_MS = 200
_TAUGHT: "dict[str, Taught]" = {}
_TEACHERS = 60
_LEAD_NS, _TAIL_NS = 32_000 * _MS, 20_000 * _MS


@dataclass(frozen=True, kw_only=True, slots=True)
class Taught:
    """What the first half came to. `drift_bps`: mean absolute move of the mid in `round_trip_ms`."""

    chances: FillChances
    latency_ms: Mapping[str, int]
    round_trip_ms: int
    drift_bps: Decimal

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that follow, beside what is shipped and its nearest rival."""
        return {
            OURS: RULES[OURS],
            EXPECTING: by_expected_price(self.chances),
            SYNCHRONISED: synchronised(RULES[OURS], self.latency_ms),
            DRIFTING: this_router(self.drift_bps),
            SEQUENTIAL: RULES[SEQUENTIAL],
        }


def middle_of(history: MarketHistory) -> int:
    """Where the second half begins."""
    return (history.begins_ns + history.ends_ns) // 2


def taught(history: MarketHistory) -> Taught:
    """By the first half alone: no parent and no look reaches beyond its end. Once per market in a process."""
    if history.name not in _TAUGHT:
        _TAUGHT[history.name] = _taught(history)
    return _TAUGHT[history.name]


def _taught(history: MarketHistory) -> Taught:
    early = [one for size in SIZES for one in tasks(history, size, 2 * _TEACHERS) if _early(history, one)]
    round_trip_ms = DELAYS.decide_ms + 2 * int(median(DELAYS.order_ms.values()))
    seen = merged(_looks(history), _orders(history, early))
    return Taught(
        chances=chances_of(seen, "the first half"),
        latency_ms=_latencies(early),
        round_trip_ms=round_trip_ms,
        drift_bps=_drift_bps(history, round_trip_ms),
    )


def judged(market: str, fees: str, history: MarketHistory, size: str, count: int, delays: Delays) -> Cell:
    """The parents of the second half, under each rule."""
    first = middle_of(history) + 5_000 * _MS
    late = [one for one in tasks(history, size, 2 * count) if one.at_ns >= first][:count]
    return cell_of(market, fees, history, size, late, taught(history).rules, delays)


def _early(history: MarketHistory, one: Task) -> bool:
    return one.at_ns + _TAIL_NS < middle_of(history)


def _orders(history: MarketHistory, early: list[Task]) -> dict[CellKey, Observed]:
    found: dict[CellKey, list[Witness]] = {}
    for one in early:

        def told(view: MarketView, sent: Sent, filled: Decimal) -> None:
            book = next(each for each in view.listings if each.listing.id == sent.listing_id)
            key = (view.instrument, book.listing.venue, bucket_of(book.book_age_ns))
            found.setdefault(key, []).append(Witness(sent=sent.quantity, filled=filled))

        replay(history, DELAYS, one, RULES[OURS], told)
    return {key: Observed(sent=tuple(sent)) for key, sent in found.items()}


def _looks(history: MarketHistory) -> dict[CellKey, Observed]:
    until = middle_of(history)
    parts = []
    for book in history.books:
        latency_ms = DELAYS.decide_ms + DELAYS.order_ms[book.listing.venue]
        tops = []
        for at_ns in range(history.begins_ns + _LEAD_NS, until - latency_ms * _MS, _EVERY_MS * _MS):
            for when in (at_ns, at_ns + latency_ms * _MS):
                bids, asks = book.at(when)
                if bids and asks:
                    tops.append(Top(at_ns=Nanos(when), age_ns=book.since(when), bid=bids[0], ask=asks[0]))
        found = looked(
            history.instrument.id,
            VenueId(book.listing.venue),
            tops,
            latency_ms=latency_ms,
            late_ms_max=latency_ms + _EVERY_MS,
        )
        parts.append(found)
    return merged(*parts)


def _latencies(early: list[Task]) -> dict[str, int]:
    drawn: dict[str, list[int]] = {venue: [] for venue in DELAYS.order_ms}
    for one in early:
        latencies = Latencies(DELAYS, one.seed)
        for venue, samples in drawn.items():
            samples.append(latencies.of(venue, 0)[0] // _MS)
    return {venue: upper_quartile_ms(samples) for venue, samples in drawn.items()}


def _drift_bps(history: MarketHistory, round_trip_ms: int) -> Decimal:
    world, moves = World(history, DELAYS, Side.BUY), []
    step, ahead = _EVERY_MS * _MS, round_trip_ms * _MS
    for at_ns in range(history.begins_ns + _LEAD_NS, middle_of(history) - ahead, step):
        before = reference_mid(world.view(at_ns, feed=False))
        after = reference_mid(world.view(at_ns + ahead, feed=False))
        if before is not None and after is not None:
            moves.append(abs(float(after / before) - 1) * 1e4)
    return Decimal(f"{sum(moves) / len(moves):.3f}")
