"""What every command shares: its options, its settings, and how it ends."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from router.access import Principal
from router.app.exits import ExitCode
from router.cli.out import complain
from router.config import Config, load
from router.model.errors import BadInput, SorError
from router.observe import Observe, Redactor, open_log

if TYPE_CHECKING:
    from router.app.parts import Router

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings. Default: $SOR_CONFIG, ./config.yaml, or the built-in lab."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Ref = Annotated[str, typer.Argument(metavar="REF", help="The order's ref_id.")]
Instrument = Annotated[str | None, typer.Argument(metavar="[INSTRUMENT]", help="Such as BTC/USD, the default.")]
InstrumentOption = Annotated[str | None, typer.Option("--instrument", help="The same, by name.")]
Depth = Annotated[int, typer.Option(min=1, max=200, help="Levels per side.")]


def settings(path: Path | None) -> Config:
    """The settings a command runs with."""
    return load(settings_path(path))


def settings_path(path: Path | None) -> Path | None:
    """Where they are read from; None is the built-in lab."""
    if path is None and "SOR_CONFIG" in os.environ:
        path = Path(os.environ["SOR_CONFIG"])
    if path is None and Path("config.yaml").is_file():
        path = Path("config.yaml")
    return path


def run(work: Coroutine[Any, Any, ExitCode], *, as_json: bool = False) -> NoReturn:
    """Run a command's work and leave with its code. Expected trouble is one sentence, never a traceback."""
    try:
        code = asyncio.run(work)
    except BadInput as error:
        complain(str(error), as_json=as_json, field=error.field)
        code = ExitCode.BAD_INPUT
    except SorError as error:
        complain(str(error), as_json=as_json)
        code = ExitCode.FAILED
    except KeyboardInterrupt:
        complain("interrupted: run it again to go on", as_json=as_json)
        code = ExitCode.IN_DOUBT
    raise typer.Exit(code)


def one_instrument(positional: str | None, option: str | None) -> str:
    """Given either way. Raises `BadInput` for two that differ."""
    if positional is not None and option is not None and positional != option:
        raise BadInput("instrument", f"is given twice: {positional} and {option}")
    return positional or option or "BTC/USD"


WHO: ContextVar[Principal | None] = ContextVar("who", default=None)
"""Who runs this command, as `router.cli.admission` found out before it began."""


def who() -> Principal:
    """Whoever was admitted."""
    found = WHO.get()
    assert found is not None, "a command that asks who runs it has to stand in admission's table as more than RUN"
    return found


def principal() -> str:
    """Who asks, for the record."""
    return who().name


def person() -> str:
    """Who answers for it: where two people have to agree, a key of the first one is no second."""
    return who().person


def observing(config: Config, *, quietly: bool) -> Observe:
    """The log on standard error, with every secret of the settings masked. `quietly`: only what a person must see."""
    level = "warning" if quietly and config.log.level == "info" else config.log.level
    secrets = [key.reveal() for venue in config.venues for key in venue.credentials.values()]
    redactor = Redactor([*secrets, _password(config.database_url)])
    log = open_log(sys.stderr, level=level, json=config.log.json, redactor=redactor)
    return Observe(log, redactor=redactor)


def _password(url: str) -> str:
    login, at, _ = url.partition("://")[2].rpartition("@")
    return login.partition(":")[2] if at else ""


@asynccontextmanager
async def router_of(config: Config, *, quietly: bool = True) -> AsyncIterator["Router"]:
    """The parts a command that trades or sees the market needs."""
    from router.app.parts import opened  # noqa: PLC0415 - brings ccxt with it, which most commands can do without

    async with opened(config, observing(config, quietly=quietly)) as router:
        yield router
