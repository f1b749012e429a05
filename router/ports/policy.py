"""How much, when, how urgently: what a policy sees and what it answers."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from router.model.ids import ClientOrderId, ListingId, Nanos
from router.model.market import MarketView
from router.model.money import ZERO
from router.model.orders import ParentOrder


@dataclass(frozen=True, kw_only=True, slots=True)
class Resting:
    """A child of the parent that stands in a book, as far as we know. `left` in base, `price` in quote.

    `leaving`: its cancel is out; until that is confirmed it counts as working.
    """

    client_id: ClientOrderId
    listing_id: ListingId
    price: Decimal
    left: Decimal
    since_ns: Nanos
    leaving: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """What others traded at the venues the parent may use, in base: since its start, and since its last look.

    `gap`: prints since the last look may be missing, so that the figures are too small.
    """

    total: Decimal
    recent: Decimal
    gap: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a parent stands: quantities in base, none counted twice. No more than `most` may be done for now.

    Where the order asks for something else, money or base after fees, quantities are in that, the order's own among
    them, and `base` is what may have traded for them; only `volume`, `lot` and what a view shows stay in base.

    `working` may still fill and will be heard of soon; `in_doubt` may have filled and is being looked for. `rounds`
    counts planning rounds so far; `last_round_sent` says whether the last one sent anything. `lot`: the finest step of
    the listings it may use; `slice_min`: the smallest quantity one of them takes; both as of its arrival. `volume` is
    None while it is not counted. `triggered_ns`: when its stop price was reached. `last_rested`: the newest order that
    was sent to rest, whatever became of it.
    """

    order: ParentOrder
    accepted_ns: Nanos
    filled: Decimal
    working: Decimal
    in_doubt: Decimal
    rounds: int
    last_round_ns: Nanos | None
    last_round_sent: bool
    lot: Decimal | None = None
    slice_min: Decimal = ZERO
    arrival_mid: Decimal | None = None
    volume: Volume | None = None
    resting: tuple[Resting, ...] = ()
    last_rested: Resting | None = None
    triggered_ns: Nanos | None = None
    base: Decimal | None = None
    most: Decimal | None = None

    @property
    def committed_base(self) -> Decimal:
        """Base done, or possibly done."""
        return self.committed if self.base is None else self.base

    @property
    def committed(self) -> Decimal:
        """Done, or possibly done: what must not be sent again."""
        return self.filled + self.working + self.in_doubt

    @property
    def open_quantity(self) -> Decimal:
        """What is left to be sent."""
        return self.order.quantity - self.committed

    def due(self, target: "Target") -> Decimal:
        """What should be sent by now and was not: in base, 0 where more is committed than the policy wants."""
        return max(target.quantity - self.committed, ZERO)

    @property
    def starts_ns(self) -> Nanos:
        """From when it may trade: accepted, begun, and triggered where it waits for a price."""
        begins = self.order.envelope.starts_ns(self.accepted_ns)
        return begins if self.triggered_ns is None else max(begins, self.triggered_ns)

    @property
    def ends_ns(self) -> Nanos | None:
        """Until when it may trade; None is no end."""
        return self.order.envelope.ends_ns(self.accepted_ns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """One order that should be standing: `quantity` of base at `price` in quote, on the passive side of its book.

    Without `post_only` it may take on its arrival what stands at its price or better; what is left of it rests.
    """

    listing_id: ListingId
    price: Decimal
    quantity: Decimal
    post_only: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """By now `quantity` (base, cumulative) should be done or working.

    What is due is taken from the books, at `limit_price` (reporting currency) or better where that is stricter than
    the order's own, at no more than `listings_max` listings, no further than `reach_bps` beyond the best all-in price;
    unless `quotes` says what should be resting instead: then what rests and is not among them is withdrawn first, and
    its place is filled once it is known to be gone. With `takes` (base) it is withdrawn so that so much can be taken,
    and stays where nothing of that could be sent.

    `base_max`: no more base than that now, whatever the order counts. `look` asks for the market even if nothing is
    due. `not_before_ns` asks to be called again then, if nothing else happens first. `finished` says that the policy
    wants nothing more, whatever is left; `triggered`, that the stop price was reached; `held`, why it is held back
    although its time has come; `reason` is for the record.
    """

    quantity: Decimal
    not_before_ns: Nanos | None = None
    finished: bool = False
    reason: str = ""
    limit_price: Decimal | None = None
    listings_max: int | None = None
    quotes: tuple[Quote, ...] | None = None
    takes: Decimal = ZERO
    reach_bps: Decimal | None = None
    look: bool = False
    triggered: bool = False
    held: bool = False
    base_max: Decimal | None = None


class Policy(Protocol):
    """How much should be done or working by now? Never 'send this'."""

    def target(self, progress: Progress, now_ns: Nanos, view: MarketView | None) -> Target:
        """The cumulative target at `now_ns`. Pure: same arguments, same answer."""
        ...
