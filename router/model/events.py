"""What comes through the one door. Everything that can change a decision is one of these, and is journaled as such."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import AccountId, ClientOrderId, Nanos, ParentId, TimerId, VenueOrderId
from router.model.instruments import Instrument
from router.model.market import MarketView
from router.model.orders import ParentOrder
from router.model.outcomes import AccountRead, CancelOutcome, LookUp, PlaceOutcome


class HaltLevel(StrEnum):
    """How much is stopped."""

    NONE = "NONE"
    NEW = "NEW"
    """No new child leaves; cancels and look-ups go on."""


class Fence(StrEnum):
    """What makes it safe to say that a lost order will never appear (RELIABILITY §2.1)."""

    DEADLINE = "DEADLINE"
    """The venue refuses a request that arrives after its deadline: absence is provable once that has passed."""
    PERMANENT_DEDUPE = "PERMANENT_DEDUPE"
    """An id is good for one order, ever, and the operator has licensed it: the same id may be sent again."""
    NONE = "NONE"
    """Neither: a lost order that cannot be found is quarantined for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueTerms:
    """How long to doubt at one account, and what settles a doubt. Times are settings; the lab's are short.

    `request_ttl_ms`: how long after the decision a copy may still be accepted. `engine_wait_ms`: clock error plus the
    venue's own delay between gateway and book. `read_lag_ms`: how long a placed order may stay invisible.
    `look_up_wait_ms`: pause between look-ups. `quarantine_after_ms`: when a doubt without a fence goes to a person.
    `reconcile_every_ms`: cadence of full account reads. `outstanding_max`: children that may be in doubt or working at
    once; None is no bound.
    """

    account: AccountId
    fence: Fence
    request_ttl_ms: int
    engine_wait_ms: int
    read_lag_ms: int
    look_up_wait_ms: int
    quarantine_after_ms: int
    reconcile_every_ms: int = 30_000
    outstanding_max: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskLimits:
    """Bounds on what may be sent. Quantities in base, notionals in reporting currency."""

    parent_quantity_max: Decimal
    parent_notional_max: Decimal
    child_notional_max: Decimal
    day_notional_max: Decimal
    collar_bps: Decimal
    book_age_ms_max: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A driver took the shard. Carries the settings decisions depend on, so that a replay needs nothing else."""

    deployment: str
    incarnation: int
    epoch: int
    version: str
    instruments: tuple[Instrument, ...]
    terms: tuple[VenueTerms, ...]
    limits: RiskLimits
    halted: str | None = None
    """Why the process comes up halted (a decision failed before); None when it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentSubmitted:
    """A request for a parent, already well-formed."""

    order: ParentOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelAsked:
    """Somebody wants a parent to stop."""

    parent_id: ParentId
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltAsked:
    """Somebody stops (`level` NEW) or resumes (NONE) the router."""

    level: HaltLevel
    reason: str
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketSeen:
    """The market as it stood when a decision asked for it."""

    view: MarketView


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerFired:
    """A timer the engine set has run out."""

    timer_id: TimerId


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceAnswered:
    """What became of one copy.

    `durable_ns`: its intent was on disk and the copy was let go. `sent_ns`: its first byte left; None when none did.
    """

    client_id: ClientOrderId
    copy: int
    outcome: PlaceOutcome
    durable_ns: Nanos
    sent_ns: Nanos | None
    answered_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelAnswered:
    """What a cancel came to."""

    client_id: ClientOrderId
    outcome: CancelOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class LookedUp:
    """What a look-up of one child came to."""

    client_id: ClientOrderId
    look_up: LookUp


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderHinted:
    """A private stream said something about an order: a reason to look, never a fact. Either id may be missing."""

    account: AccountId
    client_id: ClientOrderId | None
    venue_order_id: VenueOrderId | None
    hint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSeen:
    """An account was read in full: at start, after a reconnect, on a cadence."""

    read: AccountRead


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueLost:
    """The venue cannot be traded on for now. Its gate closes until an account read opens it."""

    account: AccountId
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamRestored:
    """A private stream is back after a loss: what happened meanwhile has to be read."""

    account: AccountId


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestUnreadable:
    """A stored request that this release cannot understand. It is consumed, and nothing follows from it."""

    kind: str
    key: str
    reason: str


Event = (
    Started
    | ParentSubmitted
    | CancelAsked
    | HaltAsked
    | MarketSeen
    | TimerFired
    | PlaceAnswered
    | CancelAnswered
    | LookedUp
    | OrderHinted
    | AccountSeen
    | VenueLost
    | StreamRestored
    | RequestUnreadable
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamped:
    """An event and when it came through the door. `at_ns` never goes back, not even across restarts."""

    at_ns: Nanos
    event: Event
