"""How much of what one venue shows is the same makers' size as another's: withdrawn there when it is taken here.

After so much was taken at one venue, the depth of the same side at another changes; less the change of a moment like
it in which nothing was taken. The share is the slope of the one on the other, through nothing for nothing. Nothing
reckons with it yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.model.money import ZERO, exactly, ratio


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """`volume` taken at one venue, and how the depth at another changed by then; `control`: without anything taken."""

    volume: Decimal
    change: Decimal
    control: Decimal


def duplicated_share(seen: Sequence[Taken]) -> Decimal | None:
    """Of what is taken, how much goes away elsewhere. None where nothing was taken."""
    with exactly():
        squares = sum((one.volume * one.volume for one in seen), ZERO)
        along = sum((one.volume * (one.control - one.change) for one in seen), ZERO)
    return ratio(along, squares) if squares else None
