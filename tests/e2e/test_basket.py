"""A basket over the lab: killed with a buy released and not sent, started again, and equal to the venues' records."""

import json
import signal
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from router.drill.stand import KRAKEN, TERMS
from tests.e2e.desk import Desk, Seat, desk_at, printed, replace
from tests.e2e.runner import Moment, Point
from tests.e2e.truth import DEPOSITS, assert_venues_agree
from tests.waiting import eventually

SEATS: tuple[Seat, ...] = (
    replace(
        KRAKEN,
        symbols={"BTC/USD": "BTC/USD", "USDT/USD": "USDT/USD"},
        terms={**TERMS, "quarantine_after_ms": 10_000},
    ),
)
CHANGES = {"instruments": ["BTC/USD", "USDT/USD"], "limits": {"parent_quantity_max": 1_000_000}}
_LOOKS = count()
BASKET = {
    "ref_id": "B1",
    "legs": [
        {"instrument": "BTC/USD", "side": "SELL", "base_quantity": "0.4"},
        {"instrument": "USDT/USD", "side": "BUY", "base_quantity": "50000"},
    ],
}


@pytest.mark.nightly
async def test_killed_between_release_and_send(tmp_path: Path) -> None:
    """The sell is there, its proceeds are let go, and the buy has not left: the next driver sends it once."""
    async with desk_at(tmp_path, f"sqlite:///{tmp_path / 'sor.db'}", SEATS, **CHANGES) as desk:
        quotes = {"bids": (("0.9999", "900000"),), "asks": (("1.0001", "900000"),)}
        await desk.control.set_book("kraken", "USDT/USD", **quotes)
        file = tmp_path / "basket.json"
        file.write_text(json.dumps(BASKET))
        handed_in = desk.sor("submit", "basket", "submit", str(file))
        assert await handed_in.ended() == 0, handed_in.said()

        first = desk.sor("first", "serve", moment=Moment(Point.BEFORE_SEND, 2))
        assert await first.ended() == -signal.SIGKILL, first.said()
        second = desk.sor("second", "serve")
        shown = await eventually(lambda: _ended(desk), within_s=60)
        explained = desk.sor("explained", "explain", "B1/2")
        assert await explained.ended() == 0, explained.said()
        assert "nothing has settled yet" in explained.out.read_text()
        second.send(signal.SIGTERM)
        await second.ended()

        await assert_venues_agree(desk.control, desk.database_url)
        held = (await desk.control.balances("kraken"))["main"]
        sold, bought = shown["legs"]
        assert (shown["state"], sold["state"], bought["state"]) == ("COMPLETED_ADJUSTED", "FILLED", "DONE_PARTIAL")
        assert bought["reason"].startswith("scaled to ")
        assert DEPOSITS["USD"] <= Decimal(held["USD"]["total"]) < DEPOSITS["USD"] + 20
        assert Decimal(held["USDT"]["total"]) - DEPOSITS["USDT"] == Decimal(bought["filled"]) > 23_000
        assert {"SPENT", "GO"} <= {one["detail"].split(":")[0].split(";")[0] for one in shown["releases"]}


async def _ended(desk: Desk) -> dict[str, Any] | None:
    """The basket as `sor basket show` has it, once it has ended."""
    show = desk.sor(f"show {next(_LOOKS)}", "basket", "show", "B1", "--json")
    assert await show.ended() == 0, show.said()
    shown = dict(printed(show))
    return shown if shown["state"] not in {None, "WORKING", "PAUSED"} else None
