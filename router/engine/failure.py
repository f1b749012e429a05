"""What is written down when deciding on an event raised: our own bug, and never the end of somebody's reference."""

from router.engine.state import State
from router.model.events import Event, ParentSubmitted, Stamped
from router.model.facts import DecisionFailed, Fact, ParentTurnedDown
from router.model.orders import ParentOrder, ParentState

INTERNAL_ERROR = "internal error: deciding on it failed, and nothing of it was sent"


def newcomer(state: State, event: Event) -> ParentOrder | None:
    """The parent this event brings. Asked before the decision, which may note it and then raise."""
    if isinstance(event, ParentSubmitted) and event.order.id not in state.blotter.parents:
        return event.order
    return None


def failed(stamped: Stamped, error: Exception, newcomer: ParentOrder | None) -> tuple[Fact, ...]:
    """The facts of a failed decision. Its request is consumed with them, so a parent it brought must end here."""
    failure = DecisionFailed(error=f"{type(error).__name__}: {error}", at_ns=stamped.at_ns)
    if newcomer is None:
        return (failure,)
    ended = ParentTurnedDown(order=newcomer, at_ns=stamped.at_ns, reason=INTERNAL_ERROR, state=ParentState.FAILED)
    return (failure, ended)
