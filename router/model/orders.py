"""Parents, children, fills: what was asked for, what was sent, what was done."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from router.model.baskets import Leg
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    ParentId,
    RefId,
    TradeId,
    VenueId,
    VenueOrderId,
)
from router.model.policies import PLAIN, Envelope, PolicyParams
from router.model.side import Side


class ChildState(StrEnum):
    """Where a child stands. Quantity is not a state: partly filled is `0 < filled < quantity`."""

    PENDING_NEW = "PENDING_NEW"
    IN_DOUBT = "IN_DOUBT"
    WORKING = "WORKING"
    PENDING_CANCEL = "PENDING_CANCEL"
    CLOSING = "CLOSING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    NEVER_PLACED = "NEVER_PLACED"
    QUARANTINED = "QUARANTINED"

    @property
    def ended(self) -> bool:
        """No more exposure than what filled."""
        return self in _CHILD_ENDS

    @property
    def in_doubt(self) -> bool:
        """Not all that happened is known: whether it is there, or what it did."""
        return self in _CHILD_DOUBTS

    @property
    def never_taken(self) -> bool:
        """Over because the venue refused it, or was proven not to have it: nothing of it can have traded."""
        return self in (ChildState.REJECTED, ChildState.NEVER_PLACED)


_CHILD_ENDS = frozenset(
    {ChildState.FILLED, ChildState.CANCELLED, ChildState.EXPIRED, ChildState.REJECTED, ChildState.NEVER_PLACED}
)
_CHILD_DOUBTS = frozenset({ChildState.IN_DOUBT, ChildState.CLOSING, ChildState.QUARANTINED})


class ParentState(StrEnum):
    """Where a parent stands."""

    PENDING_APPROVAL = "PENDING_APPROVAL"
    ACCEPTED = "ACCEPTED"
    WORKING = "WORKING"
    PAUSED = "PAUSED"
    CANCEL_PENDING = "CANCEL_PENDING"
    FILLED = "FILLED"
    DONE_PARTIAL = "DONE_PARTIAL"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        """Final: every child has ended too."""
        return self in _PARENT_ENDS

    @property
    def plannable(self) -> bool:
        """May new children be planned?"""
        return self in (ParentState.ACCEPTED, ParentState.WORKING)


_PARENT_ENDS = frozenset(
    {
        ParentState.FILLED,
        ParentState.DONE_PARTIAL,
        ParentState.CANCELLED,
        ParentState.EXPIRED,
        ParentState.REJECTED,
        ParentState.FAILED,
    }
)


class TimeInForce(StrEnum):
    """How long a child may stand in the book."""

    IOC = "IOC"
    GTC = "GTC"


class QuantityBasis(StrEnum):
    """What the parent's quantity counts."""

    GROSS = "GROSS"
    """Base traded, before a fee taken in base."""
    NET = "NET"
    """Base received, or given away, with a fee taken in base."""
    VALUE = "VALUE"
    """Reporting currency paid, or received, before fees."""
    VALUE_NET = "VALUE_NET"
    """Reporting currency paid, or received, with fees; one taken in base is no part of it."""

    @property
    def by_value(self) -> bool:
        """Is money counted, and not base?"""
        return self in (QuantityBasis.VALUE, QuantityBasis.VALUE_NET)


RECOVERED = "RECOVERED"
"""The policy of a parent nobody asked for: it stands for adopted orders whose own parent is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimateGiven:
    """The estimate an order came with: its digest, and what it said. `view`: the digest of the market it saw.

    `all_in_price` in reporting currency per unit of base; `slippage_bps` from the consolidated mid, positive hurts.
    """

    id: str
    at_ns: Nanos
    view: str
    all_in_price: Decimal | None = None
    slippage_bps: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentOrder:
    """An order as its owner gave it, defaults filled in. `limit_price` in reporting currency.

    `quantity` is the most base that may trade. `asked`: how much it asks for of what `quantity_basis` counts, where
    that is not base as it trades; `quantity` is 0 then until it is accepted, and fixed from there on.
    """

    id: ParentId
    entity: EntityId
    ref_id: RefId
    instrument: InstrumentId
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    policy: str
    params: PolicyParams
    quantity_basis: QuantityBasis = QuantityBasis.GROSS
    venues_include: tuple[VenueId, ...] | None = None
    venues_exclude: tuple[VenueId, ...] = ()
    principal: str = "local"
    envelope: Envelope = PLAIN
    asked: Decimal | None = None
    estimate: EstimateGiven | None = None
    leg: Leg | None = None
    """Of a basket, if it is one."""

    @property
    def size(self) -> Decimal:
        """What it asks for, in what its basis counts."""
        return self.quantity if self.asked is None else self.asked

    def may_use(self, venue: VenueId) -> bool:
        """Does the order allow this venue?"""
        return venue not in self.venues_exclude and (self.venues_include is None or venue in self.venues_include)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildOrder:
    """One intent to trade at one listing. `limit_price` in the listing's quote currency.

    `deadline_ns` is when the venue must refuse the request if it arrives later (our clock; the connector translates
    to the venue's); None where the venue takes no deadline. `post_only` goes with GTC alone: the venue may not let the
    order take; what would trade on arrival is refused, or ended without a fill, as the venue does it.
    """

    client_id: ClientOrderId
    parent_id: ParentId
    entity: EntityId
    number: int
    venue: VenueId
    account: AccountId
    listing_id: ListingId
    symbol: str
    base: Asset
    quote: Asset
    side: Side
    quantity: Decimal
    limit_price: Decimal
    time_in_force: TimeInForce
    decided_at_ns: Nanos
    deadline_ns: Nanos | None
    post_only: bool = False

    @property
    def contradiction(self) -> str | None:
        """What no venue could do as asked; None when the terms agree."""
        if self.post_only and self.time_in_force is not TimeInForce.GTC:
            return (
                f"a post-only order may not take and an {self.time_in_force} order may not rest: one of them, not both"
            )
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fee:
    """What the venue took: positive is a charge, negative a rebate."""

    asset: Asset
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueTrade:
    """One execution as the venue's trade list tells it."""

    account: AccountId
    symbol: str
    trade_id: TradeId
    venue_order_id: VenueOrderId
    side: Side
    price: Decimal
    quantity: Decimal
    fees: tuple[Fee, ...]
    maker: bool | None
    venue_time_ns: Nanos
    client_id: ClientOrderId | None = None


class VenueOrderStatus(StrEnum):
    """What a venue says of an order, in the four words that matter to us."""

    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def ended(self) -> bool:
        """The venue will not execute any more of it."""
        return self is not VenueOrderStatus.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueOrder:
    """An order as the venue's own record tells it. `client_id` is decoded; None when it is not one of our ids."""

    account: AccountId
    symbol: str
    venue_order_id: VenueOrderId
    client_id: ClientOrderId | None
    side: Side
    status: VenueOrderStatus
    quantity: Decimal
    executed: Decimal
    limit_price: Decimal | None
    venue_time_ns: Nanos | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """A trade booked to a child, once. The booking key is (account, symbol, trade id, venue order id, side)."""

    client_id: ClientOrderId
    parent_id: ParentId
    trade: VenueTrade

    @property
    def booking_key(self) -> str:
        """Unique for ever: trade ids are per symbol at several venues, and a self-trade shows one id on two orders."""
        return booking_key(self.trade)


def booking_key(trade: VenueTrade) -> str:
    """The text under which a trade can be booked only once."""
    return f"{trade.account}|{trade.symbol}|{trade.trade_id}|{trade.venue_order_id}|{trade.side}"


T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Approved(Generic[T_co]):
    """Something risk has looked at and let pass. Only `router.risk` makes one."""

    value: T_co
    approved_at_ns: Nanos
    halt_epoch: int
