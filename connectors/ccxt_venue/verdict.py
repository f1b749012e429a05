"""What the answer to an order proves: three outcomes, refusal only by whitelist.

Decided by (did a byte leave, HTTP status, the venue's own code) and nothing else. ccxt's exception class is not looked
at: it calls a cut body an `ExchangeError` and returns an "order" for an HTML page. Each venue's table of
codes stands in its own module, beside the reading of its success.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.mapping import Row
from connectors.ccxt_venue.wire import Transmission
from router.model.ids import VenueOrderId
from router.model.outcomes import Accepted, Exists, Lost, NotSent, PlaceOutcome, Refused

_TEXT_MAX = 200
_OK = 200
_CLIENT_ERRORS = range(400, 500)


class Proves(Enum):
    """What a venue code proves about the copy it answers."""

    REFUSED = "refused"
    REFUSED_FOR_NOW = "refused for now"
    TOO_MANY = "too many"
    """Refused for now, and the account's calls, of whatever kind, are more than the venue takes."""
    WOULD_CROSS = "refused because it would have taken"
    """A post-only order that would have traded on arrival."""
    EXISTS = "exists"


_FOR_NOW = frozenset({Proves.REFUSED_FOR_NOW, Proves.TOO_MANY})


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """One reviewed row: the code (exact, or its beginning when `prefix`), and words its text must hold."""

    code: str
    proves: Proves
    words: str = ""
    prefix: bool = False

    def matches(self, said: "Said") -> bool:
        """Is this the row for what the venue said?"""
        same = said.code.startswith(self.code) if self.prefix else said.code == self.code
        return same and self.words.lower() in said.text.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A venue's error in its own words. `order_id` where it names the order it means."""

    code: str
    text: str
    order_id: str | None = None


class Judge(Protocol):
    """A venue's side of the decision."""

    @property
    def codes(self) -> Sequence[Code]:
        """The reviewed codes, first match first."""
        ...

    def errors(self, status: int, answer: object, /) -> Sequence[Said]:
        """Every error code in an answer, in the venue's own words; empty when it holds none."""
        ...

    def accepted(self, answer: Row, client_id: str, /) -> VenueOrderId:
        """The order's id from a success; raises `AnswerUnusable` unless everything that must be there is."""
        ...


def outcome(judge: Judge, transmission: Transmission, client_id: str, why_not: str) -> PlaceOutcome:
    """What this copy came to. `why_not` describes what was raised, if anything was."""
    if not transmission.reached_wire:
        return NotSent(why=why_not)
    if transmission.status is None:
        return Lost(why=f"no whole answer: {why_not}")
    if transmission.is_page:
        return Lost(why=f"HTTP {transmission.status} with a page, whatever stands in it")
    answer = transmission.answer()
    said = judge.errors(transmission.status, answer)
    if said:
        return _of_codes(judge, transmission, said)
    if transmission.status == _OK and isinstance(answer, dict):
        try:
            return Accepted(venue_order_id=judge.accepted(answer, client_id))
        except AnswerUnusable as error:
            return Lost(why=f"HTTP 200, but {error}")
    return Lost(why=f"HTTP {transmission.status} without the venue's own words")


def too_many(judge: Judge, transmission: Transmission) -> bool:
    """Does the answer, by a code, ask for fewer calls? HTTP 429 and 418 are seen at the socket."""
    if transmission.status is None:
        return False
    said = judge.errors(transmission.status, transmission.answer())
    rows = (next((row for row in judge.codes if row.matches(each)), None) for each in said)
    return any(row is not None and row.proves is Proves.TOO_MANY for row in rows)


def _of_codes(judge: Judge, transmission: Transmission, said: Sequence[Said]) -> PlaceOutcome:
    """Every code must be in the table, and the status one under which the venue answers for itself."""
    rows = [next((row for row in judge.codes if row.matches(each)), None) for each in said]
    first = said[0]
    clean = transmission.status == _OK or transmission.status in _CLIENT_ERRORS
    if not clean or any(row is None for row in rows):
        return Lost(why=f"HTTP {transmission.status} {first.code}: not a code that proves refusal")
    proofs = {row.proves for row in rows if row is not None}
    if Proves.EXISTS in proofs:
        order_id = next((each.order_id for each in said if each.order_id), None)
        return Exists(code=first.code, venue_order_id=VenueOrderId(order_id) if order_id else None)
    return Refused(
        code=first.code,
        text=first.text[:_TEXT_MAX],
        transient=proofs <= _FOR_NOW,
        retry_after_ms=transmission.retry_after_ms(),
        would_cross=proofs == {Proves.WOULD_CROSS},
    )
