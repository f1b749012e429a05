"""Movements at the venues known from captured requests only. Sources: the venues' references, and ccxt's parsers.

Where a venue keeps a ledger of the very account that orders trade on, that is read: whatever is on it besides trades
and their fees moved the balance, a failed withdrawal that came back among it, and what is pending is not on it yet.
Elsewhere the lists of deposits and withdrawals are read, whose states say what was credited and what came back.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from connectors.budget import NS_PER_MS, NS_PER_S
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.dialect import Ask, Desk
from connectors.ccxt_venue.mapping import (
    Row,
    decimal_of,
    ns_of_iso,
    ns_of_ms,
    number,
    part,
    row,
    rows,
    text,
    text_or_none,
)
from connectors.ccxt_venue.moved import movement, paged
from router.model.balances import Movement
from router.model.ids import Nanos
from router.model.money import ZERO, exactly

_DAY_NS = 86_400 * NS_PER_S
_DAYS = 7
_KUCOIN_PAGE = 200
_KUCOIN_TYPES = ("TRANSFER", "SUB_TRANSFER", "OTHER")
_BITFINEX_PAGE = 2500
_BITFINEX_FIELDS = 9
_BITFINEX_TRADING = ("exchange ", "trading fee", "trading rebate")
_CRYPTOCOM_PAGE = 100
_CRYPTOCOM_IN = ("DEPOSIT", "ROLLBACK_WITHDRAW")
_CRYPTOCOM_OUT = ("WITHDRAW", "WITHDRAW_FEE", "ROLLBACK_DEPOSIT")
_CRYPTOCOM_SIGNED = ("SUBACCOUNT_TX",)
_GATE_PAGE = 1000
_BITGET_PAGE = 500
_BITGET_GROUPS = ("deposit", "withdraw", "transfer", "other")
_HTX_PAGE = 500
_HTX_CREDITED = frozenset({"confirmed", "safe"})
_HTX_CAME_BACK = frozenset({"failed", "canceled", "reject", "wallet-reject", "repealed", "confirm-error"})
_COINBASE_PAGE = 1000


async def coinbaseexchange(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Transfers, newest first; a withdrawal's fee is inside its amount. The currency is its account's."""
    accounts = {text(each, "id"): text(each, "currency") for each in rows(await ask("privateGetAccounts", {}))}
    listed = rows(await ask("privateGetTransfers", {"limit": _COINBASE_PAGE}))
    made_ns = [_ns_of_text(text(each, "created_at")) for each in listed]
    if len(listed) >= _COINBASE_PAGE and min(made_ns) >= since_ns:
        raise AnswerUnusable("more transfers than one list holds")
    found = []
    for each, at_ns in zip(listed, made_ns, strict=True):
        currency = text_or_none(each, "currency") or accounts.get(text(each, "account_id"))
        if currency is None:
            raise AnswerUnusable("a transfer of an account that is not listed")
        if at_ns >= since_ns:
            found.append(movement(desk, f"transfer {text(each, 'id')}", currency, _transferred(each), at_ns))
    return found


def _transferred(transfer: Row) -> Decimal:
    amount = abs(number(transfer, "amount"))
    if text_or_none(transfer, "canceled_at") is not None:
        return ZERO
    if "withdraw" in text(transfer, "type"):
        return -amount
    return amount if text_or_none(transfer, "completed_at") is not None else ZERO


def _ns_of_text(moment: str) -> Nanos:
    """2022-12-21 00:48:45.477503+00."""
    return ns_of_iso(moment.replace(" ", "T").removesuffix("+00") + "Z")


async def kucoin(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """The ledger of the trading account, a day at a time, as far back as it is kept. Deposits arrive by transfer."""
    found: list[Movement] = []
    for day in range(_DAYS):
        # A minute less than a week: what the venue keeps must still hold the beginning when it is asked.
        start_ns = since_ns + 60 * NS_PER_S + day * _DAY_NS
        window = {"startAt": start_ns // NS_PER_MS, "endAt": (start_ns + _DAY_NS) // NS_PER_MS, "limit": _KUCOIN_PAGE}
        for kind in _KUCOIN_TYPES:

            async def page_of(further: Mapping[str, object], asked: Mapping[str, object]) -> list[Row]:
                return rows(part(row(await ask("privateGetHfAccountsLedgers", {**asked, **further})), "data"))

            asked = {**window, "bizType": kind}
            listed = await paged(
                "the ledger",
                lambda further, asked=asked: page_of(further, asked),  # type: ignore[misc]
                _KUCOIN_PAGE,
                "id",
                lambda page: {"lastId": text(page[-1], "id")},
            )
            found += [_of_kucoin(desk, each) for each in listed]
    return list({one.key: one for one in found}.values())


def _of_kucoin(desk: Desk, source: Row) -> Movement:
    way = text(source, "direction").lower()
    if way not in {"in", "out"}:
        raise AnswerUnusable(f"direction {way} is not known")
    amount = abs(number(source, "amount"))
    key = f"ledger {text(source, 'id')}"
    at_ns = ns_of_ms(text(source, "createdAt"))
    return movement(desk, key, text(source, "currency"), amount if way == "in" else -amount, at_ns)


async def bitfinex(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """The ledger of the exchange wallet; its rows are told apart by their description alone."""
    found: dict[str, Movement] = {}
    asked: dict[str, object] = {"start": since_ns // NS_PER_MS, "limit": _BITFINEX_PAGE}
    for _ in range(_DAYS * 10):
        listed = await ask("privatePostAuthRLedgersHist", asked)
        whole = isinstance(listed, list) and all(isinstance(each, list) for each in listed)
        if not whole or any(len(each) < _BITFINEX_FIELDS for each in listed):
            raise AnswerUnusable("a ledger was expected")
        before = len(found)
        for each in listed:
            words = str(each[8]).lower()
            wallet = str(each[2] or words.rpartition(" on wallet ")[2]).lower()
            key = f"ledger {each[0]}"
            at_ns = ns_of_ms(each[3])
            trading = words.startswith(_BITFINEX_TRADING)
            amount = ZERO if trading or wallet != "exchange" else decimal_of(each[5], "amount")
            found[key] = movement(desk, key, str(each[1]), amount, at_ns)
        if len(listed) < _BITFINEX_PAGE:
            return [one for one in found.values() if one.amount]
        if len(found) == before:
            break
        asked = {**asked, "end": min(int(each[3]) for each in listed)}
    raise AnswerUnusable("the ledger does not end")


async def cryptocom(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """The account's transactions, kind by kind: a list of all kinds is mostly trades. A fee has a row of its own."""
    found: list[Movement] = []
    for kind in (*_CRYPTOCOM_IN, *_CRYPTOCOM_OUT, *_CRYPTOCOM_SIGNED):
        params = {"journal_type": kind, "start_time": since_ns // NS_PER_MS, "limit": _CRYPTOCOM_PAGE}

        async def page_of(further: Mapping[str, object], params: Mapping[str, object]) -> list[Row]:
            answer = row(await ask("v1PrivatePostPrivateGetTransactions", {**params, **further}))
            return rows(part(row(part(answer, "result")), "data"))

        listed = await paged(
            f"{kind} transactions",
            lambda further, params=params: page_of(further, params),  # type: ignore[misc]
            _CRYPTOCOM_PAGE,
            "journal_id",
            lambda page: {"end_time": min(int(text(each, "event_timestamp_ms")) for each in page) + 1},
        )
        found += [_of_cryptocom(desk, kind, each) for each in listed if each.get("journal_type") == kind]
    return found


def _of_cryptocom(desk: Desk, kind: str, source: Row) -> Movement:
    told = number(source, "transaction_qty")
    amount = told if kind in _CRYPTOCOM_SIGNED else abs(told) if kind in _CRYPTOCOM_IN else -abs(told)
    key = f"{kind.lower()} {text(source, 'journal_id')}"
    return movement(desk, key, text(source, "instrument_name"), amount, ns_of_ms(text(source, "event_timestamp_ms")))


async def gate(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """The book of the spot account. Its kinds are many; what comes in or goes out is named so."""
    found: list[Movement] = []
    asked: dict[str, object] = {"from": since_ns // NS_PER_S, "limit": _GATE_PAGE}

    async def page_of(further: Mapping[str, object]) -> list[Row]:
        return rows(await ask("privateSpotGetAccountBook", {**asked, "page": 1, **further}))

    pages = iter(range(2, 1_000))
    for each in await paged("the account book", page_of, _GATE_PAGE, "id", lambda _: {"page": next(pages)}):
        kind = text(each, "type")
        if kind.startswith(("deposit", "withdraw", "sub_account")) or kind.endswith(("_in", "_out")):
            key = f"{kind} {text(each, 'id')}"
            at_ns = ns_of_ms(part(each, "time"))
            found.append(movement(desk, key, text(each, "currency"), number(each, "change"), at_ns))
    return found


async def bitget(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Bills of the spot account, group by group. `[gk]`: a bill's fee is taken besides its size."""
    found: list[Movement] = []
    for group in _BITGET_GROUPS:
        asked = {"groupType": group, "startTime": since_ns // NS_PER_MS, "limit": _BITGET_PAGE}

        async def page_of(further: Mapping[str, object], asked: Mapping[str, object]) -> list[Row]:
            return rows(part(row(await ask("privateSpotGetV2SpotAccountBills", {**asked, **further})), "data"))

        listed = await paged(
            "bills",
            lambda further, asked=asked: page_of(further, asked),  # type: ignore[misc]
            _BITGET_PAGE,
            "billId",
            lambda page: {"idLessThan": min((text(each, "billId") for each in page), key=int)},
        )
        for each in listed:
            with exactly():
                amount = number(each, "size") - (abs(number(each, "fees")) if text_or_none(each, "fees") else ZERO)
            key = f"bill {text(each, 'billId')}"
            found.append(movement(desk, key, text(each, "coin"), amount, ns_of_ms(text(each, "cTime"))))
    return found


async def htx(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Transfers by the ledger of the spot account, deposits and withdrawals by their lists. A fee is on top `[gk]`."""
    accounts = rows(part(row(await ask("spotPrivateGetV1AccountAccounts", {})), "data"))
    spot = [text(each, "id") for each in accounts if each.get("type") == "spot"]
    if len(spot) != 1:
        raise AnswerUnusable(f"{len(spot)} spot accounts")
    params = {"accountId": spot[0], "startTime": since_ns // NS_PER_MS, "limit": _HTX_PAGE}
    ledger = rows(part(row(await ask("spotPrivateGetV2AccountLedger", params)), "data"))
    if len(ledger) >= _HTX_PAGE:
        raise AnswerUnusable("more transfers than one list holds")
    found = [_transfer_of_htx(desk, each) for each in ledger]
    for kind in ("deposit", "withdraw"):

        async def page_of(further: Mapping[str, object], kind: str) -> list[Row]:
            params = {"type": kind, "direct": "next", "from": 0, "size": _HTX_PAGE, **further}
            return rows(part(row(await ask("spotPrivateGetV1QueryDepositWithdraw", params)), "data"))

        listed = await paged(
            f"{kind}s",
            lambda further, kind=kind: page_of(further, kind),  # type: ignore[misc]
            _HTX_PAGE,
            "id",
            lambda page: {"from": min(int(text(each, "id")) for each in page)},
        )
        found += [_of_htx(desk, kind, each) for each in listed]
    return [one for one in found if one.at_ns >= since_ns]


def _transfer_of_htx(desk: Desk, source: Row) -> Movement:
    """The venue numbers some transfers 0: what else is told of one is part of its name."""
    amount, at = number(source, "transactAmt"), text(source, "transactTime")
    key = f"transfer {text(source, 'transactId')} {at} {text(source, 'currency')} {amount}"
    return movement(desk, key, text(source, "currency"), amount, ns_of_ms(at))


def _of_htx(desk: Desk, kind: str, source: Row) -> Movement:
    amount, state = number(source, "amount"), text(source, "state")
    if kind == "deposit":
        moved = amount if state in _HTX_CREDITED else ZERO
    else:
        with exactly():
            moved = ZERO if state in _HTX_CAME_BACK else -(amount + number(source, "fee"))
    key = f"{kind} {text(source, 'id')}"
    return movement(desk, key, text(source, "currency"), moved, ns_of_ms(text(source, "created-at")))
