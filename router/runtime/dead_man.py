"""Keeps the venues' dead-man timers wound while anything of ours is out there, and stops them when nothing is.

A driver that dies with an order resting leaves it to the venue, which cancels it when nobody winds the timer any more.
The timers are account-wide: with an order at the account that is not ours, ours is not wound but stopped, and that is
reported. Nothing waits for a timer: an order goes out beside the call that winds it, not after it.
"""

import asyncio
from collections.abc import Mapping

from router.engine import State
from router.model.ids import AccountId
from router.model.outcomes import AccountRead
from router.observe import Observe
from router.orders.client_ids import is_ours
from router.ports import VenuePort
from router.runtime.switch import Switch

_GOODBYE_S = 2.0
_AFTER_ORDERS_S = 0.05
"""The order that is the reason goes first: some venues take one call of a key at a time."""
REFRESHES = 3
"""A timer is wound again after this part of its time: two calls may fail before it runs out."""


class DeadMan:
    """The timers of one driver. `seconds`: accounts that have one switched on, and its time."""

    def __init__(
        self, seconds: Mapping[AccountId, int], ports: Mapping[AccountId, VenuePort], switch: Switch, observe: Observe
    ) -> None:
        self._seconds = seconds
        self._ports = ports
        self._switch = switch
        self._observe = observe
        self._news = {account: asyncio.Event() for account in seconds}
        self._reached: set[AccountId] = set()
        self._working: set[AccountId] = set()
        self._shared: set[AccountId] = set()
        # What a driver before us left wound is not known: it is stopped, or taken over.
        self._wound = set(seconds)

    def follow(self, state: State) -> None:
        """What the engine's state says: at which accounts is anything of ours, or may be?"""
        for account in self._seconds:
            working = state.blotter.outstanding(account) > 0
            if working and account not in self._working:
                self._news[account].set()
            (self._working.add if working else self._working.discard)(account)

    def account_read(self, read: AccountRead, deployment: str) -> None:
        """Somebody else's orders at the account: the timer would end them too."""
        account = read.account
        if account not in self._seconds:
            return
        foreign = any(not is_ours(order.client_id, deployment) for order in read.open_orders)
        if account not in self._reached or foreign is not (account in self._shared):
            self._news[account].set()
        if foreign and account not in self._shared:
            self._observe.dead_man_failed(account, "not wound: orders that are not ours rest at this account")
        (self._shared.add if foreign else self._shared.discard)(account)
        self._reached.add(account)

    async def run(self) -> None:
        """Wind and stop, for ever; each account by itself."""
        async with asyncio.TaskGroup() as accounts:
            accounts.create_task(asyncio.Event().wait())  # where no account has a timer it does not end either
            for account in self._seconds:
                accounts.create_task(self._watch(account))

    async def stop_all(self) -> None:
        """A drain: whatever rests now is left to rest."""
        wound = [account for account in sorted(self._wound) if account in self._reached]
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await asyncio.gather(*(self._set(account, None) for account in wound))
        except TimeoutError:
            for account in wound:
                if account in self._wound:
                    self._observe.dead_man_failed(account, f"not stopped within {_GOODBYE_S:.0f} s")

    async def _watch(self, account: AccountId) -> None:
        while True:
            self._news[account].clear()
            if account in self._reached and self._switch.drives:
                wanted = account in self._working and account not in self._shared
                if wanted or account in self._wound:
                    await self._set(account, self._seconds[account] if wanted else None)
            try:
                async with asyncio.timeout(self._seconds[account] / REFRESHES):
                    await self._news[account].wait()
                await asyncio.sleep(_AFTER_ORDERS_S)
            except TimeoutError:
                pass

    async def _set(self, account: AccountId, seconds: int | None) -> None:
        try:
            why_not = await self._ports[account].dead_man(seconds)
        except Exception as error:  # noqa: BLE001 - a connector that raises must not end the timers of the others
            self._observe.connector_raised(account, "dead_man", error)
            why_not = f"the connector raised {type(error).__name__}"
        if why_not is not None:
            self._observe.dead_man_failed(account, why_not)
        elif seconds is None:
            self._wound.discard(account)
        if seconds is not None:
            self._wound.add(account)  # even if the answer is missing: it may have been taken
