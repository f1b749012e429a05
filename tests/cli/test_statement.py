"""A day against the venue's own statement: every break is named, with its age."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from router.app.statements import BreakKind, Line, read, tie
from router.model.errors import BadInput
from router.model.ids import Asset, Nanos
from router.model.orders import Fee
from tests.cli.test_commands import Sor, sor

__all__ = ["sor"]

HEADER = "Time,Trade ID,Order ID,Symbol,Side,Quantity,Price,Fee,Fee Asset"
ROW = "2026-11-20T10:00:00Z,T1,O1,BTC/USD,buy,0.10,60000,1.5,USD"
DAY_NS = 86_400_000_000_000
BEGINS = Nanos(1_795_132_800_000_000_000)


def ours(**changes: object) -> Line:
    values: dict[str, object] = {
        "at_ns": Nanos(BEGINS + 5),
        "trade_id": "T1",
        "order_id": "O1",
        "symbol": "BTC/USD",
        "side": "BUY",
        "quantity": Decimal("0.1"),
        "price": Decimal(60000),
        "fees": (Fee(asset=Asset("USD"), amount=Decimal("1.50")),),
    }
    return Line(**(values | changes))  # type: ignore[arg-type]


def breaks(mine: list[Line], *rows: str) -> list[tuple[BreakKind, str, tuple[str, ...]]]:
    theirs = read("\n".join((HEADER, *rows)), {})
    return [(one.kind, one.line.trade_id, one.what) for one in tie(mine, theirs, BEGINS, Nanos(BEGINS + DAY_NS))]


def test_the_same_day_has_no_breaks_however_it_is_spelt() -> None:
    """Zeros at the end and the case of a header are nobody's difference; nor is another date of the same trade."""
    assert breaks([ours()], ROW) == []
    assert breaks([ours(at_ns=Nanos(BEGINS - DAY_NS))], ROW) == []


def test_every_break_is_named() -> None:
    """Ours not theirs, theirs not ours, and what differs; what is of another day is no break."""
    other = ours(trade_id="T2", at_ns=Nanos(BEGINS + 6))
    wrong = ours(price=Decimal(59999), fees=())
    old = ours(trade_id="T0", at_ns=Nanos(BEGINS - 1))

    found = breaks(
        [wrong, other, old], ROW, ROW.replace(",T1,", ",T3,"), ROW.replace(",T1,", ",T4,").replace("-20T", "-21T")
    )

    assert sorted(found) == sorted(
        [
            (BreakKind.OURS_ONLY, "T2", ()),
            (BreakKind.THEIRS_ONLY, "T3", ()),
            (BreakKind.DIFFERS, "T1", ("price 59999 here, 60000 there", "fee in USD 0 here, 1.5 there")),
        ]
    )


def test_columns_of_another_name_are_mapped() -> None:
    """The file's own header, as `--column` says it."""
    text = "\n".join((HEADER.replace("Trade ID", "Ref"), ROW))

    assert [line.trade_id for line in read(text, {"trade id": "ref"})] == ["T1"]
    with pytest.raises(BadInput, match="no column trade id"):
        read(text, {})


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (ROW.replace("0.10", "1e5"), "line 2: quantity 1e5"),
        (ROW.replace("buy", "hold"), "line 2: side hold"),
        (ROW.replace("2026-11-20T10:00:00Z", "noon"), "line 2: time noon"),
        (f"{ROW}\n{ROW}", "line 3: trade T1 stands there twice"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(row: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(f"{HEADER}\n{row}", {})


def test_from_the_shell_a_break_is_exit_code_1(sor: Sor, tmp_path: Path) -> None:
    """A trade nobody here has booked; a statement without breaks is 0."""
    sor("submit", "--ref", "r1", "--side", "buy", "--quantity", "1")
    file = tmp_path / "day.csv"
    file.write_text(f"{HEADER}\n{ROW}\n")

    said = sor("reconcile", "kraken/main", "--statement", str(file), "--json")
    assert said.returncode == 1, said.stderr
    [one] = json.loads(said.stdout)["breaks"]
    assert (one["kind"], one["trade_id"]) == ("theirs, not ours", "T1")
    file.write_text(f"{HEADER}\n")
    assert sor("reconcile", "kraken/main", "--statement", str(file), "--day", "2026-11-20").returncode == 0
    assert sor("reconcile", "nobody/main", "--statement", str(file)).returncode == 2
