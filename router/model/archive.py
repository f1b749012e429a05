"""A parent that is over, with its children, as the journal keeps it once the state no longer does (D35).

What planned it is left out: it is never planned again. What may still be asked of it is here: who it was, what filled,
under which names its venues know it, and which of their trades are booked.
"""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import AccountId, Asset, Nanos, ParentId, VenueOrderId
from router.model.orders import ChildOrder, ChildState, ParentOrder, ParentState


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedChild:
    """An intent that has ended. Quantities in base; `spent` is Σ price * quantity in quote. `booked`: booking keys."""

    order: ChildOrder
    reserved_asset: Asset
    reserved: Decimal
    notional: Decimal
    state: ChildState
    copies: int
    deadline_ns: Nanos | None
    ended_ns: Nanos | None
    venue_order_id: VenueOrderId | None
    filled: Decimal
    spent: Decimal
    fee_drawn: Decimal
    executed: Decimal | None
    sent_ns: Nanos | None
    reason: str
    booked: tuple[str, ...]
    breaches: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedParent:
    """One parent and its children, in the order they were decided."""

    order: ParentOrder
    accepted_ns: Nanos
    ended_ns: Nanos | None
    state: ParentState
    reason: str
    rounds: int
    adopted: bool
    breached: bool
    children: tuple[ArchivedChild, ...]

    @property
    def id(self) -> ParentId:
        """The parent's."""
        return self.order.id


def order_key(account: AccountId, symbol: str, venue_order_id: VenueOrderId) -> str:
    """Under which an order is one for its venue: ids count per symbol at several venues."""
    return f"{account}|{symbol}|{venue_order_id}"
