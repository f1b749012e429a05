"""The journal, the request table and the lease, as the runtime needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from router.model.archive import ArchivedParent
from router.model.events import Stamped
from router.model.facts import Fact
from router.model.ids import ClientOrderId, EntityId, Nanos, ParentId
from router.model.requests import Request, RequestKind


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalRow:
    """One event and the facts decided on it. `request_id` is the request this event consumes, if any."""

    stamped: Stamped
    facts: tuple[Fact, ...]
    request_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """A journal row as stored: its place, its writer's epoch, and the hash that chains it to the row before."""

    seq: int
    epoch: int
    hash: str
    row: JournalRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """What an event speaks of and the state does not hold: it may be archived (D35).

    `orders`: by `order_key`. `rows`: rows of a trade list that no child of the state explains, by booking key: whose
    they may be, by id and by order key. `claimed`: booking keys that a child of the state is about to be given.
    """

    parents: frozenset[ParentId] = frozenset()
    children: frozenset[ClientOrderId] = frozenset()
    orders: frozenset[str] = frozenset()
    rows: Mapping[str, tuple[ClientOrderId | None, str]] = field(default_factory=dict)
    claimed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.parents or self.children or self.orders or self.rows or self.claimed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What the journal knows of it. `booked`: those of the rows' keys under which a trade is booked."""

    parents: tuple[ArchivedParent, ...] = ()
    booked: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to drive a shard, by the database's clock. The epoch grows with every holder.

    `unreleased`: the holder before did not let go of it. It may be dead, or stand still and wake.
    """

    holder: str
    epoch: int
    unreleased: bool = False


class Store(Protocol):
    """What the runtime asks of the database. One writer at a time appends; anybody may insert a request."""

    async def append(self, rows: Sequence[JournalRow]) -> tuple[Appended, ...]:
        """Append all rows at `my last seq + 1` in one transaction, with their side rows; durable on return.

        In the same transaction: requests consumed, client order ids and booking keys (unique), copy counters.
        Raises `AppendLost` when another writer has the place; `AppendUnclear` when it cannot be told. An error at
        COMMIT is resolved by reading the row back, never by inserting again.
        """
        ...

    async def read(self, after_seq: int, limit: int) -> tuple[Appended, ...]:
        """Rows after `after_seq`, in order, hash chain checked."""
        ...

    async def recall(self, unknown: Unknown) -> Remembered:
        """The archived parents that this names, and what of it is booked. A row that is booked names nobody.

        Knows everything that was appended before it was called.
        """
        ...

    async def take_lease(self, holder: str, ttl_ms: int) -> Lease | None:
        """The lease, with a new epoch, if nobody holds it; else None."""
        ...

    async def renew_lease(self, lease: Lease, ttl_ms: int) -> bool:
        """False: it is not ours any more. Stop."""
        ...

    async def release_lease(self, lease: Lease) -> None:
        """Let the next driver in at once."""
        ...

    async def ask(self, request: Request) -> Request:
        """Insert a request, or return the stored one with the same (entity, kind, key) and the same body.

        Raises `SameKeyOtherBody` when the body differs.
        """
        ...

    async def asked(self, entity: EntityId, kind: RequestKind, key: str) -> Request | None:
        """The stored request, if any."""
        ...

    async def open_requests(self, limit: int) -> tuple[Request, ...]:
        """Requests no driver has consumed, oldest first."""
        ...

    async def wait_requests(self, timeout_s: float, after_id: int) -> bool:
        """True as soon as there is an open request with an id above `after_id`; False after `timeout_s` without."""
        ...

    async def save_snapshot(self, seq: int, row_hash: str, at_ns: Nanos, version: int, payload: bytes) -> None:
        """Keep the state as of `seq`."""
        ...

    async def snapshot_before(self, version: int, seq: int) -> tuple[int, str, bytes] | None:
        """The newest snapshot of that version that reaches no further than `seq`, with its row's hash and payload."""
        ...

    async def newest_snapshot(self, version: int) -> tuple[int, str, bytes] | None:
        """(seq, row hash, payload) of the newest snapshot of this state version whose hash is in the journal."""
        ...
