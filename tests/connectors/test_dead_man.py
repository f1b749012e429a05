"""The venue's own dead-man timer, in its own words: what rests is cancelled when nobody winds it any more."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue import CcxtVenue
from connectors.ccxt_venue.dead_man import TIMERS
from connectors.ccxt_venue.registry import DIALECTS
from connectors.lab.client import LabControl
from connectors.lab.core import OrderStatus
from connectors.lab.faults import Call, FaultKind
from connectors.lab.process import Lab
from router.model.errors import BadInput
from router.model.orders import TimeInForce
from router.model.outcomes import Accepted
from tests.capabilities.asking import Offline
from tests.connectors.rig import SYMBOLS, Notes, WallClock, child, place, settings_for, venue_at
from tests.waiting import eventually

WITH_TIMERS = pytest.mark.parametrize(
    "venue_name", ["kraken", pytest.param("okx", marks=pytest.mark.nightly)], indirect=True
)
SECONDS = 60


@pytest.fixture
async def venue(lab: Lab, control: LabControl, venue_name: str):
    """With its timer switched on."""
    account = venue_at(lab, venue_name, dead_man_s=SECONDS)
    await account.start(Notes())
    yield account
    await account.stop()


async def resting(control: LabControl, venue: str) -> str:
    """Something of the account rests in the book; a way to ask what became of it."""
    placed = await control.place(venue, SYMBOLS[venue], "BUY", "0.1", "50000")
    return str(placed["order_id"])


async def status(control: LabControl, venue: str, order_id: str) -> str:
    return next(str(o["status"]) for o in await control.orders(venue) if str(o["order_id"]) == order_id)


async def later(control: LabControl, venue: str, seconds: float) -> None:
    """The venue's clock moves on."""
    await control.inject(venue, FaultKind.CLOCK_OFF, offset_ms=int(seconds * 1000))


@WITH_TIMERS
async def test_nobody_winds_it_any_more(control: LabControl, venue_name: str, venue: CcxtVenue, lab: Lab) -> None:
    """After its time, and not before, the venue cancels what is open; what a child of ours had filled by then stays."""
    order = await resting(control, venue_name)
    ours = child(venue_name, price="60005", time_in_force=TimeInForce.GTC, post_only=True)
    accepted = await place(venue, ours)
    assert isinstance(accepted, Accepted)
    await control.print_trade(venue_name, SYMBOLS[venue_name], "SELL", "0.2", "60000")
    assert await venue.dead_man(SECONDS) is None
    await later(control, venue_name, SECONDS - 10)
    assert await status(control, venue_name, order) == "OPEN"
    await later(control, venue_name, SECONDS + 1)
    await eventually(lambda: _is(control, venue_name, order, "CANCELLED"))
    (record,) = lab.venues[venue_name].exchange.find("main", client_id=venue.encode_id(ours.client_id))
    assert (record.status, record.executed) == (OrderStatus.CANCELLED, Decimal("0.2"))


@WITH_TIMERS
async def test_stopped_it_cancels_nothing(control: LabControl, venue_name: str, venue: CcxtVenue, lab: Lab) -> None:
    order = await resting(control, venue_name)
    assert await venue.dead_man(SECONDS) is None
    assert await venue.dead_man(None) is None
    assert lab.venues[venue_name].exchange.dead_man_ns("main") is None
    await later(control, venue_name, SECONDS + 1)
    assert await status(control, venue_name, order) == "OPEN"


@WITH_TIMERS
async def test_wound_again_it_runs_from_then_on(
    control: LabControl, venue_name: str, venue: CcxtVenue, lab: Lab
) -> None:
    """Each call starts the count anew."""
    assert await venue.dead_man(SECONDS) is None
    first = lab.venues[venue_name].exchange.dead_man_ns("main")
    assert await venue.dead_man(SECONDS) is None
    second = lab.venues[venue_name].exchange.dead_man_ns("main")
    assert first is not None
    assert second is not None
    assert second > first


@WITH_TIMERS
async def test_a_timer_that_could_not_be_set_is_told(control: LabControl, venue_name: str, venue: CcxtVenue) -> None:
    """Whatever went wrong, in a sentence; nothing is raised."""
    await control.inject(venue_name, FaultKind.HTTP_5XX, call=Call.TIMER, times=None)
    said = await venue.dead_man(SECONDS)
    assert said is not None
    assert "503" in said


async def _is(control: LabControl, venue: str, order_id: str, wanted: str) -> bool:
    return await status(control, venue, order_id) == wanted


@pytest.mark.parametrize("name", sorted(TIMERS))
async def test_what_each_venue_is_sent(name: str) -> None:
    """Seconds under the venue's own name at a path of its own; and its own word for off. It has a budget."""
    offline, timer = Offline(name, DIALECTS[name]()), TIMERS[name]
    assert offline.dialect.cost(timer.endpoint, {})
    for seconds in (timer.seconds_min, None):
        await offline.ask(timer.endpoint, timer.params(seconds))
    paths = {
        "gate": "/spot/countdown_cancel_all",
        "htx": "/v2/algo-orders/cancel-all-after",
        "kraken": "/0/private/CancelAllOrdersAfter",
        "kucoin": "/hf/orders/dead-cancel-all",
        "okx": "/trade/cancel-all-after",
    }
    on, off = offline.sent[-2:]
    assert paths[name] in str(on)
    assert f"{timer.seconds_min}" in str(on)
    assert f"{timer.off}" in str(off)


@pytest.mark.parametrize(("venue", "seconds"), [("binance", 60), ("gemini", 60), ("okx", 9), ("okx", 121)])
def test_a_timer_the_venue_has_not_is_refused_by_name(venue: str, seconds: int) -> None:
    with pytest.raises(BadInput) as refused:
        CcxtVenue(settings_for(venue, None, {}, dead_man_s=seconds), WallClock())
    assert refused.value.field == f"venues.{venue}.dead_man_s"
