"""Where the simulation plays: sorts of venues, their listings and terms; and how a number becomes a price."""

from dataclasses import dataclass
from decimal import Decimal

from connectors.lab.core import DuplicateRule, VenueRules
from connectors.sim import SimVenue
from router.model.ids import AccountId, Asset, EntityId, InstrumentId, ListingId, Nanos, VenueId
from router.model.instruments import FeeIn, Instrument, Listing
from router.model.terms import Fence, VenueTerms
from router.simulate.swarm import Swarm

MS = 1_000_000
S = 1_000 * MS
START_NS = Nanos(1_700_000_000 * S)
DEPLOYMENT = "sim"
ENTITY = EntityId("desk")
BTC_USD = Instrument(id=InstrumentId("BTC/USD"), base=Asset("BTC"), reporting=Asset("USD"))
ETH_USD = Instrument(id=InstrumentId("ETH/USD"), base=Asset("ETH"), reporting=Asset("USD"))
_ETHER = Decimal(2_000)
_MONEY = {Asset("USD"): Decimal(5_000_000), Asset("BTC"): Decimal(100)}
_TICK = Decimal("0.1")
_STEP = Decimal("0.0001")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A sort of venue: its rule for used ids, whether it takes a deadline, and the fence that gives."""

    duplicates: DuplicateRule
    fence: Fence
    fee_in: FeeIn
    fee_bps: Decimal
    names_trades: bool
    """Do rows of its trade list carry our id?"""
    maker_fee_bps: Decimal


KINDS = {
    "perm": Kind(
        duplicates=DuplicateRule.ALWAYS,
        fence=Fence.PERMANENT_DEDUPE,
        fee_in=FeeIn.RECEIVED,
        fee_bps=Decimal(8),
        names_trades=True,
        maker_fee_bps=Decimal(2),
    ),
    "first": Kind(
        duplicates=DuplicateRule.ALWAYS_RETURNS_FIRST,
        fence=Fence.PERMANENT_DEDUPE,
        fee_in=FeeIn.QUOTE,
        fee_bps=Decimal(12),
        names_trades=False,
        maker_fee_bps=Decimal(12),
    ),
    "open": Kind(
        duplicates=DuplicateRule.OPEN_ONLY,
        fence=Fence.DEADLINE,
        fee_in=FeeIn.RECEIVED,
        fee_bps=Decimal(10),
        names_trades=False,
        maker_fee_bps=Decimal(-1),
    ),
    "never": Kind(
        duplicates=DuplicateRule.NEVER,
        fence=Fence.DEADLINE,
        fee_in=FeeIn.QUOTE,
        fee_bps=Decimal(5),
        names_trades=True,
        maker_fee_bps=Decimal(0),
    ),
    "none": Kind(
        duplicates=DuplicateRule.NEVER,
        fence=Fence.NONE,
        fee_in=FeeIn.QUOTE,
        fee_bps=Decimal(9),
        names_trades=False,
        maker_fee_bps=Decimal(4),
    ),
}


def listing_of(kind: str, instrument: Instrument = BTC_USD) -> Listing:
    """An instrument at this sort of venue; BTC/USD, unless it is named."""
    account = AccountId(f"{kind}/main")
    return Listing(
        id=ListingId(f"{account}:{instrument.id}"),
        instrument=instrument.id,
        venue=VenueId(kind),
        account=account,
        symbol=str(instrument.id),
        base=instrument.base,
        quote=instrument.reporting,
        tick=_TICK,
        step=_STEP,
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(10),
        max_quantity=None,
        taker_fee_bps=KINDS[kind].fee_bps,
        fee_in=KINDS[kind].fee_in,
    )


def venue_of(listing: Listing, swarm: Swarm, others: tuple[Listing, ...] = ()) -> SimVenue:
    """The account there, with money on it."""
    kind, money = KINDS[str(listing.venue)], _MONEY | ({ETH_USD.base: _ETHER} if others else {})
    rules = VenueRules(
        name=str(listing.venue),
        taker_fee_bps=kind.fee_bps,
        maker_fee_bps=kind.maker_fee_bps,
        fee_in=kind.fee_in,
        duplicates=kind.duplicates,
        read_lag_ns=swarm.read_lag_ms * MS,
    )
    return SimVenue(
        listing,
        rules,
        takes_deadline=kind.fence is Fence.DEADLINE,
        money={asset: amount * swarm.wealth for asset, amount in money.items()},
        others=others,
        trade_lag_ns=swarm.trade_lag_ms * MS,
        names_trades=kind.names_trades,
        forgets_after_ns=None if swarm.retention_s is None else swarm.retention_s * S,
        maker_fee_bps=kind.maker_fee_bps,
    )


def terms_of(listing: Listing, swarm: Swarm) -> VenueTerms:
    """What the operator has set for it."""
    kind = KINDS[str(listing.venue)]
    return VenueTerms(
        account=listing.account,
        fence=kind.fence,
        request_ttl_ms=2_500,
        engine_wait_ms=1_000,
        read_lag_ms=swarm.read_lag_ms + swarm.trade_lag_ms + 100,
        look_up_wait_ms=500,
        quarantine_after_ms=120_000,
        reconcile_every_ms=20_000,
        outstanding_max=1 if kind.fence is Fence.NONE else None,
    )


def price_of(value: float) -> Decimal:
    """On the tick."""
    return Decimal(int(value * 10)).scaleb(-1)


def size_of(value: float) -> Decimal:
    """On the step."""
    return Decimal(int(value * 10_000)).scaleb(-4)
