"""Instruments, and the listings they are traded through."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import AccountId, Asset, InstrumentId, ListingId, VenueId
from router.model.side import Side


class FeeIn(StrEnum):
    """Which asset a venue takes its fee in."""

    QUOTE = "QUOTE"
    BASE = "BASE"
    RECEIVED = "RECEIVED"
    """The asset received: base on a buy, quote on a sell (binance, okx, bybit)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrument:
    """What is bought or sold: a base asset, valued in a reporting currency."""

    id: InstrumentId
    base: Asset
    reporting: Asset


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenDiscount:
    """A lower rate for taking, while the fee is paid in the venue's token and the account holds enough of it.

    `taker_fee_bps`: the rate that then holds. `on`: has the account switched it on? None where the venue does not say.
    """

    token: Asset
    taker_fee_bps: Decimal
    on: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One book: a symbol at one venue account, with the venue's rules for an order in it.

    `tick`, `min_notional` and prices are in quote currency per unit of base; `step`, `min_quantity`, `max_quantity`
    in base. `taker_fee_bps` is this account's rate without any token, negative for a rebate.
    """

    id: ListingId
    instrument: InstrumentId
    venue: VenueId
    account: AccountId
    symbol: str
    base: Asset
    quote: Asset
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal | None
    taker_fee_bps: Decimal
    fee_in: FeeIn
    discount: TokenDiscount | None = None
    token_price: Decimal | None = None
    """Quote currency per token where `discount` is counted on, as `router.book.discounts` judges; None: it is not."""

    @property
    def paid_in(self) -> TokenDiscount | None:
        """The discount that is counted on."""
        return None if self.token_price is None else self.discount

    @property
    def charged_bps(self) -> Decimal:
        """The rate to reckon with."""
        if self.token_price is None or self.discount is None:
            return self.taker_fee_bps
        return self.discount.taker_fee_bps

    def fee_in_base(self, side: Side) -> bool:
        """Is the fee of an order on `side` taken in the base asset, where no token pays it?"""
        return self.fee_in is FeeIn.BASE or (self.fee_in is FeeIn.RECEIVED and side is Side.BUY)
