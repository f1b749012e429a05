"""What the API needs of the process it runs in. Everything of it is handed in: it owns no database and no driver."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from router.identity import Changes, Directory
from router.identity.changes import Change
from router.model.ids import EntityId, InstrumentId, Nanos
from router.model.orders import ParentOrder
from router.model.requests import Request
from router.requests import Offered, OrderBody
from router.store import JournalStore
from router.store.projector import Projector
from router.store.queries import Explanation, ParentDetail, Queries
from router.store.tables import ParentTable

Json = dict[str, Any]


class Reports(Protocol):
    """How things are said: the same words as the command line's `--json`."""

    def line(self, parent: ParentTable) -> Json:
        """One line of the blotter."""
        ...

    def waiting(self, request: Request) -> Json:
        """The same of an order that no driver has taken."""
        ...

    def parent(self, detail: ParentDetail, rounds: Sequence[Explanation]) -> Json:
        """An order and all that came of it."""
        ...

    def explanation(self, one: Explanation, detail: ParentDetail) -> Json:
        """One planning round."""
        ...

    def change(self, change: Change) -> Json:
        """A proposal."""
        ...

    async def venues(self) -> list[Json]:
        """Every configured account."""
        ...

    async def balances(self) -> list[Json]:
        """What the accounts hold."""
        ...

    async def book(self, instrument: InstrumentId, depth: int) -> Json:
        """The ladder now. Raises `NoMarketHere`."""
        ...

    async def estimate(self, order: ParentOrder) -> Json:
        """What an order should come to. Raises `NoMarketHere`."""
        ...


class NoMarketHere(Exception):
    """No venue shows a book, or nobody drives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """All of it. `demo`: on loopback in the lab whoever asks without a key is the demo user."""

    entity: EntityId
    deployment: str
    mode: str
    store: JournalStore
    queries: Queries
    projector: Projector
    offered: Offered
    directory: Directory
    changes: Changes
    two_people: bool
    demo: bool
    now: Callable[[], Nanos]
    in_full: Callable[[OrderBody], Awaitable[OrderBody]]
    """The order with the stored curve it names. Raises `BadInput`."""
    reports: Reports
    not_ready: Callable[[], Awaitable[str | None]]
    metrics: Callable[[], bytes]
