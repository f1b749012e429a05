"""Several orders worked as one: legs that share their cash and keep pace with each other."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import AccountId, Asset, ParentId, RefId


class CashConstraint(StrEnum):
    """Whose money the buys of a basket may spend."""

    SELF_FUNDING = "SELF_FUNDING"
    """What its sells brought in, at the account and in the asset where they brought it."""
    STATED = "STATED"
    """That, and a stated amount of each asset beside it, wherever it lies."""
    FREE = "FREE"
    """Whatever the accounts hold."""


class InDoubt(StrEnum):
    """What buys do while the outcome of a sell is unknown. What is in doubt funds nothing either way."""

    WAIT = "WAIT"
    """Nothing new of them leaves."""
    SCALE = "SCALE"
    """They go on with what has settled; a sell that waits for a person is waited for no longer."""


class BasketState(StrEnum):
    """How a basket ended."""

    COMPLETED = "COMPLETED"
    COMPLETED_ADJUSTED = "COMPLETED_ADJUSTED"
    """A leg ended short of what was asked; each leg's reason says why."""
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cash:
    """So much of an asset, wherever it lies."""

    asset: Asset
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class CashAt:
    """So much of an asset at one account."""

    account: AccountId
    asset: Asset
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class BasketTerms:
    """What binds the legs together.

    `cash` goes with STATED. `buffer`: no release takes what all accounts hold of the asset below this. `sell_first`:
    beside proceeds nothing is spent before every sell has ended. The imbalance bounds how far either side, with all
    that may be filling, is ahead of what the other side has filled: as a share of the sides, or in reporting currency,
    at the mids of the legs' arrivals.
    """

    cash_constraint: CashConstraint = CashConstraint.SELF_FUNDING
    cash: tuple[Cash, ...] = ()
    buffer: tuple[Cash, ...] = ()
    sell_first: bool = True
    max_imbalance_share: Decimal | None = None
    max_imbalance_notional: Decimal | None = None
    when_in_doubt: InDoubt = InDoubt.WAIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """Which leg of which basket an order is: number 1 to `legs`. `ref_id` is the basket's."""

    basket_id: ParentId
    ref_id: RefId
    number: int
    legs: int
    terms: BasketTerms
