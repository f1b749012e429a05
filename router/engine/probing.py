"""A used id is sent once more, on purpose, to learn what the venue makes of it.

The copy is counted before it leaves, like every copy. If the venue makes a second order of it, that order is named to
the child it came from, so that its fills are booked there, by the way all fills are; that this overfills the child is
the breach it is.
"""

from router.engine.draft import Draft
from router.model import facts as f
from router.model.commands import Place
from router.model.events import DedupeProbed, DedupeVerdict
from router.model.ids import Nanos
from router.risk import Refusal, approve_copy

_MS = 1_000_000


def on_probed(draft: Draft, event: DedupeProbed) -> None:
    """Let the copy leave, or take down what came of it."""
    if event.verdict is None:
        _send_again(draft, event)
        return
    draft.note(f.DedupeNoted(probe=event))
    if event.verdict is DedupeVerdict.SECOND_ACCEPTED:
        _own_up(draft, event)


def _send_again(draft: Draft, event: DedupeProbed) -> None:
    """Only of a child that has ended, and not while the router is halted: then nothing is decided at all."""
    state = draft.state
    child, terms = state.blotter.children[event.client_id], state.terms(event.account)
    approved = approve_copy(
        child.order, gate_open=terms is not None, halted=state.halted, halt_epoch=state.halt_epoch, now_ns=draft.now_ns
    )
    if isinstance(approved, Refusal) or terms is None or not child.state.ended:
        return
    deadline_ns = Nanos(draft.now_ns + terms.request_ttl_ms * _MS)
    copy = child.copies + 1
    draft.note(f.DedupeNoted(probe=event))
    draft.note(f.CopyCounted(client_id=event.client_id, copy=copy, deadline_ns=deadline_ns))
    draft.do(Place(order=approved, copy=copy, deadline_ns=deadline_ns))


def _own_up(draft: Draft, event: DedupeProbed) -> None:
    child = draft.state.blotter.children[event.client_id]
    for order_id in event.orders[1:]:
        draft.note(
            f.ChildMoved(
                client_id=event.client_id,
                state=child.state,
                at_ns=draft.now_ns,
                reason="the venue made a second order of its id",
                venue_order_id=order_id,
            )
        )
    draft.note(
        f.BreachRaised(
            kind=f.BreachKind.ALIVE_AFTER_END,
            account=event.account,
            client_id=event.client_id,
            detail=f"a probe: {event.detail}",
            at_ns=draft.now_ns,
        )
    )
