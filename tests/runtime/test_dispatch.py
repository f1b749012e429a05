"""Every command ends in an event, and a question asked again is asked again."""

import asyncio

import pytest

from router.model.commands import Place, Query, ReadAccount, Seek
from router.model.events import LookedUp, PlaceAnswered, VenueLost
from router.model.ids import ClientOrderId, InstrumentId, Nanos
from router.model.outcomes import AccountRead, LookUp, Lost, Missing, Unclear
from router.observe import Observe, silent
from router.runtime.clock import SystemClock
from router.runtime.dispatch import LOOK_UPS_MOST, Dispatcher
from router.runtime.inbox import Inbox
from router.runtime.switch import Switch
from tests.connectors.rig import approved, child
from tests.simulate.shell_mutants import UNHEARD
from tests.waiting import eventually

CHILD = child("kraken")


class SlowPort:
    """Answers when it is let; while `cut` is set, its library cancels whatever is asked of it."""

    account = CHILD.account

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.cut = False
        self.look_ups = 0
        self.reads = 0

    async def start(self, sink):
        return ()

    async def stop(self):
        self.let.set()

    async def _turn(self):
        if self.cut:
            raise asyncio.CancelledError
        await self.let.wait()

    async def place(self, order, deadline_ns, gate):
        await self._turn()
        return Lost(why="no answer"), None

    async def look_up(self, order, venue_order_id):
        self.look_ups += 1
        await self._turn()
        return LookUp(asked_ns=Nanos(0), result=Missing(endpoints=("order",)))

    async def seek(self, wanted):
        self.look_ups += 1
        await self._turn()
        return LookUp(asked_ns=Nanos(0), result=Missing(endpoints=("order",)))

    async def read_account(self, trades_since_ns):
        self.reads += 1
        await self._turn()
        return AccountRead(account=self.account, asked_ns=Nanos(0), balances=(), open_orders=(), trades=())


class NoMarket:
    def add(self, listings):
        pass


@pytest.fixture
def port() -> SlowPort:
    return SlowPort()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def dispatcher(port, inbox):
    clock = SystemClock()
    made = Dispatcher({port.account: port}, NoMarket(), inbox, Switch(clock, 50), clock, Observe(silent()))
    yield made
    await made.stop()


QUESTIONS = [Query(order=CHILD, venue_order_id=None), ReadAccount(account=CHILD.account, trades_since_ns=Nanos(0))]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_asked_while_one_is_out_is_asked_after_it(dispatcher, port, inbox, question) -> None:
    """The answer that is on its way may be older than the reason."""
    dispatcher.carry_out(question)
    await eventually(lambda: port.look_ups + port.reads == 1)
    dispatcher.carry_out(question)
    dispatcher.carry_out(question)

    port.let.set()

    await eventually(lambda: len(inbox) == 2)
    assert port.look_ups + port.reads == 2


@pytest.mark.parametrize(("mistake", "question"), list(zip(UNHEARD, QUESTIONS, strict=True)))
async def test_a_question_that_is_forgotten_is_seen(dispatcher, port, inbox, mistake, question) -> None:
    """No seed of the simulation can tell: timers ask again, only later."""
    with mistake():
        dispatcher.carry_out(question)
        await eventually(lambda: port.look_ups + port.reads == 1)
        dispatcher.carry_out(question)
        port.let.set()
        await eventually(lambda: len(inbox) >= 1 and not dispatcher._tasks)

    assert port.look_ups + port.reads == 1


async def test_a_call_its_library_cancels_is_told_as_unanswered(dispatcher, port, inbox) -> None:
    """And what was asked for can be asked for again."""
    port.cut = True
    for command in (*QUESTIONS, Place(order=approved(CHILD), copy=1, deadline_ns=None)):
        dispatcher.carry_out(command)
    await eventually(lambda: len(inbox) == 3)

    told = {type(arrival.event): arrival.event for arrival in await inbox.take(10)}
    assert isinstance(told[LookedUp].look_up.result, Unclear)
    assert isinstance(told[PlaceAnswered].outcome, Lost)
    assert told[VenueLost].account == port.account

    port.cut = False
    port.let.set()
    for command in QUESTIONS:
        dispatcher.carry_out(command)
    await eventually(lambda: len(inbox) == 2)


async def test_a_hunt_takes_its_turn_among_look_ups(dispatcher, port, inbox) -> None:
    """After a restore hundreds of ids are sought: so many at a time, and a child of today is looked up between them."""
    for number in range(10):
        dispatcher.carry_out(
            Seek(
                account=port.account,
                client_id=ClientOrderId(f"{number:032}"),
                parent_id=CHILD.parent_id,
                instrument=InstrumentId("BTC/USD"),
                side=CHILD.side,
                since_ns=Nanos(0),
            )
        )
    await eventually(lambda: port.look_ups >= LOOK_UPS_MOST)
    dispatcher.carry_out(Query(order=CHILD, venue_order_id=None))
    await asyncio.sleep(0)
    assert port.look_ups == LOOK_UPS_MOST

    port.let.set()
    await eventually(lambda: len(inbox) == 11)
    assert any(isinstance(one.event, LookedUp) for one in await inbox.take(LOOK_UPS_MOST + 1))
