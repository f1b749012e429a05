"""A driver as the simulated world sees it, whichever shell it is; what it stands in, and how its orders travel."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol

from connectors.sim import Journey, SimVenue, Wire
from router.book.books import ViewPolicy
from router.engine import Engine
from router.model import events as e
from router.model.facts import Fact
from router.model.ids import AccountId, ListingId, Nanos
from router.model.instruments import Instrument, Listing
from router.model.orders import ChildOrder
from router.model.outcomes import Lost, NotSent, PlaceOutcome, Refused
from router.model.public_trades import PublicTrade
from router.ports import Policy
from router.simulate.agenda import Agenda, Whose
from router.simulate.journal import SimJournal
from router.simulate.scene import MS

LEASE_TTL_NS = 5_000 * MS
TIMEOUT_NS = 3_000 * MS
APPROVAL_AGE_MS = 50


class World(Protocol):
    """What a process stands in."""

    agenda: Agenda
    journal: SimJournal
    policies: Mapping[str, Policy]
    instruments: tuple[Instrument, ...]
    view_policy: ViewPolicy

    def venue(self, account: AccountId) -> SimVenue:
        """The account's venue."""
        ...

    def wire(self, account: AccountId) -> Wire:
        """The way there."""
        ...

    def listings(self) -> tuple[Listing, ...]:
        """One for each account."""
        ...

    def markets(self) -> tuple[Listing, ...]:
        """All there are."""
        ...

    def point(self, name: str, process: "Shell", weight: int = 1) -> None:
        """Something may strike here, `weight` times as often as elsewhere: `process` may be dead or paused then."""
        ...

    def commit_ns(self) -> int | None:
        """How long the next commit takes; None when the database fails it."""
        ...

    def build_ns(self) -> int:
        """How long a request takes from its durable intent to the last gate."""
        ...

    def commit_unclear(self) -> bool:
        """Is the answer to this commit lost, whatever became of it?"""
        ...

    def at_venue(self, account: AccountId) -> None:
        """Something happened at the venue: its streams have news."""
        ...

    def leaves(self, child: ChildOrder, gated_ns: Nanos) -> None:
        """A copy's first byte leaves; the last gate let it pass at `gated_ns`."""
        ...

    def ended(self, process: "Shell", why: str) -> None:
        """The process has given up."""
        ...

    def decided(self, facts: tuple[Fact, ...]) -> None:
        """These facts are durable."""
        ...

    def commit_answer(self) -> str:
        """What a living process learns of a commit that went through: `told`, `read back`, or `lost`."""
        ...

    def count(self, what: str) -> None:
        """A reach probe: this situation has happened."""
        ...


class BookSink(Protocol):
    """Where a process's books are fed."""

    def book_snapshot(
        self, listing: ListingId, bids: Mapping[float, float], asks: Mapping[float, float], received_ns: Nanos
    ) -> str | None:
        """The whole book."""
        ...

    def book_lost(self, listing: ListingId, why: str) -> None:
        """Not to be trusted until the next snapshot."""
        ...

    def trades_started(self, listing: ListingId, received_ns: Nanos) -> None:
        """Public trades are whole from here on."""
        ...

    def public_trade(self, trade: PublicTrade) -> None:
        """Somebody traded."""
        ...


class Shell(Whose, ABC):
    """A driver as the world sees it, whichever shell it is."""

    @property
    @abstractmethod
    def sink(self) -> BookSink:
        """Where its books are fed."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """For the judge."""

    @property
    @abstractmethod
    def idle(self) -> bool:
        """Is nothing decided that is not durable?"""

    @property
    @abstractmethod
    def backlog(self) -> dict[str, int]:
        """How much it has still before it."""

    @abstractmethod
    def now(self) -> Nanos:
        """Its own clock."""

    @abstractmethod
    def put(self, event: e.Event) -> None:
        """A private stream told it so."""

    @abstractmethod
    def hear_requests(self) -> None:
        """There is news in the request table."""


def travel(
    world: World,
    order: ChildOrder,
    deadline_ns: Nanos | None,
    journey: Journey,
    told: Callable[[PlaceOutcome, int], None],
) -> None:
    """A copy on its way, whatever becomes of its sender. `told`: the answer sets out, and how long it takes."""
    refused = False

    def at_venue(speaks: bool) -> None:
        nonlocal refused
        if refused:
            return  # repeated on the way after a refusal: no rule of ours can fence that, only report it
        outcome = world.venue(order.account).place(order, deadline_ns, world.agenda.now_ns)
        refused = isinstance(outcome, Refused)
        world.at_venue(order.account)
        if speaks and journey.back_ns is not None:
            told(outcome if journey.usable else Lost(why="the answer cannot be used"), journey.back_ns)

    for position, arrives_ns in enumerate(journey.arrives):
        world.agenda.after(arrives_ns, lambda speaks=position == journey.speaks: at_venue(speaks))  # type: ignore[misc]


def without_engine(fails: str) -> PlaceOutcome:
    """What a request comes to that the venue's engine never saw."""
    if fails == "not sent":
        return NotSent(why="the connection was refused")
    if fails == "limited":
        return Refused(code="429", text="too many requests", transient=True, retry_after_ms=1_000)
    return Lost(why="503")
