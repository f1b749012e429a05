"""Helpers of the lab's tests: books and unmodified clients."""

from typing import Any

import ccxt.pro

from connectors.lab.venue import LabVenue

BIDS = (("60000", "1"), ("59990", "2"), ("59980", "3"))
ASKS = (("60010", "1"), ("60020", "2"), ("60030", "3"))


def binance_client(venue: LabVenue, **options: object) -> Any:
    """An unmodified client of a venue that speaks Binance; only its URLs and key are configured."""
    [key] = venue.keys.values()
    rest, ws = venue.url, venue.ws_url
    return ccxt.pro.binance(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "enableRateLimit": False,
            "urls": {
                "api": {
                    "public": f"{rest}/api/v3",
                    "private": f"{rest}/api/v3",
                    "sapi": f"{rest}/sapi/v1",
                    "ws": {"spot": f"{ws}/stream/ws", "ws-api": {"spot": f"{ws}/ws-api/v3"}},
                }
            },
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
                **options,
            },
        }
    )


def okx_client(venue: LabVenue, **options: object) -> Any:
    """An unmodified client of a venue that speaks OKX; only its URLs and key are configured."""
    [key] = venue.keys.values()
    return ccxt.pro.okx(
        {
            "apiKey": key.key,
            "secret": key.secret,
            "password": key.passphrase,
            "enableRateLimit": False,
            "urls": {"api": {"rest": venue.url, "ws": f"{venue.ws_url}/ws/v5"}},
            "options": {"fetchMarkets": {"types": ["spot"]}, **options},
        }
    )
