"""Journals for benchmarks: what a driver would have written, with the smallest event a row may carry."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from router.model.events import Stamped, TimerFired
from router.model.facts import ChildIntended, ChildMoved, Fact, FillBooked, ParentMoved, ParentTaken, WatermarkMoved
from router.model.ids import (
    AccountId,
    Asset,
    EntityId,
    InstrumentId,
    ListingId,
    Nanos,
    RefId,
    TimerId,
    TradeId,
    VenueId,
    VenueOrderId,
)
from router.model.orders import (
    ChildOrder,
    ChildState,
    Fee,
    Fill,
    ParentOrder,
    ParentState,
    TimeInForce,
    VenueTrade,
)
from router.model.policies import SweepParams
from router.model.side import Side
from router.orders.client_ids import client_order_id, parent_id
from router.ports import JournalRow

SYMBOLS = {"binance": "BTC/USDT", "kraken": "BTC/USD", "coinbase": "BTC/USD"}
QUANTITY = Decimal("0.01")
PRICE = Decimal(50_000)
CHILDREN = 3
ROWS_A_PARENT = 3 + 2 * CHILDREN
_ENTITY = EntityId("desk")
_INCARNATION = 1


def ended(deployment: str, number: int, at_ns: Nanos) -> Iterator[JournalRow]:
    """A parent from its order to its end, over a child at each of three venues, all filled."""
    parent = parent_order(deployment, f"B{number}", CHILDREN)
    children = [child_order(deployment, parent, place, venue, at_ns) for place, venue in enumerate(SYMBOLS)]
    yield row(at_ns, ParentTaken(order=parent, at_ns=at_ns))
    yield row(at_ns, *map(intended, children))
    for child in children:
        yield row(at_ns, _moved(child, ChildState.WORKING, at_ns))
        yield row(at_ns, FillBooked(fill=_fill(child, at_ns), at_ns=at_ns), _moved(child, ChildState.FILLED, at_ns))
    yield row(
        at_ns,
        ParentMoved(parent_id=parent.id, state=ParentState.FILLED, at_ns=at_ns, reason="filled"),
        *(WatermarkMoved(account=child.account, trades_until_ns=at_ns) for child in children),
    )


def unanswered(
    deployment: str, parents: int, children: int, at_ns: Nanos, tif: TimeInForce
) -> Iterator[tuple[JournalRow, Sequence[ChildOrder]]]:
    """Parents whose children were all intended, and of which nothing more is known."""
    venues = list(SYMBOLS)
    for number in range(parents):
        parent = parent_order(deployment, f"O{number}", children)
        orders = [
            replace(child_order(deployment, parent, place, venues[place % len(venues)], at_ns), time_in_force=tif)
            for place in range(children)
        ]
        yield row(at_ns, ParentTaken(order=parent, at_ns=at_ns), *map(intended, orders)), orders


def row(at_ns: Nanos, *facts: Fact) -> JournalRow:
    """One row of the journal."""
    return JournalRow(stamped=Stamped(at_ns=at_ns, event=TimerFired(timer_id=TimerId("bench"))), facts=facts)


def parent_order(deployment: str, ref: str, children: int) -> ParentOrder:
    """Which so many children fill."""
    return ParentOrder(
        id=parent_id(deployment=deployment, entity=_ENTITY, ref_id=RefId(ref)),
        entity=_ENTITY,
        ref_id=RefId(ref),
        instrument=InstrumentId("BTC/USD"),
        side=Side.BUY,
        quantity=QUANTITY * children,
        limit_price=None,
        policy="SWEEP",
        params=SweepParams(),
    )


def child_order(deployment: str, parent: ParentOrder, number: int, venue: str, at_ns: Nanos) -> ChildOrder:
    """The `number`-th child, at a venue."""
    account, symbol = AccountId(f"{venue}/main"), SYMBOLS[venue]
    base, quote = symbol.split("/")
    name = client_order_id(
        deployment=deployment, incarnation=_INCARNATION, account=account, parent_id=parent.id, number=number
    )
    return ChildOrder(
        client_id=name,
        parent_id=parent.id,
        entity=_ENTITY,
        number=number,
        venue=VenueId(venue),
        account=account,
        listing_id=ListingId(f"{account}:{symbol}"),
        symbol=symbol,
        base=Asset(base),
        quote=Asset(quote),
        side=Side.BUY,
        quantity=QUANTITY,
        limit_price=PRICE,
        time_in_force=TimeInForce.IOC,
        decided_at_ns=at_ns,
        deadline_ns=None,
    )


def intended(child: ChildOrder) -> ChildIntended:
    """Its intent."""
    worth = child.quantity * child.limit_price
    return ChildIntended(order=child, reserved_asset=child.quote, reserved=worth, notional=worth)


def _moved(child: ChildOrder, state: ChildState, at_ns: Nanos) -> ChildMoved:
    name = VenueOrderId(child.client_id[:12])
    return ChildMoved(client_id=child.client_id, state=state, at_ns=at_ns, reason="bench", venue_order_id=name)


def _fill(child: ChildOrder, at_ns: Nanos) -> Fill:
    trade = VenueTrade(
        account=child.account,
        symbol=child.symbol,
        trade_id=TradeId(child.client_id[12:24]),
        venue_order_id=VenueOrderId(child.client_id[:12]),
        side=child.side,
        price=child.limit_price,
        quantity=child.quantity,
        fees=(Fee(asset=child.quote, amount=Decimal("0.5")),),
        maker=False,
        venue_time_ns=at_ns,
        client_id=child.client_id,
    )
    return Fill(client_id=child.client_id, parent_id=child.parent_id, trade=trade)
