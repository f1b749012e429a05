"""What the private stream owes us, by what REST has shown. Pure.

A stream that stands and answers pings can have lost its subscription, and nothing about it says so. But an order that a
create answer accepted, that a look-up shows changed, or that a trade list names must be told by the stream, too.
What is not told in time makes the stream suspect. A report may overtake the answer, so what was told since the order
left counts; and a record may be read from a copy that lags, so a change is looked for somewhat before it was seen.
"""

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from router.model.ids import ClientOrderId, Nanos, VenueOrderId
from router.model.orders import VenueOrder

K = TypeVar("K")
V = TypeVar("V")
_REMEMBERED = 2_000
"""Names kept at most: far more than may be under way at one account."""
_REMEMBERED_NS = 600_000_000_000
"""And for so long: what was neither told nor shown since is over. An order that stands is shown at every reading."""


class Ids(NamedTuple):
    """By what an order may be named; a stream may know only one of them."""

    client_id: ClientOrderId | None
    venue_order_id: VenueOrderId | None


@dataclass(frozen=True, slots=True)
class _Debt:
    ids: Ids
    known_ns: Nanos
    what: str


class _Lately(Generic[K, V]):
    """The newest value of each name, oldest first; forgotten by age, and beyond a number."""

    def __init__(self) -> None:
        self._kept: dict[K, tuple[V, Nanos]] = {}

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        return None if found is None else found[0]

    def note(self, key: K, value: V, now: Nanos) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (value, now)
        while len(self._kept) > _REMEMBERED or now - next(iter(self._kept.values()))[1] > _REMEMBERED_NS:
            del self._kept[next(iter(self._kept))]


class ReportsDue:
    """Of one connection. `within_ns`: how long the stream may take to say what REST has shown.

    `lag_ns`: by how much a record may be older than the moment it was asked for.
    """

    def __init__(self, within_ns: int, lag_ns: int) -> None:
        self._within_ns = within_ns
        self._lag_ns = lag_ns
        self._told: _Lately[tuple[str, str], Nanos] = _Lately()
        self._shown: _Lately[ClientOrderId, tuple[str, Nanos]] = _Lately()
        self._client_of: _Lately[VenueOrderId, ClientOrderId] = _Lately()
        self._due: dict[ClientOrderId, _Debt] = {}

    def told(self, ids: Ids, now: Nanos) -> bool:
        """The stream named an order. Was it due?"""
        for key in _keys(ids):
            self._told.note(key, now, now)
        paid = [client_id for client_id, debt in self._due.items() if set(_keys(debt.ids)) & set(_keys(ids))]
        for client_id in paid:
            del self._due[client_id]
        return bool(paid)

    def placed(self, ids: Ids, sent_ns: Nanos, now: Nanos) -> None:
        """A create answer accepted an order whose first byte left at `sent_ns`."""
        self._know(ids, now)
        self._owe(ids, sent_ns, now, "accepted")

    def shown(self, order: VenueOrder, asked_ns: Nanos, now: Nanos) -> None:
        """A record of an order of ours, asked for at `asked_ns`: what changed since the last one was to be told."""
        if order.client_id is None:
            return
        ids = Ids(order.client_id, order.venue_order_id)
        state = f"{order.status} {order.executed.normalize():f}"
        before = self._shown.get(order.client_id)
        self._know(ids, now)
        self._shown.note(order.client_id, (state, asked_ns), now)
        if before is not None and before[0] != state:
            self._owe(ids, Nanos(before[1] - self._lag_ns), now, state)

    def traded(self, ids: Ids, at_ns: Nanos, now: Nanos) -> None:
        """A trade list names a trade not before that time. Of orders nobody here placed or saw, nothing is owed."""
        client_id = ids.client_id
        if client_id is None and ids.venue_order_id is not None:
            client_id = self._client_of.get(ids.venue_order_id)
        if client_id is not None and self._shown.get(client_id) is not None:
            self._owe(Ids(client_id, ids.venue_order_id), at_ns, now, "traded")

    def overdue(self, now: Nanos) -> str | None:
        """What should have been told by now; None when nothing is missing."""
        for debt in self._due.values():
            if now - debt.known_ns > self._within_ns:
                late_ms = (now - debt.known_ns) // 1_000_000
                return f"an order was {debt.what} {late_ms} ms ago and nothing was told of it"
        return None

    def _know(self, ids: Ids, now: Nanos) -> None:
        assert ids.client_id is not None
        if self._shown.get(ids.client_id) is None:
            self._shown.note(ids.client_id, ("", Nanos(0)), now)
        if ids.venue_order_id is not None:
            self._client_of.note(ids.venue_order_id, ids.client_id, now)

    def _owe(self, ids: Ids, since_ns: Nanos, now: Nanos, what: str) -> None:
        if any((told_ns := self._told.get(key)) is not None and told_ns >= since_ns for key in _keys(ids)):
            return
        assert ids.client_id is not None
        self._due.setdefault(ids.client_id, _Debt(ids, now, what))


def _keys(ids: Ids) -> list[tuple[str, str]]:
    return [(kind, name) for kind, name in (("client", ids.client_id), ("venue", ids.venue_order_id)) if name]
