"""Commands that ask for something: orders, cancels, halts. They insert a request; only a driver acts on it."""

from pathlib import Path
from typing import Annotated

import typer

from router.app.curves import in_full, unknown_curve
from router.app.exits import ExitCode
from router.cli import report, tables
from router.cli.asking import Asked, ask, word_on
from router.cli.common import (
    AsJson,
    ConfigFile,
    Instrument,
    InstrumentOption,
    Ref,
    one_instrument,
    principal,
    router_of,
    run,
    settings,
    who,
)
from router.cli.order_file import order_of, read_order, tradable
from router.cli.out import Out
from router.cli.people import access_here
from router.cli.reading import order_of_ref, reading, reading_if_there, store_if_there
from router.config import Config, Mode
from router.identity import ChangeKind
from router.model.errors import BadInput
from router.model.orders import ParentState
from router.model.requests import Request, RequestState
from router.requests import (
    CancelBody,
    HaltBody,
    OrderBody,
    cancel_request,
    curve_named,
    halt_request,
    order_request,
    parent_order,
)
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.store.queries import ParentDetail
from router.store.tables import AlertTable

OrderFile = Annotated[Path | None, typer.Option("--order", help="order.json, or - for standard input.")]
Way = Annotated[str | None, typer.Option("--side", help="buy or sell")]
Quantity = Annotated[str | None, typer.Option(help="In base.")]
QuoteValue = Annotated[str | None, typer.Option(help="In the reporting currency, instead of --quantity.")]
LimitPrice = Annotated[str | None, typer.Option(help="In the reporting currency.")]
Reason = Annotated[str, typer.Argument(help="Why: it is journaled.")]


def estimate(
    instrument: Instrument = None,
    order: OrderFile = None,
    named: InstrumentOption = None,
    side: Way = None,
    quantity: Quantity = None,
    quote_value: QuoteValue = None,
    limit_price: LimitPrice = None,
    watch_s: Annotated[float, typer.Option(min=0, max=60, help="Look at the market for so long first.")] = 5,
    bridges: Annotated[
        bool, typer.Option("--bridges", help="Also what a route through a third asset would save; none is ever sent.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what an order should come to now: split, fees, band, impact, cost against time. Sends nothing."""

    async def work() -> ExitCode:
        found = settings(config)
        wanted = one_instrument(instrument, named)
        given = read_order(order) if order else order_of("estimate", wanted, side, quantity, limit_price, quote_value)
        body = tradable(given, found)
        from router.app.estimate import estimate as estimated  # noqa: PLC0415 - brings ccxt with it

        async with router_of(found) as router:
            full = await in_full(router.store, body)
            asked = parent_order(full, router.store.deployment, router.config.entity, principal(), router.offered)
            seen = await estimated(router, asked, watch_ms=int(watch_s * 1_000), bridges=bridges)
        Out(as_json=as_json).show(report.estimate_report(seen), tables.estimate)
        return ExitCode.OK

    run(work(), as_json=as_json)


def submit(
    instrument: Instrument = None,
    ref: Annotated[str | None, typer.Option("--ref", help="Your reference, unique for ever.")] = None,
    order: OrderFile = None,
    named: InstrumentOption = None,
    side: Way = None,
    quantity: Quantity = None,
    quote_value: QuoteValue = None,
    limit_price: LimitPrice = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand an order to whoever drives, and come back at once. `sor show REF` tells how it goes."""

    async def work() -> ExitCode:
        found = settings(config)
        if order is None and ref is None:
            raise BadInput("ref_id", "is required: give --ref, or --order with a file")
        wanted = one_instrument(instrument, named)
        given = read_order(order) if order else order_of(ref or "", wanted, side, quantity, limit_price, quote_value)
        body = tradable(given, found)
        await _curve_known(found, body)
        asked = order_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _submitted(found, asked, Out(as_json=as_json))

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
    Exit codes: 0 filled; 3 partly filled, expired or cancelled; 4 not final yet, run it again; 5 halted; 2 bad input;
    1 anything else.
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
                rounds = await router.queries.rounds_of(done.detail)
                out.show(report.parent_report(done.detail, rounds), tables.parent)
            code = ExitCode(done.exit_code)
            if code is ExitCode.HALTED:
                out.say("the router is HALTED: `sor alerts` shows why, `sor resume REASON` lets it go on")
            return code

    run(work(), as_json=as_json)


def cancel(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ask for an order to stop. What has traded stays; what is in doubt is still looked for.

    Waits a moment for a driver to take it. Exit codes: 0 taken, or recorded while none runs; 4 not taken in time.
    """

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as seen:
            order = await order_of_ref(seen, ref)
        if isinstance(order, ParentDetail) and ParentState(order.parent.state).ended:
            raise BadInput("ref_id", f"{ref} has ended already: {order.parent.state}")
        if isinstance(order, Request) and order.state is RequestState.CONSUMED:
            raise BadInput("ref_id", f"{ref} was refused when a driver took it: there is nothing to cancel")
        body = parse(CancelBody, {"ref_id": ref})
        asked = cancel_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _cancelled(found, asked, Out(as_json=as_json))

    run(work(), as_json=as_json)


def halt(reason: Reason, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let no new child leave; cancels and look-ups go on. Anybody may halt.

    Waits a moment for a driver to take it. Exit codes: 0 halted, or recorded while none runs; 4 not taken in time.
    """
    _halt(reason, config, resume=False, as_json=as_json)


def resume(reason: Reason, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let children leave again. Outside the lab this is a proposal, and another person has to agree.

    Waits a moment for a driver to take it. Exit codes: 0 resumed, or recorded while none runs; 4 not taken in time.
    """
    _halt(reason, config, resume=True, as_json=as_json)


def _halt(reason: str, config: Path | None, *, resume: bool, as_json: bool) -> None:
    async def work() -> ExitCode:
        found, body = settings(config), parse(HaltBody, {"reason": reason})
        if resume and found.mode is not Mode.LAB:
            return await _proposed(found, body, Out(as_json=as_json))
        request = halt_request(
            body, resume=resume, entity=found.entity, principal=principal(), asked_ns=SystemClock().now()
        )
        asked = await ask(found, request, wait=True)
        word = await word_on(found, request.kind) if asked.taken else None
        ours = word is not None and word.seq == asked.request.consumed_seq
        _tell(asked, _word(asked, word, "resumed" if resume else "halted", ours=ours), Out(as_json=as_json))
        return asked.exit_code

    run(work(), as_json=as_json)


async def _proposed(config: Config, body: HaltBody, out: Out) -> ExitCode:
    """Outside the lab a second person has to agree that everything goes on."""
    async with access_here(config) as access:
        change = await access.changes.propose(ChangeKind.RESUME, "router", {"reason": body.reason}, who())
    sentence = f"proposed: another risk_admin says `sor changes approve {change.id}` within ten minutes"
    out.show({"change": change.id, "state": change.state, "sentence": sentence}, tables.sentence)
    return ExitCode.OK


def _word(asked: Asked, word: AlertTable | None, verb: str, *, ours: bool) -> str:
    """`halted at <time> by <who>: <reason>`, or where it stands."""
    if not asked.taken:
        return _open(asked, verb)
    if word is None:
        return f"it was not {'halted' if verb == 'resumed' else verb}: nothing to do"
    already = "" if ours else "already "
    return f"{already}{verb} at {report.moment(word.at_ns)} by {word.subject or 'the router itself'}: {word.detail}"


def _open(asked: Asked, becomes: str) -> str:
    if asked.driven:
        return "recorded, but the driver has not taken it yet: look at `sor alerts`, or ask again"
    return f"recorded: no driver runs, and nothing leaves without one; {becomes} as soon as one starts"


async def _cancelled(config: Config, request: Request, out: Out) -> ExitCode:
    asked, ref = await ask(config, request, wait=True), request.key
    if not asked.taken:
        _tell(asked, f"{ref}: {_open(asked, 'cancelled')}", out)
    else:
        _tell(asked, f"{ref}: cancel taken; {await _state_of(config, ref)}; see sor show {ref}", out)
    return asked.exit_code


async def _curve_known(config: Config, body: OrderBody) -> None:
    """Raises `BadInput` for an order by a curve that is not stored: better here than when a driver takes it."""
    named = curve_named(body)
    if named is None:
        return
    async with store_if_there(config) as store:
        if store is None:
            raise unknown_curve(*named, [])
        await in_full(store, body)


async def _submitted(config: Config, request: Request, out: Out) -> ExitCode:
    asked, ref = await ask(config, request, wait=False), request.key
    if asked.taken:
        sentence = f"already taken; {await _state_of(config, ref)}; see sor show {ref}"
    elif asked.driven:
        sentence = f"recorded; the driver takes it now: sor show {ref}"
    else:
        sentence = f"recorded; a driver takes it as soon as one runs (sor serve): sor show {ref}"
    _tell(asked, sentence, out)
    return ExitCode.OK


async def _state_of(config: Config, ref: str) -> str:
    async with reading(config) as seen:
        order = await seen.order(ref)
    return order.parent.state if isinstance(order, ParentDetail) else "refused when it was taken"


def _tell(asked: Asked, sentence: str, out: Out) -> None:
    request = asked.request
    shown = {"kind": request.kind.value, "key": request.key, "state": request.state.value, "driver": asked.driven}
    out.show(shown | {"asked_at": report.moment(request.asked_ns), "sentence": sentence}, tables.sentence)
