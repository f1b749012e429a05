"""Almgren and Chriss (2001): how to trade off the cost of trading fast against the risk of trading slowly.

Holdings solve x[j-1] - 2 c x[j] + x[j+1] = 0 with x[N] = 0, where c = cosh(kappa tau); so they are run backwards from
the end, and no sinh is ever taken: c = 1 is the straight line, c < 1 (a trader who likes risk) the sine.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from router.model.money import ONE, ZERO, ratio, roughly

_HALF = Decimal("0.5")
_TWO = Decimal(2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Impact:
    """What trading does to the price, in price per unit of base, for one unit of time.

    `epsilon`: whatever the pace; `eta`: per unit of time's pace; `gamma`: for good, per unit traded. `sigma`: the
    price's standard deviation over one unit of time.
    """

    sigma: Decimal
    epsilon: Decimal
    eta: Decimal
    gamma: Decimal = ZERO

    def eta_tilde(self, tau: Decimal) -> Decimal:
        """`eta` less what the lasting impact already accounts for. Has to be positive."""
        return self.eta - self.gamma * tau * _HALF


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A schedule's expected cost and its variance, in price times quantity and its square."""

    expected: Decimal
    variance: Decimal


def growth(risk_aversion: Decimal, impact: Impact, tau: Decimal) -> Decimal:
    """C = cosh(kappa tau) of a trader with this aversion to variance. Negative aversion makes it less than 1."""
    with roughly():
        kappa_squared = ratio(risk_aversion * impact.sigma * impact.sigma, impact.eta_tilde(tau))
        return ONE + kappa_squared * tau * tau * _HALF


def growth_of_half_life(half_life: Decimal, tau: Decimal) -> Decimal:
    """The same c, where the time after which holdings have fallen to 1/e is what is known."""
    with roughly():
        angle = ratio(tau, half_life)
        return (angle.exp() + (-angle).exp()) * _HALF


def kappa(growth_factor: Decimal, tau: Decimal) -> Decimal:
    """The pace: 1 / kappa is the schedule's half-life. For c of at least 1."""
    with roughly():
        root = (growth_factor * growth_factor - ONE).sqrt()
        return ratio((growth_factor + root).ln(), tau)


def holdings(quantity: Decimal, growth_factor: Decimal, slices: int) -> tuple[Decimal, ...]:
    """What is still held at the beginning, and after each slice: `slices` + 1 figures, the last one 0."""
    with roughly():
        backwards = [ZERO, ONE]
        for _ in range(slices - 1):
            backwards.append(_TWO * growth_factor * backwards[-1] - backwards[-2])
        return tuple(quantity * ratio(one, backwards[-1]) for one in reversed(backwards))


def first_share(growth_factor: Decimal, slices: int) -> Decimal:
    """The share of what is left that the next of so many slices trades."""
    left = holdings(ONE, growth_factor, slices)
    with roughly():
        return left[0] - left[1]


def outcome(held: tuple[Decimal, ...], impact: Impact, tau: Decimal) -> Outcome:
    """What this schedule costs."""
    with roughly():
        trades = [before - after for before, after in pairwise(held)]
        lasting = impact.gamma * held[0] * held[0] * _HALF
        flat = impact.epsilon * sum((abs(trade) for trade in trades), ZERO)
        paced = ratio(impact.eta_tilde(tau), tau) * sum((trade * trade for trade in trades), ZERO)
        variance = impact.sigma * impact.sigma * tau * sum((one * one for one in held[1:]), ZERO)
        return Outcome(expected=lasting + flat + paced, variance=variance)
