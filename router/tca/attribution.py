"""Which venue cost what: an exact sum over liquidity, each venue's slippage, and the routing between them.

Cost is positive when it hurt. A venue is held against its own displayed book at the decision, never against the
others': the router sends harder flow to deeper venues.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import ListingId
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, exactly
from router.model.side import Side
from router.split.evaluate import levels_for, sweep


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What was filled at a listing: base, and the cash a buy took or a sell brought, all in, in reporting currency."""

    quantity: Decimal
    all_in: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class VenuePart:
    """One listing's part. `swept`: what the same quantity showed to cost there; `beyond_depth` of it was not shown."""

    listing_id: ListingId
    quantity: Decimal
    all_in: Decimal
    swept: Decimal
    slippage: Decimal
    beyond_depth: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution:
    """In reporting currency: `liquidity + sum of slippages + routing == total`, to the last digit.

    `total`: against the decision's mid, all in. `liquidity`: what the plan of the same quantity showed to cost.
    `routing`: what the quantities that came about at each venue showed to cost beyond that plan; never below 0 if the
    plan is best.
    """

    total: Decimal
    liquidity: Decimal
    venues: tuple[VenuePart, ...]
    routing: Decimal


def attribution(
    side: Side, view: MarketView, mid: Decimal, planned_all_in: Decimal, done: Mapping[ListingId, Done]
) -> Attribution | None:
    """Of fills held against the decision's `view`; `planned_all_in`: the plan's all-in cash for the quantity done.

    None where a listing that filled had no book or no mark in the view: then nobody can say what it showed.
    """
    parts = []
    for listing_id, one in sorted(done.items()):
        listing = next((found for found in view.listings if found.listing.id == listing_id), None)
        part = None if listing is None else _part(side, view, listing, one)
        if part is None:
            return None
        parts.append(part)
    sign = side.sign
    with exactly():
        quantity = sum((one.quantity for one in parts), ZERO)
        cash = sign * sum((one.all_in for one in parts), ZERO)
        swept = sign * sum((one.swept for one in parts), ZERO)
        at_mid, planned = sign * quantity * mid, sign * planned_all_in
        found = Attribution(
            total=cash - at_mid, liquidity=planned - at_mid, venues=tuple(parts), routing=swept - planned
        )
        assert found.liquidity + sum((one.slippage for one in parts), ZERO) + found.routing == found.total
    return found


def _part(side: Side, view: MarketView, listing: ListingView, done: Done) -> VenuePart | None:
    rate = view.fx_rate(listing.listing.quote)
    if rate is None or not levels_for(listing, side):
        return None
    shown = sweep(listing, side, done.quantity, rate)
    with exactly():
        slippage = side.sign * (done.all_in - shown.all_in)
    return VenuePart(
        listing_id=listing.listing.id,
        quantity=done.quantity,
        all_in=done.all_in,
        swept=shown.all_in,
        slippage=slippage,
        beyond_depth=shown.beyond_depth,
    )
