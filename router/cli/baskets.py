"""`sor basket`: several orders worked as one, from the file to each leg's end."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from router.app.exits import ExitCode
from router.cli import report, tables
from router.cli.asking import ask
from router.cli.basket_file import read_basket, tradable
from router.cli.common import AsJson, ConfigFile, principal, router_of, run, settings
from router.cli.out import Out
from router.cli.reading import Reading, reading, reading_if_there
from router.config import Config
from router.journal.codec import loads
from router.model.baskets import BasketState
from router.model.errors import BadInput
from router.model.ids import RefId
from router.model.money import cut
from router.model.orders import ParentOrder, ParentState
from router.model.requests import Request, RequestKind, RequestState
from router.orders.client_ids import leg_id, parent_id
from router.requests import CancelBody, PauseBody, basket_request, cancel_request, legs_of, pause_request
from router.requests.baskets import terms_written
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.store.projection import BASKET_ENDED, RELEASED
from router.store.queries import ParentDetail

Report = dict[str, Any]
app = typer.Typer(no_args_is_help=True, help="Several orders worked as one: sells first, buys from what they bring.")
BasketFile = Annotated[Path, typer.Argument(metavar="FILE", help="JSON, YAML, or a CSV of legs; - for standard input.")]
BasketRef = Annotated[str | None, typer.Option("--ref", help="The basket's reference, where the file has none.")]
Ref = Annotated[str, typer.Argument(metavar="REF", help="The basket's ref_id.")]


@app.command()
def submit(file: BasketFile, ref: BasketRef = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Hand a basket to whoever drives, and come back at once. It is taken whole or refused whole."""

    async def work() -> ExitCode:
        found = settings(config)
        body = tradable(read_basket(file, ref), found)
        asked = basket_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _asked(found, body.ref_id, asked, Out(as_json=as_json), "recorded")

    run(work(), as_json=as_json)


@app.command()
def estimate(
    file: BasketFile,
    ref: BasketRef = None,
    watch_s: Annotated[float, typer.Option(min=0, max=60, help="Look at the markets for so long first.")] = 5,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what each leg should come to now, and what pays for the buys. Sends nothing."""

    async def work() -> ExitCode:
        found = settings(config)
        body = tradable(read_basket(file, ref, nameless="estimate"), found)
        from router.app.basket_estimate import estimate_basket  # noqa: PLC0415 - brings ccxt with it

        async with router_of(found) as router:
            legs = legs_of(body, router.store.deployment, router.config.entity, principal(), router.offered)
            seen = await estimate_basket(router, legs, watch_ms=int(watch_s * 1_000))
        paid = seen.funding
        shown: Report = {
            "ref_id": body.ref_id,
            "funding": {
                "cash": None if paid.cash is None else report.number(paid.cash),
                "buffer": report.number(paid.buffer),
                "proceeds": report.price(paid.proceeds),
                "needed": report.price(paid.needed),
                "at_once": None if paid.at_once is None else report.number(paid.at_once),
                "scale": cut(paid.scale, 10),
            },
            "legs": [report.estimate_report(one) for one in seen.legs],
        }
        Out(as_json=as_json).show(shown, _draw_estimate)
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command()
def show(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show a basket: where it stands, its legs, and how far each was let go and why.

    Exit codes: 0 known, whatever its state; 2 not known here.
    """

    async def work() -> ExitCode:
        found = settings(config)
        async with reading_if_there(found) as seen:
            basket = None if seen is None else await _basket(seen, ref)
        if basket is None:
            raise BadInput("ref_id", f"{ref} is no basket that is known here")
        Out(as_json=as_json).show(basket, _draw)
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command()
def cancel(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ask for every leg to stop. What has traded stays; what is in doubt is still looked for."""

    async def work() -> ExitCode:
        found, body = settings(config), parse(CancelBody, {"ref_id": ref})
        await _living(found, ref)
        asked = cancel_request(body, entity=found.entity, principal=principal(), asked_ns=SystemClock().now())
        return await _asked(found, ref, asked, Out(as_json=as_json), "cancel recorded")

    run(work(), as_json=as_json)


@app.command()
def pause(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let no leg send anything new. What is out is followed to its end, and their time runs on."""
    _pause(ref, config, resume=False, as_json=as_json)


@app.command()
def resume(ref: Ref, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let the legs of a paused basket go on."""
    _pause(ref, config, resume=True, as_json=as_json)


def _pause(ref: str, config: Path | None, *, resume: bool, as_json: bool) -> None:
    async def work() -> ExitCode:
        found, body = settings(config), parse(PauseBody, {"ref_id": ref})
        await _living(found, ref)
        request = pause_request(
            body, resume=resume, entity=found.entity, principal=principal(), asked_ns=SystemClock().now()
        )
        return await _asked(found, ref, request, Out(as_json=as_json), "recorded")

    run(work(), as_json=as_json)


async def _asked(config: Config, ref: str, request: Request, out: Out, done: str) -> ExitCode:
    """Put on the table; a running driver has a moment to take it."""
    asked = await ask(config, request, wait=True)
    if asked.taken:
        async with reading(config) as seen:
            basket = await _basket(seen, ref)
        sentence = f"{ref}: taken; {'refused' if basket is None else basket['state']}; see sor basket show {ref}"
    elif asked.driven:
        sentence = f"{ref}: {done}, but the driver has not taken it yet: sor basket show {ref}"
    else:
        sentence = f"{ref}: {done}; a driver takes it as soon as one runs (sor serve): sor basket show {ref}"
    shown = {"kind": request.kind.value, "key": request.key, "state": asked.request.state.value, "driver": asked.driven}
    out.show(shown | {"asked_at": report.moment(request.asked_ns), "sentence": sentence}, tables.sentence)
    return asked.exit_code


async def _living(config: Config, ref: str) -> None:
    async with reading_if_there(config) as seen:
        basket = None if seen is None else await _basket(seen, ref)
    if basket is None:
        raise BadInput("ref_id", f"{ref} is no basket that is known here")
    if basket["state"] in {one.value for one in BasketState}:
        raise BadInput("ref_id", f"{ref} has ended already: {basket['state']}")


async def _basket(seen: Reading, ref: str) -> Report | None:
    """As the tables tell it; what was asked for, where no driver has taken it; None where nobody asked."""
    basket_id = parent_id(deployment=seen.store.deployment, entity=seen.config.entity, ref_id=RefId(ref))
    first = await seen.queries.parent(leg_id(basket_id, 1))
    if first is None:
        asked = await seen.store.asked(seen.config.entity, RequestKind.BASKET, ref)
        return None if asked is None else _recorded(asked)
    order = loads(first.parent.order_json)
    assert isinstance(order, ParentOrder)
    assert order.leg is not None
    others = [await seen.queries.parent(leg_id(basket_id, number)) for number in range(2, order.leg.legs + 1)]
    legs = [first, *(one for one in others if one is not None)]
    names = [str(one.parent.id) for one in legs]
    said = await seen.queries.words_on(names, (RELEASED,))
    ended = await seen.queries.words_on([basket_id], (BASKET_ENDED,))
    return {
        "ref_id": ref,
        "basket_id": basket_id,
        "state": ended[-1].detail if ended else _standing(legs),
        **terms_written(order.leg.terms),
        "legs": [_leg(one) for one in legs],
        "releases": [report.alert_line(one) for one in said],
    }


def _recorded(asked: Request) -> Report:
    taken = asked.state is RequestState.CONSUMED
    why = "refused when it was taken: see the log" if taken else "recorded, no driver has taken it yet"
    return {"ref_id": asked.key, "basket_id": None, "state": None, "reason": why, "legs": [], "releases": []}


def _standing(legs: list[ParentDetail]) -> str:
    states = {ParentState(one.parent.state) for one in legs if not ParentState(one.parent.state).ended}
    if states == {ParentState.PAUSED}:
        return "PAUSED"
    return "CANCEL_PENDING" if ParentState.CANCEL_PENDING in states else "WORKING"


def _leg(detail: ParentDetail) -> Report:
    return report.parent_line(detail.parent) | {"filled": report.number(detail.totals.quantity)}


def _draw(shown: Report) -> RenderableType:
    head = Text.assemble((f"{shown['ref_id']}  ", "bold"), shown["state"] or shown["reason"])
    columns = ["leg", "side", "instrument", "asked", "filled", "state", "reason"]
    rows: list[list[object]] = [
        [one["ref_id"], one["side"], one["instrument"], one["quantity"], one["filled"], one["state"], one["reason"]]
        for one in shown["legs"]
    ]
    said: list[list[object]] = [[one["at"], one["subject"], one["detail"]] for one in shown["releases"]]
    return Group(
        head,
        tables.table("legs", columns, rows),
        *([tables.table("releases", ["at", "leg", "why"], said)] if said else []),
    )


def _draw_estimate(shown: Report) -> RenderableType:
    paid = shown["funding"]
    lines = [f"{name.replace('_', ' ')} {value}" for name, value in paid.items() if value is not None]
    return Group(Text(f"funding: {', '.join(lines)}"), *(tables.estimate(one) for one in shown["legs"]))
