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
class Listing:
    """One book: a symbol at one venue account, with the venue's rules for an order in it.

    `tick`, `min_notional` and prices are in quote currency per unit of base; `step`, `min_quantity`, `max_quantity`
    in base. `taker_fee_bps` is this account's rate, negative for a rebate.
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

    def fee_in_base(self, side: Side) -> bool:
        """Is the fee of an order on `side` taken in the base asset?"""
        return self.fee_in is FeeIn.BASE or (self.fee_in is FeeIn.RECEIVED and side is Side.BUY)
