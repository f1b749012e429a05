"""A loopback HTTP server that can answer well, or in any of the ways an answer goes wrong on the wire.

It is written down to the byte, because most of what it has to do no HTTP library lets a server do.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a venue says."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def raw(self, **changes: str) -> bytes:
        """As it goes over the wire."""
        headers = {"Content-Length": str(len(self.body)), **self.headers, **changes}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Said\r\n{lines}\r\n".encode() + self.body


def says(answer: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(answer).encode())


@dataclass(slots=True)
class Line:
    """One connection with a request on it, and the answer an honest venue would give."""

    asked: Asked
    honest: Answer
    writer: asyncio.StreamWriter
    elsewhere: str
    hung_up: bool = False

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def hang_up(self) -> None:
        """Close it, in the ordinary way."""
        self.hung_up = True

    def reset(self) -> None:
        """Close it with a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()
        self.hung_up = True


Speak = Callable[[Line], Awaitable[None]]


async def honestly(line: Line) -> None:
    """The answer, whole."""
    line.write(line.honest.raw())


class Door:
    """One address. `honest` answers, `speak` says how that answer reaches the caller, `asked` is all that arrived."""

    def __init__(self) -> None:
        self.honest: Callable[[Asked], Answer] = lambda _: says({}, 404)
        self.speak: Speak = honestly
        self.hasty = False  # speak after the request's first line: the rest is never read
        self.elsewhere = ""
        self.asked: list[Asked] = []
        self.connections = 0
        self._open: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Start listening; the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    await writer.drain()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._open.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is over."""
        first = (await reader.readline()).decode()
        if not first:
            return False
        method, target, _ = first.split(" ", 2)
        if self.hasty:
            line = Line(Asked(method, target, {}, b""), says({}), writer, self.elsewhere)
            self.asked.append(line.asked)
            await self.speak(line)
            return not line.hung_up
        headers = {}
        while (text := (await reader.readline()).decode().strip()) != "":
            name, _, value = text.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(method, target, headers, body)
        self.asked.append(asked)
        line = Line(asked, self.honest(asked), writer, self.elsewhere)
        await self.speak(line)
        await writer.drain()
        return not line.hung_up
