"""`sor doctor` and the drawing of what an examination found."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.app.findings import Finding, Verdict, exit_code
from router.cli.common import AsJson, ConfigFile, run, settings
from router.cli.out import Out

Report = dict[str, Any]
Strict = Annotated[bool, typer.Option("--strict", help="A warning is a failure, too.")]

_STYLE = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(config: ConfigFile = None, strict: Strict = False, as_json: AsJson = False) -> None:
    """Examine this machine: versions, clock, secrets, disk, database, lease, doubts, ports. Asks no venue."""

    async def work() -> ExitCode:
        from router.app.doctor import examine  # noqa: PLC0415 - only this command needs it

        found = await examine(await asyncio.to_thread(settings, config))
        Out(as_json=as_json).show(report_of(found), drawn)
        return exit_code(found, strict=strict)

    run(work(), as_json=as_json)


def report_of(found: Sequence[Finding]) -> Report:
    """As JSON."""
    worst = max((list(Verdict).index(one.verdict) for one in found), default=0)
    lines = [
        {
            **({} if one.account is None else {"account": one.account}),
            "subject": one.subject,
            "verdict": one.verdict.value,
            "says": one.says,
            "mend": one.mend,
        }
        for one in found
    ]
    return {"verdict": list(Verdict)[worst].value, "findings": lines}


def drawn(report: Report) -> RenderableType:
    """One line each, what to do about it beside it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for one in report["findings"]:
        mend = f" -> {one['mend']}" if one["mend"] else ""
        account = [one["account"]] if "account" in one else []
        verdict = Text(one["verdict"], style=_STYLE[Verdict(one["verdict"])])
        table.add_row(*account, one["subject"], verdict, f"{one['says']}{mend}")
    return Group(table)
