"""Every route: what it takes, who may, what it answers. Registered, documented and held against the roles from here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from router.access import Action
from router.api import control, market, orders, sessions
from router.api import models as m
from router.api.call import Answer, Call, Prepared
from router.api.desk import Desk
from router.requests import OrderBody

Plain = Callable[[Desk, Call], Awaitable[Answer]]
Asking = Callable[[Desk, Call], Awaitable[Prepared]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One of them. `action` None: open to anybody. `handler` None: the server itself answers.

    `once`: the Idempotency-Key is required, and the handler's requests are put on the table with the answer.
    """

    method: str
    path: str
    action: Action | None
    summary: str
    answer: type[BaseModel] | None
    status: int = 200
    query: type[BaseModel] = m.NoQuery
    body: type[BaseModel] | None = None
    handler: Plain | None = None
    once: Asking | None = None
    looks_first: bool = True
    """False: preparing refuses nothing tomorrow that it takes today."""
    if_match: bool = False
    media: str = "application/json"

    @property
    def name(self) -> str:
        """For logs, metrics and the document: the path as it is written here, never with an id in it."""
        return f"{self.method} {self.path}"


def _get(path: str, summary: str, answer: Any, handler: Plain | None, **more: Any) -> Route:  # noqa: ANN401 - a shape
    given: dict[str, Any] = {"action": Action.READ, **more}
    return Route(method="GET", path=path, summary=summary, answer=answer, handler=handler, **given)


def _post(path: str, summary: str, answer: Any, once: Asking, action: Action, **more: Any) -> Route:  # noqa: ANN401
    given: dict[str, Any] = {"method": "POST", "body": m.Empty, "status": 202, **more}
    return Route(path=path, summary=summary, answer=answer, once=once, action=action, **given)


_ONE = "/v1/orders/{ref_id}"

ROUTES: tuple[Route, ...] = (
    _post(
        "/v1/orders",
        "Give an order",
        m.Order,
        orders.submit,
        Action.SUBMIT,
        body=OrderBody,
        query=m.SubmitQuery,
        status=201,
        looks_first=False,
    ),
    _get("/v1/orders", "Orders, newest first", m.Page[m.OrderLine], orders.listed, query=m.OrdersQuery),
    _post("/v1/orders/cancel-all", "Cancel every open order", m.TakenAll, control.cancel_all, Action.CANCEL_ALL),
    _get(_ONE, "One order", m.Order, orders.show),
    Route(
        method="PATCH",
        path=_ONE,
        action=Action.WORK,
        summary="Amend an order",
        answer=m.Taken,
        status=202,
        body=m.AmendTerms,
        once=orders.amend,
        if_match=True,
    ),
    _get(f"{_ONE}/children", "Its children", m.Page[m.Child], orders.children, query=m.PageQuery),
    _get(f"{_ONE}/fills", "Its fills", m.Page[m.Fill], orders.fills, query=m.PageQuery),
    _get(f"{_ONE}/decisions", "Its planning rounds", m.Page[m.Decision], orders.decisions, query=m.PageQuery),
    _get(f"{_ONE}/decisions/{{round}}", "One round, explained", m.Explanation, orders.decision),
    _post(f"{_ONE}/cancel", "Cancel an order", m.Taken, orders.cancel, Action.CANCEL),
    _post(f"{_ONE}/pause", "Pause an order", m.Taken, orders.pause, Action.WORK),
    _post(f"{_ONE}/resume", "Let a paused order go on", m.Taken, orders.go_on, Action.WORK),
    _get("/v1/halt", "May children leave?", m.HaltState, control.state),
    _post("/v1/halt", "Halt", m.TakenAll, control.halt, Action.HALT, body=m.HaltOrder),
    _post("/v1/halt/resume", "Resume after a halt", m.Resumed, control.resume, Action.RESUME, body=m.ResumeOrder),
    Route(
        method="POST",
        path="/v1/estimate",
        action=Action.READ,
        summary="What an order should come to",
        answer=m.Estimate,
        body=OrderBody,
        handler=market.estimate,
    ),
    _get("/v1/books", "The consolidated ladder", m.Book, market.book, query=m.BookQuery),
    _get("/v1/venues", "Venue accounts", m.Page[m.Venue], market.venues),
    _get("/v1/balances", "Holdings", m.Page[m.Balance], market.balances),
    _get("/v1/stream", "What happens, as it happens", None, None, media="text/event-stream"),
    _get("/v1/events", "What happened", m.Events, None, query=m.EventsQuery),
    _get("/v1/changes", "Proposals that take two people", m.Page[m.ChangeOut], control.changes, action=Action.AUDIT),
    _post("/v1/changes/{change}/approve", "Agree", m.ChangeOut, control.approve, Action.CHECK, status=200),
    _post("/v1/changes/{change}/reject", "Turn down", m.ChangeOut, control.reject, Action.CHECK, status=200),
    _get("/v1/me", "Who asks", m.Me, sessions.me, action=Action.OWN_SESSION),
    Route(
        method="POST",
        path="/v1/session",
        action=None,
        summary="Come in",
        answer=m.Session,
        status=201,
        body=m.LogInBody,
        handler=sessions.log_in,
    ),
    Route(
        method="DELETE",
        path="/v1/session",
        action=Action.OWN_SESSION,
        summary="Go out",
        answer=m.Probe,
        handler=sessions.log_out,
    ),
    _get("/livez", "Does the process turn?", m.Probe, None, action=None),
    _get("/readyz", "Can it take orders?", m.Probe, None, action=None),
    _get("/metrics", "Figures for Prometheus", None, None, media="text/plain"),
    _get("/openapi.json", "This document", m.Probe, None, action=None),
    _get("/docs", "This document, to be read", None, None, action=None, media="text/html"),
    _get("/docs.css", "Its looks", None, None, action=None, media="text/css"),
)
