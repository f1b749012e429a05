"""A lab as a whole: its venues, where their books come from, the control surface, and how it runs as a process."""

import asyncio
import errno
import logging
import signal
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.lab.control import ControlSurface
from connectors.lab.core import Exchange
from connectors.lab.faults import FaultDesk
from connectors.lab.flow import HiddenValues, VenueFlow
from connectors.lab.http import ApiKey
from connectors.lab.protocols import PROTOCOLS
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.lab.sources import Breath, Source
from connectors.lab.tapes import tape_sources
from connectors.lab.venue import LabVenue
from connectors.tape import read_manifest
from router.model.errors import BadInput

_LOG = logging.getLogger(__name__)
_STEP_S = 0.02
# How deep each venue's books are, in the order venues are listed: the first is the biggest.
_DEPTHS = (1.0, 0.6, 0.45)


class Lab:
    """Venues on loopback ports and the surface that controls them. `async with Lab(settings) as lab: ...`."""

    def __init__(self, settings: LabSettings) -> None:
        self.settings = settings
        self.faults = FaultDesk()
        self.venues: dict[str, LabVenue] = {}
        self.keys: dict[str, tuple[ApiKey, ...]] = {}
        for venue in settings.venues:
            self.keys[venue.name] = venue.keys or PROTOCOLS[venue.protocol].default_keys()
            self.venues[venue.name] = _venue(venue, self.keys[venue.name], self.faults)
        self._sources = _sources(settings, {name: venue.exchange for name, venue in self.venues.items()})
        self._paused: set[str] = set()
        self._control = ControlSurface(self)
        self._elapsed_ns = 0
        self._player: asyncio.Task[None] | None = None

    @property
    def control_url(self) -> str:
        """Base URL of the control surface."""
        return self._control.url

    async def start(self) -> None:
        """Listen on every port and let the world run. Books have their first levels when this returns.

        Raises `BadInput` when a port is in use.
        """
        self._step(0)
        try:
            await self._listen()
        except OSError as error:
            await self.stop()
            if error.errno != errno.EADDRINUSE:
                raise
            raise BadInput("lab.port", f"{error.strerror}: another lab may be running") from None
        self._player = asyncio.create_task(self._play(), name="lab-player")

    async def _listen(self) -> None:
        base = self.settings.port
        await self._control.start(base)
        for place, venue in enumerate(self.settings.venues, start=1):
            port = venue.port if venue.port is not None else (base + place if base else 0)
            await self.venues[venue.name].start(port)

    async def stop(self) -> None:
        """Cut all connections. Raises what broke a background task, if something did."""
        player, self._player = self._player, None
        if player is not None:
            player.cancel()
            await asyncio.wait([player])
        await self._control.stop()
        for venue in self.venues.values():
            await venue.stop()
        if player is not None and not player.cancelled():
            player.result()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def pause(self, venue: str | None = None) -> None:
        """The world of one venue, or of all, stands still; orders are still matched."""
        self._paused |= {venue} if venue else set(self.venues)

    def resume(self, venue: str | None = None) -> None:
        """The world goes on."""
        self._paused -= {venue} if venue else set(self.venues)

    @property
    def paused(self) -> frozenset[str]:
        """Venues whose world stands still."""
        return frozenset(self._paused)

    async def _play(self) -> None:
        last_ns = time.monotonic_ns()
        try:
            while True:
                await asyncio.sleep(_STEP_S)
                now_ns = time.monotonic_ns()
                if len(self._paused) < len(self.venues):
                    self._elapsed_ns += now_ns - last_ns
                last_ns = now_ns
                await self._step_gently()
        except Exception:
            _LOG.exception("the outside of the lab broke")
            raise

    async def _step_gently(self) -> None:
        for name, source in self._sources.items():
            if name not in self._paused:
                source.step(self._elapsed_ns, self.venues[name].now_ns())
                self.venues[name].touch()
                await asyncio.sleep(0)

    def _step(self, elapsed_ns: int) -> None:
        for name, source in self._sources.items():
            source.step(elapsed_ns, self.venues[name].now_ns())


async def run_lab(settings: LabSettings) -> None:
    """A lab until SIGINT or SIGTERM."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    async with Lab(settings) as lab:
        _LOG.info("control surface at %s", lab.control_url)
        for name, venue in lab.venues.items():
            _LOG.info("%s (%s) at %s", name, venue.protocol, venue.url)
        await done.wait()


def standard_settings(
    *,
    port: int = 0,
    seed: int = 7,
    static: bool = False,
    tapes: Path | None = None,
    speed: float = 1.0,
    read_lag_ms: int = 0,
    deposits: dict[str, Decimal] | None = None,
) -> LabSettings:
    """One venue of every protocol the lab speaks, under the protocol's name."""
    venues = tuple(
        LabVenueSettings(name=protocol, protocol=protocol, read_lag_ms=read_lag_ms) for protocol in PROTOCOLS
    )
    if deposits is not None:
        venues = tuple(replace(venue, deposits=deposits) for venue in venues)
    return LabSettings(
        venues=venues,
        port=port,
        seed=seed,
        static=static,
        tapes=str(tapes) if tapes else None,
        speed=speed,
    )


def _venue(settings: LabVenueSettings, keys: tuple[ApiKey, ...], faults: FaultDesk) -> LabVenue:
    protocol = PROTOCOLS[settings.protocol]
    rules = protocol.default_rules(settings.name, settings.read_lag_ms * 1_000_000)
    if settings.taker_fee_bps is not None:
        rules = replace(rules, taker_fee_bps=settings.taker_fee_bps)
    if settings.maker_fee_bps is not None:
        rules = replace(rules, maker_fee_bps=settings.maker_fee_bps)
    if settings.duplicates is not None:
        rules = replace(rules, duplicates=settings.duplicates)
    exchange = Exchange(rules, settings.symbols or protocol.default_symbols())
    for account in sorted({key.account for key in keys}):
        for asset, amount in settings.deposits.items():
            exchange.deposit(account, asset, amount)
    return protocol(
        name=settings.name,
        exchange=exchange,
        keys=keys,
        faults=faults,
        clock_offset_ns=settings.clock_offset_ms * 1_000_000,
    )


def _sources(settings: LabSettings, exchanges: dict[str, Exchange]) -> dict[str, Source]:
    if settings.static:
        breath_ns = settings.breath_ms * 1_000_000
        return {name: Breath(exchange, breath_ns) for name, exchange in exchanges.items()}
    if settings.tapes is not None:
        folder = Path(settings.tapes)
        if read_manifest(folder) is not None:
            from connectors.lab.recorded import recorded_sources  # noqa: PLC0415 - decodes as traded: brings ccxt with it

            return dict(recorded_sources(folder, exchanges, speed=settings.speed, seed=settings.seed))
        return dict(tape_sources(folder, exchanges, speed=settings.speed, seed=settings.seed))
    values = HiddenValues(settings.seed, settings.mid)
    return {
        name: VenueFlow(
            exchange=exchange,
            values=values,
            seed=settings.seed,
            depth=_DEPTHS[min(place, len(_DEPTHS) - 1)],
        )
        for place, (name, exchange) in enumerate(exchanges.items())
    }
