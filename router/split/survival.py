"""How likely it is that displayed size is still there when an order arrives: T(v) = P(at least v can be had).

Own immediate-or-cancel orders are censored witnesses: one that filled completely only says that its size was there.
The product-limit form of Kaplan and Meier takes each for what it says. Probabilities are exact fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from router.model.money import ZERO, ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What an order asked for, and what it got; in base."""

    sent: Decimal
    filled: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Up to and with `quantity` more than all steps before it, T is `probability`. The last one has no end (None)."""

    quantity: Decimal | None
    probability: Fraction


@dataclass(frozen=True, slots=True)
class Survival:
    """T as a falling staircase."""

    steps: tuple[Step, ...]

    def at(self, quantity: Decimal) -> Fraction:
        """T of that quantity; of none it is certain."""
        if quantity <= 0:
            return Fraction(1)
        return next(one.probability for one in self.steps if one.quantity is None or quantity <= one.quantity)

    def expected(self, quantity: Decimal) -> Fraction:
        """How much of an order of `quantity` fills, on average: T summed up over its units."""
        total, before = Fraction(0), Fraction(0)
        whole = Fraction(quantity)
        for one in self.steps:
            end = whole if one.quantity is None else min(whole, Fraction(one.quantity))
            total += (end - before) * one.probability
            before = end
            if end == whole:
                break
        return total


def kaplan_meier(seen: Sequence[Sent]) -> Survival:
    """T from censored fills. Without any it is certain: nothing was ever missed."""
    steps, probability = [], Fraction(1)
    for filled in sorted({one.filled for one in seen if one.filled < one.sent}):
        at_risk = sum(1 for one in seen if one.sent > filled and one.filled >= filled)
        ended = sum(1 for one in seen if one.sent > filled and one.filled == filled)
        if filled > 0:
            steps.append(Step(quantity=filled, probability=probability))
        probability *= 1 - Fraction(ended, at_risk)
    return Survival((*steps, Step(quantity=None, probability=probability)))


def by_units(probabilities: Sequence[Fraction], lot: Decimal) -> Survival:
    """T given for the first lot, the second, and so on; beyond the last nothing is there."""
    steps = [Step(quantity=(number + 1) * lot, probability=one) for number, one in enumerate(probabilities)]
    return Survival((*steps, Step(quantity=None, probability=Fraction(0))))


def greedy(curves: Sequence[Survival], units: int, lot: Decimal) -> list[int]:
    """So many lots, each to the venue where it is likeliest to fill; ties to the first. Optimal at equal prices."""
    given = [0] * len(curves)
    for _ in range(units):
        chances = [curve.at((had + 1) * lot) for curve, had in zip(curves, given, strict=True)]
        given[max(range(len(curves)), key=lambda rank: (chances[rank], -rank))] += 1
    return given


def landed_price(price: Decimal, probability: Fraction, fallback_price: Decimal) -> Decimal:
    """What a unit comes to on average: this price where it is there, the fallback's where it is gone."""
    there = ratio(Decimal(probability.numerator), Decimal(probability.denominator))
    return fallback_price + (price - fallback_price) * there if probability else fallback_price + ZERO
