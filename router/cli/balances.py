"""`sor balances`: what the accounts hold, and a person's word for what our books do not explain."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.cli.asking import ask
from router.cli.common import AsJson, ConfigFile, principal, run, settings
from router.cli.out import Out
from router.cli.reading import reading_if_there
from router.cli.report import Report, moment, number
from router.config import Config
from router.model.errors import BadInput
from router.model.money import ZERO, exactly
from router.model.orders import ChildState
from router.requests import AcknowledgeBody, acknowledge_request
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.store.tables import BalanceTable, ChildTable, DifferenceTable

_NS_PER_S = 1_000_000_000

app = typer.Typer(invoke_without_command=True, help="Show what the accounts hold, or explain a difference.")


@app.callback()
def balances(context: typer.Context, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show per account and asset: total, free, reserved by us, in doubt, unexplained, and how old that is."""
    if context.invoked_subcommand is not None:
        return

    async def work() -> ExitCode:
        async with reading_if_there(settings(config)) as seen:
            lines = (
                report(await seen.queries.balances(), await seen.queries.reserving(), await seen.queries.differences())
                if seen
                else []
            )
        Out(as_json=as_json).show(lines, _table)
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True})  # an amount that left is negative
def acknowledge(
    venue: Annotated[str, typer.Argument(metavar="VENUE", help="A configured venue, such as kraken.")],
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="Such as BTC.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What came; negative for what left.")],
    reason: Annotated[str, typer.Option("--reason", help="Why: it is journaled.")],
    key: Annotated[str, typer.Option("--key", help="Your name for this, unique for ever: asked twice it counts once.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Explain what moved without the router's doing and stands in no list it can read.

    Waits a moment for a driver to take it. Exit codes: 0 taken, or recorded while none runs; 4 not taken in time.
    """

    async def work() -> ExitCode:
        found = settings(config)
        given = {"account": _account(found, venue), "asset": asset, "amount": amount, "reason": reason}
        request = acknowledge_request(
            parse(AcknowledgeBody, given),
            _key(key),
            entity=found.entity,
            principal=principal(),
            asked_ns=SystemClock().now(),
        )
        asked = await ask(found, request, wait=True)
        taken = "taken; see sor balances" if asked.taken else "recorded; it counts as soon as a driver takes it"
        shown = {"kind": request.kind.value, "key": request.key, "state": asked.request.state.value, "sentence": taken}
        Out(as_json=as_json).show(shown, lambda one: Text(one["sentence"]))
        return asked.exit_code

    run(work(), as_json=as_json)


def report(
    held: Sequence[BalanceTable], reserving: Iterable[ChildTable], differences: Iterable[DifferenceTable]
) -> list[Report]:
    """One line per account and asset that is there, or should be."""
    reserved: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    in_doubt: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with exactly():
        for child in reserving:
            reserved[child.account, child.reserved_asset] += child.reserved
            if ChildState(child.state).in_doubt:
                in_doubt[child.account, child.reserved_asset] += child.reserved
    odd = {(one.account, one.asset): one.unexplained for one in differences}
    now_ns = SystemClock().now()
    return [
        {
            "account": one.account,
            "asset": one.asset,
            "total": number(one.total),
            "free": number(one.free),
            "reserved": number(reserved[one.account, one.asset]),
            "in_doubt": number(in_doubt[one.account, one.asset]),
            "unexplained": number(odd.get((one.account, one.asset), ZERO)),
            "asked_at": moment(one.asked_ns),
            "age_s": max(now_ns - one.asked_ns, 0) // _NS_PER_S,
        }
        for one in held
        if one.total or odd.get((one.account, one.asset)) or reserved[one.account, one.asset]
    ]


def _table(lines: list[Report]) -> RenderableType:
    if not lines:
        return Text("no account was read yet: a driver does (sor serve)")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("account")
    table.add_column("asset")
    for column in ("total", "free", "reserved", "in doubt", "unexplained", "age s"):
        table.add_column(column, justify="right")
    for one in lines:
        odd = Text(one["unexplained"], style="bold red" if one["unexplained"] != "0" else "dim")
        figures = [one[name] for name in ("total", "free", "reserved", "in_doubt")]
        table.add_row(one["account"], one["asset"], *figures, odd, str(one["age_s"]))
    return table


def _account(config: Config, venue: str) -> str:
    found = [one.account for one in config.venues if venue in {one.venue, one.account}]
    if not found:
        raise BadInput("venue", f"{venue} is not one of {', '.join(one.venue for one in config.venues)}")
    return found[0]


def _key(key: str) -> str:
    if not key or len(key) > 64 or not all(char.isascii() and (char.isalnum() or char in "-_") for char in key):  # noqa: PLR2004
        raise BadInput("key", "letters, digits, - and _ only, at most 64")
    return key
