"""Instrument lists as the venues really answered them become listings: ticks, steps, minimums, names, rates."""

import decimal
import gzip
import json
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from connectors.ccxt_venue import mapping, wire
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import InstrumentId, VenueId, account_id
from tests.capabilities.asking import settings_of

LISTS = {
    "binanceus": "rest-payloads/binance_us_api_v3_exchangeInfo_20210814.json.gz",
    "bitget": "rest-recordings/xchange/xchange-bitget/__files/api_v2_spot_public_symbols.json",
    "gate": "rest-payloads/gateio_api_v4_spot_currency_pairs_20210422.json.gz",
    "htx": "rest-payloads/huobi_v1_common_symbols_20210417.json.gz",
    "kucoin": "rest-payloads/kucoin_api_v1_symbols_20210425.json.gz",
}
PATHS = ("/exchangeInfo", "/public/symbols", "/spot/currency_pairs", "/common/symbols", "/api/v2/symbols")
RATES = {"code": "200000", "data": {"ticker": []}}
BITFINEX = [[["BTCUST", [None, None, None, "0.00006", "2000", *[None] * 7]]], [], [], []]


async def markets_of(venue, answer):
    """What the client reads when each public path is answered by `answer`."""
    dialect = DIALECTS[venue]()
    options = {"enableRateLimit": False, "timeout_on_exit": 0, "number": str, **dialect.options(settings_of(venue))}
    client = dialect.client_class(options, lab_only=False)

    async def fetch(url, *_args, **_kwargs):
        wire.check_target(url, lab_only=False)
        return answer(urlsplit(url).path)

    client.fetch = fetch
    with decimal.localcontext():
        markets = await client.load_markets()
    await client.close()
    return dialect, markets


def listing_of(venue, dialect, market):
    return mapping.listing(
        market,
        venue=VenueId(venue),
        account=account_id(VenueId(venue), "main"),
        instrument=InstrumentId(f"{market['base']}/USD"),
        fee_bps=Decimal(10),
        fee_in=dialect.fee_in,
    )


@pytest.mark.parametrize("venue", sorted(LISTS))
async def test_a_recorded_list_of_instruments_becomes_listings(recorded_data, venue):
    """All of them, without keys: with a tick and a step, and a name that leads back to the market."""
    path = recorded_data / LISTS[venue]
    if not path.exists():
        pytest.skip(f"no recorded instruments of {venue}")
    raw = path.read_bytes()
    recorded = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    empty = [] if venue == "gate" else {**RATES, "status": "ok"}
    dialect, markets = await markets_of(venue, lambda told: recorded if told.endswith(PATHS) else empty)

    spot = [market for market in markets.values() if market["spot"]]
    listings = [listing_of(venue, dialect, market) for market in spot]
    names = mapping.names_of(spot)
    assert listings
    assert all(listing.tick > 0 and listing.step > 0 for listing in listings)
    assert all(names.symbol(names.market_id(listing.symbol)) == listing.symbol for listing in listings)


async def test_a_bitfinex_listing_has_a_tick_although_the_venue_names_none():
    """Five significant digits of twice the last price; a pair that never traded cannot be listed."""
    tickers = [["tBTCUST", 1, 1, 1, 1, 1, 1, 60000.0, 1, 1, 1]]
    dialect, markets = await markets_of("bitfinex", lambda path: tickers if path.endswith("/tickers") else BITFINEX)
    listing = listing_of("bitfinex", dialect, markets["BTC/USDT"])

    assert (listing.tick, listing.step, listing.min_quantity) == (Decimal(10), Decimal("1e-8"), Decimal("0.00006"))
