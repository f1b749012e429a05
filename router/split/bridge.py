"""A market through a third asset: two books chained into one curve, priced all in.

Buying BTC for dollars by way of ETH is buying BTC for ETH that one has, and buying that ETH back. Both legs run at
once, so no more can go that way than the intermediate asset that is there. Here the pair is a listing like any other,
which the split may find cheaper; nothing sends two legs, so a plan that holds one is for estimates only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from router.book.consolidated import top
from router.book.effective import all_in_here, effective_price
from router.model import rounding
from router.model.ids import ListingId
from router.model.instruments import FeeIn
from router.model.market import Level, ListingView
from router.model.money import ONE, ZERO, bps_of, exactly, ratio
from router.model.side import Side
from router.split.evaluate import levels_for, objective
from router.split.plan import Plan, PlanLine, SplitRequest
from router.split.split import split

_WIDEST = Decimal("1E-12")


def bridged(request: SplitRequest, second: ListingView, first: ListingView, funded: Decimal) -> SplitRequest:
    """The request with the pair as one more listing, which costs no fee: its prices hold those of both legs.

    `second` trades the base against the intermediate asset, `first` the intermediate asset against a quote with a mark.
    `funded`: how much of the intermediate asset may pass. The second leg's lots are kept; what the first one's lots can
    leave over is counted as the cost of an order.
    """
    side = request.side
    levels = levels_for(first, side)
    known = request.view.fx_rate(first.listing.quote) is not None
    if second.listing.quote != first.listing.base or not known or not levels or second.unusable or first.unusable:
        return request
    with exactly():
        chained = tuple(chain(second, first, side, funded))
        rate = request.view.fx_rate(first.listing.quote) or ZERO
        over = first.listing.step * effective_price(first.listing, side, levels[0].price, rate)
    if not chained:
        return request
    pair = _pair(request, second, first, chained)
    options = replace(request.options, order_costs={**request.options.order_costs, pair.listing.id: over})
    view = replace(request.view, listings=(*request.view.listings, pair))
    return replace(request, view=view, options=options)


def chain(second: ListingView, first: ListingView, side: Side, funded: Decimal) -> Iterator[Level]:
    """Levels of the pair: all-in price in the quote of `first`, size in base. For a caller under `exactly()`."""
    deep, step = iter(levels_for(first, side)), second.listing.step
    price, left = next(deep)
    passes = funded
    for base_price, size in levels_for(second, side):
        each = all_in_here(second.listing, side, base_price, ONE)  # of the intermediate asset, per unit of base
        wanted = size
        while wanted > 0:
            most = min(wanted, rounding.down(ratio(min(left, passes), each), step))
            if most > 0:
                yield Level(_coarser(each * all_in_here(first.listing, side, price, ONE), side), most)
                wanted -= most
                left -= most * each
                passes -= most * each
            elif passes < step * each or (deeper := next(deep, None)) is None:
                return
            else:
                price, left = deeper.price, deeper.size + left


def _coarser(value: Decimal, side: Side) -> Decimal:
    """Twelve places, never in our favour."""
    return rounding.up(value, _WIDEST) if side is Side.BUY else rounding.down(value, _WIDEST)


def _pair(request: SplitRequest, second: ListingView, first: ListingView, levels: tuple[Level, ...]) -> ListingView:
    listing = second.listing
    least = rounding.up(
        ratio(max(first.listing.min_quantity, _worth(first, request.side)), levels_for(second, request.side)[0].price),
        listing.step,
    )
    # What binds the customer's own money: a buy spends the first leg's quote, a sell the second leg's base.
    account = first.listing.account if request.side is Side.BUY else listing.account
    pair = replace(
        listing,
        account=account,
        id=ListingId(f"{listing.id}+{first.listing.id}"),
        instrument=request.view.instrument,
        quote=first.listing.quote,
        tick=_WIDEST,
        min_quantity=max(listing.min_quantity, least, _worth(second, request.side)),
        min_notional=ZERO,
        max_quantity=None,
        taker_fee_bps=ZERO,
        fee_in=FeeIn.QUOTE,
    )
    buying = request.side is Side.BUY
    return replace(
        second,
        listing=pair,
        bids=() if buying else levels,
        asks=levels if buying else (),
        book_age_ns=max(first.book_age_ns, second.book_age_ns),
    )


def _worth(view: ListingView, side: Side) -> Decimal:
    """The quantity whose value meets a listing's minimum."""
    worst = levels_for(view, side)[0 if side is Side.BUY else -1].price
    return rounding.up(ratio(view.listing.min_notional, worst), view.listing.step)


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeSaving:
    """What the pairs would save on `plan`'s cost, all costs in: reporting currency, and bps of quantity x mid.

    `lines` of the plan with them that go `through` a pair. Nothing sends them.
    """

    saving: Decimal
    saving_bps: Decimal | None
    lines: tuple[PlanLine, ...]


def saving_of(
    request: SplitRequest, plan: Plan, pairs: Sequence[tuple[ListingView, ListingView, Decimal]]
) -> BridgeSaving | None:
    """Against `plan`, which was made for `request`. `pairs`: second leg, first leg, funded; None where none is one."""
    if plan.residual_price is None:
        return None
    same = replace(request, options=replace(request.options, residual_price=plan.residual_price))
    wider = same
    for second, first, funded in pairs:
        wider = bridged(wider, second, first, funded)
    if len(wider.view.listings) == len(same.view.listings):
        return None
    better = split(wider)
    known = {one.listing.id for one in same.view.listings}
    with exactly():
        saving = objective(same, plan, plan.residual_price) - objective(wider, better, plan.residual_price)
    mid = top(request.view).mid
    with exactly():
        whole = None if mid is None else mid * request.quantity
    return BridgeSaving(
        saving=max(saving, ZERO),
        saving_bps=None if whole is None else bps_of(max(saving, ZERO), whole),
        lines=tuple(line for line in better.lines if line.listing_id not in known) if saving > 0 else (),
    )
