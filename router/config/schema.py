"""The shape of `config.yaml`. Unknown names are refused everywhere; amounts are text or whole numbers."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)


def _amount(value: object) -> Decimal:
    # YAML reads 0.1 as a float, whose shortest text is what the person typed.
    text = value if isinstance(value, str) else repr(value) if isinstance(value, int | float) else ""
    if isinstance(value, bool) or not _AMOUNT.fullmatch(text):
        raise ValueError("must be a plain positive number of at most 12 digits before and after the point")
    return Decimal(text)


def _pair(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{2,12}/[A-Z0-9]{2,12}", value):
        raise ValueError("must be BASE/REPORTING, such as BTC/USD")
    return value


def _more_than_nothing(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be more than 0")
    return value


Amount = Annotated[Decimal, BeforeValidator(_amount)]
PositiveAmount = Annotated[Decimal, BeforeValidator(_amount), AfterValidator(_more_than_nothing)]
Pair = Annotated[str, AfterValidator(_pair)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Licence = Annotated[str, Field(pattern=r"^(lab|testnet) \d{4}-\d{2}-\d{2} ccxt \d+\.\d+\.\d+$")]
"""The name `sor venues probe-dedupe` gave to what it measured."""
Millis = Annotated[int, Field(gt=0, le=86_400_000)]
RoleName = Literal["viewer", "auditor", "submitter", "approver", "trader", "risk_admin", "admin"]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Section(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FxSection(Section):
    """How one quote currency is valued: a declared constant, or the mid of the first usable listing."""

    declared: PositiveAmount | None = None
    listings: tuple[str, ...] = ()
    age_ms_max: Millis = 5_000
    depeg_bps_max: Amount | None = None


class TermsSection(Section):
    """How long to doubt at a venue. What is left out comes from a table per exchange."""

    fence: Literal["DEADLINE", "PERMANENT_DEDUPE", "NONE"] | None = None
    request_ttl_ms: Millis | None = None
    engine_wait_ms: Millis | None = None
    read_lag_ms: Millis | None = None
    look_up_wait_ms: Millis | None = None
    quarantine_after_ms: Millis | None = None
    reconcile_every_ms: Millis | None = None
    outstanding_max: Annotated[int, Field(gt=0)] | None = None


class AttestationSection(Section):
    """Who looked at the venue's own page, and on which day."""

    by: Name
    on: date


class AttestSection(Section):
    """What the operator answers for where the venue tells nothing of the key; good for 90 days."""

    cannot_withdraw: AttestationSection | None = None
    ip_restricted: AttestationSection | None = None


class VenueSection(Section):
    """One venue account. `keys`: ccxt's name of a credential -> name of the secret that holds it."""

    ccxt_id: str | None = None
    account: Name = "main"
    symbols: dict[str, Pair] = Field(min_length=1)
    keys: dict[str, Name] = Field(default_factory=dict)
    attest: AttestSection = AttestSection()
    key_check: Literal["refuse", "report"] | None = None
    key_check_every_s: Annotated[int, Field(gt=0)] = 86_400
    fee_check_every_s: Annotated[int, Field(gt=0)] = 3_600
    options: dict[str, Any] = Field(default_factory=dict)
    loopback: str | None = None
    books: Literal["stream", "poll"] = "stream"
    dedupe_licensed: bool | Licence = False
    tier: Literal["A", "B", "C", "D"] | None = None
    acknowledge_tier: Literal["A", "B"] | None = None
    timeout_ms: Millis = 10_000
    silence_ms: Millis = 5_000
    poll_ms: Millis = 1_000
    dead_man_s: Annotated[int, Field(gt=0, le=86_400)] | None = None
    check_every_ms: Millis | None = 30_000
    check_apart_ms: Millis = 2_000
    report_ms: Millis = 5_000
    terms: TermsSection = TermsSection()


class BooksSection(Section):
    """When a book is not believed. `side_age_ms_max`: see `router.book.venue_book`; null never doubts a side."""

    side_age_ms_max: Millis | None = 90_000


class LimitsSection(Section):
    """Bounds on what may be sent: quantities in base, notionals in the reporting currency."""

    parent_quantity_max: PositiveAmount = Decimal(50)
    parent_notional_max: PositiveAmount = Decimal(5_000_000)
    child_notional_max: PositiveAmount = Decimal(2_500_000)
    day_notional_max: PositiveAmount = Decimal(20_000_000)
    collar_bps: PositiveAmount = Decimal(200)
    book_age_ms_max: Millis = 3_000


class ConservationSection(Section):
    """What follows from a balance nobody explains: `warn`, or `shut` the account. `tolerance`, by asset, is nothing."""

    unexplained_minus: Literal["warn", "shut"] = "shut"
    unexplained_plus: Literal["warn", "shut"] = "warn"
    tolerance: dict[Name, PositiveAmount] = Field(default_factory=dict)


class TimingsSection(Section):
    """How long the driver waits."""

    lease_ttl_ms: Millis = 5_000
    approval_age_ms: Millis = 50
    request_poll_ms: Millis = 100
    snapshot_every: Annotated[int, Field(gt=0)] = 2_000
    archive_after_ms: Annotated[int, Field(ge=60_000)] = 900_000


class MarketRecordSection(Section):
    """The sample of the market that is kept for measuring afterwards."""

    enabled: bool = True
    change_ms: Annotated[int, Field(ge=50, le=60_000)] = 200
    quiet_ms: Annotated[int, Field(ge=50, le=60_000)] = 1_000
    after_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 1_800_000
    write_ms: Annotated[int, Field(ge=500, le=60_000)] = 5_000
    keep_days: Annotated[int, Field(gt=0, le=3_650)] = 30
    always: tuple[Pair, ...] = ()


class LogSection(Section):
    """What is written while running."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class StatusSection(Section):
    """The page of `sor serve`."""

    port: Port | None = 8790


class AccessSection(Section):
    """Who may do what without a key: people who run commands on this machine.

    By default everything but administering and approving in modes lab and paper, and only reading in the others.
    """

    local_roles: tuple[RoleName, ...] | None = None


class HttpSection(Section):
    """The HTTP API of `sor serve` and `sor api`. `listen`: HOST:PORT, null for none.

    An address that is not loopback needs `tls_cert` and `tls_key` (PEM files), or `plain: true` where something before
    it does that; `hosts` are the names it is asked by. `rate_per_s`: requests of one key or user, at most. `body_ms`:
    how long a body may take to come. `heartbeat_ms`: how long a stream is silent at most.
    """

    listen: Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.\-]+):[0-9]{1,5}$")] | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    plain: bool = False
    hosts: tuple[str, ...] = ()
    rate_per_s: Annotated[int, Field(gt=0, le=100_000)] = 200
    body_ms: Millis = 10_000
    heartbeat_ms: Millis = 5_000


class LabSection(Section):
    """The exchanges of `sor lab`."""

    port: Port = 8700
    seed: int = 7
    tapes: Path | None = None
    read_lag_ms: Annotated[int, Field(ge=0, le=300)] = 0


def _paper_money() -> dict[str, Decimal]:
    return {
        "USD": Decimal(1_000_000),
        "USDT": Decimal(1_000_000),
        "USDC": Decimal(1_000_000),
        "EUR": Decimal(1_000_000),
        "BTC": Decimal(10),
        "ETH": Decimal(200),
    }


class AuditSection(Section):
    """Where the journal's signed head goes: `heads` should lie on another disk, or be carried off from where it lies.

    By default `.sor/heads/<mode>-<deployment>.jsonl`. `prove`: `sor serve` has every decision proven, by a process of
    its own, and keeps what came of it.
    """

    heads: Path | None = None
    every_s: Annotated[int, Field(gt=0, le=3_600)] = 60
    prove: bool = True


class LearnedSection(Section):
    """What was learned and is reckoned with. `fill`: the version of a set made by `sor learn fill`; none by default."""

    fill: Name | None = None


class PaperSection(Section):
    """The accounts of mode paper: what each is credited with, once per asset; rates other than the venues' public ones.

    `folder` keeps one file per account; by default beside the database, or in `.sor` where that is on a server.
    """

    deposits: dict[str, Amount] = Field(default_factory=_paper_money)
    taker_fee_bps: dict[Name, Amount] = Field(default_factory=dict)
    folder: Path | None = None


class File(BaseSettings):
    """The whole file. The environment (`SOR_MODE`, `SOR_LIMITS__COLLAR_BPS`, ...) goes before it."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="SOR_", env_nested_delimiter="__")

    mode: Literal["lab", "paper", "testnet", "live"] = "lab"
    deployment: Name = "lab"
    entity: Name = "desk"
    orphans: Literal["alarm", "cancel", "adopt"] = "alarm"
    database: str | None = None
    secrets_dir: Path = Path(".sor/secrets")
    allow_loopback_urls: bool = False
    live_trading: bool = False
    replicas: Annotated[int, Field(gt=0, le=16)] = 1
    instruments: tuple[Pair, ...] = Field(min_length=1)
    fx: dict[str, FxSection] = Field(default_factory=dict)
    venues: dict[Name, VenueSection] = Field(min_length=1)
    books: BooksSection = BooksSection()
    limits: LimitsSection = LimitsSection()
    conservation: ConservationSection = ConservationSection()
    timings: TimingsSection = TimingsSection()
    market_record: MarketRecordSection = MarketRecordSection()
    log: LogSection = LogSection()
    status: StatusSection = StatusSection()
    lab: LabSection = LabSection()
    paper: PaperSection = PaperSection()
    audit: AuditSection = AuditSection()
    learned: LearnedSection = LearnedSection()
    access: AccessSection = AccessSection()
    http: HttpSection = HttpSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrules the file; nothing else is asked."""
        return (env_settings, init_settings)
