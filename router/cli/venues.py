"""`sor venues`: the configured accounts, and what each exchange can do."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.app.findings import exit_code
from router.cli import looking
from router.cli.common import AsJson, ConfigFile, observing, principal, router_of, run, settings
from router.cli.examining import Strict, drawn, report_of
from router.cli.out import Out
from router.cli.reading import store_if_there

if TYPE_CHECKING:
    from connectors.ccxt_venue.capabilities import Capabilities

Report = dict[str, Any]

app = typer.Typer(invoke_without_command=True, help="Show the configured accounts: tier, fence, gate, holdings.")


@app.callback()
def accounts(context: typer.Context, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the configured accounts: tier, fence, gate, holdings."""
    if context.invoked_subcommand is None:
        looking.venues(config, as_json)


@app.command()
def capabilities(
    venue: Annotated[
        str | None, typer.Argument(help="Its name in ccxt, such as kraken. All of them by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an exchange can do with an order of ours, what was tested, and its traps."""

    async def work() -> ExitCode:
        from connectors.ccxt_venue.capabilities import (  # noqa: PLC0415 - brings ccxt with it
            CAPABILITIES,
            capabilities_of,
        )

        out = Out(as_json=as_json)
        if venue is None:
            out.show([_report(each) for each in CAPABILITIES.values()], _overview)
        else:
            out.show(_report(capabilities_of(venue)), _details)
        return ExitCode.OK

    run(work(), as_json=as_json)


@app.command()
def check(
    venue: Annotated[str | None, typer.Argument(help="As configured; all of them by default.")] = None,
    config: ConfigFile = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Ask each venue what going live rests on: clock, key, fees, rules, streams, latency. Places no order."""

    async def work() -> ExitCode:
        from router.app.licences import measured  # noqa: PLC0415 - only this command needs them
        from router.app.venues_check import check_venues  # noqa: PLC0415 - brings ccxt with it
        from router.runtime.clock import SystemClock  # noqa: PLC0415

        found = settings(config)
        async with store_if_there(found) as store:
            driven = store is not None and await store.holder() is not None
            known = {} if store is None else await measured(store)
        observe = observing(found, quietly=True)
        lines = await check_venues(found, observe, SystemClock(), only=venue, beside_driver=driven, measured=known)
        Out(as_json=as_json).show(report_of(lines), drawn)
        return exit_code(lines, strict=strict)

    run(work(), as_json=as_json)


@app.command(name="probe-dedupe")
def probe_dedupe(
    venue: Annotated[str, typer.Argument(help="As configured.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Place the smallest order, send its id again once it has ended, and keep what the venue makes of that.

    In modes testnet and lab only. Exit code 0: a used id is safe; 1: a second order was made; 4: not measured.
    """

    async def work() -> ExitCode:
        from router.app.probe import probe_dedupe as probing  # noqa: PLC0415 - brings ccxt with it

        async with router_of(settings(config)) as router:
            done = await probing(router, venue, principal())
        told = done.measured.probe
        assert told.verdict is not None
        report = {
            "account": told.account,
            "verdict": told.verdict.value,
            "detail": told.detail,
            "client_id": told.client_id,
            "orders": list(told.orders),
            "second_order_booked": done.booked,
            "licence": done.measured.name,
            "seq": done.measured.seq,
            "hash": done.measured.hash,
        }
        Out(as_json=as_json).show(report, _probed)
        return _OF_VERDICT[told.verdict.value]

    run(work(), as_json=as_json)


_OF_VERDICT = {
    "REFUSED": ExitCode.OK,
    "FIRST_RETURNED": ExitCode.OK,
    "SECOND_ACCEPTED": ExitCode.FAILED,
    "NOT_MEASURED": ExitCode.IN_DOUBT,
}


def _probed(report: Report) -> RenderableType:
    """The verdict, loudly where it is bad, and what may be done with it."""
    lines = [Text(f"{report['account']}: {report['verdict']}: {report['detail']} (journal seq {report['seq']})")]
    if report["verdict"] == "SECOND_ACCEPTED":
        lines[0].stylize("bold red")
        booked = "was booked" if report["second_order_booked"] else "will be booked by the next driver that reads it"
        lines.append(Text(f"what it filled {booked}, and the breach stands in `sor alerts`", style="red"))
        lines.append(Text("dedupe_licensed: false is the only setting that may stand here", style="red"))
    elif report["verdict"] != "NOT_MEASURED":
        lines.append(Text(f'it may be named: dedupe_licensed: "{report["licence"]}"'))
    return Group(*lines)


def _report(one: "Capabilities") -> Report:
    from connectors.ccxt_venue.capabilities.wire import wire_of  # noqa: PLC0415 - see above
    from connectors.ccxt_venue.hosts import told_of_testnet  # noqa: PLC0415

    wire = wire_of(one.venue)
    return {
        "mode_testnet": told_of_testnet(one.venue),
        **asdict(one),
        "tier_meaning": one.tier.meaning,
        "discount_says": one.discount.says if one.discount else "no token",
        "outstanding_max": one.outstanding_max,
        "replicas_max": one.replicas_max,
        "ccxt": wire.ccxt,
        "wire": [
            {"call": call.name, "asked": call.asked, "sent": [each.line for each in call.sent], "raised": call.raised}
            for call in wire.calls
        ],
    }


def _overview(reports: list[Report]) -> RenderableType:
    """One line each; what settles a doubt comes first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("venue", "tier", "fence", "outstanding", "replicas", "client id", "a used id", "cancel by it"):
        table.add_column(column, overflow="fold")
    for one in reports:
        table.add_row(
            one["venue"],
            one["tier"],
            one["fence"],
            str(one["outstanding_max"] or "-"),
            str(one["replicas_max"]),
            one["client_id"]["field"],
            one["client_id"]["uniqueness"],
            "yes" if one["cancel"]["route"] else "no",
        )
    return table


def _details(one: Report) -> RenderableType:
    """Everything about one venue; the whole wire is in the JSON."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in _lines(one):
        table.add_row(name, value)
    title = Text(f"{one['venue']}, tier {one['tier']} ({one['tier_meaning']}), {one['proven']}", style="bold")
    traps = [Text(f"- {trap['says']} [{trap['mark']}]") for trap in one["traps"]]
    return Group(title, table, Text("traps, each with a test:", style="bold"), *traps)


def _lines(one: Report) -> list[tuple[str, str]]:
    client_id, look_up, expiry, channels = one["client_id"], one["look_up"], one["expiry"], one["channels"]
    crossing = one["kinds"]["crossing"]
    limit = "" if client_id["length_max"] is None else f", at most {client_id['length_max']}"
    routes = ", ".join(f"{way['endpoint']} ({way['param']})" for way in look_up["routes"])
    route = one["cancel"]["route"]
    deadline = f"{expiry['param']}, at the {expiry['where']} [{expiry['mark']}]" if expiry else "none"
    return [
        ("fence", one["fence"]),
        ("outstanding at once", str(one["outstanding_max"] or "no bound")),
        ("drivers", "one, without a stand-by" if one["replicas_max"] == 1 else "a second may stand by"),
        ("client id", f"{client_id['field']}: {client_id['charset']}{limit}; ours is {client_id['encoding']}"),
        ("ccxt's clientOrderId", client_id["unified"]),
        ("a used id", f"{client_id['uniqueness']} [{client_id['uniqueness_mark']}]; {client_id['on_reuse']}"),
        ("look-up by our id", routes or f"none; {look_up['instead']} are searched"),
        ("records kept", look_up["kept"]),
        ("cancel by our id", f"{route['endpoint']} ({route['param']})" if route else "only by the venue's id"),
        ("request deadline", deadline),
        *((name, one["kinds"][name]["wire"]) for name in ("ioc", "fok", "gtc", "post_only")),
        ("post-only that would take", f"{crossing['shown']}: {crossing['words']} [{crossing['mark']}]"),
        ("answer to an order", one["answers_with"]),
        ("amend", one["amend"] or "no"),
        ("several orders at once", str(one["batch_max"] or "no")),
        ("dead-man timer", one["dead_man"] or "none"),
        ("fee", f"{one['fee_in']} {one['fee_note']}".rstrip()),
        ("a token's discount", one["discount_says"]),
        ("private stream", ", ".join(name for name, there in channels.items() if there)),
        ("book is checked by", one["book_check"]),
        ("key powers", one["key_powers"] or "not told: the operator attests them"),
        ("deposits and withdrawals", one["movements"]),
        ("ccxt's test network", one["testnet"]),
        ("mode testnet", one["mode_testnet"]),
    ]
