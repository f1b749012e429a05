"""All that a report on one order is computed from: what was asked, decided, sent and filled, and the market meanwhile.

It is made of the live store, of journal and market record, or of a file: whoever makes it, the same record gives the
same report. What nobody saw is None or absent; nothing in here is guessed.
"""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import Asset, InstrumentId, ListingId, Nanos, VenueId
from router.model.market import MarketView
from router.model.money import exactly
from router.model.orders import Fee
from router.model.side import Side

_HALF = Decimal("0.5")


@dataclass(frozen=True, kw_only=True, slots=True)
class FillSeen:
    """One execution: `quantity` > 0 of base at `price` in `quote`. `child`: whose it is; `maker` None: not told."""

    key: str
    child: str
    quantity: Decimal
    price: Decimal
    quote: Asset
    fees: tuple[Fee, ...]
    maker: bool | None
    at_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildSeen:
    """One child. `round`: the decision that planned it, 0 where none did (adopted).

    `left`: it went out, or may have; `copies`: how often, with the same id. `sent_ns`: when the copy left that was
    answered.
    """

    id: str
    round: int
    venue: VenueId
    listing_id: ListingId
    quantity: Decimal
    limit_price: Decimal
    state: str
    left: bool
    copies: int
    decided_ns: Nanos
    sent_ns: Nanos | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionSeen:
    """One planning round, on the view it was made on. `due`: base; None for a view that was not kept."""

    round: int
    at_ns: Nanos
    due: Decimal
    view: MarketView | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Instant:
    """The consolidated best raw prices in reporting currency, and what currencies were worth. None: no such side."""

    at_ns: Nanos
    bid: Decimal | None
    ask: Decimal | None
    marks: dict[Asset, Decimal]

    @property
    def mid(self) -> Decimal | None:
        """Halfway; None unless both sides are there."""
        if self.bid is None or self.ask is None:
            return None
        with exactly():
            return (self.bid + self.ask) * _HALF

    def opposite(self, side: Side) -> Decimal | None:
        """The far touch: the best an order on `side` could take."""
        return self.ask if side is Side.BUY else self.bid


@dataclass(frozen=True, kw_only=True, slots=True)
class Blind:
    """A time in which nobody looked."""

    from_ns: Nanos
    to_ns: Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class TapePiece:
    """What was traded in public at a listing between two instants: base, and its worth in quote.

    `whole`: no print is known to be missing.
    """

    listing_id: ListingId
    quote: Asset
    from_ns: Nanos
    to_ns: Nanos
    quantity: Decimal
    notional: Decimal
    whole: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRecord:
    """One parent that has ended. `instants`, `blind` and `tape` oldest first; `reporting`: the currency of all prices.

    `quantity` in base; `decided_ns`: when it was accepted; `ended_ns`: when it ended.
    """

    ref_id: str
    parent_id: str
    instrument: InstrumentId
    base: Asset
    reporting: Asset
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    policy: str
    principal: str
    state: str
    reason: str
    decided_ns: Nanos
    ended_ns: Nanos
    decisions: tuple[DecisionSeen, ...]
    children: tuple[ChildSeen, ...]
    fills: tuple[FillSeen, ...]
    instants: tuple[Instant, ...] = ()
    blind: tuple[Blind, ...] = ()
    tape: tuple[TapePiece, ...] = ()
