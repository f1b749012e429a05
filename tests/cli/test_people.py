"""Users and keys from the command line, and that every command asks who runs it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pyotp
import pytest
import typer.main
from typer.testing import CliRunner

from router.access import RULES, Action, Role
from router.app.access import access_of, local_principal
from router.app.exits import ExitCode
from router.cli.admission import COMMANDS, KEY_VARIABLE
from router.cli.commands import app
from router.config import Mode, load
from router.config.load import local_roles
from router.config.schema import AccessSection
from router.model.errors import BadInput
from router.store import open_store

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


def test_one_administrator_cannot_become_another_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where two are needed, roles are proposals, and a reset of somebody's second factor takes those roles away."""
    Path("config.yaml").write_text(
        "mode: paper\ninstruments: [BTC/USD]\nvenues:\n  kraken: {symbols: {BTC/USD: BTC/USD}}\n"
    )
    for name in ("anna", "ben"):
        assert sor("users", "add", name, "--role", "admin", "--no-password")[0] == (0 if name == "anna" else 2)
    monkeypatch.setenv(KEY_VARIABLE, asyncio.run(_session("anna", "ben", "rita")))

    code, made = sor("users", "add", "cleo", "--role", "viewer", "--role", "risk_admin", "--no-password")
    assert (code, made["roles"], "change" in made) == (0, ["viewer"], True)
    assert sor("changes", "approve", made["change"])[0] == ExitCode.BAD_INPUT
    assert sor("users", "totp", "rita")[1]["roles"] == ["viewer"]
    assert sor("users", "record")[1]["breaks"] == []


def test_one_administrator_gives_nobody_anything_by_disabling_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It goes on taking two: a trader is proposed, and whoever owns the machine is the other one now."""
    Path("config.yaml").write_text(
        "mode: paper\ninstruments: [BTC/USD]\nvenues:\n  kraken: {symbols: {BTC/USD: BTC/USD}}\n"
    )
    assert sor("users", "add", "anna", "--role", "admin", "--no-password")[0] == 0
    monkeypatch.setenv(KEY_VARIABLE, asyncio.run(_session("anna", "ben", "rita")))
    assert sor("users", "disable", "ben")[0] == 0
    code, made = sor("users", "add", "mallory", "--role", "trader", "--no-password")
    assert (code, made["roles"], "change" in made) == (0, ["viewer"], True)
    assert sor("users", "roles", "mallory", "--role", "trader")[1]["sentence"].startswith("proposed")
    assert sor("changes", "approve", made["change"])[0] == ExitCode.BAD_INPUT

    monkeypatch.delenv(KEY_VARIABLE)
    assert sor("changes", "approve", made["change"])[0] == 0


def test_who_runs_a_command_is_who_the_system_says(monkeypatch: pytest.MonkeyPatch):
    """A variable would make two people of one."""
    before = local_principal(load(None)).person
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert local_principal(load(None)).person == before


def test_where_money_is_at_stake_no_second_factor_is_presumed():
    """Whoever is logged in on this machine showed none."""
    given = AccessSection(local_roles=("risk_admin",))
    assert local_roles(given, Mode.PAPER) == {Role.RISK_ADMIN}
    for mode in (Mode.TESTNET, Mode.LIVE):
        with pytest.raises(BadInput, match="second factor"):
            local_roles(given, mode)


async def _session(*names: str) -> str:
    """Of the first, with a second factor; the others are administrators or risk administrators beside."""
    config = load(Path("config.yaml"))
    store = await open_store(config.database_url, config.mode)
    try:
        directory = (await access_of(config, store)).directory
        entities = frozenset({config.entity})
        await directory.add_user(names[1], frozenset({Role.ADMIN}), entities, None, "test")
        await directory.add_user(names[2], frozenset({Role.VIEWER, Role.RISK_ADMIN}), entities, None, "test")
        await directory.set_password(names[0], "correct horse battery", "test")
        made = await directory.reset_totp(names[0], "test")
        code = pyotp.parse_uri(made.totp_uri).now()  # type: ignore[union-attr]
        return (await directory.log_in(names[0], "correct horse battery", code)).text
    finally:
        await store.close()
