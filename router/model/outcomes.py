"""What a venue call came to. Every submit is unknown until proven otherwise; refusal is a whitelist of venue codes."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.balances import Balance, Movement
from router.model.ids import AccountId, ListingId, Nanos, VenueOrderId
from router.model.instruments import TokenDiscount
from router.model.keys import KeyReading
from router.model.orders import VenueOrder, VenueTrade


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The venue has the order: parsed, an order id present, our id echoed where the venue echoes."""

    venue_order_id: VenueOrderId


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A venue code from the whitelist proves that this copy was not accepted.

    `transient` means that the same intent may be tried again later (rate limit, timestamp, nonce). `would_cross`: a
    post-only order that would have traded on arrival; at a price further from the market it may rest.
    """

    code: str
    text: str
    transient: bool
    retry_after_ms: int | None = None
    would_cross: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Exists:
    """The venue says that an order with this id is already there: go and look, never 'rejected'."""

    code: str
    venue_order_id: VenueOrderId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A copy left and its answer is missing or unusable. Says nothing about the order."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotSent:
    """Not one byte of this copy reached the venue: stopped at the last gate (`by_gate`), or never connected."""

    why: str
    by_gate: bool = False


PlaceOutcome = Accepted | Refused | Exists | Lost | NotSent


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelTaken:
    """The venue took the cancel. The order's end still has to be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelUnclear:
    """Anything else: unknown order, time-out, error. Proves nothing; the order is read again."""

    why: str


CancelOutcome = CancelTaken | CancelUnclear


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The venue's own record of the order, and all its trades that the venue's list shows."""

    order: VenueOrder
    trades: tuple[VenueTrade, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Every endpoint named answered cleanly and none knows the order.

    `strangers` are trades on the order's symbol and side since it was decided that belong to no order we could name:
    while there is one, absence is not proven.
    """

    endpoints: tuple[str, ...]
    strangers: tuple[VenueTrade, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """The look-up itself failed, or answered only in part. No evidence either way."""

    why: str


LookUpResult = Found | Missing | Unclear


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """An answer to 'what became of this order', stamped with when it was asked: evidence is judged by that."""

    asked_ns: Nanos
    result: LookUpResult


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFee:
    """The rate an account is told for taking on one of its listings, and what paying in a token would make of it."""

    listing_id: ListingId
    taker_fee_bps: Decimal
    discount: TokenDiscount | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountRead:
    """All a reconciliation needs of one account, read from the venue, newest last.

    `trades` are those since the watermark asked for; `open_orders` are all, ours and foreign alike.
    """

    account: AccountId
    asked_ns: Nanos
    balances: tuple[Balance, ...]
    open_orders: tuple[VenueOrder, ...]
    trades: tuple[VenueTrade, ...]
    key: KeyReading | None = None
    """The newest check of the account's key; None where keys are not asked about."""
    movements: tuple[Movement, ...] | None = ()
    """What moved assets besides trading, of a week, where it was asked for; None when it could not be read now."""
    fees: tuple[ListedFee, ...] = ()
    """The newest rates; none where they are not the account's own."""
