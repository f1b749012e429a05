"""Websocket sessions of a venue: one queue and one writer each, with the faults that befall frames."""

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import web

from connectors.lab.faults import FaultDesk, FaultKind, FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable

_QUEUE_MAX = 20_000
_LINGER_RESET = struct.pack("ii", 1, 0)


def reset_connection(transport: asyncio.BaseTransport | None) -> None:
    """Close with RST, as a dying load balancer does."""
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:  # the client may have closed it already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


class Session:
    """One websocket. `state` is the protocol's own; `account` is set once the client has shown who it is."""

    def __init__(
        self, *, number: int, path: str, private: bool, venue: str, faults: FaultDesk, now_ns: "Callable[[], int]"
    ) -> None:
        self.number = number
        self.path = path
        self.private = private
        self.account: str | None = None
        self.state: dict[str, object] = {}
        self.subscriptions: set[str] = set()
        self._venue = venue
        self._faults = faults
        self._now_ns = now_ns
        self._frames: deque[str] = deque()
        self._held: str | None = None
        self._held_until_ns = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._silent_until_ns = 0
        self._stuck = False
        self._killed = False
        self._transport: asyncio.BaseTransport | None = None

    @property
    def channel(self) -> str:
        """`private` or `public`: what channel faults name."""
        return "private" if self.private or self.account is not None else "public"

    def send(self, text: str, kind: FrameKind) -> None:
        """Queue a frame, unless a fault says otherwise."""
        if kind is FrameKind.REPLY:
            self._queue(text)
            return
        if self._now_ns() < self._silent_until_ns:
            return
        rule = self._faults.on_frame(self._venue, kind)
        if rule is None:
            self._queue(text)
            if kind is FrameKind.REPORT:
                self._release()
        elif rule.fault is FaultKind.WS_KILL:
            self.kill()
        elif rule.fault is FaultKind.REPORT_REPEAT:
            self._queue(text)
            self._queue(text)
        elif rule.fault is FaultKind.REPORT_REORDER:
            self._release()
            self._held = text
            self._held_until_ns = self._now_ns() + int(rule.number("hold_ms", 200) * 1e6)

    def kill(self) -> None:
        """Reset the socket without a closing frame."""
        self._killed = True
        self._frames.clear()
        reset_connection(self._transport)
        self._wake.set()

    def silence(self, duration_ns: int) -> None:
        """Send nothing but replies for a while. What should have been sent is gone."""
        self._silent_until_ns = self._now_ns() + duration_ns

    def stick(self, duration_s: float) -> None:
        """Move nothing in either direction for a while; what was sent meanwhile arrives late."""
        self._stuck = True
        if isinstance(self._transport, asyncio.Transport):
            self._transport.pause_reading()
        asyncio.get_running_loop().call_later(duration_s, self._unstick)

    def push(self, text: str) -> None:
        """A frame past every fault."""
        self._queue(text)

    def tick(self) -> None:
        """Let go of a frame held back for too long."""
        if self._held is not None and self._now_ns() >= self._held_until_ns:
            self._release()

    async def sent(self) -> None:
        """Returns when everything queued so far has been handed to the socket."""
        await self._idle.wait()

    async def write_all(self, ws: web.WebSocketResponse, transport: asyncio.BaseTransport | None) -> None:
        """The writer: until killed or cancelled."""
        self._transport = transport
        try:
            while not self._killed:
                while self._frames and not self._stuck:
                    await ws.send_str(self._frames.popleft())
                self._idle.set()
                self._wake.clear()
                await self._wake.wait()
        finally:
            self._killed = True
            self._idle.set()

    def _queue(self, text: str) -> None:
        if self._killed:
            return
        if len(self._frames) >= _QUEUE_MAX:
            self.kill()  # a reader that slow is cut off, as venues do
            return
        self._frames.append(text)
        self._idle.clear()
        self._wake.set()

    def _unstick(self) -> None:
        self._stuck = False
        if not self._killed and isinstance(self._transport, asyncio.Transport) and not self._transport.is_closing():
            self._transport.resume_reading()
        self._wake.set()

    def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._queue(held)
