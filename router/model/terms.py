"""Settings decisions depend on: how long to doubt at an account, and how much may be sent at all."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import AccountId, Asset


class Fence(StrEnum):
    """What makes it safe to say that a lost order will never appear."""

    DEADLINE = "DEADLINE"
    """The venue refuses a request that arrives after its deadline: absence is provable once that has passed."""
    PERMANENT_DEDUPE = "PERMANENT_DEDUPE"
    """An id is good for one order, ever, and the operator has licensed it: the same id may be sent again."""
    NONE = "NONE"
    """Neither: a lost order that cannot be found is quarantined for a person."""


class Orphans(StrEnum):
    """What to do about an open order with our tag that no intent explains. Every choice raises an alarm."""

    ALARM = "alarm"
    """Touch nothing; the account is shut while it stands."""
    CANCEL = "cancel"
    """Adopt it, and take it off the book."""
    ADOPT = "adopt"
    """Make it a child of its parent, or of one that stands for all whose parent is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueTerms:
    """How long to doubt at one account, and what settles a doubt. Times are settings; the lab's are short.

    `request_ttl_ms`: how long after the decision a copy may still be accepted. `engine_wait_ms`: clock error plus the
    venue's own delay between gateway and book. `read_lag_ms`: how long a placed order may stay invisible.
    `look_up_wait_ms`: pause between look-ups. `quarantine_after_ms`: when a doubt without a fence goes to a
    person; and how long such an account gets nothing new after a driver ended without letting go.
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
class ConservationTerms:
    """What follows from a difference nobody explains: an alert always, a shut gate where it says so.

    `tolerance`: by asset, how much is no difference; else one part in 10^8 per booking.
    """

    shut_on_minus: bool = True
    shut_on_plus: bool = False
    tolerance: tuple[tuple[Asset, Decimal], ...] = ()


CONSERVED = ConservationTerms()
