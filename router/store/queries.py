"""What people ask of the tables, and of the journal behind a decision. Reads only; sums are made here, in Decimal.

Every answer is as of `as_of_seq`: what the journal holds beyond it has not been followed yet.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from router.journal.codec import MODEL
from router.journal.rows import row_of
from router.model import trades
from router.model.events import MarketSeen
from router.model.facts import Exclusion, PlannedChild, RoundPlanned
from router.model.ids import Asset, EntityId, Nanos, ParentId, RefId
from router.model.keys import KeyReading
from router.model.market import MarketView
from router.model.orders import ChildState, Fee, ParentState
from router.model.trades import Totals, Traded
from router.store.engines import engine_for
from router.store.location import PostgresServer, locate
from router.store.projection import HALTS, RESUMED
from router.store.tables import (
    JOURNAL,
    AlertTable,
    BalanceTable,
    ChildTable,
    CursorTable,
    DecisionTable,
    DifferenceTable,
    FillTable,
    ParentTable,
    VenueAccountTable,
    core,
)

T = TypeVar("T", bound=SQLModel)
P = TypeVar("P")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentDetail:
    """One parent and all that came of it, as of one journal row."""

    parent: ParentTable
    children: tuple[ChildTable, ...]
    fills: tuple[FillTable, ...]
    decisions: tuple[DecisionTable, ...]
    totals: Totals
    as_of_seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A decision beside what was seen when it was made. `view` is None where the round was planned without one."""

    seq: int
    epoch: int
    hash: str
    at_ns: Nanos
    view: MarketView | None
    planned: RoundPlanned


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What has not ended, and the halt that holds, as of one journal row."""

    parents: tuple[ParentTable, ...]
    children: tuple[ChildTable, ...]
    halted: AlertTable | None
    as_of_seq: int


_NEWEST_HALT = (
    select(AlertTable)
    .where(core(AlertTable).c.kind.in_([*HALTS, RESUMED]))
    .order_by(core(AlertTable).c.seq.desc(), core(AlertTable).c.number.desc())
    .limit(1)
)


def _holding(newest: tuple[AlertTable, ...]) -> AlertTable | None:
    """The newest word on halts, unless it is a resume."""
    return newest[0] if newest and newest[0].kind != RESUMED else None


class Queries:
    """Read functions over the database at `url`."""

    def __init__(self, url: str, shard: str = "main") -> None:
        location = locate(url)
        engine = engine_for(location)
        if isinstance(location, PostgresServer):
            # One answer of several statements is of one moment; SQLite's transactions are so by nature.
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self._engine: AsyncEngine = engine
        self._shard = shard

    async def close(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def parents(
        self,
        *,
        entity: EntityId | None = None,
        ref_id: RefId | None = None,
        instrument: str | None = None,
        state: ParentState | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> tuple[ParentTable, ...]:
        """Parents that fit every filter given, newest first."""
        table = core(ParentTable).c
        wanted = {table.entity: entity, table.ref_id: ref_id, table.instrument: instrument, table.state: state}
        query = select(ParentTable).where(
            *(column == str(value) for column, value in wanted.items() if value is not None)
        )
        if open_only:
            query = query.where(table.state.not_in([one.value for one in ParentState if one.ended]))
        return await self._all(query.order_by(table.accepted_ns.desc(), table.id).limit(limit))

    async def parents_page(
        self,
        *,
        entity: EntityId,
        instrument: str | None = None,
        state: ParentState | None = None,
        open_only: bool = False,
        since_ns: Nanos | None = None,
        until_ns: Nanos | None = None,
        before: tuple[int, str] | None = None,
        limit: int,
    ) -> tuple[ParentTable, ...]:
        """Parents that fit every filter given, newest first. `before`: (accepted_ns, id) where the last page ended."""
        table = core(ParentTable).c
        query = select(ParentTable).where(table.entity == entity)
        if instrument is not None:
            query = query.where(table.instrument == instrument)
        if state is not None:
            query = query.where(table.state == state.value)
        if open_only:
            query = query.where(table.state.not_in([one.value for one in ParentState if one.ended]))
        if since_ns is not None:
            query = query.where(table.accepted_ns >= since_ns)
        if until_ns is not None:
            query = query.where(table.accepted_ns < until_ns)
        if before is not None:
            at_ns, id_ = before
            earlier = and_(table.accepted_ns == at_ns, table.id < id_)
            query = query.where(or_(table.accepted_ns < at_ns, earlier))
        return await self._all(query.order_by(table.accepted_ns.desc(), table.id.desc()).limit(limit))

    async def standing(self, entity: EntityId) -> Standing:
        """What is open, all as of the same row."""
        parent, child = core(ParentTable).c, core(ChildTable).c
        over = [one.value for one in ParentState if one.ended]
        ended = [one.value for one in ChildState if one.ended]
        parents = select(ParentTable).where(parent.entity == entity, parent.state.not_in(over))
        children = select(ChildTable).where(child.entity == entity, child.state.not_in(ended))
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            return Standing(
                parents=await _rows(session, parents.order_by(parent.accepted_ns, parent.id)),
                children=await _rows(session, children.order_by(child.parent_id, child.number)),
                halted=_holding(await _rows(session, _NEWEST_HALT)),
                as_of_seq=await self._as_of_seq(session),
            )

    async def parent(self, parent_id: ParentId) -> ParentDetail | None:
        """One parent with its children, fills, decisions and totals, all as of the same row."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            parent = await session.get(ParentTable, parent_id)
            if parent is None:
                return None
            child, fill, decision = core(ChildTable).c, core(FillTable).c, core(DecisionTable).c
            children = select(ChildTable).where(child.parent_id == parent_id).order_by(child.number)
            fills = select(FillTable).where(fill.parent_id == parent_id).order_by(fill.venue_time_ns, fill.booking_key)
            decisions = select(DecisionTable).where(decision.parent_id == parent_id).order_by(decision.round)
            booked = await _rows(session, fills)
            return ParentDetail(
                parent=parent,
                children=await _rows(session, children),
                fills=booked,
                decisions=await _rows(session, decisions),
                totals=totals(booked),
                as_of_seq=await self._as_of_seq(session),
            )

    async def child(self, client_id: str) -> ChildTable | None:
        """One child by its id."""
        found = await self._all(select(ChildTable).where(core(ChildTable).c.client_id == client_id))
        return found[0] if found else None

    async def fills_of(self, account: str) -> tuple[FillTable, ...]:
        """Every fill of an account, oldest first."""
        table = core(FillTable).c
        query = select(FillTable).where(table.account == account)
        return await self._all(query.order_by(table.venue_time_ns, table.booking_key))

    async def fills_between(self, from_ns: int, to_ns: int) -> tuple[FillTable, ...]:
        """Every fill of these moments by the venues' own time, both included, oldest first."""
        table = core(FillTable).c
        query = select(FillTable).where(table.venue_time_ns >= from_ns, table.venue_time_ns <= to_ns)
        return await self._all(query.order_by(table.venue_time_ns, table.booking_key))

    async def words_on(self, children: Collection[str], kinds: Collection[str]) -> tuple[AlertTable, ...]:
        """Alerts of these kinds about these children, oldest first."""
        table = core(AlertTable).c
        query = select(AlertTable).where(table.kind.in_([*kinds]), table.subject.in_([*children]))
        return await self._all(query.order_by(table.seq, table.number))

    async def parent_by_ref(self, entity: EntityId, ref_id: RefId) -> ParentDetail | None:
        """The parent a customer's reference stands for."""
        found = await self.parents(entity=entity, ref_id=ref_id, limit=1)
        return await self.parent(ParentId(found[0].id)) if found else None

    async def explain(self, parent_id: ParentId, planning_round: int) -> Explanation | None:
        """A planning round and the view it was made on, from the journal itself."""
        async with AsyncSession(self._engine) as session:
            decision = await session.get(DecisionTable, (parent_id, planning_round))
            if decision is None:
                return None
            place = and_(JOURNAL.c.shard == self._shard, JOURNAL.c.seq == decision.seq)
            found = (await session.execute(select(JOURNAL).where(place))).one()
        row = row_of(Nanos(found.at_ns), found.payload)
        event = row.stamped.event
        for fact in row.facts:
            if isinstance(fact, RoundPlanned) and (fact.parent_id, fact.round) == (parent_id, planning_round):
                return Explanation(
                    seq=found.seq,
                    epoch=found.epoch,
                    hash=found.hash,
                    at_ns=row.stamped.at_ns,
                    view=event.view if isinstance(event, MarketSeen) else None,
                    planned=fact,
                )
        return None

    async def rounds_of(self, detail: ParentDetail) -> tuple[Explanation, ...]:
        """Every decision on a parent beside what was seen."""
        found = [await self.explain(ParentId(one.parent_id), one.round) for one in detail.decisions]
        return tuple(one for one in found if one is not None)

    async def alerts(
        self,
        *,
        after_seq: int = 0,
        kind: str | None = None,
        but: Collection[str] = (),
        limit: int = 100,
    ) -> tuple[AlertTable, ...]:
        """What a person should know, newest first. `kind` fits by its beginning (`BREACH`, `GATE`), `but` whole."""
        table = core(AlertTable).c
        query = select(AlertTable).where(table.seq > after_seq)
        if kind is not None:
            query = query.where(table.kind.startswith(kind, autoescape=True))
        if but:
            query = query.where(table.kind.not_in(but))
        return await self._all(query.order_by(table.seq.desc(), table.number.desc()).limit(limit))

    async def halt(self) -> AlertTable | None:
        """What halted the router: the newest word on it, unless that is a resume. None when it may trade."""
        return _holding(await self._all(_NEWEST_HALT))

    async def children_by_state(self) -> dict[str, int]:
        """How many children stand in each state."""
        state = core(ChildTable).c.state
        async with AsyncSession(self._engine) as session:
            found = await session.execute(select(state, func.count()).group_by(state))
            return {str(name): int(number) for name, number in found}

    async def venue_accounts(self) -> tuple[VenueAccountTable, ...]:
        """Every venue account's gate and watermark."""
        return await self._all(select(VenueAccountTable).order_by(core(VenueAccountTable).c.account))

    async def differences(self) -> tuple[DifferenceTable, ...]:
        """What the accounts hold beyond what our books explain; those that were settled stand there with 0."""
        table = core(DifferenceTable).c
        return await self._all(select(DifferenceTable).order_by(table.account, table.asset))

    async def reserving(self) -> tuple[ChildTable, ...]:
        """Children that have not ended: what they reserve is not free."""
        ended = [state.value for state in ChildState if state.ended]
        return await self._all(select(ChildTable).where(core(ChildTable).c.state.not_in(ended)))

    async def balances(self, account: str | None = None) -> tuple[BalanceTable, ...]:
        """The venues' word on what the accounts hold."""
        table = core(BalanceTable).c
        query = select(BalanceTable) if account is None else select(BalanceTable).where(table.account == account)
        return await self._all(query.order_by(table.account, table.asset))

    async def _all(self, query: Select[T]) -> tuple[T, ...]:
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            return await _rows(session, query)

    async def _as_of_seq(self, session: AsyncSession) -> int:
        cursor = core(CursorTable).c
        found = await session.execute(select(cursor.as_of_seq).where(cursor.shard == self._shard))
        return cast("int", found.scalar_one_or_none() or 0)


def totals(fills: Iterable[FillTable]) -> Totals:
    """The sums of these fills, exactly."""
    return trades.totals(map(traded, fills))


def traded(fill: FillTable) -> Traded:
    """A fill, as far as money goes."""
    return Traded(quote=Asset(fill.quote), quantity=fill.quantity, price=fill.price, fees=fees_of(fill))


def fees_of(fill: FillTable) -> tuple[Fee, ...]:
    """What the venue took for a fill."""
    return _parts(fill.fees_json, Fee)


def never_left(child: ChildTable) -> bool:
    """It ended without being sent: no venue refused it, none has heard of it."""
    return child.state == ChildState.REJECTED and child.sent_ns is None and child.venue_order_id is None


def key_of(account: VenueAccountTable) -> KeyReading | None:
    """The newest check of an account's key, if there was one."""
    return cast("KeyReading", MODEL.decode(json.loads(account.key_json))) if account.key_json else None


def plan_of(decision: DecisionTable) -> tuple[PlannedChild, ...]:
    """The children a decision planned."""
    return _parts(decision.plan_json, PlannedChild)


def exclusions_of(decision: DecisionTable) -> tuple[Exclusion, ...]:
    """The listings a decision left out, and why."""
    return _parts(decision.exclusions_json, Exclusion)


def _parts(text: str, kind: type[P]) -> tuple[P, ...]:
    decoded = tuple(MODEL.decode(part) for part in json.loads(text))
    assert all(isinstance(part, kind) for part in decoded)
    return cast("tuple[P, ...]", decoded)


async def _rows(session: AsyncSession, query: Select[T]) -> tuple[T, ...]:
    return tuple((await session.execute(query)).scalars())
