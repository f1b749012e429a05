"""Parents that are long over leave the state (D35); `recalling` brings them back when somebody speaks of them.

What stays is what a decision may depend on by itself: living parents, and those that ended a short while ago.
"""

from collections.abc import Iterator

from router.engine import timers
from router.engine.draft import Draft
from router.engine.state import AGAIN_NS, State
from router.model import events as e
from router.model import facts as f
from router.model.ids import Nanos
from router.orders.archive import kept
from router.orders.records import Child, Parent

_MS = 1_000_000
_NEXT_NS = 20 * _MS
_ROUNDS = 4
"""How often within the time a parent stays one looks who may go: it stays a quarter longer at most."""


def arrange(draft: Draft) -> None:
    """Something has ended: come back when it may leave."""
    after_ns = _after_ns(draft.state)
    if after_ns is not None and timers.archive() not in draft.state.timers:
        draft.wake(timers.archive(), Nanos(draft.now_ns + after_ns))


def on_started(draft: Draft) -> None:
    """A driver took over; what was over by then may have been left to it."""
    if next(_over(draft.state), None) is not None:
        arrange(draft)


def on_timer(draft: Draft) -> None:
    """Let the oldest go that may: by a row of its own, which can be shown without showing anybody else's.

    The legs of a basket go together.
    """
    state, after_ns = draft.state, _after_ns(draft.state)
    if after_ns is None:
        return
    ripe = (
        one
        for one in _over(state)
        if all(_may_leave(state, leg, draft.now_ns, after_ns) for leg in _with_its_legs(state, one))
    )
    parent, more = next(ripe, None), next(ripe, None) is not None
    for one in () if parent is None else _with_its_legs(state, parent):
        draft.note(f.ParentArchived(parent=kept(state.blotter, one), at_ns=draft.now_ns))
    if next(_over(state), None) is not None:
        wait_ns = _NEXT_NS if more else after_ns // _ROUNDS
        draft.wake(timers.archive(), Nanos(draft.now_ns + wait_ns))


def on_recalled(draft: Draft, event: e.Recalled) -> None:
    """They are back, until they are over for long enough again."""
    for known in event.parents:
        draft.note(f.ParentRecalled(parent=known, at_ns=draft.now_ns))
    arrange(draft)


def _with_its_legs(state: State, parent: Parent) -> tuple[Parent, ...]:
    leg = parent.order.leg
    return (parent,) if leg is None else state.blotter.legs(leg.basket_id)


def _over(state: State) -> Iterator[Parent]:
    """Oldest first."""
    return (parent for parent in state.blotter.parents.values() if parent.state.ended)


def _after_ns(state: State) -> int | None:
    after_ms = state.settings.archive_after_ms
    return None if after_ms is None else after_ms * _MS


def _may_leave(state: State, parent: Parent, now_ns: Nanos, after_ns: int) -> bool:
    """Is it over for long enough, and does nothing here still wait for it?"""
    if not parent.state.ended:
        return False
    over_ns = max(parent.ended_ns or 0, parent.recalled_ns or 0)
    if now_ns - over_ns < after_ns or parent.order.id in state.hunts or state.restoring is not None:
        return False
    if timers.parent(parent.order.id) in state.timers or _may_have_been_worked_before(state, parent, now_ns):
        return False
    return all(_is_settled(state, child, now_ns, after_ns) for child in state.blotter.children_of(parent))


def _is_settled(state: State, child: Child, now_ns: Nanos, after_ns: int) -> bool:
    """Ended long ago, and its account was read since: its balances and books hold all that the child did.

    A read lag later, so that no reading that comes in from now on is of a time when the child was still under way.
    """
    if not child.state.ended or child.ended_ns is None or now_ns - child.ended_ns < after_ns:
        return False
    if timers.look(child.order.client_id) in state.timers or child.suspected_ns is not None:
        return False
    account = child.order.account
    terms = state.terms(account)
    return terms is None or child.ended_ns + terms.read_lag_ms * _MS < state.watermarks.get(account, 0)


def _may_have_been_worked_before(state: State, parent: Parent, now_ns: Nanos) -> bool:
    """It may have had children in the time that was lost, also if it came in, again, after the restore.

    For a while orders are held against the ids it could have given out.
    """
    restored_ns = state.restored_ns
    if restored_ns is None or now_ns >= restored_ns + AGAIN_NS:
        return False
    return (parent.ended_ns or now_ns) >= restored_ns
