"""What the engine wants done. Nothing here leaves before the facts it follows from are durable."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import AccountId, ClientOrderId, InstrumentId, Nanos, ParentId, TimerId, VenueOrderId
from router.model.orders import Approved, ChildOrder
from router.model.side import Side


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Show me the market of an instrument, as deep as `quantity` can reach. Answered at once with `MarketSeen`."""

    instrument: InstrumentId
    quantity: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Let copy number `copy` of this child leave. `deadline_ns` is this copy's own."""

    order: Approved[ChildOrder]
    copy: int
    deadline_ns: Nanos | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Ask the venue to cancel a child."""

    order: ChildOrder
    venue_order_id: VenueOrderId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Ask the venue what became of a child: its record by our id (and the venue's, if known), and its trades."""

    order: ChildOrder
    venue_order_id: VenueOrderId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadAccount:
    """Read balances, open orders and trades since `trades_since_ns`: the venue's gate is shut until it is done."""

    account: AccountId
    trades_since_ns: Nanos
    movements: bool = False
    """Also what moved assets besides trading: something in the balances does not fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wake:
    """Send `TimerFired(timer_id)` at `due_ns`."""

    timer_id: TimerId
    due_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class Seek:
    """Ask an account for an order nobody remembers, by our id alone. Answered with `Sought`.

    `since_ns`: it was not placed before then. `symbols`: what the account has ever traded of the same base, whether or
    not it is still configured.
    """

    account: AccountId
    client_id: ClientOrderId
    parent_id: ParentId
    instrument: InstrumentId
    side: Side
    since_ns: Nanos
    symbols: tuple[str, ...] = ()


Command = Look | Place | Cancel | Query | ReadAccount | Seek | Wake
