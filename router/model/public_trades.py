"""What anybody trades at a venue, as it publishes it: one print, and how much there has been of it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from router.model.ids import ListingId, Nanos
from router.model.side import Side


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicTrade:
    """One print: `quantity` of base at `price` in quote, the venue's own digits where it sends text.

    `taker`: the side of the order that took; None where the venue does not say (an auction). `trade_id` and
    `venue_time_ns` are None where it names none.
    """

    listing: ListingId
    trade_id: str | None
    price: Decimal
    quantity: Decimal
    taker: Side | None
    venue_time_ns: Nanos | None
    received_ns: Nanos


class TradeCounters(NamedTuple):
    """All prints of one listing since `epoch_ns`, the moment from which none is known to be missing.

    The epoch's name is its beginning (our clock, which never goes back): it differs after every loss, restarts of the
    router included. Two readings may be subtracted only within one epoch; between two epochs an unknown number of
    prints is missing. `prints` is how many there were; `quantity`, `bought` and `sold` in base, `notional` in quote;
    `bought` and `sold` by the side that took: less than `quantity` where the venue does not say it. `last_ns`: when
    the newest print arrived.
    """

    epoch_ns: Nanos
    prints: int
    quantity: Decimal
    notional: Decimal
    bought: Decimal
    sold: Decimal
    last_ns: Nanos | None
