"""What people and jobs ask for: checked at the door, stored as a row, turned into an event by whoever drives."""

from router.requests.bodies import (
    AcknowledgeBody,
    CancelBody,
    HaltBody,
    ReconcileBody,
    ResolveBody,
    RestoredBody,
    TradeBody,
)
from router.requests.door import (
    Offered,
    acknowledge_request,
    cancel_request,
    halt_request,
    order_request,
    parent_order,
    reconcile_request,
    resolve_request,
    restored_request,
    understand,
)
from router.requests.orders import OrderBody

__all__ = [
    "AcknowledgeBody",
    "CancelBody",
    "HaltBody",
    "Offered",
    "OrderBody",
    "ReconcileBody",
    "ResolveBody",
    "RestoredBody",
    "TradeBody",
    "acknowledge_request",
    "cancel_request",
    "halt_request",
    "order_request",
    "parent_order",
    "reconcile_request",
    "resolve_request",
    "restored_request",
    "understand",
]
