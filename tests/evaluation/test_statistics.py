"""Means, intervals and corrections."""

import random

import pytest

from router.evaluation.statistics import clustered_mean, holm, quantile, sign_flip


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    """Ten samples of 25 clusters whose members move together; far fewer would be covered if parents were resampled."""
    covered = 0
    for seed in range(10):
        draw = random.Random(seed)
        values, clusters = [], []
        for cluster in range(25):
            shared = draw.gauss(0, 1)
            for _ in range(8):
                values.append(shared + draw.gauss(0, 0.3))
                clusters.append(cluster)
        found = clustered_mean(values, clusters, seed)
        covered += found.low <= 0 <= found.high
    assert 8 <= covered <= 10


def test_too_few_clusters_have_no_interval():
    found = clustered_mean([1.0, 2.0, 3.0, 4.0], [1, 1, 2, 2])

    assert (found.mean, found.low, found.high, found.count) == (2.5, None, None, 4)


def test_sign_flips_of_the_worked_example():
    """Eight pairs: 8 of the 256 flips are as far from zero."""
    paired = [0.8, 1.1, -0.2, 0.5, 0.9, 0.4, 1.6, -0.1]

    assert sign_flip(paired, range(8)) == pytest.approx(0.03125, abs=0.006)


def test_holm_corrects_the_smallest_most():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_a_quantile_lies_between_its_neighbours():
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
