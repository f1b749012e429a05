"""The shell every protocol shares: HTTP, websockets, faults, keys and clock around one `Exchange`.

A protocol is a subclass with
  * `default_rules`, `default_symbols`: the venue's own terms; `default_keys` where secrets have a form;
  * `routes()`: REST paths, each with a synchronous handler `Ask -> Answer` that parses, calls `self.exchange` with
    `ask.now_ns` and renders. Raise `Refusal(answer)` from anywhere inside to answer early (bad signature, bad field);
  * `sockets()`: websocket paths (aiohttp's syntax) -> whether the path is private; the request that opened a session
    is `session.state["handshake"]`, for venues that sign it or put the subscription into its query;
  * `ws_message(session, text)`: what a client sent; answer with `session.send(text, FrameKind.REPLY)`, note what it
    subscribed to in `session.subscriptions` / `session.state`, set `session.account` after authentication;
  * `publish(events, now_ns)`: turn drained events into frames for `self.sessions`, naming the `FrameKind` of each;
  * `tick(now_ns)`: every `tick_ms`, for heartbeats and conflated deltas;
  * `id_fields`: names of the answer's fields that carry order ids (for the fault `missing_id_200`).
Look-ups pass `now_ns=ask.now_ns` to the exchange, so that the read lag applies; the control surface does not.
"""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import formatdate
from typing import ClassVar, NamedTuple

from aiohttp import WSMsgType, web

from connectors.lab.core import BookChanged, Exchange, MarketEvent, SymbolRules, VenueRules
from connectors.lab.faults import AT_ONCE, Call, FaultDesk, FaultKind, FaultRule
from connectors.lab.http import Answer, ApiKey, Ask, Route, ask_of
from connectors.lab.lies import lie, rate_refusal, redirection
from connectors.lab.sessions import Session, reset_connection

_Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOG = logging.getLogger(__name__)
_HALF_A_FRAME = '{"channel":"book","e":"depthUpdate","data":[{"bi'
_ODD_FRAME = '{"lab":"a frame nobody asked for"}'
_FLOOD_STEP_S = 0.005
REQUESTS_KEPT = 10_000
_BEFORE = frozenset({FaultKind.RESET_BEFORE, FaultKind.HTTP_429, FaultKind.REDIRECT})


class Refusal(Exception):
    """Answer at once with this; nothing was done."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


class Requested(NamedTuple):
    """A REST request as it arrived, whatever became of it. `at_ns` is the venue's clock."""

    at_ns: int
    call: Call
    method: str
    path: str


class LabVenue(ABC):
    """One venue on one loopback port."""

    protocol: ClassVar[str]
    id_fields: ClassVar[frozenset[str]] = frozenset()
    tick_ms: ClassVar[int] = 100

    def __init__(
        self,
        *,
        name: str,
        exchange: Exchange,
        keys: Sequence[ApiKey],
        faults: FaultDesk,
        clock_offset_ns: int = 0,
    ) -> None:
        self.name = name
        self.exchange = exchange
        self.keys: dict[str, ApiKey] = {key.key: key for key in keys}
        self.faults = faults
        self.sessions: list[Session] = []
        self.redirects_followed = 0
        self.late_requests = 0
        """Held up on their way, and taken in by the engine since."""
        self.requests: deque[Requested] = deque(maxlen=REQUESTS_KEPT)
        """The newest, in the order of their arrival."""
        self.port = 0
        self._clock_offset_ns = clock_offset_ns
        self._session_count = 0
        self._deaf_until_s = 0.0
        self._floods: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._pump_task: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

    # What a protocol says

    @classmethod
    @abstractmethod
    def default_rules(cls, name: str, read_lag_ns: int) -> VenueRules:
        """The venue's own terms."""

    @classmethod
    @abstractmethod
    def default_symbols(cls) -> tuple[SymbolRules, ...]:
        """The books it lists, by unified symbol."""

    @classmethod
    def default_keys(cls) -> tuple[ApiKey, ...]:
        """The key any client of a lab may know, in the protocol's form; it opens the account `main`."""
        return (ApiKey(key=f"lab-{cls.protocol}-key", secret=f"lab-{cls.protocol}-secret", account="main"),)

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """REST paths."""

    @abstractmethod
    def sockets(self) -> Mapping[str, bool]:
        """Websocket paths, and whether each is a private one."""

    @abstractmethod
    def ws_message(self, session: Session, text: str) -> None:
        """A client sent this."""

    @abstractmethod
    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Tell subscribers what happened."""

    def ws_refused(self, _handshake: Ask) -> Answer | None:
        """The answer to a client that is not let in; most protocols ask who it is later."""
        return None

    def ws_opened(self, session: Session) -> None:  # noqa: B027 - most protocols greet nobody
        """A client has connected."""

    def tick(self, now_ns: int) -> None:  # noqa: B027 - not every protocol beats
        """A tick has passed."""

    def not_found(self) -> Answer:
        """The answer to a path the venue does not have."""
        return Answer(text='{"message":"not found"}', status=404)

    def too_many_requests(self) -> Answer:
        """The body of the venue's 429."""
        return Answer(text='{"message":"too many requests"}', status=429)

    # What it can use

    @property
    def url(self) -> str:
        """Base URL of its REST paths."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Base URL of its websockets."""
        return f"ws://127.0.0.1:{self.port}"

    def now_ns(self) -> int:
        """The venue's clock."""
        return time.time_ns() + self._clock_offset_ns

    def touch(self) -> None:
        """Something happened in the exchange: publish soon."""
        self._wake.set()

    def give_key(self, key: ApiKey) -> None:
        """A key more, good from now on."""
        self.keys[key.key] = key

    def revoke_keys(self, account: str) -> None:
        """No key opens the account any more, and no private socket of it stands."""
        for each in [each for each in self.keys.values() if each.account == account]:
            del self.keys[each.key]
        for session in [session for session in self.sessions if session.account == account]:
            session.kill()

    def flush(self) -> None:
        """Publish what has happened now."""
        events = self.exchange.drain()
        if any(isinstance(event, BookChanged) for event in events) and self.faults.on_books(self.name) is not None:
            events = [event for event in events if not isinstance(event, BookChanged)]
        if events:
            self.publish(events, self.now_ns())

    async def start(self, port: int) -> None:
        """Listen on loopback; port 0 takes a free one."""
        app = web.Application(client_max_size=4 * 1024**2)
        for route in self.routes():
            app.router.add_route(route.method, route.path, self._endpoint(route))
        for path in self.sockets():
            app.router.add_get(path, self._websocket)
        app.router.add_route("*", "/redirected/{rest:.*}", self._redirected)
        app.router.add_route("*", "/{rest:.*}", self._unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self._pump_task = asyncio.create_task(self._pump(), name=f"lab-pump-{self.name}")

    async def stop(self) -> None:
        """Cut every connection and stop listening. Raises what broke the pump, if something did."""
        for task in self._floods:
            task.cancel()
        for session in list(self.sessions):
            session.kill()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task

    # Faults that strike at once

    def strike(self, rule: FaultRule, rule_id: int) -> None:
        """Commit a fault that does not wait for a frame."""
        kills = rule.fault is FaultKind.WS_KILL and rule.after == 0 and "frames" not in rule.params
        if rule.fault not in AT_ONCE and not kills:
            return
        duration_s = rule.number("duration_ms", 1000) / 1000
        if rule.fault is FaultKind.CLOCK_OFF:
            self._clock_offset_ns += int(rule.number("offset_ms", 30_000) * 1e6)
        if rule.fault is FaultKind.WS_HALF_OPEN:
            self._deaf_until_s = time.monotonic() + duration_s
        channel = rule.text("channel", "any")
        for session in list(self.sessions):
            if channel in {"any", session.channel}:
                self._strike_session(session, rule, duration_s)
        self.faults.count_fired(rule_id)

    def _strike_session(self, session: Session, rule: FaultRule, duration_s: float) -> None:
        match rule.fault:
            case FaultKind.WS_KILL:
                session.kill()
            case FaultKind.WS_SILENCE:
                session.silence(int(duration_s * 1e9))
            case FaultKind.WS_HALF_OPEN:
                session.stick(duration_s)
            case FaultKind.WS_GARBAGE:
                session.push(rule.text("text", _HALF_A_FRAME))
            case FaultKind.WS_FLOOD if session.channel == "public":
                text, rate = rule.text("text", _ODD_FRAME), rule.number("rate_per_s", 2000)
                task = asyncio.create_task(_flood(session, text, rate, duration_s))
                self._floods.add(task)
                task.add_done_callback(self._floods.discard)
            case _:
                pass

    # REST

    def _endpoint(self, route: Route) -> _Endpoint:
        async def serve(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            self.requests.append(Requested(self.now_ns(), route.call, request.method, request.path))
            rule = self.faults.on_call(self.name, route.call, request.method, request.path)
            if rule is None:
                return self._response(self._engine(route, request, body))
            return await self._faulty(rule, route, request, body)

        return serve

    def _engine(self, route: Route, request: web.Request, body: bytes) -> Answer:
        self.exchange.heed_dead_men(self.now_ns())
        try:
            answer = route.handler(ask_of(request, body, self.now_ns()))
        except Refusal as refusal:
            answer = refusal.answer
        self.touch()
        return answer

    async def _faulty(self, rule: FaultRule, route: Route, request: web.Request, body: bytes) -> web.StreamResponse:
        if rule.fault is FaultKind.DELAY_REQUEST:
            await asyncio.sleep(rule.number("delay_ms", 1000) / 1000)
            answer = self._engine(route, request, body)
            self.late_requests += 1
            return self._response(answer)
        when = rule.text("when", "before" if rule.fault in _BEFORE else "after")
        answer = Answer(text="{}") if when == "before" else self._engine(route, request, body)
        return await self._shape(rule, request, answer)

    async def _shape(self, rule: FaultRule, request: web.Request, answer: Answer) -> web.StreamResponse:
        match rule.fault:
            case FaultKind.RESET_BEFORE | FaultKind.RESET_AFTER:
                reset_connection(request.transport)
                return web.Response()
            case FaultKind.ANSWER_LOST:
                return await _hold(request, rule.number("hold_ms", 60_000) / 1000)
            case FaultKind.CUT_BODY:
                return await _cut(request, answer)
            case FaultKind.SLOW:
                await asyncio.sleep(rule.number("delay_ms", 500) / 1000)
            case FaultKind.REPORT_BEFORE_ANSWER:
                self.flush()
                await asyncio.gather(*(session.sent() for session in self.sessions))
                await asyncio.sleep(rule.number("hold_ms", 50) / 1000)
            case FaultKind.HTTP_429:
                answer = rate_refusal(rule, self.too_many_requests())
            case FaultKind.REDIRECT:
                answer = redirection(rule, request.path_qs)
            case _:
                answer = lie(rule, answer, self.id_fields)
        return self._response(answer)

    def _response(self, answer: Answer) -> web.Response:
        """Dated by the venue's own clock, as its front end would."""
        dated = {"Date": formatdate(self.now_ns() // 1_000_000_000, usegmt=True), **answer.headers}
        return web.Response(text=answer.text, status=answer.status, headers=dated, content_type=answer.content_type)

    async def _redirected(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.redirects_followed += 1
        return self._response(self.not_found())

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        return self._response(self.not_found())

    # Websockets

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        handshake = ask_of(request, b"", self.now_ns())
        if self.faults.on_connect(self.name) is not None:
            return self._response(Answer(text="", status=503))
        refused = self.ws_refused(handshake)
        if refused is not None:
            return self._response(refused)
        await asyncio.sleep(max(0.0, self._deaf_until_s - time.monotonic()))  # taken, and not greeted
        ws = web.WebSocketResponse(max_msg_size=1024**2)
        await ws.prepare(request)
        resource = request.match_info.route.resource
        session = self._open_session(request.path, private=self.sockets()[resource.canonical if resource else ""])
        session.state["handshake"] = handshake
        writer = asyncio.create_task(session.write_all(ws, request.transport))
        try:
            self.ws_opened(session)
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    self.ws_message(session, message.data)
                    self.touch()
        finally:
            self.sessions.remove(session)
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer
        return ws

    def _open_session(self, path: str, *, private: bool) -> Session:
        self._session_count += 1
        session = Session(
            number=self._session_count,
            path=path,
            private=private,
            venue=self.name,
            faults=self.faults,
            now_ns=self.now_ns,
        )
        self.sessions.append(session)
        return session

    # Pump

    async def _pump(self) -> None:
        next_tick_ns = 0
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.tick_ms / 1000):
                        await self._wake.wait()
                self._wake.clear()
                self.flush()
                now_ns = time.monotonic_ns()
                if now_ns >= next_tick_ns:
                    next_tick_ns = now_ns + self.tick_ms * 1_000_000
                    self._tick()
                await asyncio.sleep(0)
        except Exception:
            _LOG.exception("the pump of %s broke", self.name)
            raise

    def _tick(self) -> None:
        self.exchange.heed_dead_men(self.now_ns())
        self.tick(self.now_ns())
        for session in list(self.sessions):
            session.tick()


async def _flood(session: Session, text: str, rate_per_s: float, duration_s: float) -> None:
    started = time.monotonic()
    pushed = 0
    while (spent := time.monotonic() - started) < duration_s:
        for _ in range(int(spent * rate_per_s) - pushed):
            session.push(text)
            pushed += 1
        await asyncio.sleep(_FLOOD_STEP_S)


async def _hold(request: web.Request, hold_s: float) -> web.Response:
    """Say nothing until the client gives up, or the hold is over; then cut the line."""
    with suppress(TimeoutError):
        async with asyncio.timeout(hold_s):
            # aiohttp tells a handler that nothing more can be sent, not that the client has gone.
            while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    reset_connection(request.transport)
    return web.Response()


async def _cut(request: web.Request, answer: Answer) -> web.StreamResponse:
    body = answer.text.encode()
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = max(len(body), 2)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
