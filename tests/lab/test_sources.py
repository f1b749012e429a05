"""Where books come from: the seeded order flow and the recorded tapes."""

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.lab.binance import BinanceVenue
from connectors.lab.core import BookChanged, DuplicateRule, Exchange, NewOrder, SymbolRules, TimeInForce, VenueRules
from connectors.lab.flow import HiddenValues, VenueFlow
from connectors.lab.process import Lab
from connectors.lab.settings import LabSettings, LabVenueSettings
from connectors.lab.tapes import ROLES, Joiner, Rescaler, TapeBroken, TapePlayer, TapeRole, find_tapes, tape_sources
from router.model.instruments import FeeIn
from router.model.side import Side

D = Decimal
_TENTH_NS = 100_000_000


def exchange_for(role: TapeRole) -> Exchange:
    """A venue with the one book of a role, in ticks like its protocol's."""
    base, quote = role.symbol.split("/")
    symbol = SymbolRules(
        symbol=role.symbol,
        base=base,
        quote=quote,
        tick=D("0.1") if role.venue == "kraken" else D("0.01"),
        step=D("0.00000001"),
        min_quantity=D("0.0001"),
        min_notional=D(1),
    )
    rules = VenueRules(
        name=role.venue,
        taker_fee_bps=D(10),
        maker_fee_bps=D(10),
        fee_in=FeeIn.QUOTE,
        duplicates=DuplicateRule.NEVER,
    )
    return Exchange(rules, [symbol])


def flowing(seed: int, name: str = "binance", steps: int = 40) -> Exchange:
    """A venue whose flow has run for a while."""
    exchange = Exchange(BinanceVenue.default_rules(name, 0), BinanceVenue.default_symbols())
    flow = VenueFlow(exchange=exchange, values=HiddenValues(seed, D(61_700)), seed=seed)
    for number in range(steps):
        flow.step(number * _TENTH_NS, number)
    return exchange


def test_the_flow_of_a_seed_is_always_the_same() -> None:
    """Two runs agree in every level; another seed does not."""
    assert flowing(7).book("BTC/USDT") == flowing(7).book("BTC/USDT")
    assert flowing(7).book("BTC/USDT") != flowing(8).book("BTC/USDT")


def test_the_flow_never_crosses_a_venue_with_itself() -> None:
    """Through a minute of steps bids stay below asks, on the tick, in whole steps."""
    exchange = Exchange(BinanceVenue.default_rules("binance", 0), BinanceVenue.default_symbols())
    flow = VenueFlow(exchange=exchange, values=HiddenValues(3, D(61_700)), seed=3)
    for number in range(600):
        flow.step(number * _TENTH_NS, number)
        for symbol in exchange.symbols.values():
            bids, asks = exchange.book(symbol.symbol)
            assert bids[0][0] < asks[0][0]
            assert all(price % symbol.tick == 0 and size % symbol.step == 0 for price, size in (*bids, *asks))


def test_venues_of_one_seed_stand_around_one_price() -> None:
    """The mids of two venues differ, by less than a few basis points."""
    mids = []
    for name in ("binance", "kraken"):
        bids, asks = flowing(7, name).book("BTC/USDT", 1)
        mids.append((bids[0][0] + asks[0][0]) / 2)

    assert mids[0] != mids[1]
    assert abs(mids[0] / mids[1] - 1) < D("0.0005")


def test_what_was_taken_comes_back_only_with_the_flow() -> None:
    """A taker empties the touch; later steps refill the book."""
    exchange = flowing(7)
    exchange.deposit("a", "USDT", D(10_000_000))
    price, size = exchange.book("BTC/USDT", 1)[1][0]
    order = NewOrder(symbol="BTC/USDT", side=Side.BUY, quantity=size, limit_price=price, tif=TimeInForce.IOC)
    exchange.place("a", order, 1)

    assert exchange.book("BTC/USDT", 1)[1][0][0] > price


def test_bids_are_rounded_down_asks_up_and_levels_merged() -> None:
    """61800.2 x 1.000363 = 61822.63...: 61822.6 as a bid, 61822.7 as an ask; two prices on one tick add up."""
    role = ROLES[1]
    rescaler = Rescaler(role, exchange_for(role).symbols[role.symbol])

    assert rescaler.apply(Side.BUY, [["61800.20", "2"]]) == {D("61822.6"): D(2)}
    assert rescaler.apply(Side.SELL, [["61800.20", "2"]]) == {D("61822.7"): D(2)}
    merged = rescaler.apply(Side.SELL, [["61800.21", "1"]])
    assert merged == {D("61822.7"): D(3)}
    assert rescaler.apply(Side.SELL, [["61800.20", "0"]]) == {D("61822.7"): D(1)}


def test_contracts_become_base() -> None:
    """35 contracts of 100 USD at 61804.7 are 0.056629997... BTC, rounded down to the step."""
    role = ROLES[2]
    rescaler = Rescaler(role, exchange_for(role).symbols[role.symbol])

    assert rescaler.size("61804.7", "35") == D("0.05662999")


def test_a_missing_change_breaks_the_tape() -> None:
    """Spot: U must be the last u + 1. Futures: pu must be the last u. Older than the snapshot is no news."""
    spot = Joiner(100, futures=False)
    assert not spot.takes({"U": 90, "u": 100})
    assert spot.takes({"U": 99, "u": 105})
    assert spot.takes({"U": 106, "u": 106})
    with pytest.raises(TapeBroken):
        spot.takes({"U": 108, "u": 110})

    futures = Joiner(100, futures=True)
    assert not futures.takes({"U": 80, "u": 99, "pu": 79})
    assert futures.takes({"U": 95, "u": 110, "pu": 94})
    assert futures.takes({"U": 115, "u": 120, "pu": 110})
    with pytest.raises(TapeBroken):
        futures.takes({"U": 125, "u": 130, "pu": 121})


@pytest.fixture
def tapes(recorded_data: Path) -> Path:
    """The folder of the three recordings."""
    folder = find_tapes(str(recorded_data))
    if folder is None:
        pytest.skip("the recordings of binance-3mkt are not in the data folder")
    return folder


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.venue)
def test_a_tape_plays_without_gap_or_cross(tapes: Path, role: TapeRole) -> None:
    """The first twenty seconds: at every tenth the venue's own book is uncrossed, on the tick, and moving."""
    exchange = exchange_for(role)
    player = TapePlayer(role, next(iter(tapes.glob(role.pattern))), exchange)
    changes = 0
    for tenth in range(200):
        player.play_until(player.begins_ns + tenth * _TENTH_NS, tenth)
        bids, asks = exchange.book(role.symbol)
        assert bids[0][0] < asks[0][0]
        changes += sum(isinstance(event, BookChanged) for event in exchange.drain())
    tick = exchange.symbols[role.symbol].tick
    assert all(price % tick == 0 for price, _ in (*bids, *asks))
    assert changes > 1000


def test_three_tapes_are_one_market(tapes: Path) -> None:
    """Started together, the three tops lie within a few basis points of each other."""
    exchanges = {role.venue: exchange_for(role) for role in ROLES}
    sources = tape_sources(tapes, exchanges)
    for source in sources.values():
        source.step(5_000_000_000, 1)
    mids = []
    for role in ROLES:
        bids, asks = exchanges[role.venue].book(role.symbol, 1)
        mids.append((bids[0][0] + asks[0][0]) / 2)

    assert max(mids) / min(mids) - 1 < D("0.0003")


@pytest.mark.nightly
def test_a_tape_that_ends_is_not_looped(tapes: Path) -> None:
    """After the USD-M tape's end its venue hears nothing more; the others play on."""
    exchanges = {role.venue: exchange_for(role) for role in ROLES}
    sources = tape_sources(tapes, exchanges)
    for source in sources.values():
        source.step(400_000_000_000, 1)
    for exchange in exchanges.values():
        exchange.drain()
    for source in sources.values():
        source.step(420_000_000_000, 2)

    assert exchanges["kraken"].drain() == []
    assert exchanges["binance"].drain() != []


async def test_a_lab_plays_the_tapes(tapes: Path) -> None:
    """A lab started on the recordings has the recorded book, with the money books beside it."""
    settings = LabSettings(venues=(LabVenueSettings(name="binance", protocol="binance"),), tapes=str(tapes), speed=2.0)
    async with Lab(settings) as lab:
        exchange = lab.venues["binance"].exchange
        bids, asks = exchange.book("BTC/USDT", 1)
        assert D(61_000) < bids[0][0] < asks[0][0] < D(62_500)
        assert exchange.book("USDC/USDT", 1)[0]
        assert exchange.book("BTC/USDC", 1)[0] == []
