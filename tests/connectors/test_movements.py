"""Deposits and withdrawals as each venue lists them, read by the unmodified client from its lab."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.budget import NS_PER_S, Urgency
from connectors.ccxt_venue import wire
from connectors.ccxt_venue.dialect import Desk
from connectors.ccxt_venue.mapping import Names
from connectors.ccxt_venue.movements import MOVEMENTS
from connectors.ccxt_venue.registry import DIALECTS
from router.model.commands import Seek
from router.model.ids import AccountId, InstrumentId, Nanos
from router.model.outcomes import Accepted, Found, Missing, Unclear
from tests.capabilities.asking import Offline
from tests.capabilities.capture import NOW_MS
from tests.connectors.rig import WallClock, child, place
from tests.waiting import eventually

DESK = Desk(
    account=AccountId("v/main"),
    names=Names(symbol_by_id={}, id_by_symbol={"BTC/USD": "BTCUSD"}, asset_by_id={"XXBT": "BTC"}),
)


def coinbase_row(number, kind, status, amount):
    made = f"2025-11-20T12:00:0{number}Z"
    told = {"amount": amount, "currency": "BTC"}
    return {"id": f"t{number}", "type": kind, "status": status, "amount": told, "created_at": made}


def transfer_row(name, kind, amount, **at):
    """As the venue documents `GET /transfers`."""
    nowhen = {"completed_at": None, "canceled_at": None, "processed_at": None}
    made = "2022-12-21 00:48:45.477503+00"
    return {"id": name, "type": kind, "created_at": made, "account_id": "A1", "amount": amount, **nowhen, **at}


def kucoin_row(name, way):
    row = {"id": name, "currency": "BTC", "amount": "10", "fee": "0", "balance": "0", "accountType": "TRADE_HF"}
    return {**row, "bizType": "TRANSFER", "direction": way, "createdAt": 1629101692950, "context": ""}


def bitfinex_row(number, wallet, amount, words):
    return [number, "BTC", wallet, 1573521810000, None, amount, 0, None, words]


def cryptocom_row(name, kind, amount):
    row = {"journal_id": name, "journal_type": kind, "transaction_qty": amount, "instrument_name": "BTC"}
    return {**row, "event_timestamp_ms": 1686804665013}


def bitget_row(name, kind, size, fees):
    row = {"billId": name, "coin": "BTC", "groupType": kind, "businessType": kind, "size": size, "fees": fees}
    return {**row, "balance": "0", "cTime": "1700729673028"}


def htx_transfer(amount, at_ms):
    row = {"accountId": 7, "currency": "btc", "transactAmt": amount, "transactType": "transfer"}
    return {**row, "transferType": "margin-transfer-out", "transactId": 0, "transactTime": at_ms}


def htx_row(number, state, amount):
    row = {"id": number, "currency": "btc", "amount": amount, "fee": "1", "state": state}
    return {**row, "created-at": 1621852316553}


async def test_what_moved_is_read_from_the_venues_own_list(venue, control, venue_name):
    """In and out, signed; what the venue does not list is not there."""
    await control.deposit(venue_name, "BTC", "0.5")
    await control.deposit(venue_name, "BTC", "-0.125")
    await control.deposit(venue_name, "BTC", "7", listed=False)

    movements = await venue.movements()

    found = sorted((one.asset, one.amount) for one in movements or ())
    assert movements is not None
    assert len({one.key for one in movements}) == len(movements)
    assert found == [("BTC", Decimal("-0.125")), ("BTC", Decimal("0.5"))]


@pytest.mark.parametrize("venue_name", ["kraken"])
async def test_the_list_goes_before_look_ups_only_at_an_opening(venue):
    """Once the account is open it is a reading like any other, and doubts are ended first (I15)."""

    async def urgency(asked):
        asking = asyncio.create_task(asked)
        waiting = venue._budget._address.waiting
        await eventually(lambda: waiting)
        found = {one.urgency for one in waiting}
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return found

    now_ns = WallClock().now()
    await venue.read_account(Nanos(now_ns))
    await venue.read_account(Nanos(now_ns))
    venue._budget.pause(now_ns + 3_600 * NS_PER_S)
    assert await urgency(venue.movements()) == {Urgency.NORMAL}
    await urgency(venue.read_account(Nanos(now_ns)))  # which fails
    assert await urgency(venue.read_account(Nanos(now_ns))) == await urgency(venue.movements()) == {Urgency.OPENING}


async def test_an_order_is_sought_under_whatever_symbol_the_account_once_traded(venue, venue_name):
    """Also where it is not configured any more; where it is not even listed any more nothing is proven."""
    order = child(venue_name, quantity="1", price="60010")
    assert isinstance(await place(venue, order), Accepted)
    seek = Seek(
        account=order.account,
        client_id=order.client_id,
        parent_id=order.parent_id,
        instrument=InstrumentId("BTC/XYZ"),
        side=order.side,
        since_ns=Nanos(order.decided_at_ns - NS_PER_S),
        symbols=(order.symbol,),
    )

    assert isinstance((await venue.seek(seek)).result, Found)
    assert isinstance((await venue.seek(replace(seek, symbols=("BTC/XYZ",)))).result, Unclear)
    assert isinstance((await venue.seek(replace(seek, symbols=()))).result, Missing)


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
                        "id": s,
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
        (
            "binanceus",  # no id, only the chain's
            [
                [{"txId": "0xaa", "coin": "BTC", "amount": "1", "status": 1, "insertTime": 1_763_600_000_000}],
                [],
            ],
            ["1"],
        ),
        (
            "coinbase",
            [
                {"accounts": [{"uuid": "U1", "available_balance": {"value": "1"}, "hold": {"value": "0"}}]},
                {
                    "data": [
                        coinbase_row(5, "advanced_trade_fill", "completed", "-3"),
                        coinbase_row(4, "send", "completed", "0.5"),
                        coinbase_row(3, "send", "pending", "0.25"),
                        coinbase_row(2, "send", "pending", "-0.125"),
                        coinbase_row(1, "fiat_withdrawal", "canceled", "-7"),
                    ],
                    "pagination": {"next_starting_after": "t1"},
                },
                {"data": [], "pagination": {"next_starting_after": None}},
            ],
            ["0.5", "0", "-0.125", "0"],
        ),
        (
            "coinbaseexchange",
            [
                [{"id": "A1", "currency": "BTC"}],
                [
                    transfer_row("1", "deposit", "1", completed_at="2022-12-21 00:50:00.0+00"),
                    transfer_row("2", "deposit", "2"),
                    transfer_row("3", "withdraw", "3"),
                    transfer_row("4", "withdraw", "4", canceled_at="2022-12-21 00:50:00.0+00"),
                ],
            ],
            ["1", "0", "-3", "0"],
        ),
        (
            "kucoin",
            [
                {"data": [kucoin_row("1", "in"), kucoin_row("2", "out")]},
                {"data": []},
                {"data": []},
                {"data": [kucoin_row("2", "out")]},  # on the edge of two days: the same row
                *[{"data": []}] * 17,
            ],
            ["10", "-10"],
        ),
        (
            "bitfinex",
            [
                [
                    bitfinex_row(1, "exchange", 1, "Deposit (BITCOIN) #1 on wallet exchange"),
                    bitfinex_row(2, None, -0.5, "Withdrawal #2 on wallet exchange"),
                    bitfinex_row(3, "exchange", -0.0004, "Crypto Withdrawal fee on wallet exchange"),
                    bitfinex_row(4, "exchange", 3, "Exchange 3.0 BTC for USD @ 9 on wallet exchange"),
                    bitfinex_row(5, "exchange", -0.003, "Trading fees for 3.0 BTC (BTCUSD) on wallet exchange"),
                    bitfinex_row(6, "funding", 2, "Deposit (BITCOIN) #6 on wallet funding"),
                ]
            ],
            ["1", "-0.5", "-0.0004"],
        ),
        (
            "cryptocom",
            [
                {"result": {"data": [cryptocom_row("1", "DEPOSIT", "1")]}},
                {"result": {"data": [cryptocom_row("2", "ROLLBACK_WITHDRAW", "0.5")]}},
                {"result": {"data": [cryptocom_row("3", "WITHDRAW", "0.5")]}},
                {"result": {"data": [cryptocom_row("4", "WITHDRAW_FEE", "-0.1")]}},
                {"result": {"data": []}},
                {"result": {"data": [cryptocom_row("6", "SUBACCOUNT_TX", "-2"), cryptocom_row("7", "TRADING", "9")]}},
            ],
            ["1", "0.5", "-0.5", "-0.1", "-2"],
        ),
        (
            "gate",
            [
                [
                    {"id": "1", "time": 1547633726123, "currency": "BTC", "change": "1.03", "type": "deposit"},
                    {"id": "2", "time": 1547633726123, "currency": "BTC", "change": "-0.5", "type": "withdraw"},
                    {"id": "3", "time": 1547633726123, "currency": "BTC", "change": "-2", "type": "margin_out"},
                    {"id": "4", "time": 1547633726123, "currency": "BTC", "change": "-2", "type": "new_order"},
                    {"id": "5", "time": 1547633726123, "currency": "BTC", "change": "-0.1", "type": "order_fee"},
                ]
            ],
            ["1.03", "-0.5", "-2"],
        ),
        (
            "bitstamp",
            [
                [
                    {"id": 1, "type": "0", "datetime": "2024-01-01 00:00:00", "btc": "0.5", "usd": "0", "fee": "0"},
                    {"id": 2, "type": "33", "datetime": "2024-01-01 00:00:01", "btc": "1", "usd": "-10", "fee": "0"},
                ]
            ],
            ["0.5", "1", "-10"],
        ),
        (
            "bitget",
            [
                {"data": [bitget_row("1", "deposit", "1", "0")]},
                {"data": [bitget_row("2", "withdraw", "-0.5", "0.01")]},
                {"data": [bitget_row("3", "transfer_out", "-11.64958799", "0.00000000")]},
                {"data": []},
            ],
            ["1", "-0.51", "-11.64958799"],
        ),
        (
            "htx",
            [
                {"data": [{"id": 7, "type": "spot"}, {"id": 8, "type": "margin"}]},
                {"data": [htx_transfer("10", 1629882331066), htx_transfer("-10", 1629882096562)]},
                {"data": [htx_row(1, "confirmed", "1"), htx_row(2, "confirming", "2"), htx_row(3, "safe", "3")]},
                {
                    "data": [
                        htx_row(4, "confirmed", "12"),
                        htx_row(5, "wallet-reject", "5"),
                        htx_row(6, "submitted", "6"),
                    ]
                },
            ],
            ["10", "-10", "1", "0", "3", "-13", "0", "-7"],
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
    assert len({one.key for one in movements}) == len(movements)


def test_every_venue_has_its_list():
    assert MOVEMENTS.keys() == DIALECTS.keys()


READ_BY = {
    "binance": {"GET /sapi/v1/capital/deposit/hisrec", "GET /sapi/v1/capital/withdraw/history"},
    "binanceus": {"GET /sapi/v1/capital/deposit/hisrec", "GET /sapi/v1/capital/withdraw/history"},
    "bitfinex": {"POST /v2/auth/r/ledgers/hist"},
    "bitget": {"GET /api/v2/spot/account/bills"},
    "bitstamp": {"POST /api/v2/user_transactions/"},
    "bybit": {"GET /v5/account/transaction-log"},
    "coinbase": {"GET /api/v3/brokerage/accounts", "GET /v2/accounts/U1/transactions"},
    "coinbaseexchange": {"GET /accounts", "GET /transfers"},
    "cryptocom": {"POST /exchange/v1/private/get-transactions"},
    "gate": {"GET /api/v4/spot/account_book"},
    "gemini": {"POST /v1/transfers"},
    "htx": {"GET /v1/account/accounts", "GET /v1/query/deposit-withdraw", "GET /v2/account/ledger"},
    "kraken": {"POST /0/private/Ledgers"},
    "kucoin": {"GET /api/v1/hf/accounts/ledgers"},
    "okx": {"GET /api/v5/account/bills"},
}
ANSWERS = {
    "v3PrivateGetBrokerageAccounts": {
        "accounts": [{"uuid": "U1", "available_balance": {"value": "1"}, "hold": {"value": "0"}}]
    },
    "v2PrivateGetAccountsAccountIdTransactions": {"data": []},
    "spotPrivateGetV1AccountAccounts": {"data": [{"id": 1, "type": "spot"}]},
    "spotPrivateGetV2AccountLedger": {"data": []},
    "spotPrivateGetV1QueryDepositWithdraw": {"data": []},
    "privatePostAuthRLedgersHist": [],
    "v1PrivatePostPrivateGetTransactions": {"result": {"data": []}},
    "privateGetHfAccountsLedgers": {"data": []},
    "privateSpotGetV2SpotAccountBills": {"data": []},
    "privateGetV5AccountTransactionLog": {"result": {"list": []}},
    "privatePostLedgers": {"result": {"ledger": {}, "count": 0}},
    "privateGetAccountBills": {"data": []},
}


@pytest.mark.parametrize("venue", sorted(MOVEMENTS))
async def test_what_is_asked_for_movements_only_lists(venue):
    """The requests as this ccxt builds them: reads, past both lines of the guard, and no more than these."""
    offline = Offline(venue, DIALECTS[venue]())

    async def ask(endpoint, params):
        await offline.ask(endpoint, params)
        return ANSWERS.get(endpoint, [])

    assert list(await MOVEMENTS[venue](ask, offline.desk, Nanos(NOW_MS * 1_000_000))) == []

    assert {f"{sent.method} {sent.path}" for sent in offline.sent} == READ_BY[venue]
    for sent in offline.sent:
        wire.check_target(f"https://venue.example{sent.path}", lab_only=False, method=sent.method)
    await offline.exchange.close()
