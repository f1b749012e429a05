"""Settings are read whole or refused with one sentence that names the setting."""

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from connectors.keys import Attestation
from router.config import DEFAULT_TEXT, Config, Mode, load
from router.model.errors import BadInput
from router.model.terms import Fence

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def write(tmp_path: Path):
    """Write the built-in lab with changes; a value of None takes a setting out."""

    def _write(changes: dict[str, object] | None = None, text: str | None = None) -> Path:
        content = yaml.safe_load(DEFAULT_TEXT)
        for dotted, value in (changes or {}).items():
            *sections, last = dotted.split("|")
            place = content
            for section in sections:
                place = place.setdefault(section, {})
            if value is None:
                place.pop(last, None)
            else:
                place[last] = value
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(content) if text is None else text)
        return path

    return _write


def refusal(path: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_repository_file_is_the_built_in_one():
    """`config.yaml` and what `sor` uses without a file are one text."""
    assert (ROOT / "config.yaml").read_text() == DEFAULT_TEXT


def test_the_built_in_lab_has_three_venues_and_every_limit():
    """Without a file, three loopback venues trade one instrument in three currencies."""
    config = load(None)

    assert config.mode is Mode.LAB
    assert [str(venue.account) for venue in config.venues] == ["binance/main", "kraken/main", "coinbase/main"]
    quotes = {symbol for venue in config.venues for symbol, name in venue.symbols.items() if name == "BTC/USD"}
    assert quotes == {"BTC/USDT", "BTC/USD", "BTC/USDC"}
    assert config.limits.parent_quantity_max == Decimal(50)
    assert all(venue.in_lab and venue.private for venue in config.venues)


def test_a_fence_follows_the_exchange_and_the_licence(write):
    """Coinbase takes no deadline: with the licence a repeated id is safe, without it a doubt goes to a person."""

    def fence_of(config: Config, name: str) -> Fence:
        return next(venue.terms.fence for venue in config.venues if venue.venue == name)

    licensed, unlicensed = load(write()), load(write({"venues|coinbase|dedupe_licensed": False}))

    assert fence_of(licensed, "binance") is Fence.DEADLINE
    assert fence_of(licensed, "coinbase") is Fence.PERMANENT_DEDUPE
    assert fence_of(unlicensed, "coinbase") is Fence.NONE


POSTGRES = {"database": "postgresql://desk@db/sor"}


def test_several_drivers_need_a_server_and_a_fence_everywhere(write):
    """A file has one driver; so has a venue that would take a replaced driver's late order. Paper sends none."""
    assert load(write(POSTGRES | {"replicas": 3})).unfenced == ()
    assert refusal(write({"replicas": 2})).field == "replicas"
    unfenced = POSTGRES | {"venues|coinbase|dedupe_licensed": False}
    assert load(write(unfenced)).unfenced == ("coinbase",)
    refused = refusal(write(unfenced | {"replicas": 2}))
    assert refused.field == "replicas"
    assert "coinbase" in refused.message


def test_one_child_at_a_time_is_not_a_setting_where_nothing_fences(write):
    """Two doubts at once about orders that no id can tell apart are two too many."""
    gemini = {"ccxt_id": "gemini", "symbols": {"BTC/USD": "BTC/USD"}, "loopback": "http://127.0.0.1:8709"}
    most = {venue.venue: venue.terms.outstanding_max for venue in load(write({"venues|gemini": gemini})).venues}
    assert (most["gemini"], most["kraken"]) == (1, None)
    refused = refusal(write({"venues|gemini": gemini | {"terms": {"outstanding_max": 2}}}))
    assert refused.field == "venues.gemini.terms.outstanding_max"


def test_lab_times_are_short_and_real_ones_are_not(write):
    """Nobody waits in the lab; on a real venue a doubt lasts as long as proof takes."""
    paper = load(
        write(
            {
                "mode": "paper",
                "venues|binance|loopback": None,
                "venues|kraken|loopback": None,
                "venues|coinbase|loopback": None,
            }
        )
    )

    assert all(venue.terms.request_ttl_ms <= 300 and venue.terms.read_lag_ms <= 300 for venue in load(None).venues)
    assert all(venue.terms.read_lag_ms >= 10_000 for venue in paper.venues)
    assert not any(venue.private for venue in paper.venues)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"moode": "lab"}, "moode", "did you mean `mode`?"),
        ({"mode": "demo"}, "mode", "'demo'"),
        ({"limits|colar_bps": 3}, "limits.colar_bps", "did you mean `collar_bps`?"),
        ({"limits|collar_bps": "1e3"}, "limits.collar_bps", "plain positive number"),
        ({"limits|collar_bps": -1}, "limits.collar_bps", "plain positive number"),
        ({"limits|collar_bps": True}, "limits.collar_bps", "plain positive number"),
        ({"limits|child_notional_max": 0}, "limits.child_notional_max", "more than 0"),
        ({"venues|kraken|symbols": {}}, "venues.kraken.symbols", "at least 1"),
        ({"venues|kraken|symbols|ETH/USD": "ETH/USD"}, "venues.kraken.symbols.ETH/USD", "not among"),
        ({"venues|kraken|symbols|ETH/USD": "BTC/USD"}, "venues.kraken.symbols.ETH/USD", "another base"),
        ({"venues|kraken|timeout": 3}, "venues.kraken.timeout", "did you mean `timeout_ms`?"),
        ({"venues|kraken|terms|fence": "MAYBE"}, "venues.kraken.terms.fence", "DEADLINE"),
        ({"venues|kraken|loopback": "http://example.com:1"}, "venues.kraken.loopback", "127"),
        ({"venues|kraken|loopback": None}, "venues.kraken.loopback", "required in mode lab"),
        ({"venues|kraken|options|urls": {"api": "x"}}, "venues.kraken.client_options.urls", "router's own"),
        ({"allow_loopback_urls": False}, "venues.binance.loopback", "allow_loopback_urls: true"),
        ({"instruments": None}, "instruments", "is required"),
        ({"instruments": ["btc-usd"]}, "instruments.0", "BASE/REPORTING"),
        ({"fx|USDT|listings": ["kraken/main:USDT/EUR"]}, "fx.USDT.listings", "not a symbol"),
        ({"fx|USDT|declared": "1"}, "fx.USDT", "choose one"),
        ({"database": "mysql://x"}, "database", "sqlite:/// or postgresql://"),
        ({"entity": "a desk"}, "entity", "pattern"),
    ],
)
def test_what_is_wrong_is_named(write, changes: dict[str, object], field: str, says: str):
    """One sentence, beginning with the setting's own name."""
    error = refusal(write(changes))

    assert error.field == field
    assert says in error.message


@pytest.mark.parametrize(
    ("text", "field"), [("mode: [", "config"), ("- a", "config"), ("mode: lab\nmode: live\n", "mode"), ("", "config")]
)
def test_a_file_that_is_no_mapping_is_refused(write, text: str, field: str):
    """Broken YAML, a list, a repeated key, an empty file."""
    assert refusal(write(text=text)).field == field


def test_a_missing_file_is_named(tmp_path: Path):
    """A wrong --config says which file."""
    assert "nowhere.yaml" in refusal(tmp_path / "nowhere.yaml").message


def test_the_environment_goes_before_the_file(write, monkeypatch: pytest.MonkeyPatch):
    """One setting of a nested section is replaced, the others stay."""
    monkeypatch.setenv("SOR_LIMITS__COLLAR_BPS", "33.5")
    monkeypatch.setenv("SOR_VENUES__KRAKEN__TIMEOUT_MS", "777")

    config = load(write())

    assert config.limits.collar_bps == Decimal("33.5")
    assert config.limits.parent_quantity_max == Decimal(50)
    kraken = next(venue for venue in config.venues if venue.venue == "kraken")
    assert kraken.timeout_ms == 777
    assert len(kraken.symbols) == 3


def test_relative_paths_are_relative_to_the_file(write, tmp_path: Path):
    """Cron's working directory does not choose the database."""
    assert load(write()).database_url == f"sqlite:///{tmp_path}/.sor/lab.db"


class TestAttestations:
    """What the operator says of a key where the venue says nothing."""

    def test_one_has_a_name_and_a_date(self, write):
        """As the file spells a date."""
        path = write({"venues|kraken|attest": {"cannot_withdraw": {"by": "jane", "on": date(2026, 11, 20)}}})
        kraken = next(venue for venue in load(path).venues if venue.venue == "kraken")
        assert kraken.attest.cannot_withdraw == Attestation(by="jane", on=date(2026, 11, 20))

    @pytest.mark.parametrize(
        ("attest", "field"),
        [
            ({"cannot_withdraw": {"by": "jane"}}, "cannot_withdraw.on"),
            ({"cannot_withdraw": {"by": "jane", "on": "soon"}}, "cannot_withdraw.on"),
            ({"can_trade": {"by": "jane", "on": date(2026, 11, 20)}}, "can_trade"),
        ],
    )
    def test_anything_less_is_none(self, write, attest: dict[str, object], field: str):
        """Refused by its name."""
        assert refusal(write({"venues|kraken|attest": attest})).field == f"venues.kraken.attest.{field}"


def test_nothing_of_ours_is_in_the_environment_by_accident():
    """The fixture that clears SOR_ variables works, or the tests above prove nothing."""
    assert not [name for name in os.environ if name.startswith("SOR_LIMITS")]


@pytest.fixture
def testnet(write):
    """Bybit's test network, with changes."""

    def _write(changes: dict[str, object] | None = None, venue: str = "bybit") -> Path:
        section = {"symbols": {"BTC/USDT": "BTC/USD"}, **(changes or {})}
        content = {"mode": "testnet", "instruments": ["BTC/USD"], "fx": {"USDT": {"declared": 1}}}
        return write(text=yaml.safe_dump({**content, "allow_loopback_urls": True, "venues": {venue: section}}))

    return _write


class TestTestnet:
    """Test networks are a list of hosts; who is not on it is refused."""

    def test_a_venue_with_a_test_network_is_taken(self, testnet):
        """At its test hosts, with a database of its own mode."""
        config = load(testnet())

        assert [(venue.testnet, venue.in_lab) for venue in config.venues] == [(True, False)]
        assert config.database_url.endswith("/testnet.db")

    @pytest.mark.parametrize("venue", ["kraken", "okx", "binanceus", "bitget", "coinbase"])
    def test_one_without_is_refused_by_its_name(self, testnet, venue: str):
        """Not traded on its live hosts instead."""
        error = refusal(testnet(venue=venue))

        assert error.field == f"venues.{venue}.ccxt_id"
        assert f"mode testnet needs a test network, and {venue} " in str(error)

    @pytest.mark.parametrize(
        ("changes", "venue", "field"),
        [
            ({"loopback": "http://127.0.0.1:1"}, "bybit", "venues.bybit.loopback"),
            ({"ccxt_id": "kraken"}, "bybit", "venues.bybit.ccxt_id"),
            ({}, "gate", "venues.gate.books"),
        ],
    )
    def test_other_ways_around_it(self, testnet, changes: dict[str, object], venue: str, field: str):
        """A loopback, another exchange under the name, sockets nobody knows a test host of."""
        assert refusal(testnet(changes, venue)).field == field
        assert load(testnet({"books": "poll"}, "gate")).venues[0].testnet
