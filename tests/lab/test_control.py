"""The control surface: what it shows, what it sets, what it refuses."""

import aiohttp
import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from tests.waiting import eventually


async def test_it_says_which_venues_there_are(lab: Lab, control: LabControl) -> None:
    """Name, protocol and where to reach it."""
    [venue] = await control.venues()

    assert (venue["venue"], venue["protocol"], venue["url"]) == ("binance", "binance", lab.venues["binance"].url)
    assert venue["duplicates"] == "OPEN_ONLY"


async def test_a_book_set_by_hand_is_the_book(control: LabControl) -> None:
    """Replacing takes other levels away; without it they stay."""
    await control.set_book("binance", "BTC/USDT", bids=[("100", "1")], asks=[("101", "2")])
    await control.set_book("binance", "BTC/USDT", asks=[("102", "3")], replace=False)

    assert await control.book("binance", "BTC/USDT") == {"bids": [["100", "1"]], "asks": [["101", "2"], ["102", "3"]]}


async def test_deposits_are_seen(control: LabControl) -> None:
    """The account's balance grows, and shrinks with a negative amount."""
    await control.deposit("binance", "EUR", "12.5")
    await control.deposit("binance", "EUR", "-2.5")

    assert (await control.balances("binance"))["main"]["EUR"] == {"total": "10", "free": "10"}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/outside", {"venue": "nowhere", "symbol": "BTC/USDT"}, "venue"),
        ("/outside", {"venue": "binance", "symbol": "DOGE/USDT"}, "symbol"),
        ("/outside", {"venue": "binance", "symbol": "BTC/USDT", "bids": [["a", "1"]]}, "bids"),
        ("/deposit", {"venue": "binance", "asset": "USD", "amount": "NaN"}, "amount"),
        ("/faults", {"venue": "binance", "fault": "earthquake"}, "earthquake"),
    ],
)
async def test_what_it_cannot_understand_it_refuses(lab: Lab, path: str, body: dict[str, object], words: str) -> None:
    """400 with a sentence that names the field."""
    async with aiohttp.ClientSession() as session, session.post(lab.control_url + path, json=body) as response:
        assert response.status == 400
        assert words in await response.text()


async def test_a_paused_venue_stands_still(lab: Lab, control: LabControl) -> None:
    """No sign of life while paused, one again after."""
    await control.pause("binance")
    assert lab.paused == {"binance"}

    await control.resume()
    assert lab.paused == frozenset()


async def test_ports_follow_the_control_surface(control: LabControl, lab: Lab) -> None:
    """Everything listens on loopback only, on ports of its own."""
    [venue] = await control.venues()
    assert venue["url"].startswith("http://127.0.0.1:")
    assert venue["url"] != lab.control_url

    async def answers() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{venue['url']}/api/v3/ping") as response:
            return response.ok

    await eventually(answers)


async def test_somebody_trades_by_hand(control: LabControl) -> None:
    """An order placed and cancelled past the protocol is the venue's like any other; a refusal is a 400."""
    order = await control.place("binance", "BTC/USDT", "BUY", "0.1", "50000", client_id="by-hand")
    assert (await control.cancel("binance", order["order_id"]))["status"] == "CANCELLED"
    assert [one["client_id"] for one in await control.orders("binance")] == ["by-hand"]

    with pytest.raises(aiohttp.ClientResponseError, match="INSUFFICIENT_FUNDS"):
        await control.place("binance", "BTC/USDT", "BUY", "1000", "50000")


async def test_a_drawn_plan_is_the_seeds(control: LabControl) -> None:
    """The same seed stands for the same faults."""
    await control.inject_drawn(5, 8)
    first = [(rule["fault"], rule["call"]) for rule in await control.faults()]
    await control.inject_drawn(5, 8)
    both = [(rule["fault"], rule["call"]) for rule in await control.faults()]

    assert len(first) == 8
    assert both == first + first
