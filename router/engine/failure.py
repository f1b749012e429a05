"""What is written down when deciding on an event raised: our own bug, and never the end of somebody's reference."""

from router.engine.state import State
from router.model.events import BasketSubmitted, Event, ParentSubmitted, Stamped
from router.model.facts import DecisionFailed, Fact, ParentTurnedDown
from router.model.orders import ParentOrder, ParentState

INTERNAL_ERROR = "internal error: deciding on it failed, and nothing of it was sent"


def newcomers(state: State, event: Event) -> tuple[ParentOrder, ...]:
    """The parents this event brings. Asked before the decision, which may note them and then raise."""
    match event:
        case ParentSubmitted(order=order):
            brought: tuple[ParentOrder, ...] = (order,)
        case BasketSubmitted(legs=legs):
            brought = legs
        case _:
            return ()
    return tuple(order for order in brought if order.id not in state.blotter.parents)


def failed(stamped: Stamped, error: Exception, newcomers: tuple[ParentOrder, ...]) -> tuple[Fact, ...]:
    """The facts of a failed decision. Its request is consumed with them, so parents it brought must end here."""
    failure = DecisionFailed(error=f"{type(error).__name__}: {error}", at_ns=stamped.at_ns)
    ended = (
        ParentTurnedDown(order=order, at_ns=stamped.at_ns, reason=INTERNAL_ERROR, state=ParentState.FAILED)
        for order in newcomers
    )
    return (failure, *ended)
