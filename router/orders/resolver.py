"""What to do about a child whose outcome is unknown.

Nothing is decided by counting time-outs. Absence is proven only by complete negative answers that were *asked* after
the last copy could no longer be accepted nor still be invisible; where a venue offers no such moment, a licensed
permanent dedupe lets the same id be sent again, and without that licence a person decides.
"""

from dataclasses import dataclass

from router.model.ids import Nanos
from router.model.terms import Fence, VenueTerms
from router.orders.records import Child

MISSES_NEEDED = 3
ENDPOINTS_NEEDED = 2
_MS = 1_000_000
_DOUBLINGS_MAX = 4
_QUARANTINE_DOUBLINGS_MAX = 20
_QUARANTINE_LOOK_NS = 30_000 * _MS
_EPOCH = Nanos(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LookAgain:
    """Ask the venue at this time."""

    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class SendSameId:
    """Another copy of the same intent may leave: the venue takes an id once, ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """The order does not exist and never will."""

    proof: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskPerson:
    """Undecidable by rule."""

    why: str


Step = LookAgain | SendSameId | Absent | AskPerson


def next_step(child: Child, terms: VenueTerms, now_ns: Nanos, *, wanted: bool, started_ns: Nanos = _EPOCH) -> Step:
    """The next step for a child in doubt; `wanted` says whether its parent would still like it to trade.

    `started_ns`: when the driver that asks came up.
    """
    horizon_ns = last_moment_ns(child, terms, started_ns)
    proving = [miss for miss in child.misses if horizon_ns is not None and miss.asked_ns > horizon_ns]
    if len(proving) >= MISSES_NEEDED and len({name for miss in proving for name in miss.endpoints}) >= ENDPOINTS_NEEDED:
        return Absent(proof=f"{len(proving)} complete look-ups asked after {horizon_ns} found nothing")
    overdue = _doubted_ms(child, now_ns) >= terms.quarantine_after_ms
    # Misses count from the last copy on. Look-ups come ever more slowly, and with them the copies.
    looked = len(child.misses) >= min(child.copies, MISSES_NEEDED)
    if terms.fence is Fence.PERMANENT_DEDUPE and wanted and looked and not overdue:
        return SendSameId()
    if overdue:
        if horizon_ns is None:
            return AskPerson(why=f"{terms.account} has no deadline that could prove the order absent")
        if child.strangers:
            return AskPerson(why=f"{terms.account} shows trades on this symbol and side that no known order explains")
    return LookAgain(at_ns=_next_look_ns(child, terms, horizon_ns, now_ns))


def last_moment_ns(child: Child, terms: VenueTerms, started_ns: Nanos = _EPOCH) -> Nanos | None:
    """After this moment no copy can be accepted any more, and none accepted can still be invisible; None: no such.

    A copy of the driver before carries a deadline of its clock. Ours may have been set since, and what it shows says
    nothing about how much time has passed; but since our own start it has run on, and that long a copy lives at most.
    """
    if terms.fence is not Fence.DEADLINE or child.deadline_ns is None:
        return None
    dies_ns: int = child.deadline_ns
    if child.order.decided_at_ns <= started_ns:
        dies_ns = max(dies_ns, started_ns + terms.request_ttl_ms * _MS)
    return Nanos(dies_ns + (terms.engine_wait_ms + terms.read_lag_ms) * _MS)


def backed_off_ns(child: Child, terms: VenueTerms) -> int:
    """How long to wait for its next look-up: twice as long after each, up to a bound."""
    return terms.look_up_wait_ms * _MS * (1 << min(child.looks, _DOUBLINGS_MAX))


def quarantined_ns(child: Child, terms: VenueTerms) -> int:
    """The same for one that waits for a person: soon at first, because a venue that comes back knows best.

    Its looks are counted anew from there on. Later each costs its account less than one call in half a minute.
    """
    return min(terms.look_up_wait_ms * _MS << min(child.looks, _QUARANTINE_DOUBLINGS_MAX), _QUARANTINE_LOOK_NS)


def _next_look_ns(child: Child, terms: VenueTerms, horizon_ns: Nanos | None, now_ns: Nanos) -> Nanos:
    """Soon and then more slowly while the order may still turn up; steadily once its absence can be proven."""
    wait_ns = terms.look_up_wait_ms * _MS
    if horizon_ns is not None and now_ns > horizon_ns:
        return Nanos(now_ns + wait_ns)
    at_ns = now_ns + backed_off_ns(child, terms)
    return Nanos(at_ns if horizon_ns is None else min(at_ns, horizon_ns + 1))


def _doubted_ms(child: Child, now_ns: Nanos) -> int:
    return 0 if child.doubt_since_ns is None else (now_ns - child.doubt_since_ns) // _MS
