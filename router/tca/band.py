"""How far the all-in price may end from its estimate, for an order sent within a few seconds of it.

The market moves before the order comes, and the deeper an order goes, the more its books may change: so the band is as
wide as the mean move per second that was watched, plus a constant for what a quiet moment hides, plus how far beyond
the best price the split goes, times a factor. The factors are calibrated on the first half of the recorded market and
held against its second half, by which the form was picked too: `python -m bench evaluate`, docs/EVALUATION.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import Nanos
from router.model.money import BPS, ZERO, bps_above, exactly, ratio, roughly
from router.model.side import Side

WITHIN_MS = 2_000
"""How soon the order has to be sent for the band to mean anything."""
WATCH_MS = 5_000
SAMPLE_MS = 250
_SECOND_MS = 1_000
HIDDEN_BPS = Decimal("0.25")
"""Added to the move that was watched."""
LOW, HIGH = Decimal("-0.72"), Decimal("0.85")
"""The 10 % and 90 % points of (outcome - estimate) / (watched + hidden + depth), cost positive."""
UNWATCHED_BPS = Decimal("0.5")
"""Mean absolute move of the mid in a second where nobody watched: a stated prior, that of the recorded market."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Four outcomes in five should lie here: all-in prices in reporting currency, `low` the better end of a buy.

    `moves_bps` per second is what it rests on, `watched` whether it was seen or is the prior.
    """

    low: Decimal
    high: Decimal
    moves_bps: Decimal
    watched: bool


def band(side: Side, price: Decimal, moves_bps: Decimal | None, depth_bps: Decimal) -> Band:
    """Around an estimated all-in price; `depth_bps`: from the best level to the worst that is taken."""
    moves = UNWATCHED_BPS if moves_bps is None else moves_bps
    with roughly():
        better, worse = (price * (1 + side.sign * one * (moves + HIDDEN_BPS + depth_bps) / BPS) for one in (LOW, HIGH))
    low, high = sorted((better, worse))
    return Band(low=low, high=high, moves_bps=moves, watched=moves_bps is not None)


def moves_per_second(seen: Sequence[tuple[Nanos, Decimal]]) -> Decimal | None:
    """Mean absolute move of the mid over a second, in bps, from samples in time; None from less than a second."""
    found, start = [], 0
    for at_ns, mid in seen:
        while start < len(seen) and seen[start][0] <= at_ns - _SECOND_MS * 1_000_000:
            start += 1
        if start:
            found.append(abs(bps_above(mid, seen[start - 1][1])))
    with exactly():
        total = sum(found, ZERO)
    return ratio(total, Decimal(len(found))) if found else None
