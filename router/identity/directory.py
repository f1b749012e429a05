"""Users, keys and sessions: made, changed and believed here, and nowhere else."""

import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from router.access import SECOND_FACTOR, Principal, Role, check_roles
from router.identity.passwords import Passwords, new_totp, sealed, totp_step, totp_uri, unsealed
from router.identity.record import RecordBreak, breaks
from router.identity.recorder import Alteration, Recorder
from router.identity.rows import Image, Key, User, UserSession, key_of, session_of, user_of
from router.identity.tokens import Token, csrf_of, new_token, read_token
from router.model.errors import BadInput, NotKnown, WrongStore
from router.store import JournalStore
from router.store import access_statements as sql
from router.store.dialect import Sql
from router.store.session import Step, Taken

_NS = 1_000_000_000
SESSION_NS = 12 * 3_600 * _NS
BOOTSTRAP_NS = 24 * 3_600 * _NS
FAILURES_MOST = 20
LOCKED_NS = 15 * 60 * _NS
_NAME = "letters, digits, - and _ only, at most 64"
_MEANWHILE = "nobody changed it meanwhile"
_REFUSED = NotKnown("authorization", "is not known here, has ended, or does not fit")
BOOTSTRAP = "first start"


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeKey:
    """A new key; `text` is shown this once."""

    key: Key
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeUser:
    """A new user; the second factor's secret is shown this once, for an authenticator app."""

    user: User
    totp_uri: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn:
    """A session; `text` goes into a cookie or a header, `csrf` is what a page sends beside the cookie."""

    session: UserSession
    text: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a token came to: who, and in which session where it was one."""

    principal: Principal
    session: UserSession | None = None
    csrf: str | None = field(default=None, repr=False)


class Directory:
    """Over one database. `server_key` is 32 bytes or more that are not in it."""

    def __init__(self, store: JournalStore, server_key: bytes, now: Callable[[], int]) -> None:
        self._store = store
        self._server_key = server_key
        self._now = now
        self._passwords = Passwords()
        self.recorder = Recorder(store, server_key, now)

    async def check_server_key(self) -> None:
        """Raises `WrongStore` where users and keys were made under another server's key: nobody could come in."""
        first = await self.recorder.entries(most=1)
        if first and next(breaks(first, self._server_key, {first[0].subject: first[0].after or {}}), None) is not None:
            raise WrongStore("users and keys of this database were made under another access_server_key than this one")

    # Who asks?

    async def shown(self, text: str) -> Shown:
        """Whoever this token belongs to. Raises `NotKnown`, and does not say why."""
        token = read_token(text)
        if token is None:
            raise _REFUSED
        return await (self._by_key(token) if token.kind == "k" else self._by_session(token))

    async def _by_key(self, token: Token) -> Shown:
        found = await self._store.rows_of(sql.KEY, token.id)
        key = key_of(found[0]) if found else None
        fits = hmac.compare_digest(token.mac(self._server_key), key.mac if key else "")
        if key is None or not fits or not self._good(key.expires_ns, key.ended_ns):
            raise _REFUSED
        if key.label == BOOTSTRAP and not key.owner:
            # Whoever read it off the first start's screen is taken for the administrator, until there is one.
            if await self.has_admin():
                raise _REFUSED
            return Shown(principal=_principal(key.subject, key.subject, key.roles, key.entities, factor=True))
        owner = await self.user(key.owner)
        if owner is None or owner.disabled:
            raise _REFUSED
        roles, entities = key.roles & owner.roles, key.entities & owner.entities
        return Shown(principal=_principal(key.subject, owner.subject, roles, entities, factor=False))

    async def _by_session(self, token: Token) -> Shown:
        found = await self._store.rows_of(sql.SESSION, token.id)
        session = session_of(found[0]) if found else None
        fits = hmac.compare_digest(token.mac(self._server_key), session.mac if session else "")
        if session is None or not fits or not self._good(session.expires_ns, session.ended_ns):
            raise _REFUSED
        user = await self.user(session.owner)
        if user is None or user.disabled:
            raise _REFUSED
        who = _principal(user.subject, user.subject, user.roles, user.entities, factor=session.second_factor)
        return Shown(principal=who, session=session, csrf=csrf_of(session.id, self._server_key))

    async def log_in(self, name: str, password: str, code: str | None) -> LoggedIn:
        """A session. Without a code the roles that need one are not in it. Raises `NotKnown`, and does not say why."""
        user = await self.user(name)
        fits = await self._passwords.fits("" if user is None else user.password, password)
        if user is None or user.disabled or user.locked_until_ns > self._now():
            raise _REFUSED
        step = None
        if fits and code is not None:
            step = totp_step(unsealed(user.totp, self._server_key), code, self._now(), user.totp_step)
            fits = step is not None
        if not fits:
            await self._count_failure(user)
            raise _REFUSED
        token = new_token("s")
        session = UserSession(
            id=token.id,
            owner=user.name,
            mac=token.mac(self._server_key),
            second_factor=step is not None,
            created_ns=self._now(),
            expires_ns=self._now() + SESSION_NS,
        )
        # A password alone does not make guessed codes forgotten: whoever has it could guess for ever.
        failures = user.failures if step is None and user.roles & SECOND_FACTOR else 0
        entered = replace(user, failures=failures, totp_step=user.totp_step if step is None else step)
        opened = _new(session.subject, "LOG_IN", session.image(), lambda n: _add_session(replace(session, n=n)))
        try:
            # A code is good once: two who show the same one at once change the same row, and one of them is late.
            await self.recorder.write(user.subject, _user_changed("ENTER", user, entered), opened)
        except Taken:
            raise _REFUSED from None
        return LoggedIn(session=session, text=token.text(), csrf=csrf_of(token.id, self._server_key))

    async def log_out(self, session: UserSession, by: str) -> None:
        """The session is over, wherever its token is."""
        now = session_of((await self._store.rows_of(sql.SESSION, session.id))[0])
        await self._written(by, self._session_ended(now, "LOG_OUT"))

    # Users.

    async def user(self, name: str) -> User | None:
        """By name."""
        found = await self._store.rows_of(sql.USER, name)
        return user_of(found[0]) if found else None

    async def users(self) -> list[User]:
        """All, by name."""
        return list(map(user_of, await self._store.rows_of(sql.USERS)))

    async def has_admin(self) -> bool:
        """Is there a person who may administer?"""
        return any(Role.ADMIN in one.roles and not one.disabled for one in await self.users())

    async def two_admins(self) -> bool:
        """Were there ever two at once? Disabling or demoting the other one does not make one person enough again.

        False while there is none at all: the machine's owner begins anew.
        """
        if not await self.has_admin():
            return False
        admins = set[str]()
        for one in await self.recorder.entries():
            image = one.after or {}
            roles = image.get("roles")
            if not one.subject.startswith("user/") or not isinstance(roles, list):
                continue
            (admins.add if Role.ADMIN in roles and not image.get("disabled") else admins.discard)(one.subject)
            if len(admins) > 1:
                return True
        return False

    async def add_user(
        self, name: str, roles: frozenset[Role], entities: frozenset[str], password: str | None, by: str
    ) -> MadeUser:
        """A new user. The first administrator ends the first start's key. Raises `BadInput`."""
        _check_name(name)
        secret = new_totp()
        user = User(
            name=name,
            roles=check_roles(roles),
            entities=entities,
            password="" if password is None else await self._passwords.hashed(password),
            totp=sealed(secret, self._server_key),
            created_ns=self._now(),
        )
        ends = [self._key_ended(key, "END_KEY") for key in await self._first_keys()] if Role.ADMIN in roles else []
        added = _new(user.subject, "ADD_USER", user.image(), lambda n: _add_user(replace(user, n=n)))
        try:
            await self.recorder.write(by, added, *ends)
        except Taken:
            raise BadInput("name", f"{name} is there already") from None
        return MadeUser(user=user, totp_uri=totp_uri(name, secret, self._store.deployment))

    def roles_changed(self, user: User, roles: frozenset[Role], entities: frozenset[str]) -> Alteration:
        """What giving these roles would alter. Raises `BadInput`."""
        return _user_changed("SET_ROLES", user, replace(user, roles=check_roles(roles), entities=entities))

    async def set_roles(self, name: str, roles: frozenset[Role], entities: frozenset[str] | None, by: str) -> None:
        """Other roles, at once: also for sessions and keys that are about. Raises `BadInput`."""
        user = await self.known(name)
        await self._written(by, self.roles_changed(user, roles, user.entities if entities is None else entities))

    async def set_password(self, name: str, password: str, by: str, *, without: frozenset[Role] = frozenset()) -> None:
        """Another password; a lock is lifted, and sessions that came of the old one are over. Raises `BadInput`.

        `without`: roles that go with the old one. Whoever sets it could come in as this user.
        """
        user = await self.known(name)
        hashed = await self._passwords.hashed(password)
        changed = replace(user, password=hashed, failures=0, locked_until_ns=0, roles=user.roles - without)
        over = await self._sessions_ended(name)
        await self._written(by, _user_changed("SET_PASSWORD", user, changed), *over)

    async def reset_totp(self, name: str, by: str, *, without: frozenset[Role] = frozenset()) -> MadeUser:
        """Another second factor; `without` as for a password. Raises `BadInput`."""
        user, secret = await self.known(name), new_totp()
        changed = replace(user, totp=sealed(secret, self._server_key), totp_step=0, roles=user.roles - without)
        over = await self._sessions_ended(name)
        await self._written(by, _user_changed("RESET_TOTP", user, changed), *over)
        return MadeUser(user=changed, totp_uri=totp_uri(name, secret, self._store.deployment))

    async def disable(self, name: str, by: str, *, disabled: bool = True) -> None:
        """Nothing of this user is believed any more: no password, no session, no key. Raises `BadInput`."""
        user = await self.known(name)
        action = "DISABLE" if disabled else "ENABLE"
        over = await self._sessions_ended(name) if disabled else []
        await self._written(by, _user_changed(action, user, replace(user, disabled=disabled)), *over)

    async def known(self, name: str) -> User:
        """By name. Raises `BadInput`."""
        user = await self.user(name)
        if user is None:
            raise BadInput("name", f"{name} is not known here; `sor users list` shows who is")
        return user

    # Keys.

    async def keys(self) -> list[Key]:
        """All, oldest first."""
        return list(map(key_of, await self._store.rows_of(sql.KEYS)))

    async def add_key(
        self,
        owner: str,
        label: str,
        roles: frozenset[Role],
        *,
        entities: frozenset[str] | None = None,
        days: int,
        by: str,
    ) -> MadeKey:
        """A new key of a user. Raises `BadInput`."""
        user = await self.known(owner)
        _check_name(label, "label")
        if not roles <= user.roles:
            raise BadInput("roles", f"a key may do what its owner may: {owner} is {', '.join(sorted(user.roles))}")
        scope = user.entities if entities is None else entities
        return await self._add_key(owner, label, check_roles(roles, key=True), scope, self._days(days), by)

    async def first_key(self, entities: frozenset[str]) -> MadeKey | None:
        """The one-time key of a first start, for the first administrator; None where there is anybody already."""
        if await self.users() or await self.keys():
            return None
        ends_ns = self._now() + BOOTSTRAP_NS
        return await self._add_key("", BOOTSTRAP, frozenset({Role.ADMIN}), entities, ends_ns, "router")

    async def rotate_key(self, id_: str, *, overlap_s: int, days: int, by: str) -> MadeKey:
        """A new key like this one, which goes on for `overlap_s`. Raises `BadInput`."""
        old = await self._living_key(id_)
        if not old.owner:
            raise BadInput("key", f"{id_} is the first start's: it makes an administrator, and is not made longer")
        made = await self._add_key(old.owner, old.label, old.roles, old.entities, self._days(days), by)
        until = min(old.expires_ns, self._now() + overlap_s * _NS)
        await self._written(by, self._key_ended(old, "ROTATE_KEY", until))
        return made

    async def revoke_key(self, id_: str, by: str) -> None:
        """Not believed from now on. Raises `BadInput`."""
        await self._written(by, self._key_ended(await self._living_key(id_), "REVOKE_KEY"))

    # The record.

    async def verify(self, others: dict[str, Image]) -> tuple[int, list[RecordBreak]]:
        """How many records there are, and what is not as it was written. `others`: further tables it vouches for."""
        entries = await self.recorder.entries()
        rows: list[User | Key | UserSession] = [*await self.users(), *await self.keys()]
        rows += map(session_of, await self._store.rows_of(sql.SESSIONS))
        tables = {one.subject: one.image() for one in rows} | others
        found = list(breaks(entries, self._server_key, tables))
        beyond = max((one.n for one in rows), default=0)
        if beyond > len(entries):
            found.append(RecordBreak(n=beyond, why="a row knows this record, and it is missing: the tail was cut off"))
        return len(entries), found

    # Parts.

    async def _count_failure(self, user: User) -> None:
        [[count], *_] = (await self._store.transact([Step(sql.COUNT_FAILURE, ((user.name,),))]))[0]
        if isinstance(count, int) and count >= FAILURES_MOST:
            now = await self.known(user.name)
            locked = replace(now, failures=0, locked_until_ns=self._now() + LOCKED_NS)
            with suppress(Taken):  # another wrong guess at the same moment locks it, or the next one does
                await self.recorder.write("router", _user_changed("LOCK", now, locked))

    async def _add_key(
        self, owner: str, label: str, roles: frozenset[Role], entities: frozenset[str], expires_ns: int, by: str
    ) -> MadeKey:
        token = new_token("k")
        key = Key(
            id=token.id,
            owner=owner,
            label=label,
            roles=roles,
            entities=entities,
            mac=token.mac(self._server_key),
            created_ns=self._now(),
            expires_ns=expires_ns,
        )
        await self._written(by, _new(key.subject, "ADD_KEY", key.image(), lambda n: _add_key(replace(key, n=n))))
        return MadeKey(key=key, text=token.text())

    async def _living_key(self, id_: str) -> Key:
        found = await self._store.rows_of(sql.KEY, id_)
        key = key_of(found[0]) if found else None
        if key is None or not self._good(key.expires_ns, key.ended_ns):
            raise BadInput("key", f"{id_} is not a key that is good now; `sor keys list` shows which are")
        return key

    async def _first_keys(self) -> list[Key]:
        return [one for one in await self.keys() if not one.owner and self._good(one.expires_ns, one.ended_ns)]

    def _key_ended(self, key: Key, action: str, until_ns: int | None = None) -> Alteration:
        """At once, or at `until_ns`."""
        ended = replace(key, ended_ns=self._now()) if until_ns is None else replace(key, expires_ns=until_ns)
        step = self._ending(sql.END_KEY, (key.id, ended.ended_ns, ended.expires_ns), key.n)
        return _altered(key.subject, action, key.image(), ended.image(), step)

    async def _sessions_ended(self, owner: str) -> list[Alteration]:
        """Looked for after the user: one that begins meanwhile changes the user's row, and then nothing is written."""
        found = map(session_of, await self._store.rows_of(sql.SESSIONS))
        good = [one for one in found if one.owner == owner and self._good(one.expires_ns, one.ended_ns)]
        return [self._session_ended(one, "END_SESSION") for one in good]

    def _session_ended(self, session: UserSession, action: str) -> Alteration:
        ended = replace(session, ended_ns=self._now())
        step = self._ending(sql.END_SESSION, (session.id, ended.ended_ns), session.n)
        return _altered(session.subject, action, session.image(), ended.image(), step)

    def _ending(self, statement: Sql, args: tuple[object, ...], n_before: int) -> Callable[[int], Step]:
        return lambda n: Step(statement, ((*args, n, n_before),), must=_MEANWHILE)

    def _good(self, expires_ns: int, ended_ns: int | None) -> bool:
        return ended_ns is None and self._now() < expires_ns

    def _days(self, days: int) -> int:
        return self._now() + days * 24 * 3_600 * _NS

    async def _written(self, by: str, *alterations: Alteration) -> None:
        try:
            await self.recorder.write(by, *alterations)
        except Taken:
            raise BadInput("name", "was changed by somebody else at the same moment: look, and ask again") from None


def _principal(name: str, person: str, roles: frozenset[Role], entities: frozenset[str], *, factor: bool) -> Principal:
    return Principal(name=name, person=person, roles=roles, entities=entities, second_factor=factor)


def _check_name(name: str, field_: str = "name") -> None:
    if not (0 < len(name) <= 64 and name.isascii() and name.replace("-", "").replace("_", "").isalnum()):  # noqa: PLR2004
        raise BadInput(field_, _NAME)


def _new(subject: str, action: str, after: Image, step: Callable[[int], Step]) -> Alteration:
    return Alteration(action=action, subject=subject, before=None, after=after, step=step)


def _altered(subject: str, action: str, before: Image, after: Image, step: Callable[[int], Step]) -> Alteration:
    return Alteration(action=action, subject=subject, before=before, after=after, step=step)


def _user_changed(action: str, before: User, after: User) -> Alteration:
    def step(n: int) -> Step:
        return Step(sql.SET_USER, ((*replace(after, n=n).row(), before.n),), must=_MEANWHILE)

    return _altered(before.subject, action, before.image(), after.image(), step)


def _add_user(user: User) -> Step:
    return Step(sql.ADD_USER, (user.row(),), must="the name is free")


def _add_key(key: Key) -> Step:
    return Step(sql.ADD_KEY, (key.row(),), must="the key is new")


def _add_session(session: UserSession) -> Step:
    return Step(sql.ADD_SESSION, (session.row(),), must="the session is new")
