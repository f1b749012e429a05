"""`sor venues probe-dedupe`: does this venue take an id a second time, once its first order has ended?

The first order is an ordinary parent, as small as the listing allows: planned, reviewed, journaled and booked like any
other. When it has ended, the lease is taken again, one more copy of its child is counted and sent under the same id,
and what the venue makes of that is journaled as its licence, or as the reason why it has none. Where it made a second
order, the account is read once more by a driver, which books what that order filled.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib import metadata

from connectors.ccxt_venue import CcxtVenue
from connectors.settings import VenueSettings
from policies import POLICIES
from router.app.drive import drive_while, following
from router.app.estimate import NoMarket, market_view
from router.app.execute import see_through, submit
from router.app.licences import Measured
from router.app.parts import Driving, Router, build_market
from router.config import Mode
from router.engine import Engine
from router.model import rounding
from router.model.archive import ArchivedChild
from router.model.commands import Place
from router.model.errors import BadInput, LeaseHeld, SorError
from router.model.events import DedupeProbed, DedupeVerdict, Stamped
from router.model.ids import AccountId, ClientOrderId, InstrumentId, Nanos, VenueOrderId
from router.model.instruments import Listing
from router.model.market import MarketView
from router.model.money import plain, ratio
from router.model.orders import ChildOrder, ChildState
from router.model.outcomes import Accepted, Exists, Found, Lost, NotSent, PlaceOutcome, Refused
from router.orders.records import Child
from router.ports import JournalRow, Lease, Unknown
from router.requests import OrderBody
from router.requests.bodies import parse
from router.runtime.inbox import Inbox
from router.runtime.recovery import as_heard, recover
from router.runtime.switch import Switch

_MS = 1_000_000
_ENDED = frozenset({ChildState.FILLED, ChildState.CANCELLED, ChildState.EXPIRED})
_MARGIN = Decimal("1.5")
"""Over the venue's minimum: prices move between the look and the order."""
_FIRST_S = 60.0
_READ_S = 30.0
_LOOKS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What came of it. `booked`: a driver has read what the second order filled."""

    measured: Measured
    first: ChildOrder
    booked: bool


async def probe_dedupe(router: Router, name: str, principal: str) -> Probed:
    """Measure one venue. Raises `BadInput`, `LeaseHeld` while a driver runs, `SorError` when it cannot be measured."""
    venue = _venue(router, name)
    if await router.store.holder() is not None:
        message = "a driver runs: stop it, a probe drives by itself"
        raise LeaseHeld(message)
    first = await _first_order(router, venue, principal)
    async with _leased(router) as lease:
        measured = await _second_copy(router, venue, first, lease)
    second = measured.probe.verdict is DedupeVerdict.SECOND_ACCEPTED
    booked = second and await _read_again(router, venue.account)
    await router.projector.catch_up()
    return Probed(measured=measured, first=first, booked=booked)


def _venue(router: Router, name: str) -> VenueSettings:
    mode = router.config.mode
    if mode not in {Mode.LAB, Mode.TESTNET}:
        raise BadInput(
            "mode", f"is {mode}: a used id is probed only where orders cost nothing, in testnet (or the lab)"
        )
    found = next((venue for venue in router.config.venues if venue.venue == name), None)
    if found is None:
        known = ", ".join(venue.venue for venue in router.config.venues)
        raise BadInput("venue", f"{name} is not configured; {known} are")
    if not found.private:
        raise BadInput(f"venues.{name}.keys", "are needed to place an order")
    return found


# The first order.


async def _first_order(router: Router, venue: VenueSettings, principal: str) -> ChildOrder:
    """Place the smallest order there is, like any other, and wait for its end."""
    body = await _smallest(router, venue)
    done = await see_through(router, await submit(router, body, principal), _FIRST_S)
    children = () if done.detail is None else done.detail.children
    ended = [one for one in children if one.state in _ENDED and one.venue_order_id is not None]
    if not ended:
        reasons = [f"{one.state}: {one.reason}" for one in children] or [
            "it was not taken" if done.detail is None else done.detail.parent.reason
        ]
        raise SorError(f"nothing was measured: no order of {body.ref_id} came to an end: {'; '.join(reasons)}")
    client_id = ClientOrderId(ended[-1].client_id)
    recovered = await recover(router.store, POLICIES, router.observe.snapshot_refused)
    return (await _known(router, recovered.engine, client_id)).order


async def _known(router: Router, engine: Engine, client_id: ClientOrderId) -> Child | ArchivedChild:
    """The child, also if somebody drove meanwhile and its parent has left the state (D35)."""
    here = engine.state.blotter.children.get(client_id)
    if here is not None:
        return here
    remembered = await router.store.recall(Unknown(children=frozenset({client_id})))
    children = (child for parent in remembered.parents for child in parent.children)
    return next(child for child in children if child.order.client_id == client_id)


async def _smallest(router: Router, venue: VenueSettings) -> OrderBody:
    instrument = InstrumentId(next(iter(venue.symbols.values())))
    view = await market_view(router, instrument, Decimal(0))
    listing, price = _largest_minimum(view, venue)
    least = max(listing.min_quantity, ratio(listing.min_notional, price), listing.step) * _MARGIN
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return parse(
        OrderBody,
        {
            "ref_id": f"probe-{venue.venue}-{stamp}",
            "instrument": instrument,
            "side": "BUY",
            "base_quantity": plain(rounding.up(least, listing.step)),
            "venues": {"include": [venue.venue]},
        },
    )


def _largest_minimum(view: MarketView, venue: VenueSettings) -> tuple[Listing, Decimal]:
    """The listing that asks for most, and its best ask: what is enough there is enough on each."""
    shown = [
        (one.listing, one.asks[0].price)
        for one in view.listings
        if one.listing.account == venue.account and one.unusable is None and one.asks
    ]
    if not shown:
        raise NoMarket(f"{venue.venue} shows no book of {view.instrument}")
    return max(shown, key=lambda one: max(one[0].min_quantity, ratio(one[0].min_notional, one[1])))


# The second copy.


async def _second_copy(router: Router, venue: VenueSettings, first: ChildOrder, lease: Lease) -> Measured:
    """Count a copy, send it, look what became of it, and write that down."""
    recovered = await recover(router.store, POLICIES, router.observe.snapshot_refused)
    engine = recovered.engine
    router.clock.raise_floor(engine.state.last_ns)
    first_id = (await _known(router, engine, first.client_id)).venue_order_id
    assert first_id is not None
    port = CcxtVenue(venue, router.clock)
    asked = DedupeProbed(
        account=venue.account,
        client_id=first.client_id,
        mode=router.config.mode.value,
        ccxt=metadata.version("ccxt"),
        verdict=None,
        detail="about to be sent again",
        orders=(first_id,),
    )
    try:
        await port.start(build_market(router.config, Inbox(), router.observe))
        good_until_ns = await _renewed(router, lease)
        places = await _decided(router, engine, asked)
        if not places:
            raise SorError(f"nothing was measured: {engine.state.halt_reason or 'the first order has not ended'}")
        outcome, sent_ns = await _place(router, engine, port, places[0], good_until_ns)
        others: tuple[VenueOrderId, ...] = ()
        if not isinstance(outcome, NotSent):
            others = await _others(port, venue, first, first_id, outcome, sent_ns or router.clock.now())
    finally:
        await port.stop()
    verdict, detail = _verdict(outcome, others)
    told = replace(asked, verdict=verdict, detail=detail, orders=(first_id, *others))
    return await _written(router, engine, told, lease)


async def _decided(router: Router, engine: Engine, event: DedupeProbed) -> list[Place]:
    """The engine decides, with whom the event names brought back; the journal has it; only then may anything leave."""
    places: list[Place] = []
    for part in await as_heard(router.store, engine.state, event):
        stamped = Stamped(at_ns=router.clock.now(), event=part)
        decision = engine.decide(stamped)
        if decision.facts:
            [row] = await router.store.append([JournalRow(stamped=stamped, facts=decision.facts)])
            router.observe.facts(row.row)
        places += [command for command in decision.commands if isinstance(command, Place)]
    return places


async def _renewed(router: Router, lease: Lease) -> Nanos:
    """Until when the right to drive is surely ours: it runs from when it was asked for."""
    asked_ns, ttl_ms = router.clock.now(), router.config.timings.lease_ttl_ms
    if not await router.store.renew_lease(lease, ttl_ms):
        message = "another process took the lease: nothing was sent again"
        raise LeaseHeld(message)
    return Nanos(asked_ns + ttl_ms * _MS)


async def _place(
    router: Router, engine: Engine, port: CcxtVenue, place: Place, good_until_ns: Nanos
) -> tuple[PlaceOutcome, Nanos | None]:
    """Through the last gate, like every copy."""
    switch = Switch(router.clock, router.config.timings.approval_age_ms)
    switch.follow(engine.state.halt_reason if engine.state.halted else None, engine.state.halt_epoch)
    switch.lease_good_until(good_until_ns)
    return await port.place(place.order, place.deadline_ns, switch.gate(place.order, place.deadline_ns))


def _verdict(outcome: PlaceOutcome, others: tuple[VenueOrderId, ...]) -> tuple[DedupeVerdict, str]:
    """The answer, held against the venue's own records: an order found there counts, whatever the answer said."""
    if others:
        return DedupeVerdict.SECOND_ACCEPTED, f"a second order, {others[0]}, was made of a used id"
    match outcome:
        case Exists(code=code):
            return DedupeVerdict.REFUSED, f"refused: the id exists ({code})"
        case Accepted():
            return DedupeVerdict.FIRST_RETURNED, "answered with the first order"
        case Refused(code=code, text=text):
            return DedupeVerdict.NOT_MEASURED, f"refused for another reason ({code}: {text})"
        case Lost(why=why):
            return DedupeVerdict.NOT_MEASURED, f"the answer was lost ({why}), and no second order was found"
        case NotSent(why=why):
            return DedupeVerdict.NOT_MEASURED, f"nothing left: {why}"


async def _others(
    port: CcxtVenue,
    venue: VenueSettings,
    first: ChildOrder,
    first_id: VenueOrderId,
    outcome: PlaceOutcome,
    sent_ns: Nanos,
) -> tuple[VenueOrderId, ...]:
    """Orders under the id besides the first: by the answer, the order's record, the open list, or the trades."""
    found: dict[VenueOrderId, None] = {}
    if isinstance(outcome, Accepted | Exists) and outcome.venue_order_id is not None:
        found[outcome.venue_order_id] = None
    for _ in range(_LOOKS):
        await asyncio.sleep(venue.terms.read_lag_ms / 1_000 / _LOOKS)
        looked = await port.look_up(first, None)
        if isinstance(looked.result, Found):
            found[looked.result.order.venue_order_id] = None
        with suppress(SorError):
            read = await port.read_account(sent_ns)
            found |= dict.fromkeys(one.venue_order_id for one in read.open_orders if one.client_id == first.client_id)
            found |= dict.fromkeys(one.venue_order_id for one in read.trades if one.client_id == first.client_id)
    return tuple(order_id for order_id in found if order_id != first_id)


async def _written(router: Router, engine: Engine, told: DedupeProbed, lease: Lease) -> Measured:
    stamped = Stamped(at_ns=router.clock.now(), event=told)
    [row] = await router.store.append([JournalRow(stamped=stamped, facts=engine.decide(stamped).facts)])
    assert row.epoch == lease.epoch
    router.observe.facts(row.row)
    return Measured(probe=told, seq=row.seq, hash=row.hash, at_ns=stamped.at_ns)


# The lease.


@asynccontextmanager
async def _leased(router: Router) -> AsyncIterator[Lease]:
    """Ours, renewed until the end. What may be appended is decided by the journal's key, as always."""
    ttl_ms = router.config.timings.lease_ttl_ms
    lease = await router.store.take_lease(router.holder, ttl_ms)
    if lease is None:
        message = "another process drives now: run the probe again when it has ended"
        raise LeaseHeld(message)

    async def renew() -> None:
        while await router.store.renew_lease(lease, ttl_ms):  # noqa: ASYNC110 - a cadence, not an event
            await asyncio.sleep(ttl_ms / 3_000)

    renewing = asyncio.create_task(renew())
    try:
        yield lease
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        await router.store.release_lease(lease)


async def _read_again(router: Router, account: AccountId) -> bool:
    """A driver reads the account: what the second order filled is booked by that, and shouted about. Was it read?"""
    lease = await router.store.take_lease(router.holder, router.config.timings.lease_ttl_ms)
    if lease is None:
        return False  # whoever drives now reads it
    began_ns = router.clock.now()
    ends = asyncio.get_running_loop().time() + _READ_S
    read = False

    def unread(driving: Driving) -> bool:
        nonlocal read
        read = driving.driver.engine.state.watermarks.get(account, 0) >= began_ns
        return not read and asyncio.get_running_loop().time() < ends

    async with following(router):
        await drive_while(router, lease, unread)
    return read
