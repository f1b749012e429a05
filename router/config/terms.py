"""How long to doubt at each exchange, where the file does not say.

The figures are what a proof of absence needs, not what the venues advertise: binance may hold an accepted request for
about ten seconds before its engine sees it, kraken takes no deadline nearer than two seconds, coinbase takes none at
all. The lab's are short, so that nobody waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.settings import VenueSettings
from router.config.schema import TermsSection
from router.model.errors import BadInput
from router.model.ids import AccountId, VenueId
from router.model.terms import Fence, VenueTerms

_NOBODY = AccountId("")

_CAUTIOUS = VenueTerms(
    account=_NOBODY,
    fence=Fence.NONE,
    request_ttl_ms=2_500,
    engine_wait_ms=10_000,
    read_lag_ms=15_000,
    look_up_wait_ms=1_000,
    quarantine_after_ms=900_000,
    reconcile_every_ms=30_000,
)
# Neither a deadline nor a memory for used ids: one child at a time, so that a doubt is about one order only.
_UNGUARDED = replace(_CAUTIOUS, outstanding_max=1)
_REAL: Mapping[str, VenueTerms] = {
    "binance": replace(_CAUTIOUS, fence=Fence.DEADLINE),
    "kraken": replace(_CAUTIOUS, fence=Fence.DEADLINE, engine_wait_ms=2_000),
    # expTime is held against "the server's" time; how long it then waits for the engine, nobody says
    "okx": replace(_CAUTIOUS, fence=Fence.DEADLINE),
    "coinbase": _CAUTIOUS,
    "bitstamp": _CAUTIOUS,
    "gemini": _UNGUARDED,
    # recv_window is checked at the gateway; how long an accepted request may wait for the engine, nobody says
    "bybit": replace(_CAUTIOUS, fence=Fence.DEADLINE),
    "binanceus": replace(_CAUTIOUS, fence=Fence.DEADLINE),
    # both read their deadline at the gateway
    "gate": replace(_CAUTIOUS, fence=Fence.DEADLINE),
    "kucoin": replace(_CAUTIOUS, fence=Fence.DEADLINE),
    "bitfinex": _UNGUARDED,
    "bitget": _UNGUARDED,
    "coinbaseexchange": _UNGUARDED,
    "cryptocom": _UNGUARDED,
    "htx": _UNGUARDED,
}


def terms_of(
    ccxt_id: str, account: AccountId, given: TermsSection, *, in_lab: bool, dedupe_licensed: bool
) -> VenueTerms:
    """The exchange's own terms, the lab's times if it is one, the licence's fence, and over all that what was given."""
    terms = replace(_REAL.get(ccxt_id, _UNGUARDED), account=account)
    if in_lab:
        terms = _hurried(terms)
    if dedupe_licensed:
        terms = replace(terms, fence=Fence.PERMANENT_DEDUPE)
    said = given.model_dump(exclude_none=True)
    if "fence" in said:
        said["fence"] = Fence(said["fence"])
    if terms.outstanding_max is not None and said.get("outstanding_max", 1) > terms.outstanding_max:
        why = f"{ccxt_id} neither takes a deadline nor refuses a used id"
        raise BadInput("terms.outstanding_max", f"must be {terms.outstanding_max}: {why}")
    return replace(terms, **said)


def without_fence(venues: Sequence[VenueSettings]) -> tuple[VenueId, ...]:
    """The venues that would take an order however late it comes, and a second one under the same id."""
    return tuple(venue.venue for venue in venues if venue.terms.fence is Fence.NONE)


def _hurried(terms: VenueTerms) -> VenueTerms:
    return replace(
        terms,
        request_ttl_ms=300,
        engine_wait_ms=50,
        read_lag_ms=200,
        look_up_wait_ms=50,
        quarantine_after_ms=5_000,
    )
