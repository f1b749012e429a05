"""A desk over a real driver and a lab, and a client that holds every answer against the route's own model."""

import json
import re
import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from connectors.lab.client import LabControl
from router.access import Role
from router.api.models import Problem
from router.api.routes import ROUTES, Route
from router.app.access import access_of
from router.app.desk import answering
from router.app.drive import following
from router.app.parts import Router
from router.config.settings import HttpSettings
from router.identity import Directory, MadeKey
from tests.e2e.rig import Stand, standing

LOOPBACK = HttpSettings(
    host="127.0.0.1", port=0, tls_cert=None, tls_key=None, rate_per_s=5_000, body_ms=500, heartbeat_ms=300
)
Json = dict[str, Any]


@dataclass(slots=True)
class Said:
    """An answer."""

    status: int
    data: Any
    headers: Mapping[str, str] = field(repr=False)

    @property
    def code(self) -> str:
        """The problem's."""
        return str(self.data["code"])


@dataclass(slots=True)
class Client:
    """Asks over HTTP, and checks that what comes back has the shape that is documented."""

    url: str
    session: aiohttp.ClientSession
    key: str | None = None

    async def get(self, path: str, **more: Any) -> Said:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, key: str | None = None, **more: Any) -> Said:
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **more.pop("headers", {})}
        return await self.ask("POST", path, json={} if body is None else body, headers=headers, **more)

    async def patch(self, path: str, body: Any, version: str | None, **more: Any) -> Said:
        headers = {"Idempotency-Key": str(uuid.uuid4())} | ({} if version is None else {"If-Match": version})
        return await self.ask("PATCH", path, json=body, headers=headers, **more)

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Said:
        given = dict(headers or {}) | ({} if self.key is None else {"Authorization": f"Bearer {self.key}"})
        async with self.session.request(method, self.url + path, headers=given, **more) as answer:
            text = await answer.read()
            said = Said(answer.status, json.loads(text) if "json" in answer.content_type else text, answer.headers)
        conforms(method, path, said)
        return said

    def by(self, key: str) -> "Client":
        """The same, as somebody else."""
        return replace(self, key=key)


def route_of(method: str, path: str) -> Route | None:
    """The route a path is for: the one that says it in so many words, before one with a name in it."""
    path = path.partition("?")[0]
    fits = [
        one
        for one in ROUTES
        if one.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one.path), path) is not None
    ]
    return min(fits, key=lambda one: one.path.count("{"), default=None)


def conforms(method: str, path: str, said: Said) -> None:
    """Raises where an answer is not what its route promises."""
    assert said.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in said.headers["Content-Security-Policy"]
    if said.status >= 400 and not path.startswith("/readyz"):
        assert said.headers["Content-Type"].startswith("application/problem+json"), said
        assert Problem.model_validate(said.data, strict=True).status == said.status
        return
    route = route_of(method, path)
    assert route is not None
    if route.answer is not None:
        route.answer.model_validate(said.data)


def order(ref_id: str, quantity: str = "0.1", side: str = "BUY", **fields: Any) -> Json:
    return {"ref_id": ref_id, "instrument": "BTC/USD", "side": side, "base_quantity": quantity, **fields}


@dataclass(slots=True)
class Office:
    """A driver, a lab, and the HTTP API in the same process."""

    stand: Stand
    client: Client
    directory: Directory

    @property
    def router(self) -> Router:
        return self.stand.router

    @property
    def control(self) -> LabControl:
        return self.stand.control

    async def key(self, name: str, *roles: Role) -> str:
        """A machine's key with these roles."""
        config = self.router.config
        await self.directory.add_user(name, frozenset(roles), frozenset({config.entity}), None, "test")
        return (await self.directory.add_key(name, "test", frozenset(roles), days=1, by="test")).text


@asynccontextmanager
async def office(folder: Path, http: HttpSettings = LOOPBACK, **changes: Any) -> AsyncIterator[Office]:
    async with standing(folder, **changes) as stand, answered(stand.router, http, stand) as (client, directory):
        yield Office(stand, client, directory)


@asynccontextmanager
async def answered(
    router: Router,
    http: HttpSettings,
    stand: Stand | None = None,
    first_key: Callable[[MadeKey], None] = lambda _: None,
) -> AsyncIterator[tuple[Client, Directory]]:
    """The HTTP API over a router; with a stand it sees the driver's market."""

    def view(instrument: Any, quantity: Any) -> Any:
        return None if stand is None else stand.engine.market.view(instrument, quantity, router.clock.now())

    unsafe = ssl.create_default_context()
    unsafe.check_hostname, unsafe.verify_mode = False, ssl.CERT_NONE
    async with (
        following(router),
        answering(router, http, view=view, first_key=first_key) as url,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=unsafe)) as session,
    ):
        yield Client(url, session), (await access_of(router.config, router.store)).directory
