"""Users, keys and sessions as they stand in their tables, and what the record says of each. No secret is shown."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from router.access.roles import Role, read_roles

Image = dict[str, object]
"""A row as the record keeps it: everything that decides what its holder may do, secrets by fingerprint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person, or whoever owns machines' keys. `password` empty: cannot log in. `n`: the record of its last change."""

    name: str
    roles: frozenset[Role]
    entities: frozenset[str]
    password: str = field(repr=False)
    totp: str = field(repr=False)
    totp_step: int = 0
    disabled: bool = False
    failures: int = 0
    locked_until_ns: int = 0
    created_ns: int
    n: int = 0

    @property
    def subject(self) -> str:
        """Its name in the record, and as a principal."""
        return f"user/{self.name}"

    def row(self) -> tuple[object, ...]:
        """For its table."""
        return (
            self.name,
            listed(self.roles),
            listed(self.entities),
            self.password,
            self.totp,
            self.totp_step,
            int(self.disabled),
            self.failures,
            self.locked_until_ns,
            self.created_ns,
            self.n,
        )

    def image(self) -> Image:
        """For the record."""
        return {
            "roles": sorted(self.roles),
            "entities": sorted(self.entities),
            "password": _print_of(self.password),
            "totp": _print_of(self.totp),
            "disabled": self.disabled,
            "locked_until_ns": self.locked_until_ns,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A machine's key. It can do what both it and its owner may. `owner` empty: the one-time key of a first start."""

    id: str
    owner: str
    label: str
    roles: frozenset[Role]
    entities: frozenset[str]
    mac: str = field(repr=False)
    created_ns: int
    expires_ns: int
    ended_ns: int | None = None
    n: int = 0

    @property
    def subject(self) -> str:
        """Its name in the record, and as a principal."""
        return f"key/{self.id}"

    def row(self) -> tuple[object, ...]:
        """For its table."""
        whose = (self.id, self.owner, self.label, listed(self.roles), listed(self.entities), self.mac)
        return (*whose, self.created_ns, self.expires_ns, self.ended_ns, self.n)

    def image(self) -> Image:
        """For the record."""
        return {
            "owner": self.owner,
            "label": self.label,
            "roles": sorted(self.roles),
            "entities": sorted(self.entities),
            "mac": _print_of(self.mac),
            "expires_ns": self.expires_ns,
            "ended_ns": self.ended_ns,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class UserSession:
    """Somebody who logged in."""

    id: str
    owner: str
    mac: str = field(repr=False)
    second_factor: bool
    created_ns: int
    expires_ns: int
    ended_ns: int | None = None
    n: int = 0

    @property
    def subject(self) -> str:
        """Its name in the record."""
        return f"session/{self.id}"

    def row(self) -> tuple[object, ...]:
        """For its table."""
        who = (self.id, self.owner, self.mac, int(self.second_factor))
        return (*who, self.created_ns, self.expires_ns, self.ended_ns, self.n)

    def image(self) -> Image:
        """For the record."""
        return {
            "owner": self.owner,
            "second_factor": self.second_factor,
            "mac": _print_of(self.mac),
            "expires_ns": self.expires_ns,
            "ended_ns": self.ended_ns,
        }


def listed(names: "frozenset[Role] | frozenset[str]") -> str:
    """As a column keeps them."""
    return json.dumps(sorted(map(str, names)), separators=(",", ":"))


def user_of(row: Sequence[object]) -> User:
    """A user as the database gives it."""
    name, roles, entities, password, totp, step, disabled, failures, locked, created, n = cast(
        "tuple[str, str, str, str, str, int, int, int, int, int, int]", tuple(row)
    )
    return User(
        name=name,
        roles=read_roles(json.loads(roles)),
        entities=frozenset(json.loads(entities)),
        password=password,
        totp=totp,
        totp_step=step,
        disabled=bool(disabled),
        failures=failures,
        locked_until_ns=locked,
        created_ns=created,
        n=n,
    )


def key_of(row: Sequence[object]) -> Key:
    """A key as the database gives it."""
    id_, owner, label, roles, entities, mac, created, expires, ended, n = cast(
        "tuple[str, str, str, str, str, str, int, int, int | None, int]", tuple(row)
    )
    return Key(
        id=id_,
        owner=owner,
        label=label,
        roles=read_roles(json.loads(roles)),
        entities=frozenset(json.loads(entities)),
        mac=mac,
        created_ns=created,
        expires_ns=expires,
        ended_ns=ended,
        n=n,
    )


def session_of(row: Sequence[object]) -> UserSession:
    """A session as the database gives it."""
    id_, owner, mac, factor, created, expires, ended, n = cast(
        "tuple[str, str, str, int, int, int, int | None, int]", tuple(row)
    )
    return UserSession(
        id=id_,
        owner=owner,
        mac=mac,
        second_factor=bool(factor),
        created_ns=created,
        expires_ns=expires,
        ended_ns=ended,
        n=n,
    )


def _print_of(secret: str) -> str | None:
    """Enough to see that it is another one, and no use for anything else."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12] if secret else None
