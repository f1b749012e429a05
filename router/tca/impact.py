"""What a quantity moves the price by, before any of it is sent: the square-root law, where no book can say it.

Inside a displayed book the sweep itself is the estimate. Beyond it, and for what is worked over hours, impact grows
with the square root of the quantity's share of a day's volume; an average price bears two thirds of the peak. The
prefactor is of order one (confirmed on bitcoin over four decades of size); one's own trades sharpen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.model.money import ONE, ZERO, ratio, roughly

PREFACTOR = ONE
PREFACTOR_SD = Decimal("0.5")
SIGMA_DAY_BPS = Decimal(300)
"""A stated prior, where a day's move is not measured."""
_PEAK, _AVERAGE = Decimal(2), Decimal(3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Impact:
    """In bps: where the price ends up, and what the average price of the whole bears of it."""

    peak_bps: Decimal
    average_bps: Decimal


def square_root(
    quantity: Decimal, volume_day: Decimal, sigma_day_bps: Decimal = SIGMA_DAY_BPS, prefactor: Decimal = PREFACTOR
) -> Impact:
    """Of `quantity` where `volume_day` > 0 of base is traded in a day that moves by `sigma_day_bps`."""
    with roughly():
        peak = prefactor * sigma_day_bps * (quantity / volume_day).sqrt()
        return Impact(peak_bps=peak, average_bps=peak * _PEAK / _AVERAGE)


def posterior_prefactor(
    seen: Sequence[tuple[Decimal, Decimal]],
    noise_bps: Decimal,
    prior: Decimal = PREFACTOR,
    prior_sd: Decimal = PREFACTOR_SD,
) -> Decimal:
    """The prefactor after own trades: pairs of sigma x sqrt(Q / V) and what was measured, both in bps.

    Nothing collects such pairs yet: estimates take `PREFACTOR`.
    """
    with roughly():
        sure, noisy = prior_sd**2, noise_bps**2
        weight = ONE / sure + sum((x * x for x, _ in seen), ZERO) / noisy
        return ratio(prior / sure + sum((x * y for x, y in seen), ZERO) / noisy, weight)
