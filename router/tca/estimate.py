"""What an order should come to, before it is sent: from one view, without side effect.

Everything here rests on the view and the request alone, so the same estimate can be made again from what was kept.
Bps are of quantity x consolidated mid; positive hurts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from router.book.consolidated import ladder, top
from router.model import rounding
from router.model.market import ListingView, MarketView
from router.model.money import ZERO, bps_above, bps_of, ratio, roughly
from router.model.side import Side
from router.split.bridge import BridgeSaving, saving_of
from router.split.cash import CashPrice, price_of_cash
from router.split.compare import Comparison, compare
from router.split.plan import Plan, SplitRequest
from router.split.reach import split_within
from router.split.split import split
from router.tca.band import Band, band
from router.tca.impact import SIGMA_DAY_BPS, square_root

_DAY_S = 86_400
_NS_PER_S = 1_000_000_000
_VOLUME_S_MIN = 60
"""Volume counted for less than that says nothing about a day."""
_HORIZONS_S = (60, 600, 3_600, 14_400)
_SLICE_S = 60
_LINEAR_RISK = Decimal(3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What a round would take on this view: base, and the worst all-in price among it."""

    round: int
    quantity: Decimal
    marginal_price: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Working:
    """One way to do it over time. `cost_bps` expected, `risk_bps` one standard deviation of the market meanwhile.

    `why_not` says why it cannot be done so. `impact_bps` is the law's part of the cost; None where no volume is known.
    """

    policy: str
    horizon_s: int
    slices: int
    cost_bps: Decimal | None
    impact_bps: Decimal | None
    risk_bps: Decimal
    why_not: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimated:
    """The estimate. `book_bps` (spread and depth) + `fee_bps` = `slippage_bps`, of what can be planned.

    `volume_day`: base a day, from public prints; `beyond_bps`: what the square-root law says of the whole quantity
    where the books do not show all of it. `cash`: what it costs that the cash lies where it lies (None where balances
    were not asked for).
    """

    request: SplitRequest
    comparison: Comparison
    mid: Decimal | None
    all_in_price: Decimal | None
    slippage_bps: Decimal | None
    book_bps: Decimal | None
    fee_bps: Decimal | None
    band: Band | None
    volume_day: Decimal | None
    beyond_bps: Decimal | None
    rounds: tuple[Round, ...]
    over_time: tuple[Working, ...]
    cash: CashPrice | None
    bridges: BridgeSaving | None = None
    """What routes through a third asset would save; None where none was asked for, or there is none. Never sent."""

    @property
    def plan(self) -> Plan:
        """The split on this view."""
        return self.comparison.plan


def estimate(
    request: SplitRequest,
    *,
    reaches: Sequence[Decimal | None] = (None,),
    moves_bps: Decimal | None = None,
    sigma_day_bps: Decimal = SIGMA_DAY_BPS,
    pairs: Sequence[tuple[ListingView, ListingView, Decimal]] = (),
) -> Estimated:
    """`reaches`: how far each round goes; `moves_bps`: mean absolute move of the mid in a second, if it was watched.

    `pairs`: two books each that could be chained, and how much of the asset between them is there.
    """
    plan = split(request)
    mid = top(request.view).mid
    planned = sum((line.quantity for line in plan.lines), ZERO)
    price = ratio(plan.all_in_cost, planned) if plan.all_in_cost is not None and planned else None
    slippage = _above(request.side, price, mid)
    book = _above(request.side, _raw_price(request, plan, planned), mid)
    volume = volume_day(request.view)
    beyond = square_root(request.quantity, volume, sigma_day_bps).average_bps if plan.residual and volume else None
    return Estimated(
        request=request,
        comparison=compare(request, plan),
        mid=mid,
        all_in_price=price,
        slippage_bps=slippage,
        book_bps=book,
        fee_bps=_less(slippage, book),
        band=None if price is None else band(request.side, price, moves_bps, depth_bps(request, plan)),
        volume_day=volume,
        beyond_bps=beyond,
        rounds=_rounds(request, reaches),
        over_time=_over_time(request, plan, mid, volume, sigma_day_bps),
        cash=price_of_cash(request),
        bridges=saving_of(request, plan, pairs),
    )


def depth_bps(request: SplitRequest, plan: Plan) -> Decimal:
    """How far beyond the best all-in price the plan goes."""
    best = next(ladder(request.view, request.side), None)
    if best is None or plan.marginal_price is None:
        return ZERO
    return max(ZERO, request.side.sign * bps_above(plan.marginal_price, best.effective_price))


def volume_day(view: MarketView) -> Decimal | None:
    """Base a day at the rate of the public prints counted so far; None where they were counted too short a time."""
    total = ZERO
    for one in view.listings:
        if one.trades is None:
            continue
        seconds = (view.at_ns - one.trades.epoch_ns) // _NS_PER_S
        if seconds >= _VOLUME_S_MIN:
            with roughly():
                total += one.trades.quantity * _DAY_S / seconds
    return total or None


def _above(side: Side, price: Decimal | None, mid: Decimal | None) -> Decimal | None:
    if price is None or not mid:
        return None
    with roughly():
        return bps_of(side.sign * (price - mid), mid)


def _less(whole: Decimal | None, part: Decimal | None) -> Decimal | None:
    if whole is None or part is None:
        return None
    with roughly():
        return whole - part


def _raw_price(request: SplitRequest, plan: Plan, planned: Decimal) -> Decimal | None:
    """Average price before fees, in reporting currency."""
    if not planned:
        return None
    rates = {one.listing.id: request.view.fx_rate(one.listing.quote) for one in request.view.listings}
    with roughly():
        total = sum(
            (line.expected_price * line.quantity * (rates[line.listing_id] or ZERO) for line in plan.lines), ZERO
        )
        return ratio(total, planned)


def _rounds(request: SplitRequest, reaches: Sequence[Decimal | None]) -> tuple[Round, ...]:
    """What each round would add on a market that stands still."""
    found, done = [], ZERO
    for number, reach in enumerate(reaches, 1):
        plan = split_within(request, reach)
        quantity = sum((line.quantity for line in plan.lines), ZERO)
        if quantity > done:
            found.append(Round(round=number, quantity=quantity - done, marginal_price=plan.marginal_price))
            done = quantity
    return tuple(found)


def _over_time(
    request: SplitRequest, plan: Plan, mid: Decimal | None, volume: Decimal | None, sigma_day_bps: Decimal
) -> tuple[Working, ...]:
    if mid is None:
        return ()
    now = Working(
        policy="SWEEP",
        horizon_s=0,
        slices=1,
        cost_bps=_cost_bps(request.side, plan, mid),
        impact_bps=None,
        risk_bps=ZERO,
        why_not=plan.residual_reason,
    )
    return (now, *(_worked(request, mid, volume, sigma_day_bps, horizon_s) for horizon_s in _HORIZONS_S))


def _worked(
    request: SplitRequest, mid: Decimal, volume: Decimal | None, sigma_day_bps: Decimal, horizon_s: int
) -> Working:
    """Equal slices, a minute apart or as few as fit: each on a book like this one, the whole by the square-root law."""
    slices = max(1, horizon_s // _SLICE_S)
    step = max(one.listing.step for one in request.view.listings)
    part = rounding.down(ratio(request.quantity, Decimal(slices)), step)
    with roughly():
        risk = sigma_day_bps * (Decimal(horizon_s) / _DAY_S / _LINEAR_RISK).sqrt()
    plan = split(replace(request, quantity=part)) if part else None
    if plan is None or not plan.lines:
        return Working(
            policy="TWAP",
            horizon_s=horizon_s,
            slices=slices,
            cost_bps=None,
            impact_bps=None,
            risk_bps=risk,
            why_not=plan.residual_reason if plan is not None else "a slice is less than one lot",
        )
    impact = None if volume is None else square_root(request.quantity, volume, sigma_day_bps).average_bps
    cost = _cost_bps(request.side, plan, mid)
    return Working(
        policy="TWAP",
        horizon_s=horizon_s,
        slices=slices,
        cost_bps=None if cost is None else cost + (impact or ZERO),
        impact_bps=impact,
        risk_bps=risk,
        why_not=plan.residual_reason,
    )


def _cost_bps(side: Side, plan: Plan, mid: Decimal) -> Decimal | None:
    """Of what is planned."""
    planned = sum((line.quantity for line in plan.lines), ZERO)
    return _above(side, ratio(plan.all_in_cost, planned), mid) if plan.all_in_cost is not None else None
