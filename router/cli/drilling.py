"""`sor drill`: faults over real sockets, judged by the venue's own record, for this router or for ccxt's."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.cli.common import AsJson, run
from router.cli.out import Out
from router.cli.report import moment, number
from router.runtime.clock import SystemClock

if TYPE_CHECKING:
    from router.drill.play import Outcome

_STYLES = {"done": "green", "short": "green", "asks": "yellow", "BREACH": "bold red"}


def drill(
    protocols: Annotated[
        list[str] | None, typer.Option(help="A protocol of the lab; repeat it. Default: binance, kraken, coinbase.")
    ] = None,
    faults: Annotated[
        list[str] | None, typer.Option(help="Rows whose name holds this, or a group of rows; repeat it. Default: all.")
    ] = None,
    subject: Annotated[str, typer.Option(help="router, or ccxt-router: the installed ccxt.OrderRouter.")] = "router",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Cases at a time.")] = 3,
    compare: Annotated[
        Path | None, typer.Option(help="Drill both subjects instead, and write the table to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rehearse faults on a lab of its own: one order, one fault, the real process, judged by the venue's record.

    Exit codes: 0 every case ended as it should; 1 one did not (with --compare: one of this router's); 2 bad input.
    """

    async def work() -> ExitCode:
        from router.drill import page  # noqa: PLC0415 - brings ccxt and the lab with it
        from router.drill.run import USUAL, cases_of, rows_named  # noqa: PLC0415
        from router.drill.subjects import SUBJECTS  # noqa: PLC0415

        logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # of the lab, whose connections are cut on purpose
        rows, out = rows_named(faults or ()), Out(as_json=as_json)
        where = tuple(protocols or USUAL)
        who = tuple(SUBJECTS) if compare else (subject,)
        cases = [cases_of(rows, where, each) for each in who]
        results = [await _played(each, workers, out) for each in cases]
        if compare:
            date = (moment(SystemClock().now()) or "").partition("T")[0]
            await asyncio.to_thread(compare.write_text, page.written(results, where, date))
        out.show(_report(who, results), _drawn)
        return ExitCode.OK if all(outcome.fits for outcome in results[0]) else ExitCode.FAILED

    run(work(), as_json=as_json)


async def _played(cases: Sequence[Any], workers: int, out: Out) -> list["Outcome"]:
    from router.drill.run import run as play_all  # noqa: PLC0415

    found = []
    async with aclosing(play_all(cases, workers)) as outcomes:
        async for outcome in outcomes:
            found.append(outcome)
            if not outcome.fits:
                where = f"{outcome.case.subject.name}, {outcome.case.seat.name}, {outcome.case.row.name}"
                out.say(
                    f"{where}: {outcome.verdict.word} {'; '.join(outcome.verdict.breaches)} (it said {outcome.said})"
                )
    return found


def _report(who: Sequence[str], results: Sequence[Sequence["Outcome"]]) -> dict[str, Any]:
    from router.drill.page import VERSIONS  # noqa: PLC0415
    from router.drill.run import counted  # noqa: PLC0415

    return {
        "versions": VERSIONS,
        "subjects": [
            {"subject": name, "counts": counted(outcomes), "cases": [_told(outcome) for outcome in outcomes]}
            for name, outcomes in zip(who, results, strict=True)
        ],
    }


def _told(outcome: "Outcome") -> dict[str, Any]:
    case, verdict = outcome.case, outcome.verdict
    return {
        "row": case.row.name,
        "group": str(case.row.group),
        "script": str(case.row.script),
        "protocol": case.seat.name,
        "verdict": str(verdict.word),
        "as_it_should": outcome.fits,
        "reached": outcome.reached,
        "orders": verdict.orders,
        "executed": number(verdict.executed),
        "breaches": list(verdict.breaches),
        "said": outcome.said,
        "seconds": round(outcome.seconds, 1),
    }


def _drawn(report: dict[str, Any]) -> RenderableType:
    return Group(*(each for one in report["subjects"] for each in _drawn_one(one)))


def _drawn_one(one: dict[str, Any]) -> Sequence[RenderableType]:
    protocols = list(dict.fromkeys(case["protocol"] for case in one["cases"]))
    table = Table(title=one["subject"], title_justify="left", header_style="dim")
    for column in ("row", *protocols):
        table.add_column(column)
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for case in one["cases"]:
        rows.setdefault(case["row"], {})[case["protocol"]] = case
    for name, found in rows.items():
        table.add_row(name, *(_cell(found[protocol]) for protocol in protocols))
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in one["counts"].items())
    return table, Text(f"{counts}\n* the fault found nothing of it to meet")


def _cell(case: dict[str, Any]) -> Text:
    words = "; ".join(case["breaches"]) or case["verdict"]
    return Text(words + ("" if case["reached"] else " *"), style=_STYLES[case["verdict"]])
