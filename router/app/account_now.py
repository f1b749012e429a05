"""An account as it is now, held against the books: read by the driver that runs, or by us where none does.

Without a driver nothing is changed: the journal's engine is folded in memory and told of the reading as a driver tells
it, after those who have left the state and are named in it. So what is shown is what a driver would do about it. No
lease is taken: who only reads keeps nobody from driving. A driver that comes up meanwhile is asked instead, because a
key has one user.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace

from policies import POLICIES
from router.app.parts import Router, build_market, build_ports
from router.engine import Engine, State
from router.model import events as e
from router.model.commands import ReadAccount
from router.model.errors import BadInput, SorError
from router.model.facts import Fact
from router.model.ids import AccountId, Nanos
from router.model.orders import booking_key
from router.model.outcomes import AccountRead
from router.ports.venue import ListsMovements
from router.reconcile import Differences, reconcile
from router.requests import ReconcileBody, reconcile_request
from router.runtime.inbox import Inbox
from router.runtime.recovery import PAGE, Recovered, as_heard, recover

_LOOK_S = 0.05
_READ_S = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountNow:
    """A reading, what it differed in, and what followed from it.

    `booked`: its trades that were in the books already. `facts`: what the driver decided on it; where none runs, what
    one would. `state`: with those facts.
    """

    read: AccountRead
    differences: Differences
    booked: int
    facts: tuple[Fact, ...]
    state: State
    by_driver: bool


async def account_now(router: Router, account: AccountId, principal: str, wait_s: float) -> AccountNow | None:
    """Read the account, through the driver where one runs. None: it did not answer in time.

    Raises `BadInput` for an account no driver ever had, and `SorError` when the venue cannot be read.
    """
    recovered = await recover(router.store, POLICIES, lambda _: None)
    before = recovered.engine.state
    if before.started is None or before.terms(account) is None:
        raise BadInput("account", f"{account} is not known here: no driver has ever run with it")
    if await router.store.holder() is None:
        recovered = await recover(router.store, POLICIES, lambda _: None)
        seen = await _unless_driven(router, _by_ourselves(router, recovered.engine, account, principal))
        if seen is not None:
            return seen
        recovered = await recover(router.store, POLICIES, lambda _: None)
    return await _by_driver(router, recovered, account, principal, wait_s)


async def _unless_driven(router: Router, reading: Coroutine[None, None, AccountNow]) -> AccountNow | None:
    """The reading; None once somebody drives: then it is given up."""
    task = asyncio.create_task(reading)
    try:
        while not task.done() and await router.store.holder() is None:
            await asyncio.wait({task}, timeout=_LOOK_S)
        return await task if task.done() and await router.store.holder() is None else None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _by_driver(
    router: Router, recovered: Recovered, account: AccountId, principal: str, wait_s: float
) -> AccountNow | None:
    """Ask, and follow the journal to the reading that began after the asking was taken."""
    engine, seq = recovered.engine, recovered.seq
    body = ReconcileBody(account=account)
    asked = await router.store.ask(
        reconcile_request(body, entity=router.config.entity, principal=principal, asked_ns=router.clock.now())
    )
    loop = asyncio.get_running_loop()
    give_up = loop.time() + wait_s
    taken_ns: Nanos | None = None
    while loop.time() < give_up:
        for one in await router.store.read(seq, PAGE):
            stamped, seq = one.row.stamped, one.seq
            event = stamped.event
            if one.row.request_id == asked.id:
                taken_ns = stamped.at_ns
                if isinstance(event, e.RequestUnreadable):
                    raise BadInput("account", event.reason)
            if isinstance(event, e.AccountSeen) and _answers(event.read, account, taken_ns):
                differences, booked = _held_against(engine.state, event)
                engine.recover(stamped.at_ns, one.row.facts)
                return AccountNow(
                    read=event.read,
                    differences=differences,
                    booked=booked,
                    facts=one.row.facts,
                    state=engine.state,
                    by_driver=True,
                )
            engine.recover(stamped.at_ns, one.row.facts)
        await asyncio.sleep(_LOOK_S)
    return None


async def _by_ourselves(router: Router, engine: Engine, account: AccountId, principal: str) -> AccountNow:
    asked = engine.decide(_stamped(router, engine, e.ReconcileAsked(account=account, principal=principal)))
    [command] = [one for one in asked.commands if isinstance(one, ReadAccount)]
    read = await _read(router, command)
    *before, seen = await as_heard(router.store, engine.state, e.AccountSeen(read=read))
    for recalled in before:
        engine.decide(_stamped(router, engine, recalled))
    assert isinstance(seen, e.AccountSeen)
    differences, booked = _held_against(engine.state, seen)
    decided = engine.decide(_stamped(router, engine, seen))
    return AccountNow(
        read=read,
        differences=differences,
        booked=booked,
        facts=decided.facts,
        state=engine.state,
        by_driver=False,
    )


async def _read(router: Router, command: ReadAccount) -> AccountRead:
    port = build_ports(router.config, router.clock, router.observe)[command.account]
    try:
        async with asyncio.timeout(_READ_S):
            await port.start(build_market(router.config, Inbox(), router.observe))
            read = await port.read_account(command.trades_since_ns)
            if isinstance(port, ListsMovements):
                read = replace(read, movements=await port.movements())
            return read
    except TimeoutError:
        raise SorError(f"{command.account} did not answer within {_READ_S:.0f} s") from None
    finally:
        await port.stop()


def _stamped(router: Router, engine: Engine, event: e.Event) -> e.Stamped:
    return e.Stamped(at_ns=Nanos(max(router.clock.now(), engine.state.last_ns)), event=event)


def _answers(read: AccountRead, account: AccountId, taken_ns: Nanos | None) -> bool:
    """Is it a reading of the account that began after the asking was taken?"""
    return read.account == account and taken_ns is not None and read.asked_ns >= taken_ns


def _held_against(state: State, seen: e.AccountSeen) -> tuple[Differences, int]:
    """What the books lack, and how many of the trades are in them: those of who has left were counted on the way."""
    read = seen.read
    booked = sum(1 for trade in read.trades if state.blotter.booked_to(booking_key(trade)) is not None)
    return reconcile(state.blotter, read, state.settings.deployment), booked + seen.archived
