"""IS: front-loaded, so that impact and the risk of waiting together cost least; solved again at every slice."""

from decimal import Decimal

from policies.almgren_chriss import Impact, first_share, growth, growth_of_half_life
from policies.consolidated import book_slope, mid
from policies.pacing import again, lot_of, waiting
from policies.slices import borders_ns, number_of_slices
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import ONE, ZERO, ratio, roughly
from router.model.policies import IsParams, Urgency
from router.model.rounding import nearest
from router.ports.policy import Progress, Target

_DAY_NS = 86_400_000_000_000
_BPS = Decimal(10_000)
HALF_LIVES = {Urgency.LOW: ONE, Urgency.MEDIUM: Decimal(3), Urgency.HIGH: Decimal(8)}
"""How often the half-life goes into the whole of the order's time."""


class Shortfall:
    """Slices at the beginning of their windows; each is the first of the best schedule for what is left."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """One slice, once its window has begun."""
        params = progress.order.params
        assert isinstance(params, IsParams)
        assert progress.ends_ns is not None
        if (wait := waiting(progress)) is not None:
            return wait
        count = number_of_slices(params.slicing, progress.starts_ns, progress.ends_ns)
        borders = borders_ns(progress.starts_ns, progress.ends_ns, count)
        reached = sum(1 for border in borders[:-1] if border <= now_ns)
        if reached == 0:
            return Target(quantity=progress.committed, not_before_ns=borders[0], reason="before its first slice")
        last = reached == count
        if not last and _had_its_round(progress, borders[reached - 1]):
            reason = f"slice {reached} of {count} has had its round"
            return Target(quantity=progress.committed, not_before_ns=borders[reached], reason=reason)
        if (pause := again(progress, now_ns, params.slicing.round_wait_ms)) is not None:
            return pause
        due = progress.open_quantity if last else _due(progress, params, view, count, count - reached + 1)
        if due <= 0 and not last:
            return Target(quantity=progress.committed, not_before_ns=borders[reached], reason="less than a venue takes")
        return Target(quantity=progress.committed + due, reason=f"slice {reached} of {count}")


def _had_its_round(progress: Progress, begun_ns: Nanos) -> bool:
    return progress.last_round_ns is not None and progress.last_round_sent and progress.last_round_ns >= begun_ns


def _due(progress: Progress, params: IsParams, view: MarketView | None, count: int, slices_left: int) -> Decimal:
    """The first slice of what is left."""
    factor = _growth(progress, params, view, count)
    return next_slice(progress.open_quantity, factor, slices_left, lot_of(progress), progress.slice_min)


def next_slice(left: Decimal, growth_factor: Decimal, slices_left: int, lot: Decimal, smallest: Decimal) -> Decimal:
    """What the best schedule for what is left trades first, in lots; all of it where too little would be left."""
    if slices_left == 1:
        return left
    with roughly():
        due = min(nearest(left * first_share(growth_factor, slices_left), lot), left)
    if left - due < smallest:
        return left
    return due if due >= smallest else ZERO


def _growth(progress: Progress, params: IsParams, view: MarketView | None, count: int) -> Decimal:
    """By the book's slope and the aversion to risk where that is given; else by the half-life the urgency means."""
    if params.risk_aversion is None or params.volatility_bps is None or view is None:
        return growth_of_half_life(ratio(Decimal(count), HALF_LIVES[params.urgency]), ONE)
    middle, slope = mid(view), book_slope(view, progress.order.side, progress.order.may_use)
    if middle is None or slope is None:
        return growth_of_half_life(ratio(Decimal(count), HALF_LIVES[params.urgency]), ONE)
    assert progress.ends_ns is not None
    with roughly():
        days = ratio(Decimal(progress.ends_ns - progress.starts_ns), Decimal(_DAY_NS) * count)
        sigma = middle * ratio(params.volatility_bps, _BPS) * days.sqrt()
        return growth(params.risk_aversion, Impact(sigma=sigma, epsilon=ZERO, eta=slope), ONE)
