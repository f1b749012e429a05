"""Ours against theirs, whatever both are: the four promises of `router.reconcile`."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from router.model.events import AccountSeen
from router.model.ids import ClientOrderId, TradeId, VenueOrderId
from router.model.orders import VenueOrder, VenueOrderStatus, VenueTrade
from router.model.outcomes import AccountRead
from router.orders.client_ids import client_order_id
from router.reconcile import Differences, reconcile
from tests.engine.desk import DEPLOYMENT, Desk, account, terms

KRAKEN = account("kraken")


def desk_with(children: int) -> Desk:
    """So many children at one account, each accepted and living."""
    desk = Desk(venues=(terms("kraken"),)).start()
    desk.market("kraken ask 100.00 5.0")
    for number in range(children):
        desk.submit(f"P{number} buy 1")
        desk.accept("kraken")
        desk.found("kraken", "OPEN")
    return desk


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desk, AccountRead]:
    """A blotter, and what its account may say: ours, ours and lost, foreign; listed or not; trades once or twice."""
    desk = desk_with(draw(st.integers(1, 3)))
    known = [child.order for child in desk.engine.state.blotter.children.values()]
    lost = [
        client_order_id(
            deployment=DEPLOYMENT, incarnation=1, account=KRAKEN, parent_id=known[0].parent_id, number=100 + number
        )
        for number in range(2)
    ]
    whose: list[ClientOrderId | None] = [*(order.client_id for order in known), *lost, None]
    orders = [
        VenueOrder(
            account=KRAKEN,
            symbol="BTC/USD",
            venue_order_id=VenueOrderId(f"V{place}"),
            client_id=draw(st.sampled_from(whose)),
            side=known[0].side,
            status=VenueOrderStatus.OPEN,
            quantity=Decimal(1),
            executed=Decimal(0),
            limit_price=Decimal(100),
        )
        for place in range(draw(st.integers(0, 5)))
    ]
    trades = [
        VenueTrade(
            account=KRAKEN,
            symbol="BTC/USD",
            trade_id=TradeId(f"T{draw(st.integers(0, 4))}"),
            venue_order_id=VenueOrderId("V0"),
            side=known[0].side,
            price=Decimal(100),
            quantity=Decimal("0.1"),
            fees=(),
            maker=None,
            venue_time_ns=desk.now_ns,
            client_id=draw(st.sampled_from([order.client_id for order in known])),
        )
        for _ in range(draw(st.integers(0, 5)))
    ]
    read = AccountRead(
        account=KRAKEN, asked_ns=desk.now_ns, balances=(), open_orders=tuple(orders), trades=tuple(trades)
    )
    return desk, read


def differences(desk: Desk, read: AccountRead) -> Differences:
    return reconcile(desk.engine.state.blotter, read, DEPLOYMENT)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(worlds())
def test_every_difference_is_named_once_and_closed_by_telling_it(world: tuple[Desk, AccountRead]) -> None:
    """(1), (2): one fill per booking key; once told, the same read leaves nothing to book."""
    desk, read = world
    found = differences(desk, read)

    keys = [(trade.trade_id, trade.venue_order_id) for _, trade in found.fills]
    assert len(keys) == len(set(keys))
    assert len(found.orphans) + len(found.strangers) <= len(read.open_orders)
    assert {client_id for client_id, _ in found.alive}.isdisjoint(found.to_look_up)

    desk.tell(AccountSeen(read=read))
    after = differences(desk, read)
    assert after.fills == ()
    assert after.revived == ()
    assert (after.orphans, after.strangers) == (found.orphans, found.strangers)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(worlds())
def test_foreign_orders_are_never_touched_and_silence_proves_nothing(world: tuple[Desk, AccountRead]) -> None:
    """(3), (4): no command names what is not ours; a child that no list shows is looked up and keeps its state."""
    desk, read = world
    ours = set(desk.engine.state.blotter.children)
    unlisted = replace(read, open_orders=(), trades=())
    before = {client_id: child.state for client_id, child in desk.engine.state.blotter.children.items()}

    assert set(differences(desk, unlisted).to_look_up) == ours
    desk.tell(AccountSeen(read=unlisted))
    assert {client_id: child.state for client_id, child in desk.engine.state.blotter.children.items()} == before

    desk.commands.clear()
    desk.tell(AccountSeen(read=read))
    named = {one.order.client_id for one in desk.commands if hasattr(one, "order")}
    assert named <= ours
    assert all(order.client_id not in ours for order in differences(desk, read).strangers)
