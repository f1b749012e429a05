"""Deposits and withdrawals as each venue lists them, read by the unmodified client from its lab."""

from decimal import Decimal

import pytest

from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.movements import MOVEMENTS
from connectors.ccxt_venue.registry import DIALECTS
from router.model.ids import AccountId, Nanos

DESK = Desk(
    account=AccountId("v/main"),
    names=Names(symbol_by_id={}, id_by_symbol={"BTC/USD": "BTCUSD"}, asset_by_id={"XXBT": "BTC"}),
)


async def test_what_moved_is_read_from_the_venues_own_list(venue, control, venue_name):
    """In and out, signed; and nothing at a venue whose list is not read."""
    await control.deposit(venue_name, "BTC", "0.5")
    await control.deposit(venue_name, "BTC", "-0.125")
    await control.deposit(venue_name, "BTC", "7", listed=False)

    movements = await venue.movements()

    found = sorted((one.asset, one.amount) for one in movements or ())
    assert movements is not None
    assert len({one.key for one in movements}) == len(movements)
    assert found == ([("BTC", Decimal("-0.125")), ("BTC", Decimal("0.5"))] if venue_name in MOVEMENTS else [])


@pytest.mark.parametrize("venue_name", ["kraken"])
async def test_a_list_denied_to_the_key_is_a_doubt_about_the_key(venue, control, venue_name):
    """Not the same as a list with nothing on it: somebody has to acknowledge what moves, so somebody has to know."""
    await control.grant(venue_name, ledger=False)
    assert await venue.movements() == ()
    doubt = "may not read deposits and withdrawals (EGeneral:Permission denied): acknowledge what moves"
    read = await venue.read_account(Nanos(0))
    assert read.key is not None
    assert read.key.doubts == (doubt,)

    await control.grant(venue_name, ledger=True)
    await venue.movements()
    read = await venue.read_account(Nanos(0))
    assert read.key is not None
    assert read.key.doubts == ()


@pytest.mark.parametrize(
    ("venue", "answers", "amounts"),
    [
        (
            "binance",
            [
                [
                    {"id": 1, "coin": "BTC", "amount": "1", "status": 0, "insertTime": 1_763_600_000_000},
                    {"id": 2, "coin": "BTC", "amount": "2", "status": 6, "insertTime": 1_763_600_000_000},
                ],
                [
                    {
                        "id": 1,
                        "coin": "BTC",
                        "amount": "1",
                        "transactionFee": "0.1",
                        "status": s,
                        "applyTime": "2026-11-19 10:00:00",
                    }
                    for s in (4, 5, 6)
                ],
            ],
            ["0", "2", "-1.1", "0", "-1.1"],
        ),
        (
            "kraken",
            [
                {"result": {"ledger": {"L1": {"asset": "XXBT", "amount": "1", "fee": "0", "time": 1.5}}, "count": 1}},
                {
                    "result": {
                        "ledger": {"L2": {"asset": "XXBT", "amount": "-1", "fee": "0.01", "time": 1.5}},
                        "count": 1,
                    }
                },
                {"result": {"ledger": {}, "count": 0}},
            ],
            ["1", "-1.01"],
        ),
        (
            "gemini",
            [
                [
                    {
                        "eid": 1,
                        "type": "Deposit",
                        "status": "Pending",
                        "currency": "BTC",
                        "amount": "1",
                        "timestampms": 1,
                    },
                    {
                        "eid": 2,
                        "type": "Deposit",
                        "status": "Advanced",
                        "currency": "BTC",
                        "amount": "1",
                        "timestampms": 1,
                    },
                    {
                        "eid": 3,
                        "type": "Withdrawal",
                        "status": "Complete",
                        "currency": "BTC",
                        "amount": "1",
                        "feeAmount": "0.1",
                        "timestampms": 1,
                    },
                ]
            ],
            ["0", "1", "-1.1"],
        ),
    ],
)
async def test_what_counts_is_what_it_did_to_the_balance(venue, answers, amounts):
    """Pending and failed ones did nothing, fees are part of it."""
    left = list(answers)

    async def ask(_endpoint, _params):
        return left.pop(0)

    movements = await MOVEMENTS[venue](ask, DESK, Nanos(0))
    assert [one.amount for one in movements] == [Decimal(amount) for amount in amounts]


def test_each_list_is_of_a_known_venue():
    assert MOVEMENTS.keys() <= DIALECTS.keys()
