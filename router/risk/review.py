"""The one place that mints `Approved`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import Nanos
from router.model.instruments import Listing
from router.model.market import ListingView
from router.model.money import ZERO
from router.model.orders import Approved, ChildOrder, ParentOrder
from router.model.terms import RiskLimits, VenueTerms


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskView:
    """All a check may look at. Quantities in base, notionals and `collar_price` in reporting currency.

    `exposure` is the parent's, before this child: filled plus all that may still trade. `available` is what the
    account may spend of the asset the child reserves. `collar_price` is
    the worst raw price the market of this moment allows at the listing (`router.book.collar`). `counted`: what the
    parent has, or may have, of what it asked for, and `counts` the most this child adds; None where that is base.
    """

    limits: RiskLimits
    terms: VenueTerms
    parent: ParentOrder
    listing: Listing
    book: ListingView
    fx_rate: Decimal
    collar_price: Decimal
    exposure: Decimal
    available: Decimal
    reserves: Decimal
    notional: Decimal
    day_notional: Decimal
    outstanding: int
    gate_open: bool
    halted: bool
    halt_epoch: int
    now_ns: Nanos
    counted: Decimal = ZERO
    counts: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a child may not be sent."""

    reason: str


Check = Callable[[ChildOrder, RiskView], str | None]
"""A reason to refuse, or None."""


def review(order: ChildOrder, view: RiskView, checks: Sequence[Check]) -> Approved[ChildOrder] | Refusal:
    """Every check, in order; the first reason refuses."""
    for check in checks:
        if (reason := check(order, view)) is not None:
            return Refusal(reason=reason)
    return Approved(order, approved_at_ns=view.now_ns, halt_epoch=view.halt_epoch)


def approve_copy(
    order: ChildOrder, *, gate_open: bool, halted: bool, halt_epoch: int, now_ns: Nanos
) -> Approved[ChildOrder] | Refusal:
    """Another copy of an intent that was approved and reserved before: only what can have changed is asked again."""
    if halted:
        return Refusal(reason="halted")
    if not gate_open:
        return Refusal(reason=f"{order.account} is not open")
    return Approved(order, approved_at_ns=now_ns, halt_epoch=halt_epoch)
