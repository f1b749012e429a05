"""Users and keys from the command line, and that every command asks who runs it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer.main
from typer.testing import CliRunner

from router.access import RULES, Action, Role
from router.app.exits import ExitCode
from router.cli.admission import COMMANDS, KEY_VARIABLE
from router.cli.commands import app
from router.config import Mode
from router.config.load import local_roles
from router.config.schema import AccessSection

COMMAND = typer.main.get_command(app)


def sor(*words: str, given: str = "") -> tuple[int, Any]:
    done = CliRunner().invoke(app, [*words, "--json"], input=given, catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def commands(command: Any = COMMAND, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command there is, by its whole name: a group that does something by itself is one."""
    if hasattr(command, "commands"):
        if name and command.invoke_without_command:
            yield name, command
        for word, inner in command.commands.items():
            yield from commands(inner, f"{name} {word}".strip())
    else:
        yield name, command


def smallest(command: Any) -> list[str]:
    """Arguments that are no more than well-formed."""
    words: list[str] = []
    for one in command.params:
        if one.required:
            kind = one.type_descriptor.annotation
            value = str(get_args(kind)[0]) if get_origin(kind) is Literal else "viewer" if one.name == "roles" else "1"
            words += [value] if one.param_type_name == "argument" else [one.opts[0], value]
    return words


def test_every_command_has_a_rule_and_every_rule_a_command():
    """A command that nobody thought about does not start."""
    assert {name for name, _ in commands()} == COMMANDS.keys()
    assert {getattr(one.callback, "admits", None) for _, one in commands()} >= COMMANDS.keys() - {
        name for name, one in commands() if hasattr(one, "commands")
    }


def refused() -> list[tuple[str, Role]]:
    every = [(name, role) for name in COMMANDS for role in Role if role not in RULES[COMMANDS[name]]]
    return [(name, role) for name, role in every if COMMANDS[name] is not Action.HALT]


def try_out(name: str, role: Role, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a refused command says."""
    monkeypatch.setenv("SOR_ACCESS__LOCAL_ROLES", json.dumps([role]))
    command = dict(commands())[name]
    done = CliRunner().invoke(app, [*name.split(), *smallest(command)], catch_exceptions=False)
    assert done.exit_code == ExitCode.BAD_INPUT, (name, role, done.output)
    return done.output


def test_a_command_is_refused_to_a_role_that_may_not(monkeypatch: pytest.MonkeyPatch):
    """Before it does anything: the sentence names who asked and what it takes. One per action; all of them: nightly."""
    assert sor("users", "add", "boss", "--role", "admin", "--no-password")[0] == 0
    for name, role in {COMMANDS[name]: (name, role) for name, role in refused()}.values():
        assert "may not" in try_out(name, role, monkeypatch)


@pytest.mark.nightly
def test_every_command_against_every_role(monkeypatch: pytest.MonkeyPatch):
    """Every pair that the table refuses is refused by the command itself."""
    assert sor("users", "add", "boss", "--role", "admin", "--no-password")[0] == 0
    tried = [try_out(name, role, monkeypatch) for name, role in refused()]
    assert len(tried) > 100
    assert all("may not" in said for said in tried)


def test_the_first_administrator_is_made_by_whoever_owns_the_machine_and_later_ones_by_an_administrator(
    monkeypatch: pytest.MonkeyPatch,
):
    """After the first the same command takes a session; a password never stands on a command line."""
    words = ("users", "add", "anna", "--role", "admin", "--password-stdin")
    code, made = sor(*words, given="correct horse battery\n")
    assert (code, made["roles"]) == (0, ["admin"])
    assert made["totp_uri"].startswith("otpauth://totp/")

    assert sor("users", "add", "ben", "--role", "viewer", "--no-password")[0] == ExitCode.BAD_INPUT
    code, session = sor("login", "anna", "--password-stdin", given="correct horse battery\n")
    assert (code, session["second_factor"]) == (0, False)
    monkeypatch.setenv(KEY_VARIABLE, session["session"])
    code, said = sor("users", "add", "ben", "--role", "viewer", "--no-password")
    assert (code, "second factor" in said["error"]) == (ExitCode.BAD_INPUT, True)


def test_a_key_stands_for_its_owner_and_only_for_what_it_may(monkeypatch: pytest.MonkeyPatch):
    """A submitter's key submits and does not stop the desk; the request bears its name; the record is whole."""
    assert sor("users", "add", "robot", "--role", "submitter", "--no-password")[0] == 0
    _, key = sor("keys", "add", "robot", "cron", "--role", "submitter", "--days", "1")
    monkeypatch.setenv(KEY_VARIABLE, key["text"])
    order = ("submit", "--ref", "r1", "--side", "buy", "--quantity", "1")

    assert sor(*order)[0] == 0
    code, said = sor("restored", "--since", "2026-01-01T00:00:00Z")
    assert (code, "may not restore" in said["error"]) == (ExitCode.BAD_INPUT, True)
    monkeypatch.setenv(KEY_VARIABLE, key["text"][:-1] + "x")
    assert sor(*order)[0] == ExitCode.BAD_INPUT

    monkeypatch.delenv(KEY_VARIABLE)
    code, record = sor("users", "record")
    assert (code, record["breaks"], len(record["entries"])) == (0, [], 2)
    assert key["text"] not in json.dumps(record)


def test_where_money_is_at_stake_nobody_trades_without_being_let_in(monkeypatch: pytest.MonkeyPatch):
    """Without a key one may look, and pull the plug; anything else is refused. Play is for everybody."""
    roles = {mode: local_roles(AccessSection(), mode) for mode in Mode}
    assert roles[Mode.LIVE] == roles[Mode.TESTNET] == {Role.VIEWER, Role.AUDITOR}
    assert roles[Mode.LAB] == roles[Mode.PAPER] > {Role.TRADER}

    monkeypatch.setenv("SOR_ACCESS__LOCAL_ROLES", json.dumps(sorted(roles[Mode.LIVE])))
    assert sor("orders") == (0, [])
    code, said = sor("submit", "--ref", "r1", "--side", "buy", "--quantity", "1")
    assert (code, "may not submit" in said["error"]) == (ExitCode.BAD_INPUT, True)
    assert sor("halt", "fire")[0] == 0
    code, said = sor("resume", "out")
    assert (code, "may not resume" in said["error"]) == (ExitCode.BAD_INPUT, True)
