"""The settings as plain data: everything below `router.app` gets its part of this in its constructor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from connectors.settings import VenueSettings
from router.access import Role
from router.book.fx import FxPolicy
from router.market_record.sampling import Cadence
from router.model.ids import Asset, EntityId, VenueId
from router.model.instruments import Instrument
from router.model.terms import ConservationTerms, Orphans, RiskLimits


class Mode(StrEnum):
    """What stands at the other end. A database belongs to one mode."""

    LAB = "lab"
    """Loopback exchanges on this machine: no keys, no network."""
    PAPER = "paper"
    """Real public feeds, simulated fills."""
    TESTNET = "testnet"
    LIVE = "live"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """How long the driver waits. `approval_age_ms`: a child that waited longer for its socket is not sent.

    `lease_ttl_ms`: how long after its last renewal a driver that died still holds the shard. `request_poll_ms`: how
    often the request table is read. `snapshot_every`: journal rows between two snapshots. `archive_after_ms`: how long
    after its end a parent stays in memory.
    """

    lease_ttl_ms: int
    approval_age_ms: int
    request_poll_ms: int
    snapshot_every: int
    archive_after_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSettings:
    """`json`: one object per line; else coloured text for a person."""

    level: str
    json: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSettings:
    """The read-only status and metrics page of `sor serve`; loopback only. Port 0 takes a free one, None is none."""

    host: str
    port: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LabSettings:
    """The exchanges `sor lab` runs. `port` is the control surface; each venue listens where its `loopback` says.

    `read_lag_ms`: how long a new order stays invisible to look-ups, as it does at real venues.
    """

    port: int
    seed: int
    tapes: Path | None
    read_lag_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperSettings:
    """The accounts of mode paper, one file each in `folder`. `deposits` are credited to each account that trades them.

    `taker_fee_bps`: what a venue charges, where that is not the rate it lists for anybody.
    """

    folder: Path
    deposits: Mapping[Asset, Decimal]
    taker_fee_bps: Mapping[VenueId, Decimal]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """The file the journal's signed head is appended to, and how often; and are decisions proven beside a driver?"""

    heads: Path
    every_s: int
    prove: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpSettings:
    """Where the HTTP API listens (None: nowhere), under what certificate, by which names; see `HttpSection`."""

    host: str | None
    port: int
    tls_cert: Path | None
    tls_key: Path | None
    hosts: tuple[str, ...] = ()
    rate_per_s: int = 200
    body_ms: int = 10_000
    heartbeat_ms: int = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """All settings of one deployment. `source` is the file they came from; None for the built-in lab.

    The database URL may hold a password, so it does not show in `repr`. `unfenced`: venues that allow one driver only.
    """

    mode: Mode
    deployment: str
    entity: EntityId
    database_url: str = field(repr=False)
    instruments: tuple[Instrument, ...]
    fx: FxPolicy
    venues: tuple[VenueSettings, ...]
    side_age_ms_max: int | None
    limits: RiskLimits
    conservation: ConservationTerms
    timings: Timings
    market_record: Cadence | None
    """None: the market is not recorded."""
    log: LogSettings
    status: StatusSettings
    lab: LabSettings
    paper: PaperSettings
    audit: AuditSettings
    local_roles: frozenset[Role]
    """Of people who run commands on this machine without a key."""
    http: HttpSettings
    secrets_dir: Path
    unfenced: tuple[VenueId, ...] = ()
    orphans: Orphans = Orphans.ALARM
    fill_chances: str | None = None
    """The version of the learned set that splits reckon with."""
    source: Path | None = None
