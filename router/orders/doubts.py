"""What is not known of a child, for people: since when, how much it may come to, what is asked, and when it will end.

It tells of the resolver's rules and decides nothing.
"""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import Nanos
from router.model.money import ratio
from router.model.orders import ChildState
from router.model.terms import Fence, VenueTerms
from router.orders.records import Child
from router.orders.resolver import ENDPOINTS_NEEDED, MISSES_NEEDED, last_moment_ns

_MS = 1_000_000
_EPOCH = Nanos(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """One child's doubt. `exposure` in base and `notional` in reporting currency: what may have traded unbooked.

    `decided_by_ns` is when a rule or the step to a person comes at the latest, if the venue answers; None: never by
    rule. `why` says by what.
    """

    child: Child
    since_ns: Nanos | None
    exposure: Decimal
    notional: Decimal
    asked: str
    decided_by_ns: Nanos | None
    why: str


def doubt_of(child: Child, terms: VenueTerms | None, *, two_people: bool, started_ns: Nanos = _EPOCH) -> Doubt:
    """What is in doubt about this child and how it will end. `terms`: None where its account is not configured."""
    asked, decided_by_ns, why = _outlook(child, terms, two_people=two_people, started_ns=started_ns)
    return Doubt(
        child=child,
        since_ns=child.doubt_since_ns,
        exposure=child.unsettled,
        notional=ratio(child.notional * child.unsettled, child.order.quantity),
        asked=asked,
        decided_by_ns=decided_by_ns,
        why=why,
    )


def _outlook(
    child: Child, terms: VenueTerms | None, *, two_people: bool, started_ns: Nanos = _EPOCH
) -> tuple[str, Nanos | None, str]:
    if terms is None:
        return "nothing", None, f"never: {child.order.account} is not configured any more"
    if child.state is ChildState.QUARANTINED:
        return "its record and its trades, at least every 30 s", None, _why_a_person(child, two_people=two_people)
    to_person_ns = (
        None if child.doubt_since_ns is None else Nanos(child.doubt_since_ns + terms.quarantine_after_ms * _MS)
    )
    if child.state is ChildState.CLOSING:
        return "the trades the venue says it did", to_person_ns, "its trades are shown, or it goes to a person"
    horizon_ns = last_moment_ns(child, terms, started_ns)
    if horizon_ns is not None:
        found = len([miss for miss in child.misses if miss.asked_ns > horizon_ns])
        asked = f"its record ({found} of {MISSES_NEEDED} clean answers that prove it absent)"
        if child.strangers:
            return asked, to_person_ns, "it is found, or its strangers are explained, or it goes to a person"
        proven_ns = Nanos(horizon_ns + MISSES_NEEDED * terms.look_up_wait_ms * _MS)
        return (
            asked,
            proven_ns,
            f"it is found, or {MISSES_NEEDED} answers of {ENDPOINTS_NEEDED} endpoints prove it absent",
        )
    if terms.fence is Fence.PERMANENT_DEDUPE:
        return (
            "its record, then the same id again",
            to_person_ns,
            "it is found, or the same id places it, or it goes to a person",
        )
    return "its record", to_person_ns, "it is found, or it goes to a person: this venue gives no proof of absence"


def _why_a_person(child: Child, *, two_people: bool) -> str:
    said = child.proposal
    if said is not None:
        word = said.resolution
        return (
            f"never by rule: {word.principal} says {word.verdict}, a second person must say the same ({child.reason})"
        )
    people = "two people" if two_people else "a person"
    return f"never by rule: {people} must, with `sor resolve` ({child.reason})"
