"""A day of ours against the venue's own statement: what only one side has, and what both have otherwise.

One format: CSV with a header that names `time`, `trade id`, `order id`, `symbol`, `side`, `quantity`, `price`, `fee`,
`fee asset`, in any order and case; other names are mapped. Times are ISO 8601, UTC where they name no zone. Amounts are
plain decimals. A trade is the same by account, symbol, trade id, order id and side, whenever either side dates it.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from router.model.errors import BadInput
from router.model.ids import Nanos
from router.model.money import ZERO
from router.model.orders import Fee

COLUMNS = ("time", "trade id", "order id", "symbol", "side", "quantity", "price", "fee", "fee asset")
_AMOUNT = re.compile(r"-?\d{1,18}(\.\d{1,18})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = 1_000


class BreakKind(StrEnum):
    """How the two sides differ."""

    OURS_ONLY = "ours, not theirs"
    THEIRS_ONLY = "theirs, not ours"
    DIFFERS = "differs"


Key = tuple[str, str, str, str]
"""Symbol, trade id, order id, side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One trade as either side has it."""

    at_ns: Nanos
    trade_id: str
    order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fees: tuple[Fee, ...]

    @property
    def key(self) -> Key:
        """What makes it the same trade."""
        return (self.symbol, self.trade_id, self.order_id, self.side)


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """One difference. `what`: the figures that differ, ours before theirs."""

    kind: BreakKind
    line: Line
    what: tuple[str, ...] = ()


def tie(ours: Iterable[Line], theirs: Iterable[Line], begins_ns: Nanos, ends_ns: Nanos) -> tuple[Break, ...]:
    """Every difference of the time between, oldest first. `ours` may reach beyond it, by its own dates."""
    booked, stated = {line.key: line for line in ours}, {line.key: line for line in theirs}
    within = range(begins_ns, ends_ns)
    found = [
        Break(kind=BreakKind.OURS_ONLY, line=line)
        for key, line in booked.items()
        if key not in stated and line.at_ns in within
    ]
    for key, line in stated.items():
        if line.at_ns not in within:
            continue
        if key not in booked:
            found.append(Break(kind=BreakKind.THEIRS_ONLY, line=line))
        elif what := tuple(_differing(booked[key], line)):
            found.append(Break(kind=BreakKind.DIFFERS, line=line, what=what))
    return tuple(sorted(found, key=lambda one: (one.line.at_ns, one.line.key)))


def _differing(ours: Line, theirs: Line) -> Iterator[str]:
    for name in ("quantity", "price"):
        here, there = getattr(ours, name), getattr(theirs, name)
        if here != there:
            yield f"{name} {here} here, {there} there"
    here, there = _by_asset(ours.fees), _by_asset(theirs.fees)
    for asset in sorted(here.keys() | there.keys()):
        if here.get(asset, ZERO) != there.get(asset, ZERO):
            yield f"fee in {asset} {here.get(asset, ZERO)} here, {there.get(asset, ZERO)} there"


def _by_asset(fees: Iterable[Fee]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for fee in fees:
        found[fee.asset] = found.get(fee.asset, ZERO) + fee.amount
    return {asset: amount for asset, amount in found.items() if amount}


def read(text: str, names: Mapping[str, str]) -> tuple[Line, ...]:
    """The statement's lines; `names`: our column -> the file's. Raises `BadInput` naming the line and the column."""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    header = {name.strip().lower(): name for name in rows.fieldnames or ()}
    column = {}
    for ours in COLUMNS:
        theirs = names.get(ours, ours).strip().lower()
        if theirs not in header:
            raise BadInput("statement", f"has no column {theirs}; there is {', '.join(header) or 'no header'}")
        column[ours] = header[theirs]
    lines: dict[Key, Line] = {}
    for number, row in enumerate(rows, start=2):
        line = _line({ours: (row.get(theirs) or "").strip() for ours, theirs in column.items()}, number)
        if line.key in lines:
            raise BadInput("statement", f"line {number}: trade {line.trade_id} stands there twice")
        lines[line.key] = line
    return tuple(lines.values())


def _line(row: Mapping[str, str], number: int) -> Line:
    def amount(name: str) -> Decimal:
        if not _AMOUNT.fullmatch(row[name]):
            raise BadInput("statement", f"line {number}: {name} {row[name] or '(empty)'} is no plain decimal")
        return Decimal(row[name])

    side = row["side"].upper()
    if side not in {"BUY", "SELL"}:
        raise BadInput("statement", f"line {number}: side {row['side'] or '(empty)'} is neither buy nor sell")
    for name in ("trade id", "order id", "symbol"):
        if not row[name]:
            raise BadInput("statement", f"line {number}: {name} is empty")
    fees = () if not row["fee"] else (Fee(asset=row["fee asset"], amount=amount("fee")),)  # type: ignore[arg-type]
    return Line(
        at_ns=moment(row["time"], f"line {number}: time"),
        trade_id=row["trade id"],
        order_id=row["order id"],
        symbol=row["symbol"],
        side=side,
        quantity=amount("quantity"),
        price=amount("price"),
        fees=fees,
    )


def moment(text: str, what: str) -> Nanos:
    """ISO 8601; UTC where no zone is named."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("statement", f"{what} {text or '(empty)'} is no time such as 2026-11-20T10:00:00Z") from None
    past = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - _EPOCH
    return Nanos(((past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds) * _US)
