"""The verdict: what the venues say happened, against what our database says happened. Theirs is the truth."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.lab.client import LabControl
from router.model.facts import PlannedChild
from router.model.ids import EntityId, ParentId
from router.model.money import exactly
from router.model.orders import ChildState, ParentState
from router.orders.client_ids import is_ours
from router.store import open_store
from router.store.audit import audit
from router.store.engines import engine_for
from router.store.location import locate
from router.store.projector import Projector
from router.store.queries import Explanation, ParentDetail, Queries, fees_of, plan_of, totals
from router.store.tables import AlertTable, ChildTable, DecisionTable, FillTable, ParentTable, core

T = TypeVar("T", ChildTable, FillTable, DecisionTable)

ENTITY = EntityId("desk")
DEPOSITS: Mapping[str, Decimal] = {
    "USD": Decimal(5_000_000),
    "USDT": Decimal(5_000_000),
    "USDC": Decimal(5_000_000),
    "BTC": Decimal(100),
}
_ALL = 1_000_000
_MUST_BE_THERE = frozenset({ChildState.FILLED, ChildState.EXPIRED, ChildState.CANCELLED, ChildState.CLOSING})
_MUST_NOT_HAVE_TRADED = frozenset({ChildState.NEVER_PLACED, ChildState.REJECTED})


@dataclass(frozen=True, slots=True)
class Ours:
    """Our side: every parent with its children, fills and decisions, and every alert."""

    parents: tuple[ParentDetail, ...]
    explanations: Mapping[tuple[str, int], Explanation]
    """Of the rounds of parents with a limit."""
    alerts: tuple[AlertTable, ...]
    deployment: str

    def parent(self, parent_id: str) -> ParentDetail:
        return next(detail for detail in self.parents if detail.parent.id == parent_id)

    @property
    def children(self) -> list[ChildTable]:
        return [child for detail in self.parents for child in detail.children]

    def breaches(self) -> list[str]:
        return [f"{alert.kind} {alert.detail}" for alert in self.alerts if alert.kind.startswith("BREACH")]


@dataclass(frozen=True, slots=True)
class Theirs:
    """The venues' side, by venue."""

    orders: Mapping[str, Sequence[Mapping[str, Any]]]
    trades: Mapping[str, Sequence[Mapping[str, Any]]]
    balances: Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]

    def of(self, client_ids: Collection[str]) -> list[Mapping[str, Any]]:
        """The orders at any venue that carry one of these ids."""
        return [order for orders in self.orders.values() for order in orders if decoded(order) in client_ids]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Both sides, found to agree."""

    ours: Ours
    theirs: Theirs

    def orders_of(self, parent_id: str) -> list[Mapping[str, Any]]:
        """What the venues hold of a parent."""
        return self.theirs.of({child.client_id for child in self.ours.parent(parent_id).children})


async def assert_venues_agree(
    lab: LabControl,
    database_url: str,
    *,
    deposits: Mapping[str, Decimal] = DEPOSITS,
    breaches: int = 0,
    mode: str = "lab",
) -> Agreement:
    """Every order and trade at every venue is ours once and exactly, and nothing of ours says more than the venues do.

    Nobody else trades on the lab's accounts, so an order without an intent is an orphan whatever its id looks like.
    """
    theirs = await read_theirs(lab)
    ours = await read_ours(database_url, mode)
    _assert_orders_have_one_intent_each(ours, theirs)
    _assert_ends_are_the_venues(ours, theirs)
    _assert_fills_are_booked_exactly(ours, theirs)
    _assert_never_over_and_never_beyond(ours, theirs)
    _assert_nothing_is_left_open(theirs)
    _assert_money_moved_as_booked(ours, theirs, deposits)
    _assert_parents_are_closed_properly(ours)
    assert len(ours.breaches()) == breaches, ours.breaches()
    return Agreement(ours, theirs)


async def read_theirs(lab: LabControl) -> Theirs:
    """The venues' own books, without their read lag."""
    names = [venue["venue"] for venue in await lab.venues()]
    return Theirs(
        orders={name: await lab.orders(name) for name in names},
        trades={name: await lab.trades(name) for name in names},
        balances={name: await lab.balances(name) for name in names},
    )


async def read_ours(database_url: str, mode: str = "lab") -> Ours:
    """The query tables, brought up to the journal's end; the journal itself is audited on the way."""
    store = await open_store(database_url, mode)
    projector, queries = Projector(database_url, ENTITY), Queries(database_url)
    try:
        found = await audit(store)
        assert found.clean, found.breaks
        await projector.catch_up()
        parents = await _details(database_url)
        return Ours(
            parents=parents,
            explanations={
                (decision.parent_id, decision.round): await _explained(queries, decision)
                for detail in parents
                if detail.parent.limit_price is not None
                for decision in detail.decisions
            },
            alerts=await queries.alerts(limit=_ALL),
            deployment=store.deployment,
        )
    finally:
        await queries.close()
        await projector.close()
        await store.close()


async def _details(database_url: str) -> tuple[ParentDetail, ...]:
    """Every parent as the report shows it, read table by table: a day of them takes moments."""
    engine = engine_for(locate(database_url))
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            rows = {
                table: (await session.execute(select(table).order_by(*core(table).primary_key))).scalars().all()
                for table in (ParentTable, ChildTable, FillTable, DecisionTable)
            }
    finally:
        await engine.dispose()

    def of(table: type[T], parent_id: str) -> tuple[T, ...]:
        return tuple(row for row in rows[table] if row.parent_id == parent_id)

    return tuple(
        ParentDetail(
            parent=parent,
            children=of(ChildTable, parent.id),
            fills=of(FillTable, parent.id),
            decisions=of(DecisionTable, parent.id),
            totals=totals(of(FillTable, parent.id)),
            as_of_seq=0,
        )
        for parent in rows[ParentTable]
    )


async def _explained(queries: Queries, decision: DecisionTable) -> Explanation:
    explanation = await queries.explain(ParentId(decision.parent_id), decision.round)
    assert explanation is not None, f"round {decision.round} of {decision.parent_id} cannot be explained"
    return explanation


def decoded(order: Mapping[str, Any]) -> str | None:
    """A client id as 32 hex digits, however the protocol spells it."""
    text = order["client_id"]
    return None if text is None else str(text).replace("-", "")


def _assert_orders_have_one_intent_each(ours: Ours, theirs: Theirs) -> None:
    """I2, I4: an order at a venue is one intent of ours, in everything it says; and an intent is at most one order."""
    intents = {child.client_id: child for child in ours.children}
    assert len(intents) == len(ours.children)
    for venue, orders in theirs.orders.items():
        seen = Counter(decoded(order) for order in orders)
        assert all(times == 1 for times in seen.values()), f"{venue} holds more than one order of an id: {seen}"
        for order in orders:
            client_id = decoded(order)
            assert client_id in intents, f"{venue} holds an order that no intent explains: {order}"
            assert is_ours(client_id, ours.deployment), order  # type: ignore[arg-type]
            child = intents[client_id]
            told = (child.venue, child.symbol, child.side, child.quantity, child.limit_price, child.time_in_force)
            said = (venue, order["symbol"], order["side"], Decimal(order["quantity"]), Decimal(order["limit_price"]))
            assert told == (*said, order["tif"])


def _assert_ends_are_the_venues(ours: Ours, theirs: Theirs) -> None:
    """I10: no end without the venue's evidence, and none against it."""
    at_venue = {decoded(order): order for orders in theirs.orders.values() for order in orders}
    for child in ours.children:
        state, order = ChildState(child.state), at_venue.get(child.client_id)
        if state in _MUST_BE_THERE:
            assert order is not None, f"{child.client_id} is {state} and {child.venue} has never seen it"
        if state in _MUST_NOT_HAVE_TRADED:
            assert order is None, f"{child.client_id} is {state} and {child.venue} has it: {order}"
        if order is not None and state.ended:
            ended = {"FILLED": ChildState.FILLED, "EXPIRED": ChildState.EXPIRED, "CANCELLED": ChildState.CANCELLED}
            # Coinbase calls what is left of an immediate-or-cancel order cancelled; its record says so to us too.
            leftovers = {ChildState.EXPIRED, ChildState.CANCELLED}
            said = ended[order["status"]]
            assert state is said or {state, said} <= leftovers, (child.client_id, state, order)


def _assert_fills_are_booked_exactly(ours: Ours, theirs: Theirs) -> None:
    """I3, I3b: trade by trade, price, quantity and fee, nothing missing, nothing twice."""
    said: defaultdict[str, Counter[object]] = defaultdict(Counter)
    for venue, trades in theirs.trades.items():
        for trade in trades:
            fee = Decimal(trade["fee"])
            charged = ((trade["fee_asset"], fee),) if fee else ()
            said[f"{venue} {decoded(trade)}"][Decimal(trade["price"]), Decimal(trade["quantity"]), charged] += 1
    booked: defaultdict[str, Counter[object]] = defaultdict(Counter)
    for detail in ours.parents:
        for fill in detail.fills:
            charged = tuple((str(fee.asset), fee.amount) for fee in fees_of(fill))
            key = f"{fill.account.partition('/')[0]} {fill.client_id}"
            booked[key][fill.price, fill.quantity, charged] += 1
    unsettled = {f"{c.venue} {c.client_id}" for c in ours.children if not ChildState(c.state).ended}
    for key in said.keys() | booked.keys():
        if key in unsettled:
            assert booked[key] <= said[key], f"{key} is booked beyond what its venue did"
        else:
            assert booked[key] == said[key], f"{key}: booked {booked[key]}, the venue says {said[key]}"
    for detail in ours.parents:
        with exactly():
            assert detail.totals.quantity == sum((fill.quantity for fill in detail.fills), Decimal(0))


def _assert_never_over_and_never_beyond(ours: Ours, theirs: Theirs) -> None:
    """I1 and I13, as the venues see it: no parent got more than it asked for, none paid more than it allowed."""
    trades: defaultdict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for listed in theirs.trades.values():
        for trade in listed:
            trades[decoded(trade)].append(trade)
    for detail in ours.parents:
        parent, rate = detail.parent, _rates(ours, detail)
        done = Decimal(0)
        for child in detail.children:
            buys = child.side == "BUY"
            for trade in trades[child.client_id]:
                done += Decimal(trade["quantity"])
                price = Decimal(trade["price"])
                assert price <= child.limit_price if buys else price >= child.limit_price, trade
                if parent.limit_price is not None:
                    worth = price * rate[child.client_id]
                    assert worth <= parent.limit_price if buys else worth >= parent.limit_price, trade
        assert done <= parent.quantity, f"{parent.ref_id}: {done} of {parent.quantity} done at the venues"
        exposed = sum((_exposure(child, detail) for child in detail.children), Decimal(0))
        assert exposed <= parent.quantity


def _rates(ours: Ours, detail: ParentDetail) -> Mapping[str, Decimal]:
    """Reporting currency per unit of each child's quote, in the view its round was decided on; for limited parents."""
    rates: dict[str, Decimal] = {}
    if detail.parent.limit_price is None:
        return rates
    quotes = {child.client_id: child.quote for child in detail.children}
    for decision in detail.decisions:
        view = ours.explanations[decision.parent_id, decision.round].view
        planned: Sequence[PlannedChild] = plan_of(decision)
        for one in planned:
            assert view is not None, f"round {decision.round} was planned without a view"
            rate = view.fx_rate(quotes[one.client_id])  # type: ignore[arg-type]
            assert rate is not None
            rates[one.client_id] = rate
    return rates


def _exposure(child: ChildTable, detail: ParentDetail) -> Decimal:
    filled = sum((fill.quantity for fill in detail.fills if fill.client_id == child.client_id), Decimal(0))
    return filled if ChildState(child.state).ended else max(child.quantity, filled)


def _assert_nothing_is_left_open(theirs: Theirs) -> None:
    left = [order for orders in theirs.orders.values() for order in orders if order["status"] == "OPEN"]
    assert not left, left


def _assert_money_moved_as_booked(ours: Ours, theirs: Theirs, deposits: Mapping[str, Decimal]) -> None:
    """I12: each balance at each venue is the deposit plus booked fills less booked fees. The lab locks nothing now."""
    moved: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    quotes = {child.client_id: (child.base, child.quote) for child in ours.children}
    unsettled = {child.venue for child in ours.children if not ChildState(child.state).ended}
    with exactly():
        for detail in ours.parents:
            for fill in detail.fills:
                venue, (base, quote) = fill.account.partition("/")[0], quotes[fill.client_id]
                way = 1 if fill.side == "BUY" else -1
                moved[venue, base] += way * fill.quantity
                moved[venue, quote] -= way * fill.quantity * fill.price
                for fee in fees_of(fill):
                    moved[venue, fee.asset] -= fee.amount
        for venue, accounts in theirs.balances.items():
            [held] = accounts.values()
            for asset in held.keys() | deposits.keys():
                total = Decimal(held[asset]["total"]) if asset in held else Decimal(0)
                if venue not in unsettled:
                    assert total - deposits.get(asset, Decimal(0)) == moved[venue, asset], (venue, asset)


def _assert_parents_are_closed_properly(ours: Ours) -> None:
    """I17: a parent is final only when every child is."""
    for detail in ours.parents:
        if ParentState(detail.parent.state).ended:
            living = [child.client_id for child in detail.children if not ChildState(child.state).ended]
            assert not living, f"{detail.parent.ref_id} is {detail.parent.state} with living children {living}"
