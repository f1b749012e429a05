"""Orders: given, seen, changed, stopped."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from router.api.call import Answer, Call, Prepared
from router.api.desk import Desk, Json
from router.api.models import AmendTerms, Empty, OrdersQuery, PageQuery, SubmitQuery
from router.api.pages import cursor, number_in, page, place_of
from router.api.problems import Code, Refused
from router.model.ids import EntityId, ParentId, RefId
from router.model.moments import moment
from router.model.money import plain
from router.model.orders import ParentState
from router.model.requests import Request, RequestKind, RequestState
from router.requests import (
    AmendBody,
    CancelBody,
    OrderBody,
    PauseBody,
    amend_request,
    cancel_request,
    order_request,
    parent_order,
    pause_request,
)
from router.requests.bodies import parse
from router.requests.fields import nanoseconds
from router.store.queries import Explanation, ParentDetail, exclusions_of, fees_of, plan_of
from router.store.tables import DecisionTable, FillTable

RECEIVED, REFUSED = "RECEIVED", "REFUSED"
OPEN_MOST = 10_000
_ROUNDS_MOST = 50
"""An order of more rounds is shown without what rests on their views: each is read from the journal."""
_LOOK_S = 0.02
_MS = 1_000


async def submit(desk: Desk, call: Call) -> Prepared:
    """Take an order. It is on disk when this answers; `await_fill_millis` waits for its end, too."""
    body = call.given(OrderBody)
    order = parent_order(
        await desk.in_full(body), desk.store.deployment, desk.entity, call.principal.name, desk.offered
    )
    request = order_request(body, entity=desk.entity, principal=call.principal.name, asked_ns=desk.now())
    wait_ms = call.asked(SubmitQuery).await_fill_millis
    ref_id = str(order.ref_id)

    async def finish() -> Answer:
        return Answer(data=await _awaited(desk, ref_id, wait_ms), status=201, headers=_at(ref_id))

    return Prepared(
        requests=[request],
        unique=request,
        other=Refused(Code.REF_ID_TAKEN, f"{ref_id} was used before for another order", "ref_id"),
        answer=Answer(data=_waiting(desk, request), status=201, headers=_at(ref_id)),
        finish=finish if wait_ms else None,
        within_ms=wait_ms,
    )


def _at(ref_id: str) -> dict[str, str]:
    return {"Location": f"/v1/orders/{ref_id}"}


async def _awaited(desk: Desk, ref_id: str, wait_ms: int) -> Json:
    """The order at its end, or as it stands when the time is over."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + wait_ms / _MS
    while True:
        found = await look_up(desk, ref_id)
        ended = isinstance(found, ParentDetail) and ParentState(found.parent.state).ended
        if ended or loop.time() >= give_up:
            return await _shown(desk, found)
        await asyncio.sleep(_LOOK_S)


async def show(desk: Desk, call: Call) -> Answer:
    """One order, and its version in ETag."""
    found = await known(desk, call)
    headers = {"ETag": _version(found)} if isinstance(found, ParentDetail) else {}
    return Answer(data=await _shown(desk, found), headers=headers)


async def listed(desk: Desk, call: Call) -> Answer:
    """Orders, newest first; before the first page, where nothing is filtered, the newest that no driver has taken."""
    asked = call.asked(OrdersQuery)
    place = place_of(asked.page_cursor, 2)
    parents = await desk.queries.parents_page(
        entity=desk.entity,
        instrument=asked.instrument,
        state=None if asked.state is None else ParentState(asked.state),
        open_only=asked.open,
        since_ns=None if asked.created_at_gte is None else nanoseconds(asked.created_at_gte),
        until_ns=None if asked.created_at_lt is None else nanoseconds(asked.created_at_lt),
        before=None if place is None else (number_in(place[0]), place[1]),
        limit=asked.limit + 1,
    )
    items = [desk.reports.line(parent) for parent in parents[: asked.limit]]
    more = len(parents) > asked.limit
    last = parents[asked.limit - 1] if more else None
    filtered = asked.instrument or asked.state or asked.created_at_gte or asked.created_at_lt
    if place is None and not filtered:
        items = [_waiting_line(desk, one) for one in (await _not_taken(desk))[: asked.limit]] + items
    return Answer(data={"items": items, "next_page_cursor": cursor(last.accepted_ns, last.id) if last else None})


async def children(desk: Desk, call: Call) -> Answer:
    """What was sent for an order."""
    found = await known(desk, call)
    rows = desk.reports.parent(found, ())["children"] if isinstance(found, ParentDetail) else []
    return Answer(data=page(rows, call.asked(PageQuery), lambda one: str(one["number"]), lambda one: one))


async def fills(desk: Desk, call: Call) -> Answer:
    """What was traded for an order."""
    found = await known(desk, call)
    rows: Sequence[FillTable] = found.fills if isinstance(found, ParentDetail) else ()
    return Answer(data=page(rows, call.asked(PageQuery), lambda one: one.booking_key, _fill))


async def decisions(desk: Desk, call: Call) -> Answer:
    """How an order was planned, round by round."""
    found = await known(desk, call)
    rows: Sequence[DecisionTable] = found.decisions if isinstance(found, ParentDetail) else ()
    return Answer(data=page(rows, call.asked(PageQuery), lambda one: str(one.round), _decision))


async def decision(desk: Desk, call: Call) -> Answer:
    """One round: what was seen, planned, left out and why."""
    found, number = await known(desk, call), call.path["round"]
    if isinstance(found, ParentDetail) and number.isascii() and number.isdigit() and len(number) < 9:  # noqa: PLR2004
        one = await desk.queries.explain(ParentId(found.parent.id), int(number))
        if one is not None:
            return Answer(data=desk.reports.explanation(one, found))
    raise Refused(Code.NOT_FOUND, f"{call.path['ref_id']} has no round {number}")


async def cancel(desk: Desk, call: Call) -> Prepared:
    """Ask for an order to stop. That this was taken does not mean that nothing fills any more."""
    call.given(Empty)
    await _living(desk, call)
    body = parse(CancelBody, {"ref_id": call.path["ref_id"]})
    return taken(cancel_request(body, entity=desk.entity, principal=call.principal.name, asked_ns=desk.now()))


async def pause(desk: Desk, call: Call) -> Prepared:
    """Let an order send nothing new; what is out is followed to its end."""
    return await _paused(desk, call, resume=False)


async def go_on(desk: Desk, call: Call) -> Prepared:
    """Let a paused order go on."""
    return await _paused(desk, call, resume=True)


async def _paused(desk: Desk, call: Call, *, resume: bool) -> Prepared:
    call.given(Empty)
    await _living(desk, call)
    body = parse(PauseBody, {"ref_id": call.path["ref_id"]})
    who = call.principal.name
    return taken(pause_request(body, resume=resume, entity=desk.entity, principal=who, asked_ns=desk.now()))


async def amend(desk: Desk, call: Call) -> Prepared:
    """Let an order go on under other terms: of the version in If-Match and of no other, and of that one once."""
    terms = call.given(AmendTerms).model_dump(exclude_none=True)
    found = await _living(desk, call)
    if call.if_match is None:
        raise Refused(Code.VERSION_MISSING, "If-Match: name the version to be amended, as ETag gave it", "If-Match")
    if not isinstance(found, ParentDetail) or call.if_match != _version(found):
        raise Refused(Code.OTHER_VERSION, f"{call.path['ref_id']} is another version now: look at it again", "If-Match")
    body = parse(AmendBody, {"ref_id": call.path["ref_id"], **terms})
    who = call.principal.name
    request = amend_request(body, entity=desk.entity, principal=who, asked_ns=desk.now(), version=str(found.parent.seq))
    other = Refused(Code.OTHER_VERSION, "another amendment of this version was asked for", "If-Match")
    return replace(taken(request), unique=request, other=other, again=202)


def taken(request: Request) -> Prepared:
    """It is on disk: 202."""
    return Prepared(requests=[request], answer=Answer(data=taken_data(request), status=202))


def taken_data(request: Request) -> Json:
    """What is known of a request that is on disk."""
    return {"kind": request.kind.value, "key": request.key, "asked_at": moment(request.asked_ns)}


# Looking.


async def look_up(desk: Desk, ref_id: str) -> ParentDetail | Request | None:
    """The parent, or the request for it where no driver has made a parent of it."""
    detail = await desk.queries.parent_by_ref(desk.entity, RefId(ref_id))
    if detail is not None:
        return detail
    asked = await desk.store.asked(desk.entity, RequestKind.PARENT, ref_id)
    if asked is not None and asked.state is RequestState.CONSUMED:
        await desk.projector.catch_up()  # the tables may be a moment behind the journal
        return await desk.queries.parent_by_ref(desk.entity, RefId(ref_id)) or asked
    return asked


async def known(desk: Desk, call: Call) -> ParentDetail | Request:
    """The order in the path. Raises `Refused`."""
    ref_id = call.path["ref_id"]
    found = await look_up(desk, ref_id)
    if found is None:
        raise Refused(Code.NOT_FOUND, f"there is no order {ref_id}")
    return found


async def _living(desk: Desk, call: Call) -> ParentDetail | Request:
    found = await known(desk, call)
    if isinstance(found, ParentDetail) and ParentState(found.parent.state).ended:
        raise Refused(Code.HAS_ENDED, f"{call.path['ref_id']} has ended: {found.parent.state}")
    if isinstance(found, Request) and found.state is RequestState.CONSUMED:
        raise Refused(Code.HAS_ENDED, f"{call.path['ref_id']} was refused when a driver took it")
    return found


async def open_refs(desk: Desk) -> list[str]:
    """Every order that has not ended, taken by a driver or not."""
    parents = await desk.queries.parents(entity=desk.entity, open_only=True, limit=OPEN_MOST)
    return sorted({*(one.ref_id for one in parents), *(one.key for one in await _not_taken(desk))})


async def _not_taken(desk: Desk) -> list[Request]:
    wanted = (RequestKind.PARENT, EntityId(desk.entity))
    asked = await desk.store.open_requests(OPEN_MOST)
    return [one for one in reversed(asked) if (one.kind, one.entity) == wanted]


def _version(detail: ParentDetail) -> str:
    """The journal row that last changed the order's terms or state."""
    return f'"{detail.parent.seq}"'


def _waiting_line(desk: Desk, request: Request) -> Json:
    state = REFUSED if request.state is RequestState.CONSUMED else RECEIVED
    return desk.reports.waiting(request) | {"state": state}


def _waiting(desk: Desk, request: Request) -> Json:
    line = _waiting_line(desk, request)
    return line | {
        "version": None,
        "entity": str(request.entity),
        "order": json.loads(request.body),
        "asked_at": moment(request.asked_ns),
        "filled": "0",
        "remaining": line["quantity"],
        "in_doubt": False,
        "fills": 0,
        "fees": {},
        "all_in_price": None,
        "arrival_mid": None,
        "arrival_slippage_bps": None,
        "venues": [],
        "ended_at": None,
        "as_of_seq": 0,
    }


async def _shown(desk: Desk, found: ParentDetail | Request | None) -> Json:
    assert found is not None
    if isinstance(found, Request):
        return _waiting(desk, found)
    rounds = await _rounds(desk, found) if len(found.decisions) <= _ROUNDS_MOST else ()
    full = desk.reports.parent(found, rounds)
    asked = {"asked_at": None, "version": _version(found), "as_of_seq": found.as_of_seq}
    return {name: value for name, value in full.items() if name not in {"children", "rounds", "words"}} | asked


async def _rounds(desk: Desk, found: ParentDetail) -> tuple[Explanation, ...]:
    seen = [await desk.queries.explain(ParentId(one.parent_id), one.round) for one in found.decisions]
    return tuple(one for one in seen if one is not None)


def _fill(one: FillTable) -> dict[str, Any]:
    return {
        "booking_key": one.booking_key,
        "client_id": one.client_id,
        "account": one.account,
        "symbol": one.symbol,
        "trade_id": one.trade_id,
        "venue_order_id": one.venue_order_id,
        "side": one.side,
        "quantity": plain(one.quantity),
        "price": plain(one.price),
        "quote": one.quote,
        "fees": [{"asset": fee.asset, "amount": plain(fee.amount)} for fee in fees_of(one)],
        "maker": one.maker,
        "traded_at": moment(one.venue_time_ns),
        "booked_at": moment(one.booked_ns),
    }


def _decision(one: DecisionTable) -> dict[str, Any]:
    return {
        "round": one.round,
        "at": moment(one.at_ns),
        "due": plain(one.due),
        "children": len(plan_of(one)),
        "residual": plain(one.residual),
        "residual_reason": one.residual_reason,
        "exclusions": {str(each.listing_id): each.reason for each in exclusions_of(one)},
    }
