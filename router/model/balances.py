"""What an account holds, as the venue told it."""

from dataclasses import dataclass
from decimal import Decimal

from router.model.ids import AccountId, Asset


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """Total and free amount of one asset at one venue account; the rest stands in the venue's open orders."""

    account: AccountId
    asset: Asset
    total: Decimal
    free: Decimal
