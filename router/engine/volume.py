"""What others trade at the venues a parent may use, counted by facts from the listings' own counters.

Our prints are on those tapes too, some before we know of the fill: so all that we filled, and all that may be filling,
is taken off. What others traded is then never too much; where prints may be missing, it is too little, and said so.
"""

from decimal import Decimal

from router.engine.draft import Draft
from router.engine.state import State
from router.model import facts as f
from router.model.ids import ListingId
from router.model.market import ListingView, MarketView
from router.model.money import ZERO
from router.model.policies import PovParams
from router.orders.records import Parent
from router.ports.policy import Volume


def count(draft: Draft, parent: Parent, view: MarketView) -> None:
    """Read the tapes once more, if the parent is bound to volume and has begun."""
    if not follows_volume(parent) or draft.now_ns < parent.order.envelope.starts_ns(parent.accepted_ns):
        return
    before = {} if parent.volume is None else {tape.listing_id: tape for tape in parent.volume.tapes}
    total, gap, tapes = ZERO if parent.volume is None else parent.volume.total, False, []
    for book in view.listings:
        if not parent.order.may_use(book.listing.venue):
            continue
        tape, known = _tape(draft.state, book), before.get(book.listing.id)
        if tape is None:
            gap = gap or known is not None
            continue
        tapes.append(tape)
        if known is not None and known.epoch_ns == tape.epoch_ns:
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


def _tape(state: State, book: ListingView) -> f.Tape | None:
    if book.trades is None:
        return None
    listing_id = book.listing.id
    return f.Tape(
        listing_id=listing_id,
        epoch_ns=book.trades.epoch_ns,
        printed=book.trades.quantity,
        ours=state.printed.get(listing_id, ZERO) + _may_be_printing(state, listing_id),
    )


def _may_be_printing(state: State, listing_id: ListingId) -> Decimal:
    living = (child for child in state.blotter.living() if child.order.listing_id == listing_id)
    return sum((child.unsettled for child in living), ZERO)
