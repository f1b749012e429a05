"""`sor venues probe-dedupe`: what a venue makes of a used id, measured, booked, and held against the configuration."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.lab.client import LabControl
from connectors.lab.process import Lab
from router.app.licences import measured
from router.app.parts import Router, opened
from router.app.probe import Probed, _first_order, _leased, _second_copy, probe_dedupe
from router.app.venues_check import check_venues
from router.config import load
from router.drill.stand import (
    BINANCE,
    BITSTAMP,
    BYBIT,
    COINBASE,
    GEMINI,
    KRAKEN,
    OKX,
    Seat,
    lab_settings,
    set_books,
    urls_of,
    write_config,
)
from router.model.errors import BadInput, LeaseHeld
from router.model.events import DedupeProbed, DedupeVerdict, Stamped
from router.model.facts import DedupeNoted
from router.model.ids import AccountId, ClientOrderId, Nanos, VenueOrderId
from router.model.orders import ChildState
from router.ports import JournalRow
from router.runtime.clock import SystemClock
from router.store.audit import audit
from tests.e2e.rig import archived, archiving_soon, quantity_of, watched

NIGHTLY = pytest.mark.nightly
SECOND = DedupeVerdict.SECOND_ACCEPTED


@asynccontextmanager
async def at(folder: Path, seat: Seat, **changes: Any) -> AsyncIterator[tuple[Router, LabControl]]:
    """A lab with one venue, and the parts of a router that nobody drives."""
    async with Lab(lab_settings([seat])) as lab, LabControl(lab.control_url) as control:
        await set_books(control, [seat])
        config = load(write_config(folder, urls_of(lab), [seat], **changes))
        async with opened(config, watched()) as router:
            yield router, control


async def orders_under(control: LabControl, seat: Seat, done: Probed) -> Sequence[Any]:
    """What the venue itself has under the id."""
    spelled = str(done.first.client_id)
    found = await control.orders(seat.name)
    return [one for one in found if str(one["client_id"] or "").replace("-", "") == spelled]


@pytest.mark.parametrize(
    ("seat", "verdict", "orders"),
    [
        pytest.param(BYBIT, DedupeVerdict.REFUSED, 1, marks=NIGHTLY),
        (BINANCE, SECOND, 2),
        pytest.param(GEMINI, SECOND, 2, marks=NIGHTLY),
        pytest.param(KRAKEN, SECOND, 2, marks=NIGHTLY),
        pytest.param(OKX, SECOND, 2, marks=NIGHTLY),
        pytest.param(COINBASE, DedupeVerdict.FIRST_RETURNED, 1, marks=NIGHTLY),
        pytest.param(BITSTAMP, DedupeVerdict.REFUSED, 1, marks=NIGHTLY),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
async def test_a_used_id_is_measured_and_whatever_came_of_it_is_booked(
    tmp_path: Path, seat: Seat, verdict: DedupeVerdict, orders: int
):
    """The verdict is the venue's truth; every unit it traded stands in our books; a second order is a breach."""
    async with at(tmp_path, replace(seat, licensed=False)) as (router, control):
        done = await probe_dedupe(router, seat.name, "test")

        there = await orders_under(control, seat, done)
        detail = await router.queries.parent(done.first.parent_id)
        alerts = {one.kind for one in await router.queries.alerts()}
        walked = await audit(router.store)
        holder = await router.store.holder()
    assert (done.measured.probe.verdict, len(there)) == (verdict, orders)
    assert len(done.measured.probe.orders) == orders
    assert detail is not None
    assert detail.totals.quantity == quantity_of(there) > Decimal(0)
    [child] = detail.children
    assert (child.state, child.copies) == (ChildState.FILLED, 2)
    assert "DEDUPE_PROBED" in alerts
    assert ({"BREACH_ALIVE_AFTER_END", "BREACH_OVERFILLED"} <= alerts) is (verdict is SECOND)
    assert walked.clean
    assert holder is None


async def test_a_first_order_that_has_left_the_state_is_brought_back(tmp_path: Path):
    """Somebody drove between the two, and let go of it: the second copy is counted on the child all the same."""
    async with at(tmp_path, BYBIT) as (usual, control):
        router = archiving_soon(usual)
        venue = next(one for one in router.config.venues if one.venue == BYBIT.name)
        first = await _first_order(router, venue, "test")
        await archived(router, first.parent_id)
        async with _leased(router) as lease:
            found = await _second_copy(router, venue, first, lease)
        await router.projector.catch_up()

        detail = await router.queries.parent(first.parent_id)
        there = await control.orders(BYBIT.name)
    assert found.probe.verdict is DedupeVerdict.REFUSED
    assert detail is not None
    assert [(child.state, child.copies) for child in detail.children] == [(ChildState.FILLED, 2)]
    assert len(there) == 1


async def told(router: Router, verdict: DedupeVerdict) -> None:
    """As a probe would write it down."""
    lease = await router.store.take_lease("probe", 1_000)
    assert lease is not None
    probe = DedupeProbed(
        account=AccountId("bybit/main"),
        client_id=ClientOrderId("0" * 32),
        mode="lab",
        ccxt="4.5.90",
        verdict=verdict,
        detail="seen",
        orders=(VenueOrderId("1"),),
    )
    stamped = Stamped(at_ns=Nanos(1_795_000_000_000_000_000), event=probe)
    await router.store.append([JournalRow(stamped=stamped, facts=(DedupeNoted(probe=probe),))])
    await router.store.release_lease(lease)


async def shown(router: Router) -> tuple[str, str]:
    """The line of `sor venues check` about it."""
    known = await measured(router.store)
    found = await check_venues(
        router.config, watched(), SystemClock(), only=None, beside_driver=False, measured=known, stream_s=0.1
    )
    [line] = [one for one in found if one.subject == "used ids"]
    return line.verdict.value, line.says


async def test_a_licence_rests_on_what_was_measured_here_last(tmp_path: Path):
    """It may be named once it is there, must not be named before, and falls with the next probe that says otherwise."""
    name = "lab 2026-11-18 ccxt 4.5.90"

    async def opens(licence: str) -> str | None:
        path = tmp_path / "config.yaml"
        path.write_text(text.replace("dedupe_licensed: false", f"dedupe_licensed: {licence}"))
        try:
            async with opened(load(path), watched()):
                return None
        except BadInput as error:
            return str(error)

    async with at(tmp_path, BYBIT) as (router, _):
        text = (tmp_path / "config.yaml").read_text()
        assert "no such probe is in this database" in str(await opens(f"'{name}'"))
        await told(router, DedupeVerdict.REFUSED)
        assert (await opens(f"'{name}'"), await opens("true")) == (None, None)
        assert await shown(router) == ("OK", f"REFUSED: seen ({name})")
        await told(router, SECOND)
        assert await shown(router) == ("WARN", f"SECOND_ACCEPTED: seen ({name})")
        for licence in (f"'{name}'", "true"):
            assert f"venues.bybit.dedupe_licensed: is contradicted by the probe `{name}`" in str(await opens(licence))


async def test_it_is_refused_while_somebody_drives(tmp_path: Path):
    """And before anything is placed."""
    async with at(tmp_path, BYBIT) as (router, control):
        assert await router.store.take_lease("somebody", 60_000) is not None

        with pytest.raises(LeaseHeld, match="a driver runs"):
            await probe_dedupe(router, "bybit", "test")

        assert await control.orders("bybit") == []


async def test_it_is_refused_where_orders_cost_money(tmp_path: Path):
    """Of all modes only testnet, and the lab."""
    async with at(tmp_path, BYBIT) as (router, _):
        paper = replace(router, config=replace(router.config, mode="paper"))

        with pytest.raises(BadInput, match="mode: is paper: a used id is probed only where orders cost nothing"):
            await probe_dedupe(paper, "bybit", "test")
        with pytest.raises(BadInput, match="venue: okx is not configured; bybit are"):
            await probe_dedupe(router, "okx", "test")


def test_a_licence_is_named_as_the_probe_named_it(tmp_path: Path):
    """Anything else is refused by its field; a name of another mode cannot be looked up here, and is taken."""
    urls = {"bybit": "http://127.0.0.1:1"}
    text = write_config(tmp_path, urls, [BYBIT]).read_text()
    path = tmp_path / "config.yaml"

    path.write_text(text.replace("dedupe_licensed: false", "dedupe_licensed: 'trust me'"))
    with pytest.raises(BadInput) as caught:
        load(path)
    assert caught.value.field.startswith("venues.bybit.dedupe_licensed")
    path.write_text(text.replace("dedupe_licensed: false", "dedupe_licensed: 'testnet 2026-11-20 ccxt 4.5.90'"))
    [venue] = load(path).venues
    assert (venue.dedupe_licensed, venue.licence) == (True, "testnet 2026-11-20 ccxt 4.5.90")
