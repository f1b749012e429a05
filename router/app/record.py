"""`sor record`: a day of one's own venues, written down as it came, for the lab to play again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.ccxt_venue.recorder import Recorder, Scrub
from connectors.settings import VenueSettings
from connectors.tape import FORMAT, Room, TapeWriter, write_manifest
from router.app.version import VERSION
from router.config import Config
from router.model.errors import BadInput, SorError
from router.ports import Clock

_FILE_BYTES = 32_000_000
_LOOK_S = 0.05
Json = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is to be recorded. None: all that is configured. `for_s` None: until stopped."""

    folder: Path
    venues: Sequence[str] | None
    symbols: Sequence[str] | None
    for_s: float | None
    private: bool
    bytes_max: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What came of it. `lost`: venues that could not be recorded, and why."""

    manifest: Mapping[str, Json]
    ended: str
    lost: Mapping[str, str]


class _Ending:
    """Why the recording is over, once it is."""

    def __init__(self) -> None:
        self.why: str | None = None

    def end(self, why: str) -> None:
        self.why = self.why or why


async def record(
    config: Config,
    clock: Clock,
    wanted: Wanted,
    scrub: Scrub,
    stop: asyncio.Event,
    *,
    beside_driver: bool,
    running: Callable[[Sequence[Recorder]], None] = lambda _: None,
) -> Recorded:
    """Record until the time is over, the disk's bound is reached, or `stop`. Raises `BadInput`, `SorError`.

    `running` is called with the recorders once their streams were started.
    """
    settings = [_narrowed(venue, wanted) for venue in _chosen(config, wanted, beside_driver=beside_driver)]
    recorders = [Recorder(venue, clock, beside_driver=beside_driver) for venue in settings]
    try:
        prepared = await asyncio.gather(*(one.prepare() for one in recorders), return_exceptions=True)
        lost: dict[str, str] = {}
        ready: list[tuple[Recorder, Mapping[str, Json]]] = []
        for one, markets in zip(recorders, prepared, strict=True):
            if isinstance(markets, SorError):
                lost[one.settings.venue] = str(markets)
            elif isinstance(markets, BaseException):
                raise markets
            else:
                ready.append((one, markets))
        if not ready:
            raise SorError("; ".join(f"{venue}: {why}" for venue, why in lost.items()))
        _make(wanted.folder)
        return await _run(config, wanted, scrub, stop, ready, lost, running)
    finally:
        await asyncio.gather(*(one.stop() for one in recorders), return_exceptions=True)


async def _run(
    config: Config,
    wanted: Wanted,
    scrub: Scrub,
    stop: asyncio.Event,
    ready: Sequence[tuple[Recorder, Mapping[str, Json]]],
    lost: Mapping[str, str],
    running: Callable[[Sequence[Recorder]], None],
) -> Recorded:
    ending, room = _Ending(), Room(bytes_max=wanted.bytes_max)
    began = datetime.now(UTC)
    tapes = {one.settings.venue: _tapes(wanted, one, markets, room, began) for one, markets in ready}
    head = {
        "made": began.isoformat(timespec="seconds"),
        "mode": config.mode.value,
        "sor": VERSION,
        "lost": dict(lost),
    }
    # At once, so that what a killed recorder leaves can be played: its files are found by their names.
    write_manifest(
        wanted.folder, {**head, "ended": None, "venues": {one.settings.venue: _told(one) for one, _ in ready}}
    )
    for one, _ in ready:
        public, private = tapes[one.settings.venue]
        one.begin(public, private, scrub, ending.end)
    running([one for one, _ in ready])
    loop = asyncio.get_running_loop()
    ends = None if wanted.for_s is None else loop.time() + wanted.for_s
    while ending.why is None:
        if stop.is_set():
            ending.end("it was stopped")
        elif ends is not None and loop.time() >= ends:
            ending.end("the time was over")
        else:
            await asyncio.sleep(_LOOK_S)
    for one, _ in ready:
        await one.stop()
    venues = {}
    for one, _ in ready:
        public, private = tapes[one.settings.venue]
        files = {"files": list(public.close()), "private_files": [] if private is None else list(private.close())}
        venues[one.settings.venue] = {**_told(one), **files, "gaps": one.gaps.ended()}
    manifest = {**head, "ended": ending.why, "venues": venues}
    write_manifest(wanted.folder, manifest)
    assert ending.why is not None
    return Recorded(manifest=manifest, ended=ending.why, lost=lost)


def _tapes(
    wanted: Wanted, recorder: Recorder, markets: Mapping[str, Json], room: Room, began: datetime
) -> tuple[TapeWriter, TapeWriter | None]:
    venue = recorder.settings.venue
    stamp = began.strftime("%Y%m%dT%H%M%SZ")
    meta = {
        "format": FORMAT,
        "venue": venue,
        "protocol": recorder.settings.ccxt_id,
        "symbols": list(markets),
        "ts_resolution": "ns",
        "source": f"recorded by crypto-sor {VERSION}",
    }
    size = min(_FILE_BYTES, max(wanted.bytes_max // 4, 1))
    public = TapeWriter(
        wanted.folder,
        f"{venue}_{stamp}",
        {**meta, "channel": "public", "markets": markets},
        room,
        file_bytes_max=size,
    )
    if not wanted.private:
        return public, None
    private_meta = {**meta, "channel": "private"}
    return public, TapeWriter(wanted.folder, f"{venue}_{stamp}_private", private_meta, room, file_bytes_max=size)


def _told(recorder: Recorder) -> dict[str, Json]:
    """What is known of a venue's tape before it is closed."""
    settings = recorder.settings
    return {
        "protocol": settings.ccxt_id,
        "symbols": dict(settings.symbols),
        "books": settings.books.value,
        "files": [],
        "private_files": [],
        "gaps": [],
    }


def _chosen(config: Config, wanted: Wanted, *, beside_driver: bool) -> Sequence[VenueSettings]:
    known = {venue.venue: venue for venue in config.venues}
    for name in wanted.venues or ():
        if name not in known:
            raise BadInput("venues", f"{name} is not configured; {', '.join(known)} are")
    symbols = {symbol for venue in config.venues for symbol in venue.symbols}
    for name in wanted.symbols or ():
        if name not in symbols:
            raise BadInput("symbols", f"{name} is not configured; {', '.join(sorted(symbols))} are")
    chosen = [venue for name, venue in known.items() if wanted.venues is None or name in wanted.venues]
    if wanted.private and beside_driver:
        raise BadInput("private", "a driver uses the keys now: record private feeds while none runs")
    if wanted.private and not any(venue.private for venue in chosen):
        raise BadInput("private", f"no keys are read in mode {config.mode}: there are no private feeds")
    narrowed = [venue for venue in chosen if _symbols(venue, wanted)]
    if not narrowed:
        raise BadInput("symbols", "none of these venues lists one of these symbols")
    return narrowed


def _symbols(venue: VenueSettings, wanted: Wanted) -> Mapping[str, Any]:
    return {name: one for name, one in venue.symbols.items() if wanted.symbols is None or name in wanted.symbols}


def _narrowed(venue: VenueSettings, wanted: Wanted) -> VenueSettings:
    """Only what is wanted; without keys where nothing private is."""
    keys = venue.credentials if wanted.private else {}
    return replace(venue, symbols=_symbols(venue, wanted), credentials=keys)


def _make(folder: Path) -> None:
    """An empty folder of our own: a tape is never mixed with another."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput("folder", f"{folder} is there already: name a new or an empty one")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadInput("folder", f"{folder} cannot be made ({error.strerror})") from None
