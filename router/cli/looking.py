"""Commands that only look: they read the database, or the market, and change nothing."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.cli import report, tables
from router.cli.common import (
    AsJson,
    ConfigFile,
    Depth,
    Instrument,
    InstrumentOption,
    Ref,
    one_instrument,
    router_of,
    run,
    settings,
)
from router.cli.deciding import parse_decision
from router.cli.market import against, market_view
from router.cli.out import Out
from router.cli.reading import Reading, order_of_ref, reading_if_there
from router.cli.records import Proven, failed_decisions, records_of
from router.cli.shown import driver_shown
from router.model.errors import BadInput
from router.model.requests import Request
from router.model.side import Side
from router.store.projection import BASKET_ENDED, GATE_OPENED, PILOT, RELEASED, RESOLUTIONS
from router.store.queries import Explanation, ParentDetail
from router.store.tables import AlertTable

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


def venues(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the configured accounts: tier, fence, gate, books, streams, holdings."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as seen:
            gates = await seen.queries.venue_accounts() if seen else ()
            balances = await seen.queries.balances() if seen else ()
        driver = await driver_shown(found)
        Out(as_json=as_json).show(report.venues_report(found, gates, balances, driver), tables.venues)
        return ExitCode.OK

    run(work(), as_json=as_json)


def book(
    instrument: Instrument = None,
    named: InstrumentOption = None,
    config: ConfigFile = None,
    depth: Depth = 10,
    as_json: AsJson = False,
) -> None:
    """Show the consolidated ladder, all-in, with the age of every book."""

    async def work() -> ExitCode:
        wanted = one_instrument(instrument, named)
        async with router_of(settings(config)) as router:
            view = await market_view(router, wanted)
        Out(as_json=as_json).show(report.book_report(view, depth), tables.book)
        return ExitCode.OK

    run(work(), as_json=as_json)


def orders(
    config: ConfigFile = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first; those no driver has taken yet before all others."""

    async def work() -> ExitCode:
        found = settings(config)
        lines = []
        async with reading_if_there(found) as seen:
            if seen is not None:
                parents = await seen.queries.parents(entity=found.entity, open_only=open_only, limit=limit)
                known = {parent.ref_id for parent in parents}
                lines = [report.request_line(one) for one in await seen.waiting() if one.key not in known]
                lines += [report.parent_line(one) for one in parents]
        Out(as_json=as_json).show(lines[:limit], tables.parents)
        return ExitCode.OK

    run(work(), as_json=as_json)


def show(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show an order, its children and its fills."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as seen:
            order = await order_of_ref(seen, ref)
            if isinstance(order, Request):
                shown = report.request_report(order)
            else:
                assert seen is not None
                shown = report.parent_report(order, await seen.queries.rounds_of(order))
                words = await seen.queries.words_on([one.client_id for one in order.children], RESOLUTIONS)
                words = (*words, *await seen.queries.words_on([order.parent.id], PILOT))
                if words:
                    shown["words"] = [report.alert_line(one) for one in words]
        Out(as_json=as_json).show(shown, tables.order)
        return ExitCode.OK

    run(work(), as_json=as_json)


def explain(
    ref: Annotated[str, typer.Argument(metavar="REF|DECISION", help="An order's ref_id, or PARENT.ROUND.")],
    only: Annotated[int | None, typer.Option("--round", min=1, help="One round; all of them by default.")] = None,
    depth: Depth = 8,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what each decision saw, planned, left out and why, beside what others would have done."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as seen:
            order, number = await _asked_for(seen, ref)
            known: list[Explanation] = []
            proven: Mapping[int, Proven] = {}
            pilot: tuple[AlertTable, ...] = ()
            if seen is not None and isinstance(order, ParentDetail):
                every, wanted = await seen.queries.rounds_of(order), number or only
                known = [one for one in every if wanted in {None, one.planned.round}]
                proven = await records_of(found.database_url, seen.store, order.parent.id, known)
                pilot = await seen.queries.words_on([order.parent.id], (*PILOT, RELEASED))
        shown = [] if isinstance(order, Request) else _explained(order, known, proven, depth)
        for one in shown:
            one["words"] = [report.alert_line(word) for word in pilot]
        Out(as_json=as_json).show(shown, tables.explanations)
        return ExitCode.OK

    run(work(), as_json=as_json)


async def _asked_for(seen: Reading | None, text: str) -> tuple[ParentDetail | Request, int | None]:
    """The order that is named, and the round where it was a decision. Raises `BadInput`."""
    if "." not in text:
        return await order_of_ref(seen, text), None
    parent, number = parse_decision(text)
    detail = None if seen is None else await seen.queries.parent(parent)
    if detail is None or number not in {one.round for one in detail.decisions}:
        raise BadInput("decision", f"{text} is not known here; `sor explain REF` names an order's decisions")
    return detail, number


def _explained(
    detail: ParentDetail, rounds: Sequence[Explanation], proven: Mapping[int, Proven], depth: int
) -> list[report.Report]:
    parent = detail.parent
    side, limit = Side(parent.side), parent.limit_price
    return [
        report.with_fills(
            report.explanation_report(one, against(one, side, limit), side, parent.instrument, depth), detail.fills
        )
        | {"proof": report.proof_report(proven.get(one.planned.round))}
        for one in rounds
    ]


def alerts(
    config: ConfigFile = None,
    limit: Limit = 50,
    everything: Annotated[bool, typer.Option("--all", help="Also what needs nobody: gates that opened.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what a person should know: breaches, strangers, gates that closed, halts."""

    async def work() -> ExitCode:
        async with reading_if_there(settings(config)) as seen:
            but = () if everything else (GATE_OPENED, RELEASED, BASKET_ENDED)
            lines = [report.alert_line(one) for one in await seen.queries.alerts(limit=limit, but=but)] if seen else []
            if seen is not None:
                lines += [report.failed_line(one) for one in await failed_decisions(seen.config.database_url, limit)]
        lines.sort(key=lambda line: line["seq"], reverse=True)
        Out(as_json=as_json).show(lines[:limit], tables.alerts)
        return ExitCode.OK

    run(work(), as_json=as_json)
