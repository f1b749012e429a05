"""Fills valued all in, by the formulas the split compares venues with. The one place where that is done.

Prices and costs are in reporting currency. Positive slippage hurts, on either side.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from router.book.consolidated import top
from router.book.effective import replaced_here
from router.model.ids import Asset
from router.model.market import MarketView
from router.model.money import ZERO, bps_above, exactly, ratio
from router.model.side import Side
from router.model.trades import Totals, Traded, totals
from router.split.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What some fills came to. `all_in`: what a buy cost or a sell brought, fees included, in reporting currency.

    It is None where a fee or a quote had no mark, or where nobody knows what was seen when it was decided.
    """

    totals: Totals
    all_in: Decimal | None

    @property
    def all_in_price(self) -> Decimal | None:
        """Per unit of base; None where nothing was done or it cannot be valued."""
        return per_unit(self.all_in, self.totals.quantity)


def result_of(side: Side, base: Asset, fills: Iterable[tuple[Traded, MarketView | None]]) -> Result:
    """Each fill with the view of the round that planned it: its marks are what is believed of currencies."""
    known = tuple(fills)
    values = [None if view is None else all_in_of(side, base, trade, view) for trade, view in known]
    whole = [value for value in values if value is not None]
    with exactly():
        total = sum(whole, ZERO) if len(whole) == len(values) else None
    return Result(totals=totals(trade for trade, _ in known), all_in=total)


def all_in_of(side: Side, base: Asset, trade: Traded, view: MarketView) -> Decimal | None:
    """What one fill cost (buy) or brought (sell); None where its quote or one of its fees has no mark."""
    rate = view.fx_rate(trade.quote)
    if rate is None:
        return None
    with exactly():
        value = trade.price * trade.quantity * rate
        kept = sum((fee.amount for fee in trade.fees if fee.asset == base), ZERO)
        if kept:
            value = replaced_here(side, value, trade.quantity, kept)
        for fee in trade.fees:
            if fee.asset == base:
                continue
            mark = view.fx_rate(fee.asset)
            if mark is None:
                return None
            value += side.sign * fee.amount * mark
    return value


def money_of(side: Side, base: Asset, trade: Traded, view: MarketView, *, with_fees: bool) -> Decimal | None:
    """What one fill paid or brought in money, with the fees that are not taken in base or without; None without a mark.

    This is what an order for an amount of money counts.
    """
    kept = tuple(fee for fee in trade.fees if with_fees and fee.asset != base)
    marks = [view.fx_rate(trade.quote), *(view.fx_rate(fee.asset) for fee in kept)]
    known = [mark for mark in marks if mark is not None]
    if len(known) < len(marks):
        return None
    with exactly():
        fees = sum((fee.amount * mark for fee, mark in zip(kept, known[1:], strict=True)), ZERO)
        return trade.price * trade.quantity * known[0] + side.sign * fees


def planned_quantity(plan: Plan) -> Decimal:
    """Base, over all lines."""
    with exactly():
        return sum((line.quantity for line in plan.lines), ZERO)


def per_unit(all_in: Decimal | None, quantity: Decimal) -> Decimal | None:
    """The average price, all in; None of nothing."""
    return None if all_in is None or not quantity else ratio(all_in, quantity)


def mid_of(view: MarketView | None) -> Decimal | None:
    """The consolidated mid: what a decision on this view is measured from."""
    return None if view is None else top(view).mid


def slippage_bps(side: Side, price: Decimal | None, benchmark: Decimal | None) -> Decimal | None:
    """How much worse than the benchmark."""
    if price is None or not benchmark:
        return None
    return side.sign * bps_above(price, benchmark)
