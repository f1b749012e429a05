"""What mode paper asks of a configuration, and what it does not."""

from decimal import Decimal
from pathlib import Path

import pytest

from router.app.parts import build_ports
from router.config import Config, load
from router.model.errors import BadInput
from router.runtime.clock import SystemClock
from tests.e2e.rig import watched

_TEXT = """
mode: paper
deployment: try
instruments: [BTC/USD]
venues:
  kraken: {{ symbols: {{ BTC/USD: BTC/USD }}, keys: {{ apiKey: not-there, secret: not-there }} }}
  coinbase: {{ symbols: {{ BTC/USD: BTC/USD }} }}
{more}
"""


def loaded(folder: Path, more: str = "") -> Config:
    path = folder / "config.yaml"
    path.write_text(_TEXT.format(more=more))
    return load(path)


def test_no_key_is_read_even_where_one_is_named(tmp_path: Path):
    """A file can be ready for live, its secrets elsewhere, and rehearse."""
    assert not any(venue.private for venue in loaded(tmp_path).venues)


def test_accounts_are_kept_beside_the_database(tmp_path: Path):
    """One file per account and deployment; where the database is on a server, in `.sor`, unless told otherwise."""
    assert loaded(tmp_path).paper.folder == tmp_path / ".sor"
    assert loaded(tmp_path, "database: sqlite:///data/x.db").paper.folder == tmp_path / "data"
    assert loaded(tmp_path, "database: postgresql://u@h/d").paper.folder == tmp_path / ".sor"
    assert loaded(tmp_path, "paper: { folder: ours }").paper.folder == tmp_path / "ours"

    ports = build_ports(loaded(tmp_path), SystemClock(), watched())
    files = {account: port._paper.file for account, port in ports.items()}  # type: ignore[attr-defined]
    assert files == {
        "kraken/main": tmp_path / ".sor" / "try.kraken-main.paper.db",
        "coinbase/main": tmp_path / ".sor" / "try.coinbase-main.paper.db",
    }


def test_money_and_fees_have_defaults_and_can_be_set(tmp_path: Path):
    usual = loaded(tmp_path).paper
    assert usual.deposits["USD"] == 1_000_000
    assert usual.taker_fee_bps == {}

    chosen = loaded(tmp_path, "paper: { deposits: { USD: 5000 }, taker_fee_bps: { kraken: 12.5 } }").paper
    assert chosen.deposits == {"USD": Decimal(5000)}
    assert chosen.taker_fee_bps == {"kraken": Decimal("12.5")}


def test_a_fee_of_nobody_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"paper\.taker_fee_bps\.krakken: is not a configured venue"):
        loaded(tmp_path, "paper: { taker_fee_bps: { krakken: 1 } }")
