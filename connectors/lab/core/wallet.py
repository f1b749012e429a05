"""What each account holds, and what of it is locked in open orders."""

from dataclasses import dataclass
from decimal import Decimal

from connectors.lab.core.records import BalanceRecord

ZERO = Decimal(0)


@dataclass(kw_only=True, slots=True)
class _Holding:
    total: Decimal = ZERO
    locked: Decimal = ZERO


class Wallet:
    """One account's holdings. Locked amounts are part of the total."""

    def __init__(self) -> None:
        self._holdings: dict[str, _Holding] = {}

    def free(self, asset: str) -> Decimal:
        """What may be spent."""
        holding = self._of(asset)
        return holding.total - holding.locked

    def add(self, asset: str, amount: Decimal) -> None:
        """Credit, or debit when negative."""
        self._of(asset).total += amount

    def lock(self, asset: str, amount: Decimal) -> None:
        """Lock, or unlock when negative."""
        holding = self._of(asset)
        holding.locked += amount
        assert holding.locked >= 0
        assert holding.locked <= holding.total

    def balance(self, asset: str) -> BalanceRecord:
        """Total and free of one asset."""
        holding = self._of(asset)
        return BalanceRecord(total=holding.total, free=holding.total - holding.locked)

    def balances(self) -> dict[str, BalanceRecord]:
        """Every asset ever held."""
        return {asset: self.balance(asset) for asset in sorted(self._holdings)}

    def _of(self, asset: str) -> _Holding:
        return self._holdings.setdefault(asset, _Holding())
