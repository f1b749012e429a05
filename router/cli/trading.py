"""Commands that ask for something: orders, cancels, halts. They insert a request; only a driver acts on it."""

from pathlib import Path
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.cli import report, tables
from router.cli.common import AsJson, ConfigFile, Ref, principal, router_of, run, settings
from router.cli.market import refuse_darkness
from router.cli.order_file import order_of, read_order, tradable
from router.cli.out import Out
from router.cli.reading import parent_of, reading, rounds_of
from router.config import Config
from router.model.errors import BadInput
from router.model.orders import ParentState
from router.model.requests import Request, RequestState
from router.requests import CancelBody, HaltBody, cancel_request, halt_request, order_request, parent_order
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.store import open_store

OrderFile = Annotated[Path | None, typer.Option("--order", help="order.json, or - for standard input.")]
Instrument = Annotated[str, typer.Option(help="What to trade.")]
Way = Annotated[str | None, typer.Option("--side", help="buy or sell")]
Quantity = Annotated[str | None, typer.Option(help="In base.")]
LimitPrice = Annotated[str | None, typer.Option(help="In the reporting currency.")]
Reason = Annotated[str, typer.Argument(help="Why: it is journaled.")]


def estimate(
    order: OrderFile = None,
    instrument: Instrument = "BTC/USD",
    side: Way = None,
    quantity: Quantity = None,
    limit_price: LimitPrice = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what an order should come to now, against the best single venue and a fee-blind sweep. Sends nothing."""

    async def work() -> ExitCode:
        found = settings(config)
        given = read_order(order) if order else order_of("estimate", instrument, side, quantity, limit_price)
        body = tradable(given, found)
        from router.app.estimate import estimate as estimated  # noqa: PLC0415 - brings ccxt with it

        async with router_of(found) as router:
            asked = parent_order(body, router.store.deployment, router.config.entity, principal(), router.offered)
            seen = await estimated(router, asked)
            refuse_darkness(seen.view, router)
        Out(as_json=as_json).show(report.estimate_report(seen), tables.estimate)
        return ExitCode.OK

    run(work(), as_json=as_json)


def submit(
    ref: Annotated[str | None, typer.Option("--ref", help="Your reference, unique for ever.")] = None,
    order: OrderFile = None,
    instrument: Instrument = "BTC/USD",
    side: Way = None,
    quantity: Quantity = None,
    limit_price: LimitPrice = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand an order to whoever drives, and come back at once. `sor show REF` tells how it goes."""

    async def work() -> ExitCode:
        found = settings(config)
        if order is None and ref is None:
            raise BadInput("ref_id", "is required: give --ref, or --order with a file")
        given = read_order(order) if order else order_of(ref or "", instrument, side, quantity, limit_price)
        body = tradable(given, found)
        asked = order_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _asked(found, asked, f"sor show {body.ref_id}", Out(as_json=as_json))

    run(work(), as_json=as_json)


def execute(
    order: Annotated[Path, typer.Option("--order", help="order.json, or - for standard input.")],
    config: ConfigFile = None,
    wait: Annotated[float, typer.Option(min=0, help="At most so many seconds.")] = 300,
    as_json: AsJson = False,
) -> None:
    """Take an order to its end and print the result. Safe from cron, twice at once, and after a kill.

    Drives if nobody does, else follows. Started again with the same reference it resumes, or prints the stored result.
    SIGTERM and SIGINT drain: nothing new leaves, answers under way are taken in, the lease goes back.
    Exit codes: 0 filled; 3 partly filled, expired or cancelled; 4 not final yet, run it again; 5 halted; 2 bad input.
    """

    async def work() -> ExitCode:
        from router.app import execute as executing  # noqa: PLC0415 - brings ccxt with it
        from router.app.serve import until_signalled  # noqa: PLC0415

        found, out = settings(config), Out(as_json=as_json)
        body = tradable(read_order(order), found)
        async with router_of(found) as router:
            stop = until_signalled()
            done = await executing.execute(router, body, principal=principal(), wait_s=wait, stop=stop)
            if done.detail is None:
                out.show({"ref_id": body.ref_id, "parent_id": done.parent_id, "state": None}, tables.not_taken)
            else:
                rounds = await rounds_of(router.queries, done.detail)
                out.show(report.parent_report(done.detail, rounds), tables.parent)
            code = ExitCode(done.exit_code)
            if code is ExitCode.HALTED:
                out.say("the router is HALTED: `sor alerts` shows why, `sor resume REASON` lets it go on")
            return code

    run(work(), as_json=as_json)


def cancel(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ask for an order to stop. What has traded stays; what is in doubt is still looked for."""

    async def work() -> ExitCode:
        found = settings(config)
        async with reading(found) as queries:
            detail = await parent_of(queries, found, ref)
        if ParentState(detail.parent.state).ended:
            raise BadInput("ref_id", f"{ref} has ended already: {detail.parent.state}")
        body = parse(CancelBody, {"ref_id": ref})
        asked = cancel_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _asked(found, asked, f"sor show {ref}", Out(as_json=as_json))

    run(work(), as_json=as_json)


def halt(reason: Reason, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let no new child leave; cancels and look-ups go on. Anybody may halt."""
    _halt(reason, config, resume=False, as_json=as_json)


def resume(reason: Reason, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let children leave again."""
    _halt(reason, config, resume=True, as_json=as_json)


def _halt(reason: str, config: Path | None, *, resume: bool, as_json: bool) -> None:
    async def work() -> ExitCode:
        found, body = settings(config), parse(HaltBody, {"reason": reason})
        asked = halt_request(
            body, resume=resume, entity=found.entity, principal=principal(), asked_ns=SystemClock().now()
        )
        return await _asked(found, asked, "sor alerts", Out(as_json=as_json))

    run(work(), as_json=as_json)


async def _asked(config: Config, request: Request, then: str, out: Out) -> ExitCode:
    """Insert the request, or find the same one already there."""
    store = await open_store(config.database_url, config.mode)
    try:
        stored = await store.ask(request)
    finally:
        await store.close()
    shown = {"kind": stored.kind.value, "key": stored.key, "state": stored.state.value}
    out.show(shown | {"asked_at": report.moment(stored.asked_ns)}, tables.asked)
    if stored.state is RequestState.OPEN:
        out.say(f"a driver takes it as soon as one runs (sor serve); then: {then}")
    return ExitCode.OK
