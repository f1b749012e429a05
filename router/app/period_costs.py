"""Costs over a period: every order measured once, its line kept, and lines added up by what they have in common."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median, quantiles
from typing import cast

from router import statistics
from router.app.order_record import digest_of, order_record
from router.journal.codec import codec_of
from router.market_record.archive import Archive
from router.model.ids import Nanos
from router.model.moments import moment
from router.model.money import BPS, roughly
from router.store.order_costs import OrderCosts
from router.store.queries import Queries
from router.tca import line as lines
from router.tca.cost import measure
from router.tca.grouping import KEYS
from router.tca.line import CostLine, ListingLine, line_of
from router.tca.spreads import HORIZONS_S

_CODEC = codec_of(lines)
_AT_ONCE = 100
_QUARTILES = 4
_FEWEST_QUARTERED = 2
_BPS = 10_000
HORIZON_NS = HORIZONS_S[-1] * 1_000_000_000
"""So long after an order's end its last markout is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One cost in bps over some orders, positive when it hurt: by notional and by order, each with its interval."""

    by_notional: statistics.Estimate
    by_order: statistics.Estimate
    median: float
    quartiles: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Orders that have `key` in common. `left_out`: whose shortfall is unknown; `notional`: filled, at arrival mids.

    `filled_share`: of what was ordered, by worth. `figures` by name: the costs positive when they hurt; `saving`
    (over the best single venue) and `markout_60s` positive when they helped.
    """

    key: tuple[str, ...]
    orders: int
    left_out: int
    notional: float
    fills: int
    filled_share: float | None
    figures: Mapping[str, Figure]


def spelled(line: CostLine) -> str:
    """A line as it is kept."""
    return _CODEC.dumps(line).decode()


def read(text: str) -> CostLine:
    """A line that was kept."""
    return cast("CostLine", _CODEC.loads(text))


async def measured(
    queries: Queries,
    archive: Archive,
    costs: OrderCosts,
    from_ns: Nanos,
    to_ns: Nanos,
) -> AsyncIterator[int]:
    """Measure and keep what ended in that time and was not measured yet; yields how many so far."""
    done = 0
    while due := await costs.to_measure(from_ns, to_ns, _AT_ONCE):
        kept = []
        for parent_id in due:
            detail = await queries.parent(parent_id)
            assert detail is not None
            record = await order_record(archive, detail, await queries.rounds_of(detail))
            line = line_of(measure(record), digest_of(record))
            kept.append((parent_id, line.ended_ns, line.fills, line.record, spelled(line)))
        await costs.keep(kept)
        done += len(kept)
        yield done


_COSTS: Mapping[str, Callable[[CostLine], tuple[Decimal | None, Decimal | None]]] = {
    "shortfall": lambda line: (line.total, line.paper),
    "arrival": lambda line: (line.arrival_cost, line.notional),
    "fees": lambda line: (line.fees, line.notional),
    "sweep_to_fill": lambda line: (_of_bps(line.sweep_to_fill_bps, line.notional), line.notional),
    "saving": lambda line: (_of_bps(line.saving_bps, line.notional), line.notional),
    "markout_60s": lambda line: (_of_bps(line.markouts_bps.get(60), line.notional), line.notional),
}


def groups(found: Sequence[CostLine], keys: Sequence[str]) -> tuple[Group, ...]:
    """Orders by what they have in common, the largest notional first."""
    grouped: defaultdict[tuple[str, ...], list[CostLine]] = defaultdict(list)
    for line in found:
        grouped[tuple(KEYS[name](line) for name in keys)].append(line)
    made = [_group(key, members) for key, members in grouped.items()]
    return tuple(sorted(made, key=lambda one: (-one.notional, one.key)))


def _group(key: tuple[str, ...], members: Sequence[CostLine]) -> Group:
    asked = sum(float(line.paper or 0) for line in members)
    notional = sum(float(line.notional or 0) for line in members)
    figures = {name: _figure([(line, *cost(line)) for line in members]) for name, cost in _COSTS.items()}
    return Group(
        key=key,
        orders=len(members),
        left_out=sum(line.total is None for line in members),
        notional=notional,
        fills=sum(line.fills for line in members),
        filled_share=notional / asked if asked else None,
        figures={name: one for name, one in figures.items() if one is not None},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueGroup:
    """One venue over all orders. Shares with their 95 % intervals; costs in bps of what was filled there."""

    venue: str
    orders: int
    children: int
    notional: float
    filled_share: float | None
    rejected: tuple[float, float, float] | None
    repeated: tuple[float, float, float] | None
    fee: Figure | None
    slippage: Figure | None
    markout_60s: Figure | None


def venues(found: Sequence[CostLine]) -> tuple[VenueGroup, ...]:
    """Each venue's part, the largest notional first. Orders differ between venues: compare slippage, not price."""
    grouped: defaultdict[str, list[tuple[CostLine, ListingLine]]] = defaultdict(list)
    for line in found:
        for part in line.listings:
            grouped[part.listing_id.partition("/")[0]].append((line, part))
    made = [_venue(venue, parts) for venue, parts in grouped.items()]
    return tuple(sorted(made, key=lambda one: (-one.notional, one.venue)))


def _venue(venue: str, parts: Sequence[tuple[CostLine, ListingLine]]) -> VenueGroup:
    children = sum(part.children for _, part in parts)
    sent = sum(float(part.sent) for _, part in parts)
    costs = [(line, part.fee, part.notional) for line, part in parts]
    slips = [(line, part.slippage, part.notional) for line, part in parts]
    marks = [(line, _of_bps(part.markouts_bps.get(60), part.notional), part.notional) for line, part in parts]
    return VenueGroup(
        venue=venue,
        orders=len({line.parent_id for line, _ in parts}),
        children=children,
        notional=sum(float(part.notional) for _, part in parts),
        filled_share=sum(float(part.filled) for _, part in parts) / sent if sent else None,
        rejected=_share(sum(part.rejected for _, part in parts), children),
        repeated=_share(sum(part.repeated for _, part in parts), children),
        fee=_figure(costs),
        slippage=_figure(slips),
        markout_60s=_figure(marks),
    )


def _share(hits: int, of: int) -> tuple[float, float, float] | None:
    return (hits / of, *statistics.rate(hits, of)) if of else None


def _figure(costs: Sequence[tuple[CostLine, Decimal | None, Decimal | None]]) -> Figure | None:
    """Of costs, each beside what it is a cost of; those that are unknown, or of nothing, are left out."""
    sure = [(part, whole, line) for line, part, whole in costs if part is not None and whole]
    if not sure:
        return None
    parts = [float(part) * _BPS for part, _, _ in sure]
    wholes = [float(whole) for _, whole, _ in sure]
    clusters = [(moment(line.decided_ns)[:10], line.instrument) for _, _, line in sure]
    each = [part / whole for part, whole in zip(parts, wholes, strict=True)]
    cut = quantiles(each, n=_QUARTILES) if len(each) >= _FEWEST_QUARTERED else None
    return Figure(
        by_notional=statistics.weighted_mean(parts, wholes, clusters),
        by_order=statistics.mean(each, clusters),
        median=median(each),
        quartiles=None if cut is None else (cut[0], cut[2]),
    )


def _of_bps(bps: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if bps is None or whole is None:
        return None
    with roughly():
        return bps * whole / BPS
