"""`sor tca`: what an order cost, why, and compared with what."""

from pathlib import Path
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.app.order_record import Differs, NotEnded, digest_of, journal_record, order_record
from router.cli.case import read_case
from router.cli.common import AsJson, ConfigFile, run, settings
from router.cli.out import Out
from router.cli.reading import order_of_ref, reading_if_there
from router.cli.tca_file import record_of
from router.cli.tca_report import cost_report
from router.cli.tca_tables import order_cost
from router.config import Config
from router.market_record.archive import Archive
from router.model.errors import BadInput
from router.model.requests import Request
from router.tca.cost import measure
from router.tca.grouping import KEYS, VENUE
from router.tca.record import OrderRecord


def tca(
    ref: Annotated[str | None, typer.Argument(metavar="REF", help="An order's ref_id.")] = None,
    case: Annotated[
        Path | None, typer.Option("--input", help="Another system's order as a file (docs/schemas/tca), or -.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Make the record of the journal alone too; exit code 1 if they differ."),
    ] = False,
    since: Annotated[str | None, typer.Option("--from", help="Orders that ended from this UTC day or moment.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="And before this one; default: now.")] = None,
    group_by: Annotated[str, typer.Option("--group-by", help=f"Any of {', '.join([*KEYS, VENUE])}.")] = "policy",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what an order that has ended cost, or what the orders of a period did.

    Of one: shortfall, benchmarks, spreads, markouts, savings, venue by venue. Of a period (`--from`): the same by
    groups, with intervals; orders are measured once, half an hour after their end, and their figures kept.
    """

    async def work() -> ExitCode:
        if since is not None and ref is None and case is None:
            from router.cli.period import period  # noqa: PLC0415 - brings SciPy with it

            return await period(settings(config), since, until, group_by, as_json=as_json)
        if ref is not None and case is None:
            record = await _kept(settings(config), ref, check=check)
        elif case is not None and ref is None:
            record = record_of(read_case(case))
        else:
            raise BadInput("ref", "give a reference, a file with --input, or a period with --from: one of them")
        Out(as_json=as_json).show(cost_report(measure(record), digest_of(record)), order_cost)
        return ExitCode.OK

    run(work(), as_json=as_json)


async def _kept(found: Config, ref: str, *, check: bool) -> OrderRecord:
    """What the store holds of an order that has ended. Raises `BadInput`; `Differs` from the journal."""
    async with reading_if_there(found) as seen:
        order = await order_of_ref(seen, ref)
        if seen is None or isinstance(order, Request):
            raise BadInput("ref_id", f"{ref} was taken by no driver yet: there is nothing to measure")
        archive = Archive(found.database_url)
        try:
            record = await order_record(archive, order, await seen.queries.rounds_of(order))
        except NotEnded:
            raise BadInput("ref_id", f"{ref} is still worked: what it costs is known at its end") from None
        finally:
            await archive.close()
        if check and await journal_record(seen.store, record) != record:
            raise Differs(ref)
        return record
