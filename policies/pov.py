"""POV: a fixed share of all volume, looked at window by window. It promises no completion."""

from decimal import Decimal

from policies.consolidated import counted
from policies.pacing import lot_of, waiting
from router.model.ids import Nanos
from router.model.market import MarketView
from router.model.money import ONE, ZERO, ratio, roughly
from router.model.policies import PovParams
from router.model.rounding import down
from router.ports.policy import Progress, Target, Volume

_MS = 1_000_000


class Pov:
    """What others traded says what is due: `rate / (1 - rate)` of it."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """At each window's end, the share of what was traded since; nothing where prints may be missing."""
        params = progress.order.params
        assert isinstance(params, PovParams)
        if (wait := waiting(progress)) is not None:
            return wait
        next_ns = _window_end(progress, now_ns, params)
        begun_ns = Nanos(next_ns - params.window_ms * _MS)
        if view is None and progress.volume is None:
            return Target(quantity=progress.committed, not_before_ns=next_ns, look=True, reason="begins to count")
        idle = Target(quantity=progress.committed, not_before_ns=next_ns, reason="nothing is due in this window")
        if begun_ns <= progress.starts_ns or _had_its_round(progress, begun_ns):
            return idle
        if view is None:
            return Target(quantity=progress.committed, not_before_ns=next_ns, look=True, reason="a window is over")
        if progress.volume is None:
            return _held(progress, next_ns, "the venues' trades are not counted yet")
        if progress.volume.gap:
            return _held(progress, next_ns, "prints may be missing in this window")
        base = pov_due(progress.committed_base, progress.volume, params, lot_of(progress))
        due = min(counted(progress, base, view), progress.open_quantity)
        if due < progress.slice_min and due < progress.open_quantity:
            return idle
        return Target(
            quantity=progress.committed + due, not_before_ns=next_ns, base_max=base, reason="its share of a window"
        )


def pov_due(committed: Decimal, volume: Volume, params: PovParams, lot: Decimal) -> Decimal:
    """What is due of a window's volume: up to the rate of all there was, and no more than `max_rate` of the window."""
    with roughly():
        behind = pov_quantity(volume.total, params.target_rate, lot) - committed
        most = pov_quantity(volume.recent, params.target_rate, lot) * params.catch_up_cap
        if params.min_rate is not None:
            most = max(most, pov_quantity(volume.total, params.min_rate, lot) - committed)
        if params.max_rate is not None:
            most = min(most, pov_quantity(volume.recent, params.max_rate, lot))
        return max(min(behind, down(most, lot)), ZERO)


def pov_quantity(others: Decimal, rate: Decimal, lot: Decimal) -> Decimal:
    """How much makes `rate` of everything, one's own included, where others traded so much."""
    with roughly():
        return down(ratio(others * rate, ONE - rate), lot)


def _window_end(progress: Progress, now_ns: Nanos, params: PovParams) -> Nanos:
    window_ns = params.window_ms * _MS
    over = max(now_ns - progress.starts_ns, 0) // window_ns
    return Nanos(progress.starts_ns + (over + 1) * window_ns)


def _had_its_round(progress: Progress, begun_ns: Nanos) -> bool:
    return progress.last_round_ns is not None and progress.last_round_ns >= begun_ns


def _held(progress: Progress, next_ns: Nanos, why: str) -> Target:
    return Target(quantity=progress.committed, not_before_ns=next_ns, held=True, reason=why)
