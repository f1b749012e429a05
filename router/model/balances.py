"""What an account holds, as the venue told it."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import AccountId, Asset, Nanos


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """Total and free amount of one asset at one venue account; the rest stands in the venue's open orders."""

    account: AccountId
    asset: Asset
    total: Decimal
    free: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """A deposit, a withdrawal, or whatever else but trading moved an asset, as the venue lists it.

    `amount`: what it did to the balance, its own charges included; 0 once it has failed. `key` is unique per account
    for ever. `kind` is the venue's word for it.
    """

    key: str
    asset: Asset
    amount: Decimal
    at_ns: Nanos
    kind: str
