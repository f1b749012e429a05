"""What a fill paid for immediacy, and what the market did next. All in bps, against the consolidated mid.

Effective spread, realised spread and price impact after SEC Rule 605: effective = realised + impact, for each horizon.
A cost is positive when it hurt, a markout and a capture when they helped. A mid nobody saw is None, and so is what
needs it: it is never replaced by an earlier one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from router.model.money import ZERO, bps_of, exactly, ratio, roughly
from router.model.side import Side

_HALF = Decimal("0.5")
_ROUND_TRIP = Decimal(2)

HORIZONS_S = (1, 10, 60, 300, 1_800)
"""How long after a fill the market is looked at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A fill beside the market. `mid`: when it was sent; `later`: the mid so many seconds after the fill, None unseen.

    Prices in reporting currency; `quantity` > 0 of base.
    """

    side: Side
    quantity: Decimal
    price: Decimal
    mid: Decimal
    later: dict[int, Decimal | None]


def effective_bps(fill: Marked) -> Decimal:
    """Twice the distance to the mid it was sent at."""
    return _twice(fill.side, fill.price, fill.mid, fill.mid)


def realised_bps(fill: Marked, horizon_s: int) -> Decimal | None:
    """Twice the distance to the mid `horizon_s` later: what the other side kept."""
    later = fill.later.get(horizon_s)
    return None if later is None else _twice(fill.side, fill.price, later, fill.mid)


def impact_bps(fill: Marked, horizon_s: int) -> Decimal | None:
    """Twice the mid's own move until `horizon_s` later."""
    later = fill.later.get(horizon_s)
    return None if later is None else _twice(fill.side, later, fill.mid, fill.mid)


def markout_bps(fill: Marked, horizon_s: int) -> Decimal | None:
    """How far the mid had gone our way `horizon_s` later."""
    later = fill.later.get(horizon_s)
    if later is None:
        return None
    with exactly():
        helped = fill.side.sign * (later - fill.price)
    return bps_of(helped, fill.price)


def capture(side: Side, price: Decimal, bid: Decimal, ask: Decimal) -> Decimal | None:
    """Share of the half spread at posting that a resting fill earned: 1 at its own touch, -1 across; None of none."""
    with exactly():
        earned, half = side.sign * ((bid + ask) * _HALF - price), (ask - bid) * _HALF
    return None if half <= 0 else ratio(earned, half)


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighted:
    """A mean by quantity over the fills that have the figure: `seen` of `of` fills do. None where none does."""

    value: Decimal | None
    seen: int
    of: int


def by_quantity(figures: Iterable[tuple[Decimal, Decimal | None]]) -> Weighted:
    """The mean of figures, each with its quantity."""
    known = tuple(figures)
    seen = [(quantity, figure) for quantity, figure in known if figure is not None]
    with roughly():
        weight = sum((quantity for quantity, _ in seen), ZERO)
        total = sum((quantity * figure for quantity, figure in seen), ZERO)
    return Weighted(value=ratio(total, weight) if weight else None, seen=len(seen), of=len(known))


def _twice(side: Side, price: Decimal, other: Decimal, mid: Decimal) -> Decimal:
    with exactly():
        distance = _ROUND_TRIP * side.sign * (price - other)
    return bps_of(distance, mid)
