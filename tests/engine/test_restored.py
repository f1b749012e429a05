"""An old copy of the database: what the venues know and it does not is found before anything new leaves."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.engine.adopting import _in_reporting
from router.engine.state import AGAIN_NS
from router.model import events as e
from router.model import facts as f
from router.model.commands import Cancel, Place, Seek
from router.model.ids import Asset, ClientOrderId, Nanos, ParentId, VenueOrderId, listing_id
from router.model.orders import ChildState, ParentState, VenueOrder, VenueOrderStatus, VenueTrade
from router.model.outcomes import Found, LookUp, Missing, NotSent, Unclear
from router.model.terms import Orphans
from router.orders.client_ids import client_order_id
from router.orders.records import Parent
from router.runtime.recovery import SNAPSHOTS
from tests.engine.desk import DEPLOYMENT, MS, Desk, account, terms

Truth = dict[ClientOrderId, tuple[VenueOrder, tuple[VenueTrade, ...]]]
BOOK = "kraken ask 100.00 0.4"
CLEAN = Missing(endpoints=("order", "closed"))


def half_way() -> tuple[Desk, int, Truth]:
    """P1 buys 1 by children of 0.4 at most. The backup is made after the first; the second fills, the third is lost."""
    desk = Desk(venues=(terms("kraken"), terms("binance"))).start()
    desk.market(BOOK)
    desk.submit("P1 buy 1")
    truth: Truth = {}
    desk.accept("kraken")
    desk.found("kraken", "FILLED", "0.4@100.00#T1")
    backup = len(desk.rows) - 1
    desk.accept("kraken")
    child = desk.child("kraken").order
    assert child.number == 2
    trade = replace(desk.trade("kraken", "0.4@100.00#T2"), client_id=child.client_id)
    truth[child.client_id] = (desk.record("kraken", "FILLED", Decimal("0.4")), (trade,))
    return desk, backup, truth


def restored(desk: Desk, rows: int) -> Desk:
    """The first so many rows, brought back for a second life."""
    copy = replace(desk, rows=desk.rows[:rows]).restarted()
    copy.now_ns = Nanos(desk.now_ns + 3_600_000 * MS)
    life(copy, 2)
    return copy


def life(desk: Desk, incarnation: int, orphans: Orphans = Orphans.ALARM) -> None:
    settings = desk.engine.state.settings
    desk.tell(replace(settings, incarnation=incarnation, epoch=settings.epoch + 1, orphans=orphans))


def answer(desk: Desk, truth: Truth, most: int = 10_000) -> int:
    """Answer what is sought, as the venues would, until nothing is."""
    answered = 0
    while answered < most:
        seeks = [one for one in desk.commands if isinstance(one, Seek)]
        desk.commands = [one for one in desk.commands if not isinstance(one, Seek)]
        if not seeks:
            break
        for seek in seeks:
            assert not any(isinstance(one, Place) for one in desk.commands)
            known = truth.get(seek.client_id)
            result = CLEAN if known is None else Found(order=known[0], trades=known[1])
            sought(desk, seek, result)
            answered += 1
    return answered


def sought(desk: Desk, seek: Seek, result: Found | Missing | Unclear, asked_ns: Nanos | None = None) -> None:
    look_up = LookUp(asked_ns=desk.now_ns if asked_ns is None else asked_ns, result=result)
    desk.tell(e.Sought(account=seek.account, parent_id=seek.parent_id, client_id=seek.client_id, look_up=look_up))


def read_all(desk: Desk) -> None:
    for venue in desk.venues:
        desk.read(venue.account)


def only_parent(desk: Desk) -> Parent:
    [parent] = desk.engine.state.blotter.parents.values()
    return parent


def test_what_the_backup_lost_is_adopted_and_the_rest_is_sent_under_new_ids() -> None:
    """0.8 of 1 was bought, and the copy knew of 0.4: 0.2 more is sent, and by an id no life before gave out."""
    before, rows, truth = half_way()
    desk = restored(before, rows)

    read_all(desk)
    assert not desk.engine.state.gate_open(account("kraken"))
    desk.later(1_000)
    read_all(desk)
    assert desk.sent == []
    assert answer(desk, truth) == 2 * 2 + 20 * 2 * 2  # number 2 in two lives at two accounts, then 20 in a row
    assert desk.engine.state.restoring is None
    read_all(desk)

    assert desk.sent == ["kraken buy 0.2 @ 100.00"]
    used = set(before.engine.state.blotter.children)
    assert desk.child("kraken").order.client_id not in used
    parent = only_parent(desk)
    assert [child.filled for child in desk.engine.state.blotter.children_of(parent)][:2] == [Decimal("0.4")] * 2
    assert desk.breaches() == []
    assert not parent.breached


def test_a_lost_child_that_still_stands_hides_none_before_it() -> None:
    """The list of open orders shows number 3 before the hunt may begin: number 2, which has filled, is sought too."""
    before, rows, truth = half_way()
    desk = restored(before, rows)
    third = replace(orphan(before, 3), quantity=Decimal("0.2"), executed=Decimal(0))

    desk.read(account("kraken"), open_orders=(third,))
    assert desk.engine.state.blotter.next_number(only_parent(desk)) == 4
    read_all(desk)
    desk.later(1_000)
    answer(desk, truth)

    assert desk.engine.state.restoring is None
    assert desk.engine.state.blotter.filled(only_parent(desk)) == Decimal("0.8")
    assert desk.engine.state.blotter.exposure(only_parent(desk)) == Decimal(1)


def test_a_backup_of_a_hunt_begins_it_anew() -> None:
    """Of the second life a part is lost, too: what it sent is of numbers that had been asked for by then."""
    before, rows, truth = half_way()
    second = restored(before, rows)
    read_all(second)
    second.later(1_000)
    answer(second, truth, most=4 * 10)
    backup = len(second.rows)
    answer(second, truth)
    read_all(second)
    assert second.sent == ["kraken buy 0.2 @ 100.00"]
    child = second.child("kraken").order
    assert child.number == 3
    second.accept("kraken")
    trade = replace(second.trade("kraken", "0.2@100.00#T3"), client_id=child.client_id)
    truth[child.client_id] = (second.record("kraken", "FILLED", Decimal("0.2")), (trade,))

    desk = replace(second, rows=second.rows[:backup]).restarted()
    desk.now_ns = Nanos(second.now_ns + 3_600_000 * MS)
    life(desk, 3)
    read_all(desk)
    desk.later(1_000)
    read_all(desk)
    answer(desk, truth)

    assert desk.engine.state.restoring is None
    assert desk.engine.state.blotter.filled(only_parent(desk)) == Decimal(1)
    assert desk.sent == []


def test_nothing_leaves_before_every_account_was_read(desk: Desk) -> None:
    """One account cannot be reached: the router says what it waits for, and waits."""
    before, rows, truth = half_way()
    desk = restored(before, rows)

    desk.read(account("kraken"))
    desk.later(1_000)
    desk.tell(e.VenueLost(account=account("binance"), why="timed out"))
    answer(desk, truth)

    assert desk.engine.state.hunts == {}
    assert desk.engine.state.restoring is not None
    assert desk.sent == []
    desk.read(account("binance"))
    assert desk.engine.state.restoring is None


@pytest.mark.parametrize("result", [Unclear(why="502"), Missing(endpoints=("order",))])
def test_an_answer_that_proves_nothing_is_asked_for_again(result: Unclear | Missing) -> None:
    """Trouble on the line, or one endpoint only: the same ids again, a moment later."""
    before, rows, _ = half_way()
    desk = restored(before, rows)
    desk.later(1_000)
    [*seeks] = [one for one in desk.commands if isinstance(one, Seek)]
    desk.commands.clear()

    for seek in seeks:
        sought(desk, seek, result)
    desk.later(100)

    assert {one.client_id for one in desk.commands if isinstance(one, Seek)} == {one.client_id for one in seeks}


def test_a_start_in_the_middle_of_it_goes_on(desk: Desk) -> None:
    """Killed half-way through the hunt: the next driver asks for what was not answered."""
    before, rows, truth = half_way()
    desk = restored(before, rows)
    read_all(desk)
    desk.later(1_000)
    answer(desk, truth, most=7)

    again = desk.restarted()
    assert SNAPSHOTS.dumps(again.engine.state.image()) == SNAPSHOTS.dumps(desk.engine.state.image())
    life(again, 2)
    read_all(again)
    answer(again, truth)
    assert again.engine.state.restoring is None
    assert again.sent == []
    read_all(again)
    assert again.sent == ["kraken buy 0.2 @ 100.00"]


def test_a_reference_from_the_lost_hour_is_hunted_for_when_it_comes_again() -> None:
    """Its parent is not in the copy at all; handed in again it finds what it has bought already."""
    before, _, truth = half_way()
    desk = restored(before, 3)
    assert not desk.engine.state.blotter.parents
    read_all(desk)
    desk.later(1_000)
    read_all(desk)
    read_all(desk)
    assert desk.engine.state.restoring is None
    desk.market(BOOK)
    first = before.engine.state.blotter.children[only_parent(before).children[0]].order
    trade = replace(
        before.trade("kraken", "0.4@100.00#T1"), client_id=first.client_id, venue_order_id=VenueOrderId("K1")
    )
    record = replace(before.record("kraken", "FILLED", Decimal("0.4")), client_id=first.client_id)
    truth[first.client_id] = (replace(record, venue_order_id=VenueOrderId("K1")), (trade,))

    desk.submit("P1 buy 1")
    assert desk.sent == []
    answer(desk, truth)

    assert desk.sent == ["kraken buy 0.2 @ 100.00"]
    assert desk.engine.state.blotter.filled(only_parent(desk)) == Decimal("0.8")


def orphan(desk: Desk, number: int = 2, side: str = "BUY", parent: str | None = None) -> VenueOrder:
    """An open order of kraken's with our tag: child `number` of P1, or of a parent nobody knows."""
    order = desk.child("kraken").order
    client_id = client_order_id(
        deployment=DEPLOYMENT,
        incarnation=1,
        account=order.account,
        parent_id=order.parent_id if parent is None else ParentId(parent),
        number=number,
    )
    return replace(
        desk.record("kraken", "OPEN", Decimal("0.1")),
        client_id=client_id,
        venue_order_id=VenueOrderId(f"O{number}"),
        quantity=Decimal("0.3"),
        status=VenueOrderStatus.OPEN,
    )


def working(orphans: Orphans) -> Desk:
    desk = Desk(venues=(terms("kraken"),)).start()
    life(desk, 1, orphans)
    desk.read(account("kraken"))
    desk.market(BOOK)
    desk.submit("P1 buy 1")
    desk.accept("kraken")
    desk.found("kraken", "OPEN")
    desk.commands.clear()
    return desk


def test_by_default_an_orphan_is_an_alarm_and_is_not_touched() -> None:
    """Its account is shut while it stands."""
    desk = working(Orphans.ALARM)

    desk.read(account("kraken"), open_orders=(orphan(desk),))

    assert desk.breaches() == [f.BreachKind.UNKNOWN_TAGGED_ORDER]
    assert not desk.engine.state.gate_open(account("kraken"))
    assert desk.wanted(Cancel) == []
    assert len(desk.states("kraken")) == 1


@pytest.mark.parametrize("orphans", [Orphans.ADOPT, Orphans.CANCEL])
def test_an_orphan_of_a_known_parent_is_adopted_and_stops_it(orphans: Orphans) -> None:
    """Its exposure counts at once, so that nothing more is sent than fits; and a person is told."""
    desk = working(orphans)

    order = orphan(desk, 5)
    assert order.client_id is not None
    desk.read(account("kraken"), open_orders=(order,))

    child = desk.engine.state.blotter.children[order.client_id]
    parent = only_parent(desk)
    assert (child.order.parent_id, child.order.number) == (parent.order.id, 5)
    assert desk.engine.state.blotter.next_number(parent) == 6
    assert desk.engine.state.blotter.exposure(parent) == Decimal("0.7")
    assert f.BreachKind.UNKNOWN_TAGGED_ORDER in desk.breaches()
    assert parent.breached
    cancelled = [one.order.client_id for one in desk.wanted(Cancel) if isinstance(one, Cancel)]
    assert cancelled == ([child.order.client_id] if orphans is Orphans.CANCEL else [])


def test_an_orphan_nobody_knows_the_parent_of_stands_under_one_of_its_own() -> None:
    """Shown, never planned, as large as what it has adopted; a foreign order beside it is left alone."""
    desk = working(Orphans.ADOPT)
    strange = replace(orphan(desk), client_id=None, venue_order_id=VenueOrderId("F1"))

    desk.read(account("kraken"), open_orders=(orphan(desk, 1, parent="Pnobody"), strange))
    desk.read(account("kraken"), open_orders=(orphan(desk, 2, parent="Pnobody"), strange))

    foster = desk.engine.state.parent(ParentId("recovered:kraken/main:BTC/USD:BUY"))
    assert (foster.state, foster.order.quantity, len(foster.children)) == (ParentState.PAUSED, Decimal("0.6"), 2)
    assert len([fact for fact in desk.facts if isinstance(fact, f.StrangerSeen)]) == 1
    assert len(desk.states("kraken")) == 3
    assert desk.sent == []


def test_a_trade_of_ours_that_no_row_explains_shuts_the_account_until_a_restore_explains_it() -> None:
    """Nobody said that this is an old copy: it is said, and nothing is sent there any more."""
    desk = working(Orphans.ALARM)
    lost = orphan(desk)
    trade = replace(desk.trade("kraken", "0.1@100.00#T7"), client_id=lost.client_id, venue_order_id=lost.venue_order_id)

    desk.read(account("kraken"), trades=(trade,))
    desk.read(account("kraken"))

    assert desk.breaches() == [f.BreachKind.UNKNOWN_TAGGED_TRADE]
    gate = desk.engine.state.gates[account("kraken")]
    assert not gate.open
    assert "old copy" in gate.reason

    desk.now_ns = Nanos(desk.now_ns + 1)
    life(desk, 2)
    desk.later(1_000)
    desk.read(account("kraken"), trades=(trade,))
    answer(desk, {lost.client_id: (replace(lost, status=VenueOrderStatus.CANCELLED), (trade,))})  # type: ignore[dict-item]
    desk.read(account("kraken"), trades=(trade,))
    assert desk.engine.state.gate_open(account("kraken"))
    assert desk.engine.state.blotter.filled(only_parent(desk)) == Decimal("0.1")
    assert desk.states("kraken") == [ChildState.WORKING, ChildState.CANCELLED]


def test_an_adopted_order_is_worth_reporting_currency() -> None:
    """By the rate of the last child that was sent in its quote, whether or not that one is still in the state."""
    state = working(Orphans.ADOPT).engine.state
    [child] = state.blotter.children.values()
    parent = state.parent(child.order.parent_id)
    sent = replace(child.order, client_id=ClientOrderId("f" * 32), quote=Asset("USDT"), limit_price=Decimal(50_000))
    sent = replace(sent, number=2, quantity=parent.order.quantity - state.blotter.exposure(parent))
    worth = sent.quantity * sent.limit_price * Decimal("1.01")

    assert _in_reporting(state, parent, child.order, Decimal(600)) == 600
    assert _in_reporting(state, parent, sent, Decimal(600)) == 600
    state.apply(f.ChildIntended(order=sent, reserved_asset="USDT", reserved=worth, notional=worth))
    assert _in_reporting(state, parent, sent, Decimal(600)) == 606
    state.blotter.children.clear()
    assert _in_reporting(state, parent, sent, Decimal(600)) == 606


def test_a_reference_that_came_in_after_a_restore_stays_as_long_as_its_orders_are_held_against_its_ids() -> None:
    """It may have been worked before, in the time that was lost: for seven days it is known whose such an order is."""
    before, rows, truth = half_way()
    desk = restored(before, rows)
    desk.tell(replace(desk.engine.state.settings, epoch=desk.engine.state.settings.epoch + 1, archive_after_ms=60_000))
    read_all(desk)
    desk.later(1_000)
    read_all(desk)
    answer(desk, truth)
    read_all(desk)
    desk.commands.clear()
    later = desk.submit("P2 buy 0.1 limit 50 rounds 1")
    answer(desk, truth)
    desk.tell(e.CancelAsked(parent_id=later.order.id, principal="ann"))
    assert later.state.ended

    for _ in range(3):
        desk.later(120_000)
        read_all(desk)
    assert later.order.id in desk.engine.state.blotter.parents

    desk.now_ns = Nanos(desk.now_ns + AGAIN_NS)
    desk.later(120_000)
    assert later.order.id not in desk.engine.state.blotter.parents


def test_what_an_account_once_traded_is_sought_under_that_symbol_too() -> None:
    """Whether or not it is still configured: only the account knows."""
    before, rows, _ = half_way()
    desk = restored(before, rows)
    desk.engine.state.printed[listing_id(account("kraken"), "BTC/EUR")] = Decimal(1)
    desk.engine.state.printed[listing_id(account("kraken"), "ETH/USD")] = Decimal(1)
    desk.later(1_000)
    read_all(desk)

    symbols = {one.account: one.symbols for one in desk.commands if isinstance(one, Seek)}
    assert symbols == {account("kraken"): ("BTC/EUR", "BTC/USD"), account("binance"): ()}


def test_an_order_for_one_round_takes_no_second_one_after_a_restore() -> None:
    """The copy does not know of its round; what was adopted for it shows that there was one."""
    before = Desk(venues=(terms("kraken"), terms("binance"))).start()
    before.market(BOOK)
    parent = before.order("P1", "SWEEP", "1", time_in_force="IOC")
    taken = 1 + next(n for n, (_, facts) in enumerate(before.rows) if any(isinstance(x, f.ParentTaken) for x in facts))
    assert before.sent == ["kraken buy 0.4 @ 100.00"]
    child = before.child("kraken").order
    before.accept("kraken")
    trade = replace(before.trade("kraken", "0.4@100.00#T1"), client_id=child.client_id)
    truth: Truth = {child.client_id: (before.record("kraken", "FILLED", Decimal("0.4")), (trade,))}

    desk = restored(before, taken)
    read_all(desk)
    desk.later(1_000)
    read_all(desk)
    answer(desk, truth)
    read_all(desk)

    assert desk.sent == []
    assert only_parent(desk).order.id == parent.order.id
    assert only_parent(desk).state is ParentState.DONE_PARTIAL


def test_a_round_that_did_not_count_is_no_leave_for_a_second_one_after_a_restore() -> None:
    """Of the first nothing left, and the copy knows it; the one that made up for it was lost, and counts."""
    before = Desk(venues=(terms("kraken"), terms("binance"))).start()
    before.market(BOOK)
    before.order("P1", "SWEEP", "1", time_in_force="IOC")
    before.answer("kraken", NotSent(why="its approval is 80 ms old"))
    rows = next(n for n, (_, facts) in enumerate(before.rows) if any(getattr(x, "not_sent", False) for x in facts)) + 1
    before.later(1_000)
    before.market(BOOK)
    child = before.child("kraken").order
    assert child.number == 2
    before.accept("kraken")
    trade = replace(before.trade("kraken", "0.4@100.00#T1"), client_id=child.client_id)
    truth: Truth = {child.client_id: (before.record("kraken", "FILLED", Decimal("0.4")), (trade,))}

    desk = restored(before, rows)
    assert child.client_id not in desk.engine.state.blotter.children
    read_all(desk)
    desk.later(1_000)
    read_all(desk)
    answer(desk, truth)
    read_all(desk)

    assert desk.sent == []
    assert only_parent(desk).state is ParentState.DONE_PARTIAL
