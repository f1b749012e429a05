"""A person's word on a child no rule can decide: what they say became of it, and what they saw that says so."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import ClientOrderId, TradeId, VenueOrderId
from router.model.orders import Fee


class Verdict(StrEnum):
    """What became of the order."""

    FILLED = "FILLED"
    """It is over, and the trades named are all that was not booked yet."""
    NEVER_PLACED = "NEVER_PLACED"
    """The venue never had it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldTrade:
    """One execution as a person read it at the venue, under the venue's own trade id."""

    trade_id: TradeId
    quantity: Decimal
    price: Decimal
    fees: tuple[Fee, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """One person's word. `venue_order_id`: the venue's own name of the order, where the router does not know it."""

    client_id: ClientOrderId
    verdict: Verdict
    evidence: str
    principal: str
    trades: tuple[ToldTrade, ...] = ()
    venue_order_id: VenueOrderId | None = None

    def says_the_same(self, other: "Resolution") -> bool:
        """The same child, the same end, the same trades; the words for it may differ."""
        return (self.client_id, self.verdict, self.venue_order_id, frozenset(self.trades)) == (
            other.client_id,
            other.verdict,
            other.venue_order_id,
            frozenset(other.trades),
        )
