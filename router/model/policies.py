"""What an order may say about how it is worked: one record of parameters per policy, and the envelope all share.

Times are settings of the order, in milliseconds or as UTC nanoseconds; rates and shares are fractions, 0.1 for 10 %.
A field is only ever added with a default, so that old journals still read.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.model.ids import InstrumentId, Nanos

_MS = 1_000_000
_TWO = Decimal(2)


class Urgency(StrEnum):
    """How much of the horizon a schedule takes to halve what is left: all of it, a third, an eighth."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class CatchUp(StrEnum):
    """What later slices do about quantity an earlier one missed."""

    NONE = "NONE"
    """Nothing: it stays undone, unless the order must complete."""
    SPREAD = "SPREAD"
    """What is left is divided again over the slices that are left."""
    CAP = "CAP"
    """It is made up at once, in slices of at most `catch_up_cap` times their own size."""


class PegTo(StrEnum):
    """The price a pegged order follows."""

    NEAR = "NEAR"
    """The best price of its own side."""
    MID = "MID"
    FAR = "FAR"
    """The best price of the other side: it takes, unless the order is passive."""


class OffsetIn(StrEnum):
    """What a peg's offset counts."""

    PRICE = "PRICE"
    BPS = "BPS"
    DEPTH = "DEPTH"
    """Levels of the book."""


class Refresh(StrEnum):
    """When an iceberg shows its next piece."""

    ON_FILL = "ON_FILL"
    TIMED = "TIMED"


class RestVenue(StrEnum):
    """Where a remainder rests."""

    BEST_TOUCH = "BEST_TOUCH"
    """Where the best price of its own side stands."""
    SHORTEST_QUEUE = "SHORTEST_QUEUE"
    """Where least stands before it at its price."""


class Placement(StrEnum):
    """How a slice is divided over the touches it rests at."""

    EVEN = "EVEN"
    QUEUES = "QUEUES"
    """By the length of the queues and how fast they move (Cont and Kukanov): not shown to be better yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepParams:
    """SWEEP: immediate-or-cancel rounds, each planned on the live book.

    `rounds_max` counts planning rounds, an empty one included; `round_wait_ms` is the pause before a round when the
    last one could send nothing. `reach_bps`: how far beyond the best all-in price the first round goes, each next one
    half as far again; None or 0 is all the way at once.
    """

    rounds_max: int = 12
    round_wait_ms: int = 250
    reach_bps: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BestSingleParams:
    """BEST_SINGLE: like SWEEP, each round at the one listing that is best for it."""

    rounds_max: int = 12
    round_wait_ms: int = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitOrBetterParams:
    """LIMIT_OR_BETTER: take what crosses inside the limit, rest the remainder at one listing.

    It moves elsewhere only for a touch better by `reprice_ticks`, and after it has stood for `stand_ms`.
    """

    rest_venue_rule: RestVenue = RestVenue.BEST_TOUCH
    reprice_ticks: int = 1
    round_wait_ms: int = 250
    stand_ms: int = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Slicing:
    """`slices` parts, or one every `slice_ms`, over the time of the envelope: exactly one of both.

    `round_wait_ms`: the pause before a slice is tried again that could send nothing.
    """

    slices: int | None = None
    slice_ms: int | None = None
    catch_up: CatchUp = CatchUp.CAP
    catch_up_cap: Decimal = _TWO
    round_wait_ms: int = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class TwapParams:
    """TWAP: equal slices."""

    slicing: Slicing


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeCurve:
    """How a UTC day's volume falls on its hours: weights of equal buckets, for weekdays and for the weekend.

    `asof`: the last day it was built from; `built_from` says what that was. `instrument` and `days_used` (UTC days,
    `2026-01-31`) are None and empty where nobody said.
    """

    id: str
    asof: str
    built_from: str
    weekday: tuple[Decimal, ...]
    weekend: tuple[Decimal, ...]
    instrument: InstrumentId | None = None
    days_used: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VwapParams:
    """VWAP: as TWAP, each slice as large as the curve says its time is."""

    curve: VolumeCurve
    slicing: Slicing


@dataclass(frozen=True, kw_only=True, slots=True)
class PovParams:
    """POV: `target_rate` of all volume from the start, one's own included, looked at every `window_ms`.

    `max_rate` is never exceeded within a window either; None is the target itself times `catch_up_cap`. Below
    `min_rate` of all volume so far a window may make up for as much as `max_rate` lets it, whatever the cap says.
    """

    target_rate: Decimal
    max_rate: Decimal | None = None
    window_ms: int = 60_000
    catch_up_cap: Decimal = _TWO
    min_rate: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IsParams:
    """IS: the schedule that costs least in impact and risk together (Almgren-Chriss), solved again at every slice.

    `urgency` sets the half-life of what is left. `risk_aversion` (per unit of reporting currency) sets it instead,
    from `volatility_bps` (of one day) and the slope of the live book.
    """

    slicing: Slicing
    urgency: Urgency = Urgency.MEDIUM
    risk_aversion: Decimal | None = None
    volatility_bps: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IcebergParams:
    """ICEBERG: `display_quantity` at a time at the limit, more or less by `variance_pct`."""

    display_quantity: Decimal
    refresh: Refresh = Refresh.ON_FILL
    refresh_ms: int = 1_000
    variance_pct: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PegParams:
    """PEG: rest at a price that follows the market, `offset` away from it, moved at most every so often."""

    peg_to: PegTo = PegTo.NEAR
    offset: Decimal = Decimal(0)
    offset_in: OffsetIn = OffsetIn.PRICE
    min_reprice_interval_ms: int = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SniperParams:
    """SNIPER: nothing rests; take when at least `min_quantity` stands at `trigger_price` or better."""

    trigger_price: Decimal
    min_quantity: Decimal
    look_every_ms: int = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PassiveThenSweepParams:
    """PASSIVE_THEN_SWEEP: per slice, rest at the touch of the best venues, then take what did not fill.

    `patience_pct` of a slice's time is spent resting; a touch `stop_ticks` from where it last rested ends it sooner.
    """

    slicing: Slicing
    repeg_ms: int = 1_000
    stop_ticks: int = 10
    patience_pct: int = 70
    venues_max: int = 2
    placement: Placement = Placement.EVEN


PolicyParams = (
    SweepParams
    | BestSingleParams
    | LimitOrBetterParams
    | TwapParams
    | VwapParams
    | PovParams
    | IsParams
    | IcebergParams
    | PegParams
    | SniperParams
    | PassiveThenSweepParams
)


def rests(params: PolicyParams) -> bool:
    """Does the policy let orders stand in a book, where others decide when they fill?"""
    return isinstance(params, LimitOrBetterParams | IcebergParams | PegParams | PassiveThenSweepParams)


@dataclass(frozen=True, kw_only=True, slots=True)
class Randomize:
    """How far slices stray from an even schedule: `time_pct` of an interval each way, `size_pct` of a size."""

    seed: int
    size_pct: int = 20
    time_pct: int = 30


class InForce(StrEnum):
    """How long an order is worked."""

    GTC = "GTC"
    """Until it is done or cancelled, or its policy has done what it does."""
    GTD = "GTD"
    """Until its end."""
    IOC = "IOC"
    """One round."""
    FOK = "FOK"
    """One round, planned to fill all of it, or none. Venues fill each child alone: what comes back may be a part."""

    @property
    def one_round(self) -> bool:
        """Is there no second round?"""
        return self in (InForce.IOC, InForce.FOK)


class Tolerance(StrEnum):
    """How far from its schedule an order may be: 5, 10 or 25 % of it, and one slice at the least."""

    NARROW = "NARROW"
    STANDARD = "STANDARD"
    WIDE = "WIDE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What any policy is kept within. Prices in reporting currency, `max_child_quantity` in base.

    `all_in_limit_price` counts fees, without a token's discount, which may run out; `stop_price` starts the order once
    the mids of more than half of the venues have reached it, of books at most `stop_age_ms` old. `would_price`:
    everything at once at that price or better. `max_participation_rate`: at most that share of all volume since the
    round before. `max_slippage_bps` (from the mid at arrival) holds the order back, `price_collar_bps` (from the live
    mid) bounds its prices; either mid is the median of the venues' own.
    """

    start_ns: Nanos | None = None
    end_ns: Nanos | None = None
    duration_ms: int | None = None
    all_in_limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_age_ms: int = 1_000
    would_price: Decimal | None = None
    max_participation_rate: Decimal | None = None
    must_complete: bool = False
    passive_only: bool = False
    max_slippage_bps: Decimal | None = None
    price_collar_bps: Decimal | None = None
    min_child_notional: Decimal | None = None
    max_child_quantity: Decimal | None = None
    max_children_outstanding: int | None = None
    max_venues: int | None = None
    max_share_per_venue: Decimal | None = None
    randomize: Randomize | None = None
    in_force: InForce = InForce.GTC
    pilot_pct: int | None = None
    pilot_timeout_ms: int = 3_600_000
    tolerance: Tolerance | None = None
    past_end: bool = False
    max_fee_bps: Decimal | None = None
    benchmark: str | None = None

    def starts_ns(self, accepted_ns: Nanos) -> Nanos:
        """From when it may trade."""
        return accepted_ns if self.start_ns is None else max(self.start_ns, accepted_ns)

    def ends_ns(self, accepted_ns: Nanos) -> Nanos | None:
        """Until when; None is no end."""
        if self.duration_ms is not None:
            return Nanos(self.starts_ns(accepted_ns) + self.duration_ms * _MS)
        return self.end_ns


PLAIN = Envelope()
"""Nothing but the order's own limit."""
