"""`sor venues` shows the books of the driver that runs, and does without where none does."""

import socket
from dataclasses import replace

from rich.console import Console

from router.cli import report, tables
from router.cli.shown import driver_shown
from router.config import Config, load
from router.config.settings import StatusSettings
from router.web.status import Shown, StatusServer

LISTINGS = {
    "binance/main:BTC/USDT": {"age_ms": 12, "unusable": None},
    "kraken/main:BTC/USD": {"age_ms": 9, "unusable": "gap: 3 after 1"},
}


STREAMS = {"kraken/main": {"says": ["3 unknown frames of books, the last: channel=new"]}}


async def shown_by(deployment: str) -> tuple[Config, dict[str, dict[str, object]] | None]:
    """What a page of that deployment makes the command see."""
    config = load(None)
    page = Shown(
        status=lambda: {"deployment": deployment, "books": LISTINGS, "streams": STREAMS},
        not_ready=lambda: None,
        metrics=lambda: b"",
        view=lambda _instrument, _quantity: None,  # type: ignore[arg-type,return-value]
    )
    server = StatusServer(page, "127.0.0.1", 0)
    port = int((await server.start()).rpartition(":")[2])
    config = replace(config, status=StatusSettings(host="127.0.0.1", port=port))
    try:
        return config, await driver_shown(config)
    finally:
        await server.stop()


async def test_a_book_that_is_out_of_routing_says_why():
    """By symbol, with the reason; one that nobody has ever seen too."""
    config, driver = await shown_by(load(None).deployment)
    lines = report.venues_report(config, (), (), driver)

    assert [one["books_now"] for one in lines] == [
        {"BTC/USDT": LISTINGS["binance/main:BTC/USDT"]},
        {
            "BTC/USD": LISTINGS["kraken/main:BTC/USD"],
            "USDT/USD": {"age_ms": None, "unusable": "no book yet"},
            "USDC/USD": {"age_ms": None, "unusable": "no book yet"},
        },
        {symbol: {"age_ms": None, "unusable": "no book yet"} for symbol in ("BTC/USD", "BTC/USDC")},
    ]
    console = Console(width=400)
    with console.capture() as drawn:
        console.print(tables.venues(lines))
    assert "BTC/USD: gap: 3 after 1" in drawn.get()
    assert "routed on, at most 12 ms old" in drawn.get()
    assert "3 unknown frames of books, the last: channel=new" in drawn.get()


async def test_somebody_elses_page_is_not_ours():
    """Another deployment on our port is no word about our books."""
    _, books = await shown_by("another")

    assert books is None


async def test_where_nobody_drives_nobody_shows():
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert await driver_shown(replace(load(None), status=StatusSettings(host="127.0.0.1", port=port))) is None
