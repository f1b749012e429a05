"""`sor volume`: what others traded, from the market record; and the same as days, for a curve."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.cli.common import AsJson, ConfigFile, Instrument, InstrumentOption, one_instrument, run, settings
from router.cli.out import Out
from router.cli.reading import Reading, reading_if_there
from router.cli.report import moment, number
from router.config import Config
from router.curves.days import DAY_MINUTES, DAY_NS, MINUTE_NS, DayCount
from router.market_record.archive import Archive
from router.market_record.reading import Reader
from router.market_record.volume import HOLE_NS, Hole, OwnPrint, TapeVolume, Traded, one_tape_each
from router.model.errors import BadInput
from router.model.ids import InstrumentId, ListingId, Nanos
from router.requests.fields import milliseconds
from router.requests.single import duration_of, instrument_of, moment_of
from router.runtime.clock import SystemClock

_MS = 1_000_000
_BUCKETS_MOST = 10_000
Report = dict[str, Any]


def volume(
    instrument: Instrument = None,
    named: InstrumentOption = None,
    first: Annotated[str, typer.Option("--from", help="Such as 2026-01-31T09:30:00Z.")] = "",
    last: Annotated[str | None, typer.Option("--to", help="The same; now by default.")] = None,
    bucket: Annotated[str | None, typer.Option("--bucket", help="Such as 5m; else all in one.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what others traded in public, per venue and in all: our own trades left out, gaps named.

    From the market record: it samples while orders are worked, and always where `market_record.always` says so.
    """

    async def work() -> ExitCode:
        wanted = InstrumentId(instrument_of(one_instrument(instrument, named)))
        edges = _edges(first, last, bucket)
        found = settings(config)
        async with reading_if_there(found) as seen:
            tapes, others = await recorded_volume(found, seen, wanted, edges)
        Out(as_json=as_json).show(volume_report(wanted, edges, tapes, others), _table)
        return ExitCode.OK

    run(work(), as_json=as_json)


def _edges(first: str, last: str | None, bucket: str | None) -> tuple[int, ...]:
    if not first:
        raise BadInput("from", "is required: the moment from which, such as 2026-01-31T09:30:00Z")
    begin, end = moment_of("from", first), SystemClock().now() if last is None else moment_of("to", last)
    if end <= begin:
        raise BadInput("to", "must be after --from")
    step = end - begin if bucket is None else milliseconds(duration_of("bucket", bucket)) * _MS
    if step == 0 or (end - begin) // step > _BUCKETS_MOST:
        raise BadInput("bucket", f"must make at most {_BUCKETS_MOST} buckets of that time")
    return (*range(begin, end, step), end)


async def recorded_volume(
    config: Config, seen: Reading | None, instrument: InstrumentId, edges: Sequence[int]
) -> tuple[tuple[TapeVolume, ...], tuple[ListingId, ...]]:
    """The tapes that count, and listings that are views of one of them."""
    if seen is None:
        return (), ()
    exchange_of = _exchange_of(config)
    async with AsyncExitStack() as stack:
        archive = Archive(config.database_url)
        stack.push_async_callback(archive.close)
        own = _own_prints(seen, edges, exchange_of)
        tapes = await Reader(archive).volume(instrument, edges, own)
    return one_tape_each(tapes, exchange_of)


def _exchange_of(config: Config) -> Callable[[ListingId], str]:
    """The market behind a listing: two accounts of one exchange see the same tape."""
    exchanges = {str(venue.venue): venue.ccxt_id for venue in config.venues}

    def exchange_of(listing: ListingId) -> str:
        account, _, symbol = listing.partition(":")
        venue = account.partition("/")[0]
        return f"{exchanges.get(venue, venue)}:{symbol}"

    return exchange_of


def _own_prints(
    seen: Reading, edges: Sequence[int], exchange_of: Callable[[ListingId], str]
) -> Callable[[Collection[ListingId]], Awaitable[Iterable[OwnPrint]]]:
    """Each fill as a print on every listing that is a view of its market."""

    async def own(listings: Collection[ListingId]) -> list[OwnPrint]:
        fills = await seen.queries.fills_between(edges[0] - HOLE_NS, edges[-1] + HOLE_NS)
        return [
            OwnPrint(listing=listing, trade_id=fill.trade_id, at_ns=Nanos(fill.venue_time_ns), quantity=fill.quantity)
            for fill in fills
            for listing in listings
            if exchange_of(listing) == exchange_of(ListingId(f"{fill.account}:{fill.symbol}"))
        ]

    return own


async def recorded_days(
    config: Config, instrument: str, span: tuple[int, int], buckets: int
) -> dict[str, dict[int, DayCount]]:
    """Others' volume of each day by tape, minutes that cannot be answered for left silent."""
    series: dict[str, dict[int, DayCount]] = {}
    exchange_of = _exchange_of(config)
    async with reading_if_there(config) as seen:
        for day in range(span[0], span[1] + 1):
            edges = tuple(range(day * DAY_NS, (day + 1) * DAY_NS + 1, MINUTE_NS))
            tapes, _ = await recorded_volume(config, seen, InstrumentId(instrument), edges)
            for tape in tapes:
                series.setdefault(exchange_of(tape.listing), {})[day] = _day_of(tape, edges, buckets)
    return series


def _day_of(tape: TapeVolume, edges: Sequence[int], buckets: int) -> DayCount:
    count = DayCount(buckets)
    for minute in range(DAY_MINUTES):
        count.add(minute * MINUTE_NS, tape.buckets[minute].others)
        if tape.whole(edges[minute], edges[minute + 1]):
            count.hear(minute)
    return count


def volume_report(
    instrument: InstrumentId, edges: Sequence[int], tapes: Sequence[TapeVolume], others: Sequence[ListingId]
) -> Report:
    """Per venue, in all, and per bucket. `whole` is false where prints may be missing: the figures are then a bound."""
    total = Traded()
    for tape in tapes:
        total = total.plus(tape.total)
    return {
        "instrument": instrument,
        "from": moment(edges[0]),
        "to": moment(edges[-1]),
        "whole": bool(tapes) and all(not tape.missing for tape in tapes),
        "total": _consolidated(total),
        "listings": [_tape(tape) for tape in tapes],
        "same_tape": list(others),
        "buckets": [
            {
                "from": moment(begin),
                "to": moment(end),
                "whole": bool(tapes) and all(tape.whole(begin, end) for tape in tapes),
                **_consolidated(_sum(tape.buckets[place] for tape in tapes)),
                "listings": {tape.listing: number(tape.buckets[place].others) for tape in tapes},
            }
            for place, (begin, end) in enumerate(pairwise(edges))
        ],
    }


def _sum(parts: Iterable[Traded]) -> Traded:
    total = Traded()
    for part in parts:
        total = total.plus(part)
    return total


def _consolidated(traded: Traded) -> Report:
    return {
        "prints": traded.prints,
        "quantity": number(traded.quantity),
        "own": number(traded.own),
        "others": number(traded.others),
    }


def _tape(tape: TapeVolume) -> Report:
    return {
        "listing": tape.listing,
        **_consolidated(tape.total),
        "notional": number(tape.total.notional),
        "bought": number(tape.total.bought),
        "sold": number(tape.total.sold),
        "own_unseen": number(tape.own_unseen),
        "own_at_edges": number(tape.own_at_edges),
        "whole": not tape.missing,
        "missing": [_hole(one) for one in tape.missing],
        "unsplit": [_hole(one) for one in tape.unsplit],
    }


def _hole(hole: Hole) -> Report:
    found: Report = {"from": moment(hole.from_ns), "to": moment(hole.to_ns), "why": hole.why}
    return found if hole.quantity is None else found | {"quantity": number(hole.quantity)}


def _table(report: Report) -> RenderableType:
    if not report["listings"]:
        why = "the market record samples while orders are worked, or always where market_record.always says so"
        return Text(f"nothing of {report['instrument']} is recorded in that time: {why}")
    base = report["instrument"].partition("/")[0]
    table = Table("", "prints", f"others {base}", f"ours {base}", "whole", title=f"{report['from']} to {report['to']}")
    rows = [
        *((one["listing"], one) for one in report["listings"]),
        ("in all", report["total"] | {"whole": report["whole"]}),
    ]
    if len(report["buckets"]) > 1:
        rows += [(f"from {one['from']}", one) for one in report["buckets"]]
    for name, one in rows:
        table.add_row(name, str(one["prints"]), one["others"], one["own"], "yes" if one["whole"] else "no")
    return Group(table, *_remarks(report, base))


def _remarks(report: Report, base: str) -> list[Text]:
    lines = []
    for one in report["listings"]:
        lines += [
            Text(f"{one['listing']}: {hole['why']} from {hole['from']} to {hole['to']}", style="bold red")
            for hole in one["missing"]
        ]
        lines += [
            Text(f"{one['listing']}: {hole['quantity']} {base} from {hole['from']} to {hole['to']}, nobody knows when")
            for hole in one["unsplit"]
        ]
        if one["own_unseen"] != "0":
            lines.append(
                Text(f"{one['listing']}: {one['own_unseen']} {base} of ours is not on the tape", style="yellow")
            )
        if one["own_at_edges"] != "0":
            lines.append(Text(f"{one['listing']}: {one['own_at_edges']} {base} of ours traded within 5 s of the edges"))
    lines += [Text(f"{listing}: the same tape as another account's, counted once") for listing in report["same_tape"]]
    return lines
