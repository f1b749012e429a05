"""`sor init`: a configuration for somebody's own venues, paper trading first."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from router.cli.report import Report
from router.config import load
from router.model.errors import BadInput

_SYMBOLS = {
    "binance": "{ BTC/USDT: BTC/USD }",
    "kraken": "{ BTC/USD: BTC/USD, USDT/USD: USDT/USD, USDC/USD: USDC/USD }",
    "coinbase": "{ BTC/USD: BTC/USD, BTC/USDC: BTC/USD }",
    "bitstamp": "{ BTC/USD: BTC/USD, BTC/USDT: BTC/USD }",
    "gemini": "{ BTC/USD: BTC/USD }",
    "okx": "{ BTC/USDT: BTC/USD, BTC/USDC: BTC/USD }",
    "bybit": "{ BTC/USDT: BTC/USD, BTC/USDC: BTC/USD }",
}
_PASSPHRASE = frozenset({"okx"})
"""Whose keys have a third part."""
_HEAD = """\
# Written by `sor init`. The ladder: lab -> paper -> testnet -> live. Paper takes real public books and simulates fills.
mode: paper
deployment: {deployment} # names this router in its order ids; never share it between two databases
entity: desk # the legal owner of orders, balances and fills

# database: sqlite:///.sor/paper.db       # the default, beside this file; or postgresql://user@host/name
# secrets_dir: .sor/secrets               # one file per key, mode 0600

instruments: [BTC/USD, USDT/USD, USDC/USD]

# How prices in another currency become prices in USD. Without a rule, listings in that currency stand aside.
fx:
"""
_LISTED = """\
  USDT: { listings: ["kraken/main:USDT/USD"], age_ms_max: 60000, depeg_bps_max: 100 }
  USDC: { listings: ["kraken/main:USDC/USD"], age_ms_max: 60000, depeg_bps_max: 100 }
"""
_DECLARED = """\
  USDT: { declared: "1" } # no configured venue has a USDT/USD book: this is your word for it
  USDC: { declared: "1" }
"""
_TAIL = """
# For live trading, besides `mode: live`: `live_trading: true`, every limit below set by hand, keys that cannot
# withdraw and are bound to your addresses (where a venue is silent: `attest: {cannot_withdraw: {by: NAME, on: DATE},
# ip_restricted: ...}`), and per venue `acknowledge_tier`, as nobody has traded live through these connectors yet.
limits:
  parent_quantity_max: 1
  parent_notional_max: 100000
  child_notional_max: 50000
  day_notional_max: 500000
  collar_bps: 100 # from the consolidated mid
  book_age_ms_max: 3000

log: { level: info, format: console }
status: { port: 8790 } # read-only page and metrics of `sor serve`, loopback only
"""


def write(to: Path, venues: Sequence[str], *, force: bool) -> Report:
    """Write the file and check that it loads. Raises `BadInput` for an unknown venue or a file that is there."""
    for venue in venues:
        if venue not in _SYMBOLS:
            raise BadInput("venue", f"{venue} has no connector here; there is {', '.join(_SYMBOLS)}")
    if to.exists() and not force:
        raise BadInput("to", f"{to} is there already: choose another --to, or --force")
    to.write_text(_text(venues, to.resolve().parent.name))
    load(to)
    return {"written": str(to), "mode": "paper", "venues": list(dict.fromkeys(venues))}


def draw(report: Report) -> RenderableType:
    """What to do next."""
    return Text(
        f"{report['written']}: paper trading on {', '.join(report['venues'])}\n"
        f"next: sor venues -c {report['written']}\n"
        f"      sor book -c {report['written']}\n"
        f"      sor serve -c {report['written']}"
    )


def _text(venues: Sequence[str], folder: str) -> str:
    deployment = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in folder)[:32] or "desk"
    marks = _LISTED if "kraken" in venues else _DECLARED
    sections = "".join(_section(venue) for venue in dict.fromkeys(venues))
    return f"{_HEAD.format(deployment=deployment)}{marks}\nvenues:\n{sections}{_TAIL}"


def _section(venue: str) -> str:
    password = f", password: {venue}-passphrase" if venue in _PASSPHRASE else ""
    return (
        f"  {venue}:\n"
        "    account: main\n"
        f"    symbols: {_SYMBOLS[venue]}\n"
        "    # keys: { apiKey: "
        f"{venue}-key, secret: {venue}-secret{password} }} # names of files in secrets_dir; paper needs none\n"
    )
