"""How sure a figure is, by the printed numbers."""

from router import statistics as s

X = (1.2, -0.4, 2.0, 0.6, 3.1)
D = (0.8, 1.1, -0.2, 0.5, 0.9, 0.4, 1.6, -0.1)


def test_the_printed_examples() -> None:
    """W26."""
    found = s.mean(X, range(5))

    assert (round(found.value, 12), found.how) == (1.3, "every sample counted")
    assert (round(found.low or 0, 6), round(found.high or 0, 6)) == (0.28, 2.38)
    assert s.sign_flip(D) == 8 / 256
    assert [round(edge, 6) for edge in s.rate(47, 50)] == [0.837829, 0.979385]


def test_few_orders_have_no_interval() -> None:
    """Nor have many of one day."""
    assert s.mean(X[:4], range(4)).low is None
    crowd = s.mean(X * 10, [0] * 50)
    assert (crowd.of, crowd.units, crowd.low, crowd.how) == (50, 1, None, "too few to say")


def test_large_orders_weigh_more() -> None:
    """Sum of costs by sum of notionals; the interval holds the mean, and comes out the same again."""
    costs, weights = [float(n % 7) for n in range(40)], [float(1 + n % 3) for n in range(40)]
    found = s.weighted_mean(costs, weights, range(40))

    assert found.value == sum(costs) / sum(weights)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert found == s.weighted_mean(costs, weights, range(40))


def test_values_that_are_all_alike_are_certain() -> None:
    """Not a division by zero."""
    found = s.mean([2.0] * 9, range(9))

    assert (found.low, found.high, found.how) == (2.0, 2.0, "all alike")


def test_shift_and_correction() -> None:
    """A median of pairs; and of several findings the level at which each stands."""
    assert s.shift([1.0, 2.0, 9.0]) == 3.5
    assert [round(p, 6) for p in s.corrected([0.01, 0.04, 0.03])] == [0.03, 0.04, 0.04]
    assert s.corrected([]) == []
