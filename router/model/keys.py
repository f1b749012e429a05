"""What the key of a venue account may do, as the venue told it and as the operator attested it."""

from dataclasses import dataclass

from router.model.ids import Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPowers:
    """What the venue tells of a key; None where it does not tell.

    `may_withdraw`: move assets out of the account, to an address or another account. `ip_restricted`: good only from
    listed addresses. `may_trade`: place spot orders.
    """

    may_withdraw: bool | None = None
    ip_restricted: bool | None = None
    may_trade: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attested:
    """What the operator answers for in the venue's stead. `on` and `until` are dates as `2026-11-20`."""

    what: str
    by: str
    on: str
    until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyReading:
    """One check of a key. `refusal`: why nothing may be traded with it; None when it may.

    `doubts` are what would refuse it where there is money, on an account where it is only reported.
    """

    powers: KeyPowers
    attested: tuple[Attested, ...]
    doubts: tuple[str, ...]
    refusal: str | None
    told_ns: Nanos
