"""What comes through the one door. Everything that can change a decision is one of these, and is journaled as such."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.archive import ArchivedParent
from router.model.fill_chances import FillChances
from router.model.ids import AccountId, Asset, ClientOrderId, EntityId, Nanos, ParentId, TimerId, VenueOrderId
from router.model.instruments import Instrument
from router.model.market import MarketView
from router.model.orders import ParentOrder
from router.model.outcomes import AccountRead, CancelOutcome, LookUp, PlaceOutcome
from router.model.resolutions import Resolution
from router.model.terms import CONSERVED, ConservationTerms, Orphans, RiskLimits, VenueTerms

_NOBODY = EntityId("")


class HaltLevel(StrEnum):
    """How much is stopped."""

    NONE = "NONE"
    NEW = "NEW"
    """No new child leaves; cancels and look-ups go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A driver took the shard. Carries the settings decisions depend on, so that a replay needs nothing else.

    `unreleased`: the driver before did not let go. It may be dead, or stand still with an order half sent, and wake.
    `two_people`: one person's word ends no quarantine; a second one has to say the same.
    """

    deployment: str
    incarnation: int
    epoch: int
    version: str
    instruments: tuple[Instrument, ...]
    terms: tuple[VenueTerms, ...]
    limits: RiskLimits
    unreleased: bool = False
    conservation: ConservationTerms = CONSERVED
    two_people: bool = False
    entity: EntityId = _NOBODY
    orphans: Orphans = Orphans.ALARM
    archive_after_ms: int | None = None
    """How long after its end a parent stays in the state; None: for ever."""
    fill_chances: FillChances | None = None
    """The learned set that splits reckon with; None: what is displayed is counted on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentSubmitted:
    """A request for a parent, already well-formed. `view`: the market it came into, where there was one."""

    order: ParentOrder
    view: MarketView | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BasketSubmitted:
    """A request for a basket, already well-formed: all of its legs. `views`: the markets they came into, as known."""

    legs: tuple[ParentOrder, ...]
    views: tuple[MarketView, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelAsked:
    """Somebody wants a parent, or all legs of a basket, to stop."""

    parent_id: ParentId
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseAsked:
    """Somebody wants a parent to send nothing new, or (`resume`) to go on, or (`confirms`) the rest after its pilot.

    A basket's id means all of its legs.
    """

    parent_id: ParentId
    resume: bool
    principal: str
    confirms: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AmendAsked:
    """Somebody wants a parent to go on under other terms. `None` leaves a term as it is.

    `quantity` in base, `limit_price` in reporting currency; times in UTC.
    """

    parent_id: ParentId
    principal: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    end_ns: Nanos | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltAsked:
    """Somebody stops (`level` NEW) or resumes (NONE) the router."""

    level: HaltLevel
    reason: str
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreTold:
    """Somebody says that the database was brought back from a backup of `since_ns`, for life `incarnation`."""

    incarnation: int
    since_ns: Nanos
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sought:
    """What a search for an order by our id alone came to."""

    account: AccountId
    parent_id: ParentId
    client_id: ClientOrderId
    look_up: LookUp


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalled:
    """The next event speaks of these, which the state no longer holds: the journal's own rows of them (D35)."""

    parents: tuple[ArchivedParent, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveAsked:
    """Somebody says what became of a quarantined child."""

    resolution: Resolution


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
    """An account was read in full: at start, after a reconnect, on a cadence.

    `archived`: rows of its trade list that were left out, because they are booked to children that have left the state.
    """

    read: AccountRead
    archived: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferenceAcknowledged:
    """Somebody explains `amount` of an asset that came to an account (negative: left it) without our doing."""

    account: AccountId
    asset: Asset
    amount: Decimal
    reason: str
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconcileAsked:
    """Somebody wants an account read now."""

    account: AccountId
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueLost:
    """The venue cannot be traded on for now. Its gate closes until an account read opens it."""

    account: AccountId
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamRestored:
    """An account has to be read: its private stream is back after a loss, or is not believed, or its key was refused.

    `why` says which; rows older than the field do not tell.
    """

    account: AccountId
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestUnreadable:
    """A stored request that this release cannot understand. It is consumed, and nothing follows from it."""

    kind: str
    key: str
    reason: str


class DedupeVerdict(StrEnum):
    """What a venue did with an id whose first order had ended."""

    REFUSED = "REFUSED"
    FIRST_RETURNED = "FIRST_RETURNED"
    """It answered with the first order."""
    SECOND_ACCEPTED = "SECOND_ACCEPTED"
    """It made a second order of it."""
    NOT_MEASURED = "NOT_MEASURED"


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupeProbed:
    """A probe sends the id of an ended child once more (`verdict` None), or has seen what the venue made of that.

    `mode`, `ccxt`: where and with which release it was measured. `orders`: the venue's orders under the id, as far as
    they are known, the first one first.
    """

    account: AccountId
    client_id: ClientOrderId
    mode: str
    ccxt: str
    verdict: DedupeVerdict | None
    detail: str
    orders: tuple[VenueOrderId, ...]


Event = (
    Started
    | ParentSubmitted
    | BasketSubmitted
    | CancelAsked
    | PauseAsked
    | AmendAsked
    | HaltAsked
    | ResolveAsked
    | RestoreTold
    | Sought
    | Recalled
    | MarketSeen
    | TimerFired
    | PlaceAnswered
    | CancelAnswered
    | LookedUp
    | OrderHinted
    | AccountSeen
    | DifferenceAcknowledged
    | ReconcileAsked
    | VenueLost
    | StreamRestored
    | RequestUnreadable
    | DedupeProbed
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamped:
    """An event and when it came through the door. `at_ns` never goes back, not even across restarts."""

    at_ns: Nanos
    event: Event
