"""The exit from quarantine that is not the venue's own evidence: people say what became of a child.

What they say is held against all that is known; it is booked under the venue's own trade ids, so that the real rows, if
they turn up later, are the same bookings. Where two people are needed, the first one's word is a proposal that is good
for `PROPOSAL_GOOD_NS`.
"""

from decimal import Decimal

from router.engine import children
from router.engine.draft import Draft
from router.model import facts as f
from router.model.ids import Nanos, VenueOrderId
from router.model.money import ZERO, plain
from router.model.orders import ChildState, VenueTrade, booking_key
from router.model.resolutions import Resolution, Verdict
from router.orders.records import Child

PROPOSAL_GOOD_NS = 600_000_000_000


def on_resolve_asked(draft: Draft, word: Resolution) -> None:
    """Take the word, keep it as a proposal, or refuse it with a sentence."""
    child = draft.state.blotter.children.get(word.client_id)
    why = "there is no such child" if child is None else _why_not(draft, child, word)
    if child is None or why is not None:
        draft.note(f.ResolutionRefused(resolution=word, why=why or "", at_ns=draft.now_ns))
        return
    first = _proposed_by(child, word, draft.now_ns)
    if not draft.state.settings.two_people:
        _settle(draft, child, word, None)
    elif first is None:
        draft.note(f.ResolutionProposed(resolution=word, at_ns=draft.now_ns))
    elif first == word.principal:
        why = f"{first} has said so already: a second person must say the same"
        draft.note(f.ResolutionRefused(resolution=word, why=why, at_ns=draft.now_ns))
    else:
        _settle(draft, child, word, first)


def _proposed_by(child: Child, word: Resolution, now_ns: Nanos) -> str | None:
    """Who said the same, not too long ago."""
    standing = child.proposal
    if standing is None or now_ns - standing.at_ns > PROPOSAL_GOOD_NS or not standing.resolution.says_the_same(word):
        return None
    return standing.resolution.principal


def _why_not(draft: Draft, child: Child, word: Resolution) -> str | None:
    """What is known against it, as a sentence; None when nothing is."""
    if child.state is not ChildState.QUARANTINED:
        return f"the child is {child.state}: a person decides only what is QUARANTINED"
    if word.verdict is Verdict.NEVER_PLACED:
        return _why_placed(child, word)
    return _why_no_order(child, word) or _why_no_sum(child, word) or _why_taken(draft, child, word)


def _why_placed(child: Child, word: Resolution) -> str | None:
    if word.trades or word.venue_order_id is not None:
        return "an order that was never placed has no trades and no venue's id"
    if child.filled > 0 or child.venue_order_id is not None:
        return f"the venue has had it, as order {child.venue_order_id}: what it filled must be named"
    return None


def _why_no_order(child: Child, word: Resolution) -> str | None:
    """Without the venue's name of the order a trade has no booking key, and would be booked again when it turns up."""
    if child.venue_order_id is None and word.venue_order_id is None:
        return "the venue's own id of the order is needed to book its trades under"
    if None not in (child.venue_order_id, word.venue_order_id) and child.venue_order_id != word.venue_order_id:
        return f"the venue called the order {child.venue_order_id}, not {word.venue_order_id}"
    return None


def _why_no_sum(child: Child, word: Resolution) -> str | None:
    if not word.trades and child.filled == 0:
        return "no trade is named and none is booked: what filled?"
    done = child.filled + _sum(word)
    if done > child.order.quantity:
        return f"{plain(done)} would have filled of {plain(child.order.quantity)}"
    if child.executed is not None and child.executed != done:
        return f"the venue said that {plain(child.executed)} were executed, and with these trades it is {plain(done)}"
    return None


def _why_taken(draft: Draft, child: Child, word: Resolution) -> str | None:
    if len({one.trade_id for one in word.trades}) < len(word.trades):
        return "a trade is named twice"
    for trade in trades_of(child, word, draft.now_ns):
        owner = draft.state.blotter.booked_to(booking_key(trade))
        if owner is not None:
            return f"trade {trade.trade_id} is booked already, to {owner}"
    return None


def _settle(draft: Draft, child: Child, word: Resolution, first: str | None) -> None:
    draft.note(f.ResolutionTaken(resolution=word, proposed_by=first, at_ns=draft.now_ns))
    who = word.principal if first is None else f"{first} and {word.principal}"
    if word.verdict is Verdict.NEVER_PLACED:
        children.settle_absent(draft, child, f"{who}: {word.evidence}")
    else:
        children.settle_filled(draft, child, trades_of(child, word, draft.now_ns), f"{who}: {word.evidence}")


def trades_of(child: Child, word: Resolution, at_ns: Nanos) -> tuple[VenueTrade, ...]:
    """As the venue's own list would tell them; when they happened nobody said, so it is when this was decided."""
    order_id = child.venue_order_id or word.venue_order_id
    return tuple(
        VenueTrade(
            account=child.order.account,
            symbol=child.order.symbol,
            trade_id=one.trade_id,
            venue_order_id=VenueOrderId(order_id or ""),
            side=child.order.side,
            price=one.price,
            quantity=one.quantity,
            fees=one.fees,
            maker=None,
            venue_time_ns=at_ns,
            client_id=child.order.client_id,
        )
        for one in word.trades
    )


def _sum(word: Resolution) -> Decimal:
    return sum((one.quantity for one in word.trades), ZERO)
