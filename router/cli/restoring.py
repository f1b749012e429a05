"""`sor restored`: the database is a backup brought back, not to be believed before the venues were asked."""

import os
import socket
from datetime import UTC, datetime
from typing import Annotated

import typer

from router.app.exits import ExitCode
from router.cli import tables
from router.cli.common import AsJson, ConfigFile, principal, run, settings
from router.cli.doubting import state_of
from router.cli.out import Out
from router.cli.report import moment
from router.model.errors import BadInput
from router.model.ids import Nanos
from router.requests import RestoredBody, restored_request
from router.requests.bodies import parse
from router.runtime.clock import SystemClock
from router.store import open_store

_US = 1_000
_LEASE_MS = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def restored(
    since: Annotated[str, typer.Option(help="When the backup was made, such as 2026-11-20T10:00:00Z.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say that the database was brought back from a backup. The next driver begins in RECOVERY.

    In RECOVERY nothing new leaves until every account was read since the backup, and until the children that parents
    may have lost were looked for by their ids at every venue; what is found is adopted with its fills. From now on ids
    are given out that no life before can have given out. Exit code 2 while a driver runs.
    """

    async def work() -> ExitCode:
        found, since_ns, clock = settings(config), _moment(since), SystemClock()
        if since_ns > clock.now():
            raise BadInput("since", f"{since} is still to come")
        store = await open_store(found.database_url, found.mode)
        try:
            lease = await store.take_lease(f"restored:{socket.gethostname()}:{os.getpid()}", _LEASE_MS)
            if lease is None:
                raise BadInput("database", "a driver holds it: stop that first, its memory is not this database's")
            try:
                state = await state_of(store)
                if state.started is not None and state.started.incarnation < store.incarnation:
                    raise BadInput("database", "is marked already, and no driver has started since")
                body = parse(RestoredBody, {"incarnation": await store.bump_incarnation(), "since_ns": since_ns})
                await store.ask(
                    restored_request(body, entity=found.entity, principal=principal(), asked_ns=clock.now())
                )
            finally:
                await store.release_lease(lease)
            sentence = f"life {store.incarnation}: the next driver begins in RECOVERY, from {moment(since_ns)}"
            shown = {"incarnation": store.incarnation, "since": moment(since_ns), "sentence": sentence}
        finally:
            await store.close()
        Out(as_json=as_json).show(shown, tables.sentence)
        return ExitCode.OK

    run(work(), as_json=as_json)


def _moment(text: str) -> Nanos:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("since", f"{text} is no time: write it as 2026-11-20T10:00:00Z") from None
    if at.tzinfo is None:
        raise BadInput("since", f"{text} names no time zone: end it with Z for UTC")
    past = at - _EPOCH
    return Nanos(((past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds) * _US)
