"""Users, keys, and what takes two people: `sor users`, `sor keys`, `sor changes`, `sor login`."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from router.access import LOOKING, Role, check_roles, read_roles
from router.app.access import Access, access_of
from router.app.exits import ExitCode
from router.cli import tables
from router.cli.common import AsJson, ConfigFile, run, settings, who
from router.cli.out import Out
from router.cli.report import moment
from router.config import Config
from router.identity import ChangeKind, Key, User
from router.identity.changes import Change
from router.model.errors import BadInput
from router.store import open_store

Report = dict[str, Any]

users = typer.Typer(no_args_is_help=True, help="Who may come in, and as what.")
keys = typer.Typer(no_args_is_help=True, help="Machines' keys: shown once, scoped, expiring.")
changes = typer.Typer(no_args_is_help=True, help="Changes that take two people.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
Roles = Annotated[list[str], typer.Option("--role", help="Repeat it: viewer, auditor, submitter, trader, ...")]
Entities = Annotated[list[str] | None, typer.Option("--entity", help="Whose orders; the configured one by default.")]
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `sor keys list` shows it.")]
ChangeId = Annotated[str, typer.Argument(metavar="CHANGE", help="Its id, as `sor changes list` shows it.")]
Days = Annotated[int, typer.Option(min=1, max=366, help="Good for so many.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password (and, after it, the code) from standard input.")
]


@asynccontextmanager
async def access_here(config: Config) -> AsyncIterator[Access]:
    """Users, keys and changes of the configured database, which is made where there is none yet."""
    store = await open_store(config.database_url, config.mode)
    try:
        yield await access_of(config, store)
    finally:
        await store.close()


def login(
    name: Name,
    from_input: FromInput = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Log in, and print a session for the variable SOR_KEY. Good for twelve hours."""

    async def work() -> ExitCode:
        password, code = _secrets(from_input, "password", "code of the second factor (empty: none)")
        async with access_here(settings(config)) as access:
            made = await access.directory.log_in(name, password, code or None)
        shown = {"session": made.text, "until": moment(made.session.expires_ns), "sentence": made.text}
        Out(as_json=as_json).show(shown | {"second_factor": made.session.second_factor}, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


@users.command("list")
def list_users(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show every user: roles, whose orders, whether the name can come in."""

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            found = await access.directory.users()
        Out(as_json=as_json).show(list(map(_user, found)), _users)
        return ExitCode.OK

    run(work(), as_json=as_json)


@users.command("add")
def add_user(
    name: Name,
    roles: Roles,
    entities: Entities = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only owns keys; cannot log in.")] = False,
    from_input: FromInput = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a user, and print the second factor for an authenticator app, this once.

    Outside the lab, once there were two administrators, whatever is more than looking is a proposal.
    """

    async def work() -> ExitCode:
        found, wanted = settings(config), check_roles(read_roles(roles))
        password = None if no_password else _secrets(from_input, "password")[0]
        scope = frozenset(entities or (found.entity,))
        async with access_here(found) as access:
            later = wanted - LOOKING if await _two_admins(access) else frozenset()
            first = wanted - later or read_roles(["viewer"])
            made = await access.directory.add_user(name, first, scope, password, who().name)
            shown = _user(made.user) | {"totp_uri": made.totp_uri}
            if later:
                change = await _granted(access, made.user, wanted, scope)
                shown |= {"change": change.id}
        Out(as_json=as_json).show(shown, _made_user)
        return ExitCode.OK

    run(work(), as_json=as_json)


@users.command("roles")
def set_roles(
    name: Name, roles: Roles, entities: Entities = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Give a user these roles and no others, at once.

    Outside the lab, once there were two administrators, a role more is a proposal; taking roles away is not.
    """

    async def work() -> ExitCode:
        wanted = check_roles(read_roles(roles))
        async with access_here(settings(config)) as access:
            user = await access.directory.known(name)
            scope = frozenset(entities) if entities else user.entities
            more = not (wanted <= user.roles and scope <= user.entities)
            if more and await _two_admins(access):
                change = await _granted(access, user, wanted, scope)
                sentence = f"proposed: another admin says `sor changes approve {change.id}` within ten minutes"
            else:
                await access.directory.set_roles(name, wanted, scope, who().name)
                sentence = f"{name} is {', '.join(sorted(wanted))} from now on"
        Out(as_json=as_json).show({"name": name, "sentence": sentence}, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


@users.command("password")
def set_password(name: Name, from_input: FromInput = False, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Set a user's password, and lift a lock.

    Sessions are over. Outside the lab, once there were two administrators, every role beside looking goes with the old
    one, and has to be given again.
    """

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            gone = await _goes_with_a_reset(access, name)
            password = _secrets(from_input, "password")[0]
            await access.directory.set_password(name, password, who().name, without=gone)
        lost = f", and is no longer {', '.join(sorted(gone))}: give it again" if gone else ""
        Out(as_json=as_json).show({"name": name, "sentence": f"{name} has a new password{lost}"}, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


@users.command("totp")
def reset_totp(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Give a user another second factor, and print it for an authenticator app, this once.

    Sessions are over. Outside the lab, once there were two administrators, every role beside looking has to be given
    again.
    """

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            gone = await _goes_with_a_reset(access, name)
            made = await access.directory.reset_totp(name, who().name, without=gone)
        Out(as_json=as_json).show(_user(made.user) | {"totp_uri": made.totp_uri}, _made_user)
        return ExitCode.OK

    run(work(), as_json=as_json)


@users.command("disable")
def disable(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Believe nothing of a user any more: no password, no session, no key."""
    _able(name, config, disabled=True, as_json=as_json)


@users.command("enable")
def enable(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let a disabled user in again."""
    _able(name, config, disabled=False, as_json=as_json)


@users.command("record")
def record(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show every change of users, keys, sessions and proposals, and check the record. Exit code 1: it is broken."""

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            entries = await access.directory.recorder.entries()
            _, breaks = await access.directory.verify(await access.changes.images())
        shown = {
            "entries": [
                {
                    "n": one.n,
                    "at": moment(one.at_ns),
                    "actor": one.actor,
                    "action": one.action,
                    "subject": one.subject,
                    "before": one.before,
                    "after": one.after,
                }
                for one in entries
            ],
            "breaks": [{"n": one.n, "why": one.why} for one in breaks],
        }
        Out(as_json=as_json).show(shown, _record)
        return ExitCode.FAILED if breaks else ExitCode.OK

    run(work(), as_json=as_json)


@keys.command("list")
def list_keys(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show every key: whose, as what, until when. What it opens is not kept anywhere."""

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            found = await access.directory.keys()
        Out(as_json=as_json).show(list(map(_key, found)), _keys)
        return ExitCode.OK

    run(work(), as_json=as_json)


@keys.command("add")
def add_key(
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="A user; the key may do what both may.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What it is for.")],
    roles: Roles,
    entities: Entities = None,
    days: Days = 90,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print it, this once."""

    async def work() -> ExitCode:
        scope = frozenset(entities) if entities else None
        async with access_here(settings(config)) as access:
            made = await access.directory.add_key(
                owner, label, read_roles(roles), entities=scope, days=days, by=who().name
            )
        Out(as_json=as_json).show(_key(made.key) | {"text": made.text}, _made_key)
        return ExitCode.OK

    run(work(), as_json=as_json)


@keys.command("rotate")
def rotate_key(
    key: KeyId,
    days: Days = 90,
    overlap_s: Annotated[int, typer.Option(min=0, max=86_400, help="So long the old one goes on.")] = 3_600,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key like this one, print it, and let the old one end."""

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            made = await access.directory.rotate_key(key, overlap_s=overlap_s, days=days, by=who().name)
        Out(as_json=as_json).show(_key(made.key) | {"text": made.text}, _made_key)
        return ExitCode.OK

    run(work(), as_json=as_json)


@keys.command("revoke")
def revoke_key(key: KeyId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """End a key at once."""

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            await access.directory.revoke_key(key, who().name)
        Out(as_json=as_json).show({"key": key, "sentence": f"{key} opens nothing any more"}, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


@changes.command("list")
def list_changes(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show what was proposed, newest first, and what became of it."""

    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            found = await access.changes.newest()
        Out(as_json=as_json).show(list(map(change_report, found)), _changes)
        return ExitCode.OK

    run(work(), as_json=as_json)


@changes.command("approve")
def approve(change: ChangeId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Agree to another person's proposal: it takes effect at once."""
    _decide(change, config, agree=True, as_json=as_json)


@changes.command("reject")
def reject(change: ChangeId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Turn another person's proposal down."""
    _decide(change, config, agree=False, as_json=as_json)


def _decide(id_: str, config: Any, *, agree: bool, as_json: bool) -> None:  # noqa: ANN401 - as typer hands it over
    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            done = await access.changes.decide(id_, who(), agree=agree)
        sentence = f"{done.kind} of {done.subject}: {done.state.lower()}"
        Out(as_json=as_json).show(change_report(done) | {"sentence": sentence}, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


def _able(name: str, config: Any, *, disabled: bool, as_json: bool) -> None:  # noqa: ANN401 - as typer hands it over
    async def work() -> ExitCode:
        async with access_here(settings(config)) as access:
            await access.directory.disable(name, who().name, disabled=disabled)
        sentence = f"{name} is {'disabled' if disabled else 'enabled'}"
        Out(as_json=as_json).show({"name": name, "sentence": sentence}, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


async def _two_admins(access: Access) -> bool:
    """Does it take a second person? It does for good, once there was one."""
    return access.two_people and await access.directory.two_admins()


async def _goes_with_a_reset(access: Access, name: str) -> frozenset[Role]:
    """Whoever resets could come in as this user: so one person alone gets none of the roles that take two."""
    user = await access.directory.known(name)
    return user.roles - LOOKING if await _two_admins(access) else frozenset()


async def _granted(access: Access, user: User, roles: frozenset[Any], scope: frozenset[str]) -> Change:
    body: dict[str, object] = {"roles": sorted(roles), "entities": sorted(scope)}
    return await access.changes.propose(ChangeKind.GRANT, user.name, body, who())


def _secrets(from_input: bool, *asked: str) -> tuple[str, ...]:
    """Never on the command line, where other users of the machine can read them."""
    if not from_input:
        return tuple(
            typer.prompt(one, hide_input=True, default="" if "empty" in one else None, err=True) for one in asked
        )
    lines = [*sys.stdin.read().splitlines(), *("" for _ in asked)]
    if not lines[0]:
        raise BadInput("password", "is not there: give it as the first line of standard input")
    return tuple(lines[: len(asked)])


def _user(user: User) -> Report:
    return {
        "name": user.name,
        "roles": sorted(user.roles),
        "entities": sorted(user.entities),
        "can_log_in": bool(user.password) and not user.disabled,
        "disabled": user.disabled,
        "created_at": moment(user.created_ns),
    }


def _key(key: Key) -> Report:
    return {
        "id": key.id,
        "owner": key.owner,
        "label": key.label,
        "roles": sorted(key.roles),
        "entities": sorted(key.entities),
        "created_at": moment(key.created_ns),
        "expires_at": moment(key.expires_ns),
        "ended_at": moment(key.ended_ns),
    }


def change_report(change: Change) -> Report:
    """A proposal as it is shown."""
    return {
        "id": change.id,
        "kind": change.kind.value,
        "subject": change.subject,
        "body": change.body,
        "state": change.state,
        "proposed_by": change.proposed_by,
        "proposed_at": moment(change.proposed_ns),
        "expires_at": moment(change.expires_ns),
        "decided_by": change.decided_by,
        "decided_at": moment(change.decided_ns),
    }


def _listed(lines: Sequence[Report], names: str) -> RenderableType:
    rows = [" ".join(f"{name}={one[name]}" for name in names.split() if one[name] is not None) for one in lines]
    return Text("\n".join(rows) or "none")


def _users(lines: Sequence[Report]) -> RenderableType:
    return _listed(lines, "name roles entities can_log_in disabled created_at")


def _keys(lines: Sequence[Report]) -> RenderableType:
    return _listed(lines, "id owner label roles entities expires_at ended_at")


def _changes(lines: Sequence[Report]) -> RenderableType:
    return _listed(lines, "id kind subject body state proposed_by expires_at decided_by")


def _made_user(shown: Report) -> RenderableType:
    later = f"\nthe other roles wait for another admin: sor changes approve {shown['change']}"
    return Text(
        f"{shown['name']} is {', '.join(shown['roles'])}. For the authenticator app, shown once:\n{shown['totp_uri']}"
        + (later if "change" in shown else "")
    )


def _made_key(shown: Report) -> RenderableType:
    return Text(f"key {shown['id']} until {shown['expires_at']}, shown once:\n{shown['text']}")


def _record(shown: Report) -> RenderableType:
    lines = [f"{one['n']} {one['at']} {one['actor']} {one['action']} {one['subject']}" for one in shown["entries"]]
    broken = [f"BROKEN at {one['n']}: {one['why']}" for one in shown["breaks"]]
    return Text("\n".join([*lines, *broken]) or "empty")
