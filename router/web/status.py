"""What a driver shows of itself: status, metrics, probes, and the market as it sees it. Nothing here changes anything.

`/livez` says that the process turns; `/readyz` that it drives, every account is open and there are books to route on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from aiohttp import web

from router.journal import codec
from router.model.ids import InstrumentId
from router.model.market import MarketView

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What the pages read. Each is called per request; `view` raises `KeyError` for an unknown instrument."""

    status: Callable[[], Json]
    not_ready: Callable[[], str | None]
    metrics: Callable[[], bytes]
    view: Callable[[InstrumentId, Decimal], MarketView]


class StatusServer:
    """An HTTP server on a loopback address."""

    def __init__(self, shown: Shown, host: str, port: int) -> None:
        self._shown = shown
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen; returns the base URL."""
        app = web.Application(middlewares=[_same_origin])
        app.add_routes(
            [
                web.get("/", self._status),
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
                web.get("/view", self._view),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(self._shown.status())

    async def _livez(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        reason = self._shown.not_ready()
        return web.json_response({"ready": reason is None, "reason": reason}, status=200 if reason is None else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._shown.metrics(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _view(self, request: web.Request) -> web.Response:
        instrument = InstrumentId(request.query.get("instrument", ""))
        text = request.query.get("quantity", "1")
        if not text.replace(".", "", 1).isascii() or not text.replace(".", "", 1).isdigit():
            return _problem("quantity", "must be a plain decimal")
        try:
            view = self._shown.view(instrument, Decimal(text))
        except KeyError:
            return _problem("instrument", f"{instrument} is not configured")
        return web.Response(body=codec.dumps(view), content_type="application/json")


@web.middleware
async def _same_origin(request: web.Request, handler: Callable[..., object]) -> web.StreamResponse:
    """A page of another site must not read this one: it is for tools on this machine (DNS rebinding included)."""
    host = request.host.rpartition(":")[0].strip("[]")
    if host not in {"127.0.0.1", "localhost", "::1"} or "Origin" in request.headers:
        return _problem("host", "this page answers loopback addresses only", status=403)
    response = await handler(request)  # type: ignore[misc]  # aiohttp's own handler type is wider
    assert isinstance(response, web.StreamResponse)
    return response


def _problem(field: str, message: str, status: int = 400) -> web.Response:
    """RFC 9457."""
    body = {
        "type": "about:blank",
        "title": "bad input",
        "status": status,
        "detail": f"{field}: {message}",
        "field": field,
    }
    return web.json_response(body, status=status, content_type="application/problem+json")
