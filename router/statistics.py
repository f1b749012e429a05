"""How sure a figure over many orders is. The unit is the order, never the fill: fills of one order share its market.

Orders of one day and instrument share a market too: such a cluster is drawn whole. Below five units there is no
interval, only the points; below eight every sample there could be is counted; from eight on the bootstrap is
bias-corrected and accelerated, with a fixed seed. The figures here are for reading: no money is made of them.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
CONFIDENCE = 0.95
_FEWEST, _ENUMERATED, _FLIPPED = 5, 8, 16
_DRAWS = 10_000
_SEED = 20_250_101
_ALIKE = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A mean of `of` orders in `units` clusters, and where it lies at 95 %; no interval from too few.

    `how`: what the interval is.
    """

    value: float
    low: float | None
    high: float | None
    of: int
    units: int
    how: str


def weighted_mean(costs: Sequence[float], weights: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """Sum of costs by sum of weights, and its interval over clusters. Weights are positive."""
    tops, bottoms = _by_cluster(costs, weights, clusters)
    value = float(tops.sum() / bottoms.sum())
    low, high, how = _interval(tops, bottoms)
    return Estimate(value=value, low=low, high=high, of=len(costs), units=len(tops), how=how)


def mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """The same with every order counting alike."""
    return weighted_mean(values, [1.0] * len(values), clusters)


def sign_flip(differences: Sequence[float]) -> float:
    """How often chance alone makes the mean of paired differences this far from zero: exact up to 16 pairs."""
    values = np.asarray(differences)
    found = stats.permutation_test(
        (values,),
        lambda sample, axis: np.mean(sample, axis=axis),
        permutation_type="samples",
        n_resamples=2**_FLIPPED if len(values) <= _FLIPPED else _DRAWS,
        vectorized=True,
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def shift(differences: Sequence[float]) -> float:
    """Hodges and Lehmann's: the median of the means of all pairs, each value with itself included."""
    values = np.asarray(differences)
    first, second = np.triu_indices(len(values))
    return float(np.median((values[first] + values[second]) / 2))


def rate(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; `of` > 0."""
    found = stats.binomtest(hits, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def corrected(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's: which share of those found at this level would be chance's."""
    return [float(one) for one in stats.false_discovery_control(p_values)] if len(p_values) else []


def _by_cluster(costs: Sequence[float], weights: Sequence[float], clusters: Sequence[Hashable]) -> tuple[Array, Array]:
    sums: defaultdict[Hashable, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for cost, weight, cluster in zip(costs, weights, clusters, strict=True):
        sums[cluster][0] += cost
        sums[cluster][1] += weight
    found = np.asarray(list(sums.values()))
    return found[:, 0], found[:, 1]


def _interval(tops: Array, bottoms: Array) -> tuple[float | None, float | None, str]:
    units = len(tops)
    if units < _FEWEST:
        return None, None, "too few to say"
    each = tops / bottoms
    if np.allclose(each, each[0], rtol=_ALIKE, atol=_ALIKE):
        only = float(tops.sum() / bottoms.sum())
        return only, only, "all alike"
    if units < _ENUMERATED:
        drawn = _every_sample(tops) / _every_sample(bottoms)
        low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high), "every sample counted"
    found = stats.bootstrap(
        (tops, bottoms),
        lambda top, bottom, axis: top.sum(axis=axis) / bottom.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=_DRAWS,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high), "BCa bootstrap"


def _every_sample(values: Array) -> Array:
    """The sum of each of the n^n samples of n values."""
    count = len(values)
    total: Array = np.zeros(1)
    for _ in range(count):
        total = np.add.outer(total, values).ravel()
    return total
