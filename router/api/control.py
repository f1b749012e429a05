"""Everything at once: stop, stop and cancel, go on; and the changes that take another person."""

from router.access import Action, demand
from router.api.call import Answer, Call, Prepared
from router.api.desk import Desk
from router.api.models import Empty, HaltOrder, ResumeOrder
from router.api.orders import open_refs, taken_data
from router.api.problems import Code, Refused
from router.identity import ChangeKind
from router.model.errors import BadInput
from router.model.moments import moment
from router.model.requests import Request
from router.requests import CancelBody, HaltBody, cancel_request, halt_request
from router.requests.bodies import parse


async def state(desk: Desk, _: Call) -> Answer:
    """May children leave?"""
    halted = await desk.queries.halt()
    if halted is None:
        return Answer(data={"halted": False, "why": None, "by": None, "at": None})
    data = {"halted": True, "why": halted.detail, "by": halted.subject, "at": moment(halted.at_ns)}
    return Answer(data=data)


async def halt(desk: Desk, call: Call) -> Prepared:
    """Let no new child leave; with CANCEL_ALL, cancel every open order too. On disk when this answers."""
    asked = call.given(HaltOrder)
    if asked.level == "CANCEL_ALL":
        demand(call.principal, Action.CANCEL_ALL, desk.entity)  # a halt alone is for more people
    stop = _halt(desk, call, asked.reason)
    cancels = await _cancels(desk, call) if asked.level == "CANCEL_ALL" else []
    return _all(stop, cancels, halted=True)


async def cancel_all(desk: Desk, call: Call) -> Prepared:
    """Ask for every open order to stop. New ones may come in meanwhile: to keep them out, halt."""
    call.given(Empty)
    return _all(None, await _cancels(desk, call), halted=False, asked_ns=desk.now())


async def resume(desk: Desk, call: Call) -> Prepared:
    """Let everything go on. Outside the lab this is a proposal: another person has to agree."""
    reason = call.given(ResumeOrder).reason
    if desk.two_people:
        change = await desk.changes.propose(ChangeKind.RESUME, "router", {"reason": reason}, call.principal)
        data = {"taken": None, "change": desk.reports.change(change)}
        return Prepared(requests=[], answer=Answer(data=data, status=202))
    body = parse(HaltBody, {"reason": reason})
    request = halt_request(body, resume=True, entity=desk.entity, principal=call.principal.name, asked_ns=desk.now())
    return Prepared(requests=[request], answer=Answer(data={"taken": taken_data(request), "change": None}, status=202))


async def changes(desk: Desk, _: Call) -> Answer:
    """What was proposed, newest first, and what became of it."""
    items = [desk.reports.change(one) for one in await desk.changes.newest()]
    return Answer(data={"items": items, "next_page_cursor": None})


async def approve(desk: Desk, call: Call) -> Prepared:
    """Agree to another person's proposal: it takes effect at once."""
    return await _decided(desk, call, agree=True)


async def reject(desk: Desk, call: Call) -> Prepared:
    """Turn another person's proposal down."""
    return await _decided(desk, call, agree=False)


async def _decided(desk: Desk, call: Call, *, agree: bool) -> Prepared:
    call.given(Empty)
    try:
        change = await desk.changes.decide(call.path["change"], call.principal, agree=agree)
    except BadInput as error:
        if error.field == "change" and "is not known" in error.message:
            raise Refused(Code.NOT_FOUND, error.message) from None
        raise
    if agree:
        await desk.store.announce()
    return Prepared(requests=[], answer=Answer(data=desk.reports.change(change)))


def _halt(desk: Desk, call: Call, reason: str) -> Request:
    body = parse(HaltBody, {"reason": reason})
    return halt_request(body, resume=False, entity=desk.entity, principal=call.principal.name, asked_ns=desk.now())


async def _cancels(desk: Desk, call: Call) -> list[Request]:
    who, now = call.principal.name, desk.now()
    bodies = [parse(CancelBody, {"ref_id": ref_id}) for ref_id in await open_refs(desk)]
    return [cancel_request(body, entity=desk.entity, principal=who, asked_ns=now) for body in bodies]


def _all(stop: Request | None, cancels: list[Request], *, halted: bool, asked_ns: int | None = None) -> Prepared:
    at_ns = stop.asked_ns if stop is not None else asked_ns
    assert at_ns is not None
    data = {"halted": halted, "cancelled": [one.key for one in cancels], "asked_at": moment(at_ns)}
    return Prepared(requests=[*([] if stop is None else [stop]), *cancels], answer=Answer(data=data, status=202))
