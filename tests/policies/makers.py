"""Parents, and where they stand, in a line."""

from decimal import Decimal
from typing import Any

from router.model.ids import EntityId, InstrumentId, Nanos, ParentId, RefId
from router.model.orders import ParentOrder
from router.model.policies import Envelope, PolicyParams
from router.model.side import Side
from router.ports.policy import Progress

MS = 1_000_000
S = 1_000 * MS
HOUR = 3_600 * S
START = Nanos(20_000 * 86_400 * S)
"""A Friday, midnight."""


def order(policy: str, params: PolicyParams, quantity: str = "10", **more: Any) -> ParentOrder:
    given: dict[str, Any] = {"side": Side.BUY, "limit_price": None, "envelope": Envelope(duration_ms=3_600_000)} | more
    return ParentOrder(
        id=ParentId("P"),
        entity=EntityId("acme"),
        ref_id=RefId("P1"),
        instrument=InstrumentId("BTC/USD"),
        quantity=Decimal(quantity),
        policy=policy,
        params=params,
        **given,
    )


def fresh(parent: ParentOrder, **more: Any) -> Progress:
    given: dict[str, Any] = {"lot": Decimal("0.01")} | more
    zero = Decimal(0)
    facts: dict[str, Any] = {
        "accepted_ns": START,
        "filled": zero,
        "working": zero,
        "in_doubt": zero,
        "rounds": 0,
        "last_round_ns": None,
        "last_round_sent": False,
    }
    return Progress(order=parent, **(facts | given))
