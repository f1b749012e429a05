"""`sor whatif`: what the router's own arithmetic says of a case in a file. Nothing is sent, nothing is stored."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from router.app.exits import ExitCode
from router.cli.case import read_case
from router.cli.common import AsJson, run
from router.cli.out import Out
from router.cli.whatif_fillprob import fillprob_report, fillprob_table
from router.cli.whatif_place import place_report, place_table
from router.cli.whatif_schedule import schedule_report, schedule_table
from router.cli.whatif_split import split_report, split_table

app = typer.Typer(help="What the router's own arithmetic says of a case in a file.", no_args_is_help=True)
Input = Annotated[Path, typer.Option("--input", help="case.json, or - for standard input. docs/schemas says its form.")]


@app.command()
def schedule(case: Input, as_json: AsJson = False) -> None:
    """Show when TWAP, VWAP, POV or IS would trade how much."""
    answer(case, as_json, schedule_report, schedule_table)


@app.command()
def place(case: Input, as_json: AsJson = False) -> None:
    """Show how much to take now and how much to rest in which queue."""
    answer(case, as_json, place_report, place_table)


@app.command()
def split(case: Input, as_json: AsJson = False) -> None:
    """Show how the router would divide a quantity over books: plan, exact cost, certificate, reasons."""
    answer(case, as_json, split_report, split_table)


@app.command()
def fillprob(case: Input, as_json: AsJson = False) -> None:
    """Show how likely displayed size is to be there, from own fills, and what a price then is on average."""
    answer(case, as_json, fillprob_report, fillprob_table)


def answer(
    case: Path, as_json: bool, report: Callable[[object], dict[str, Any]], table: Callable[[Any], RenderableType]
) -> None:
    """Read a case, work it out, show it. A case that is wrong ends in one sentence and exit code 2."""

    async def work() -> ExitCode:
        Out(as_json=as_json).show(report(read_case(case)), table)
        return ExitCode.OK

    run(work(), as_json=as_json)
