"""Act: carry out what the engine wants, and bring every answer back through the door.

Every command ends in an event, whatever happens to it; a connector that breaks its promise and raises is a lost answer,
never a refusal. So is one whose own machinery cancels the call: cancellation is not swallowed, the task ends with it,
and what it was asked for is told as unanswered.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace

from router.model.commands import Cancel, Command, Place, Query, ReadAccount, Seek, Wake
from router.model.errors import SorError
from router.model.events import AccountSeen, CancelAnswered, LookedUp, PlaceAnswered, Sought, TimerFired, VenueLost
from router.model.ids import AccountId, ClientOrderId, Nanos, TimerId
from router.model.outcomes import CancelUnclear, LookUp, LookUpResult, Lost, PlaceOutcome, Unclear
from router.observe import Observe
from router.ports import Clock, VenuePort
from router.ports.venue import ListsMovements
from router.runtime.inbox import Inbox
from router.runtime.market import Market
from router.runtime.switch import Switch
from router.runtime.turns import Turns

_NS = 1_000_000_000
_CUT = "the call was cancelled"
LOOK_UPS_MOST = 4
"""Of one account at a time: at 20 ms an answer about a hundred a second, and the loop has time left for orders."""


class Dispatcher:
    """One task per command in flight. Look-ups of one child and reads of one account never overlap."""

    def __init__(
        self,
        ports: Mapping[AccountId, VenuePort],
        market: Market,
        inbox: Inbox,
        switch: Switch,
        clock: Clock,
        observe: Observe,
    ) -> None:
        self._ports = ports
        self._market = market
        self._inbox = inbox
        self._switch = switch
        self._clock = clock
        self._observe = observe
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._stopping = False
        self._sending: set[asyncio.Task[None]] = set()
        self._timers: dict[TimerId, asyncio.TimerHandle] = {}
        self._looking: dict[ClientOrderId, bool] = {}
        self._look_up_turns: defaultdict[AccountId, Turns] = defaultdict(lambda: Turns(LOOK_UPS_MOST))
        self._reading: dict[AccountId, ReadAccount | None] = {}
        self._started: set[AccountId] = set()

    def carry_out(self, command: Command) -> None:
        """Begin; never waits."""
        match command:
            case Place():
                self._begin_place(command)
            case Cancel():
                unclear = CancelAnswered(client_id=command.order.client_id, outcome=CancelUnclear(why=_CUT))
                self._spawn(self._cancel(command), lambda: self._inbox.put(unclear))
            case Query():
                self._query(command)
            case ReadAccount():
                self._read(command)
            case Seek():
                self._spawn(self._seek(command), lambda: self._sought(command, Unclear(why=_CUT), self._clock.now()))
            case Wake():
                self._wake(command)
            case _:
                raise TypeError(command)

    @property
    def sending(self) -> int:
        """Copies whose answer is awaited."""
        return len(self._sending)

    async def stop(self) -> None:
        """Drop everything in flight and close the venues: what was not answered is found again at the next start."""
        self._stopping = True
        for handle in self._timers.values():
            handle.cancel()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(self._ports[account].stop() for account in self._ports), return_exceptions=True)

    def _begin_place(self, command: Place) -> None:
        durable_ns = self._clock.now()

        def cut() -> None:
            self._placed(command, Lost(why=_CUT), durable_ns, None)

        self._sending.add(task := self._spawn(self._place(command, durable_ns), cut))
        task.add_done_callback(self._sending.discard)

    async def _place(self, command: Place, durable_ns: Nanos) -> None:
        order = command.order.value
        port = self._ports[order.account]
        gate = self._switch.gate(command.order, command.deadline_ns)
        sent_ns = None
        try:
            outcome, sent_ns = await port.place(command.order, command.deadline_ns, gate)
        except Exception as error:  # noqa: BLE001 - a raising connector proves nothing about the order
            self._observe.connector_raised(order.account, "place", error)
            outcome = Lost(why=f"the connector raised {type(error).__name__}")
        self._placed(command, outcome, durable_ns, sent_ns)

    def _placed(self, command: Place, outcome: PlaceOutcome, durable_ns: Nanos, sent_ns: Nanos | None) -> None:
        order = command.order.value
        if sent_ns is not None:
            self._observe.child_sent(order.account, order.client_id, durable_ns, sent_ns)
        self._observe.child_answered(order.account, order.client_id, outcome)
        self._inbox.put(
            PlaceAnswered(
                client_id=order.client_id,
                copy=command.copy,
                outcome=outcome,
                durable_ns=durable_ns,
                sent_ns=sent_ns,
                answered_ns=self._clock.now(),
            )
        )

    async def _cancel(self, command: Cancel) -> None:
        order = command.order
        try:
            outcome = await self._ports[order.account].cancel(order, command.venue_order_id)
        except Exception as error:  # noqa: BLE001 - as above
            self._observe.connector_raised(order.account, "cancel", error)
            outcome = CancelUnclear(why=f"the connector raised {type(error).__name__}")
        self._inbox.put(CancelAnswered(client_id=order.client_id, outcome=outcome))

    async def _seek(self, command: Seek) -> None:
        async with self._look_up_turns[command.account]:
            asked_ns = self._clock.now()
            try:
                look_up = await self._ports[command.account].seek(command)
            except Exception as error:  # noqa: BLE001 - as above
                self._observe.connector_raised(command.account, "seek", error)
                look_up = LookUp(asked_ns=asked_ns, result=Unclear(why=f"the connector raised {type(error).__name__}"))
        self._sought(command, look_up.result, look_up.asked_ns)

    def _sought(self, command: Seek, result: LookUpResult, asked_ns: Nanos) -> None:
        self._inbox.put(
            Sought(
                account=command.account,
                parent_id=command.parent_id,
                client_id=command.client_id,
                look_up=LookUp(asked_ns=asked_ns, result=result),
            )
        )

    def _query(self, command: Query) -> None:
        """A look-up asked for while one is out starts after it: its answer would be older than the reason."""
        client_id = command.order.client_id
        if client_id in self._looking:
            self._looking[client_id] = True
            return
        self._looking[client_id] = False
        self._spawn(self._look_up(command), lambda: self._look_up_cut(command))

    async def _look_up(self, command: Query) -> None:
        order = command.order
        while True:
            async with self._look_up_turns[order.account]:
                self._looking[order.client_id] = False  # whatever asked for it so far, it starts after that
                look_up = await self._asked(command)
            self._inbox.put(LookedUp(client_id=order.client_id, look_up=look_up))
            if not self._looking[order.client_id]:
                del self._looking[order.client_id]
                return
            self._looking[order.client_id] = False

    async def _asked(self, command: Query) -> LookUp:
        order = command.order
        asked_ns = self._clock.now()
        try:
            return await self._ports[order.account].look_up(order, command.venue_order_id)
        except Exception as error:  # noqa: BLE001 - as above
            self._observe.connector_raised(order.account, "look_up", error)
            return LookUp(asked_ns=asked_ns, result=Unclear(why=f"the connector raised {type(error).__name__}"))

    def _look_up_cut(self, command: Query) -> None:
        client_id = command.order.client_id
        unclear = LookUp(asked_ns=self._clock.now(), result=Unclear(why=_CUT))
        self._inbox.put(LookedUp(client_id=client_id, look_up=unclear))
        if self._looking.pop(client_id):
            self._query(command)

    def _read(self, command: ReadAccount) -> None:
        """A read asked for while one is out starts after it, as far back as the furthest of those that wait."""
        account = command.account
        if account not in self._reading:
            self._reading[account] = None
            self._spawn(self._read_account(command), lambda: self._read_cut(account))
            return
        waiting = self._reading[account]
        since_ns = command.trades_since_ns if waiting is None else min(command.trades_since_ns, waiting.trades_since_ns)
        movements = command.movements or (waiting is not None and waiting.movements)
        self._reading[account] = ReadAccount(account=account, trades_since_ns=since_ns, movements=movements)

    async def _read_account(self, command: ReadAccount) -> None:
        wanted: ReadAccount | None = command
        while wanted is not None:
            self._inbox.put(await self._account_read(wanted))
            wanted, self._reading[command.account] = self._reading[command.account], None
        del self._reading[command.account]

    def _read_cut(self, account: AccountId) -> None:
        self._inbox.put(VenueLost(account=account, why=_CUT))
        if (waiting := self._reading.pop(account)) is not None:
            self._read(waiting)

    async def _account_read(self, command: ReadAccount) -> AccountSeen | VenueLost:
        account = command.account
        try:
            await self._ensure_started(account)
            port = self._ports[account]
            read = await port.read_account(command.trades_since_ns)
            if command.movements and isinstance(port, ListsMovements):
                # After the balances: what is listed by then and not in them is told apart by the next reading.
                read = replace(read, movements=await port.movements())
                if read.movements is None:
                    self._observe.movements_unreadable(account)
            return AccountSeen(read=read)
        except SorError as error:
            return VenueLost(account=account, why=str(error))
        except Exception as error:  # noqa: BLE001 - as above
            self._observe.connector_raised(account, "read_account", error)
            return VenueLost(account=account, why=f"the connector raised {type(error).__name__}")

    async def _ensure_started(self, account: AccountId) -> None:
        if account in self._started:
            return
        self._market.add(await self._ports[account].start(self._market))
        self._started.add(account)

    def _wake(self, command: Wake) -> None:
        loop = asyncio.get_running_loop()
        if (earlier := self._timers.pop(command.timer_id, None)) is not None:
            earlier.cancel()
        delay_s = max(command.due_ns - self._clock.now(), 0) / _NS
        self._timers[command.timer_id] = loop.call_later(delay_s, self._fire, command.timer_id)

    def _fire(self, timer_id: TimerId) -> None:
        self._timers.pop(timer_id, None)
        self._inbox.put(TimerFired(timer_id=timer_id))

    def _spawn(self, work: Coroutine[object, object, None], cut: Callable[[], None]) -> asyncio.Task[None]:
        """`cut` tells what is to be told if the task is cancelled by anybody but us."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None

        def ended(done: asyncio.Task[None]) -> None:
            del self._tasks[done]
            if done.cancelled() and not self._stopping:
                cut()

        task.add_done_callback(ended)
        return task
