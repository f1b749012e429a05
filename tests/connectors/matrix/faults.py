"""What can go wrong with an answer on its way, and what a venue can say instead of one.

Each fault is a way to speak: it is handed the honest answer and decides what leaves, byte by byte.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tests.connectors.matrix.door import Answer, Line, Speak, honestly
from tests.connectors.matrix.venues import Little, spelling_of

HTML = b"<html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"
PAGE = {"Content-Type": "text/html"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to speak. `waits`: only the caller's own time-out ends it. `hasty`: before the request was read."""

    speak: Speak
    waits: bool = False
    hasty: bool = False


Change = Callable[[Any, Little], Any]


def _changed(change: Callable[[Line], Answer]) -> Fault:
    async def speak(line: Line) -> None:
        line.write(change(line).raw())

    return Fault(speak)


def _page(status: int, **headers: str) -> Fault:
    return _changed(lambda _: Answer(status, HTML, {**PAGE, **headers}))


def _body(body: bytes) -> Fault:
    return _changed(lambda line: replace(line.honest, body=body))


def _to(status: int, where: Callable[[Line], str]) -> Fault:
    return _changed(lambda line: Answer(status, b"", {"Location": where(line)}))


async def _reset(line: Line) -> None:
    line.reset()


async def _closed(line: Line) -> None:
    line.hang_up()


async def _silent(_: Line) -> None:
    await asyncio.sleep(60)


async def _drip(line: Line) -> None:
    line.write(line.honest.raw(**{"Content-Length": "100000"})[: -len(line.honest.body)])
    while not line.writer.transport.is_closing():
        line.write(b" ")
        await asyncio.sleep(0.02)


async def _cut(line: Line) -> None:
    raw = line.honest.raw(**{"Content-Length": str(len(line.honest.body) + 10)})
    line.write(raw)
    line.hang_up()


async def _cut_chunk(line: Line) -> None:
    body = line.honest.body
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    line.write(head + f"{len(body):x}\r\n".encode() + body + b"\r\n")
    line.hang_up()


async def _short(line: Line) -> None:
    """The length says half: the rest of the body comes where the next answer is expected."""
    line.write(line.honest.raw(**{"Content-Length": str(len(line.honest.body) // 2)}))


async def _twice(line: Line) -> None:
    line.write(line.honest.raw() * 2)


async def _huge(line: Line) -> None:
    size = 6 * 1024 * 1024
    line.write(line.honest.raw(**{"Content-Length": str(size)})[: -len(line.honest.body)])
    line.write(line.honest.body + b" " * (size - len(line.honest.body)))


def _rewritten(change: Callable[[Any], Any]) -> Callable[[Line], Answer]:
    def speak(line: Line) -> Answer:
        return replace(line.honest, body=json.dumps(change(json.loads(line.honest.body))).encode())

    return speak


def _walked(value: Any, told: str, instead: Callable[[Any], Any]) -> Any:
    """`value` with every place that holds `told` replaced; `...` leaves the place out."""
    if isinstance(value, dict):
        kept = {
            (instead(name) if name == told else name): (
                instead(each) if str(each) == told else _walked(each, told, instead)
            )
            for name, each in value.items()
        }
        return {str(name): each for name, each in kept.items() if name is not ... and each is not ...}
    if isinstance(value, list):
        kept_rows = [instead(each) if str(each) == told else _walked(each, told, instead) for each in value]
        return [each for each in kept_rows if each is not ...]
    return value


def about(venue: str, little: Little) -> Mapping[str, Fault]:
    """All faults, for an answer about this order."""
    spelling = spelling_of(venue)
    other = spelling.another
    deep = b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    def swapped(value: Any) -> Any:
        return int(other) if isinstance(value, int) else other

    faults = {
        "honest": Fault(honestly),
        "reset in mid-request": Fault(_reset, hasty=True),
        "reset": Fault(_reset),
        "closed": Fault(_closed),
        "silent": Fault(_silent, waits=True),
        "a byte at a time": Fault(_drip, waits=True),
        "cut by length": Fault(_cut),
        "cut by chunk": Fault(_cut_chunk),
        "bad gzip": _changed(lambda line: replace(line.honest, headers={"Content-Encoding": "gzip"})),
        "length too short": Fault(_short),
        "twice": Fault(_twice),
        "huge": Fault(_huge),
        "empty": _body(b""),
        "a page": _changed(lambda line: Answer(line.honest.status, HTML, PAGE)),
        "JSON under a page's type": _changed(lambda line: replace(line.honest, headers=PAGE)),
        "cut JSON": _changed(lambda line: replace(line.honest, body=line.honest.body[: len(line.honest.body) // 2])),
        "nothing in it": _body(b"{}"),
        "null": _body(b"null"),
        "another shape": _body(b'{"items": {"x": [1, {"y": null}]}}'),
        "a list": _body(b"[[1, 2], {}]"),
        "not a number": _body(b'{"orderId": NaN, "id": NaN}'),
        "deep": _body(deep),
        "no id": _changed(_rewritten(lambda body: _walked(body, little.order_id, lambda _: ...))),
        "null id": _changed(_rewritten(lambda body: _walked(body, little.order_id, lambda _: None))),
        "another's id": _changed(_rewritten(lambda body: _walked(body, little.spelled, swapped))),
        "301 to TLS": _to(301, lambda line: line.elsewhere.replace("http", "https") + line.asked.target),
        "302 elsewhere": _to(302, lambda line: line.elsewhere + line.asked.target),
        "307 elsewhere": _to(307, lambda line: line.elsewhere + line.asked.target),
        "307 here": _to(307, lambda _: "/moved"),
        "308 elsewhere": _to(308, lambda line: line.elsewhere + line.asked.target),
        "400 page": _page(400),
        "401 page": _page(401),
        "403 page": _page(403),
        "404 page": _page(404),
        "408 page": _page(408),
        "418 page": _page(418),
        "429 page": _page(429),
        "429 page, Retry-After": _page(429, **{"Retry-After": "1"}),
        "500 page": _page(500),
        "502 page": _page(502),
        "503 page": _page(503),
        "504 page": _page(504),
        "520 page": _page(520),
        "503 with a success": _changed(lambda line: replace(line.honest, status=503)),
        "524 with a success": _changed(lambda line: replace(line.honest, status=524)),
        "unknown code": _changed(lambda _: spelling.unknown),
        "refusal": _changed(lambda _: spelling.refusal),
        "refusal under 503": _changed(lambda _: replace(spelling.refusal, status=503)),
        "refusal for now": _changed(lambda _: spelling.busy),
        "used id": _changed(lambda _: spelling.used or spelling.unknown),
    }
    return MappingProxyType(faults)
