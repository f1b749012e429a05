"""Users, keys, sessions: what opens the door, what does not, and that every change of them is on record."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pyotp
import pytest

from router.access import Principal, Role
from router.identity import ChangeKind, Changes, Directory, MadeUser
from router.identity.directory import FAILURES_MOST
from router.identity.record import FIRST, breaks, entry
from router.model.errors import BadInput, NotAllowed, NotKnown, WrongStore
from router.model.ids import EntityId, Nanos
from router.model.requests import RequestKind
from router.requests import HaltBody, halt_request
from router.requests.bodies import parse
from router.store import JournalStore, open_store

PASSWORD = "correct horse battery"
DESK = frozenset({"desk"})
KEY = b"k" * 32


@dataclass(slots=True)
class Clock:
    """Time that a test moves."""

    ns: int = 1_800_000_000_000_000_000

    def now(self) -> int:
        self.ns += 1_000_000
        return self.ns

    def pass_s(self, seconds: int) -> None:
        self.ns += seconds * 1_000_000_000


@dataclass(slots=True)
class Office:
    """A directory over a database, and the clock it goes by."""

    url: str
    store: JournalStore
    directory: Directory
    changes: Changes
    clock: Clock

    async def user(self, name: str, *roles: Role, password: str | None = None) -> MadeUser:
        return await self.directory.add_user(name, frozenset(roles), DESK, password, "test")

    async def sound(self) -> list[str]:
        _, found = await self.directory.verify(await self.changes.images())
        return [one.why for one in found]

    def tamper(self, text: str) -> None:
        with sqlite3.connect(self.url.removeprefix("sqlite:///")) as database:
            database.execute(text)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    url, clock = f"sqlite:///{tmp_path / 'sor.db'}", Clock()
    store = await open_store(url, "lab")
    directory = Directory(store, KEY, clock.now)
    yield Office(url, store, directory, Changes(directory, store, EntityId("desk")), clock)
    await store.close()


def code_of(made: MadeUser, clock: Clock) -> str:
    return pyotp.parse_uri(made.totp_uri).at(clock.ns // 1_000_000_000)  # type: ignore[union-attr]


def person(name: str, *roles: Role) -> Principal:
    return Principal(
        name=f"user/{name}", person=f"user/{name}", roles=frozenset(roles), entities=DESK, second_factor=True
    )


async def test_a_key_opens_what_it_and_its_owner_may(office: Office):
    """And nothing after it was revoked, has ended, or its owner was disabled; the database holds no secret of it."""
    await office.user("robot", Role.SUBMITTER, Role.VIEWER)
    made = await office.directory.add_key("robot", "cron", frozenset({Role.SUBMITTER}), days=1, by="test")

    shown = await office.directory.shown(made.text)
    assert (shown.principal.name, shown.principal.person) == (f"key/{made.key.id}", "user/robot")
    assert shown.principal.effective == {Role.SUBMITTER}
    await office.directory.set_roles("robot", frozenset({Role.VIEWER}), None, "test")
    assert not (await office.directory.shown(made.text)).principal.effective

    await office.directory.disable("robot", "test")
    await refused(office, made.text)
    await office.directory.disable("robot", "test", disabled=False)
    await office.directory.shown(made.text)
    office.clock.pass_s(86_400)
    await refused(office, made.text)
    with sqlite3.connect(office.url.removeprefix("sqlite:///")) as database:
        assert not [line for line in database.iterdump() if made.text.rpartition("_")[2] in line]
    assert await office.sound() == []


async def refused(office: Office, text: str) -> None:
    with pytest.raises(NotKnown, match="is not known here, has ended, or does not fit"):
        await office.directory.shown(text)


async def test_a_key_that_is_nearly_right_opens_nothing(office: Office):
    """Another secret, its id as a session's, another server's key, and noise: all the same answer."""
    await office.user("robot", Role.SUBMITTER)
    made = await office.directory.add_key("robot", "cron", frozenset({Role.SUBMITTER}), days=1, by="test")
    stranger = Directory(office.store, b"x" * 32, office.clock.now)

    other = made.text[:-1] + ("0" if made.text[-1] != "0" else "1")
    for text in (other, made.text.replace("sork", "sors"), "", "sork_"):
        await refused(office, text)
    with pytest.raises(NotKnown):
        await stranger.shown(made.text)
    with pytest.raises(WrongStore, match="access_server_key"):
        await stranger.check_server_key()


async def test_a_rotated_key_goes_on_for_a_while(office: Office):
    """The new one at once, the old one until the overlap is over."""
    await office.user("robot", Role.SUBMITTER)
    old = await office.directory.add_key("robot", "cron", frozenset({Role.SUBMITTER}), days=30, by="test")
    new = await office.directory.rotate_key(old.key.id, overlap_s=60, days=30, by="test")

    await office.directory.shown(old.text)
    await office.directory.shown(new.text)
    office.clock.pass_s(61)
    await refused(office, old.text)
    await office.directory.revoke_key(new.key.id, "test")
    await refused(office, new.text)
    assert await office.sound() == []


async def test_a_key_may_not_do_more_than_its_owner(office: Office):
    """Nor what takes a person."""
    await office.user("robot", Role.SUBMITTER)
    for role, why in ((Role.TRADER, "what its owner may"), (Role.ADMIN, "what its owner may")):
        with pytest.raises(BadInput, match=why):
            await office.directory.add_key("robot", "cron", frozenset({role}), days=1, by="test")


async def test_the_first_start_s_key_makes_the_first_administrator_and_ends(office: Office):
    """It is given out once, administers and nothing else, and is over when there is an administrator."""
    first = await office.directory.first_key(DESK)
    assert first is not None
    assert await office.directory.first_key(DESK) is None
    assert (await office.directory.shown(first.text)).principal.effective == {Role.ADMIN}

    await office.user("anna", Role.ADMIN)

    await refused(office, first.text)
    assert await office.sound() == []


async def test_logging_in_takes_password_and_code_and_a_code_is_good_once(office: Office):
    """Without the code the roles that need one are missing; twice the same code, also at once, opens one session."""
    made = await office.user("anna", Role.VIEWER, Role.RISK_ADMIN, password=PASSWORD)
    log_in, shown = office.directory.log_in, office.directory.shown

    half = await log_in("anna", PASSWORD, None)
    assert (await shown(half.text)).principal.effective == {Role.VIEWER}
    code = code_of(made, office.clock)
    both = await asyncio.gather(*(log_in("anna", PASSWORD, code) for _ in range(2)), return_exceptions=True)
    assert sorted(isinstance(one, NotKnown) for one in both) == [False, True]
    whole = next(one for one in both if not isinstance(one, BaseException))
    assert (await shown(whole.text)).principal.effective == {Role.VIEWER, Role.RISK_ADMIN}
    with pytest.raises(NotKnown):
        await log_in("anna", PASSWORD, code)

    await office.directory.log_out(whole.session, "user/anna")
    await refused(office, whole.text)
    office.clock.pass_s(13 * 3_600)
    await refused(office, half.text)
    assert await office.sound() == []


async def test_somebody_who_guesses_is_locked_out_and_the_record_says_so(office: Office):
    """After twenty wrong passwords the right one is refused too, for a quarter of an hour."""
    await office.user("anna", Role.VIEWER, password=PASSWORD)
    office.tamper(f"UPDATE access_user SET failures = {FAILURES_MOST - 1}")  # the first nineteen, without their time
    with pytest.raises(NotKnown):
        await office.directory.log_in("anna", "wrong wrong wrong", None)

    with pytest.raises(NotKnown):
        await office.directory.log_in("anna", PASSWORD, None)
    assert [one.action for one in await office.directory.recorder.entries()][-1] == "LOCK"
    office.clock.pass_s(16 * 60)
    await office.directory.log_in("anna", PASSWORD, None)
    assert await office.sound() == []


async def test_a_password_that_is_known_does_not_make_guessed_codes_forgotten(office: Office):
    """Else whoever has it guesses codes for ever, coming in without one before the twentieth."""
    await office.user("anna", Role.RISK_ADMIN, password=PASSWORD)
    for _ in range(2):
        with pytest.raises(NotKnown):
            await office.directory.log_in("anna", PASSWORD, "000000")
        await office.directory.log_in("anna", PASSWORD, None)
    assert (await office.directory.known("anna")).failures == 2


async def test_many_wrong_guesses_at_once_say_nothing_else(office: Office):
    """Two that lock at the same moment are refused like any other."""
    anna = (await office.user("anna", Role.VIEWER, password=PASSWORD)).user
    office.tamper(f"UPDATE access_user SET failures = {FAILURES_MOST}")
    await asyncio.gather(*(office.directory._count_failure(anna) for _ in range(3)))  # raises nothing of its own
    assert (await office.directory.known("anna")).locked_until_ns > office.clock.ns


@pytest.mark.parametrize("what", ["password", "totp", "disable"])
async def test_a_session_does_not_outlive_what_it_came_of(office: Office, what: str):
    """Another password, another second factor, a user who was disabled for a while: all have to come in again."""
    await office.user("anna", Role.VIEWER, password=PASSWORD)
    session = await office.directory.log_in("anna", PASSWORD, None)
    if what == "password":
        await office.directory.set_password("anna", PASSWORD + "!", "test")
    elif what == "totp":
        await office.directory.reset_totp("anna", "test")
    else:
        await office.directory.disable("anna", "test")
        await office.directory.disable("anna", "test", disabled=False)

    await refused(office, session.text)
    assert await office.sound() == []


async def test_the_first_start_s_key_ends_however_the_administrator_came_to_be(office: Office):
    """By roles given to a user who was there, too; and it is not made to last."""
    first = await office.directory.first_key(DESK)
    assert first is not None
    with pytest.raises(BadInput, match="first start"):
        await office.directory.rotate_key(first.key.id, overlap_s=0, days=366, by="test")
    await office.user("anna", Role.VIEWER)
    await office.directory.set_roles("anna", frozenset({Role.ADMIN}), None, "test")
    await refused(office, first.text)


async def test_it_takes_two_for_good_once_there_were_two(office: Office):
    """Whoever disables or demotes the other administrator is not enough alone."""
    for name in ("anna", "ben"):
        await office.user(name, Role.ADMIN)
        assert await office.directory.two_admins() is (name == "ben")
    await office.directory.disable("ben", "user/anna")
    assert await office.directory.two_admins()
    await office.directory.set_roles("ben", frozenset({Role.VIEWER}), None, "user/anna")
    assert await office.directory.two_admins()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("UPDATE access_user SET roles = '[\"admin\"]'", "user/robot is not as the record says"),
        ("UPDATE access_record SET actor = 'nobody' WHERE n = 1", "does not fit its content"),
        ("DELETE FROM access_record WHERE n = 1", "there is no such record"),
        ("DELETE FROM access_record WHERE n = 2", "the tail was cut off"),
        ("DELETE FROM access_key", "is not as the record says"),
        ("UPDATE access_key SET expires_ns = expires_ns + 1", "is not as the record says"),
    ],
)
async def test_tampering_is_found(office: Office, text: str, why: str):
    """In the tables, in the record, and at its end."""
    await office.user("robot", Role.SUBMITTER)
    await office.directory.add_key("robot", "cron", frozenset({Role.SUBMITTER}), days=1, by="test")
    assert await office.sound() == []

    office.tamper(text)

    assert any(why in one for one in await office.sound())


def test_a_record_that_was_wrong_about_what_was_there_before_is_found():
    """Its code fits: whoever wrote it had the key, and was mistaken."""
    said = {"at_ns": 1, "actor": "a", "action": "X", "subject": "user/u"}
    first = entry(KEY, (0, FIRST), before=None, after={"roles": ["viewer"]}, **said)
    second = entry(KEY, (first.n, first.mac), before={"roles": ["admin"]}, after={"roles": []}, **said)

    assert [one.why for one in breaks([first, second], KEY, {"user/u": {"roles": []}})] == [
        "user/u was not like this before"
    ]


async def test_many_change_at_once_and_every_change_is_recorded(office: Office):
    """Two processes' records do not overwrite each other."""
    other = await open_store(office.url, "lab")
    try:
        second = Directory(other, KEY, office.clock.now)
        makers = (office.directory, second)
        await asyncio.gather(
            *(makers[n % 2].add_user(f"u{n}", frozenset({Role.VIEWER}), DESK, None, "test") for n in range(8))
        )
    finally:
        await other.close()

    assert len(await office.directory.recorder.entries()) == 8
    assert await office.sound() == []


async def test_a_change_takes_another_person(office: Office):
    """Not the same one, nor by their key; with the role it needs; once. Then it is a request like any other."""
    risk = (Role.RISK_ADMIN,)
    change = await office.changes.propose(ChangeKind.RESUME, "router", {"reason": "mended"}, person("anna", *risk))
    key_of_anna = Principal(name="key/1", person="user/anna", roles=frozenset(risk), entities=DESK, second_factor=True)

    for who, why in (
        (person("anna", *risk), "another person"),
        (key_of_anna, "another person"),
        (person("ben", Role.TRADER), "it takes risk_admin"),
    ):
        with pytest.raises(NotAllowed, match=why):
            await office.changes.decide(change.id, who, agree=True)
    assert await office.store.open_requests(9) == ()

    await office.changes.decide(change.id, person("ben", *risk), agree=True)
    with pytest.raises(BadInput, match="was decided before"):
        await office.changes.decide(change.id, person("cleo", *risk), agree=False)

    [request] = await office.store.open_requests(9)
    assert (request.kind, request.principal) == (RequestKind.RESUME, "user/anna and user/ben")
    assert await office.sound() == []


async def test_a_proposal_to_resume_does_not_undo_a_halt_that_came_after_it(office: Office):
    """What was agreed to was the end of another one."""
    risk = (Role.RISK_ADMIN,)
    change = await office.changes.propose(ChangeKind.RESUME, "router", {"reason": "mended"}, person("anna", *risk))
    body = parse(HaltBody, {"reason": "another fire"})
    asked_ns = Nanos(office.clock.now())
    await office.store.ask(
        halt_request(body, resume=False, entity=EntityId("desk"), principal="user/cleo", asked_ns=asked_ns)
    )
    with pytest.raises(BadInput, match="after this was proposed"):
        await office.changes.decide(change.id, person("ben", *risk), agree=True)
    assert [one.kind for one in await office.store.open_requests(9)] == [RequestKind.HALT]
    await office.changes.decide(change.id, person("ben", *risk), agree=False)


async def test_a_proposal_expires(office: Office):
    """After ten minutes nobody can agree any more."""
    risk = (Role.RISK_ADMIN,)
    change = await office.changes.propose(ChangeKind.RESUME, "router", {"reason": "mended"}, person("anna", *risk))
    office.clock.pass_s(601)
    with pytest.raises(BadInput, match="expired"):
        await office.changes.decide(change.id, person("ben", *risk), agree=True)


async def test_roles_that_were_agreed_to_are_those_that_were_proposed(office: Office):
    """The body that was stored takes effect, in the same transaction as the agreement."""
    await office.user("cleo", Role.VIEWER)
    body: dict[str, object] = {"roles": ["risk_admin", "viewer"], "entities": ["desk"]}
    change = await office.changes.propose(ChangeKind.GRANT, "cleo", body, person("anna", Role.ADMIN))

    await office.changes.decide(change.id, person("ben", Role.ADMIN), agree=True)

    assert (await office.directory.known("cleo")).roles == {Role.VIEWER, Role.RISK_ADMIN}
    assert await office.sound() == []


DECIDED = "UPDATE access_change SET state = 'APPROVED', decided_by = 'user/{who}', decided_ns = {at}"


@pytest.mark.parametrize(
    ("who", "at"), [("anna", 1), ("ben", 9_000_000_000_000_000_000)], ids=["the same person", "too late"]
)
async def test_the_database_itself_refuses_the_same_person_and_the_late(database_url: str, who: str, at: int):
    """Whatever our own code says, in both databases."""
    store = await open_store(database_url, "lab")
    directory = Directory(store, KEY, Clock().now)
    changes = Changes(directory, store, EntityId("desk"))
    try:
        await changes.propose(ChangeKind.RESUME, "router", {"reason": "x"}, person("anna", Role.RISK_ADMIN))
        with pytest.raises((sqlite3.IntegrityError, asyncpg.CheckViolationError)):
            await _execute(database_url, DECIDED.format(who=who, at=at))
        await _execute(database_url, DECIDED.format(who="ben", at=1))
    finally:
        await store.close()


async def _execute(url: str, text: str) -> None:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            database.execute(text)
        return
    server = await asyncpg.connect(url)
    try:
        await server.execute(text)
    finally:
        await server.close()
