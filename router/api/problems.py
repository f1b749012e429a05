"""What can be wrong, as RFC 9457 has it: one stable code each, and what became of the thing that was asked for."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What is known of what was asked for."""

    REJECTED = "rejected"
    """It was not done, and will not be."""
    ACCEPTED = "accepted"
    """It was taken; this answer is about something else."""
    UNKNOWN = "unknown"
    """It may have been taken: ask again with the same Idempotency-Key."""


class Code(StrEnum):
    """Stable names, for programs."""

    NOT_JSON = "not_json"
    KEY_MISSING = "idempotency_key_missing"
    NOT_KNOWN = "not_known"
    NOT_ALLOWED = "not_allowed"
    OTHER_SITE = "other_site"
    NOT_FOUND = "not_found"
    NO_SUCH_METHOD = "no_such_method"
    TOO_SLOW = "too_slow"
    IN_PROGRESS = "in_progress"
    REF_ID_TAKEN = "ref_id_taken"
    HAS_ENDED = "has_ended"
    OTHER_VERSION = "other_version"
    TOO_LARGE = "too_large"
    NOT_THIS_MEDIA = "not_this_media"
    NOT_VALID = "not_valid"
    KEY_REUSED = "idempotency_key_reused"
    VERSION_MISSING = "version_missing"
    TOO_MANY = "too_many_requests"
    INTERNAL = "internal"
    NO_DATABASE = "no_database"
    NO_MARKET = "no_market"


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    title: str
    retryable: bool = False
    outcome: Outcome = Outcome.REJECTED


KINDS = {
    Code.NOT_JSON: _Kind(400, "The body is not JSON that can be read"),
    Code.KEY_MISSING: _Kind(400, "The header Idempotency-Key is missing or malformed"),
    Code.NOT_KNOWN: _Kind(401, "The key or session is not known, has ended, or does not fit"),
    Code.NOT_ALLOWED: _Kind(403, "Whoever asks may not do this"),
    Code.OTHER_SITE: _Kind(403, "The request comes from a page of another site, or by another name"),
    Code.NOT_FOUND: _Kind(404, "There is nothing here"),
    Code.NO_SUCH_METHOD: _Kind(405, "This cannot be done here"),
    Code.TOO_SLOW: _Kind(408, "The body did not come in time", retryable=True),
    Code.IN_PROGRESS: _Kind(409, "The same request is being worked on", retryable=True, outcome=Outcome.UNKNOWN),
    Code.REF_ID_TAKEN: _Kind(409, "The ref_id was used before, for another order"),
    Code.HAS_ENDED: _Kind(409, "The order has ended"),
    Code.OTHER_VERSION: _Kind(412, "The order is not the version that was named"),
    Code.TOO_LARGE: _Kind(413, "The body is too large"),
    Code.NOT_THIS_MEDIA: _Kind(415, "The body has to be application/json"),
    Code.NOT_VALID: _Kind(422, "A field cannot be taken as it is"),
    Code.KEY_REUSED: _Kind(422, "The Idempotency-Key was used before, for something else"),
    Code.VERSION_MISSING: _Kind(428, "The header If-Match is missing"),
    Code.TOO_MANY: _Kind(429, "Too many requests", retryable=True),
    Code.INTERNAL: _Kind(500, "A mistake of ours", outcome=Outcome.UNKNOWN),
    Code.NO_DATABASE: _Kind(503, "The database cannot be used now", retryable=True, outcome=Outcome.UNKNOWN),
    Code.NO_MARKET: _Kind(503, "No venue shows a book now, or nobody drives", retryable=True),
}
"""Every code, with its status."""


@dataclass(eq=False)
class Refused(Exception):
    """The answer is a problem. `where`: which field is to be mended, dotted; a header or parameter by its name."""

    code: Code
    detail: str
    where: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """HTTP's."""
        return KINDS[self.code].status

    def body(self, instance: str, request_id: str) -> dict[str, Any]:
        """As it is sent."""
        kind = KINDS[self.code]
        return {
            "type": f"/docs#{self.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code.value,
            "outcome": kind.outcome.value,
            "retryable": kind.retryable,
            "errors": [] if self.where is None else [{"pointer": _pointer(self.where), "message": self.detail}],
            "request_id": request_id,
        }


def _pointer(name: str) -> str:
    """`params.slices` -> `/params/slices` (RFC 6901)."""
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in name.split("."))
