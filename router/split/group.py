"""What several listings share: a balance, or a cap. Draws are exact; the search asks how much still fits."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum

from router.model.ids import AccountId, Asset
from router.model.money import ZERO, ratio
from router.split.curve import Curve


class Draw(Enum):
    """What a unit draws: its weight, its weight x the displayed price, or its weight x the deepest price touched."""

    UNITS = "UNITS"
    WALKED = "WALKED"
    BLOCKED = "BLOCKED"


class Group:
    """Listings by rank that together may draw no more than `room`. Weights per unit; `room` in the same x units.

    `balance` where that is what they share.
    """

    __slots__ = ("balance", "curves", "draw", "name", "room", "weights")

    def __init__(
        self,
        name: str,
        draw: Draw,
        weights: Mapping[int, Decimal],
        room: Decimal,
        curves: Sequence[Curve],
        balance: tuple[AccountId, Asset] | None = None,
    ) -> None:
        self.balance = balance
        self.name = name
        self.draw = draw
        self.weights = weights
        self.room = room
        self.curves = curves

    def drawn(self, rank: int, units: int) -> Decimal:
        """By one listing."""
        weight = self.weights.get(rank)
        if weight is None or units <= 0:
            return ZERO
        if self.draw is Draw.UNITS:
            return weight * units
        curve = self.curves[rank]
        return weight * (curve.walked(units) if self.draw is Draw.WALKED else curve.blocked(units))

    def used(self, units: Sequence[int]) -> Decimal:
        """By all of them."""
        return sum((self.drawn(rank, units[rank]) for rank in self.weights), ZERO)

    def most_more(self, rank: int, have: int, wanted: int, room: Decimal) -> int:
        """How many of `wanted` units more, all out of one level, `room` is enough for."""
        weight = self.weights.get(rank)
        if weight is None or self.drawn(rank, have + wanted) - self.drawn(rank, have) <= room:
            return wanted
        if self.draw is Draw.UNITS:
            return max(0, int(ratio(room, weight)))
        each = weight * self.curves[rank].native_price(have + 1)
        if self.draw is Draw.WALKED:
            return max(0, min(wanted, int(ratio(room, each))))
        return max(0, min(wanted, int(ratio(room + self.drawn(rank, have), each)) - have))
