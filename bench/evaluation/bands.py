"""Is the estimate's band as wide as it says? Factors from the first half of a market, coverage in its second."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from bench.evaluation.cells import DELAYS, OURS, RULES, tasks
from router.book.collar import reference_mid
from router.evaluation.history import MarketHistory
from router.evaluation.replay import World, arrival_mid, replay
from router.evaluation.statistics import quantile
from router.model.ids import Nanos
from router.model.money import ratio
from router.split.plan import SplitRequest
from router.split.split import split
from router.tca.band import HIDDEN_BPS, HIGH, LOW, SAMPLE_MS, WATCH_MS, WITHIN_MS, moves_per_second
from router.tca.estimate import depth_bps

_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Banded:
    """One parent: how far it ended from its estimate, in units of the band's scale; and when it stood."""

    size: str
    late: bool
    off: float


def banded(history: MarketHistory, size: str, count: int) -> list[Banded]:
    """Estimate, wait up to as long as a band allows, send: for `count` parents."""
    middle = (history.begins_ns + history.ends_ns) // 2
    found = []
    for one in tasks(history, size, count):
        order, world = one.order, World(history, DELAYS, one.order.side)
        view = world.view(one.at_ns)
        request = SplitRequest(view=view, side=order.side, quantity=order.quantity)
        plan = split(request)
        assert plan.all_in_cost is not None
        estimated = ratio(plan.all_in_cost, order.quantity - plan.residual)
        times = range(one.at_ns - WATCH_MS * _MS, one.at_ns + 1, SAMPLE_MS * _MS)
        seen = [(Nanos(at_ns), mid) for at_ns in times if (mid := reference_mid(world.view(at_ns))) is not None]
        moves = moves_per_second(seen)
        assert moves is not None
        wait_ms = Random(f"wait:{one.seed}").randrange(WITHIN_MS)
        later = replace(one, at_ns=Nanos(one.at_ns + wait_ms * _MS))
        run = replay(history, DELAYS, later, RULES[OURS])
        mid = float(arrival_mid(history, DELAYS, later))
        paid = mid * (1 + order.side.sign * run.cost_bps / 1e4)
        off_bps = order.side.sign * (paid / float(estimated) - 1) * 1e4
        found.append(
            Banded(
                size=size, late=one.at_ns >= middle, off=off_bps / float(moves + HIDDEN_BPS + depth_bps(request, plan))
            )
        )
    return found


def factors(found: list[Banded]) -> tuple[float, float]:
    """The 10 % and 90 % points of the first half."""
    early = [one.off for one in found if not one.late]
    return quantile(early, 0.1), quantile(early, 0.9)


def coverage(found: list[Banded], low: float = float(LOW), high: float = float(HIGH)) -> float:
    """The share of the second half inside; by default of the band as it is shipped."""
    late = [one for one in found if one.late]
    return sum(low <= one.off <= high for one in late) / len(late)


def by_size(found: list[Banded]) -> Mapping[str, list[Banded]]:
    """As given, by size."""
    return {size: [one for one in found if one.size == size] for size in dict.fromkeys(one.size for one in found)}
