"""What an account holds is what our books explain, by the lab's own balances; what is not is said, and acknowledged."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from router.cli import balances
from router.model.ids import AccountId, Asset
from router.model.orders import ParentState
from router.requests import acknowledge_request
from router.requests.bodies import AcknowledgeBody, parse
from tests.e2e.rig import BINANCE, COINBASE, KRAKEN, NIGHTLY_SEATS, TERMS, Seat, Stand, order, standing
from tests.waiting import eventually

OFTEN = {**TERMS, "reconcile_every_ms": 150}
DAY = tuple(replace(seat, terms=OFTEN) for seat in (BINANCE, KRAKEN, COINBASE))
NIGHT = tuple(replace(seat, terms=OFTEN) for seat in NIGHTLY_SEATS)
LISTED = frozenset({"binance", "kraken", "bybit", "okx", "bitstamp", "gemini"})
seats = pytest.mark.parametrize(
    "seats", [pytest.param(DAY, id="day"), pytest.param(NIGHT, id="night", marks=pytest.mark.nightly)]
)


@pytest.mark.asyncio
@seats
async def test_conservation_over_a_days_work(tmp_path: Path, seats: Sequence[Seat]) -> None:
    """Trades, a deposit, a trade by hand, a loss without a trace, and somebody's word for it."""
    async with standing(tmp_path, seats) as stand:
        await eventually(lambda: all(account(seat) in stand.engine.driver.engine.state.ledgers for seat in seats))

        for ref, side in (("B1", "BUY"), ("S1", "SELL")):
            assert await stand.ended(await stand.submit(order(ref, "1.1", side))) is ParentState.FILLED
        await _agreed(stand, seats)

        for seat in seats:
            symbol = next(iter(seat.symbols))
            if seat.name in LISTED:
                await stand.control.deposit(seat.name, "BTC", "0.5")
                await stand.control.deposit(seat.name, "BTC", "-0.25")
            await stand.control.place(seat.name, symbol, "BUY", "0.01", "60030", tif="IOC")
        await _agreed(stand, seats)
        assert await stand.router.queries.differences() == ()

        gone, found = seats[0], seats[1]
        await stand.control.deposit(gone.name, "BTC", "-0.125", listed=False)
        await stand.control.deposit(found.name, "BTC", "0.125", listed=False)
        await eventually(lambda: not stand.gate_open(gone))
        await eventually(lambda: unexplained(stand, found) == {"BTC": Decimal("0.125")})
        assert unexplained(stand, gone) == {"BTC": Decimal("-0.125")}
        assert stand.engine.driver.engine.state.gates[account(gone)].reason == "0.125 BTC less than our books explain"
        assert stand.gate_open(found)
        await _shown(stand, gone, "-0.125")

        for _ in range(2):  # asked twice it counts once
            await _acknowledge(stand, gone, "-0.125")
        await eventually(lambda: stand.gate_open(gone))
        await _acknowledge(stand, found, "0.125")
        await _agreed(stand, seats)


def account(seat: Seat) -> AccountId:
    return AccountId(f"{seat.name}/main")


def unexplained(stand: Stand, seat: Seat) -> dict[Asset, Decimal]:
    return stand.engine.driver.engine.state.ledgers[account(seat)].unexplained


async def _agreed(stand: Stand, seats: Sequence[Seat]) -> None:
    """Our books say what the lab's accounts hold, to the last digit."""
    state = stand.engine.driver.engine.state

    async def probe() -> bool:
        for seat in seats:
            held = (await stand.control.balances(seat.name))["main"]
            ledger = state.ledgers[account(seat)]
            books = {asset: amount for asset, amount in ledger.expected.items() if amount}
            if ledger.suspected or ledger.unexplained:
                return False
            if books != {asset: Decimal(one["total"]) for asset, one in held.items() if Decimal(one["total"])}:
                return False
        return True

    await eventually(probe)


async def _shown(stand: Stand, seat: Seat, amount: str) -> None:
    """In the list of balances, in the alerts, on the wall."""
    queries = stand.router.queries

    async def listed() -> bool:  # decided is not durable yet
        await stand.router.projector.catch_up()
        lines = balances.report(await queries.balances(), await queries.reserving(), await queries.differences())
        line = next(one for one in lines if (one["account"], one["asset"]) == (account(seat), "BTC"))
        return str(line["unexplained"]) == amount

    await eventually(listed)
    alerts = [one for one in await queries.alerts(kind="UNEXPLAINED") if one.account == account(seat)]
    assert len(alerts) == 1
    assert alerts[0].detail.endswith("0.125 BTC less")
    assert f'sor_unexplained{{account="{seat.name}/main",asset="BTC"}} -0.125' in (
        stand.router.observe.exposition().decode()
    )


async def _acknowledge(stand: Stand, seat: Seat, amount: str) -> None:
    body = {"account": account(seat), "asset": "BTC", "amount": amount, "reason": "moved by the treasury"}
    asked = acknowledge_request(
        parse(AcknowledgeBody, body),
        f"{seat.name}-1",
        entity=stand.config.entity,
        principal="jane",
        asked_ns=stand.router.clock.now(),
    )
    await stand.router.store.ask(asked)
