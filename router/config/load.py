"""From `config.yaml` and the environment to `Config`, or to one sentence about what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.keys import Attestation, Attestations, KeyCheck
from connectors.settings import BookSource, Secret, VenueSettings
from router.access import SECOND_FACTOR, Role, check_roles, read_roles
from router.book.fx import FxPolicy, FxRule
from router.config.schema import (
    AccessSection,
    AttestationSection,
    AttestSection,
    ConservationSection,
    File,
    FxSection,
    HttpSection,
    LimitsSection,
    MarketRecordSection,
    VenueSection,
)
from router.config.secrets import lab_credentials, secret
from router.config.sentences import bad_input
from router.config.settings import (
    AuditSettings,
    Config,
    HttpSettings,
    LabSettings,
    LogSettings,
    Mode,
    PaperSettings,
    StatusSettings,
    Timings,
)
from router.config.terms import terms_of, without_fence
from router.config.tiers import tier_of
from router.market_record.sampling import Cadence
from router.model.errors import BadInput
from router.model.ids import Asset, EntityId, InstrumentId, ListingId, VenueId, account_id, listing_id
from router.model.instruments import Instrument
from router.model.terms import ConservationTerms, Orphans, RiskLimits

DEFAULT_TEXT = resources.files("router.config").joinpath("lab.yaml").read_text()
"""The built-in configuration: three lab exchanges. The repository's `config.yaml` is a copy of it."""

_LOOPBACK = "127.0.0.1"
_PORT_MAX = 65_535
_LOCAL_MONEY = frozenset({Role.VIEWER, Role.AUDITOR})
_LOCAL_PLAY = _LOCAL_MONEY | {Role.SUBMITTER, Role.TRADER, Role.RISK_ADMIN}


def load(path: Path | None) -> Config:
    """The settings in `path`, or the built-in lab; what is relative in a file is relative to the file."""
    return _build(validated(path), folder_of(path), path)


def validated(path: Path | None) -> File:
    """The settings as they are written, each of them well-formed. Raises `BadInput`."""
    return _validated(parsed(read(path)))


def folder_of(path: Path | None) -> Path:
    """Where the settings stand."""
    return Path.cwd() if path is None else path.resolve().parent


def read(path: Path | None) -> str:
    """The file's text, or the built-in one. Raises `BadInput`."""
    if path is None:
        return DEFAULT_TEXT
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("config", f"{path} cannot be read ({type(error).__name__})") from None


class _NoRepeats(yaml.SafeLoader):
    """YAML keeps the last of two equal keys in silence; here the second is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise BadInput(str(twice), f"stands twice in the same section, near line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)


def parsed(text: str, what: str = "config") -> dict[str, Any]:
    """What the text says, nothing checked but its form. Raises `BadInput`; `what` is the field to blame."""
    try:
        found = yaml.load(text, Loader=_NoRepeats)  # noqa: S506 - a SafeLoader that also refuses repeated keys
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise BadInput(what, f"is not YAML{where}") from None
    if not isinstance(found, dict):
        raise BadInput(what, "must be a mapping of settings" if what == "config" else "must have named fields")
    return {str(key): value for key, value in found.items()}


def _validated(found: dict[str, Any]) -> File:
    try:
        return File(**found)
    except ValidationError as error:
        raise bad_input(error, File, "config", "a setting", hide="keys") from None
    except SettingsError as error:
        raise BadInput("environment", str(error).splitlines()[0]) from None


def _build(file: File, folder: Path, path: Path | None) -> Config:
    mode = Mode(file.mode)
    for problem in problems(file):
        raise problem
    instruments = tuple(_instrument(name) for name in file.instruments)
    venues = tuple(venue_settings(file, mode, name, section, folder) for name, section in file.venues.items())
    for problem in (*shared_keys(venues), *beyond_one_replica(file, mode, venues)):
        raise problem
    return Config(
        mode=mode,
        deployment=file.deployment,
        entity=EntityId(file.entity),
        database_url=database_url(file, mode, folder),
        instruments=instruments,
        fx=fx_policy(file.fx, venues),
        venues=venues,
        side_age_ms_max=file.books.side_age_ms_max,
        limits=RiskLimits(**file.limits.model_dump()),
        conservation=_conservation(file.conservation),
        timings=Timings(**file.timings.model_dump()),
        market_record=_cadence(file.market_record),
        log=LogSettings(level=file.log.level, json=file.log.format == "json"),
        status=StatusSettings(host=_LOOPBACK, port=file.status.port),
        lab=LabSettings(
            port=file.lab.port,
            seed=file.lab.seed,
            tapes=_beside(folder, file.lab.tapes),
            read_lag_ms=file.lab.read_lag_ms,
        ),
        paper=paper_settings(file, mode, folder),
        audit=AuditSettings(
            heads=_beside(folder, file.audit.heads or Path(f".sor/heads/{mode}-{file.deployment}.jsonl")),
            every_s=file.audit.every_s,
            prove=file.audit.prove,
        ),
        fill_chances=file.learned.fill,
        local_roles=local_roles(file.access, mode),
        http=http_settings(file.http, folder),
        secrets_dir=_beside(folder, file.secrets_dir),
        unfenced=() if mode is Mode.PAPER else without_fence(venues),
        orphans=Orphans(file.orphans),
        source=path,
    )


def _cadence(section: MarketRecordSection) -> Cadence | None:
    if not section.enabled:
        return None
    always = tuple(InstrumentId(name) for name in section.always)
    return Cadence(**{**section.model_dump(exclude={"enabled"}), "always": always})


def _instrument(name: str) -> Instrument:
    base, _, reporting = name.partition("/")
    return Instrument(id=InstrumentId(name), base=Asset(base), reporting=Asset(reporting))


def problems(file: File) -> Iterator[BadInput]:
    """All that is wrong with settings that are each well-formed, before any secret is read."""
    mode = Mode(file.mode)
    yield from _of_mode(file, mode)
    if mode is Mode.LIVE:
        yield from _of_live(file)
    yield from _of_symbols(file)


def beyond_one_replica(file: File, mode: Mode, venues: Sequence[VenueSettings]) -> Iterator[BadInput]:
    """What a deployment of several drivers may not have: a database in a file, or a venue without a fence.

    A driver that stands still and wakes may send what its successor holds for never sent; such a venue takes it.
    """
    if file.replicas == 1:
        return
    if not (file.database or "").startswith("postgresql://"):
        yield BadInput("replicas", f"{file.replicas} drivers need a database on a server (postgresql://), not a file")
    if mode is not Mode.PAPER and (unfenced := without_fence(venues)):
        names = ", ".join(unfenced)
        yield BadInput("replicas", f"must be 1: {names} would take a late order of a driver that was replaced")


def _of_mode(file: File, mode: Mode) -> Iterator[BadInput]:
    """The ladder lab -> paper -> testnet -> live is climbed on purpose (D10)."""
    for name, venue in file.venues.items():
        if mode is Mode.LAB and venue.loopback is None:
            yield BadInput(f"venues.{name}.loopback", "is required in mode lab: the lab is the only venue there")
        if mode in {Mode.LIVE, Mode.TESTNET} and venue.loopback is not None:
            yield BadInput(f"venues.{name}.loopback", f"has no place in mode {mode}")
        if mode is Mode.TESTNET:
            yield from _of_testnet(name, venue)
        if venue.loopback is not None and not file.allow_loopback_urls:
            yield BadInput(f"venues.{name}.loopback", "needs the explicit switch `allow_loopback_urls: true`")


def _of_testnet(name: str, venue: VenueSection) -> Iterator[BadInput]:
    from connectors.ccxt_venue.hosts import check_testnet  # noqa: PLC0415 - brings ccxt with it

    try:
        check_testnet(venue.ccxt_id or name, streamed=venue.books == "stream")
    except BadInput as error:
        yield BadInput(f"venues.{name}.{error.field}", error.message)


def _of_live(file: File) -> Iterator[BadInput]:
    if not file.live_trading:
        yield BadInput("live_trading", "must be true for mode live: orders there spend real money")
    for name in LimitsSection.model_fields:
        if name not in file.limits.model_fields_set:
            yield BadInput(f"limits.{name}", "must be set by hand for mode live")
    for name, venue in file.venues.items():
        if not venue.keys:
            yield BadInput(f"venues.{name}.keys", "are required for mode live")
        if venue.key_check == "report":
            yield BadInput(f"venues.{name}.key_check", "must be refuse in mode live: there is money there")
        tier = tier_of(venue.ccxt_id or name, venue.tier)
        if tier in {"A", "B"} and venue.acknowledge_tier != tier:
            yield BadInput(
                f"venues.{name}.acknowledge_tier",
                f"must be {tier}: nobody has traded through this connector on the real venue",
            )


def _of_symbols(file: File) -> Iterator[BadInput]:
    for instrument in file.market_record.always:
        if instrument not in file.instruments:
            yield BadInput("market_record.always", f"{instrument} is not among `instruments`")
    for name, venue in file.venues.items():
        for symbol, instrument in venue.symbols.items():
            if instrument not in file.instruments:
                yield BadInput(f"venues.{name}.symbols.{symbol}", f"{instrument} is not among `instruments`")
            if symbol.partition("/")[0] != instrument.partition("/")[0]:
                yield BadInput(f"venues.{name}.symbols.{symbol}", f"has another base asset than {instrument}")


def venue_settings(file: File, mode: Mode, name: str, section: VenueSection, folder: Path) -> VenueSettings:
    """One venue account, its secrets read. Raises `BadInput`."""
    venue, ccxt_id = VenueId(name), section.ccxt_id or name
    account = account_id(venue, section.account)
    in_lab = section.loopback is not None
    try:
        return VenueSettings(
            ccxt_id=ccxt_id,
            venue=venue,
            account=account,
            symbols={symbol: InstrumentId(instrument) for symbol, instrument in section.symbols.items()},
            terms=terms_of(
                ccxt_id, account, section.terms, in_lab=in_lab, dedupe_licensed=bool(section.dedupe_licensed)
            ),
            credentials=_credentials(file, mode, name, section, folder),
            key_names={} if mode is Mode.PAPER else section.keys,
            client_options=section.options,
            loopback=section.loopback,
            loopback_allowed=file.allow_loopback_urls,
            testnet=mode is Mode.TESTNET,
            dedupe_licensed=bool(section.dedupe_licensed),
            licence=section.dedupe_licensed if isinstance(section.dedupe_licensed, str) else None,
            books=BookSource(section.books),
            tier=tier_of(ccxt_id, section.tier),
            key_check=None if section.key_check is None else KeyCheck(section.key_check),
            key_check_every_s=section.key_check_every_s,
            fee_check_every_s=section.fee_check_every_s,
            attest=_attest(section.attest),
            timeout_ms=section.timeout_ms,
            silence_ms=section.silence_ms,
            poll_ms=section.poll_ms,
            dead_man_s=section.dead_man_s,
            check_every_ms=section.check_every_ms,
            check_apart_ms=section.check_apart_ms,
            report_ms=section.report_ms,
        )
    except BadInput as error:
        if error.field.startswith("venues."):
            raise
        raise BadInput(f"venues.{name}.{error.field}", error.message) from None


def shared_keys(venues: Sequence[VenueSettings]) -> Iterator[BadInput]:
    """One key is one account's: two that share it would spend one budget and one row of nonces twice."""
    first: dict[tuple[str, Secret], VenueId] = {}
    for venue in venues:
        key = venue.credentials.get("apiKey")
        if key is None or venue.in_lab:
            continue
        holder = first.setdefault((venue.ccxt_id, key), venue.venue)
        if holder != venue.venue:
            yield BadInput(f"venues.{venue.venue}.keys.apiKey", f"is the key of venues.{holder} too")


def _conservation(section: ConservationSection) -> ConservationTerms:
    return ConservationTerms(
        shut_on_minus=section.unexplained_minus == "shut",
        shut_on_plus=section.unexplained_plus == "shut",
        tolerance=tuple((Asset(asset), amount) for asset, amount in section.tolerance.items()),
    )


def _attest(section: AttestSection) -> Attestations:
    def given(one: AttestationSection | None) -> Attestation | None:
        return None if one is None else Attestation(by=one.by, on=one.on)

    return Attestations(cannot_withdraw=given(section.cannot_withdraw), ip_restricted=given(section.ip_restricted))


def _credentials(file: File, mode: Mode, name: str, section: VenueSection, folder: Path) -> Mapping[str, Secret]:
    """Paper reads no keys, even where a file is ready for live: what is not there cannot be used."""
    if mode is Mode.PAPER:
        return {}
    if mode is Mode.LAB and not section.keys:
        return lab_credentials(section.ccxt_id or name)
    return {
        key: secret(held_by, f"venues.{name}.keys.{key}", _beside(folder, file.secrets_dir))
        for key, held_by in section.keys.items()
    }


def fx_policy(sections: Mapping[str, FxSection], venues: Sequence[VenueSettings]) -> FxPolicy:
    """How currencies are valued. Raises `BadInput`."""
    known = {listing_id(venue.account, symbol) for venue in venues for symbol in venue.symbols}
    rules = []
    for asset, section in sections.items():
        if section.declared is not None and section.listings:
            raise BadInput(f"fx.{asset}", "has both a declared rate and listings: choose one")
        for listing in section.listings:
            if listing not in known:
                raise BadInput(f"fx.{asset}.listings", f"{listing} is not a symbol of a configured venue account")
        rules.append(
            FxRule(
                asset=Asset(asset),
                declared=section.declared,
                listings=tuple(ListingId(listing) for listing in section.listings),
                age_ms_max=section.age_ms_max,
                depeg_bps_max=section.depeg_bps_max,
            )
        )
    return FxPolicy(rules=tuple(rules))


def database_url(file: File, mode: Mode, folder: Path) -> str:
    """As given, or one file per mode beside the settings. Raises `BadInput`."""
    url = file.database or f"sqlite:///.sor/{mode}.db"
    if url.startswith("postgresql://"):
        return url
    if not url.startswith("sqlite:///"):
        raise BadInput("database", "must begin with sqlite:/// or postgresql://")
    return f"sqlite:///{folder / url.removeprefix('sqlite:///')}"


def paper_settings(file: File, mode: Mode, folder: Path) -> PaperSettings:
    """The simulated accounts. Raises `BadInput`."""
    for name in file.paper.taker_fee_bps:
        if name not in file.venues:
            raise BadInput(f"paper.taker_fee_bps.{name}", "is not a configured venue")
    url = database_url(file, mode, folder)
    beside = Path(url.removeprefix("sqlite:///")).parent if url.startswith("sqlite:///") else folder / ".sor"
    return PaperSettings(
        folder=beside if file.paper.folder is None else folder / file.paper.folder.expanduser(),
        deposits={Asset(asset): amount for asset, amount in file.paper.deposits.items()},
        taker_fee_bps={VenueId(name): rate for name, rate in file.paper.taker_fee_bps.items()},
    )


def local_roles(section: AccessSection, mode: Mode) -> frozenset[Role]:
    """Where nothing is at stake whoever is here may trade; elsewhere only what the settings say. Raises `BadInput`."""
    if section.local_roles is not None:
        given = check_roles(read_roles(section.local_roles), field="access.local_roles")
        if given & SECOND_FACTOR and mode in {Mode.TESTNET, Mode.LIVE}:
            raise BadInput(
                "access.local_roles", f"{', '.join(sorted(given & SECOND_FACTOR))} takes a second factor: sor login"
            )
        return given
    return _LOCAL_PLAY if mode in {Mode.LAB, Mode.PAPER} else _LOCAL_MONEY


def http_settings(section: HttpSection, folder: Path, listen: str | None = None) -> HttpSettings:
    """Where the API listens; `listen` goes before the file. Raises `BadInput`."""
    where = listen or section.listen
    host, _, port = (where or ":0").rpartition(":")
    host = host.strip("[]")
    if not port.isascii() or not port.isdigit() or int(port) > _PORT_MAX or (where is not None and not host):
        raise BadInput("http.listen", "must be HOST:PORT, such as 127.0.0.1:8791")
    if (section.tls_cert is None) != (section.tls_key is None):
        raise BadInput("http.tls_key", "goes with tls_cert: give both or neither")
    if where is not None and not is_loopback(host) and section.tls_cert is None and not section.plain:
        raise BadInput("http.tls_cert", f"is needed: {host} is not loopback, and keys would cross the network readably")
    return HttpSettings(
        host=host if where is not None else None,
        port=int(port),
        tls_cert=_beside(folder, section.tls_cert),
        tls_key=_beside(folder, section.tls_key),
        hosts=section.hosts,
        rate_per_s=section.rate_per_s,
        body_ms=section.body_ms,
        heartbeat_ms=section.heartbeat_ms,
    )


def is_loopback(host: str) -> bool:
    """Can only this machine reach it?"""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _beside(folder: Path, path: Path | None) -> Any:  # noqa: ANN401 - None in, None out
    return None if path is None else folder / path.expanduser()
