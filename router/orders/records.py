"""A parent and a child as the blotter keeps them: the only mutable things in the order rooms."""

from dataclasses import dataclass, field
from decimal import Decimal

from router.model.facts import ArrivalSeen, LegReleased, PilotEnded, VolumeSeen
from router.model.ids import Asset, ClientOrderId, ListingId, Nanos, VenueOrderId
from router.model.money import ZERO
from router.model.orders import ChildOrder, ChildState, ParentOrder, ParentState, TimeInForce
from router.model.resolutions import Resolution


@dataclass(kw_only=True, slots=True)
class Evidence:
    """One clean 'I do not know this order', by when it was asked and where."""

    asked_ns: Nanos
    endpoints: tuple[str, ...]


@dataclass(kw_only=True, slots=True)
class Proposal:
    """What one person said of a quarantined child, until a second one says the same."""

    resolution: Resolution
    at_ns: Nanos


@dataclass(kw_only=True, slots=True)
class Child:
    """One intent and all we know of it. Quantities in base; `spent` is Σ price * quantity in quote."""

    order: ChildOrder
    reserved_asset: Asset
    reserved: Decimal
    notional: Decimal
    state: ChildState = ChildState.PENDING_NEW
    copies: int = 1
    deadline_ns: Nanos | None = None
    """The latest of its copies' deadlines."""
    doubt_since_ns: Nanos | None = None
    ended_ns: Nanos | None = None
    venue_order_id: VenueOrderId | None = None
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    fee_drawn: Decimal = ZERO
    """Fees taken in the reserved asset."""
    counts: Decimal | None = None
    """The most it may come to of what its parent asked for, where that is not base as it trades."""
    effective_price: Decimal | None = None
    """What a unit of a pilot's child was planned at, all in."""
    fee_base: Decimal = ZERO
    fee_quote: Decimal = ZERO
    """Fees taken in base, and in quote; one in a third asset counts as the listing's full rate in quote."""
    fee_received: Decimal = ZERO
    """Fees taken in the asset it brought in: quote of a sell, base of a buy."""
    executed: Decimal | None = None
    sent_ns: Nanos | None = None
    """When the first byte of a copy left, by the last answer that said so."""
    reason: str = ""
    booked: set[str] = field(default_factory=set)
    misses: list[Evidence] = field(default_factory=list)
    looks: int = 0
    breaches: set[str] = field(default_factory=set)
    """What was alarmed about it: the same thing seen again is no second alarm."""
    strangers: bool = False
    """The last look-up saw trades there that no order we know explains."""
    proposal: Proposal | None = None
    acked_ns: Nanos | None = None
    """When it was first known to be at its venue."""
    missing_since_ns: Nanos | None = None
    """Since when every look-up says that its venue does not know it, although it was there."""
    suspected_ns: Nanos | None = None
    """Refused or proven absent, it may be there after all: a clean absence asked for from then on ends that."""

    @property
    def exposure(self) -> Decimal:
        """What may have traded or may still trade: everything until an end, then what filled."""
        return self.filled if self.state.ended else max(self.order.quantity, self.filled)

    @property
    def rests(self) -> bool:
        """Was it sent to stand in a book until it fills or is withdrawn?"""
        return self.order.time_in_force is TimeInForce.GTC

    @property
    def stands(self) -> bool:
        """Does it rest, as far as we know, with nothing about it open?"""
        whole = self.executed is None or self.executed <= self.filled
        return self.rests and self.state is ChildState.WORKING and self.missing_since_ns is None and whole

    @property
    def unsettled(self) -> Decimal:
        """Exposure that is not a fill yet."""
        return self.exposure - self.filled


@dataclass(kw_only=True, slots=True)
class Parent:
    """One parent and where it stands."""

    order: ParentOrder
    accepted_ns: Nanos
    state: ParentState = ParentState.ACCEPTED
    reason: str = ""
    ended_ns: Nanos | None = None
    children: list[ClientOrderId] = field(default_factory=list)
    rounds: int = 0
    rounds_stopped: int = 0
    """Rounds of which a child never left: they are not counted against the policy's, within reason."""
    last_stopped: int = 0
    last_round_ns: Nanos | None = None
    last_round_sent: bool = False
    last_round_rests: bool = False
    residual_reason: str = ""
    """Why the last round could not place all that was due."""
    dust: Decimal | None = None
    """A due quantity that is below every minimum, if the last round found it so."""
    refusals: dict[ListingId, int] = field(default_factory=dict)
    """Refusals in a row, by listing."""
    bounces: dict[ListingId, int] = field(default_factory=dict)
    """How often in a row what was quoted there was not let stand: refused, or ended by its venue without a fill."""
    bounced_ns: dict[ListingId, Nanos] = field(default_factory=dict)
    """When that was last so."""
    adopted: bool = False
    """It was given children that this database had not known of, beside those it holds for doubtful itself."""
    amended_from: int = 0
    """Children below this number were sent under terms that were amended since."""
    arrival: ArrivalSeen | None = None
    triggered_ns: Nanos | None = None
    volume: VolumeSeen | None = None
    volume_before: Decimal = ZERO
    """What others had traded when its last round was sent."""
    pilot: PilotEnded | None = None
    pilot_confirmed: bool = False
    held: bool = False
    """PAUSED by its own bounds, not by a person."""
    breached: bool = False
    """A fill turned up that was proven impossible: no new child of this parent."""
    released: LegReleased | None = None
    """As a leg of a basket: how far it may go."""
    rounds_before: int = 0
    """Rounds before others' progress gave it more to do: they are not counted against the policy's."""
    recalled_ns: Nanos | None = None
    """When it was last brought back from the archive."""
