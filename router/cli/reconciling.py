"""`sor reconcile`: a day of ours against the venue's own statement."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.app.statements import COLUMNS, Break, Line, moment, read, tie
from router.cli import report, tables
from router.cli.common import AsJson, ConfigFile, run, settings
from router.cli.out import Out
from router.cli.reading import reading
from router.model.errors import BadInput
from router.model.ids import Nanos
from router.runtime.clock import SystemClock
from router.store.queries import fees_of
from router.store.tables import FillTable

_DAY_NS = 86_400_000_000_000
_NS_PER_S = 1_000_000_000


def reconcile(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Such as kraken/main.")],
    statement: Annotated[Path, typer.Option("--statement", help="The venue's trades of a day, as CSV.")],
    day: Annotated[str | None, typer.Option("--day", help="UTC, such as 2026-11-20; else its first.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="OURS=THEIRS", help=f"One of {', '.join(COLUMNS)}.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Tie a UTC day of an account to the venue's own statement, and list every break with its age.

    Exit code 1 where there is one.
    """

    async def work() -> ExitCode:
        found = settings(config)
        if account not in {venue.account for venue in found.venues}:
            raise BadInput("account", f"{account} is not one of {', '.join(venue.account for venue in found.venues)}")
        try:
            text = statement.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("statement", f"{statement} cannot be read ({type(error).__name__})") from None
        theirs = read(text, dict(map(_mapped, column or ())))
        if day is None and not theirs:
            raise BadInput("day", "is needed: the statement holds no trade")
        begins_ns = moment(f"{day}T00:00:00", "day") if day else Nanos(theirs[0].at_ns // _DAY_NS * _DAY_NS)
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

    run(work(), as_json=as_json)


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
