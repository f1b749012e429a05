"""What a split is asked and what it answers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from router.model.facts import Exclusion
from router.model.ids import AccountId, Asset, ListingId, VenueId
from router.model.market import MarketView
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
    """

    short_bps: Decimal = Decimal(50)
    residual_price: Decimal | None = None
    reserve: Reserve = Reserve.WORST
    child_notional_max: Decimal | None = None
    children_max: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRequest:
    """Divide `quantity` (base) of the view's instrument.

    `limit_price` in reporting currency, against the raw price after FX; `collar_prices` likewise, by listing: the
    router's own bound beside the customer's, under its own name. `spendable`: what may be used per account and
    asset, absent means nothing; None means that balances do not matter (an estimate without accounts). `blocked`
    listings get nothing, for the reason given.
    """

    view: MarketView
    side: Side
    quantity: Decimal
    limit_price: Decimal | None = None
    collar_prices: Mapping[ListingId, Decimal] = field(default_factory=dict)
    spendable: Spendable | None = None
    venues_include: Collection[VenueId] | None = None
    venues_exclude: Collection[VenueId] = ()
    blocked: Mapping[ListingId, str] = field(default_factory=dict)
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
    """The split. Sum of lines + `residual` = the quantity asked, always.

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
