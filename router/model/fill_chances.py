"""How likely displayed size is to be there when an order lands: a learned set, as decisions are made with it."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import InstrumentId, VenueId

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ChanceStep:
    """Up to and with `quantity` (base), above all steps before it, so much is there with `chance`; None: the rest."""

    quantity: Decimal | None
    chance: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ChanceCell:
    """One venue's books of one age; `steps` never rise.

    It rests on so many own `orders` and `looks` at recorded books.
    """

    instrument: InstrumentId
    venue: VenueId
    age_bucket: int
    steps: tuple[ChanceStep, ...]
    orders: int
    looks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FillChances:
    """All of it. `version` names it by its content; `built_from` says in a sentence what that was.

    A book's age falls into the bucket of the first of `age_ms_edges` it is below; the last bucket has no end. A venue
    of which nothing is known has the `prior`.
    """

    version: str
    built_from: str
    age_ms_edges: tuple[int, ...]
    prior: Decimal
    cells: tuple[ChanceCell, ...]

    def steps(self, instrument: InstrumentId, venue: VenueId, age_ns: int) -> tuple[ChanceStep, ...]:
        """The staircase for a book of that age."""
        bucket = age_bucket(age_ns, self.age_ms_edges)
        for cell in self.cells:
            if (cell.instrument, cell.venue, cell.age_bucket) == (instrument, venue, bucket):
                return cell.steps
        return (ChanceStep(quantity=None, chance=self.prior),)


def age_bucket(age_ns: int, edges_ms: tuple[int, ...]) -> int:
    """Which bucket a book of that age is in."""
    return sum(1 for edge in edges_ms if age_ns >= edge * _NS_PER_MS)
