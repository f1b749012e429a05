"""Not all of it at once: take only what stands within reach of the best all-in price, and come back for the rest."""

from dataclasses import replace
from decimal import Decimal

from router.book.consolidated import ladder
from router.model.market import Level, MarketView
from router.model.money import ONE, ZERO, exactly, fraction_of_bps
from router.model.side import Side
from router.split.plan import Plan, SplitRequest
from router.split.split import split

_EXTRA_LEVELS = 3


def split_within(request: SplitRequest, reach_bps: Decimal | None) -> Plan:
    """The split of what is less than `reach_bps` dearer, all in, than the best level; of everything where that is None.

    Where nothing that near can be sent (a minimum, a lot), nearness is given up: a round is never lost to it.
    """
    return _solved(request, reach_bps)[1]


def narrowed(request: SplitRequest, reach_bps: Decimal | None) -> SplitRequest:
    """The request that `split_within` solves in the end: what a proof of its plan is about."""
    return _solved(request, reach_bps)[0]


def _solved(request: SplitRequest, reach_bps: Decimal | None) -> tuple[SplitRequest, Plan]:
    best = None
    if reach_bps is not None and request.options.residual_price is None:
        best = next(ladder(request.view, request.side), None)
    if best is None or reach_bps is None:
        return request, split(request)
    with exactly():
        edge = best.effective_price * (ONE + request.side.sign * fraction_of_bps(reach_bps))
    near = replace(request, options=replace(request.options, residual_price=edge))
    plan = split(near)
    return (near, plan) if plan.lines else (request, split(request))


def reachable(view: MarketView, side: Side, quantity: Decimal) -> MarketView:
    """The view without the levels that no split of `quantity` can come to; the other side's best level stays."""
    return replace(
        view,
        listings=tuple(
            replace(
                one,
                asks=_deep(one.asks, quantity) if side is Side.BUY else one.asks[:1],
                bids=one.bids[:1] if side is Side.BUY else _deep(one.bids, quantity),
            )
            for one in view.listings
        ),
    )


def _deep(levels: tuple[Level, ...], quantity: Decimal) -> tuple[Level, ...]:
    shown = ZERO
    for count, level in enumerate(levels):
        if shown >= quantity:
            return levels[: count + _EXTRA_LEVELS]
        shown += level.size
    return levels
