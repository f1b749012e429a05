"""The tables people query: they follow the journal, and can always be made again from it."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from router.model.balances import Balance
from router.model.events import HaltLevel, MarketSeen, Stamped, Started
from router.model.facts import (
    BalancesTaken,
    BreachKind,
    BreachRaised,
    ChildMoved,
    DecisionFailed,
    DriverStarted,
    Exclusion,
    Fact,
    GateMoved,
    HaltMoved,
    ParentMoved,
    ParentTaken,
    ParentTurnedDown,
    PlannedChild,
    RoundPlanned,
    WatermarkMoved,
)
from router.model.ids import Asset, InstrumentId, ListingId, Nanos, RefId, VenueOrderId
from router.model.market import MarketView
from router.model.orders import ChildState, ParentState
from router.model.terms import Fence, RiskLimits, VenueTerms
from router.ports.store import JournalRow
from router.store import JournalStore
from router.store.projector import Projector
from router.store.queries import Queries, exclusions_of, fees_of, plan_of
from tests.store.conftest import Sql
from tests.store.makers import ACCOUNT, ENTITY, PARENT, booked, client_id, counted, intended, parent, row

TABLES = ("parent", "child", "fill", "decision", "alert", "venue_account", "balance", "cursor")

STARTED = Started(
    deployment="d",
    incarnation=1,
    epoch=1,
    version="0",
    instruments=(),
    terms=(
        VenueTerms(
            account=ACCOUNT,
            fence=Fence.DEADLINE,
            request_ttl_ms=300,
            engine_wait_ms=100,
            read_lag_ms=100,
            look_up_wait_ms=50,
            quarantine_after_ms=9000,
        ),
    ),
    limits=RiskLimits(
        parent_quantity_max=Decimal(100),
        parent_notional_max=Decimal(10**7),
        child_notional_max=Decimal(10**6),
        day_notional_max=Decimal(10**8),
        collar_bps=Decimal(50),
        book_age_ms_max=1000,
    ),
)
VIEW = MarketView(instrument=InstrumentId("BTC/USD"), at_ns=Nanos(3), listings=(), fx=())
PLAN = RoundPlanned(
    parent_id=PARENT,
    round=1,
    at_ns=Nanos(4),
    due=Decimal(5),
    children=(
        PlannedChild(
            client_id=client_id(1),
            listing_id=ListingId("kraken/main:BTC/USD"),
            quantity=Decimal("0.50"),
            limit_price=Decimal("60000.10"),
            expected_price=Decimal("59999.99"),
            effective_price=Decimal("60155.9"),
        ),
    ),
    residual=Decimal("4.50"),
    residual_reason="balance",
    all_in_cost=Decimal("30077.9"),
    marginal_price=None,
    exclusions=(Exclusion(listing_id=ListingId("binance/main:BTC/USDT"), reason="no FX mark for USDT"),),
)


def story() -> list[JournalRow]:
    """A parent taken, planned, half refused and half filled, with everything around it."""
    return [
        row(DriverStarted(started=STARTED)),
        row(GateMoved(account=ACCOUNT, open=True, reason="read", at_ns=Nanos(2))),
        row(
            BalancesTaken(
                account=ACCOUNT,
                asked_ns=Nanos(2),
                balances=(
                    Balance(account=ACCOUNT, asset=Asset("USD"), total=Decimal("1e5"), free=Decimal("99999.90")),
                ),
            )
        ),
        row(ParentTaken(order=parent(), at_ns=Nanos(3))),
        JournalRow(
            stamped=Stamped(at_ns=Nanos(1_800_000_000_000_000_000), event=MarketSeen(view=VIEW)),
            facts=(
                PLAN,
                intended(1),
                intended(2),
                ParentMoved(parent_id=PARENT, state=ParentState.WORKING, at_ns=Nanos(4), reason=""),
            ),
        ),
        row(ChildMoved(client_id=client_id(2), state=ChildState.IN_DOUBT, at_ns=Nanos(5), reason="answer lost")),
        row(counted(2, 2), at_ns=1_900_000_000_000_000_000),
        row(
            booked(1, "T1", quantity="0.3", price="60000.10", fee="1.5"),
            booked(1, "T2", quantity="0.2", price="60000.20", fee="-0.1"),
            ChildMoved(
                client_id=client_id(1),
                state=ChildState.FILLED,
                at_ns=Nanos(6),
                reason="",
                venue_order_id=VenueOrderId("V1"),
                executed=Decimal("0.5"),
                durable_ns=Nanos(4),
                sent_ns=Nanos(5),
            ),
        ),
        row(ChildMoved(client_id=client_id(2), state=ChildState.QUARANTINED, at_ns=Nanos(7), reason="no fence")),
        row(
            HaltMoved(level=HaltLevel.NEW, reason="look at it", principal="desk", at_ns=Nanos(8)),
            BreachRaised(
                kind=BreachKind.ALIVE_AFTER_END, account=ACCOUNT, client_id=client_id(1), detail="?", at_ns=Nanos(8)
            ),
        ),
        row(WatermarkMoved(account=ACCOUNT, trades_until_ns=Nanos(99))),
        row(ParentTurnedDown(order=parent("parent-2", ref_id="ref-2"), at_ns=Nanos(9), reason="halted")),
        row(ParentMoved(parent_id=PARENT, state=ParentState.DONE_PARTIAL, at_ns=Nanos(10), reason="stopped")),
    ]


@pytest.fixture
async def projector(store: JournalStore, database_url: str) -> AsyncIterator[Projector]:
    made = Projector(database_url, ENTITY)
    yield made
    await made.close()


@pytest.fixture
async def queries(store: JournalStore, database_url: str) -> AsyncIterator[Queries]:
    made = Queries(database_url)
    yield made
    await made.close()


async def dump(sql: Sql) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(await sql(f'SELECT * FROM "{table}"'), key=str) for table in TABLES}


async def test_the_tables_tell_the_story(store: JournalStore, projector: Projector, queries: Queries):
    """One parent as a person asks for it: state, children, fills, sums, decisions, all as of one row."""
    await store.append(story())

    assert await projector.catch_up() == len(story())

    detail = await queries.parent(PARENT)
    assert detail is not None
    assert (detail.parent.state, detail.parent.reason) == ("DONE_PARTIAL", "stopped")
    assert detail.parent.limit_price == Decimal("60500.00")
    assert str(detail.parent.limit_price) == "60500.00"
    first, second = detail.children
    assert (first.state, first.venue_order_id, first.executed, first.sent_ns) == ("FILLED", "V1", Decimal("0.5"), 5)
    assert first.durable_ns == 4
    assert (second.state, second.copies, second.executed) == ("QUARANTINED", 2, None)
    assert [(fill.trade_id, fill.entity, fill.quote) for fill in detail.fills] == [
        ("T1", "acme", "USD"),
        ("T2", "acme", "USD"),
    ]
    assert [fee.amount for fill in detail.fills for fee in fees_of(fill)] == [Decimal("1.5"), Decimal("-0.1")]
    assert detail.totals.quantity == Decimal("0.5")
    assert detail.totals.by_quote[0].notional == Decimal("30000.070")
    assert detail.totals.average == Decimal("60000.14")
    assert detail.totals.fees == {"USD": Decimal("1.4")}
    assert plan_of(detail.decisions[0]) == PLAN.children
    assert exclusions_of(detail.decisions[0]) == PLAN.exclusions
    assert detail.as_of_seq == len(story())


async def test_a_decision_is_explained_from_the_journal(store: JournalStore, projector: Projector, queries: Queries):
    """The plan stands beside the view it was made on."""
    await store.append(story())
    await projector.catch_up()

    explained = await queries.explain(PARENT, 1)

    assert explained is not None
    assert explained.planned == PLAN
    assert explained.view == VIEW
    assert explained.seq == (await queries.parent(PARENT)).decisions[0].seq
    assert await queries.explain(PARENT, 2) is None


async def test_filters_and_alerts(store: JournalStore, projector: Projector, queries: Queries):
    """Parents by state and reference, alerts by kind, accounts, balances, the halt."""
    await store.append(story())
    await projector.catch_up()

    assert [one.id for one in await queries.parents()] == ["parent-2", PARENT]
    assert [one.id for one in await queries.parents(state=ParentState.REJECTED)] == ["parent-2"]
    assert await queries.parents(open_only=True) == ()
    by_ref = await queries.parent_by_ref(ENTITY, RefId("ref-1"))
    assert by_ref is not None
    assert by_ref.parent.id == PARENT
    assert await queries.parent_by_ref(ENTITY, RefId("nobody's")) is None
    kinds = [alert.kind for alert in await queries.alerts()]
    assert kinds == ["BREACH_ALIVE_AFTER_END", "HALTED", "QUARANTINED", "GATE_OPENED"]
    halt = await queries.halt()
    assert halt is not None
    assert (halt.kind, halt.detail) == ("HALTED", "look at it")
    (account,) = await queries.venue_accounts()
    assert (account.account, account.gate_open, account.trades_until_ns, account.entity) == (ACCOUNT, True, 99, "acme")
    (balance,) = await queries.balances()
    assert (balance.total, balance.free) == (Decimal(100000), Decimal("99999.90"))
    assert await projector.as_of_seq() == len(story())


async def test_following_step_by_step_ends_where_a_rebuild_does(store: JournalStore, projector: Projector, sql: Sql):
    """Row by row, all at once, and again from nothing: the same tables."""
    for one in story():
        await store.append([one])
        await projector.catch_up()
    followed = await dump(sql)

    assert await projector.rebuild() == len(story())

    assert await dump(sql) == followed


async def test_following_twice_changes_nothing(store: JournalStore, projector: Projector, sql: Sql, database_url: str):
    """A second projector on the same tables finds nothing left to do, and neither minds the other."""
    await store.append(story())
    await projector.catch_up()
    followed = await dump(sql)
    other = Projector(database_url, ENTITY)
    try:
        assert await other.catch_up() == len(story())
    finally:
        await other.close()

    assert await dump(sql) == followed


async def test_two_projectors_at_once_do_not_disturb_each_other(
    store: JournalStore, projector: Projector, sql: Sql, database_url: str
):
    """While rows are being appended both follow; in the end the tables are what a rebuild makes of the journal."""
    other = Projector(database_url, ENTITY)
    try:
        for one in story():
            await asyncio.gather(store.append([one]), projector.catch_up(), other.catch_up())
        await asyncio.gather(projector.catch_up(), other.catch_up())
        followed = await dump(sql)
        await other.rebuild()
    finally:
        await other.close()

    assert await dump(sql) == followed


async def test_names_from_earlier_batches_are_looked_up(store: JournalStore, database_url: str, queries: Queries):
    """A follower that was started anew still knows whose a fill is."""
    rows = story()
    for part in (rows[:6], rows[6:]):
        await store.append(part)
        fresh = Projector(database_url, ENTITY)
        await fresh.catch_up()
        await fresh.close()

    detail = await queries.parent(PARENT)
    assert detail is not None
    assert {(fill.entity, fill.quote) for fill in detail.fills} == {("acme", "USD")}


async def test_an_asset_a_newer_report_leaves_out_is_zero(
    store: JournalStore, projector: Projector, queries: Queries, sql: Sql
):
    """As the engine takes it; followed row by row or at once."""

    def held(asset: str, amount: str) -> Balance:
        return Balance(account=ACCOUNT, asset=Asset(asset), total=Decimal(amount), free=Decimal(amount))

    for asked, balances in ((1, (held("USD", "5"), held("BTC", "1"))), (2, (held("USD", "6"),))):
        await store.append([row(BalancesTaken(account=ACCOUNT, asked_ns=Nanos(asked), balances=balances))])
        await projector.catch_up()

    found = {one.asset: (one.total, one.free, one.asked_ns) for one in await queries.balances()}
    followed = await dump(sql)
    await projector.rebuild()

    assert found == {"BTC": (0, 0, 2), "USD": (6, 6, 2)}
    assert await dump(sql) == followed


async def test_a_resume_is_the_newest_word(store: JournalStore, projector: Projector, queries: Queries):
    """Halted by a person or by a failed decision, until somebody resumes."""
    words: list[tuple[Fact, str | None]] = [
        (HaltMoved(level=HaltLevel.NEW, reason="a", principal="ann", at_ns=Nanos(1)), "HALTED"),
        (HaltMoved(level=HaltLevel.NONE, reason="b", principal="ann", at_ns=Nanos(2)), None),
        (DecisionFailed(error="boom", at_ns=Nanos(3)), "DECISION_FAILED"),
        (HaltMoved(level=HaltLevel.NONE, reason="c", principal="ann", at_ns=Nanos(4)), None),
    ]
    for fact, expected in words:
        await store.append([row(fact)])
        await projector.catch_up()
        halt = await queries.halt()
        assert (None if halt is None else halt.kind) == expected


async def test_an_empty_journal_is_followed_to_nowhere(projector: Projector, queries: Queries):
    """Nothing to follow, nothing to show."""
    assert await projector.catch_up() == 0
    assert await projector.as_of_seq() == 0
    assert await queries.parent(PARENT) is None
    assert await queries.halt() is None
