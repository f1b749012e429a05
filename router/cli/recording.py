"""`sor record`."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from router.app.exits import ExitCode
from router.cli.common import AsJson, ConfigFile, run, settings
from router.cli.out import Out
from router.cli.reading import driver_of
from router.model.errors import BadInput
from router.observe import Redactor

Report = dict[str, Any]
_UNITS = {"s": 1, "m": 60, "h": 3_600}
_MB = 1_000_000


def record(
    folder: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="A new or an empty folder.")],
    venues: Annotated[str | None, typer.Option(help="Such as kraken,okx; all that are configured by default.")] = None,
    symbols: Annotated[str | None, typer.Option(help="Such as BTC/USD,ETH/USD; all by default.")] = None,
    lasting: Annotated[str | None, typer.Option("--for", help="Such as 90s, 10m, 2h; else until stopped.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Private feeds too, secrets taken out.")] = False,
    megabytes: Annotated[int, typer.Option("--max-mb", min=1, help="Stop before they are larger than this.")] = 1_000,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write down what the venues send, as it comes: `sor lab --tapes OUT_DIR` plays it again."""

    async def work() -> ExitCode:
        from router.app import record as recording  # noqa: PLC0415 - brings ccxt with it
        from router.app.serve import until_signalled  # noqa: PLC0415
        from router.runtime.clock import SystemClock  # noqa: PLC0415

        found = settings(config)
        keys = Redactor([key.reveal() for venue in found.venues for key in venue.credentials.values()])
        done = await recording.record(
            found,
            SystemClock(),
            recording.Wanted(
                folder=folder,
                venues=_listed(venues),
                symbols=_listed(symbols),
                for_s=_seconds(lasting),
                private=private,
                bytes_max=megabytes * _MB,
            ),
            keys.text,
            until_signalled(),
            beside_driver=await driver_of(found) is not None,
        )
        Out(as_json=as_json).show({"folder": str(folder), **done.manifest}, _drawn)
        return ExitCode.FAILED if done.lost else ExitCode.OK

    run(work(), as_json=as_json)


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})([smh])", text)
    if match is None or int(match.group(1)) == 0:
        raise BadInput("for", f"must be a number and s, m or h, such as 10m, not {text!r}")
    return int(match.group(1)) * _UNITS[match.group(2)]


def _drawn(report: Report) -> RenderableType:
    lines = []
    for venue, told in report["venues"].items():
        files = told["files"] + told["private_files"]
        frames = sum(file["rows"].get("recv", 0) for file in files)
        size = sum(file["bytes"] for file in files) / _MB
        gaps = f", {len(told['gaps'])} gaps" if told["gaps"] else ""
        lines.append(Text(f"{venue}: {frames} frames, {size:.2f} MB in {len(files)} files{gaps}"))
    lines += [Text(f"{venue}: not recorded: {why}", style="bold red") for venue, why in report["lost"].items()]
    lines.append(Text(f"ended because {report['ended']}; next: sor lab --tapes {report['folder']}"))
    return Group(*lines)
