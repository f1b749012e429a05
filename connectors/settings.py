"""What a venue connector is built from. Plain data: `router.config` reads it from files and hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import NoReturn
from urllib.parse import urlsplit

from connectors.keys import CHECK_EVERY_S, NOT_ATTESTED, Attestations, KeyCheck
from router.model.errors import BadInput
from router.model.ids import AccountId, InstrumentId, VenueId
from router.model.terms import VenueTerms

MASK = "****"

CLIENT_OPTIONS = ("options", "cafile", "userAgent")
"""The only constructor keys of ccxt that a configuration may set.

`options`: the venue's own switches, deep-merged over ours. `cafile`: certificates to believe instead of the usual ones.
`userAgent`: how we introduce ourselves. ccxt sets an attribute for *every* key it is given, so a list of forbidden ones
is never complete: hosts and proxies (a signed request would leave for somewhere else), the budget, the session, the
log, keys, and the switch that keeps a lab account on this machine are the router's own.
"""

_OWN_OPTIONS = frozenset({"ws", "maxRetriesOnFailure", "maxRetriesOnFailureDelay", "timeDifference", "sandboxMode"})
"""Of `options`: headers and timings of sockets, silent repeats of orders, our own clock, other hosts."""


class Secret:
    """A string that does not show itself: `repr`, `str`, formatting, pickling and JSON never give it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself. Call this only where the request is signed."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        message = "a secret is not pickled"
        raise TypeError(message)


class BookSource(StrEnum):
    """Where books (and hints about orders) come from."""

    STREAM = "stream"
    POLL = "poll"


@dataclass(frozen=True, kw_only=True, slots=True)
class VenueSettings:
    """One venue account, as configured.

    `symbols`: unified symbol -> instrument it is a listing of. `client_options`: the ccxt constructor keys named in
    `CLIENT_OPTIONS`, deep-merged over ours. `credentials`: ccxt's names (apiKey, secret, password, ...); empty means
    public data only; `key_names` are the secrets they came from, by the same names. `loopback`: base URL of a lab
    venue; needs `loopback_allowed`. `testnet`: only the hosts of the
    venue's test network are reached (`connectors.ccxt_venue.hosts`). `rate_scale` multiplies the venue's
    published limits; None is 1, and 1000 on loopback. `silence_ms`: no data for so long means the stream is dead.
    `dead_man_s`: the venue cancels whatever is open at the account, ours or not, so long after it last heard of us.
    `poll_ms`: how often books are read where no stream brings them. `check_every_ms`: how often a streamed book is held
    against REST's (None: never), and `check_apart_ms` by how much the two may be out of step. `report_ms`: how long the
    private stream may take to tell what REST has shown of an order.
    `key_check`: what a key that is not fit comes to, None is `report` in a lab and `refuse` elsewhere; `attest` stands
    in for what the venue does not tell of it. `fee_check_every_s`: how often the account's rates are read again.
    `licence` names the probe that `dedupe_licensed` rests on. `timeout_ms` bounds one request. `warm_connections` are
    kept open for orders, touched every `touch_ms`.
    """

    ccxt_id: str
    venue: VenueId
    account: AccountId
    symbols: Mapping[str, InstrumentId]
    terms: VenueTerms
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    key_names: Mapping[str, str] = field(default_factory=dict)
    client_options: Mapping[str, object] = field(default_factory=dict)
    loopback: str | None = None
    loopback_allowed: bool = False
    testnet: bool = False
    dedupe_licensed: bool = False
    licence: str | None = None
    books: BookSource = BookSource.STREAM
    tier: str = "A"
    timeout_ms: int = 10_000
    silence_ms: int = 5_000
    poll_ms: int = 1_000
    check_every_ms: int | None = 30_000
    check_apart_ms: int = 2_000
    report_ms: int = 5_000
    key_check: KeyCheck | None = None
    key_check_every_s: int = CHECK_EVERY_S
    fee_check_every_s: int = 3_600
    attest: Attestations = NOT_ATTESTED
    dead_man_s: int | None = None
    touch_ms: int = 10_000
    warm_connections: int = 5
    rate_scale: int | None = None

    def __post_init__(self) -> None:
        if self.loopback is not None:
            _check_loopback(self.loopback, allowed=self.loopback_allowed)
            if self.testnet:
                raise BadInput("loopback", "has no place in mode testnet")
        _check_client_options(f"venues.{self.venue}.client_options", self.client_options)
        if self.terms.account != self.account:
            raise BadInput(f"venues.{self.venue}.terms", f"are those of {self.terms.account}, not of {self.account}")

    @property
    def in_lab(self) -> bool:
        """Is the other end a lab on this machine?"""
        return self.loopback is not None

    @property
    def private(self) -> bool:
        """Are there keys, that is: can orders be placed?"""
        return bool(self.credentials)

    @property
    def unfit_keys_are(self) -> KeyCheck:
        """What follows from a key that could move money out, or that works from anywhere."""
        return self.key_check or (KeyCheck.REPORT if self.in_lab else KeyCheck.REFUSE)

    @property
    def limits_factor(self) -> int:
        """By how much the published limits are multiplied."""
        if self.rate_scale is not None:
            return self.rate_scale
        return 1000 if self.in_lab else 1


def is_loopback(host: str | None) -> bool:
    """Does this host name a loopback address: 127.0.0.0/8, ::1 or `localhost`?"""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_client_options(field: str, client_options: Mapping[str, object]) -> None:
    for key in client_options:
        if key not in CLIENT_OPTIONS:
            raise BadInput(f"{field}.{key}", f"this key is the router's own; {', '.join(CLIENT_OPTIONS)} may be set")
    options = client_options.get("options", {})
    if not isinstance(options, Mapping):
        raise BadInput(f"{field}.options", "must be a mapping")
    for key in options:
        if key in _OWN_OPTIONS:
            raise BadInput(f"{field}.options.{key}", "this key is the router's own")
    for key in ("cafile", "userAgent"):
        if not isinstance(client_options.get(key, ""), str):
            raise BadInput(f"{field}.{key}", "must be text")


def _check_loopback(url: str, *, allowed: bool) -> None:
    if not allowed:
        raise BadInput("loopback", "a venue on this machine needs the explicit switch (loopback_allowed: true)")
    parts = urlsplit(url)
    if parts.scheme != "http" or not is_loopback(parts.hostname) or parts.username is not None:
        raise BadInput("loopback", "must be http://127.x.x.x:port or http://localhost:port")
