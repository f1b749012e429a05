"""What people and jobs ask for, before it is an event: rows of the request table (D16)."""

from dataclasses import dataclass
from enum import StrEnum

from router.model.ids import EntityId, Nanos


class RequestKind(StrEnum):
    """What is asked."""

    PARENT = "PARENT"
    BASKET = "BASKET"
    CANCEL = "CANCEL"
    PAUSE = "PAUSE"
    RESUME_ORDER = "RESUME_ORDER"
    AMEND = "AMEND"
    HALT = "HALT"
    RESUME = "RESUME"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    RESOLVE = "RESOLVE"
    RESTORED = "RESTORED"
    RECONCILE = "RECONCILE"
    UNKNOWN = "UNKNOWN"
    """Stored by a release that knows more kinds than this one."""


class RequestState(StrEnum):
    """Has a driver taken it?"""

    OPEN = "OPEN"
    CONSUMED = "CONSUMED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One row. (entity, kind, key) is unique for ever; the same key with another body is refused at the door.

    `body` is canonical JSON (sorted keys, no blanks), `body_hash` its SHA-256 in hex. For a parent `key` is its
    `ref_id`; for the others a key the asker chose.
    """

    entity: EntityId
    kind: RequestKind
    key: str
    principal: str
    body: str
    body_hash: str
    asked_ns: Nanos
    state: RequestState = RequestState.OPEN
    consumed_seq: int | None = None
    id: int | None = None
