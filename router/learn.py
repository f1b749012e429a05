"""Learn from what was sent how much of what is displayed is there when an order lands.

Own orders by venue and age of the book go into the product-limit estimate, because one that filled in full says only
that at least so much was there. Where few have been sent, a prior and what recorded books show stand in. Nothing here
sends or decides: it makes the haircut a split is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from router.model import rounding
from router.model.ids import ListingId, VenueId
from router.model.market import Level, MarketView
from router.model.money import ONE, ZERO, ratio
from router.model.side import Side
from router.split.evaluate import levels_for
from router.split.survival import Sent, kaplan_meier

AGE_MS_EDGES = (50, 200, 1_000, 5_000)
"""A book's age falls into the bucket of the first edge it is below; the last bucket has no end."""
PRIOR_THERE = 98
PRIOR_GONE = 2
WITNESSES_MIN = 20
"""With fewer own orders that asked for a size, the estimate there is not used."""
MISSED = Decimal("0.5")
_NS_PER_MS = 1_000_000
_PLACES = Decimal("1E-6")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What is known of one venue and age bucket.

    `there` and `gone` count looks at recorded books: was displayed size still there one latency later?
    """

    sent: tuple[Sent, ...] = ()
    there: int = 0
    gone: int = 0

    def chance(self, size: Decimal) -> Fraction:
        """That so much is there: by own orders where enough of them asked for it, else by recorded books and prior."""
        if sum(1 for one in self.sent if one.sent >= size) >= WITNESSES_MIN:
            return kaplan_meier(self.sent).at(size)
        looks = PRIOR_THERE + PRIOR_GONE + self.there + self.gone
        return Fraction(PRIOR_THERE + self.there, looks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """By venue and age bucket."""

    seen: Mapping[tuple[VenueId, int], Observed] = field(default_factory=dict)

    def of(self, venue: VenueId, age_ns: int) -> Observed:
        """What is known of the venue's books at that age; nothing, if nothing was seen."""
        return self.seen.get((venue, age_bucket(age_ns)), Observed())


def age_bucket(age_ns: int) -> int:
    """Which bucket a book of that age is in."""
    return sum(1 for edge in AGE_MS_EDGES if age_ns >= edge * _NS_PER_MS)


def still_there(price: Decimal, size: Decimal, later: Sequence[Level], side: Side) -> bool:
    """Of a book one latency later: is that much to be had at `price` or better? Nothing reads recorded books so yet."""
    shown = sum((level.size for level in later if (level.price - price) * side.sign <= 0), ZERO)
    return shown >= size


def survival(
    view: MarketView, side: Side, learned: Learned, misses: Mapping[VenueId, int] | None = None
) -> dict[ListingId, tuple[Decimal, ...]]:
    """The haircut of each listing by level, never better with depth; each miss of this parent at a venue halves it."""
    found = {}
    for one in view.listings:
        observed = learned.of(one.listing.venue, one.book_age_ns)
        halved = MISSED ** (misses or {}).get(one.listing.venue, 0)
        before, chances = ZERO, []
        for level in levels_for(one, side):
            chance = observed.chance(before + one.listing.step)
            chances.append(
                rounding.down(ratio(Decimal(chance.numerator), Decimal(chance.denominator)) * halved, _PLACES)
            )
            before += level.size
        if chances:
            found[one.listing.id] = tuple(min(chances[: at + 1]) for at in range(len(chances)))
    return found


def thinned(chances: Sequence[Decimal], duplicated: Decimal, earlier: Decimal) -> tuple[Decimal, ...]:
    """The haircut at a venue where the share `duplicated` of what is shown is withdrawn when its twin elsewhere trades.

    `earlier`: the share of our size that arrives at that other venue first. Nothing measures the two shares yet.
    """
    return tuple(chance * (ONE - duplicated * earlier) for chance in chances)
