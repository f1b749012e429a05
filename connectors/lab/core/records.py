"""What a venue writes down: orders, trades, balances, refusals; and the events its streams are made from."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from router.model.instruments import FeeIn
from router.model.money import ONE
from router.model.side import Side

if TYPE_CHECKING:
    from collections.abc import Mapping


class TimeInForce(StrEnum):
    """How long an order may stand."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    """Where an order stands. Partly filled is OPEN with `executed > 0`."""

    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    """By its owner."""
    EXPIRED = "EXPIRED"
    """By its own terms: the remainder of an IOC, a FOK that could not be filled, a market order out of book, a
    post-only order that would have taken."""

    @property
    def ended(self) -> bool:
        """Nothing more of it will execute."""
        return self is not OrderStatus.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOrder:
    """An order as it arrives at the engine. `limit_price` None is a market order."""

    symbol: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    tif: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    client_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRecord:
    """An order as the venue's book-keeping has it at `updated_ns`. `cost` is the quote amount traded, fees apart.

    `order_id` is unique at the venue; a protocol may show it in its own spelling. `fees` sums by asset.
    """

    order_id: int
    client_id: str | None
    account: str
    symbol: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    tif: TimeInForce
    post_only: bool
    status: OrderStatus
    executed: Decimal
    cost: Decimal
    fees: "Mapping[str, Decimal]" = field(default_factory=lambda: MappingProxyType({}))
    placed_ns: int
    updated_ns: int

    @property
    def remaining(self) -> Decimal:
        """What has not executed."""
        return self.quantity - self.executed


@dataclass(frozen=True, kw_only=True, slots=True)
class TradeRecord:
    """One execution of one order. `trade_id` counts per symbol, `execution_id` over the venue; a self-trade is two."""

    trade_id: int
    execution_id: int
    order_id: int
    client_id: str | None
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee_asset: str
    fee: Decimal
    maker: bool
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceRecord:
    """Total and free amount of an asset; the rest is locked in open orders."""

    total: Decimal
    free: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """What trades are charged, whatever the venue lists. `token`: a third asset it is taken in while there is enough.

    `token_price`: in quote, whatever that is. `token_bps`: the rate while the token pays; None: the same. `told`: does
    the venue tell of it? A negative rate is a rebate.
    """

    bps: Decimal
    fee_in: FeeIn
    token: str | None = None
    token_price: Decimal = ONE
    token_bps: Decimal | None = None
    told: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyGrants:
    """What the keys of a venue may do, as its key endpoints tell it; each venue in its own words, where it has any."""

    trade: bool = True
    withdraw: bool = False
    ip_restricted: bool = True
    ledger: bool = True
    """May they read what was deposited and withdrawn? Kraken's only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MovementRecord:
    """A deposit, or with a negative amount a withdrawal."""

    number: int
    asset: str
    amount: Decimal
    at_ns: int


class RejectKind(StrEnum):
    """Why a venue refuses. Protocols turn it into their own code."""

    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    SYMBOL_HALTED = "SYMBOL_HALTED"
    QUANTITY_STEP = "QUANTITY_STEP"
    QUANTITY_TOO_SMALL = "QUANTITY_TOO_SMALL"
    QUANTITY_TOO_LARGE = "QUANTITY_TOO_LARGE"
    PRICE_TICK = "PRICE_TICK"
    PRICE_NOT_POSITIVE = "PRICE_NOT_POSITIVE"
    NOTIONAL_TOO_SMALL = "NOTIONAL_TOO_SMALL"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    DUPLICATE_CLIENT_ID = "DUPLICATE_CLIENT_ID"
    POST_ONLY_WOULD_TAKE = "POST_ONLY_WOULD_TAKE"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    ALREADY_ENDED = "ALREADY_ENDED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A refusal: no order was made, nothing was cancelled."""

    kind: RejectKind
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookChanged:
    """The whole size now standing at a price, ours included; 0 when the level is gone. `side` BUY is the bid side."""

    symbol: str
    side: Side
    price: Decimal
    size: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Printed:
    """A public trade. `taker_side` is the side of the order that took."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderChanged:
    """An order was made, executed or ended. `execution` is the trade that caused it, if one did."""

    account: str
    record: OrderRecord
    execution: TradeRecord | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceChanged:
    """An account's holding of an asset changed."""

    account: str
    asset: str
    balance: BalanceRecord


MarketEvent = BookChanged | Printed | OrderChanged | BalanceChanged
