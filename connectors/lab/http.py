"""What protocols see of HTTP: a request as text, an answer as text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl

from aiohttp import web

from connectors.lab.faults import Call

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A request at the moment it reaches the engine, `now_ns` by the venue's clock.

    `query_text` and `body` are exactly as sent: signatures are over them. `params` joins query and form fields.
    """

    method: str
    path: str
    query_text: str
    body: str
    headers: Mapping[str, str]
    path_args: Mapping[str, str]
    now_ns: int

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one the last."""
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The query's fields with repetitions, in order."""
        return parse_qsl(self.query_text, keep_blank_values=True)

    @property
    def params(self) -> dict[str, str]:
        """Query and form fields together."""
        return {**self.query, **dict(parse_qsl(self.body, keep_blank_values=True))}

    @property
    def json(self) -> object:
        """The body as JSON. Raises `ValueError` when it is not."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What goes back. `text` is the whole body."""

    text: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: _NONE)
    content_type: str = "application/json"


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] = _NONE) -> Answer:
    """An answer with a JSON body, written without blanks as venues do."""
    return Answer(text=json.dumps(body, separators=(",", ":")), status=status, headers=headers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One REST path of a protocol (in aiohttp's syntax) and who answers: synchronous, like the engine."""

    method: str
    path: str
    call: Call
    handler: Callable[[Ask], Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key a venue has given out, and the account it opens. `secret` is in whatever form the protocol signs with.

    `passphrase` is the third part some protocols ask for; the others do not look at it.
    """

    key: str
    account: str
    secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)


def ask_of(request: web.Request, body: bytes, now_ns: int) -> Ask:
    """The request as protocols see it."""
    return Ask(
        method=request.method,
        path=request.path,
        query_text=request.url.raw_query_string,
        body=body.decode(errors="replace"),
        headers=request.headers,
        path_args=dict(request.match_info),
        now_ns=now_ns,
    )
