"""A wire to PostgreSQL whose client can stand still: from a message on, the server hears nothing more, and no goodbye.

To the server that is a process stopped by SIGSTOP, at a point one can choose: after the n-th message of the protocol.
"""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

_LENGTH = 4
_MAY_WE_ENCRYPT = (80877103).to_bytes(4, "big")


class FrozenWire:
    """Forwards connections to a server, message by message. `freeze_after(n)` lets n more messages pass."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._left: int | None = None
        self.frozen = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return self._parts._replace(netloc=f"{self._parts.username}@127.0.0.1:{port}").geturl()

    def freeze_after(self, messages: int) -> None:
        self._left = messages

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._forward(reader, writer)
        writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        back = asyncio.create_task(self._back(upstream, writer))
        try:
            while (first := await self._first(reader))[_LENGTH:] == _MAY_WE_ENCRYPT:
                to_server.write(first)
            to_server.write(first)
            while True:
                message = await self._message(reader)
                await self._hold()
                to_server.write(message)
        finally:
            back.cancel()
            to_server.transport.abort()

    async def _hold(self) -> None:
        if self._left is None:
            return
        if self._left == 0:
            self.frozen.set()
            await asyncio.Event().wait()
        self._left -= 1

    @staticmethod
    async def _first(reader: asyncio.StreamReader) -> bytes:
        """Start-up messages have no letter."""
        length = await reader.readexactly(_LENGTH)
        return length + await reader.readexactly(int.from_bytes(length, "big") - _LENGTH)

    @staticmethod
    async def _message(reader: asyncio.StreamReader) -> bytes:
        head = await reader.readexactly(1 + _LENGTH)
        return head + await reader.readexactly(int.from_bytes(head[1:], "big") - _LENGTH)

    @staticmethod
    async def _back(upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await upstream.read(65536):
                writer.write(data)
