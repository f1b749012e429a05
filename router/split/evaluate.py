"""The one exact cost evaluator, shared by planner, checker, TCA and tests.

Everything in here is Decimal from the raw book under `exactly()`. The search may estimate; what is reported is this.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from router.book.effective import all_in_here, expected_fee_here
from router.model.ids import ListingId
from router.model.market import Level, ListingView
from router.model.money import ZERO, exactly, ratio
from router.model.orders import Fee
from router.model.side import Side


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What taking `quantity` of one listing's displayed depth comes to.

    `notional` in quote; `all_in` in reporting currency, what a buy costs or a sell brings with its fee; `worst_price`
    is the deepest level touched. `beyond_depth` of the quantity was not displayed and is counted at the last level.
    """

    listing_id: ListingId
    quantity: Decimal
    notional: Decimal
    worst_price: Decimal
    fee: Fee
    all_in: Decimal
    beyond_depth: Decimal

    @property
    def average_price(self) -> Decimal:
        """In quote per unit of base, before the fee."""
        return ratio(self.notional, self.quantity)

    @property
    def effective_price(self) -> Decimal:
        """In reporting currency per unit of base, all in."""
        return ratio(self.all_in, self.quantity)


def levels_for(view: ListingView, side: Side) -> tuple[Level, ...]:
    """What an order on `side` takes, best first."""
    return view.asks if side is Side.BUY else view.bids


def sweep(view: ListingView, side: Side, quantity: Decimal, rate: Decimal) -> Swept:
    """Walk the displayed book for `quantity` > 0; `rate` values the quote. The listing must show at least one level."""
    levels = levels_for(view, side)
    assert quantity > 0
    assert levels
    with exactly():
        left, notional, worst = quantity, ZERO, levels[0].price
        for price, size in levels:
            worst = price
            if size >= left:
                notional += price * left
                left = ZERO
                break
            notional += price * size
            left -= size
        notional += worst * left
        return Swept(
            listing_id=view.listing.id,
            quantity=quantity,
            notional=notional,
            worst_price=worst,
            fee=expected_fee_here(view.listing, side, quantity, notional),
            all_in=all_in_here(view.listing, side, notional, rate),
            beyond_depth=left,
        )


def objective(side: Side, all_in_sum: Decimal, residual: Decimal, residual_price: Decimal) -> Decimal:
    """What plans are judged by, less is better: all-in cost and residual at its price; for a sell, minus proceeds."""
    with exactly():
        return side.sign * (all_in_sum + residual * residual_price)


def total_all_in(swept: Iterable[Swept]) -> Decimal:
    """The exact sum over listings."""
    with exactly():
        return sum((one.all_in for one in swept), ZERO)
