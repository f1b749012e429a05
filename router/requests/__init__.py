"""What people and jobs ask for: checked at the door, stored as a row, turned into an event by whoever drives."""

from router.requests.bodies import (
    AcknowledgeBody,
    AmendBody,
    CancelBody,
    HaltBody,
    PauseBody,
    ReconcileBody,
    ResolveBody,
    RestoredBody,
    TradeBody,
)
from router.requests.door import (
    Offered,
    acknowledge_request,
    amend_request,
    cancel_request,
    halt_request,
    order_request,
    parent_order,
    pause_request,
    reconcile_request,
    resolve_request,
    restored_request,
    understand,
)
from router.requests.orders import OrderBody

__all__ = [
    "AcknowledgeBody",
    "AmendBody",
    "CancelBody",
    "HaltBody",
    "Offered",
    "OrderBody",
    "PauseBody",
    "ReconcileBody",
    "ResolveBody",
    "RestoredBody",
    "TradeBody",
    "acknowledge_request",
    "amend_request",
    "cancel_request",
    "halt_request",
    "order_request",
    "parent_order",
    "pause_request",
    "reconcile_request",
    "resolve_request",
    "restored_request",
    "understand",
]
