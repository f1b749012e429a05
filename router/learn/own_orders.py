"""The journal's own immediate-or-cancel orders as witnesses: a fold over its rows, and nothing else.

An order is a witness once it has ended at the venue: what it asked for, what it got, and how old the book was that it
was decided on. One that was refused, never left or was never found says nothing about what was there.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from router.learn.chances import WITNESSES_MAX, CellKey, Observed, bucket_of
from router.model.events import Event, MarketSeen
from router.model.facts import ChildIntended, ChildMoved, Fact, FillBooked
from router.model.ids import ClientOrderId
from router.model.money import ZERO
from router.model.orders import ChildState, TimeInForce
from router.split.survival import Sent

_WITNESSED = frozenset({ChildState.FILLED, ChildState.CANCELLED, ChildState.EXPIRED})


@dataclass(slots=True)
class _Living:
    key: CellKey
    quantity: Decimal
    filled: Decimal = ZERO


@dataclass(slots=True)
class OwnOrders:
    """Fed rows in order; `seen` at any time is what the rows so far came to."""

    rows: int = 0
    orders: int = 0
    _living: dict[ClientOrderId, _Living] = field(default_factory=dict)
    _ended: dict[CellKey, deque[Sent]] = field(default_factory=lambda: defaultdict(_newest))

    def take(self, event: Event, facts: Iterable[Fact]) -> None:
        """The next row."""
        self.rows += 1
        for fact in facts:
            match fact:
                case ChildIntended(order=order) if isinstance(event, MarketSeen):
                    view = event.view
                    ages = [one.book_age_ns for one in view.listings if one.listing.id == order.listing_id]
                    if order.time_in_force is TimeInForce.IOC and ages:
                        key = (view.instrument, order.venue, bucket_of(ages[0]))
                        self._living[order.client_id] = _Living(key, order.quantity)
                case FillBooked(fill=fill) if fill.client_id in self._living:
                    self._living[fill.client_id].filled += fill.trade.quantity
                case ChildMoved(client_id=client_id, state=state) if state.ended and client_id in self._living:
                    one = self._living.pop(client_id)
                    if state in _WITNESSED:
                        self.orders += 1
                        self._ended[one.key].append(Sent(sent=one.quantity, filled=min(one.filled, one.quantity)))
                case _:
                    pass

    def seen(self) -> Mapping[CellKey, Observed]:
        """By instrument, venue and age bucket."""
        return {key: Observed(sent=tuple(sent)) for key, sent in self._ended.items()}


def _newest() -> "deque[Sent]":
    return deque(maxlen=WITNESSES_MAX)
