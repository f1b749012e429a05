"""Rows for a journal, as small as they can be and still mean something."""

import hashlib
import json
from decimal import Decimal
from itertools import count

from router.model.events import ParentSubmitted, Stamped, TimerFired
from router.model.facts import ChildIntended, CopyCounted, Fact, FillBooked, TimerCleared
from router.model.ids import (
    AccountId,
    Asset,
    ClientOrderId,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    ParentId,
    RefId,
    TimerId,
    TradeId,
    VenueId,
    VenueOrderId,
)
from router.model.orders import ChildOrder, Fee, Fill, ParentOrder, TimeInForce, VenueTrade
from router.model.policies import SweepParams
from router.model.requests import Request, RequestKind
from router.model.side import Side
from router.ports.store import JournalRow

ACCOUNT = AccountId("kraken/main")
ENTITY = EntityId("acme")
PARENT = ParentId("parent-1")

_times = count(1_700_000_000_000_000_000, 1_000_000)


def client_id(number: int) -> ClientOrderId:
    return ClientOrderId(f"{number:032x}")


def parent(parent_id: str = PARENT, quantity: str = "5", ref_id: str = "ref-1") -> ParentOrder:
    return ParentOrder(
        id=ParentId(parent_id),
        entity=ENTITY,
        ref_id=RefId(ref_id),
        instrument=InstrumentId("BTC/USD"),
        side=Side.BUY,
        quantity=Decimal(quantity),
        limit_price=Decimal("60500.00"),
        policy="SWEEP",
        params=SweepParams(),
    )


def child(number: int, parent_id: str = PARENT, quantity: str = "0.50") -> ChildOrder:
    return ChildOrder(
        client_id=client_id(number),
        parent_id=ParentId(parent_id),
        entity=ENTITY,
        number=number,
        venue=VenueId("kraken"),
        account=ACCOUNT,
        listing_id=ListingId(f"{ACCOUNT}:BTC/USD"),
        symbol="BTC/USD",
        base=Asset("BTC"),
        quote=Asset("USD"),
        side=Side.BUY,
        quantity=Decimal(quantity),
        limit_price=Decimal("60000.10"),
        time_in_force=TimeInForce.IOC,
        decided_at_ns=Nanos(1),
        deadline_ns=None,
    )


def intended(number: int, parent_id: str = PARENT) -> ChildIntended:
    return ChildIntended(
        order=child(number, parent_id), reserved_asset="USD", reserved=Decimal("30000.05"), notional=Decimal(30000)
    )


def counted(number: int, copy: int) -> CopyCounted:
    return CopyCounted(client_id=client_id(number), copy=copy, deadline_ns=None)


def booked(number: int, trade_id: str, quantity: str = "0.1", price: str = "60000.10", fee: str = "1.56") -> FillBooked:
    trade = VenueTrade(
        account=ACCOUNT,
        symbol="BTC/USD",
        trade_id=TradeId(trade_id),
        venue_order_id=VenueOrderId(f"V{number}"),
        side=Side.BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fees=(Fee(asset=Asset("USD"), amount=Decimal(fee)),),
        maker=False,
        venue_time_ns=Nanos(7),
        client_id=client_id(number),
    )
    return FillBooked(fill=Fill(client_id=client_id(number), parent_id=PARENT, trade=trade), at_ns=Nanos(8))


def tick(number: int = 0) -> TimerCleared:
    """A fact that touches no other table."""
    return TimerCleared(timer_id=TimerId(f"timer-{number}"))


def row(*facts: Fact, request_id: int | None = None, at_ns: int | None = None) -> JournalRow:
    at = Nanos(next(_times) if at_ns is None else at_ns)
    event = TimerFired(timer_id=TimerId("t")) if request_id is None else ParentSubmitted(order=parent())
    return JournalRow(stamped=Stamped(at_ns=at, event=event), facts=facts or (tick(),), request_id=request_id)


def request(key: str = "ref-1", body: object = None, kind: RequestKind = RequestKind.PARENT) -> Request:
    text = json.dumps(body or {"quantity": "5"}, sort_keys=True, separators=(",", ":"))
    return Request(
        entity=ENTITY,
        kind=kind,
        key=key,
        principal="desk",
        body=text,
        body_hash=hashlib.sha256(text.encode()).hexdigest(),
        asked_ns=Nanos(5),
    )
