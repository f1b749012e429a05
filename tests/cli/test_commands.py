"""The commands as a shell sees them: exit code, standard output, one sentence on standard error."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from router.config import load

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
def test_an_unknown_reference_is_named(sor: Sor, command: list[str]):
    """After somebody else's order is there."""
    sor("submit", "--order", "-", given=json.dumps(GOOD))

    said = sor(*command)

    assert said.returncode == 2
    assert said.stderr.startswith("ref_id: nobody is not known")


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
