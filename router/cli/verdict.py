"""Ours beside theirs: what the database has booked, and what the lab's venues say they did."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from connectors.lab.client import LabControl
from connectors.settings import VenueSettings
from router.cli.report import Report, number
from router.model.money import ZERO, exactly
from router.model.orders import ChildState
from router.store.queries import ParentDetail, fees_of


@dataclass(frozen=True, slots=True)
class Sums:
    """What some trades come to. `fees` by asset."""

    trades: int
    quantity: Decimal
    notional: Decimal
    fees: tuple[tuple[str, Decimal], ...]

    def report(self) -> Report:
        """As text."""
        return {
            "trades": self.trades,
            "quantity": number(self.quantity),
            "notional": number(self.notional),
            "fees": {asset: number(amount) for asset, amount in self.fees},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """One account's symbol, as we booked it and as the venue has it."""

    account: str
    symbol: str
    ours: Sums | None
    theirs: Sums | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How it ended.

    `sent_again`: copies beyond one per intent; `duplicates`: venue orders beyond one per intent; `lost`: venue trades
    we have not booked.
    """

    beside: tuple[Beside, ...]
    sent_again: int
    duplicates: int
    lost: int
    in_doubt: int

    @property
    def clean(self) -> bool:
        """Nothing twice, nothing lost, nothing open, every figure the same."""
        agree = all(one.ours == one.theirs for one in self.beside)
        return agree and not (self.duplicates or self.lost or self.in_doubt)

    def report(self) -> Report:
        """As text."""
        return {
            "venues_record": [
                {
                    "account": one.account,
                    "symbol": one.symbol,
                    "ours": one.ours and one.ours.report(),
                    "venue": one.theirs and one.theirs.report(),
                    "agree": one.ours == one.theirs,
                }
                for one in self.beside
            ],
            "sent_again": self.sent_again,
            "duplicates": self.duplicates,
            "lost": self.lost,
            "clean": self.clean,
        }


async def judge(detail: ParentDetail, venues: Iterable[VenueSettings], control: LabControl) -> Verdict:
    """Ask every venue of the lab, which has seen this one parent and nothing else."""
    orders: defaultdict[str, int] = defaultdict(int)
    theirs: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for venue in venues:
        for order in await control.orders(venue.venue):
            orders[digits(order["client_id"])] += 1
        for trade in await control.trades(venue.venue):
            theirs[str(venue.account), trade["symbol"]].append(trade)
    ours = _ours(detail)
    return Verdict(
        beside=tuple(
            Beside(
                account=account,
                symbol=symbol,
                ours=ours.get((account, symbol)),
                theirs=_theirs(theirs[account, symbol]) if (account, symbol) in theirs else None,
            )
            for account, symbol in sorted(ours.keys() | theirs.keys())
        ),
        sent_again=sum(child.copies - 1 for child in detail.children),
        duplicates=sum(count - 1 for count in orders.values()),
        lost=sum(map(len, theirs.values())) - detail.totals.fills,
        in_doubt=sum(ChildState(child.state).in_doubt for child in detail.children),
    )


def digits(client_id: str | None) -> str:
    """Our id, whatever way the venue spells it."""
    return (client_id or "").replace("-", "")


def draw(verdict: Verdict) -> RenderableType:
    """Two lines per account and symbol: ours, theirs."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("account", "symbol", "", "trades", "quantity", "notional", "fees"):
        table.add_column(column, justify="left" if column in {"account", "symbol", ""} else "right")
    for one in verdict.beside:
        same = one.ours == one.theirs
        for who, sums in (("ours", one.ours), ("venue", one.theirs)):
            cells = _cells(sums)
            table.add_row(one.account, one.symbol, Text(who, style="" if same else "bold red"), *cells)
    return table


def _cells(sums: Sums | None) -> Sequence[str]:
    if sums is None:
        return ("nothing", "", "", "")
    shown = sums.report()
    fees = ", ".join(f"{amount} {asset}" for asset, amount in shown["fees"].items())
    return (str(sums.trades), shown["quantity"], shown["notional"], fees)


def _ours(detail: ParentDetail) -> dict[tuple[str, str], Sums]:
    groups: defaultdict[tuple[str, str], list[_Trade]] = defaultdict(list)
    for fill in detail.fills:
        fees = [(str(fee.asset), fee.amount) for fee in fees_of(fill)]
        groups[fill.account, fill.symbol].append((fill.quantity, fill.price, fees))
    return {key: _sums(trades) for key, trades in groups.items()}


def _theirs(trades: Iterable[dict[str, Any]]) -> Sums:
    return _sums(
        [(Decimal(one["quantity"]), Decimal(one["price"]), [(one["fee_asset"], Decimal(one["fee"]))]) for one in trades]
    )


_Trade = tuple[Decimal, Decimal, list[tuple[str, Decimal]]]


def _sums(trades: Sequence[_Trade]) -> Sums:
    fees: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    with exactly():
        quantity = sum((one[0] for one in trades), ZERO)
        notional = sum((one[0] * one[1] for one in trades), ZERO)
        for asset, amount in (fee for one in trades for fee in one[2]):
            fees[asset] += amount
    return Sums(len(trades), quantity, notional, tuple(sorted((k, v) for k, v in fees.items() if v)))
