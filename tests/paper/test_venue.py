"""What sets a paper account apart: the real venue never hears of it, money is conserved, a kill loses nothing."""

import asyncio
import json
import random
import signal
import sqlite3
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.paper import PaperSettings, PaperVenue
from router.model.errors import BadInput, SorError
from router.model.ids import ClientOrderId, Nanos, account_id
from router.model.instruments import FeeIn
from router.model.orders import TimeInForce, VenueOrderStatus
from router.model.outcomes import Accepted, CancelUnclear, Found, Lost, Missing, NotSent, Refused, Unclear
from router.model.side import Side
from tests.connectors.rig import SYMBOLS, TTL_NS, Notes, WallClock, approved, child, pass_gate, place, settings_for
from tests.paper.rig import DEPOSITS, paper_at, recomputed
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


async def found(venue, order) -> Found:
    looked = (await venue.look_up(order, None)).result
    assert isinstance(looked, Found)
    return looked


async def held(venue) -> dict[str, Decimal]:
    return {str(b.asset): b.total for b in (await venue.read_account(Nanos(0))).balances}


async def test_the_real_venue_never_hears_of_an_order(paper, name, control):
    """It has no order, no trade, the same book; our account there has what it had."""
    before = await control.balances(name)

    await place(paper, child(name, quantity="1.5", price="60020"))
    await place(paper, child(name, price="59000", time_in_force=TimeInForce.GTC))

    assert (await paper.read_account(Nanos(0))).trades
    assert await control.orders(name) == []
    assert await control.trades(name) == []
    assert await control.balances(name) == before
    assert (await control.book(name, SYMBOLS[name]))["asks"][0] == ["60010", "1"]


def test_keys_that_are_configured_are_not_handed_on(lab, name, file):
    """An order cannot leave by mistake: the client that reads the books could not sign it."""
    settings = settings_for(name, lab.venues[name].url, {"apiKey": "k", "secret": "s"})
    venue = PaperVenue(settings, PaperSettings(file=file, deposits=DEPOSITS), WallClock())
    assert settings.private
    assert not venue._public.settings.private


async def test_listings_are_the_venues_with_its_public_fee_or_ours(lab, name, notes, file, control):
    """Rules of the real market; the rate anybody pays, unless another is configured."""
    public, ours = paper_at(lab, name, file), paper_at(lab, name, file, fee_bps=Decimal(3))
    try:
        (listed,), (cheaper,) = await public.start(notes), await ours.start(notes)
    finally:
        await public.stop()
        await ours.stop()
    assert listed.tick == {"kraken": Decimal("0.1")}.get(name, Decimal("0.01"))
    assert listed.taker_fee_bps >= 10
    assert cheaper == replace(listed, taker_fee_bps=Decimal(3))


async def test_a_fee_is_taken_as_the_venue_takes_it(lab, name, notes, file, control):
    """In the asset the listing names, at the configured rate."""
    venue = paper_at(lab, name, file, fee_bps=Decimal(20))
    (listing,) = await venue.start(notes)
    await eventually(lambda: notes.bids)
    order = child(name, quantity="0.5")
    await place(venue, order)
    (fee,) = (await found(venue, order)).trades[0].fees
    await venue.stop()
    in_base = listing.fee_in is FeeIn.RECEIVED
    assert fee.asset == (order.base if in_base else order.quote)
    assert fee.amount == (Decimal("0.001") if in_base else Decimal("60.01"))


async def test_only_assets_that_can_be_traded_are_credited_and_only_once(lab, name, notes, file, control):
    """A second start finds what the first one left."""
    first = paper_at(lab, name, file)
    await first.start(notes)
    await eventually(lambda: notes.bids)
    base, quote = SYMBOLS[name].split("/")
    assert await held(first) == {base: DEPOSITS[base], quote: DEPOSITS[quote]}
    await place(first, child(name, quantity="0.5"))
    left = await held(first)
    await first.stop()

    second = paper_at(lab, name, file)
    await second.start(Notes())
    assert await held(second) == left
    await second.stop()


async def test_what_was_taken_stays_taken_until_the_level_changes(paper, name, control, notes):
    """The real book goes on showing the level; it fills nobody twice."""
    (listing,) = notes.asks
    await place(paper, child(name, quantity="1", price="60010"))
    heartbeat = notes.deltas + notes.heartbeats + notes.snapshots
    await eventually(lambda: notes.deltas + notes.heartbeats + notes.snapshots > heartbeat + 3)
    second = child(name, quantity="1", price="60010")
    await place(paper, second)
    assert (await found(paper, second)).trades == ()
    assert 60010.0 not in notes.asks[listing]

    await control.set_book(name, SYMBOLS[name], asks=[("60010", "0.75")], replace=False)
    await eventually(lambda: notes.asks[listing].get(60010.0) == 0.75)
    third = child(name, quantity="1", price="60010")
    await place(paper, third)
    assert (await found(paper, third)).order.executed == Decimal("0.75")


async def test_two_orders_at_once_do_not_share_a_level(paper, name):
    """Both want all of it; it is there once."""
    orders = [child(name, quantity="1", price="60010") for _ in range(4)]
    await asyncio.gather(*(place(paper, order) for order in orders))
    executed = [(await found(paper, order)).order.executed for order in orders]
    assert sorted(executed) == [0, 0, 0, 1]


async def test_a_resting_order_is_filled_when_the_real_venue_trades_through_it(paper, name, control, notes, lab, file):
    """At its own price, also after a restart, and a hint says so; not by what the book shows, nor at its very price."""
    order = child(name, quantity="0.5", price="60005", time_in_force=TimeInForce.GTC)
    await place(paper, order)
    await paper.stop()
    again = paper_at(lab, name, file)
    heard = Notes()
    await again.start(heard)
    assert (await found(again, order)).order.status is VenueOrderStatus.OPEN

    await eventually(lambda: heard.epochs)

    await control.set_book(name, SYMBOLS[name], asks=[("60001", "0.2")], replace=False)
    await control.print_trade(name, SYMBOLS[name], "SELL", "0.1", "60005")
    await control.print_trade(name, SYMBOLS[name], "BUY", "0.2", "60001")

    await eventually(lambda: [hint for hint in heard.hints if hint.client_id == order.client_id])
    told = await found(again, order)
    assert [(trade.price, trade.quantity, trade.maker) for trade in told.trades] == [
        (Decimal(60005), Decimal("0.2"), True)
    ]
    assert told.order.status is VenueOrderStatus.OPEN
    assert recomputed(file) == await held(again)
    await again.stop()


async def test_an_id_is_good_for_as_long_as_at_the_real_venue(paper, name, lab, file):
    """Coinbase gives the first order back for ever, a restart between; the others forget an id that has ended."""
    order = child(name, quantity="0.25")
    first = await place(paper, order)
    await paper.stop()
    again = paper_at(lab, name, file)
    notes = Notes()
    await again.start(notes)
    await eventually(lambda: notes.bids)

    second = await place(again, order)

    trades = (await again.read_account(Nanos(0))).trades
    await again.stop()
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (second == first, len(trades)) == ((True, 1) if name == "coinbase" else (False, 2))


async def test_money_is_conserved_over_a_day_of_orders(paper, name, control, file):
    """Whatever is placed and cancelled while the book moves, holdings are deposits and trades, to the last digit."""
    draws = random.Random(f"paper:{name}")
    resting = []
    for _ in range(40):
        side = draws.choice(list(Side))
        price = str(60000 + 10 * draws.randrange(-3, 4))
        quantity = f"0.{draws.randrange(1, 900):04d}"
        rests = draws.random() < 0.4
        order = child(name, side, quantity, price, time_in_force=TimeInForce.GTC if rests else TimeInForce.IOC)
        assert isinstance(await place(paper, order), Accepted | Refused)
        resting += [order] if rests else []
        if draws.random() < 0.3 and resting:
            await paper.cancel(resting.pop(draws.randrange(len(resting))), None)
        if draws.random() < 0.3:
            level = (str(60000 + 10 * draws.randrange(1, 3)), f"0.{draws.randrange(1, 999):03d}")
            await control.set_book(name, SYMBOLS[name], asks=[level], replace=False)
    for order in resting:
        await paper.cancel(order, None)

    read = await paper.read_account(Nanos(0))

    assert len(read.trades) > 10
    assert read.open_orders == ()
    assert all(b.free == b.total >= 0 for b in read.balances)
    assert {str(b.asset): b.total for b in read.balances} == recomputed(file)


async def test_two_processes_share_one_account(paper, name, lab, file, control, notes):
    """Neither overlooks nor overspends what the other did: the file is the account."""
    other, heard = paper_at(lab, name, file), Notes()
    await other.start(heard)
    await eventually(lambda: heard.bids)
    mine, theirs = child(name, quantity="2", price="60020"), child(name, quantity="2", price="60020")

    outcomes = [await place(paper, mine), await place(other, theirs)]

    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Refused)  # 120k each, and there were 200k
    assert (await found(other, mine)).order.executed == 2
    assert isinstance((await paper.look_up(theirs, None)).result, Missing)
    await other.stop()


async def test_a_copy_that_left_goes_through_although_nobody_waits(paper, name):
    """Cancelling the caller cancels no order."""
    order = child(name, quantity="0.5")
    left = asyncio.Event()
    task = asyncio.create_task(paper.place(approved(order), Nanos(order.decided_at_ns + TTL_NS), left.set))
    await left.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await found(paper, order)).order.executed == Decimal("0.5")


async def test_a_passed_deadline_sends_nothing(paper, name):
    order = child(name)
    outcome, sent_ns = await paper.place(approved(order), Nanos(order.decided_at_ns - 1), pass_gate)
    assert outcome == NotSent(why="the deadline has passed", by_gate=True)
    assert sent_ns is None


async def test_before_it_is_started_it_says_so(lab, name, file):
    venue, order = paper_at(lab, name, file), child(name)
    assert isinstance(await place(venue, order), NotSent)
    assert isinstance((await venue.look_up(order, None)).result, Unclear)
    assert isinstance(await venue.cancel(order, None), CancelUnclear)
    with pytest.raises(SorError):
        await venue.read_account(Nanos(0))


async def test_a_file_that_fails_proves_nothing(paper, name, file):
    """An order that cannot be written may yet have been: lost, never refused."""
    order = child(name)
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE holding")
    connection.close()
    assert isinstance(await place(paper, order), Lost)
    assert isinstance(await paper.cancel(order, None), CancelUnclear)
    with pytest.raises(SorError):
        await paper.read_account(Nanos(0))


async def test_a_file_of_another_account_is_refused(paper, name, lab, file):
    other = account_id(name, "other")
    settings = paper._settings
    venue = paper_at(lab, name, file, account=other, terms=replace(settings.terms, account=other))
    with pytest.raises(SorError, match=f"is the paper account of {name}/main, not of {name}/other"):
        await venue.start(Notes())


async def test_a_place_that_cannot_be_written_is_named(lab, name, control, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(SorError, match="cannot be used"):
        await paper_at(lab, name, tmp_path / "taken" / "account.db").start(Notes())


async def test_a_wrong_symbol_is_named(lab, name, file):
    with pytest.raises(BadInput, match="no spot market"):
        await paper_at(lab, name, file, symbols={"BTC/XYZ": "BTC/USD"}).start(Notes())


async def test_an_order_rests_no_longer_than_it_is_listed(paper, name, lab, file):
    """A symbol was taken out of the configuration: its orders end, its money is free."""
    order = child(name, price="59000", time_in_force=TimeInForce.GTC)
    await place(paper, order)
    await paper.stop()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE placed SET symbol = 'BTC/GONE'")
    connection.close()
    again = paper_at(lab, name, file)
    await again.start(Notes())
    read = await again.read_account(Nanos(0))
    await again.stop()
    assert read.open_orders == ()
    assert all(b.free == b.total for b in read.balances)


_CLERK = """
import asyncio, json, sys
from pathlib import Path
from connectors.paper import PaperSettings, PaperVenue
from router.model.ids import Nanos
from tests.connectors.rig import Notes, WallClock, approved, child, settings_for
from tests.paper.rig import DEPOSITS
from tests.waiting import eventually

async def main(venue, url, file):
    paper = PaperSettings(file=Path(file), deposits=DEPOSITS)
    account = PaperVenue(settings_for(venue, url, {}), paper, WallClock())
    notes = Notes()
    await account.start(notes)
    await eventually(lambda: notes.bids)
    while True:
        order = child(venue, quantity="0.001", price="60030")
        outcome, _ = await account.place(approved(order), None, lambda: None)
        print(json.dumps([order.client_id, outcome.venue_order_id]), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("name", ["kraken"])
async def test_a_kill_loses_no_order_that_was_answered(lab, name, control, file):
    """The process dies without warning between two orders or inside one; whatever it had told, the file still tells."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CLERK, name, lab.venues[name].url, str(file)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    answered = [await process.stdout.readline() for _ in range(25)]
    process.send_signal(signal.SIGKILL)
    answered += (await process.stdout.read()).splitlines()
    await process.wait()

    survivor = paper_at(lab, name, file)
    await survivor.start(Notes())
    read = await survivor.read_account(Nanos(0))
    for client_id, order_id in map(json.loads, filter(None, answered)):
        told = await found(survivor, replace(child(name), client_id=ClientOrderId(client_id)))
        assert told.order.venue_order_id == order_id
        assert told.order.executed == sum(trade.quantity for trade in told.trades) == Decimal("0.001")
    assert 25 <= len(answered) <= len(read.trades) <= len(answered) + 1
    assert await held(survivor) == recomputed(file)
    await survivor.stop()


@pytest.mark.parametrize("name", ["kraken"])
async def test_an_order_that_dearer_fees_put_out_of_reach_is_cancelled(paper, name, lab, file):
    """All money stands in it; after a restart at a higher rate it could not be paid for."""
    order = child(name, quantity="3.9", price="51000", time_in_force=TimeInForce.GTC)
    assert isinstance(await place(paper, order), Accepted)
    await paper.stop()
    again = paper_at(lab, name, file, fee_bps=Decimal(200))
    await again.start(Notes())
    read = await again.read_account(Nanos(0))
    status = (await found(again, order)).order.status
    await again.stop()
    assert status is VenueOrderStatus.CANCELLED
    assert read.open_orders == ()
    assert all(b.free == b.total for b in read.balances)
