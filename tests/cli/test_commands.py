"""The commands as a shell sees them: exit code, standard output, one sentence on standard error."""

import asyncio
import hashlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from router.app.exits import ExitCode
from router.cli.commands import app
from router.config import DEFAULT_TEXT, load
from router.model.ids import Nanos
from router.model.requests import Request, RequestKind
from router.store import open_store

GOOD = {"ref_id": "r1", "instrument": "BTC/USD", "side": "BUY", "base_quantity": "1"}


@dataclass(frozen=True)
class Said:
    """What a command told the shell."""

    returncode: int
    stdout: str
    stderr: str


Sor = Callable[..., Said]


@pytest.fixture
def sor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sor:
    """Run `sor` in an empty folder, with the built-in lab for a configuration (and no lab running)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, given: str | None = None) -> Said:
        done = CliRunner().invoke(app, list(arguments), input=given, catch_exceptions=False)
        return Said(done.exit_code, done.stdout, done.stderr)

    return run


def test_it_is_a_program(tmp_path: Path):
    """The same from a shell: a sentence and exit code 2."""
    command = [sys.executable, "-m", "router.cli", "show", "nobody"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_alone_it_says_what_to_try(sor: Sor):
    """Three commands, each of which exists."""
    said = sor()

    assert said.returncode == 0
    assert [line.split()[:2] for line in said.stdout.splitlines()[1:]] == [
        ["sor", "demo"],
        ["sor", "init"],
        ["sor", "--help"],
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base_quantity": "1e9"}, "base_quantity"),
        ({"side": "HOLD"}, "side"),
        ({"colour": "red"}, "colour"),
        ({"quote_value": "5"}, "quote_value"),
        ({"instrument": "ETH/USD"}, "instrument"),
        ({"venues": {"include": ["okx"]}}, "venues.include"),
    ],
)
@pytest.mark.parametrize("command", ["execute", "submit", "estimate"])
def test_a_bad_order_is_one_sentence_and_nothing_half_done(
    sor: Sor, tmp_path: Path, command: str, change: dict[str, object], field: str
):
    """Exit code 2, the field first, no traceback, no request in the table."""
    said = sor(command, "--order", "-", given=json.dumps(GOOD | change))

    assert said.returncode == 2, said.stderr
    assert said.stderr.startswith(f"{field}: ")
    assert said.stderr.count("\n") == 1
    assert json.loads(sor("orders", "--json").stdout) == []


def test_a_bad_configuration_is_one_sentence(sor: Sor, tmp_path: Path):
    """As JSON too, where that was asked for."""
    (tmp_path / "config.yaml").write_text("moode: lab\ninstruments: [BTC/USD]\nvenues: {}\n")

    said = sor("venues", "--json")

    assert said.returncode == 2
    assert json.loads(said.stdout)["field"] == said.stderr.split(":")[0]


def test_an_order_is_asked_for_once(sor: Sor):
    """The same reference again is the same request; with another body it is refused."""
    first = sor("submit", "--order", "-", "--json", given=json.dumps(GOOD))
    again = sor("submit", "--order", "-", "--json", given=json.dumps(GOOD, indent=4))
    other = sor("submit", "--ref", "r1", "--side", "sell", "--quantity", "1")

    assert first.returncode == again.returncode == 0
    assert json.loads(first.stdout) == json.loads(again.stdout)
    assert other.returncode == 2


def test_looking_needs_no_database(sor: Sor):
    """Before anything has run there is nothing to see, and that is no error."""
    for command in ("orders", "alerts"):
        said = sor(command, "--json")
        assert (said.returncode, json.loads(said.stdout)) == (0, [])
    venues = json.loads(sor("venues", "--json").stdout)
    assert [(one["account"], one["tier"], one["gate_open"]) for one in venues] == [
        ("binance/main", "A", None),
        ("kraken/main", "A", None),
        ("coinbase/main", "A", None),
    ]


@pytest.mark.parametrize("command", [["show", "nobody"], ["cancel", "nobody"], ["explain", "nobody"]])
@pytest.mark.parametrize("database", [True, False], ids=["database", "no-database"])
def test_an_unknown_reference_is_named(sor: Sor, command: list[str], *, database: bool):
    """Whether somebody else's order is there, or nothing at all."""
    if database:
        sor("submit", "--order", "-", given=json.dumps(GOOD))

    said = sor(*command)

    assert said.returncode == 2
    assert said.stderr.startswith("ref_id: nobody is not known")


def test_an_order_nobody_has_taken_yet_is_shown(sor: Sor):
    """It is on the table: said by `orders` and `show`, and it can be cancelled."""
    sor("submit", "--order", "-", given=json.dumps(GOOD))

    (line,) = json.loads(sor("orders", "--json").stdout)
    shown = json.loads(sor("show", "r1", "--json").stdout)

    assert (line["ref_id"], line["state"], line["quantity"]) == ("r1", None, "1")
    assert shown["reason"] == "recorded, no driver has taken it yet"
    for command in (["orders"], ["show", "r1"]):
        assert "no driver has taken it yet" in sor(*command).stdout.replace("\n", " ")
    assert sor("explain", "r1").returncode == 0
    assert "no driver runs" in sor("cancel", "r1").stdout


def test_a_row_that_came_past_the_doors_is_shown_all_the_same(sor: Sor):
    """Whatever its body holds."""

    async def plant() -> None:
        config = load(None)
        store = await open_store(config.database_url, config.mode)
        body = "no order"
        digest = hashlib.sha256(body.encode()).hexdigest()
        await store.ask(
            Request(
                entity=config.entity,
                kind=RequestKind.PARENT,
                key="odd",
                principal="?",
                body=body,
                body_hash=digest,
                asked_ns=Nanos(1),
            )
        )
        await store.close()

    asyncio.run(plant())

    for command in (["orders"], ["show", "odd"]):
        said = sor(*command)
        assert (said.returncode, "odd" in said.stdout) == (0, True)


def test_without_a_driver_a_halt_is_recorded(sor: Sor):
    """And says so: nothing leaves without one, so that is a success."""
    said = sor("halt", "lunch")

    assert said.returncode == 0
    assert said.stdout.startswith("recorded: no driver runs")


def test_a_driver_that_does_not_take_a_halt_is_no_success(sor: Sor, tmp_path: Path):
    """It holds the lease and does not answer: exit code 4 after a moment."""

    async def hold() -> None:
        config = load(None)
        store = await open_store(config.database_url, config.mode)
        assert await store.take_lease("somebody", 60_000) is not None
        await store.close()

    asyncio.run(hold())

    said = sor("halt", "now", "--json")

    assert said.returncode == ExitCode.IN_DOUBT
    assert (json.loads(said.stdout)["state"], json.loads(said.stdout)["driver"]) == ("OPEN", True)


@pytest.mark.parametrize("command", [["book"], ["estimate", "--side", "buy", "--quantity", "1"]])
def test_a_market_nobody_shows_is_the_worlds_fault(sor: Sor, command: list[str]):
    """Exit code 1, one sentence."""
    said = sor(*command)

    assert said.returncode == ExitCode.FAILED
    assert said.stderr == "no venue shows a book of BTC/USD; is `sor lab` running?\n"


@pytest.mark.parametrize("command", ["book", "estimate", "submit"])
@pytest.mark.parametrize("given", [["ETH/USD"], ["--instrument", "ETH/USD"], ["ETH/USD", "--instrument", "BTC/USD"]])
def test_an_instrument_is_named_in_one_way_everywhere(sor: Sor, command: str, given: list[str]):
    """By position or by name; two that differ are refused."""
    order = [] if command == "book" else ["--side", "buy", "--quantity", "1"]
    ref = ["--ref", "r1"] if command == "submit" else []

    said = sor(command, *given, *order, *ref)

    assert said.returncode == ExitCode.BAD_INPUT
    assert said.stderr.startswith("instrument: ")


def test_nothing_to_worry_about_is_said(sor: Sor):
    """An empty table of alerts would leave one wondering."""
    assert sor("alerts").stdout == "none\n"


def test_a_port_in_use_is_one_sentence(sor: Sor, tmp_path: Path):
    """Of `sor lab` and of the lab alone: exit code 2, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = yaml.safe_load(DEFAULT_TEXT)
        settings["lab"] = {"port": port}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
        said = sor("lab")
        alone = subprocess.run(
            [sys.executable, "-m", "connectors.lab", "--port", str(port)], capture_output=True, text=True, check=False
        )

    assert said.returncode == alone.returncode == ExitCode.BAD_INPUT
    assert said.stderr.startswith("lab.port: ")
    assert said.stderr.count("\n") == 1
    assert "Traceback" not in alone.stderr


def test_the_readme_has_the_exit_codes():
    """All of them, with their numbers."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    rows = re.findall(r"^\| ([0-9]) \| `([A-Z_]+)` \|", readme, re.MULTILINE)

    assert {name: int(number) for number, name in rows} == {code.name: code.value for code in ExitCode}


def test_init_writes_what_loads(sor: Sor, tmp_path: Path):
    """Paper first; a second time only on purpose."""
    assert sor("init", "--venue", "kraken", "--venue", "coinbase").returncode == 0

    config = load(tmp_path / "sor.yaml")

    assert config.mode == "paper"
    assert [venue.venue for venue in config.venues] == ["kraken", "coinbase"]
    assert sor("init").returncode == 2
    assert sor("init", "--force", "--venue", "binance").returncode == 0
    assert sor("init", "--venue", "mtgox", "--to", "x.yaml").stderr.startswith("venue: mtgox has no connector")


def test_the_demo_empties_nobody_elses_folder(sor: Sor, tmp_path: Path):
    """A folder with other files in it is refused, and stays as it is."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")

    said = sor("demo", "--folder", "home")

    assert said.returncode == 2
    assert (tmp_path / "home" / "thesis.txt").exists()


def test_help_is_there_for_every_command(sor: Sor):
    """Each explains itself in a sentence."""
    for command in app.registered_commands:
        said = sor(str(command.name), "--help")
        assert said.returncode == 0
        assert "Usage" in said.stdout
