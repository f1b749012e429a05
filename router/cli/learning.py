"""`sor learn`: how much of what is displayed is there when an order lands, learned from what happened here."""

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.app.fill_chances import chances_of_text, named, text_of
from router.cli.common import AsJson, ConfigFile, run, settings
from router.cli.out import Out
from router.cli.reading import store_if_there
from router.config import Config
from router.learn.chances import CellKey, Observed, chances_of, merged
from router.learn.own_orders import OwnOrders
from router.learn.recorded import Top, looked
from router.market_record.archive import Archive
from router.model.errors import BadInput
from router.model.fill_chances import ChanceCell, FillChances
from router.model.ids import InstrumentId, VenueId
from router.model.money import plain
from router.runtime.clock import SystemClock
from router.store import JournalStore, open_store

_PAGE_ROWS = 500
_FOR_EVER_NS = 2**62
LATENCY_MS = 200
"""How far a look at recorded books goes ahead: no less than the record's own pace, five samples a second."""
LATE_MS_MAX = 1_200
"""And at the most: in a still market the record has a sample a second."""

app = typer.Typer(help="Learn fill chances, list and show what was learned.", no_args_is_help=True)


@app.command()
def fill(
    record: Annotated[bool, typer.Option("--record/--no-record", help="Look at recorded books, too.")] = True,
    latency_ms: Annotated[int, typer.Option(min=1, max=10_000, help="How far ahead those looks go.")] = LATENCY_MS,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep it in the database.")] = True,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Build a set from the journal's own orders and the market record. Nothing reckons with it until it is switched on.

    Own immediate-or-cancel orders by Kaplan-Meier, per venue and age of the book; recorded books and a prior where
    fewer than twenty asked for a size.
    """

    async def work() -> ExitCode:
        found = settings(config)
        async with store_if_there(found) as store:
            if store is None:
                raise BadInput("database", "there is none yet, so nothing was sent and nothing recorded")
            orders = await _own(store)
            looks = await _recorded(found, latency_ms) if record else {}
        seen = merged(looks, orders.seen())
        chances = named(chances_of(seen, _sentence(orders, looks, latency_ms)))
        kept = await _keep(found, chances) if keep else None
        Out(as_json=as_json).show(_report(chances), lambda _: _built(chances, kept))
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command("list")
def list_sets(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the sets that `learned.fill` may name, the newest first."""

    async def work() -> ExitCode:
        found = settings(config)
        async with store_if_there(found) as store:
            texts = () if store is None else await store.all_chances()
        lines = [
            {"version": one.version, "built_from": one.built_from, "in_use": one.version == found.fill_chances}
            for one in map(chances_of_text, texts)
        ]
        Out(as_json=as_json).show(lines, _listed)
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command()
def show(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As `sor learn list` says it.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a set: what it was built from, and the chances by venue and age of the book."""

    async def work() -> ExitCode:
        async with store_if_there(settings(config)) as store:
            text = None if store is None else await store.chances(version)
        if text is None:
            raise BadInput("version", f"{version} is not kept here; `sor learn list` shows what is")
        chances = chances_of_text(text)
        Out(as_json=as_json).show(_report(chances), lambda _: _drawn(chances))
        return ExitCode.OK

    run(work(), as_json=as_json)


async def _own(store: JournalStore) -> OwnOrders:
    orders, seq = OwnOrders(), 0
    while page := await store.read(seq, _PAGE_ROWS):
        for one in page:
            orders.take(one.row.stamped.event, one.row.facts)
        seq = page[-1].seq
    return orders


async def _recorded(config: Config, latency_ms: int) -> dict[CellKey, Observed]:
    """Looks at every listing's tops, as long as the record goes back."""
    venues = {f"{one.account}:": VenueId(one.venue) for one in config.venues}
    tops: dict[tuple[InstrumentId, VenueId, str], list[Top]] = {}
    archive = Archive(config.database_url)
    try:
        async for block in archive.blocks(0, _FOR_EVER_NS):
            for sample in block.samples:
                for top in sample.venues:
                    venue = next((name for account, name in venues.items() if top.listing.startswith(account)), None)
                    if venue is not None and top.unusable is None:
                        seen = Top(at_ns=sample.at_ns, age_ns=top.age_ns, bid=top.bid, ask=top.ask)
                        tops.setdefault((sample.instrument, venue, top.listing), []).append(seen)
    finally:
        await archive.close()
    parts = (
        looked(instrument, venue, found, latency_ms=latency_ms, late_ms_max=max(LATE_MS_MAX, latency_ms))
        for (instrument, venue, _), found in tops.items()
    )
    return merged(*parts)


def _sentence(orders: OwnOrders, looks: dict[CellKey, Observed], latency_ms: int) -> str:
    books = sum(one.there + one.gone for one in looks.values())
    of_books = f"{books} looks at recorded tops {latency_ms} ms ahead" if looks else "no recorded books"
    return f"{orders.orders} own orders in {orders.rows} journal rows, {of_books}"


async def _keep(config: Config, chances: FillChances) -> bool:
    """False: the very same was there."""
    store = await open_store(config.database_url, config.mode)
    try:
        return await store.keep_chances(chances.version, text_of(chances), SystemClock().now())
    finally:
        await store.close()


def _report(chances: FillChances) -> dict[str, Any]:
    return {
        "version": chances.version,
        "built_from": chances.built_from,
        "age_ms_edges": list(chances.age_ms_edges),
        "prior": plain(chances.prior),
        "cells": [
            {
                "instrument": cell.instrument,
                "venue": cell.venue,
                "age": _age(chances, cell),
                "orders": cell.orders,
                "looks": cell.looks,
                "steps": [
                    {"quantity": None if one.quantity is None else plain(one.quantity), "chance": plain(one.chance)}
                    for one in cell.steps
                ],
            }
            for cell in chances.cells
        ],
    }


def _age(chances: FillChances, cell: ChanceCell) -> str:
    edges = chances.age_ms_edges
    if cell.age_bucket == len(edges):
        return f"from {edges[-1]} ms"
    return f"below {edges[cell.age_bucket]} ms"


def _built(chances: FillChances, kept: bool | None) -> RenderableType:
    said = {None: "not kept", True: "kept", False: "there already, the very same"}[kept]
    how = f"{said}; put `learned: {{fill: {chances.version}}}` into the settings to reckon with it"
    return Group(_drawn(chances), Text(how, style="dim"))


def _drawn(chances: FillChances) -> RenderableType:
    table = Table(title=f"{chances.version}: {chances.built_from}")
    for column in (
        "instrument",
        "venue",
        "age of the book",
        "own orders",
        "looks",
        "first lot is there",
        "and far down",
    ):
        table.add_column(column)
    for cell in chances.cells:
        first, last = cell.steps[0].chance, cell.steps[-1].chance
        numbers = (str(cell.orders), str(cell.looks), plain(first), plain(last))
        table.add_row(cell.instrument, cell.venue, _age(chances, cell), *numbers)
    return Group(table, Text(f"where nothing is known: {plain(chances.prior)}", style="dim"))


def _listed(lines: list[dict[str, Any]]) -> RenderableType:
    if not lines:
        return Text("nothing was learned yet: sor learn fill")
    table = Table("version", "built from", "in use")
    for one in lines:
        table.add_row(one["version"], one["built_from"], "yes" if one["in_use"] else "")
    return table
