"""`sor curves`: from files to a curve that an order can name, and one sentence for what cannot be."""

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli.commands import app
from router.cli.curve_files import series_of

MINUTES = range(1_440)
ORDER = {
    "ref_id": "r1",
    "instrument": "BTC/USD",
    "side": "BUY",
    "base_quantity": "1",
    "policy": "VWAP",
    "duration": "1h",
}
Sor = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def sor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sor:
    """Run `sor … --json` in a folder of its own: exit code, document, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, given: str | None = None) -> tuple[int, Any, str]:
        done = CliRunner().invoke(app, [*arguments, "--json"], input=given, catch_exceptions=False)
        return done.exit_code, json.loads(done.stdout), done.stderr

    return run


def lean(folder: Path, day: str, busy_hour: int, minutes: range = MINUTES) -> Path:
    """A day of minutes, three times as busy in one hour."""
    path = folder / f"crypto_kraken_btcusd_minute_{day}_trade.csv.gz"
    rows = [f"{one * 60_000},1,1,1,1,{3 if one // 60 == busy_hour else 1}.5e0" for one in minutes]
    path.write_bytes(gzip.compress("\n".join(rows).encode(), mtime=0))
    return path


def built(sor: Sor, *arguments: str) -> Any:
    code, curve, said = sor("curves", "build", *arguments)
    assert code == 0, said
    return curve


def test_a_curve_says_what_it_was_built_from(sor: Sor, tmp_path: Path) -> None:
    """Files with digests, days used, days left out and why; shares that make exactly one."""
    files = [lean(tmp_path, "20260128", 3), lean(tmp_path, "20260129", 3), lean(tmp_path, "20260130", 3, range(1_008))]
    curve = built(sor, "--bars", *map(str, files), "--out", "curve.json")

    assert (curve["curve_id"], curve["curve_asof"], curve["bucket_minutes"]) == ("btc-usd-60m", "2026-01-29", 60)
    assert curve["days_used"] == ["2026-01-28", "2026-01-29"]
    assert curve["days_left_out"] == [
        {"day": "2026-01-30", "why": "crypto_kraken_btcusd_minute_trade is silent from 16:48 to 24:00"}
    ]
    assert curve["sources"] == [
        {"name": one.name, "sha256": hashlib.sha256(one.read_bytes()).hexdigest(), "rows": rows}
        for one, rows in zip(files, (1_440, 1_440, 1_008), strict=True)
    ]
    assert sum(map(Decimal, curve["weekday"])) == 1
    busy, calm = Decimal(curve["weekday"][3]), Decimal(curve["weekday"][4])
    assert abs(busy - calm * Decimal("3.5") / Decimal("1.5")) < Decimal("1e-11")
    assert curve["weekend"] == curve["weekday"]
    assert "no weekend day: the weekdays' shares stand in" in curve["estimate"]
    assert json.loads((tmp_path / "curve.json").read_text()) == curve


def test_a_kept_curve_is_never_changed(sor: Sor, tmp_path: Path) -> None:
    """The same again is the same; another one under its name and day is refused; both are as they were."""
    first = built(sor, "--bars", str(lean(tmp_path, "20260128", 3)))
    assert built(sor, "--bars", str(lean(tmp_path, "20260128", 3))) == first

    code, error, _ = sor("curves", "build", "--bars", str(lean(tmp_path, "20260128", 5)))

    assert (code, error["field"]) == (2, "curve_id")
    assert "none is changed" in error["error"]
    built(sor, "--bars", str(lean(tmp_path, "20260129", 5)))
    listed = sor("curves", "list")[1]
    assert [(one["curve_id"], one["curve_asof"]) for one in listed] == [
        ("btc-usd-60m", "2026-01-29"),
        ("btc-usd-60m", "2026-01-28"),
    ]
    assert sor("curves", "show", "btc-usd-60m", "--asof", "2026-01-28")[1] == first
    assert sor("curves", "show", "btc-usd-60m")[1]["curve_asof"] == "2026-01-29"


def test_a_curve_that_was_changed_in_the_database_is_not_believed(sor: Sor, tmp_path: Path) -> None:
    """Its digest does not fit."""
    built(sor, "--bars", str(lean(tmp_path, "20260128", 3)))
    [database] = tmp_path.rglob("*.db")
    with sqlite3.connect(database) as tampered:
        tampered.execute("UPDATE volume_curve SET body = replace(body, 'kraken', 'okx')")

    code, error, _ = sor("submit", "--order", "-", given=_order("btc-usd-60m", "2026-01-28"))

    assert (code, error["field"]) == (2, "params.curve_id")
    assert "digest does not fit" in error["error"]


def test_an_order_names_a_curve_that_is_there(sor: Sor, tmp_path: Path) -> None:
    """Any other is refused in one sentence that says what there is, and nothing is asked for."""
    code, error, _ = sor("submit", "--order", "-", given=_order("btc", "2026-01-28"))
    assert (code, error["field"]) == (2, "params.curve_id")
    assert "`sor curves build` makes one" in error["error"]

    built(sor, "--bars", str(lean(tmp_path, "20260128", 3)))
    for curve_id, asof, field, says in (
        ("btc", "2026-01-28", "params.curve_id", "there is btc-usd-60m"),
        ("btc-usd-60m", "2026-01-27", "params.curve_asof", "there is 2026-01-28"),
    ):
        code, error, _ = sor("submit", "--order", "-", given=_order(curve_id, asof))
        assert (code, error["field"]) == (2, field)
        assert says in error["error"]
    assert sor("orders")[1] == []

    code, _, _ = sor("submit", "--order", "-", given=_order("btc-usd-60m", "2026-01-28"))
    assert code == 0
    assert len(sor("orders")[1]) == 1


def _order(curve_id: str, asof: str) -> str:
    return json.dumps(ORDER | {"params": {"slices": 4, "curve_id": curve_id, "curve_asof": asof}})


def test_trades_are_counted_once_by_their_id(sor: Sor, tmp_path: Path) -> None:
    """As ccxt writes them, in CSV or JSON; a trade that stands twice is one."""
    day_ms = 1_769_558_400_000  # 2026-01-28
    trades = [{"id": str(one), "timestamp": day_ms + one * 60_000, "price": 1, "amount": "0.1"} for one in MINUTES]
    (tmp_path / "trades.json").write_text(json.dumps([*trades, trades[0], trades[1]]))
    rows = [f"{one['timestamp']},{one['amount']}" for one in trades]
    (tmp_path / "other.csv").write_text("\n".join(["timestamp,amount", *rows]))

    of_json = built(sor, "--trades", "trades.json", "--id", "a")
    of_csv = built(sor, "--trades", "other.csv", "--id", "b")

    assert of_json["sources"][0]["rows"] == of_csv["sources"][0]["rows"] == 1_440
    assert of_json["weekday"] == of_csv["weekday"]
    assert of_json["days_used"] == ["2026-01-28"]


@pytest.mark.parametrize(
    ("name", "text", "arguments", "field", "says"),
    [
        ("x_20260128.csv", "0,1,1,1,1,1\n60000,1,1,1,1,-1", [], "bars", "line 2: '-1' is not an amount"),
        ("x_20260128.csv", "0,1,1,1,1,1\nnoon,1,1,1,1,1", [], "bars", "line 2: timestamp 'noon'"),
        ("x_20260128.csv", "0,1,1,1,1,1\n0,1,1,1,1,1", [], "bars", "stands twice"),
        ("x_20260128.csv", "0,1,1,1,1,1\n3600000,1,1,1,1,1", ["--bucket", "5m"], "bars", "do not fit into buckets"),
        ("x_20260128.csv", "0,1,1,1,1,1\n60000,1,1", [], "bars", "3 columns, and not 6"),
        ("x_20260128.csv", "0,1,1,1,1,1", [], "from", "2026-01-28: x is silent from 00:01 to 24:00"),
        ("x.csv", "0,1,1,1,1,1", [], "bars", "the file's name says none"),
        ("x.csv", "0,1,1", [], "bars", "no header"),
        ("x.csv", "time,volume\n0,1", [], "bars", "timestamp is missing"),
        ("x.json", "{", [], "bars", "is not JSON"),
        ("x.csv.gz", "0,1", [], "files", "is not text that can be read"),
        ("x_20260128.csv", "0,1,1,1,1,1", ["--bucket", "7m"], "bucket", "divide the day"),
        ("x_20260128.csv", "0,1,1,1,1,1", ["--from", "2026-02-30"], "from", "not a day of the calendar"),
        ("x_20260128.csv", "0,1,1,1,1,1", ["--trades", "x.csv"], "bars", "one of them"),
        ("x_20260128.csv", "0,1,1,1,1,1", ["--record"], "bars", "one of them"),
        ("x_20260128.csv", "0,1,1,1,1,1", ["--instrument", "btc"], "instrument", "a pair in capitals"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    sor: Sor, tmp_path: Path, name: str, text: str, arguments: list[str], field: str, says: str
) -> None:
    """With file and line; nothing is kept."""
    (tmp_path / name).write_text(text)

    code, error, said = sor("curves", "build", "--bars", name, *arguments)

    assert (code, error["field"]) == (2, field), said
    assert says in error["error"]
    assert said.count("\n") == 1
    assert sor("curves", "list")[1] == []


def test_files_of_one_market_are_one_series() -> None:
    """The day in the name aside."""
    assert series_of("crypto_coinbase_btcusd_minute_20180404_trade.csv.gz") == "crypto_coinbase_btcusd_minute_trade"
    assert series_of("kraken-2026-01-31.jsonl") == "kraken"
    assert series_of("20260131.csv") == "20260131"
