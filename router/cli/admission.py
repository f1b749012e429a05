"""What each command takes, and the check before it: one table, by the command's whole name.

Who asks is the key or session in `SOR_KEY`, else whoever runs commands on this machine (`access.local_roles`).
"""

import asyncio
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from router.access import Action, Principal
from router.app.access import access_of, demand_here, local_admin, local_principal
from router.app.exits import ExitCode
from router.cli.common import WHO, settings
from router.cli.out import complain
from router.config import Config
from router.model.errors import BadInput, SorError
from router.store import open_store

KEY_VARIABLE = "SOR_KEY"

COMMANDS: Mapping[str, Action] = {
    "demo": Action.RUN,
    "init": Action.RUN,
    "lab": Action.RUN,
    "serve": Action.RUN,
    "api": Action.RUN,
    "book": Action.READ,
    "estimate": Action.READ,
    "execute": Action.SUBMIT,
    "submit": Action.SUBMIT,
    "orders": Action.READ,
    "show": Action.READ,
    "explain": Action.READ,
    "tca": Action.READ,
    "volume": Action.READ,
    "alerts": Action.READ,
    "doubts": Action.READ,
    "resolve": Action.SETTLE,
    "restored": Action.RESTORE,
    "reconcile": Action.RECONCILE,
    "cancel": Action.CANCEL,
    "pause": Action.WORK,
    "resume-order": Action.WORK,
    "continue": Action.WORK,
    "amend": Action.WORK,
    "halt": Action.HALT,
    "resume": Action.RESUME,
    "verify": Action.READ,
    "replay": Action.READ,
    "doctor": Action.RUN,
    "record": Action.RUN,
    "simulate": Action.RUN,
    "drill": Action.RUN,
    "audit verify": Action.READ,
    "audit export": Action.READ,
    "venues": Action.READ,
    "venues capabilities": Action.RUN,
    "venues check": Action.READ,
    "venues probe-dedupe": Action.PROBE,
    "balances": Action.READ,
    "balances acknowledge": Action.SETTLE,
    "basket submit": Action.SUBMIT,
    "basket estimate": Action.READ,
    "basket show": Action.READ,
    "basket cancel": Action.CANCEL,
    "basket pause": Action.WORK,
    "basket resume": Action.WORK,
    "config check": Action.RUN,
    "config diff": Action.RUN,
    "whatif schedule": Action.RUN,
    "whatif place": Action.RUN,
    "whatif fillprob": Action.RUN,
    "whatif split": Action.RUN,
    "curves build": Action.SUBMIT,
    "curves list": Action.READ,
    "curves show": Action.READ,
    "learn fill": Action.SUBMIT,
    "learn list": Action.READ,
    "learn show": Action.READ,
    "login": Action.RUN,
    "users list": Action.AUDIT,
    "users add": Action.ADMINISTER,
    "users roles": Action.ADMINISTER,
    "users password": Action.ADMINISTER,
    "users totp": Action.ADMINISTER,
    "users disable": Action.ADMINISTER,
    "users enable": Action.ADMINISTER,
    "users record": Action.AUDIT,
    "keys list": Action.AUDIT,
    "keys add": Action.ADMINISTER,
    "keys rotate": Action.ADMINISTER,
    "keys revoke": Action.ADMINISTER,
    "changes list": Action.AUDIT,
    "changes approve": Action.CHECK,
    "changes reject": Action.CHECK,
}
"""A command without a line here does not start. `sor login` proves who somebody is, so it asks for nothing before."""


async def principal_of(config: Config, action: Action) -> Principal:
    """Who asks. Raises `NotKnown` for a key that is not good."""
    key = os.environ.get(KEY_VARIABLE, "")
    if not key and action not in {Action.ADMINISTER, Action.CHECK}:
        return local_principal(config)
    store = await open_store(config.database_url, config.mode)
    try:
        access = await access_of(config, store)
        return (await access.directory.shown(key)).principal if key else await local_admin(config, access)
    finally:
        await store.close()


def guard(app: typer.Typer) -> None:
    """Put the check before every command there is. Raises `LookupError` for one without a line in the table."""
    for name, holder in _callbacks(app, ""):
        if name not in COMMANDS:
            raise LookupError(f"`sor {name}` needs a line in router/cli/admission.py: which action is it?")
        holder.callback = _admitted(name, holder.callback, COMMANDS[name])


def _callbacks(app: typer.Typer, prefix: str) -> Iterator[tuple[str, Any]]:
    for command in app.registered_commands:
        yield f"{prefix}{command.name or command.callback.__name__.replace('_', '-')}".strip(), command  # type: ignore[union-attr]
    for group in app.registered_groups:
        inner = group.typer_instance
        if inner is not None:
            yield from _callbacks(inner, f"{prefix}{group.name} ")
            if inner.registered_callback is not None:
                yield f"{prefix}{group.name}", inner.registered_callback


def _admitted(name: str, command: Callable[..., None], action: Action) -> Callable[..., None]:
    @functools.wraps(command)
    def admitted(*args: Any, **kwargs: Any) -> None:
        context = kwargs.get("context")
        if isinstance(context, typer.Context) and context.invoked_subcommand is not None:
            return command(*args, **kwargs)  # the command below is asked about by itself
        if action is not Action.RUN:
            as_json = bool(kwargs.get("as_json"))
            WHO.set(_admit(action, kwargs.get("config"), as_json=as_json))
        return command(*args, **kwargs)

    admitted.admits = name  # type: ignore[attr-defined]
    return admitted


def _admit(action: Action, path: Path | None, *, as_json: bool) -> Principal:
    """Whoever it is, if they may. Ends the process with a sentence otherwise."""
    try:
        config = settings(path)
        principal = asyncio.run(principal_of(config, action))
        demand_here(principal, action, config.entity)
    except BadInput as error:
        hint = f"; {KEY_VARIABLE} may hold a key or a session of `sor login`" if error.field == "principal" else ""
        complain(f"{error}{hint}", as_json=as_json, field=error.field)
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    except SorError as error:
        complain(str(error), as_json=as_json)
        raise typer.Exit(ExitCode.FAILED) from None
    return principal
