"""`sor tca --from`: what the orders of a period cost, in groups."""

import hashlib
import sys
from collections.abc import Sequence

from router.app.exits import ExitCode
from router.app.period_costs import HORIZON_NS, Figure, Group, VenueGroup, groups, measured, read, venues
from router.cli.out import Out
from router.cli.reading import reading
from router.cli.report import Report, moment
from router.cli.tca_report import CONVENTION
from router.cli.tca_tables import period_cost
from router.config import Config
from router.market_record.archive import Archive
from router.model.errors import BadInput
from router.model.ids import Nanos
from router.requests.fields import nanoseconds
from router.runtime.clock import SystemClock
from router.statistics import Estimate
from router.store.order_costs import OrderCosts
from router.tca.grouping import KEYS, VENUE
from router.tca.line import CostLine

_MANY = 1_000_000


async def period(found: Config, since: str, until: str | None, group_by: str, *, as_json: bool) -> ExitCode:
    """Groups over a period; orders whose markouts are not over yet are counted, and left out."""
    keys = [name.strip() for name in group_by.split(",") if name.strip()]
    unknown = next((name for name in keys if name not in {*KEYS, VENUE}), None)
    if unknown is not None or not keys:
        raise BadInput("group_by", f"{unknown or 'nothing'} is no group: any of {', '.join([*KEYS, VENUE])}")
    if VENUE in keys and len(keys) > 1:
        raise BadInput("group_by", "venue stands alone: parts of orders are not orders")
    now_ns = SystemClock().now()
    from_ns, to_ns = _moment("from", since), now_ns if until is None else _moment("to", until)
    if from_ns >= to_ns:
        raise BadInput("to", "is not after from")
    archive, costs = Archive(found.database_url), OrderCosts(found.database_url)
    try:
        async with reading(found) as seen:
            over_ns = Nanos(min(to_ns, now_ns - HORIZON_NS))
            async for done in measured(seen.queries, archive, costs, from_ns, over_ns):
                sys.stderr.write(f"{done} orders measured\n")
            lines = [read(text) for text in await costs.between(from_ns, to_ns)]
            waiting = len(await costs.to_measure(max(from_ns, over_ns), to_ns, _MANY))
    finally:
        await costs.close()
        await archive.close()
    Out(as_json=as_json).show(period_report(lines, keys, from_ns, to_ns, waiting), period_cost)
    return ExitCode.OK


def _moment(field: str, text: str) -> Nanos:
    """A day or a moment, in UTC. Raises `BadInput`."""
    try:
        return nanoseconds(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise BadInput(field, f"{text} is no day and no moment in UTC: 2026-01-31, or 2026-01-31T09:30:00Z") from None


def period_report(lines: Sequence[CostLine], keys: Sequence[str], from_ns: Nanos, to_ns: Nanos, waiting: int) -> Report:
    """Orders of a period in groups. Floats: figures for reading."""
    by_venue = keys == [VENUE]
    return {
        "convention": CONVENTION,
        "from": moment(from_ns),
        "to": moment(to_ns),
        "orders": len(lines),
        "fills": sum(one.fills for one in lines),
        "not_over_yet": waiting,
        "unknown": sum(one.total is None for one in lines),
        "group_by": list(keys),
        "groups": [_venue_group(one) for one in venues(lines)]
        if by_venue
        else [_group(one, keys) for one in groups(lines, keys)],
        "records": hashlib.sha256("".join(sorted(one.record for one in lines)).encode()).hexdigest(),
    }


def _group(one: Group, keys: Sequence[str]) -> Report:
    return {
        "key": dict(zip(keys, one.key, strict=True)),
        "orders": one.orders,
        "left_out": one.left_out,
        "fills": one.fills,
        "notional": round(one.notional, 2),
        "filled_share": _rounded(one.filled_share),
        "bps": {name: _figure(figure) for name, figure in one.figures.items()},
    }


def _venue_group(one: VenueGroup) -> Report:
    return {
        "key": {VENUE: one.venue},
        "orders": one.orders,
        "children": one.children,
        "notional": round(one.notional, 2),
        "filled_share": _rounded(one.filled_share),
        "rejected": None if one.rejected is None else list(map(_rounded, one.rejected)),
        "repeated": None if one.repeated is None else list(map(_rounded, one.repeated)),
        "bps": {
            name: _figure(figure)
            for name, figure in (("fee", one.fee), ("slippage", one.slippage), ("markout_60s", one.markout_60s))
            if figure is not None
        },
    }


def _figure(one: Figure) -> Report:
    return {
        "by_notional": _estimate(one.by_notional),
        "by_order": _estimate(one.by_order),
        "median": _rounded(one.median),
        "quartiles": None if one.quartiles is None else list(map(_rounded, one.quartiles)),
    }


def _estimate(one: Estimate) -> Report:
    return {
        "value": _rounded(one.value),
        "low": _rounded(one.low),
        "high": _rounded(one.high),
        "orders": one.of,
        "units": one.units,
        "interval": one.how,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
