"""Commands that only look: they read the database, or the market, and change nothing."""

from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.cli import report, tables
from router.cli.common import AsJson, ConfigFile, Depth, Ref, router_of, run, settings
from router.cli.market import against, market_view
from router.cli.out import Out
from router.cli.reading import parent_of, reading, reading_if_there, rounds_of
from router.model.side import Side
from router.store import open_store
from router.store.audit import audit

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


def venues(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the configured accounts: tier, fence, gate, holdings."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as queries:
            gates = await queries.venue_accounts() if queries else ()
            balances = await queries.balances() if queries else ()
        Out(as_json=as_json).show(report.venues_report(found, gates, balances), tables.venues)
        return ExitCode.OK

    run(work(), as_json=as_json)


def book(
    instrument: Annotated[str, typer.Argument(help="Such as BTC/USD.")] = "BTC/USD",
    config: ConfigFile = None,
    depth: Depth = 10,
    as_json: AsJson = False,
) -> None:
    """Show the consolidated ladder, all-in, with the age of every book."""

    async def work() -> ExitCode:
        async with router_of(settings(config)) as router:
            view = await market_view(router, instrument)
        Out(as_json=as_json).show(report.book_report(view, depth), tables.book)
        return ExitCode.OK

    run(work(), as_json=as_json)


def orders(
    config: ConfigFile = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as queries:
            lines = await queries.parents(entity=found.entity, open_only=open_only, limit=limit) if queries else ()
        Out(as_json=as_json).show([report.parent_line(line) for line in lines], tables.parents)
        return ExitCode.OK

    run(work(), as_json=as_json)


def show(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show an order, its children and its fills."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading(found) as queries:
            detail = await parent_of(queries, found, ref)
            shown = report.parent_report(detail, await rounds_of(queries, detail))
        Out(as_json=as_json).show(shown, tables.parent)
        return ExitCode.OK

    run(work(), as_json=as_json)


def explain(
    ref: Ref,
    only: Annotated[int | None, typer.Option("--round", min=1, help="One round; all of them by default.")] = None,
    depth: Depth = 8,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what each decision saw, planned, left out and why, beside what others would have done."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading(found) as queries:
            detail = await parent_of(queries, found, ref)
            rounds = [one for one in await rounds_of(queries, detail) if only in {None, one.planned.round}]
        side, limit = Side(detail.parent.side), detail.parent.limit_price
        shown = [report.explanation_report(one, against(one, side, limit), side, depth) for one in rounds]
        Out(as_json=as_json).show(shown, tables.explanations)
        return ExitCode.OK

    run(work(), as_json=as_json)


def alerts(config: ConfigFile = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List what a person should know: breaches, strangers, gates, halts."""

    async def work() -> ExitCode:
        async with reading_if_there(settings(config)) as queries:
            lines = await queries.alerts(limit=limit) if queries else ()
        Out(as_json=as_json).show([report.alert_line(line) for line in lines], tables.alerts)
        return ExitCode.OK

    run(work(), as_json=as_json)


def verify(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Walk the journal's chain from its first row, and compare what stands beside it."""

    async def work() -> ExitCode:
        found = settings(config)
        store = await open_store(found.database_url, found.mode, create=False)
        try:
            walked = await audit(store)
        finally:
            await store.close()
        shown = {
            "rows": walked.rows,
            "head": walked.head,
            "clean": walked.clean,
            "breaks": [{"seq": one.seq, "why": one.why} for one in walked.breaks],
        }
        Out(as_json=as_json).show(shown, tables.walked)
        return ExitCode.OK if walked.clean else ExitCode.FAILED

    run(work(), as_json=as_json)
