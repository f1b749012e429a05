"""What a split is asked and what it answers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from router.model.facts import Exclusion
from router.model.ids import AccountId, Asset, ListingId, VenueId
from router.model.market import MarketView
from router.model.money import ONE, ZERO
from router.model.side import Side

Spendable = Mapping[tuple[AccountId, Asset], Decimal]


class Reserve(StrEnum):
    """How much of a balance a buy must find free: what a venue blocks, or what the displayed book would take."""

    WORST = "WORST"
    """Quantity x child's limit price, fee on top."""
    WALK = "WALK"
    """What walking the displayed levels costs, fee on top."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitOptions:
    """Knobs. `child_notional_max` in reporting currency, at the child's limit price (a sell's at the best bid).

    A unit left unfilled counts as `short_bps` worse than the worst level a plain sweep of the quantity needs: so it is
    never cheaper to leave what can be had. `residual_price` (reporting currency per unit, all in) sets that figure
    instead, and then nothing that costs as much is taken.

    `order_cost` (reporting currency) counts against every order sent, `order_costs` at single listings instead of it:
    it weighs in the choice and is no part of `all_in_cost`. `children_max` bounds the orders of a plan, all listings
    together; `orders_each_max` how many may go to one listing where its largest order binds.
    """

    short_bps: Decimal = Decimal(50)
    residual_price: Decimal | None = None
    reserve: Reserve = Reserve.WORST
    child_notional_max: Decimal | None = None
    children_max: int | None = None
    order_cost: Decimal = ZERO
    order_costs: Mapping[ListingId, Decimal] = field(default_factory=dict)
    orders_each_max: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Cap:
    """No more than so much at these listings together: a counterparty's limit, a venue's largest share.

    `quantity` in base, `notional` in reporting currency at the children's limit prices (a sell's at the best bid); None
    bounds nothing. `weights`: what a unit at a listing counts as; 1 where it is not named.
    """

    name: str
    listings: frozenset[ListingId]
    quantity: Decimal | None = None
    notional: Decimal | None = None
    weights: Mapping[ListingId, Decimal] = field(default_factory=dict)

    def weight(self, listing: ListingId) -> Decimal:
        """What a unit at this listing counts as."""
        return self.weights.get(listing, ONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Landing:
    """How sure what is displayed is to be there when an order lands, and what is paid for the part that is not.

    `survival`: by listing the probability for each level, best first, the last one for all deeper levels; a listing
    that is not named is certain. `fallback_price`: all in, per unit, in reporting currency, of what is swept instead.
    """

    survival: Mapping[ListingId, tuple[Decimal, ...]]
    fallback_price: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRequest:
    """Divide `quantity` (base) of the view's instrument.

    `limit_price` in reporting currency, against the raw price after FX, `all_in_limit_price` against the price with its
    fee, without a token's discount; `collar_prices` like the first, by listing: the router's own bound beside the
    customer's, under its own name.
    With a `landing` the split is by expected all-in price. `spendable`: what may be used per account and
    asset, absent means nothing; None means that balances do not matter (an estimate without accounts). `blocked`
    listings get nothing, for the reason given.
    """

    view: MarketView
    side: Side
    quantity: Decimal
    limit_price: Decimal | None = None
    all_in_limit_price: Decimal | None = None
    collar_prices: Mapping[ListingId, Decimal] = field(default_factory=dict)
    spendable: Spendable | None = None
    venues_include: Collection[VenueId] | None = None
    venues_exclude: Collection[VenueId] = ()
    blocked: Mapping[ListingId, str] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    landing: Landing | None = None
    options: SplitOptions = field(default_factory=SplitOptions)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanLine:
    """One child: a marketable limit order at one listing.

    `quantity` in base; `limit_price` and `expected_price` (average) in quote; `effective_price` in reporting currency
    per unit of base, all in; `expected_fee` in `fee_asset`.
    """

    listing_id: ListingId
    quantity: Decimal
    limit_price: Decimal
    expected_price: Decimal
    effective_price: Decimal
    expected_fee: Decimal
    fee_asset: Asset


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The split. Sum of lines + `residual` = the quantity asked, always. Orders at one listing share a limit price.

    `all_in_cost`: what the lines cost (buy) or bring (sell) in reporting currency; `marginal_price`: the worst all-in
    price among them; both None without lines. `residual_price` is what a unit unfilled counts as; None when no listing
    could be used. `exclusions` has a reason for every listing that got nothing or was held back.
    """

    lines: tuple[PlanLine, ...]
    residual: Decimal
    residual_reason: str | None
    all_in_cost: Decimal | None
    marginal_price: Decimal | None
    residual_price: Decimal | None
    exclusions: tuple[Exclusion, ...]
