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
from router.model.ids import Asset
from router.model.orders import ChildState, Fee
from router.model.trades import Totals, Traded, totals
from router.store.queries import ParentDetail
from router.store.queries import totals as totals_of
from router.store.tables import FillTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """One account's symbol, as we booked it and as the venue has it."""

    account: str
    symbol: str
    ours: Totals | None
    theirs: Totals | None

    @property
    def agree(self) -> bool:
        """The same trades, quantity, notional and fees."""
        return _sums(self.ours) == _sums(self.theirs)


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
        agree = all(one.agree for one in self.beside)
        return agree and not (self.duplicates or self.lost or self.in_doubt)

    def report(self) -> Report:
        """As text."""
        return {
            "venues_record": [
                {
                    "account": one.account,
                    "symbol": one.symbol,
                    "ours": _sums(one.ours),
                    "venue": _sums(one.theirs),
                    "agree": one.agree,
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
    booked = _ours(detail)
    return Verdict(
        beside=tuple(
            Beside(
                account=account,
                symbol=symbol,
                ours=booked.get((account, symbol)),
                theirs=_theirs(theirs[account, symbol]) if (account, symbol) in theirs else None,
            )
            for account, symbol in sorted(booked.keys() | theirs.keys())
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
        same = one.agree
        for who, sums in (("ours", one.ours), ("venue", one.theirs)):
            cells = _cells(sums)
            table.add_row(one.account, one.symbol, Text(who, style="" if same else "bold red"), *cells)
    return table


def _cells(sums: Totals | None) -> Sequence[str]:
    shown = _sums(sums)
    if shown is None:
        return ("nothing", "", "", "")
    fees = ", ".join(f"{amount} {asset}" for asset, amount in shown["fees"].items())
    return (str(shown["trades"]), shown["quantity"], f"{shown['notional']} {shown['quote']}", fees)


def _sums(sums: Totals | None) -> Report | None:
    """Of one symbol, as text."""
    if sums is None:
        return None
    return {
        "trades": sums.fills,
        "quantity": number(sums.quantity),
        "quote": sums.by_quote[0].quote,
        "notional": number(sums.notional),
        "fees": {asset: number(amount) for asset, amount in sums.fees.items() if amount},
    }


def _ours(detail: ParentDetail) -> dict[tuple[str, str], Totals]:
    groups: defaultdict[tuple[str, str], list[FillTable]] = defaultdict(list)
    for fill in detail.fills:
        groups[fill.account, fill.symbol].append(fill)
    return {key: totals_of(fills) for key, fills in groups.items()}


def _theirs(trades: Iterable[dict[str, Any]]) -> Totals:
    return totals(
        Traded(
            quote=Asset(one["symbol"].partition("/")[2]),
            quantity=Decimal(one["quantity"]),
            price=Decimal(one["price"]),
            fees=(Fee(asset=Asset(one["fee_asset"]), amount=Decimal(one["fee"])),),
        )
        for one in trades
    )
