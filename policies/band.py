"""How far from its schedule an order may be: the one place that holds a policy to its tolerance.

The line is what the schedule says should be done by now; the band around it is a share of the order, and one slice at
the least, because nothing lies between slices. Ahead of it nothing more is due. Behind it, what lies outside is due at
once, whatever `catch_up` would wait for; only an order that makes up for nothing is left behind. Volume has no line of
time: POV is held ahead alone, and its rates say the rest.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from policies.almgren_chriss import growth_of_half_life, holdings
from policies.consolidated import counted
from policies.pacing import again, lot_of
from policies.pov import pov_quantity
from policies.shortfall import HALF_LIVES
from policies.slices import Slice, borders_ns, number_of_slices
from policies.twap import twap_slices
from policies.vwap import vwap_slices
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import ONE, ZERO, ratio, roughly
from router.model.policies import CatchUp, IsParams, PovParams, Tolerance, TwapParams, VwapParams
from router.model.rounding import down, up
from router.ports.policy import Progress, Target

SHARES = {Tolerance.NARROW: Decimal("0.05"), Tolerance.STANDARD: Decimal("0.1"), Tolerance.WIDE: Decimal("0.25")}
_WAIT_MS = 1_000
"""How soon what is behind is tried again."""


def within_band(progress: Progress, now_ns: Nanos, view: MarketView | None, target: Target) -> Target:
    """The target, no further from the schedule's line than the order tolerates."""
    tolerance = progress.order.envelope.tolerance
    if tolerance is None or target.finished or target.held:
        return target
    line = _line(progress, now_ns, view)
    if line is None:
        return target
    by_now, one_slice, makes_up = line
    with roughly():
        wide = max(progress.order.quantity * SHARES[tolerance], one_slice)
        lot = lot_of(progress)
        ahead, behind = down(by_now + wide, lot), up(max(by_now - wide, ZERO), lot)
    if target.quantity > ahead:
        return replace(target, quantity=max(ahead, progress.committed))
    if not makes_up or progress.working > 0 or target.quantity >= behind:
        return target
    return _caught_up(progress, now_ns, target, min(behind, progress.order.quantity))


def _caught_up(progress: Progress, now_ns: Nanos, target: Target, behind: Decimal) -> Target:
    """What lies outside the band is due, if a venue takes so little and the last try is not just over."""
    due = behind - progress.committed
    if due < min(progress.slice_min, progress.open_quantity) or due <= 0:
        return target
    pause = again(progress, now_ns, _WAIT_MS) if target.quantity <= progress.committed else None
    if pause is not None and pause.not_before_ns is not None:
        sooner = pause.not_before_ns if target.not_before_ns is None else min(pause.not_before_ns, target.not_before_ns)
        return replace(target, not_before_ns=sooner)
    return replace(target, quantity=behind, reason="behind its schedule by more than it tolerates")


def _line(progress: Progress, now_ns: Nanos, view: MarketView | None) -> tuple[Decimal, Decimal, bool] | None:
    """What should be done by now, a slice, and whether what is missed is made up for; None without a schedule."""
    match progress.order.params:
        case TwapParams() as params:
            return _of(progress, now_ns, twap_slices(progress, params), params.slicing.catch_up)
        case VwapParams() as params:
            return _of(progress, now_ns, vwap_slices(progress, params), params.slicing.catch_up)
        case IsParams(risk_aversion=None) as params:
            return _least_shortfall(progress, now_ns, params)
        case PovParams(target_rate=rate) if progress.volume is not None and view is not None:
            share = pov_quantity(progress.volume.total, rate, lot_of(progress))
            return counted(progress, share, view), ZERO, False
        case _:
            return None


def _of(
    progress: Progress, now_ns: Nanos, slices: Sequence[Slice], catch_up: CatchUp
) -> tuple[Decimal, Decimal, bool] | None:
    if not slices:
        return None
    done = [one.cumulative for one in slices if one.at_ns <= now_ns]
    average = ratio(progress.order.quantity, Decimal(len(slices)))
    return (done[-1] if done else ZERO), average, catch_up is not CatchUp.NONE


def _least_shortfall(progress: Progress, now_ns: Nanos, params: IsParams) -> tuple[Decimal, Decimal, bool]:
    """As its urgency had it at the start, whatever was solved again since. The first slice is the largest."""
    assert progress.ends_ns is not None
    count = number_of_slices(params.slicing, progress.starts_ns, progress.ends_ns)
    borders = borders_ns(progress.starts_ns, progress.ends_ns, count)
    reached = sum(1 for border in borders[:-1] if border <= now_ns)
    factor = growth_of_half_life(ratio(Decimal(count), HALF_LIVES[params.urgency]), ONE)
    held = holdings(progress.order.quantity, factor, count)
    with roughly():
        return progress.order.quantity - held[reached], held[0] - held[1], True
