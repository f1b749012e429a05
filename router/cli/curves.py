"""`sor curves`: how a day's volume falls on its hours, built from what was traded, kept by name and day."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.curves import stored_curve, unknown_curve
from router.app.exits import ExitCode
from router.cli.common import AsJson, ConfigFile, run, settings
from router.cli.curve_files import read_files
from router.cli.out import Out
from router.cli.reading import store_if_there
from router.cli.volume import recorded_days
from router.config import Config
from router.curves.days import DAY_MINUTES, LeftOut, Series, chosen, day_number
from router.curves.estimate import curve_shares, cut_off
from router.model.errors import BadInput
from router.model.money import plain
from router.requests.curves import CurveBody, LeftOutBody, SourceBody, curve_digest, curve_of, curve_text
from router.requests.fields import milliseconds
from router.requests.single import day_of, duration_of, instrument_of, name_of
from router.runtime.clock import SystemClock
from router.store import open_store

_MINUTE_MS = 60_000
_WHY_MOST = 20
_SMOOTH_MOST = 12

app = typer.Typer(help="Build, list and show volume curves.", no_args_is_help=True)
Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILES]", help="More files of the kind named.")]
FirstDay = Annotated[str | None, typer.Option("--from", help="First day, such as 2026-01-01; else all there are.")]
LastDay = Annotated[str | None, typer.Option("--to", help="Last day, itself included.")]


@app.command()
def build(
    files: Files = None,
    instrument: Annotated[str, typer.Option("--instrument", help="What it is for, such as BTC/USD.")] = "BTC/USD",
    first: FirstDay = None,
    last: LastDay = None,
    bars: Annotated[list[Path] | None, typer.Option("--bars", help="Files of bars.")] = None,
    trades: Annotated[list[Path] | None, typer.Option("--trades", help="Files of trades.")] = None,
    record: Annotated[bool, typer.Option("--record", help="The market record: what others traded.")] = False,
    bucket: Annotated[str, typer.Option("--bucket", help="Length of a bucket: 60m, 5m.")] = "60m",
    curve_id: Annotated[str | None, typer.Option("--id", help="Its name; by default of instrument and bucket.")] = None,
    smooth: Annotated[int, typer.Option(min=0, max=_SMOOTH_MOST, help="Mean over so many neighbours each way.")] = 0,
    silence: Annotated[str, typer.Option("--silence-max", help="A day silent for so long is left out.")] = "1h",
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this new file, too.")] = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep it in the database.")] = True,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Build a volume curve from whole UTC days, weekdays and weekends apart. A kept curve is never changed.

    The mean of the days' shares per bucket, a tenth of the days (of three or more, at least one) cut off at each end.
    """

    async def work() -> ExitCode:
        name = name_of("id", curve_id or f"{instrument.replace('/', '-').lower()}-{bucket}")
        given = [*(bars or ()), *(trades or ()), *(files or ())]
        if bool(bars) + bool(trades) + record != 1 or (record and given):
            raise BadInput("bars", "give files of --bars or of --trades, or --record: one of them")
        wanted = _Wanted(instrument_of(instrument), name, bucket, first, last, smooth, silence)
        if record:
            days = await recorded_days(settings(config), wanted.instrument, wanted.span(), wanted.buckets)
            curve = wanted.curve(days, (), "the market record, our own trades left out")
        else:
            series, sources = read_files(given, bars=bool(bars), buckets=wanted.buckets)
            curve = wanted.curve(series, sources, "bars" if bars else "trades")
        if out is not None:
            _write(out, curve)
        kept = await _keep(settings(config), curve) if keep else None
        Out(as_json=as_json).show(curve.written(), lambda _: _built(curve, kept, out))
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command("list")
def list_curves(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the curves that orders may name."""

    async def work() -> ExitCode:
        async with store_if_there(settings(config)) as store:
            texts = () if store is None else await store.curves()
        Out(as_json=as_json).show([_line(curve_of(text), text) for text in texts], _table)
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command()
def show(
    curve_id: Annotated[str, typer.Argument(metavar="ID", help="Its name, as `sor curves list` says it.")],
    asof: Annotated[str | None, typer.Option("--asof", help="Its day; the newest by default.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a curve: its shares, what it was built from, which days were left out and why."""

    async def work() -> ExitCode:
        name, day = name_of("id", curve_id), None if asof is None else name_of("asof", asof)
        async with store_if_there(settings(config)) as store:
            if store is None:
                raise unknown_curve(name, day or "any day", [])
            known = [curve_of(text) for text in await store.curves()]
            newest = next((one.curve_asof for one in known if one.curve_id == name), "any day")
            curve = await stored_curve(store, name, day or newest)
        Out(as_json=as_json).show(curve.written(), lambda _: _shown(curve))
        return ExitCode.OK

    run(work(), as_json=as_json)


class _Wanted:
    """What a curve is asked to be. Raises `BadInput` for what cannot be."""

    def __init__(
        self, instrument: str, name: str, bucket: str, first: str | None, last: str | None, smooth: int, silence: str
    ) -> None:
        bucket_ms = milliseconds(duration_of("bucket", bucket))
        if bucket_ms == 0 or (DAY_MINUTES * _MINUTE_MS) % bucket_ms or bucket_ms % _MINUTE_MS:
            raise BadInput("bucket", f"must divide the day into whole minutes, such as 60m, not {bucket}")
        self.silence_max = milliseconds(duration_of("silence-max", silence)) // _MINUTE_MS
        if not 0 < self.silence_max <= DAY_MINUTES:
            raise BadInput("silence-max", f"must be a minute or more and a day or less, not {silence}")
        self.bucket_minutes = bucket_ms // _MINUTE_MS
        self.buckets = DAY_MINUTES // self.bucket_minutes
        if 2 * smooth + 1 > self.buckets:
            raise BadInput("smooth", f"must leave something of the {self.buckets} buckets")
        self.first = None if first is None else day_number(day_of("from", first))
        self.last = None if last is None else day_number(day_of("to", last))
        if self.first is not None and self.last is not None and self.last < self.first:
            raise BadInput("to", "must not be before --from")
        self.instrument, self.name, self.smooth = instrument, name, smooth

    def span(self) -> tuple[int, int]:
        """First and last day. Raises `BadInput`: a record is not read from end to end unasked."""
        if self.first is None or self.last is None:
            raise BadInput("from", "goes with --record: name the first and the last day, --from and --to")
        return self.first, self.last

    def curve(self, series: Series, sources: Sequence[SourceBody], kind: str) -> CurveBody:
        """The curve of these days."""
        used, left_out = chosen(series, silence_max=self.silence_max, first=self.first, last=self.last)
        if not used:
            raise BadInput("from", f"no day can be used: {_some(left_out)}")
        weekday = [one.volumes for one in used if not one.weekend]
        weekend = [one.volumes for one in used if one.weekend]
        return CurveBody(
            curve_id=self.name,
            curve_asof=used[-1].day,
            instrument=self.instrument,
            bucket_minutes=self.bucket_minutes,
            built_from=_sentence(kind, len(sources), len(series), [one.day for one in used], len(left_out)),
            estimate=self._estimate(len(weekday), len(weekend)),
            sources=list(sources),
            days_used=[one.day for one in used],
            days_left_out=[LeftOutBody(day=one.day, why=one.why) for one in left_out],
            weekday=[plain(share) for share in curve_shares(weekday or weekend, self.smooth)],
            weekend=[plain(share) for share in curve_shares(weekend or weekday, self.smooth)],
        )

    def _estimate(self, weekdays: int, weekend_days: int) -> str:
        cuts = f"{cut_off(weekdays)} weekdays and {cut_off(weekend_days)} days of a weekend cut off at each end"
        smoothed = f"each bucket the mean with {self.smooth} neighbours each way" if self.smooth else "not smoothed"
        stands_in = ""
        if not weekend_days:
            stands_in = "; no weekend day: the weekdays' shares stand in"
        elif not weekdays:
            stands_in = "; no weekday: the weekend's shares stand in"
        said = f"mean of each day's shares per bucket, {cuts}; {smoothed}"
        return f"{said}; a day silent for {self.silence_max} min or more is left out{stands_in}"


def _sentence(kind: str, files: int, series: int, days: Sequence[str], left_out: int) -> str:
    of = f"{files} {'file' if files == 1 else 'files'} of {kind}" if files else kind
    return (
        f"{of}, {series} {'market' if series == 1 else 'markets'}: "
        f"{len(days)} UTC {'day' if len(days) == 1 else 'days'} from {days[0]} to {days[-1]}, {left_out} left out"
    )


def _some(left_out: Sequence[LeftOut]) -> str:
    return "; ".join(f"{one.day}: {one.why}" for one in left_out[:_WHY_MOST]) or "there is nothing between those days"


def _write(path: Path, curve: CurveBody) -> None:
    try:
        with path.open("x") as file:
            file.write(json.dumps(curve.written(), indent=2) + "\n")
    except FileExistsError:
        if path.is_file() and path.read_text() == json.dumps(curve.written(), indent=2) + "\n":
            return
        raise BadInput("out", f"{path} is there already, and is not overwritten") from None
    except OSError as error:
        raise BadInput("out", f"{path} cannot be written ({type(error).__name__})") from None


async def _keep(config: Config, curve: CurveBody) -> bool:
    """False: the very same was there."""
    store = await open_store(config.database_url, config.mode)
    try:
        return await store.keep_curve(curve.curve_id, curve.curve_asof, curve_text(curve), SystemClock().now())
    finally:
        await store.close()


def _line(curve: CurveBody, text: str) -> dict[str, Any]:
    return {
        "curve_id": curve.curve_id,
        "curve_asof": curve.curve_asof,
        "instrument": curve.instrument,
        "bucket_minutes": curve.bucket_minutes,
        "days_used": len(curve.days_used),
        "days_left_out": len(curve.days_left_out),
        "built_from": curve.built_from,
        "sha256": curve_digest(text),
    }


def _table(lines: Sequence[dict[str, Any]]) -> RenderableType:
    table = Table("curve", "as of", "instrument", "bucket", "built from", title="volume curves")
    for one in lines:
        table.add_row(
            one["curve_id"], one["curve_asof"], one["instrument"], f"{one['bucket_minutes']}m", one["built_from"]
        )
    return table if lines else Text("no volume curve is kept here; `sor curves build` makes one")


def _built(curve: CurveBody, kept: bool | None, out: Path | None) -> RenderableType:
    lines = [] if out is None else [Text(f"written to {out}: an order brings it as params.curve")]
    if kept is not None:
        kept_how = "kept in the database" if kept else "the very same was kept already"
        name = f"curve_id {curve.curve_id}, curve_asof {curve.curve_asof}"
        lines.append(Text(f"{kept_how}: an order names it in params by {name}"))
    return Group(_shown(curve), *lines)


def _shown(curve: CurveBody) -> RenderableType:
    title = f"{curve.curve_id} of {curve.curve_asof}, {curve.instrument}, UTC"
    table = Table("from", "weekday", "weekend", title=title)
    for number, (weekday, weekend) in enumerate(zip(curve.weekday, curve.weekend, strict=True)):
        minute = number * (curve.bucket_minutes or 0)
        table.add_row(f"{minute // 60:02d}:{minute % 60:02d}", weekday, weekend)
    lines = [Text(curve.built_from), Text(curve.estimate or "")]
    lines += [Text(f"left out: {one.day}: {one.why}", style="yellow") for one in curve.days_left_out]
    return Group(table, *lines)
