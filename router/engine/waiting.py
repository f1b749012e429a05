"""Orders that wait for a price: what the runtime watches the market for between two looks. Reads, decides nothing.

Such an order looks at the market by a timer of its own. Where the runtime sees a book reach its price first, that timer
fires early, and the order is planned on the market of then, as on any timer.
"""

from collections.abc import Mapping
from decimal import Decimal

from router.engine import timers
from router.engine.parents import may_plan, progress
from router.engine.state import State
from router.model.ids import InstrumentId, Nanos, TimerId
from router.model.market import MarketView
from router.model.money import ZERO, exactly
from router.model.policies import SniperParams
from router.orders.records import Parent
from router.ports.policy import Policy


def awaited(state: State) -> dict[InstrumentId, Decimal]:
    """Instruments with an order that waits for a price, and how much base such orders are for."""
    found: dict[InstrumentId, Decimal] = {}
    for parent in state.blotter.working_parents():
        if _waits(state, parent):
            with exactly():
                found[parent.order.instrument] = found.get(parent.order.instrument, ZERO) + parent.order.quantity
    return found


def reached_by(state: State, policies: Mapping[str, Policy], view: MarketView, now_ns: Nanos) -> tuple[TimerId, ...]:
    """The timers of those that would trade, or be triggered, on this market, by the very rule they are planned by."""
    found = []
    for parent in state.blotter.working_parents():
        if parent.order.instrument != view.instrument or not _waits(state, parent):
            continue
        if not may_plan(state, parent, now_ns):
            continue
        with exactly():
            standing = progress(state, parent)
            target = policies[parent.order.policy].target(standing, now_ns, view)
            if target.triggered or target.quantity > standing.committed:
                found.append(timers.parent(parent.order.id))
    return tuple(found)


def _waits(state: State, parent: Parent) -> bool:
    """For a price, with a timer that can fire."""
    envelope = parent.order.envelope
    for_stop = envelope.stop_price is not None and parent.triggered_ns is None
    for_price = isinstance(parent.order.params, SniperParams) or envelope.would_price is not None
    return (for_stop or for_price) and timers.parent(parent.order.id) in state.timers
