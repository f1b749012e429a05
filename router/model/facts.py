"""What was decided. State is the fold of these and of nothing else: recovery applies them and decides nothing again.

A fact that changes shape gets a new `VERSION`, and the reader keeps understanding the old ones.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.archive import ArchivedParent
from router.model.balances import Balance, Movement
from router.model.baskets import BasketState, Cash, CashAt
from router.model.events import DedupeProbed, HaltLevel, Started
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    ListingId,
    Nanos,
    ParentId,
    TimerId,
    TradeId,
    VenueOrderId,
)
from router.model.instruments import TokenDiscount
from router.model.keys import KeyReading
from router.model.market import FeeBasis
from router.model.orders import ChildOrder, ChildState, Fee, Fill, ParentOrder, ParentState, VenueOrder, VenueTrade
from router.model.resolutions import Resolution


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverStarted:
    """A driver took over with these settings."""

    started: Started


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentTaken:
    """A parent was accepted. `day_notional` counts against the day's limit."""

    order: ParentOrder
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentTurnedDown:
    """A parent was refused at the door; nothing of it was or will be sent.

    `state`: REJECTED, or FAILED where it was our own bug that kept it from being taken.
    """

    order: ParentOrder
    at_ns: Nanos
    reason: str
    state: ParentState = ParentState.REJECTED


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentMoved:
    """A parent changed state."""

    parent_id: ParentId
    state: ParentState
    at_ns: Nanos
    reason: str
    held: bool = False
    """PAUSED by its own bounds: it goes on by itself once they allow it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivalSeen:
    """The market a parent came into: what its schedule is rounded to, and what its slippage is measured from.

    `mid`: the median of the listings' mids, in reporting currency; None without one. `lot`: the finest step of the
    listings it may use; `slice_min`: the smallest quantity one of them takes, a little more for a price that moves.
    Both in base.
    """

    parent_id: ParentId
    mid: Decimal | None
    lot: Decimal | None
    slice_min: Decimal
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentTriggered:
    """The venues' mids reached a parent's stop price, `mid` their median: from here on it is worked."""

    parent_id: ParentId
    mid: Decimal
    at_ns: Nanos


class ReleaseVerdict(StrEnum):
    """Whether a leg of a basket may send more now."""

    GO = "GO"
    WAIT = "WAIT"
    """Soon, and nothing of its own has to happen for it."""
    SPENT = "SPENT"
    """Too little is left for any venue, until the other legs have come further."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LegReleased:
    """How far a leg of a basket may go now, and why.

    `pace` (reporting currency): all of its side that may be filled, working or in doubt; `quantity` (base): of the leg,
    as far as its side leaves it. None is no bound of the imbalance. `credited`: what
    the sells' booked fills brought, net of fees; `drawn`: what buys spent, or may spend by what is out or in doubt;
    `above`: what the accounts hold above the basket's buffer; `room`: what this leg may spend more at each account, one
    alone. These four are empty where cash does not bind it. `ended`: how many legs had ended.
    """

    parent_id: ParentId
    verdict: ReleaseVerdict
    pace: Decimal | None
    quantity: Decimal | None
    credited: tuple[CashAt, ...]
    drawn: tuple[CashAt, ...]
    above: tuple[Cash, ...]
    room: tuple[CashAt, ...]
    ended: int
    at_ns: Nanos
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BasketEnded:
    """Its last leg has ended. What became of each is in the legs' own facts."""

    basket_id: ParentId
    state: BasketState
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class Tape:
    """How far one listing's prints were counted: all of its epoch, and those that were or may be ours (base)."""

    listing_id: ListingId
    epoch_ns: Nanos
    printed: Decimal
    ours: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSeen:
    """What others traded since a parent's start at the listings it may use (base), counted up to here.

    `gap`: prints since the reading before may be missing from it.
    """

    parent_id: ParentId
    total: Decimal
    gap: bool
    tapes: tuple[Tape, ...]
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class PilotEnded:
    """The pilot of a parent is done: it waits for a person's word.

    `counted`: done of what it asks for. `all_in_price` in reporting currency per unit of base; bps from the mid at
    arrival, positive hurts: as measured, and as its rounds were planned. `rounds` are not counted against the rest.
    """

    parent_id: ParentId
    counted: Decimal
    all_in_price: Decimal | None
    measured_bps: Decimal | None
    planned_bps: Decimal | None
    rounds: int
    at_ns: Nanos
    estimated_bps: Decimal | None = None
    """As the estimate had it that the order came with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PilotConfirmed:
    """Somebody has seen what the pilot cost: the rest may go."""

    parent_id: ParentId
    principal: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentAmended:
    """A parent goes on under other terms: the same id, side and instrument."""

    order: ParentOrder
    principal: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class AmendRefused:
    """Terms that a parent cannot go on under: it stays as it was."""

    parent_id: ParentId
    why: str
    principal: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclusion:
    """Why a listing got nothing, or less than it could have had."""

    listing_id: ListingId
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedChild:
    """One child as planned. `effective_price`: reporting currency per unit of base, fee and FX included."""

    client_id: ClientOrderId
    listing_id: ListingId
    quantity: Decimal
    limit_price: Decimal
    expected_price: Decimal
    effective_price: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundPlanned:
    """The decision record of one round; the view it was made on is the event of the same journal row.

    `due`, `residual` in base; `all_in_cost` (what the planned quantity should cost, or bring, all in) and
    `marginal_price` in reporting currency.
    """

    parent_id: ParentId
    round: int
    at_ns: Nanos
    due: Decimal
    children: tuple[PlannedChild, ...]
    residual: Decimal
    residual_reason: str | None
    all_in_cost: Decimal | None
    marginal_price: Decimal | None
    exclusions: tuple[Exclusion, ...]
    dust: bool = False
    """What is due is below the minimum of every listing there is: no later round can do better."""
    fee_bases: tuple[FeeBasis, ...] = ()
    """Where a token's discount is to be had: was it counted on, and by what?"""
    fill_chances: str | None = None
    """The version of the learned set the split reckoned with; None: none was switched on."""
    counted: Decimal | None = None
    """What was due in what the order counts, where that is not base as it trades."""
    rests: bool = False
    """Its children are to stand in their books, not to take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildIntended:
    """The intent to place a child, with what it reserves at its account: durable before its first byte leaves."""

    order: ChildOrder
    reserved_asset: str
    reserved: Decimal
    notional: Decimal
    """Worst-case value in reporting currency, counted against the day at once."""
    counts: Decimal | None = None
    """The most it may come to of what its parent asked for, where that is not base as it trades."""
    effective_price: Decimal | None = None
    """What a unit of it was planned at, all in, in reporting currency; said of a pilot's children only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyCounted:
    """One more copy of the same intent may leave. Durable before it does."""

    client_id: ClientOrderId
    copy: int
    deadline_ns: Nanos | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildMoved:
    """A child changed state. `executed` is what the venue says it did in all, where it said so."""

    client_id: ClientOrderId
    state: ChildState
    at_ns: Nanos
    reason: str
    venue_order_id: VenueOrderId | None = None
    executed: Decimal | None = None
    durable_ns: Nanos | None = None
    """When the intent of the copy that was answered was on disk."""
    sent_ns: Nanos | None = None
    """When that copy's first byte left."""
    refused_for_good: bool = False
    """The venue's refusal was not a 'try again later': after a few in a row the listing is left alone."""
    not_sent: bool = False
    """No byte of it left: its notional is given back, and its round does not count."""


class EvidenceKind(StrEnum):
    """What a look-up told."""

    MISSING = "MISSING"
    UNCLEAR = "UNCLEAR"
    STRANGERS = "STRANGERS"


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceNoted:
    """One answer to a look-up that did not find the child, stamped with when it was asked."""

    client_id: ClientOrderId
    kind: EvidenceKind
    asked_ns: Nanos
    endpoints: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LateFillSuspected:
    """A child that was refused, or proven absent, may be at its venue after all: it is looked up again.

    A clean absence ends that when it was asked for at `settles_ns` or later: what came late may be visible only then.
    """

    client_id: ClientOrderId
    why: str
    settles_ns: Nanos
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class SuspicionEnded:
    """The venue has told what became of a child that was suspected to have traded."""

    client_id: ClientOrderId
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class FillBooked:
    """A venue trade was booked to a child. Never undone."""

    fill: Fill
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerSet:
    """The engine wants to be woken."""

    timer_id: TimerId
    due_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerCleared:
    """A timer fired or is no longer wanted."""

    timer_id: TimerId


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancesTaken:
    """The venue's word on an account's balances, as of when it was asked."""

    account: AccountId
    asked_ns: Nanos
    balances: tuple[Balance, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyTold:
    """An account's key was checked, with another result than before or on another day."""

    account: AccountId
    key: KeyReading


@dataclass(frozen=True, kw_only=True, slots=True)
class FeeTold:
    """A listing's rate for taking, at its first telling (`before_bps` None) or since it changed."""

    account: AccountId
    listing_id: ListingId
    taker_fee_bps: Decimal
    before_bps: Decimal | None
    at_ns: Nanos
    discount: TokenDiscount | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscountMoved:
    """From this round on a listing's fees are reckoned at its token's discount, or not, and `why`."""

    account: AccountId
    listing_id: ListingId
    token: Asset
    holds: bool
    taker_fee_bps: Decimal
    why: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class FeeSurprised:
    """A fill was not charged as listed when it was made. `charged_bps` of its worth; None in a third asset.

    `listed_bps`: the newest rate that may have been in force then.
    """

    account: AccountId
    listing_id: ListingId
    trade_id: TradeId
    listed_bps: Decimal
    charged_bps: Decimal | None
    fees: tuple[Fee, ...]
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerOpened:
    """An account's books begin: what it held in a quiet moment. `counted` stands in that already, by key and time.

    `amounts`: for how much each movement among it does; 0 for one that is only announced.
    """

    account: AccountId
    at_ns: Nanos
    holdings: tuple[Balance, ...]
    counted: tuple[tuple[str, Nanos], ...]
    amounts: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MovementCounted:
    """A deposit, a withdrawal or the like came into an account's books. `change`: what it adds to them now."""

    account: AccountId
    movement: Movement
    change: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class OthersTradeCounted:
    """A trade on our account that was not ours: no fill, but its assets came and went."""

    trade: VenueTrade


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldingJudged:
    """A reading held against the books. `difference` 0: they agree again; else it `stays`, or was seen once."""

    account: AccountId
    asset: Asset
    expected: Decimal
    found: Decimal
    difference: Decimal
    stays: bool
    asked_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferenceExplained:
    """The operator's word for what moved without our doing: it is in the books from now on."""

    account: AccountId
    asset: Asset
    amount: Decimal
    reason: str
    principal: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class GateMoved:
    """An account's gate opened or closed. New children leave only through an open gate."""

    account: AccountId
    open: bool
    reason: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountPaused:
    """Nothing new goes to this account until then: it asked us to slow down, or could not be reached."""

    account: AccountId
    until_ns: Nanos
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WatermarkMoved:
    """All of an account's trades up to `trades_until_ns` have been read and booked or reported."""

    account: AccountId
    trades_until_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltMoved:
    """The router was halted or resumed."""

    level: HaltLevel
    reason: str
    principal: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class StrangerSeen:
    """An order at a venue that no intent of ours explains. Reported; never touched unless its id carries our tag."""

    order: VenueOrder
    ours_by_tag: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StrangersFollowed:
    """Strangers' orders that a reading shows no more, shows again, or has not shown for so long that it forgets them.

    Each by account and the venue's id, as one word.
    """

    account: AccountId
    missed: tuple[str, ...]
    back: tuple[str, ...]
    forgotten: tuple[str, ...]
    asked_ns: Nanos


class BreachKind(StrEnum):
    """Something that must never happen, did."""

    FILL_WITHOUT_ORDER = "FILL_WITHOUT_ORDER"
    """A trade of an order that was refused, or proven never placed."""
    ALIVE_AFTER_END = "ALIVE_AFTER_END"
    CONTRADICTED = "CONTRADICTED"
    """An answer that cannot be true of an order the venue is known to have."""
    OVERFILLED = "OVERFILLED"
    """A child, or with a late fill its parent, has more than was asked for."""
    UNKNOWN_TAGGED_ORDER = "UNKNOWN_TAGGED_ORDER"
    UNKNOWN_TAGGED_TRADE = "UNKNOWN_TAGGED_TRADE"


@dataclass(frozen=True, kw_only=True, slots=True)
class BreachRaised:
    """An invariant did not hold. A person must look."""

    kind: BreachKind
    account: AccountId
    client_id: ClientOrderId | None
    detail: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentRecovered:
    """A parent nobody asked for stands for adopted orders; said again, it has grown by another one."""

    order: ParentOrder
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildAdopted:
    """An order with our tag that no intent explained is a child from now on, with what it may use up.

    `incarnation`: the life of the database that gave its id out; None where its parent is not known. `notional` is its
    worth at its limit, in the reporting currency.
    """

    order: ChildOrder
    venue_order_id: VenueOrderId
    reserved_asset: str
    reserved: Decimal
    notional: Decimal
    incarnation: int | None
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedTradeSeen:
    """A trade of an order with our tag that nothing here explains. `excused`: a restore says why."""

    account: AccountId
    client_id: ClientOrderId
    excused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreBegun:
    """RECOVERY: the database is a backup of `since_ns`. Nothing new leaves until what it lost is found."""

    incarnation: int
    since_ns: Nanos
    accounts: tuple[AccountId, ...]
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreRead:
    """An account was read since the backup's time."""

    account: AccountId


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreEnded:
    """What the backup did not know was looked for everywhere: children may leave again."""

    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class HuntBegun:
    """Before anything is planned for this parent, the children it may have lost are looked for."""

    parent_id: ParentId
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class HuntAsked:
    """These ids, of one child number, are asked for. `misses`: numbers in a row before it that nobody knew.

    `known`: a child of that number is here already.
    """

    parent_id: ParentId
    number: int
    misses: int
    ids: tuple[tuple[ClientOrderId, AccountId], ...]
    known: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class HuntAnswered:
    """One id was found, or is not known at its account."""

    parent_id: ParentId
    client_id: ClientOrderId
    found: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class HuntEnded:
    """Enough numbers in a row are known nowhere."""

    parent_id: ParentId
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentArchived:
    """A parent that is over leaves the state; this row is where it is found again."""

    parent: ArchivedParent
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentRecalled:
    """Somebody spoke of a parent that had left: it is back as it was kept."""

    parent: ArchivedParent
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolutionProposed:
    """One person's word on a quarantined child: it counts once a second person says the same."""

    resolution: Resolution
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolutionTaken:
    """A quarantine was ended by people. `proposed_by`: who had said the same first, where two are needed."""

    resolution: Resolution
    proposed_by: str | None
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolutionRefused:
    """A person's word that cannot be taken, and why."""

    resolution: Resolution
    why: str
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupeNoted:
    """What a probe is about to do, or found: the venue's licence, or the reason why it has none."""

    probe: DedupeProbed


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionFailed:
    """Our own bug: deciding on this row's event raised. The event changed nothing; the router comes back HALTED."""

    error: str
    at_ns: Nanos


Fact = (
    DriverStarted
    | ParentTaken
    | ParentTurnedDown
    | ParentMoved
    | ArrivalSeen
    | ParentTriggered
    | PilotEnded
    | PilotConfirmed
    | LegReleased
    | BasketEnded
    | VolumeSeen
    | ParentAmended
    | AmendRefused
    | RoundPlanned
    | ChildIntended
    | CopyCounted
    | ChildMoved
    | EvidenceNoted
    | LateFillSuspected
    | SuspicionEnded
    | FillBooked
    | TimerSet
    | TimerCleared
    | BalancesTaken
    | KeyTold
    | FeeTold
    | DiscountMoved
    | FeeSurprised
    | LedgerOpened
    | MovementCounted
    | OthersTradeCounted
    | HoldingJudged
    | DifferenceExplained
    | GateMoved
    | AccountPaused
    | WatermarkMoved
    | HaltMoved
    | StrangerSeen
    | StrangersFollowed
    | BreachRaised
    | ParentRecovered
    | ChildAdopted
    | TaggedTradeSeen
    | RestoreBegun
    | RestoreRead
    | RestoreEnded
    | HuntBegun
    | HuntAsked
    | HuntAnswered
    | HuntEnded
    | ParentArchived
    | ParentRecalled
    | ResolutionProposed
    | ResolutionTaken
    | ResolutionRefused
    | DedupeNoted
    | DecisionFailed
)
