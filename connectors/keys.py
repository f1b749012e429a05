"""Is a key fit to trade with? What the venue tells decides; what it cannot tell, the operator attests, with a date.

Pure. An attestation fills a silence, it never overrules the venue's own word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from router.model.ids import Nanos
from router.model.keys import Attested, KeyPowers, KeyReading

ATTESTED_DAYS = 90
"""An attestation older than this counts no more: keys are edited, and people forget."""
CHECK_EVERY_S = 86_400
UNTOLD_DAYS_MAX = 3
"""A key the venue has not been willing to speak of for so long is treated as one it never spoke of."""
_NS_PER_S = 1_000_000_000


class KeyCheck(StrEnum):
    """What follows from a key that is not fit."""

    REFUSE = "refuse"
    REPORT = "report"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attestation:
    """A named person looked at the venue's own page on that day."""

    by: str
    on: date

    @property
    def until(self) -> date:
        """The last day it counts."""
        return self.on + timedelta(days=ATTESTED_DAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attestations:
    """What the operator answers for, of one account's key."""

    cannot_withdraw: Attestation | None = None
    ip_restricted: Attestation | None = None


NOT_ATTESTED = Attestations()


def read(powers: KeyPowers, attested: Attestations, check: KeyCheck, told_ns: Nanos, now_ns: Nanos) -> KeyReading:
    """The verdict on a key whose powers were told at `told_ns`."""
    today = datetime.fromtimestamp(now_ns // _NS_PER_S, UTC).date()
    if now_ns - told_ns > UNTOLD_DAYS_MAX * 86_400 * _NS_PER_S:
        powers = KeyPowers()
    doubts = tuple(_doubts(powers, attested, today))
    return KeyReading(
        powers=powers,
        attested=tuple(_shown(attested)),
        doubts=doubts,
        refusal=f"its key {doubts[0]}" if doubts and check is KeyCheck.REFUSE else None,
        told_ns=told_ns,
    )


def _doubts(powers: KeyPowers, attested: Attestations, today: date) -> Iterator[str]:
    """Each continues the sentence "this key ...", the gravest first."""
    if powers.may_withdraw:
        yield "can withdraw or transfer"
    elif powers.may_withdraw is None and (why := _not_attested(attested.cannot_withdraw, today)) is not None:
        yield f"does not tell whether it can withdraw, and {why} (attest.cannot_withdraw)"
    if powers.may_trade is False:
        yield "cannot trade"
    if powers.ip_restricted is False:
        yield "works from any address: bind it to yours"
    elif powers.ip_restricted is None and (why := _not_attested(attested.ip_restricted, today)) is not None:
        yield f"does not tell whether it is bound to addresses, and {why} (attest.ip_restricted)"


def _not_attested(given: Attestation | None, today: date) -> str | None:
    if given is None:
        return "nobody attests it"
    if given.until < today:
        return f"what {given.by} attested on {given.on} has expired"
    # Dated in a zone ahead of UTC it may be tomorrow's; further ahead it is a slip of the pen.
    return f"the attestation of {given.by} is dated {given.on}" if given.on > today + timedelta(days=1) else None


def _shown(attested: Attestations) -> Iterator[Attested]:
    for what in ("cannot_withdraw", "ip_restricted"):
        given: Attestation | None = getattr(attested, what)
        if given is not None:
            yield Attested(what=what, by=given.by, on=given.on.isoformat(), until=given.until.isoformat())
