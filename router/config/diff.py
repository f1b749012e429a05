"""`sor config diff`: what differs between two configurations, and what each difference means. Secrets are masked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from connectors.settings import MASK
from router.app.version import VERSION
from router.config.load import validated
from router.config.settings import Config
from router.model.errors import BadInput
from router.model.events import Started
from router.model.terms import RiskLimits, VenueTerms
from router.store.location import locate

Flat = Mapping[str, object]
"""Dotted name of a setting -> its value."""

_SECRET = re.compile(r"\.keys\.|key|secret|passw|passphrase|token|auth", re.IGNORECASE)
_VENUE = re.compile(r"venues\.([^.]+)\.")
_MEANS: tuple[tuple[str, str], ...] = (
    (
        r"mode",
        "another kind of venue stands at the other end; a database belongs to one mode and is refused in another",
    ),
    (r"deployment", "names this router on its pages and in its files"),
    (r"entity", "the legal owner of new orders; what was ordered before stays with the old one"),
    (r"database", "another journal: orders, doubts and fills of the old one are not known there"),
    (r"secrets_dir", "keys are read from another place"),
    (r"allow_loopback_urls", "whether venues may stand on this machine"),
    (r"live_trading", "whether orders may spend real money"),
    (r"instruments", "what may be ordered; a parent of anything else is refused at the door"),
    (r"version", "the release that decides"),
    (
        r"fx\..*",
        "how prices in this currency become prices in the reporting one; without a rule its listings stand aside",
    ),
    (r"venues\.[^.]+\.terms\.fence", "what settles a doubt about a lost order here"),
    (r"venues\.[^.]+\.terms\.outstanding_max", "how many children may be working or in doubt at once here"),
    (r"venues\.[^.]+\.terms\..*", "how long a lost order is doubted here: shorter is quicker, and proves less"),
    (r"venues\.[^.]+\.symbols\..*", "what is traded here, and which instrument it counts as"),
    (r"venues\.[^.]+\.keys\..*", "whose account is traded on"),
    (r"venues\.[^.]+\.(ccxt_id|account|loopback)", "another account: open orders of the old one are not looked after"),
    (r"venues\.[^.]+\.dedupe_licensed", "whether a lost order may be sent a second time under its id"),
    (r"venues\.[^.]+\.(tier|acknowledge_tier)", "how far the connector is said to be proven, and who takes that on"),
    (r"venues\.[^.]+\.books", "whether books come by stream or are polled"),
    (r"venues\.[^.]+\.(timeout|silence|poll)_ms", "how soon a silent venue is noticed"),
    (r"venues\.[^.]+\.fee_check_every_s", "how soon a changed fee is routed by"),
    (r"venues\.[^.]+\.options.*", "how ccxt's client for it is built"),
    (r"limits\.collar_bps", "how far from the market a child may be priced"),
    (r"limits\.book_age_ms_max", "how old a book may be that is traded on"),
    (r"limits\..*", "how much may be sent"),
    (r"timings\.lease_ttl_ms", "how long after a crash the next driver waits"),
    (r"timings\.approval_age_ms", "how old risk's approval may be at the socket"),
    (r"timings\.archive_after_ms", "how long orders stay in memory after their end"),
    (r"timings\..*", "how often the driver looks and saves"),
    (r"learned\.fill", "which learned chances splits reckon with; without one, what is displayed is counted on"),
    (r"audit\.prove", "whether decisions are proven beside the driver, and what came of it is kept"),
    (r"market_record\..*", "what is remembered of the market for measuring afterwards"),
    (r"log\..*", "what is written while running"),
    (r"status\..*", "where the status page is shown"),
    (r"access\.local_roles", "what people may do who run commands on this machine without a key"),
    (r"http\.body_ms", "how long a request's body may take to come"),
    (r"http\.heartbeat_ms", "how long a stream of events is silent at most"),
    (r"http\.rate_per_s", "how often one key or user may ask"),
    (r"http\..*", "where the HTTP API listens, and for whom"),
    (r"lab\..*", "the exchanges of `sor lab`"),
    (r"paper\..*", "the simulated accounts of mode paper"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One setting that differs. None: it is not there."""

    field: str
    before: str | None
    after: str | None
    means: str


def of_file(path: Path | None) -> Flat:
    """The settings in `path` with the environment over them, defaults filled in. Raises `BadInput`."""
    return dict(_leaves(validated(path), ""))


def of_defaults(path: Path | None) -> Flat:
    """What the settings of that file would be if each that has a default had it."""
    return {name: default for name, default in _leaves(validated(path), "", defaults=True) if default is not None}


def of_started(started: Started) -> Flat:
    """What the journal knows of the settings a driver last came up with."""
    return _decided_on(started.limits, started.terms, tuple(one.id for one in started.instruments), started.version)


def of_config(config: Config) -> Flat:
    """The same settings of a configuration: those that decisions depend on."""
    terms = tuple(venue.terms for venue in config.venues)
    return _decided_on(config.limits, terms, tuple(one.id for one in config.instruments), VERSION)


def differences(before: Flat, after: Flat) -> tuple[Change, ...]:
    """Setting by setting, in order of name; a venue that came or went is one change."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    there = {name: {one.group(1) for one in map(_VENUE.match, flat) if one} for name, flat in _both(before, after)}
    came, went = there["after"] - there["before"], there["before"] - there["after"]
    found = [
        *(_venue(venue, None, "configured", "new children may go there, once its account was read") for venue in came),
        *(
            _venue(venue, "configured", None, "its orders and doubts are not looked after any more: drain it first")
            for venue in went
        ),
    ]
    for name in names:
        match = _VENUE.match(name)
        if match is None or match.group(1) not in came | went:
            found.append(_change(name, before.get(name), after.get(name)))
    return tuple(sorted(found, key=lambda one: one.field))


def _both(before: Flat, after: Flat) -> Iterator[tuple[str, Flat]]:
    yield "before", before
    yield "after", after


def _venue(venue: str, before: str | None, after: str | None, means: str) -> Change:
    return Change(field=f"venues.{venue}", before=before, after=after, means=means)


def _change(name: str, before: object, after: object) -> Change:
    means = next((text for pattern, text in _MEANS if re.fullmatch(pattern, name)), "changes how it runs")
    if name.startswith("limits.") and isinstance(before, int | Decimal) and isinstance(after, int | Decimal):
        means += ": looser than before" if after > before else ": tighter than before"
    return Change(field=name, before=_shown(name, before), after=_shown(name, after), means=means)


def _shown(name: str, value: object) -> str | None:
    if value is None:
        return None
    if _SECRET.search(name):
        return MASK
    if name == "database":
        try:
            return str(locate(str(value)))
        except BadInput:
            return MASK
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _leaves(section: BaseModel, prefix: str, *, defaults: bool = False) -> Iterator[tuple[str, object]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        default = field.get_default(call_default_factory=True)
        default = None if default is PydanticUndefined else default
        yield from _leaf(f"{prefix}{name}", value, default, defaults=defaults)


def _leaf(name: str, value: object, default: object, *, defaults: bool) -> Iterator[tuple[str, object]]:
    if isinstance(value, BaseModel):
        yield from _leaves(value, f"{name}.", defaults=defaults)
    elif isinstance(value, Mapping):
        known = default if isinstance(default, Mapping) else {}
        for key in dict.fromkeys([*value, *(known if defaults else ())]):
            yield from _leaf(f"{name}.{key}", value.get(key), known.get(key), defaults=defaults)
    else:
        shown = default if defaults else value
        if shown is not None:
            yield name, shown


def _decided_on(limits: RiskLimits, terms: tuple[VenueTerms, ...], instruments: tuple[str, ...], version: str) -> Flat:
    flat: dict[str, object] = {"instruments": instruments, "version": version}
    flat |= {f"limits.{name}": getattr(limits, name) for name in RiskLimits.__dataclass_fields__}
    for one in terms:
        venue = str(one.account).partition("/")[0]
        fields = [name for name in VenueTerms.__dataclass_fields__ if name != "account"]
        flat |= {
            f"venues.{venue}.terms.{name}": getattr(one, name) for name in fields if getattr(one, name) is not None
        }
    return flat
