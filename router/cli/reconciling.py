"""`sor reconcile`: an account as it is now, or a day of ours against the venue's own statement."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.app.statements import COLUMNS, Break, Line, moment, read, tie
from router.cli import report, tables
from router.cli.common import AsJson, ConfigFile, principal, router_of, run, settings
from router.cli.held_against import held_against
from router.cli.out import Out, complain
from router.cli.reading import reading
from router.config import Config
from router.model.errors import BadInput
from router.model.ids import AccountId, Nanos
from router.runtime.clock import SystemClock
from router.store.queries import fees_of
from router.store.tables import FillTable

_DAY_NS = 86_400_000_000_000
_NS_PER_S = 1_000_000_000


def reconcile(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Such as kraken/main.")],
    statement: Annotated[
        Path | None,
        typer.Option("--statement", help="The venue's trades of a day, as CSV; else read now."),
    ] = None,
    day: Annotated[str | None, typer.Option("--day", help="UTC, such as 2026-11-20; else its first.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="OURS=THEIRS", help=f"One of {', '.join(COLUMNS)}.")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", min=0.1, help="Seconds to wait for a driver's reading.")] = 30.0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold an account against the books: as it is now, or, with a statement, a UTC day of it.

    Now: a driver that runs is asked to read it, and books and decides as ever; without one it is read, what a driver
    would do is told, and nothing is changed. Exit codes: 0 agrees, 1 differs or cannot be read, 4 no reading in time.
    """

    async def work() -> ExitCode:
        found = settings(config)
        if account not in {venue.account for venue in found.venues}:
            raise BadInput("account", f"{account} is not one of {', '.join(venue.account for venue in found.venues)}")
        if statement is None:
            return await _now(found, AccountId(account), wait, as_json=as_json)
        theirs = _statement(statement, dict(map(_mapped, column or ())))
        if day is None and not theirs:
            raise BadInput("day", "is needed: the statement holds no trade")
        begins_ns = moment(f"{day}T00:00:00", "day") if day else Nanos(theirs[0].at_ns // _DAY_NS * _DAY_NS)
        return await _day(found, account, theirs, begins_ns, as_json=as_json)

    run(work(), as_json=as_json)


async def _now(found: Config, account: AccountId, wait_s: float, *, as_json: bool) -> ExitCode:
    from router.app.account_now import account_now  # noqa: PLC0415 - brings ccxt with it

    async with router_of(found) as router:
        seen = await account_now(router, account, principal(), wait_s)
    if seen is None:
        complain(f"{account}: no reading within {wait_s:g} s; the driver may not reach it: sor alerts", as_json=as_json)
        return ExitCode.IN_DOUBT
    shown = held_against(seen)
    Out(as_json=as_json).show(shown, tables.account_now)
    return ExitCode.FAILED if shown["differs"] else ExitCode.OK


def _statement(path: Path, columns: Mapping[str, str]) -> tuple[Line, ...]:
    try:
        return tuple(read(path.read_text(), columns))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("statement", f"{path} cannot be read ({type(error).__name__})") from None


async def _day(found: Config, account: str, theirs: Sequence[Line], begins_ns: Nanos, *, as_json: bool) -> ExitCode:
    async with reading(found) as seen:
        ours = [_line(fill) for fill in await seen.queries.fills_of(account)]
    breaks = tie(ours, theirs, begins_ns, Nanos(begins_ns + _DAY_NS))
    now_ns = SystemClock().now()
    shown = {
        "account": account,
        "day": f"{datetime.fromtimestamp(begins_ns // _NS_PER_S, UTC):%Y-%m-%d}",
        "theirs": sum(1 for line in theirs if begins_ns <= line.at_ns < begins_ns + _DAY_NS),
        "breaks": [_shown(one, now_ns) for one in breaks],
    }
    Out(as_json=as_json).show(shown, tables.tied)
    return ExitCode.FAILED if breaks else ExitCode.OK


def _mapped(text: str) -> tuple[str, str]:
    ours, given, theirs = text.partition("=")
    if not given or ours.strip().lower() not in COLUMNS:
        raise BadInput("column", f"{text} is not OURS=THEIRS with one of {', '.join(COLUMNS)}")
    return ours.strip().lower(), theirs


def _line(fill: FillTable) -> Line:
    return Line(
        at_ns=Nanos(fill.venue_time_ns),
        trade_id=fill.trade_id,
        order_id=fill.venue_order_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fees=fees_of(fill),
    )


def _shown(one: Break, now_ns: Nanos) -> report.Report:
    line = one.line
    return {
        "kind": one.kind.value,
        "at": report.moment(line.at_ns),
        "age_s": max(now_ns - line.at_ns, 0) // _NS_PER_S,
        "symbol": line.symbol,
        "trade_id": line.trade_id,
        "order_id": line.order_id,
        "side": line.side,
        "quantity": report.number(line.quantity),
        "price": report.number(line.price),
        "what": list(one.what),
    }
