"""Means with honest intervals, from parents that stand close together in time.

Parents that arrive in the same stretch of time meet the same market, so they are one cluster: clusters are resampled,
never parents. Fixed seeds: the same figures give the same interval.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

_DRAWS = 10_000
_CONFIDENCE = 0.95
_EVEN = 0.5
_FEWEST = 5
_NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """A mean and its 95 % interval; `low` and `high` are None where there are too few clusters to say."""

    mean: float
    low: float | None
    high: float | None
    count: int


def clustered_mean(values: Sequence[float], clusters: Sequence[int], seed: int = 0) -> Mean:
    """The mean of `values`, with the bias-corrected and accelerated bootstrap interval over clusters."""
    sums = _sums(values, clusters)
    mean = _ratio(sums)
    if len(sums) < _FEWEST:
        return Mean(mean=mean, low=None, high=None, count=len(values))
    drawn = _resampled(sums, seed)
    if drawn[0] == drawn[-1]:
        return Mean(mean=mean, low=mean, high=mean, count=len(values))
    low, high = _bca(sums, mean, drawn)
    return Mean(mean=mean, low=low, high=high, count=len(values))


def sign_flip(values: Sequence[float], clusters: Sequence[int], seed: int = 0) -> float:
    """How often chance alone makes the mean of paired differences this far from zero: whole clusters change sign."""
    sums = [total for total, _ in _sums(values, clusters)]
    seen = abs(sum(sums))
    if not seen:
        return 1.0
    draw = Random(seed)
    beyond = sum(abs(sum(one if draw.random() < _EVEN else -one for one in sums)) >= seen for _ in range(_DRAWS))
    return (beyond + 1) / (_DRAWS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several comparisons, corrected for their number."""
    ranked = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(ranked):
        running = max(running, (len(p_values) - rank) * p_values[index])
        corrected[index] = min(1.0, running)
    return corrected


def quantile(values: Sequence[float], share: float) -> float:
    """Interpolated between neighbours."""
    ranked = sorted(values)
    at = share * (len(ranked) - 1)
    low = int(at)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (at - low)


def _sums(values: Sequence[float], clusters: Sequence[int]) -> list[tuple[float, int]]:
    grouped: defaultdict[int, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        grouped[cluster].append(value)
    return [(sum(group), len(group)) for _, group in sorted(grouped.items())]


def _ratio(sums: Sequence[tuple[float, int]]) -> float:
    return sum(total for total, _ in sums) / sum(count for _, count in sums)


def _resampled(sums: Sequence[tuple[float, int]], seed: int) -> list[float]:
    draw = Random(seed)
    return sorted(_ratio(draw.choices(sums, k=len(sums))) for _ in range(_DRAWS))


def _bca(sums: Sequence[tuple[float, int]], mean: float, drawn: Sequence[float]) -> tuple[float, float]:
    below = bisect_left(drawn, mean) / len(drawn)
    bias = _NORMAL.inv_cdf(min(max(below, 1 / _DRAWS), 1 - 1 / _DRAWS))
    without = [_ratio([*sums[:index], *sums[index + 1 :]]) for index in range(len(sums))]
    centre = sum(without) / len(without)
    away = [centre - one for one in without]
    spread = sum(one**2 for one in away) ** 1.5
    acceleration = sum(one**3 for one in away) / (6 * spread) if spread else 0.0
    tail = (1 - _CONFIDENCE) / 2
    edges = []
    for z in (_NORMAL.inv_cdf(tail), _NORMAL.inv_cdf(1 - tail)):
        shifted = bias + (bias + z) / (1 - acceleration * (bias + z))
        edges.append(quantile(drawn, _NORMAL.cdf(shifted)))
    return edges[0], edges[1]
