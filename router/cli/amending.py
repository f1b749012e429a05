"""Commands that change how an order is worked: pause it, let it go on, amend its terms."""

from pathlib import Path
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.cli import report, tables
from router.cli.asking import ask, said_of
from router.cli.common import AsJson, ConfigFile, Ref, principal, run, settings
from router.cli.out import Out
from router.cli.reading import order_of_ref, reading, reading_if_there
from router.config import Config
from router.model.errors import BadInput
from router.model.orders import ParentState
from router.model.requests import Request
from router.requests import AmendBody, PauseBody, amend_request, pause_request
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.store.projection import NOT_AMENDED
from router.store.queries import ParentDetail


def pause(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let an order send nothing new. What is out is followed to its end, and its time runs on.

    Waits a moment for a driver to take it. Exit codes: 0 taken, or recorded while none runs; 4 not taken in time.
    """
    _pause(ref, config, resume=False, as_json=as_json)


def resume_order(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let a paused order go on.

    Waits a moment for a driver to take it. Exit codes: 0 taken, or recorded while none runs; 4 not taken in time.
    """
    _pause(ref, config, resume=True, as_json=as_json)


def continue_order(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let the rest of an order go, after its pilot: `sor show REF` tells what that came to.

    Waits a moment for a driver to take it. Exit codes: 0 taken, or recorded while none runs; 2 no pilot waits; 4 not
    taken in time.
    """
    _pause(ref, config, resume=True, confirms=True, as_json=as_json)


def amend(
    ref: Ref,
    quantity: Annotated[str | None, typer.Option(help="In base; not less than is done or out.")] = None,
    limit_price: Annotated[str | None, typer.Option(help="In the reporting currency.")] = None,
    end_time: Annotated[str | None, typer.Option(help="In UTC, such as 2026-01-31T09:30:00Z.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let an order go on under other terms. What it cannot be worked under is refused, and it stays as it is.

    Waits a moment for a driver to take it. Exit codes: 0 taken, or recorded while none runs; 2 refused; 4 not taken
    in time.
    """

    async def work() -> ExitCode:
        found = settings(config)
        await _living(found, ref)
        given = {"ref_id": ref, "base_quantity": quantity, "limit_price": limit_price, "end_time": end_time}
        body = parse(AmendBody, {name: value for name, value in given.items() if value is not None})
        asked = amend_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _asked(found, ref, asked, Out(as_json=as_json))

    run(work(), as_json=as_json)


def _pause(ref: str, config: Path | None, *, resume: bool, as_json: bool, confirms: bool = False) -> None:
    async def work() -> ExitCode:
        found = settings(config)
        await _living(found, ref)
        body = parse(PauseBody, {"ref_id": ref} | ({"confirm_pilot": True} if confirms else {}))
        asked = pause_request(
            body, resume=resume, entity=found.entity, principal=principal(), asked_ns=SystemClock().now()
        )
        return await _asked(found, ref, asked, Out(as_json=as_json))

    run(work(), as_json=as_json)


async def _living(config: Config, ref: str) -> None:
    async with reading_if_there(config) as seen:
        order = await order_of_ref(seen, ref)
    if isinstance(order, ParentDetail) and ParentState(order.parent.state).ended:
        raise BadInput("ref_id", f"{ref} has ended already: {order.parent.state}")


async def _asked(config: Config, ref: str, request: Request, out: Out) -> ExitCode:
    asked = await ask(config, request, wait=True)
    if not asked.taken:
        why = "the driver has not taken it yet" if asked.driven else "no driver runs; it is taken as soon as one does"
        sentence = f"{ref}: recorded, but {why}"
    elif (word := await said_of(config, asked, (NOT_AMENDED,))) is not None:
        field, _, why = word.detail.partition(": ")
        raise BadInput(field, why)
    else:
        sentence = f"{ref}: taken; {await _standing(config, ref)}; see sor show {ref}"
    shown = {"kind": request.kind.value, "key": request.key, "state": asked.request.state.value, "driver": asked.driven}
    out.show(shown | {"asked_at": report.moment(request.asked_ns), "sentence": sentence}, tables.sentence)
    return asked.exit_code


async def _standing(config: Config, ref: str) -> str:
    async with reading(config) as seen:
        order = await seen.order(ref)
    if not isinstance(order, ParentDetail):
        return "refused when it was taken"
    parent = order.parent
    limit = "no limit" if parent.limit_price is None else f"limit {report.number(parent.limit_price)}"
    return f"{parent.state} ({parent.reason or 'as accepted'}), {report.number(parent.quantity)} at {limit}"
