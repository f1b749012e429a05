"""Commands that run something: the driver, the lab, the demo; and the one that writes a configuration."""

import json
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from connectors.lab.tapes import find_tapes
from router.app.exits import ExitCode
from router.cli import init as writing
from router.cli.common import AsJson, ConfigFile, router_of, run, settings, settings_path
from router.cli.labs import lab_settings
from router.cli.out import Out, console
from router.config import Config
from router.config.load import folder_of, http_settings, validated
from router.config.settings import HttpSettings
from router.identity import MadeKey
from router.model.errors import BadInput

Tapes = Annotated[Path | None, typer.Option(help="Play the recorded markets in this folder.")]
Listen = Annotated[
    str | None, typer.Option("--http", metavar="HOST:PORT", help="Answer over HTTP there. Port 0 takes a free one.")
]
Seed = Annotated[int | None, typer.Option(help="Of the order flow.")]


def init(
    venue: Annotated[list[str] | None, typer.Option("--venue", help="A venue to trade on; repeat it.")] = None,
    to: Annotated[Path, typer.Option(help="Where to write.")] = Path("sor.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a configuration for your venues, paper trading first."""

    async def work() -> ExitCode:
        written = writing.write(to, venue or ["binance", "kraken", "coinbase"], force=force)
        Out(as_json=as_json).show(written, writing.draw)
        return ExitCode.OK

    run(work(), as_json=as_json)


def lab(config: ConfigFile = None, tapes: Tapes = None, seed: Seed = None) -> None:
    """Run the lab's exchanges until stopped: real protocols, no keys, no network."""

    async def work() -> ExitCode:
        from connectors.lab.process import run_lab  # noqa: PLC0415 - only this command needs an exchange

        logging.basicConfig(level=logging.INFO, format="%(message)s")
        await run_lab(lab_settings(settings(config), tapes=tapes, seed=seed))
        return ExitCode.OK

    run(work())


def serve(config: ConfigFile = None, http: Listen = None) -> None:
    """Drive: take requests, trade, and show a read-only status page on loopback; with --http also the HTTP API."""

    async def work() -> ExitCode:
        from router.app import serve as serving  # noqa: PLC0415 - brings ccxt, which most commands can do without

        found = settings(config)
        where = _http(config, found, http)
        async with router_of(found, quietly=False) as router:
            await serving.serve(router, serving.until_signalled(), where, _show_first_key)
        return ExitCode.OK

    run(work())


def api(config: ConfigFile = None, http: Listen = None) -> None:
    """Answer over HTTP beside a driver: requests go into the database, whoever drives takes them from there."""

    async def work() -> ExitCode:
        from router.app import serve as serving  # noqa: PLC0415 - brings ccxt, which most commands can do without

        found = settings(config)
        where = _http(config, found, http if http or found.http.host else "127.0.0.1:8791")
        async with router_of(found, quietly=False) as router:
            await serving.answer_only(router, serving.until_signalled(), where, _show_first_key)
        return ExitCode.OK

    run(work())


def _http(path: Path | None, config: Config, listen: str | None) -> HttpSettings:
    """As the settings say; the option goes before them. Raises `BadInput`."""
    if listen is None:
        return config.http
    file = settings_path(path)
    return http_settings(validated(file).http, folder_of(file), listen)


def _show_first_key(made: MadeKey) -> None:
    """Once, on the screen and never in the log."""
    sys.stderr.write(
        "Nobody can come in yet. This key makes the first administrator; good for 24 hours, shown this once:\n"
        f"  SOR_KEY={made.text} sor users add NAME --role admin\n"
    )


def demo(
    quantity: Annotated[str, typer.Option(help="BTC to buy.")] = "5",
    tapes: Tapes = None,
    seed: Annotated[int, typer.Option(help="Of the order flow.")] = 7,
    no_kill: Annotated[bool, typer.Option("--no-kill", help="Let the router live.")] = False,
    folder: Annotated[Path, typer.Option(help="Where it is played; what an earlier demo left there goes.")] = Path(
        ".sor/demo"
    ),
    as_json: AsJson = False,
) -> None:
    """Watch one order routed over three exchanges on this machine: no keys, no network, under a minute."""

    async def work() -> ExitCode:
        from router.cli.demo import play  # noqa: PLC0415 - brings ccxt with it, which most commands can do without
        from router.cli.rehearsal import empty, rehearsal  # noqa: PLC0415

        found = find_tapes(str(tapes)) if tapes else None
        if tapes and found is None:
            raise BadInput("tapes", f"the recordings are not in {tapes}")
        shown = console() if not as_json else Console(file=sys.stderr, highlight=False)
        empty(folder)
        async with rehearsal(folder, seed=seed, tapes=found) as stage:
            told, code = await play(stage, quantity, shown, with_kill=not no_kill)
        if as_json:
            sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return code

    run(work(), as_json=as_json)
