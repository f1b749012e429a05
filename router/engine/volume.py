"""What others trade at the venues a parent may use, counted by facts from the listings' own counters.

Our prints are on those tapes too, some before we know of the fill, some after. So the most that may be ours is taken
off a reading: all that filled, and all that may be filling. Where a count begins it is the least: what is in flight
then may end without a print. What others traded is then never too much; where prints may be missing, it is too little,
and said so.
"""

from decimal import Decimal

from router.engine.draft import Draft
from router.engine.state import State
from router.model import facts as f
from router.model.ids import ListingId, Nanos
from router.model.market import MarketView
from router.model.money import ZERO
from router.model.policies import PovParams
from router.model.public_trades import TradeCounters
from router.orders.records import Parent
from router.ports.policy import Volume

_PRINTED_AFTER_NS = 30_000_000_000
"""How late a print may come after its fill was booked: a tape that is silent for longer is believed no more."""


def count(draft: Draft, parent: Parent, view: MarketView) -> None:
    """Read the tapes once more, if the parent is bound to volume and has begun."""
    if not follows_volume(parent) or draft.now_ns < parent.order.envelope.starts_ns(parent.accepted_ns):
        return
    before = {} if parent.volume is None else {tape.listing_id: tape for tape in parent.volume.tapes}
    total, gap, tapes = ZERO if parent.volume is None else parent.volume.total, False, []
    for book in view.listings:
        if not parent.order.may_use(book.listing.venue):
            continue
        known = before.get(book.listing.id)
        if book.trades is None:
            gap = gap or known is not None
            continue
        begins = known is None or known.epoch_ns != book.trades.epoch_ns
        tape = _tape(draft, book.listing.id, book.trades, begins=begins)
        tapes.append(tape)
        if known is not None and not begins:
            total += (tape.printed - tape.ours) - (known.printed - known.ours)
        elif parent.volume is not None:
            gap = True
    seen = f.VolumeSeen(parent_id=parent.order.id, total=total, gap=gap, tapes=tuple(tapes), at_ns=draft.now_ns)
    if tapes or parent.volume is not None:
        draft.note(seen)


def follows_volume(parent: Parent) -> bool:
    """Does what it may do depend on what others trade?"""
    return isinstance(parent.order.params, PovParams) or parent.order.envelope.max_participation_rate is not None


def volume_of(parent: Parent) -> Volume | None:
    """As a policy sees it; None while nothing was counted."""
    seen = parent.volume
    if seen is None:
        return None
    return Volume(total=max(seen.total, ZERO), recent=max(seen.total - parent.volume_before, ZERO), gap=seen.gap)


def _tape(draft: Draft, listing_id: ListingId, trades: TradeCounters, *, begins: bool) -> f.Tape:
    state = draft.state
    ours = _must_have_printed(state, listing_id, draft.now_ns) if begins else _may_have_printed(state, listing_id)
    return f.Tape(listing_id=listing_id, epoch_ns=trades.epoch_ns, printed=trades.quantity, ours=ours)


def _may_have_printed(state: State, listing_id: ListingId) -> Decimal:
    """The most of ours that is on a tape: what filled, and what may be filling."""
    living = (child for child in state.blotter.living() if child.order.listing_id == listing_id)
    return state.printed.get(listing_id, ZERO) + sum((child.unsettled for child in living), ZERO)


def _must_have_printed(state: State, listing_id: ListingId, now_ns: Nanos) -> Decimal:
    """The least of ours that is on a tape: what filled and ended a while ago."""
    here = (child for child in state.blotter.children.values() if child.order.listing_id == listing_id)
    lately = (child.filled for child in here if child.ended_ns is None or child.ended_ns + _PRINTED_AFTER_NS > now_ns)
    return state.printed.get(listing_id, ZERO) - sum(lately, ZERO)
