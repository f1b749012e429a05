"""`sor execute`: one parent from its reference to its end, driving if nobody does, following if somebody does.

Safe from cron, twice at once, and after a kill: the request is a row that exists once, whoever holds the lease drives,
and everybody prints what the tables say in the end.
"""

import asyncio
from dataclasses import dataclass

from router.app.curves import in_full
from router.app.drive import drive_while, following
from router.app.exits import ExitCode
from router.app.parts import Driving, Router
from router.model.ids import Nanos, ParentId
from router.model.orders import ParentState
from router.requests import OrderBody, order_request, parent_order
from router.store.queries import ParentDetail

__all__ = ["Executed", "ExitCode", "execute", "result", "see_through", "submit"]

_POLL_S = 0.05
_NS = 1_000_000_000


_EXIT = {
    ParentState.FILLED: ExitCode.FILLED,
    ParentState.FAILED: ExitCode.FAILED,
    ParentState.REJECTED: ExitCode.BAD_INPUT,
    ParentState.DONE_PARTIAL: ExitCode.INCOMPLETE,
    ParentState.EXPIRED: ExitCode.INCOMPLETE,
    ParentState.CANCELLED: ExitCode.INCOMPLETE,
}


@dataclass(frozen=True, slots=True)
class Executed:
    """What became of the parent, as the tables tell it. `detail` is None only when no driver has taken it yet."""

    parent_id: ParentId
    detail: ParentDetail | None
    exit_code: ExitCode


async def submit(router: Router, body: OrderBody, principal: str) -> ParentId:
    """Ask for a parent: the row exists once, however often this is called. Raises `BadInput`."""
    config = router.config
    full = await in_full(router.store, body)
    order = parent_order(full, router.store.deployment, config.entity, principal, router.offered)
    request = order_request(body, entity=config.entity, principal=principal, asked_ns=router.clock.now())
    await router.store.ask(request)
    return order.id


async def execute(
    router: Router, body: OrderBody, *, principal: str, wait_s: float, stop: asyncio.Event | None = None
) -> Executed:
    """Submit, then drive or follow until the parent is final, `wait_s` is over or `stop` is set. Raises `BadInput`."""
    wanted = await submit(router, body, principal)
    return await see_through(router, wanted, wait_s, stop)


async def see_through(router: Router, wanted: ParentId, wait_s: float, stop: asyncio.Event | None = None) -> Executed:
    """Drive or follow until the parent is final, `wait_s` is over or `stop` is set; then drain."""
    give_up_ns = Nanos(router.clock.now() + int(wait_s * _NS))

    def waiting() -> bool:
        return router.clock.now() < give_up_ns and not (stop is not None and stop.is_set())

    async with following(router):
        while not await _final(router, wanted) and waiting():
            lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
            if lease is None:
                if await _halted(router):
                    break
                await asyncio.sleep(_POLL_S)
                continue
            await drive_while(router, lease, lambda driving: waiting() and _going_on(driving, wanted))
            if await _halted(router):
                break
    return await result(router, wanted)


async def result(router: Router, wanted: ParentId) -> Executed:
    """What the tables say now."""
    await router.projector.catch_up()
    detail = await router.queries.parent(wanted)
    if detail is not None and (state := ParentState(detail.parent.state)).ended:
        return Executed(wanted, detail, _EXIT[state])
    return Executed(wanted, detail, ExitCode.HALTED if await _halted(router) else ExitCode.IN_DOUBT)


def _going_on(driving: Driving, wanted: ParentId) -> bool:
    """Is there still something of the parent to wait for?"""
    state = driving.driver.engine.state
    parent = state.blotter.parents.get(wanted)
    if parent is not None and parent.state.ended:
        return False
    settled = parent is not None and all(child.state.ended for child in state.blotter.children_of(parent))
    return not (state.halted and settled and driving.driver.heard_all)


async def _final(router: Router, wanted: ParentId) -> bool:
    await router.projector.catch_up()
    detail = await router.queries.parent(wanted)
    return detail is not None and ParentState(detail.parent.state).ended


async def _halted(router: Router) -> bool:
    """Up to the journal's end."""
    await router.projector.catch_up()
    return await router.queries.halt() is not None
