"""ccxt's own classes, as we use them.

Four instances per venue account (orders, queries, books, public trades), sharing the markets. ccxt builds, signs,
sends and parses; what is added here is small and stated: its limiter is off, every request passes the wire's guard, the
answer is recorded before ccxt looks at it, key objects are parsed once, and websocket frames are seen before ccxt
coalesces them.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aiohttp
import ccxt.pro
from ccxt.async_support.base.ws.client import Client
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.ccxt_venue import endpoints, wire
from connectors.ccxt_venue.calls import AnswerMissing, AnswerUnusable, Forbidden
from connectors.ccxt_venue.redaction import name_of

# A burst of deltas must not keep an order waiting: the loop is let go every so many frames.
FRAMES_PER_TURN = 16
OK = range(200, 300)

Json = Any
"""What ccxt hands over: the parsed body of an answer or a frame. Narrowed where it is read."""

Exchange = Any
"""An instance of ccxt's class with `Adapted` mixed in: ccxt's own methods carry no usable types."""

PemKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

Frame = Callable[[Client, Json], bool]
"""Called with each websocket message; True when it was dealt with and ccxt need not see it."""


class Tap(Protocol):
    """Sees a client's traffic as it is on the wire, before and after everything else. Never raises."""

    def connected(self, url: str) -> None:
        """A socket stands."""
        ...

    def received(self, url: str, data: str | bytes) -> None:
        """A frame came."""
        ...

    def sent(self, url: str, text: str) -> None:
        """A frame leaves."""
        ...

    def answered(self, url: str, body: str) -> None:
        """A request was answered."""
        ...


class SteadyClient(Client):  # type: ignore[misc]
    """A websocket client with its own receive loop: it yields, and no frame, however bad, ends it silently."""

    tap: Tap | None = None
    unreadable: Callable[[], None] | None = None

    def receive_loop(self) -> None:
        """Replaces ccxt's loop, which drains the socket in one go and dies with the first exception."""
        self.looper = asyncio.ensure_future(self._receive_all())

    async def _receive_all(self) -> None:
        handled = 0
        try:
            while not self.closed():
                message = await self.connection.receive()
                if message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                    break
                if self.tap is not None and message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    self.tap.received(self.url, message.data)
                self._handle(message)
                if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}:
                    return
                handled += 1
                if handled % FRAMES_PER_TURN == 0:
                    await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001 - whatever a frame does, the awaiting side must hear of it
            self.on_error(ccxt.NetworkError(f"frame not handled: {name_of(error)}"))
            return
        self.on_close(1006)

    def _handle(self, message: aiohttp.WSMessage) -> None:
        try:
            self.handle_message(message)
        except Exception:
            if self.unreadable is not None:  # it could not be unpacked or parsed: nobody else has seen it
                self.unreadable()
            raise

    async def send(self, message: Json) -> None:
        """As ccxt sends it, which makes a text of whatever is none."""
        if self.tap is not None:
            self.tap.sent(self.url, message if isinstance(message, str) else json.dumps(message, separators=(",", ":")))
        await super().send(message)


class Adapted:
    """Mixin over a `ccxt.pro` class: the guard on requests and answers, and the tap on frames."""

    frame: Frame | None = None
    unreadable: Callable[[], None] | None = None
    connected: Callable[[Client], None] | None = None
    tap: Tap | None = None
    venue: str
    allowed_rows: frozenset[endpoints.Row]

    def __init_subclass__(cls) -> None:
        """The class of a venue is made, at import: what it may never call is replaced by what raises."""
        super().__init_subclass__()
        cls.venue = next(base.__name__ for base in cls.__mro__ if base.__module__.startswith("ccxt.pro."))
        cls.allowed_rows = endpoints.allowed_rows(cls, cls.venue)
        for name, raiser in endpoints.raisers(cls, cls.venue).items():
            setattr(cls, name, raiser)

    def __init__(self, config: Mapping[str, Json], *, lab_only: bool, only_hosts: frozenset[str] | None = None) -> None:
        super().__init__(config)  # type: ignore[call-arg]
        # After ccxt, which sets an attribute for every key of `config`: none of them may be one of ours.
        self.lab_only = lab_only
        self.only_hosts = only_hosts
        self.pem_keys: dict[str, PemKey] = {}

    def check_target(self, url: str, method: str = "GET") -> None:
        """Before anything goes to `url`, request or socket: raises `Forbidden` where this client has no business."""
        wire.check_target(url, lab_only=self.lab_only, method=method, hosts=self.only_hosts)

    async def fetch2(self, path: str, api: Json = "public", method: str = "GET", *args: Json, **more: Json) -> Json:
        """One row of ccxt's table, as its methods and its `request` come here."""
        endpoints.check(self.venue, self.allowed_rows, api, method, path)
        return await super().fetch2(path, api, method, *args, **more)  # type: ignore[misc]

    async def fetch(self, url: str, method: str = "GET", headers: Json = None, body: Json = None) -> Json:
        """One request. Raises what `wire` and `calls` define, never an exception that names the signed URL."""
        self.check_target(url, method)
        transmission = wire.current()
        if transmission is None:
            message = "a request outside any call"
            raise Forbidden(message)
        try:
            answer = await super().fetch(url, method, headers, body)  # type: ignore[misc]
        except ccxt.BaseError as error:
            raise _told_apart(error, transmission) from None
        if transmission.status not in OK or not isinstance(answer, dict | list):
            message = f"HTTP {transmission.status}: {'JSON' if isinstance(answer, dict | list) else 'no JSON'}"
            raise AnswerUnusable(message)
        return answer

    def on_rest_response(
        self,
        code: int,
        _reason: str,
        url: str,
        _method: str,
        response_headers: Mapping[str, str],
        response_body: str,
        _request_headers: Json,
        _request_body: Json,
    ) -> str:
        """Ccxt's hook: the whole answer, before anything reads it."""
        transmission = wire.current()
        if transmission is not None:
            transmission.status = code
            transmission.body = response_body
            transmission.headers = dict(response_headers)
        if self.tap is not None and code in OK:
            self.tap.answered(url, response_body)
        return response_body

    def handle_message(self, client: Client, message: Json) -> None:
        """Every frame, before ccxt coalesces it. What goes wrong in here closes the socket, loudly."""
        try:
            if self.frame is not None and self.frame(client, message):
                return
            super().handle_message(client, message)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - ccxt's receive loop would die of it without telling anybody
            client.on_error(ccxt.NetworkError(f"{type(self).__name__} frame: {name_of(error)}"))

    def client(self, url: str) -> Client:
        """Ccxt's websocket client for a URL, with our receive loop."""
        self.check_target(url)
        client = super().client(url)  # type: ignore[misc]
        client.tap = self.tap
        client.unreadable = self.unreadable
        client.__class__ = SteadyClient  # the same object in everything else, whatever a ccxt release puts into it
        return client

    def on_connected(self, client: Client, message: Json = None) -> None:
        """A socket stands."""
        super().on_connected(client, message)  # type: ignore[misc]
        if self.tap is not None:
            self.tap.connected(client.url)
        if self.connected is not None:
            self.connected(client)

    def on_close(self, client: Client, error: Json) -> None:
        """A socket is gone. A late word of one we dropped must not take its successor from ccxt's list."""
        if (self.clients or {}).get(client.url) is client:  # type: ignore[attr-defined]
            super().on_close(client, error)  # type: ignore[misc]

    def on_error(self, client: Client, error: Json) -> None:
        """A socket failed; see `on_close`."""
        if (self.clients or {}).get(client.url) is client:  # type: ignore[attr-defined]
            super().on_error(client, error)  # type: ignore[misc]

    def rsa(self, request: str, secret: str, alg: str = "sha256", padding_mode: str = "pkcs1") -> str:
        """RSA signature with the key parsed once: parsing takes 30 ms, signing 0.2."""
        key = self._pem_key(secret)
        assert isinstance(key, rsa.RSAPrivateKey)
        assert alg == "sha256"
        assert padding_mode == "pkcs1"
        return base64.b64encode(key.sign(request.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def jwt(
        self, request: Json, secret: bytes, algorithm: str = "sha256", is_rsa: bool = False, opts: Json = None
    ) -> str:
        """ES256 with the key parsed once; every other kind as ccxt does it."""
        options = opts or {}
        if options.get("alg") != "ES256":
            return str(super().jwt(request, secret, algorithm, is_rsa, options))  # type: ignore[misc]
        key = self._pem_key(secret.decode())
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        head = _base64url(self.json({"alg": "ES256", "typ": "JWT", **options}).encode())  # type: ignore[attr-defined]
        token = f"{head}.{_base64url(self.json(request).encode())}"  # type: ignore[attr-defined]
        r, s = decode_dss_signature(key.sign(token.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{token}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def _pem_key(self, text: str) -> "PemKey":
        if text not in self.pem_keys:
            key = load_pem_private_key(text.encode(), None)
            assert isinstance(key, PemKey)
            self.pem_keys[text] = key
        return self.pem_keys[text]


def _told_apart(error: ccxt.BaseError, transmission: wire.Transmission) -> Exception:
    """Ccxt's exception without its text. Its class decides nothing; whether an answer came does."""
    if transmission.status is None:
        return AnswerMissing(name_of(error))
    return AnswerUnusable(f"HTTP {transmission.status}: {name_of(error)}")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
