"""State as plain records: what a snapshot stores."""

from dataclasses import dataclass, field
from decimal import Decimal

from router.balances import Holding
from router.conservation import Ledger
from router.model.events import HaltLevel, Started
from router.model.ids import AccountId, Asset, ClientOrderId, EntityId, ListingId, Nanos, ParentId, TimerId
from router.model.instruments import TokenDiscount
from router.model.keys import KeyReading
from router.model.market import FeeBasis
from router.orders.records import Child, Parent

IMAGE_VERSION = 2
"""Raised with every change of shape: an image of another version is ignored, and the journal read from its start."""


@dataclass(kw_only=True, slots=True)
class AccountGate:
    """May new children go to an account? `starting` until its first read since the driver took over."""

    open: bool
    starting: bool
    reason: str


@dataclass(kw_only=True, slots=True)
class FeeTerms:
    """What a listing was told to charge from `told_ns` on; what it charged shortly before, nobody can say."""

    taker_fee_bps: Decimal
    discount: TokenDiscount | None
    told_ns: Nanos


@dataclass(kw_only=True, slots=True)
class DayNotional:
    """What an entity's children were worth at most, since UTC midnight of `day`."""

    day: int
    notional: Decimal


@dataclass(kw_only=True, slots=True)
class Worth:
    """What the newest child in a quote currency was worth: `sent` at its limit, in the quote, as `notional`."""

    sent: Decimal
    notional: Decimal


@dataclass(kw_only=True, slots=True)
class Restoring:
    """RECOVERY: since when, and which accounts were not read since."""

    began_ns: Nanos
    unread: set[AccountId]


@dataclass(kw_only=True, slots=True)
class Hunt:
    """The search for children a parent may have lost: the number being asked for, and the ids not answered yet."""

    number: int = 0
    misses: int = 0
    waiting: dict[ClientOrderId, AccountId] = field(default_factory=dict)
    found: bool = False
    """Is a child of this number known, here or there?"""


@dataclass(kw_only=True, slots=True)
class StateImage:
    """Everything in `router.engine.state.State`."""

    started: Started | None
    started_ns: Nanos
    last_ns: Nanos
    parents: list[Parent]
    children: list[Child]
    holdings: dict[AccountId, dict[Asset, Holding]]
    gates: dict[AccountId, AccountGate]
    pauses: dict[AccountId, Nanos]
    watermarks: dict[AccountId, Nanos]
    timers: dict[TimerId, Nanos]
    halt_level: HaltLevel
    halt_reason: str
    halt_epoch: int
    days: dict[EntityId, DayNotional]
    strangers: set[str]
    keys: dict[AccountId, KeyReading] = field(default_factory=dict)
    ledgers: dict[AccountId, Ledger] = field(default_factory=dict)
    fees: dict[ListingId, Decimal] = field(default_factory=dict)
    fee_surprises: set[ListingId] = field(default_factory=set)
    printed: dict[ListingId, Decimal] = field(default_factory=dict)
    unreleased_ns: Nanos | None = None
    restoring: Restoring | None = None
    hunts: dict[ParentId, Hunt] = field(default_factory=dict)
    restored_ns: Nanos | None = None
    restored_since_ns: Nanos | None = None
    tagged: dict[ClientOrderId, AccountId] = field(default_factory=dict)
    excused: set[ClientOrderId] = field(default_factory=set)
    fee_terms: dict[ListingId, list[FeeTerms]] = field(default_factory=dict)
    fee_bases: dict[ListingId, FeeBasis] = field(default_factory=dict)
    discounts: dict[ListingId, bool] = field(default_factory=dict)
    worths: dict[Asset, Worth] = field(default_factory=dict)
    strangers_gone: dict[str, Nanos] = field(default_factory=dict)
