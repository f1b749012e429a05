"""Users, keys and their record, and who runs a command here: built from settings."""

import hashlib
import os
import pwd
import secrets
from dataclasses import dataclass

from router.access import Action, Principal, Role, demand
from router.config import Config, Mode
from router.config.secrets import kept_secret
from router.identity import Changes, Directory
from router.model.errors import BadInput
from router.runtime.clock import SystemClock
from router.store import JournalStore

SERVER_KEY = "access_server_key"
_BYTES_MIN = 32


@dataclass(frozen=True, slots=True)
class Access:
    """Who there is, and what of theirs takes two."""

    directory: Directory
    changes: Changes
    two_people: bool
    """Outside the lab."""


async def access_of(config: Config, store: JournalStore) -> Access:
    """Over this database. Raises `WrongStore` where its users were made under another server's key."""
    clock = SystemClock()
    directory = Directory(store, server_key(config), clock.now)
    await directory.check_server_key()
    changes = Changes(directory, store, config.entity)
    return Access(directory=directory, changes=changes, two_people=config.mode is not Mode.LAB)


def server_key(config: Config) -> bytes:
    """What keys and sessions are stored under. Made once; replicas on other machines have to be given the same."""
    text = kept_secret(SERVER_KEY, config.secrets_dir, lambda: secrets.token_hex(_BYTES_MIN)).reveal()
    if len(text) < _BYTES_MIN:
        raise BadInput(SERVER_KEY, f"must be at least {_BYTES_MIN} characters long")
    return hashlib.sha256(text.encode()).digest()


def local_principal(config: Config) -> Principal:
    """Whoever runs commands on this machine. The settings say what that means; logging in here was the proof."""
    name = f"local/{_account()}"
    return Principal(
        name=name,
        person=name,
        roles=config.local_roles,
        entities=frozenset({config.entity}),
        second_factor=True,
    )


def _account() -> str:
    """As the system knows it, and not as a variable says: two people would be one who sets LOGNAME."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"{number}"


async def local_admin(config: Config, access: Access) -> Principal:
    """The same, and administrator as long as there is none: the first one is made by whoever owns the machine.

    Where it takes two and one is left, the machine's owner is the other: what one proposes the other may agree to.
    """
    local = local_principal(config)
    enabled = [one for one in await access.directory.users() if Role.ADMIN in one.roles and not one.disabled]
    lonely = len(enabled) == 1 and access.two_people and await access.directory.two_admins()
    if enabled and not lonely:
        return local
    return Principal(
        name=local.name,
        person=local.person,
        roles=local.roles | {Role.ADMIN},
        entities=local.entities,
        second_factor=True,
    )


def demand_here(principal: Principal, action: Action, entity: str) -> None:
    """As `demand`; but whoever can log in on this machine can stop the router anyway, so `halt` asks for no role."""
    if action is Action.HALT and principal.name.startswith("local/"):
        return
    demand(principal, action, entity)
