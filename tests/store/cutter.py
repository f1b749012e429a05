"""A wire to PostgreSQL that can be cut at COMMIT: before the server hears it, after it answered, or while it waits."""

import asyncio
from contextlib import suppress
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class Cut(Enum):
    BEFORE = "the server never hears COMMIT"
    AFTER = "the server commits, its answer is lost"
    LATE = "the client is cut off at once, COMMIT reaches the server later"


class Cutter:
    """Forwards connections to a server. Armed with a `Cut`, it does it once, at the next chance.

    Several statements are committed by COMMIT; one statement, by itself: then `at` is something that stands in it.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.armed: Cut | None = None
        self._at = COMMIT
        self.stay_down = False
        self.let_go = asyncio.Event()
        self.late_is_over = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        self.let_go.set()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return self._parts._replace(netloc=f"{self._parts.username}@127.0.0.1:{port}").geturl()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        with suppress(OSError, asyncio.CancelledError):
            if not self.stay_down:
                await self._forward(reader, writer)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        swallow = asyncio.Event()
        back = asyncio.create_task(self._back(upstream, writer, swallow))
        try:
            while data := await reader.read(65536):
                cut = self._due(data)
                if cut is None:
                    to_server.write(data)
                    continue
                self.armed = None
                swallow.set()
                if cut is Cut.AFTER:
                    to_server.write(data)
                    await back
                writer.transport.abort()
                if cut is Cut.LATE:
                    await self.let_go.wait()
                    to_server.write(data)
                    with suppress(OSError):
                        await to_server.drain()
                    await back
                    self.late_is_over.set()
                return
        finally:
            back.cancel()
            to_server.close()
            with suppress(OSError):
                await to_server.wait_closed()

    def arm(self, cut: Cut, at: bytes = COMMIT) -> None:
        self.armed, self._at = cut, at

    def _due(self, data: bytes) -> Cut | None:
        return self.armed if self._at in data else None

    async def _back(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: asyncio.Event) -> None:
        """From the server to the client; once it is to be swallowed, up to the answer to COMMIT."""
        with suppress(OSError):
            while data := await upstream.read(65536):
                if swallow.is_set():
                    return
                writer.write(data)
        writer.close()
