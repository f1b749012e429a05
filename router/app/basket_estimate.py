"""What a basket should come to: its legs' estimates, and what of the buys the sells and the cash pay for."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from router.app.estimate import Estimate, estimate
from router.app.parts import Router
from router.baskets import scale_of
from router.model.baskets import CashConstraint
from router.model.ids import Asset
from router.model.money import ZERO, roughly
from router.model.orders import ParentOrder
from router.model.side import Side
from router.tca.band import WATCH_MS

WORKING = Decimal("0.95")
"""What a plan takes of proceeds that have not come yet: in execution it is nothing until they have settled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Funding:
    """In reporting currency, all in. `cash` None is no bound; `scale`: the part of the buys that is paid for.

    `at_once`: what buys may spend before any sell has settled; the rest waits for proceeds.
    """

    cash: Decimal | None
    buffer: Decimal
    proceeds: Decimal
    needed: Decimal
    at_once: Decimal | None
    scale: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class BasketEstimate:
    """The legs' estimates, by number, each on the market as it stood then."""

    legs: tuple[Estimate, ...]
    funding: Funding


async def estimate_basket(router: Router, legs: tuple[ParentOrder, ...], *, watch_ms: int = WATCH_MS) -> BasketEstimate:
    """Each leg on the market of this moment. Sends nothing."""
    found = [await estimate(router, leg, watch_ms=watch_ms // len(legs)) for leg in legs]
    held: dict[Asset, Decimal] = {}
    for row in await router.queries.balances():
        held[Asset(row.asset)] = held.get(Asset(row.asset), ZERO) + row.free
    return BasketEstimate(legs=tuple(found), funding=funding(tuple(found), held))


def funding(legs: tuple[Estimate, ...], held: Mapping[Asset, Decimal]) -> Funding:
    """What pays for the buys, as planned (W24). `held`: of all accounts. Assets count at the rate of a leg's view."""
    leg = legs[0].order.leg
    assert leg is not None
    terms, rates = leg.terms, {mark.asset: mark.rate for one in legs for mark in one.view.fx}
    with roughly():
        proceeds, needed = (
            sum((one.found.plan.all_in_cost or ZERO for one in legs if one.order.side is side), ZERO)
            for side in (Side.SELL, Side.BUY)
        )
        buffer = sum((one.amount * rates.get(one.asset, ZERO) for one in terms.buffer), ZERO)
        stated = sum((one.amount * rates.get(one.asset, ZERO) for one in terms.cash), ZERO)
        cash = None if terms.cash_constraint is CashConstraint.FREE else stated
        waits = terms.sell_first and any(one.order.side is Side.SELL for one in legs)
        coming = proceeds * WORKING
        bounds = [] if cash is None else [cash + coming]
        if terms.buffer:
            free = sum((held.get(one.asset, ZERO) * rates.get(one.asset, ZERO) for one in terms.buffer), ZERO)
            bounds.append(free - buffer + coming)
        return Funding(
            cash=cash,
            buffer=buffer,
            proceeds=proceeds,
            needed=needed,
            at_once=ZERO if waits else cash,
            scale=scale_of(max(min(bounds, default=needed), ZERO), needed),
        )
