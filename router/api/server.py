"""The HTTP server: from bytes to a checked call, and from an answer, or anything else that happens, to a response."""

import asyncio
import json
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel, ValidationError

from router.access import Action, Principal, Role, demand
from router.api import docs_page, openapi, stream
from router.api.call import Answer, Call
from router.api.desk import Desk
from router.api.feed import Feed
from router.api.once import Asking, Once, fingerprint
from router.api.problems import Code, Refused
from router.api.routes import ROUTES, Route
from router.api.sessions import COOKIE
from router.api.throttle import Throttle
from router.identity.directory import Shown
from router.model.errors import BadInput, NotAllowed, NotKnown, StoreUnavailable
from router.observe import Observe
from router.requests.bodies import parse
from router.requests.documents import SIZE_MAX, fields
from router.requests.fields import Body, sentence

_STREAMS_MAX = 100
_NOBODY_PER_S = 10
_FORGET_EVERY_S = 3_600
_LINE_MAX = 8_190
_JSON = "application/json"
_SAFE = frozenset({"GET", "HEAD"})
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
_KEY_LENGTH = range(8, 65)
DEMO = "demo"
_DEMO_ROLES = frozenset({Role.VIEWER, Role.AUDITOR, Role.SUBMITTER, Role.TRADER, Role.RISK_ADMIN})

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "Server": "crypto-sor",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """Where, for whom, and how often. `hosts`: further names it may be asked by."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    hosts: tuple[str, ...]
    rate_per_s: int
    loopback: bool
    body_s: float
    """How long a body may take to come."""
    heartbeat_s: float
    """How long a stream is silent at most."""


class HttpServer:
    """All routes over one desk."""

    def __init__(self, desk: Desk, listening: Listening, observe: Observe) -> None:
        self._desk = desk
        self._listening = listening
        self._observe = observe
        self._once = Once(desk.store, desk.now)
        self._feed = Feed(desk.store, partial(observe.request_failed, "the feed of events"))
        self._throttle = Throttle(listening.rate_per_s, time.monotonic)
        self._nobodies = Throttle(_NOBODY_PER_S, time.monotonic)
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        document = openapi.document(desk.deployment)
        self._document = json.dumps(document, indent=1).encode()
        self._page = docs_page.page(document).encode()

    async def start(self) -> str:
        """Listen; returns the base URL. Raises `OSError` where the address is taken."""
        app = web.Application(client_max_size=SIZE_MAX, middlewares=[self._around])
        for route in ROUTES:
            app.router.add_route(route.method, route.path, partial(self._serve, route))
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=1, max_line_size=_LINE_MAX, max_field_size=_LINE_MAX
        )
        await self._runner.setup()
        where = self._listening
        await web.TCPSite(self._runner, where.host, where.port, ssl_context=where.tls).start()
        self._tasks = [asyncio.create_task(self._feed.run()), asyncio.create_task(self._forget())]
        host, port = self._runner.addresses[0][:2]
        return f"{'https' if where.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Answer nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _forget(self) -> None:
        while True:
            try:
                await self._once.forget_old()
            except StoreUnavailable as error:
                self._observe.asking_not_forgotten(str(error))
            await asyncio.sleep(_FORGET_EVERY_S)

    # Around everything.

    @web.middleware
    async def _around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Whatever happens, the answer is a response with our headers, and a problem where something is wrong."""
        request_id = secrets.token_hex(8)
        try:
            self._check_site(request)
            response = await handler(request)
        except Refused as refused:
            response = _problem(refused, request, request_id)
        except web.HTTPException as error:
            response = _problem(_of_http(error), request, request_id)
        except StoreUnavailable as error:
            self._observe.request_failed(request_id, error)  # it names files and hosts, which are nobody's outside
            response = _problem(Refused(Code.NO_DATABASE, "ask again, with the same key"), request, request_id)
        except (ConnectionResetError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not look like one of theirs
            self._observe.request_failed(request_id, error)
            response = _problem(Refused(Code.INTERNAL, "the log has it, under this request_id"), request, request_id)
        self._observe.answered(_name(request), response.status)
        if not response.prepared:
            response.headers.update({"X-Request-Id": request_id, **_HEADERS})
        return response

    def _check_site(self, request: web.Request) -> None:
        """A page of another site must not use this one through a browser, whatever name it gives it."""
        name = _host_of(f"//{request.host}")
        names = {*self._listening.hosts, *(_LOOPBACK_NAMES if self._listening.loopback else ())}
        if name is None or (names and name not in names):
            raise Refused(Code.OTHER_SITE, "Host: is not a name of this server", "Host")
        origin = request.headers.get("Origin")
        if origin is not None and (_host_of(origin) is None or urlsplit(origin).netloc != request.host):
            raise Refused(Code.OTHER_SITE, "Origin: is another site", "Origin")
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            raise Refused(Code.OTHER_SITE, "Sec-Fetch-Site: is another site", "Sec-Fetch-Site")

    # One route.

    async def _serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        shown = await self._who(route, request)
        if route.action is not None:
            try:
                demand(shown.principal, route.action, self._desk.entity)
            except NotAllowed as error:
                raise Refused(Code.NOT_ALLOWED, error.message) from None
        query = _query(route.query, request)
        raw = await self._raw(request) if route.body is not None else None
        try:
            call = Call(
                shown=shown,
                path=_path(request),
                query=query,
                body=None if route.body is None else _body(route.body, raw),
                raw=raw,
                if_match=request.headers.get("If-Match"),
            )
            return await self._answer(route, call, request)
        except NotKnown as error:
            raise Refused(Code.NOT_KNOWN, str(error)) from None
        except NotAllowed as error:
            raise Refused(Code.NOT_ALLOWED, error.message) from None
        except BadInput as error:
            raise Refused(Code.NOT_VALID, str(error), error.field) from None

    async def _answer(self, route: Route, call: Call, request: web.Request) -> web.StreamResponse:
        if route.handler is not None:
            return self._response(await route.handler(self._desk, call))
        if route.once is not None:
            asking = Asking(
                principal=call.principal,
                key=_idempotency_key(request),
                fingerprint=fingerprint(route.method, request.path, request.query_string, call.raw, call.if_match),
            )
            return self._response(
                await self._once.run(asking, partial(route.once, self._desk, call), look_first=route.looks_first)
            )
        return await self._itself(route, call, request)

    async def _itself(self, route: Route, call: Call, request: web.Request) -> web.StreamResponse:
        match route.path:
            case "/livez":
                return self._response(Answer(data={"alive": True}))
            case "/readyz":
                why = await self._desk.not_ready()
                return self._response(Answer(data={"ready": why is None, "reason": why}, status=503 if why else 200))
            case "/metrics":
                return web.Response(body=self._desk.metrics(), headers={"Content-Type": "text/plain; version=0.0.4"})
            case "/openapi.json":
                return web.Response(body=self._document, content_type=_JSON)
            case "/docs":
                return web.Response(body=self._page, content_type="text/html", charset="utf-8")
            case "/docs.css":
                return web.Response(text=docs_page.STYLE, content_type="text/css", charset="utf-8")
            case "/v1/events":
                return self._response(await stream.fetch(self._feed, call))
            case _:
                return await self._stream(route, request)

    async def _stream(self, route: Route, request: web.Request) -> web.StreamResponse:
        last_id = request.headers.get("Last-Event-ID")
        if last_id is not None and not openapi.EVENT_ID.fullmatch(last_id):
            raise Refused(Code.NOT_VALID, "Last-Event-ID: is not an id of an event", "Last-Event-ID")
        if self._feed.listeners >= _STREAMS_MAX:
            raise Refused(Code.TOO_MANY, "too many are listening", headers={"Retry-After": "5"})
        response = web.StreamResponse(headers={"Content-Type": route.media, "X-Accel-Buffering": "no", **_HEADERS})
        await response.prepare(request)
        self._feed.listeners += 1

        async def still_good() -> bool:
            try:
                shown = await self._believe(request)
                demand(shown.principal, Action.READ, self._desk.entity)
            except (NotKnown, NotAllowed):
                return False
            return True

        try:
            await stream.pour(self._desk, self._feed, response, last_id, still_good, self._listening.heartbeat_s)
        except (ConnectionError, TimeoutError):
            pass  # the listener is gone, or too slow: it comes back with the id it had last
        finally:
            self._feed.listeners -= 1
        return response

    # Who asks?

    async def _who(self, route: Route, request: web.Request) -> Shown:
        """Whoever it is; somebody who may nothing where the route is open to anybody."""
        if route.action is None:
            if request.method not in _SAFE:
                self._spend(self._nobodies, request.remote or "")
            return Shown(principal=_principal("nobody", frozenset(), self._desk.entity))
        try:
            shown = await self._believe(request)
        except NotKnown as error:
            self._spend(self._nobodies, request.remote or "")
            raise Refused(Code.NOT_KNOWN, str(error), headers={"WWW-Authenticate": "Bearer"}) from None
        self._spend(self._throttle, shown.principal.name)
        return shown

    async def _believe(self, request: web.Request) -> Shown:
        given = request.headers.get("Authorization")
        if given is not None:
            scheme, _, text = given.partition(" ")
            return await self._desk.directory.shown(text.strip() if scheme.lower() == "bearer" else "")
        cookie = request.cookies.get(COOKIE)
        if cookie is not None:
            shown = await self._desk.directory.shown(cookie)
            if request.method not in _SAFE and not secrets.compare_digest(
                request.headers.get("X-CSRF-Token", "").encode("utf-8", "replace"), (shown.csrf or "").encode()
            ):
                raise Refused(Code.OTHER_SITE, "X-CSRF-Token: goes with a session in a cookie", "X-CSRF-Token")
            return shown
        if self._desk.demo and _at_this_machine(request):
            return Shown(principal=_principal(DEMO, _DEMO_ROLES, self._desk.entity))
        raise NotKnown("authorization", "is missing: a key or a session")

    def _spend(self, throttle: Throttle, name: str) -> None:
        wait_s = throttle.spend(name)
        if wait_s:
            message = f"ask again in {wait_s:.1f} s"
            raise Refused(Code.TOO_MANY, message, headers={"Retry-After": str(int(wait_s) + 1)})

    # The body.

    async def _raw(self, request: web.Request) -> dict[str, Any]:
        if request.content_type != _JSON and request.can_read_body:
            raise Refused(Code.NOT_THIS_MEDIA, f"Content-Type: must be {_JSON}", "Content-Type")
        try:
            async with asyncio.timeout(self._listening.body_s):
                text = await request.read()
        except TimeoutError:
            raise Refused(Code.TOO_SLOW, f"the body did not come within {self._listening.body_s:.0f} s") from None
        if not text:
            return {}
        try:
            return fields(text, "body")
        except BadInput as error:
            raise Refused(Code.NOT_JSON, str(error), error.field) from None

    def _response(self, answer: Answer) -> web.Response:
        headers = dict(answer.headers)
        cookie = headers.pop("Set-Cookie", None)
        body = json.dumps(answer.data, separators=(",", ":")).encode()
        response = web.Response(body=body, status=answer.status, content_type=_JSON, headers=headers)
        if cookie is not None:
            name, _, value = cookie.partition("=")
            secure = self._listening.tls is not None or not self._listening.loopback
            response.set_cookie(name, value, httponly=True, samesite="Strict", secure=secure, path="/")
        return response


def _principal(name: str, roles: frozenset[Role], entity: str) -> Principal:
    return Principal(name=name, person=name, roles=roles, entities=frozenset({entity}), second_factor=True)


def _host_of(url: str) -> str | None:
    """The name in it; None where it is not written as one is."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return None


def _at_this_machine(request: web.Request) -> bool:
    """By a name of loopback, and not through a proxy, which reaches us from loopback for anybody."""
    return _host_of(f"//{request.host}") in _LOOPBACK_NAMES and not any(one in request.headers for one in _FORWARDED)


def _query(kind: type[BaseModel], request: web.Request) -> BaseModel:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise Refused(Code.NOT_VALID, f"{name}: stands twice", name)
        given[name] = value
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"])) or "query"
        said = sentence(first).replace("a field of this order", "a parameter of this route")
        raise Refused(Code.NOT_VALID, f"{name}: {said}", name) from None


def _path(request: web.Request) -> dict[str, str]:
    """The names in it. One that no order can have names no order."""
    for value in request.match_info.values():
        if not openapi.NAME.fullmatch(value):
            raise Refused(Code.NOT_FOUND, "there is nothing of that name")
    return dict(request.match_info)


def _body(kind: type[BaseModel], raw: dict[str, Any] | None) -> BaseModel:
    assert issubclass(kind, Body)
    return parse(kind, raw)


def _idempotency_key(request: web.Request) -> str:
    """A token, or the same in quotes as a Structured Field has it."""
    text = request.headers.get("Idempotency-Key", "")
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if len(key) not in _KEY_LENGTH or not openapi.NAME.fullmatch(key):
        raise Refused(
            Code.KEY_MISSING, "Idempotency-Key: 8 to 64 letters, digits, - and _, a UUID say", "Idempotency-Key"
        )
    return key


def _of_http(error: web.HTTPException) -> Refused:
    """Aiohttp's own word, as one of ours."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Refused(
            Code.NO_SUCH_METHOD, f"{error.method} is not for this path", headers={"Allow": error.headers["Allow"]}
        )
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Refused(Code.TOO_LARGE, f"body: at most {SIZE_MAX // 1024} KiB", "body")
    if error.status == web.HTTPNotFound.status_code:
        return Refused(Code.NOT_FOUND, "there is nothing here")
    return Refused(Code.NOT_JSON, error.reason)


def _problem(refused: Refused, request: web.Request, request_id: str) -> web.Response:
    body = json.dumps(refused.body(request.path, request_id), separators=(",", ":")).encode()
    return web.Response(
        body=body, status=refused.status, content_type="application/problem+json", headers=refused.headers
    )


def _name(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "other" if resource is None else f"{request.method} {resource.canonical}"
