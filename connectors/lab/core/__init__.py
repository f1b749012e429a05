"""The exchange core: pure, synchronous, `Decimal` throughout, time as an argument."""

from connectors.lab.core.exchange import Exchange, Levels
from connectors.lab.core.records import (
    BalanceChanged,
    BalanceRecord,
    BookChanged,
    Charge,
    KeyGrants,
    MarketEvent,
    MovementRecord,
    NewOrder,
    OrderChanged,
    OrderRecord,
    OrderStatus,
    Printed,
    Rejection,
    RejectKind,
    TimeInForce,
    TradeRecord,
)
from connectors.lab.core.rules import DuplicateRule, SymbolRules, VenueRules

__all__ = [
    "BalanceChanged",
    "BalanceRecord",
    "BookChanged",
    "Charge",
    "DuplicateRule",
    "Exchange",
    "KeyGrants",
    "Levels",
    "MarketEvent",
    "MovementRecord",
    "NewOrder",
    "OrderChanged",
    "OrderRecord",
    "OrderStatus",
    "Printed",
    "RejectKind",
    "Rejection",
    "SymbolRules",
    "TimeInForce",
    "TradeRecord",
    "VenueRules",
]
