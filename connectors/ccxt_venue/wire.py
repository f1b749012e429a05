"""What passes the socket, and what we know of it afterwards.

Every call to a venue runs under a `Transmission`: it carries the last gate to the socket, and collects the only three
things an outcome is decided on: did a byte leave, what HTTP status came back, what was the whole body. It travels in
a context variable, because one ccxt instance serves many calls at once.

"Left" is stamped when aiohttp hands the request's headers to the socket, on a connection that already stands: so a
stalled connect, a refused one and a failed TLS handshake are all provably not sent.
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
import certifi
import orjson
from aiohttp.client_middlewares import ClientHandlerType

from connectors.budget import Budget
from connectors.ccxt_venue.calls import CallKind, Forbidden, GateShut, NotReached
from connectors.ccxt_venue.endpoints import HISTORIES
from connectors.settings import is_loopback
from router.model.ids import Nanos
from router.ports.clock import Clock
from router.ports.venue import Gate

BODY_BYTES_MAX = 5 * 1024 * 1024
# A book of 5000 levels or all markets of a venue are larger than any answer about orders or an account.
PUBLIC_BODY_BYTES_MAX = 64 * 1024 * 1024
_LARGE = frozenset({CallKind.SET_UP, CallKind.BOOK})
KEEP_ALIVE_S = 3600.0
QUIET_S_MAX = 300
_BANNED, _TOO_MANY = 418, 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MONEY_OUT = re.compile(r"withdraw|transfer|/capital/|move_funds|payment_methods|deposits?/", re.IGNORECASE)


@dataclass(slots=True)
class Transmission:
    """One call on its way: the gate it has to pass, and what became of it."""

    kind: CallKind
    gate: Gate | None = None
    sent_ns: Nanos | None = None
    answered_ns: Nanos | None = None
    status: int | None = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def reached_wire(self) -> bool:
        """Did a byte leave? An answer proves it too."""
        return self.sent_ns is not None or self.status is not None

    def answer(self) -> object | None:
        """The whole body as JSON; None when there is none, or it is not JSON."""
        if not self.body:
            return None
        try:
            parsed: object = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return parsed

    @property
    def is_page(self) -> bool:
        """Does the answer call itself HTML? Then something between us and the venue speaks."""
        told = next((value for name, value in self.headers.items() if name.lower() == "content-type"), "")
        return told.lower().startswith("text/html")

    def retry_after_ms(self) -> int | None:
        """See `retry_after_ms`."""
        return retry_after_ms(self.headers)


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """What `Retry-After` asks for: seconds, or a date, which is held against the answer's own. None: nothing usable.

    Capped at five minutes: a longer ban is found out anew every five.
    """
    told = {name.lower(): value.strip() for name, value in headers.items()}
    text = told.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), QUIET_S_MAX) * 1000
    try:
        seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(told.get("date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(int(seconds), 0), QUIET_S_MAX) * 1000


_current: ContextVar[Transmission | None] = ContextVar("transmission", default=None)


@contextmanager
def carrying(transmission: Transmission) -> Iterator[None]:
    """Requests made inside belong to this call."""
    token = _current.set(transmission)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Transmission | None:
    """The call being made, if any."""
    return _current.get()


class _Cable:
    """The hooks aiohttp calls: last gate and stamp before the first byte, no redirects, bounded bodies."""

    def __init__(self, clock: Clock, budget: Budget | None) -> None:
        self._clock = clock
        self._budget = budget

    def trace(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_request_headers_sent.append(self._before_first_byte)
        return config

    async def _before_first_byte(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        if self._budget is not None and self._budget.quiet_ns(self._clock.now()) > 0:
            message = "the venue asked for quiet since this was let go"
            raise NotReached(message)
        transmission = _current.get()
        if transmission is None:
            return
        if transmission.gate is not None:
            if transmission.sent_ns is not None:
                message = "a copy is transmitted once"
                raise Forbidden(message)
            reason = transmission.gate()
            if reason is not None:
                raise GateShut(reason)
        if transmission.sent_ns is None:
            transmission.sent_ns = self._clock.now()

    async def middleware(self, request: aiohttp.ClientRequest, send: ClientHandlerType) -> aiohttp.ClientResponse:
        response = await send(request)
        if self._budget is not None and response.status in {_BANNED, _TOO_MANY}:
            self._budget.told_off(retry_after_ms(response.headers), banned=response.status == _BANNED)
        if response.status in _REDIRECTS:
            transmission = _current.get()
            if transmission is not None:
                transmission.status = response.status
            response.close()
            message = f"{response.status}: redirects are never followed"
            raise aiohttp.ClientPayloadError(message)
        return response


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is read up to a limit and no further."""

    async def read(self) -> bytes:
        """The whole body, or `ClientPayloadError` when it is larger than any honest one."""
        if self._body is None:
            try:
                self._body = await self._bounded()
            except BaseException:
                self.close()
                raise
        return await super().read()

    async def _bounded(self) -> bytes:
        transmission = _current.get()
        large = transmission is not None and transmission.kind in _LARGE
        most = PUBLIC_BODY_BYTES_MAX if large else BODY_BYTES_MAX
        body = bytearray()
        async for part in self.content.iter_any():
            body += part
            if len(body) > most:
                message = f"body larger than {most} bytes"
                raise aiohttp.ClientPayloadError(message)
        return bytes(body)


def certificates(ca_file: str | None) -> ssl.SSLContext:
    """Whom to believe: the bundle ccxt believes, or the operator's. Verification is never off."""
    return ssl.create_default_context(cafile=ca_file or certifi.where())


def open_session(clock: Clock, trusted: ssl.SSLContext, budget: Budget | None = None) -> aiohttp.ClientSession:
    """One account's session: connections are kept, the environment's proxies and cookies are not used.

    Nothing leaves while `budget` is to keep quiet, and it is told of every answer that asks for that.
    """
    cable = _Cable(clock, budget)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted, keepalive_timeout=KEEP_ALIVE_S, limit=0, ttl_dns_cache=300),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        response_class=BoundedResponse,
        trace_configs=[cable.trace()],
        middlewares=(cable.middleware,),
    )


def check_target(url: str, *, lab_only: bool, method: str = "GET", hosts: frozenset[str] | None = None) -> None:
    """Raise `Forbidden` for a request that could move money out, or leave this machine when only a lab is meant.

    The second line behind `endpoints`: what only lists such moves (`endpoints.HISTORIES`) passes. `hosts`: the only
    ones a client of a test network may reach.
    """
    parts = urlsplit(url)
    listing = any(method == reads and parts.path.endswith(end) for reads, end in HISTORIES)
    if _MONEY_OUT.search(parts.path) and not listing:
        message = f"{parts.path}: the router moves no money out"
        raise Forbidden(message)
    if lab_only and not is_loopback(parts.hostname):
        message = f"{parts.hostname} is not on this machine"
        raise Forbidden(message)
    if hosts is not None and parts.hostname not in hosts:
        message = f"{parts.hostname} is not a host of the test network"
        raise Forbidden(message)
