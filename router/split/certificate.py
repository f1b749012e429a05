"""What a proof says, in numbers that anybody can work out again from the market and the request."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import ListingId
from router.split.plan import Plan


class Status(StrEnum):
    """Why the search for a better plan or a better bound ended."""

    OPTIMAL = "optimal"
    """Plan and bound are the same, to a millionth of a basis point."""
    GAP_LIMIT = "gap_limit"
    """They are as close as was asked."""
    NODE_LIMIT = "node_limit"
    """As many boxes were looked at as allowed, or there was nothing left to decide."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Duals:
    """Multipliers: what one more unit of something scarce is worth. All in reporting currency.

    `marginal_price` (lambda, signed: a sell's is negative) per unit of base; `order_price` (nu) per order; `shares`
    (gamma) by the name of what is shared, per unit of it.
    """

    marginal_price: Decimal
    order_price: Decimal
    shares: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A box that was not cut: its bound follows from these multipliers. None: nothing fits into it."""

    duals: Duals | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A box that was cut: at most `quantity` at the listing in `below`, more in `above`."""

    listing_id: ListingId
    quantity: Decimal
    below: "Cut | Leaf"
    above: "Cut | Leaf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """No plan for the request can cost less than `lower`; this one costs `upper`. Reporting currency, less is better.

    Costs are signed (a sell's proceeds are negative) and hold the orders' cost and the residual at `residual_price`.
    `lower` is the least over the leaves of `tree`; `lower_hull` the bound of `root` alone, which is portable by itself;
    `lower_lp` that of `linear`, the plain relaxation. `gap_bps` of `notional` = quantity x consolidated mid (the best
    all-in price where there is no mid). `nodes`: boxes looked at beside the first.
    """

    residual_price: Decimal
    notional: Decimal
    upper: Decimal
    lower: Decimal
    lower_hull: Decimal
    lower_lp: Decimal
    gap_bps: Decimal
    nodes: int
    status: Status
    root: Duals
    linear: Duals
    tree: Cut | Leaf


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A plan and its certificate; None where no listing could be used and nothing can be said.

    `better`: a cheaper plan found on the way, with its saving in basis points of the notional; None when there is none.
    """

    plan: Plan
    certificate: Certificate | None
    better: Plan | None
    better_bps: Decimal | None
