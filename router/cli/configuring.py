"""`sor config`: is this configuration right, and what would change with another one. Connects to no venue."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.cli.common import AsJson, ConfigFile, run, settings, settings_path
from router.cli.out import Out
from router.model.errors import BadInput

Report = dict[str, Any]

app = typer.Typer(no_args_is_help=True, help="Check a configuration, or compare two.")


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Read all settings and secrets and name everything wrong, by field. Exit code 0: nothing is; 2: something is."""

    async def work() -> ExitCode:
        from router.config.check import check as checked  # noqa: PLC0415 - brings ccxt with it
        from router.runtime.clock import SystemClock  # noqa: PLC0415

        path = settings_path(config)
        found = checked(path, SystemClock())
        report = {
            "ok": not found.problems,
            "source": None if path is None else str(path),
            "mode": found.mode,
            "venues": list(found.venues),
            "secrets_read": found.secrets_read,
            "problems": [{"field": one.field, "message": one.message} for one in found.problems],
            "partly": found.partly,
        }
        Out(as_json=as_json).show(report, _checked)
        return ExitCode.BAD_INPUT if found.problems else ExitCode.OK

    run(work(), as_json=as_json)


@app.command()
def diff(
    before: Annotated[
        Path | None, typer.Argument(metavar="[A]", help="A configuration; the usual one if absent.")
    ] = None,
    after: Annotated[
        Path | None, typer.Argument(metavar="[B]", help="Another; without it A is held against the defaults.")
    ] = None,
    running: Annotated[
        bool, typer.Option("--running", help="Hold A against what its database was last started with.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what differs and what each difference means, secrets masked. Exit code 0, whether or not anything does."""

    async def work() -> ExitCode:
        from router.config import diff as differing  # noqa: PLC0415 - only this command needs it

        if running and after is not None:
            raise BadInput("running", "compares one configuration: leave out the second file")
        first = settings_path(before)
        if running:
            names = ("last started", _name(first))
            changes = differing.differences(await _started(first), differing.of_config(settings(first)))
        elif after is None:
            names = ("default", _name(first))
            changes = differing.differences(differing.of_defaults(first), differing.of_file(first))
        else:
            names = (str(before), str(after))
            changes = differing.differences(differing.of_file(before), differing.of_file(after))
        lines = [{"field": one.field, "before": one.before, "after": one.after, "means": one.means} for one in changes]
        Out(as_json=as_json).show({"from": names[0], "to": names[1], "changes": lines}, _different)
        return ExitCode.OK

    run(work(), as_json=as_json)


async def _started(path: Path | None) -> dict[str, object]:
    from router.config.diff import of_started  # noqa: PLC0415 - only this command needs it
    from router.model.events import Started  # noqa: PLC0415
    from router.store import open_store  # noqa: PLC0415
    from router.store.newest import newest  # noqa: PLC0415

    config = settings(path)
    store = await open_store(config.database_url, config.mode, create=False)
    try:
        rows = await newest(store, Started.__name__)
    finally:
        await store.close()
    if not rows:
        raise BadInput("running", "nothing was ever started on this database")
    event = rows[0].row.stamped.event
    assert isinstance(event, Started)
    return dict(of_started(event))


def _name(path: Path | None) -> str:
    return "the built-in lab" if path is None else str(path)


def _checked(report: Report) -> RenderableType:
    where = report["source"] or "the built-in lab"
    lines = [Text(f"{one['field']}: {one['message']}", style="red") for one in report["problems"]]
    if report["partly"]:
        lines.append(Text("more may show once this is mended: not everything could be judged", style="dim"))
    if not lines:
        keys = f", {report['secrets_read']} secrets readable" if report["secrets_read"] else ""
        lines = [Text(f"{where}: mode {report['mode']}, {', '.join(report['venues'])}{keys}: nothing wrong")]
    return Group(*lines)


def _different(report: Report) -> RenderableType:
    if not report["changes"]:
        return Text(f"{report['from']} and {report['to']}: no difference")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("setting", report["from"], report["to"], "what it means"):
        table.add_column(column, overflow="fold")
    for one in report["changes"]:
        cells = (Text("-", style="dim") if one[side] is None else Text(one[side]) for side in ("before", "after"))
        table.add_row(one["field"], *cells, one["means"])
    return table
