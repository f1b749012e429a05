"""One driver's life in virtual time: the real engine and the real last gate, between the journal and the venues.

What the live shell (`runtime.driver`, `runtime.dispatch`) does with tasks, this does with steps: take what waits,
decide, append, and only then carry out. Whatever stands in this file can be killed or paused between any two of its
steps; `World.point` names the places. `live` puts the live shell itself into the same world. Here, on purpose,

* a batch is bounded by its events and not by time: deciding takes none;
* those who have left are recalled for each event, not for each batch: the journal answers at once;
* look-ups of one account do not wait for each other's turns;
* movements are not read, so nothing is judged by them;
* a decision that fails ends the run: it is a breach, not something to recover from.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from router.book.books import Books
from router.engine import Engine, told, unknown
from router.model import events as e
from router.model.commands import Cancel, Command, Look, Place, Query, ReadAccount, Seek, Wake
from router.model.facts import DecisionFailed, ParentArchived
from router.model.ids import AccountId, ClientOrderId, InstrumentId, Nanos, TimerId
from router.model.market import MarketView
from router.model.orders import ChildState
from router.model.outcomes import (
    AccountRead,
    CancelOutcome,
    CancelUnclear,
    LookUp,
    LookUpResult,
    Lost,
    NotSent,
    PlaceOutcome,
    Unclear,
)
from router.ports import JournalRow
from router.runtime.driver import BATCH_MOST, LOOKS_MOST
from router.runtime.switch import Switch
from router.simulate.agenda import Step
from router.simulate.scene import MS
from router.simulate.shell import APPROVAL_AGE_MS, LEASE_TTL_NS, TIMEOUT_NS, Shell, World, travel, without_engine


class Process(Shell):
    """A driver. `skew_ns`: how far its clock is from the world's; `offset_error_ns`: how far off it thinks that is."""

    def __init__(self, world: World, epoch: int, skew_ns: int, offset_error_ns: int, started: e.Started) -> None:
        super().__init__()
        self.world = world
        self.epoch = epoch
        self.books = Books()
        self.switch = Switch(self, APPROVAL_AGE_MS)
        self._skew_ns = skew_ns
        self._offset_error_ns = offset_error_ns
        self._floor_ns = Nanos(0)
        self._engine = Engine(world.policies)
        self._seq = 0
        self._inbox: deque[tuple[e.Event, int | None]] = deque()
        self._queued: set[int] = set()
        self._busy = False
        self._looking: dict[ClientOrderId, bool] = {}
        self._reading: dict[AccountId, ReadAccount | None] = {}
        self._timers: dict[TimerId, int] = {}
        self._started = started

    @property
    def sink(self) -> Books:
        """Its books."""
        return self.books

    @property
    def engine(self) -> Engine:
        """For the judge."""
        return self._engine

    @property
    def idle(self) -> bool:
        """Is nothing decided that is not durable?"""
        return not self._busy

    @property
    def backlog(self) -> dict[str, int]:
        """How much it has still before it."""
        return {"events": len(self._inbox), "look-ups": len(self._looking), "account reads": len(self._reading)}

    def now(self) -> Nanos:
        """Its own clock: never back, never below what was journaled."""
        self._floor_ns = Nanos(max(self._floor_ns, self.world.agenda.now_ns + self._skew_ns))
        return self._floor_ns

    # Life.

    def start(self) -> None:
        """Recover, then take the door."""
        for row in self.world.journal.read():
            self._engine.recover(row.stamped.at_ns, row.facts)
            self._seq += 1
        self._skew_ns += max(self._engine.state.last_ns - self.now(), 0)
        self._follow_state()
        self.switch.lease_good_until(Nanos(self.now() + LEASE_TTL_NS))
        self.put(self._started)
        self._keep_lease()
        self.hear_requests()

    def put(self, event: e.Event, request_id: int | None = None, *, first: bool = False) -> None:
        """Through the door."""
        (self._inbox.appendleft if first else self._inbox.append)((event, request_id))
        self._work_soon()

    def hear_requests(self) -> None:
        """Open requests become events; a halt bites in memory before its event even queues."""
        for asked in self.world.journal.open_requests():
            if asked.id in self._queued:
                continue
            self._queued.add(asked.id)
            if isinstance(asked.event, e.HaltAsked) and asked.event.level is not e.HaltLevel.NONE:
                self.switch.halt_now(asked.event.reason, asked.id)
                self.put(asked.event, asked.id, first=True)
            else:
                self.put(asked.event, asked.id)

    def _step(self, delay_ns: int, step: Step) -> None:
        self.world.agenda.after(delay_ns, step, self)

    def _keep_lease(self) -> None:
        asked_ns = self.now()
        if not self.world.journal.renew_lease(self.epoch, self.world.agenda.now_ns, LEASE_TTL_NS):
            self._end("another process took the lease")
            return
        self.switch.lease_good_until(Nanos(asked_ns + LEASE_TTL_NS))
        self._step(LEASE_TTL_NS // 3, self._keep_lease)

    def _end(self, why: str) -> None:
        self.dead = True
        self.world.ended(self, why)

    # Deciding.

    def _work_soon(self) -> None:
        if not self._busy:
            self._busy = True
            self._step(0, self._work)

    def _work(self) -> None:
        rows: list[JournalRow] = []
        commands: list[Command] = []
        for _ in range(min(BATCH_MOST, len(self._inbox))):
            event, request_id = self._inbox.popleft()
            self._decide(event, request_id, rows, commands)
            if self.dead:
                return
            if any(isinstance(fact, ParentArchived) for row in rows for fact in row.facts):
                break  # found in the journal only once it is written
        self.world.point("decided", self)
        if not rows:
            self._carry_out(commands)
        else:
            self._append(rows, commands)

    def _decide(self, event: e.Event, request_id: int | None, rows: list[JournalRow], commands: list[Command]) -> None:
        state = self._engine.state
        remembered = self.world.journal.recall(unknown(state, (event,)))
        for part in told(state, event, remembered):
            self._decide_one(part, request_id if not isinstance(part, e.Recalled) else None, rows, commands)
            if part is not event and not isinstance(part, e.Recalled):
                self.world.count("rows of an archived child repeated")
        looks: Counter[InstrumentId] = Counter()
        while (look := _next_look(commands)) is not None and not self.dead:
            looks[look.instrument] += 1
            if looks[look.instrument] <= LOOKS_MOST:
                self._decide_one(e.MarketSeen(view=self._view(look)), None, rows, commands)

    def _decide_one(
        self, event: e.Event, request_id: int | None, rows: list[JournalRow], commands: list[Command]
    ) -> None:
        if isinstance(event, e.ParentSubmitted):
            arrived = self._view(Look(instrument=event.order.instrument, quantity=event.order.quantity))
            event = e.ParentSubmitted(order=event.order, view=arrived)
        if isinstance(event, e.BasketSubmitted):
            views = (self._view(Look(instrument=one.instrument, quantity=one.quantity)) for one in event.legs)
            event = e.BasketSubmitted(legs=event.legs, views=tuple(views))
        stamped = e.Stamped(at_ns=self.now(), event=event)
        decision = self._engine.decide(stamped)
        assert not any(isinstance(fact, DecisionFailed) for fact in decision.facts)
        if decision.facts or request_id is not None:
            rows.append(JournalRow(stamped=stamped, facts=decision.facts, request_id=request_id))
        commands.extend(decision.commands)

    def _view(self, look: Look) -> MarketView:
        instrument = next(one for one in self.world.instruments if one.id == look.instrument)
        return self.books.view(
            instrument,
            look.quantity,
            self.now(),
            listings=self.world.markets(),
            policy=self.world.view_policy,
        )

    def _append(self, rows: list[JournalRow], commands: list[Command]) -> None:
        took_ns = self.world.commit_ns()
        if took_ns is None:
            self._step(1 * MS, lambda: self._end("the database refused"))
            return
        agenda = self.world.agenda
        agenda.after(took_ns // 2, lambda: self._reach_database(rows, commands, took_ns - took_ns // 2))

    def _reach_database(self, rows: list[JournalRow], commands: list[Command], back_ns: int) -> None:
        """At the database. A process that died meanwhile may have had its commit on the way, or not.

        A transaction that was torn, in the journal's last page or on the wire, is none: all of its rows or not one.
        """
        world = self.world
        if self.dead and world.commit_unclear():
            if len(rows) > 1:
                world.count("torn tail")
            return
        appended = world.journal.append(self._seq, rows)
        if appended:
            for row in rows:
                world.decided(row.facts)
        if not appended:
            world.count("another writer had the place")
            self._step(back_ns, lambda: self._end("another writer has the place"))
            return
        answer = world.commit_answer()
        if answer == "lost":
            self._step(back_ns, lambda: self._end("the outcome of a commit is unknown"))
            return
        read_back_ns = back_ns if answer == "read back" else 0
        self._step(back_ns + read_back_ns, lambda: self._durable(rows, commands))

    def _durable(self, rows: list[JournalRow], commands: list[Command]) -> None:
        self._seq += len(rows)
        for row in rows:
            if isinstance(row.stamped.event, e.HaltAsked):
                self.switch.journaled(row.request_id)
        self.world.point("durable", self)
        if not self.dead:
            self._carry_out(commands)

    def _follow_state(self) -> None:
        state = self._engine.state
        self.switch.follow(state.halt_reason if state.halted else None, state.halt_epoch)

    # Acting.

    def _carry_out(self, commands: list[Command]) -> None:
        self._follow_state()
        for command in commands:
            self.world.point("command", self)
            if self.dead:
                return
            self._do(command)
        self._busy = False
        if self._inbox:
            self._work_soon()

    def _do(self, command: Command) -> None:
        match command:
            case Place():
                self._place(command)
            case Cancel():
                self._cancel(command)
            case Query():
                self._query(command)
            case ReadAccount():
                self._read(command)
            case Seek():
                self._seek(command)
            case Wake():
                self._wake(command)
            case _:
                raise TypeError(command)

    def _place(self, command: Place) -> None:
        gate = self.switch.gate(command.order, command.deadline_ns)
        durable_ns = self.now()

        def at_the_socket() -> None:
            why = gate()
            if why is not None:
                self._answered(command, NotSent(why=why, by_gate=True), durable_ns, None)
                return
            gated_ns = self.world.agenda.now_ns
            self.world.point("gated", self)
            self._step(0, lambda: self._send(command, durable_ns, gated_ns))

        self._step(self.world.build_ns(), at_the_socket)

    def _send(self, command: Place, durable_ns: Nanos, gated_ns: Nanos) -> None:
        """The first byte leaves. What happens to it from here on does not depend on us."""
        world, order, sent_ns = self.world, command.order.value, self.now()
        journey = world.wire(order.account).journey()
        if journey.fails is not None:
            assert journey.back_ns is not None
            world.count(f"order {journey.fails}")
            outcome = without_engine(journey.fails)
            self._step(
                journey.back_ns,
                lambda: self._answered(command, outcome, durable_ns, None if isinstance(outcome, NotSent) else sent_ns),
            )
            return
        world.leaves(order, gated_ns)
        world.point("sent", self, 3)
        deadline_ns = self._on_venue_clock(command.deadline_ns)
        waiting = _Waiting()
        self._step(
            TIMEOUT_NS,
            lambda: waiting.first(lambda: self._answered(command, Lost(why="no answer"), durable_ns, sent_ns)),
        )

        def told(outcome: PlaceOutcome, back_ns: int) -> None:
            self._step(back_ns, lambda: waiting.first(lambda: self._answered(command, outcome, durable_ns, sent_ns)))

        travel(world, order, deadline_ns, journey, told)

    def _on_venue_clock(self, deadline_ns: Nanos | None) -> Nanos | None:
        """A deadline in venue time, from a measured offset (D14)."""
        return None if deadline_ns is None else Nanos(deadline_ns - self._skew_ns + self._offset_error_ns)

    def _answered(self, command: Place, outcome: PlaceOutcome, durable_ns: Nanos, sent_ns: Nanos | None) -> None:
        self.put(
            e.PlaceAnswered(
                client_id=command.order.value.client_id,
                copy=command.copy,
                outcome=outcome,
                durable_ns=durable_ns,
                sent_ns=sent_ns,
                answered_ns=self.now(),
            )
        )

    def _cancel(self, command: Cancel) -> None:
        world, order = self.world, command.order

        def done(outcome: CancelOutcome) -> None:
            self.put(e.CancelAnswered(client_id=order.client_id, outcome=outcome))

        def at_venue() -> CancelOutcome:
            outcome = world.venue(order.account).cancel(order, world.agenda.now_ns)
            world.at_venue(order.account)
            return outcome

        self._call(order.account, at_venue, done, lambda why: CancelUnclear(why=why))

    def _seek(self, command: Seek) -> None:
        world, asked_ns = self.world, self.now()

        def done(result: LookUpResult) -> None:
            look_up = LookUp(asked_ns=asked_ns, result=result)
            to = {"account": command.account, "parent_id": command.parent_id, "client_id": command.client_id}
            self.put(e.Sought(**to, look_up=look_up))  # type: ignore[arg-type]

        self._call(
            command.account,
            lambda: world.venue(command.account).seek(command.client_id, world.agenda.now_ns),
            done,
            lambda why: Unclear(why=why),
        )

    def _query(self, command: Query) -> None:
        client_id = command.order.client_id
        if client_id in self._looking:
            self._looking[client_id] = True
            return
        self._looking[client_id] = False
        self._look_up(command)

    def _look_up(self, command: Query) -> None:
        world, order, asked_ns = self.world, command.order, self.now()

        def done(result: LookUpResult) -> None:
            child = self._engine.state.blotter.children.get(order.client_id)
            if child is not None and child.state is ChildState.IN_DOUBT:
                world.point("looked up in doubt", self, 10)  # what was true when it was asked grows old
            self.put(e.LookedUp(client_id=order.client_id, look_up=LookUp(asked_ns=asked_ns, result=result)))
            if self._looking[order.client_id]:
                self._looking[order.client_id] = False
                self._look_up(command)
            else:
                del self._looking[order.client_id]

        def unclear(why: str) -> Unclear:
            world.count(f"look-up {why}")
            return Unclear(why=why)

        self._call(
            order.account,
            lambda: world.venue(order.account).look_up(order, world.agenda.now_ns),
            done,
            unclear,
        )

    def _read(self, command: ReadAccount) -> None:
        account = command.account
        if account in self._reading:
            waiting = self._reading[account]
            if waiting is None or command.trades_since_ns < waiting.trades_since_ns:
                self._reading[account] = command
            return
        self._reading[account] = None
        self._read_account(command)

    def _read_account(self, command: ReadAccount) -> None:
        """Three questions, one after the other, as a real account is read: the world moves between them."""
        world, account, asked_ns = self.world, command.account, self.now()
        venue = world.venue(account)
        parts: list[Any] = []

        def done(part: Any) -> None:  # noqa: ANN401 - what a question is answered with is the question's business
            if isinstance(part, e.VenueLost):
                self._have_read(account, part)
                return
            parts.append(part)
            if len(parts) < len(questions):
                self._call(account, questions[len(parts)], done, lambda why: e.VenueLost(account=account, why=why))
                return
            balances, open_orders, trades = parts
            read = AccountRead(
                account=account,
                asked_ns=asked_ns,
                balances=balances,
                open_orders=open_orders,
                trades=trades,
            )
            self._have_read(account, e.AccountSeen(read=read))

        questions: list[Callable[[], Any]] = [
            venue.balances,
            lambda: venue.open_orders(world.agenda.now_ns),
            lambda: venue.trades(command.trades_since_ns, world.agenda.now_ns),
        ]
        self._call(account, questions[0], done, lambda why: e.VenueLost(account=account, why=why))

    def _have_read(self, account: AccountId, event: e.Event) -> None:
        self.put(event)
        waiting, self._reading[account] = self._reading[account], None
        if waiting is None:
            del self._reading[account]
        else:
            self._read_account(waiting)

    def _call(
        self,
        account: AccountId,
        at_venue: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], Any],
    ) -> None:
        """A question that changes nothing by being lost. Answered late is answered: its time of asking counts."""
        world = self.world
        journey = world.wire(account).journey()
        if journey.fails is not None or not journey.arrives:
            self._step(journey.back_ns or TIMEOUT_NS, lambda: done(failed(journey.fails or "no answer")))
            return

        def arrived() -> None:
            result = at_venue()
            if journey.back_ns is None:
                self._step(TIMEOUT_NS, lambda: done(failed("no answer")))
            else:
                told = result if journey.usable else failed("the answer cannot be used")
                self._step(journey.back_ns, lambda: done(told))

        world.agenda.after(journey.arrives[0], arrived)

    def _wake(self, command: Wake) -> None:
        token = self._timers[command.timer_id] = self._timers.get(command.timer_id, 0) + 1

        def fire() -> None:
            if self._timers.get(command.timer_id) == token:
                self.put(e.TimerFired(timer_id=command.timer_id))

        self._step(max(command.due_ns - self.now(), 0), fire)


class _Waiting:
    """An answer or a time-out, whichever comes first."""

    def __init__(self) -> None:
        self._open = True

    def first(self, step: Step) -> None:
        """Take this step, unless the other came before it."""
        was, self._open = self._open, False
        if was:
            step()


def _next_look(commands: list[Command]) -> Look | None:
    for position, command in enumerate(commands):
        if isinstance(command, Look):
            del commands[position]
            return command
    return None
