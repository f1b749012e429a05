"""The lab a configuration describes: one venue per section, each on the port of its `loopback` URL."""

from pathlib import Path
from urllib.parse import urlsplit

from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.lab.tapes import find_tapes
from connectors.settings import VenueSettings
from router.config import Config, Mode
from router.model.errors import BadInput


def lab_settings(config: Config, *, tapes: Path | None = None, seed: int | None = None) -> LabSettings:
    """What `connectors.lab` is started with. Raises `BadInput` for tapes that are not there."""
    if config.mode is not Mode.LAB:
        raise BadInput("mode", f"is {config.mode}: a lab belongs to mode lab")
    folder = tapes or config.lab.tapes
    found = find_tapes(str(folder)) if folder else None
    if folder and found is None:
        raise BadInput("tapes", f"the recordings are not in {folder}")
    return LabSettings(
        venues=tuple(_venue(venue, config.lab.read_lag_ms) for venue in config.venues),
        port=config.lab.port,
        seed=config.lab.seed if seed is None else seed,
        tapes=None if found is None else str(found),
    )


def _venue(settings: VenueSettings, read_lag_ms: int) -> LabVenueSettings:
    assert settings.loopback is not None
    port = urlsplit(settings.loopback).port
    if port is None:
        raise BadInput(f"venues.{settings.venue}.loopback", "must name a port")
    return LabVenueSettings(name=settings.venue, protocol=settings.ccxt_id, port=port, read_lag_ms=read_lag_ms)
