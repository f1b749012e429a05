"""Changes that take two people: one proposes, another agrees. The database itself refuses the same person twice."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from router.access import Principal, Role, read_roles
from router.identity.directory import Directory
from router.identity.recorder import Alteration
from router.identity.rows import Image
from router.model.errors import BadInput, NotAllowed
from router.model.ids import EntityId, Nanos
from router.model.requests import Request, RequestKind
from router.store import JournalStore, statements
from router.store import access_statements as sql
from router.store.session import Step, Taken

EXPIRES_NS = 10 * 60 * 1_000_000_000
_OPEN = "it is still open"


class ChangeKind(StrEnum):
    """What takes two people."""

    RESUME = "RESUME"
    """Let everything go on after a halt."""
    GRANT = "GRANT"
    """Give a user roles it has not."""


DECIDED_BY = {ChangeKind.RESUME: Role.RISK_ADMIN, ChangeKind.GRANT: Role.ADMIN}
"""The role the second person needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A proposal. `body` is the exact JSON that takes effect; `..._by` is a person, `..._as` what they showed."""

    id: str
    kind: ChangeKind
    subject: str
    body: str
    proposed_by: str
    proposed_as: str
    proposed_ns: int
    expires_ns: int
    state: str = "PROPOSED"
    decided_by: str | None = None
    decided_as: str | None = None
    decided_ns: int | None = None

    @property
    def record_name(self) -> str:
        """Its name in the record."""
        return f"change/{self.id}"

    def image(self) -> Image:
        """For the record."""
        return {
            "kind": self.kind.value,
            "subject": self.subject,
            "body": self.body,
            "proposed_by": self.proposed_by,
            "proposed_as": self.proposed_as,
            "state": self.state,
            "decided_by": self.decided_by,
            "decided_as": self.decided_as,
        }


class Changes:
    """Proposals and what becomes of them."""

    def __init__(self, directory: Directory, store: JournalStore, entity: EntityId) -> None:
        self._directory = directory
        self._recorder = directory.recorder
        self._store = store
        self._entity = entity

    async def newest(self, most: int = 100) -> list[Change]:
        """Proposals, newest first."""
        return [_change_of(row) for row in await self._store.rows_of(sql.CHANGES, most)]

    async def images(self) -> dict[str, Image]:
        """All proposals as the record has to know them."""
        return {one.record_name: one.image() for one in await self.newest(1_000_000)}

    async def propose(self, kind: ChangeKind, subject: str, body: dict[str, object], by: Principal) -> Change:
        """Ask for a change; nothing happens until another person agrees. Good for ten minutes."""
        now = self._recorder.now()
        change = Change(
            id=secrets.token_hex(8),
            kind=kind,
            subject=subject,
            body=json.dumps(body, sort_keys=True, separators=(",", ":")),
            proposed_by=by.person,
            proposed_as=by.name,
            proposed_ns=now,
            expires_ns=now + EXPIRES_NS,
        )
        values = (change.id, kind.value, subject, change.body, by.person, by.name, now, change.expires_ns)
        made = Alteration(
            action="PROPOSE",
            subject=change.record_name,
            before=None,
            after=change.image(),
            step=lambda _: Step(sql.PROPOSE, (values,)),
        )
        await self._recorder.write(by.name, made)
        return change

    async def decide(self, id_: str, by: Principal, *, agree: bool) -> Change:
        """Agree, and it takes effect in the same transaction; or turn it down. Raises `BadInput`, `NotAllowed`."""
        change, now = await self._open(id_), self._recorder.now()
        if DECIDED_BY[change.kind] not in by.effective:
            raise NotAllowed(
                "principal", f"{by.name} may not decide on {change.kind}: it takes {DECIDED_BY[change.kind]}"
            )
        if by.person == change.proposed_by:
            raise NotAllowed("principal", f"{by.person} proposed this: another person has to decide")
        if now > change.expires_ns:
            raise BadInput("change", f"{id_} has expired: propose it again")
        state = "APPROVED" if agree else "REJECTED"
        decided = replace(change, state=state, decided_by=by.person, decided_as=by.name, decided_ns=now)
        values = (id_, state, by.person, by.name, now)
        word = Alteration(
            action="APPROVE" if agree else "REJECT",
            subject=change.record_name,
            before=change.image(),
            after=decided.image(),
            step=lambda _: Step(sql.DECIDE, (values,), must=_OPEN),
        )
        altered, also = await self._effect(decided) if agree else ([], [])
        try:
            await self._recorder.write(by.name, word, *altered, also=also)
        except Taken:
            raise BadInput("change", f"{id_} was decided, or what it changes was, at the same moment") from None
        return decided

    async def _effect(self, change: Change) -> tuple[list[Alteration], list[Step]]:
        body = json.loads(change.body)
        match change.kind:
            case ChangeKind.RESUME:
                if await self._store.rows_of(sql.HALTED_SINCE, change.proposed_ns):
                    raise BadInput("change", "a halt was asked for after this was proposed: look, and propose it again")
                return [], [Step(statements.ASK, (_row(self._resume(change, body)),))]
            case ChangeKind.GRANT:
                user = await self._directory.known(change.subject)
                roles = read_roles(body["roles"])
                return [self._directory.roles_changed(user, roles, frozenset(body["entities"]))], []

    def _resume(self, change: Change, body: dict[str, str]) -> Request:
        text = json.dumps({"reason": body["reason"]}, separators=(",", ":"))
        return Request(
            entity=self._entity,
            kind=RequestKind.RESUME,
            key=f"change-{change.id}",
            principal=f"{change.proposed_as} and {change.decided_as}",
            body=text,
            body_hash=hashlib.sha256(text.encode()).hexdigest(),
            asked_ns=Nanos(change.decided_ns or 0),
        )

    async def _open(self, id_: str) -> Change:
        found = await self._store.rows_of(sql.CHANGE, id_)
        if not found:
            raise BadInput("change", f"{id_} is not known here; `sor changes list` shows what is")
        change = _change_of(found[0])
        if change.state != "PROPOSED":
            raise BadInput("change", f"{id_} was decided before: {change.state}")
        return change


def _row(request: Request) -> tuple[object, ...]:
    who = (request.entity, request.kind.value, request.key, request.principal)
    return (*who, request.body, request.body_hash, request.asked_ns)


def _change_of(row: Sequence[object]) -> Change:
    id_, kind, subject, body, by, shown, at_ns, expires_ns, state, decided_by, decided_as, decided_ns = cast(
        "tuple[str, str, str, str, str, str, int, int, str, str | None, str | None, int | None]", tuple(row)
    )
    return Change(
        id=id_,
        kind=ChangeKind(kind),
        subject=subject,
        body=body,
        proposed_by=by,
        proposed_as=shown,
        proposed_ns=at_ns,
        expires_ns=expires_ns,
        state=state,
        decided_by=decided_by,
        decided_as=decided_as,
        decided_ns=decided_ns,
    )
