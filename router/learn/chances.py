"""From witnesses to chances: own orders where enough of them asked for a size, recorded books and a prior elsewhere.

Own orders by venue and age of the book go into the product-limit estimate, because one that filled in full says only
that at least so much was there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from router.model import rounding
from router.model.fill_chances import ChanceCell, ChanceStep, FillChances, age_bucket
from router.model.ids import InstrumentId, VenueId
from router.model.market import Level
from router.model.money import ONE, ZERO, ratio
from router.model.side import Side
from router.split.survival import Sent, kaplan_meier

AGE_MS_EDGES = (50, 200, 1_000, 5_000)
PRIOR_THERE = 98
PRIOR_GONE = 2
WITNESSES_MIN = 20
"""With fewer own orders that asked for a size, the estimate there is not used."""
WITNESSES_MAX = 2_000
"""The newest of a cell that count."""
_PLACES = Decimal("1E-6")

CellKey = tuple[InstrumentId, VenueId, int]


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
        return self._by_books()

    def steps(self) -> tuple[ChanceStep, ...]:
        """`chance` as a staircase that never rises."""
        sizes = sorted((one.sent for one in self.sent), reverse=True)
        trusted = sizes[WITNESSES_MIN - 1] if len(sizes) >= WITNESSES_MIN else ZERO
        found: list[tuple[Decimal | None, Fraction]] = []
        if trusted:
            survival = kaplan_meier(self.sent)
            edges = [one.quantity for one in survival.steps if one.quantity is not None and one.quantity < trusted]
            found += [(edge, survival.at(edge)) for edge in (*edges, trusted)]
        found.append((None, self._by_books()))
        steps, least = [], ONE
        for quantity, exact in found:
            least = min(least, _decimal(exact))
            steps.append(ChanceStep(quantity=quantity, chance=least))
        return tuple(steps)

    def _by_books(self) -> Fraction:
        looks = PRIOR_THERE + PRIOR_GONE + self.there + self.gone
        return Fraction(PRIOR_THERE + self.there, looks)


def chances_of(seen: Mapping[CellKey, Observed], built_from: str) -> FillChances:
    """The set these witnesses make, named by its content."""
    cells = tuple(
        ChanceCell(
            instrument=instrument,
            venue=venue,
            age_bucket=bucket,
            steps=one.steps(),
            orders=len(one.sent),
            looks=one.there + one.gone,
        )
        for (instrument, venue, bucket), one in sorted(seen.items())
    )
    prior = _decimal(Fraction(PRIOR_THERE, PRIOR_THERE + PRIOR_GONE))
    return FillChances(version="", built_from=built_from, age_ms_edges=AGE_MS_EDGES, prior=prior, cells=cells)


def merged(*parts: Mapping[CellKey, Observed]) -> dict[CellKey, Observed]:
    """What several sources saw, together; of own orders the newest."""
    found: dict[CellKey, Observed] = {}
    for part in parts:
        for key, one in part.items():
            had = found.get(key, Observed())
            sent = (*had.sent, *one.sent)[-WITNESSES_MAX:]
            found[key] = replace(had, sent=sent, there=had.there + one.there, gone=had.gone + one.gone)
    return found


def bucket_of(age_ns: int) -> int:
    """The bucket a book of that age is learned in."""
    return age_bucket(age_ns, AGE_MS_EDGES)


def still_there(price: Decimal, size: Decimal, later: Sequence[Level], side: Side) -> bool:
    """Of a book one latency later: is that much to be had at `price` or better?"""
    shown = sum((level.size for level in later if (level.price - price) * side.sign <= 0), ZERO)
    return shown >= size


def thinned(chances: Sequence[Decimal], duplicated: Decimal, earlier: Decimal) -> tuple[Decimal, ...]:
    """The haircut at a venue where the share `duplicated` of what is shown is withdrawn when its twin elsewhere trades.

    `earlier`: the share of our size that arrives at that other venue first. Nothing measures the two shares live yet.
    """
    return tuple(chance * (ONE - duplicated * earlier) for chance in chances)


def _decimal(exact: Fraction) -> Decimal:
    return rounding.down(ratio(Decimal(exact.numerator), Decimal(exact.denominator)), _PLACES)
