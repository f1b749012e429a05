"""What people and jobs ask for: checked at the door, stored as a row, turned into an event by whoever drives."""

from router.requests.bodies import CancelBody, HaltBody, OrderBody
from router.requests.door import Offered, cancel_request, halt_request, order_request, parent_order, understand

__all__ = [
    "CancelBody",
    "HaltBody",
    "Offered",
    "OrderBody",
    "cancel_request",
    "halt_request",
    "order_request",
    "parent_order",
    "understand",
]
