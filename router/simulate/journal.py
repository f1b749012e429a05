"""The database in virtual time: rows in order, requests, the lease; and what a database does wrong.

Compare-and-append is the real rule: rows go in at the writer's own last sequence plus one, or not at all. Where rows
are spelled, what is kept is what the codec reads back, so that a fact which does not survive its own spelling shows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from router.journal.codec import MODEL_MODULES, codec_of
from router.model.archive import ArchivedParent, order_key
from router.model.events import Event, Stamped
from router.model.facts import Fact, FillBooked, ParentArchived
from router.model.ids import ClientOrderId, Nanos, ParentId
from router.ports import JournalRow, Remembered, Unknown

ROWS = codec_of(*MODEL_MODULES)

_EPOCH = Nanos(0)


@dataclass(slots=True)
class Asked:
    """A request in the table. `event` is what the driver understands by it."""

    id: int
    event: Event
    consumed: bool = False


@dataclass(slots=True)
class _Known:
    """What the live store keeps beside the journal: who has left the state, and what is booked to whom."""

    rows: int = 0
    archived: dict[ParentId, ArchivedParent] = field(default_factory=dict)
    children: dict[ClientOrderId, ParentId] = field(default_factory=dict)
    orders: dict[str, ParentId] = field(default_factory=dict)
    booked: dict[str, ParentId] = field(default_factory=dict)

    def follow(self, rows: Sequence[JournalRow]) -> None:
        """Up to the journal's end."""
        for row in rows[self.rows :]:
            for fact in row.facts:
                match fact:
                    case FillBooked(fill=fill):
                        self.booked[fill.booking_key] = fill.parent_id
                    case ParentArchived(parent=parent):
                        self._keep(parent)
                    case _:
                        pass
        self.rows = len(rows)

    def _keep(self, parent: ArchivedParent) -> None:
        self.archived[parent.id] = parent
        for child in parent.children:
            order = child.order
            self.children[order.client_id] = parent.id
            if child.venue_order_id is not None:
                self.orders[order_key(order.account, order.symbol, child.venue_order_id)] = parent.id

    def recall(self, unknown: Unknown) -> Remembered:
        """See `SimJournal.recall`."""
        free = [named for key, named in unknown.rows.items() if key not in self.booked]
        named = {
            *unknown.parents,
            *(self.children.get(client_id) for client_id in unknown.children),
            *(self.children.get(client_id) for client_id, _ in free if client_id is not None),
            *(self.orders.get(key) for key in (*unknown.orders, *(key for _, key in free))),
            *(self.booked.get(key) for key in unknown.claimed),
        }
        baskets = {one.order.leg.basket_id for key, one in self.archived.items() if key in named and one.order.leg}
        return Remembered(
            parents=tuple(
                parent
                for parent_id, parent in self.archived.items()
                if parent_id in named or (parent.order.leg is not None and parent.order.leg.basket_id in baskets)
            ),
            booked=frozenset(self.booked.keys() & unknown.rows.keys()),
        )


@dataclass(slots=True)
class SimJournal:
    """What is durable. `spelled`: keep rows as they are read back from their bytes, instead of as they came."""

    spelled: bool = False
    rows: list[JournalRow] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    epoch: int = 0
    lease_until_ns: Nanos = _EPOCH
    _known: _Known = field(default_factory=_Known)

    def append(self, seq: int, rows: Sequence[JournalRow]) -> bool:
        """All rows after `seq`, or none: False when another writer has the place."""
        if seq != len(self.rows):
            return False
        for row in rows:
            self.rows.append(_read(_spell(row)) if self.spelled else row)
            if row.request_id is not None:
                self.requests[row.request_id].consumed = True
        return True

    def ask(self, event: Event) -> Asked:
        """Insert a request."""
        asked = Asked(len(self.requests), event)
        self.requests.append(asked)
        return asked

    def open_requests(self) -> list[Asked]:
        """Those no driver has consumed, oldest first."""
        return [asked for asked in self.requests if not asked.consumed]

    def read(self) -> list[JournalRow]:
        """All rows, from the first."""
        return list(self.rows)

    def recall(self, unknown: Unknown) -> Remembered:
        """As the port says."""
        if not unknown:
            return Remembered()
        self._known.follow(self.rows)
        return self._known.recall(unknown)

    def cut_back(self, length: int) -> None:
        """A backup of when it had so many rows is put in its place. What later rows had consumed is asked again."""
        del self.rows[length:]
        self._known = _Known()
        consumed = {row.request_id for row in self.rows}
        for asked in self.requests:
            asked.consumed = asked.id in consumed

    def take_lease(self, now_ns: Nanos, ttl_ns: int) -> int | None:
        """A new epoch, if nobody holds the lease."""
        if now_ns < self.lease_until_ns:
            return None
        self.epoch += 1
        self.lease_until_ns = Nanos(now_ns + ttl_ns)
        return self.epoch

    def renew_lease(self, epoch: int, now_ns: Nanos, ttl_ns: int) -> bool:
        """False: it is somebody else's."""
        if epoch != self.epoch:
            return False
        self.lease_until_ns = Nanos(now_ns + ttl_ns)
        return True

    def digest(self) -> str:
        """One hash over everything that was ever appended."""
        found = hashlib.blake2b(digest_size=16)
        for row in self.rows:
            found.update(_spell(row))
        return found.hexdigest()


def _spell(row: JournalRow) -> bytes:
    facts = b"\n".join(ROWS.dumps(fact) for fact in row.facts)
    return ROWS.dumps(row.stamped) + b"\n" + facts


def _read(spelled: bytes) -> JournalRow:
    stamped, *facts = (ROWS.loads(line) for line in spelled.split(b"\n") if line)
    assert isinstance(stamped, Stamped)
    return JournalRow(stamped=stamped, facts=tuple(_fact(fact) for fact in facts))


def _fact(read: object) -> Fact:
    return read  # type: ignore[return-value] # the codec knows only our own classes
