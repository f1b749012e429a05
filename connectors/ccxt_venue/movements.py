"""What moved assets besides trading, as each venue lists it: deposits, withdrawals, transfers between its own wallets.

Asked only when a balance does not fit (`router.conservation`): the lists are expensive and long. What a venue does not
list, or not to this key, the operator acknowledges. Sources: the venues' API references; a word is `[gk]` where only
ccxt's parser was read.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from connectors.budget import NS_PER_MS, NS_PER_S
from connectors.ccxt_venue import movements_wire
from connectors.ccxt_venue.calls import AnswerUnusable
from connectors.ccxt_venue.dialect import Ask, Desk
from connectors.ccxt_venue.mapping import (
    Row,
    ns_of_iso,
    ns_of_ms,
    ns_of_seconds,
    number,
    part,
    row,
    rows,
    text,
    text_or_none,
)
from connectors.ccxt_venue.moved import PAGES_MAX, movement
from router.model.balances import Movement
from router.model.ids import Nanos
from router.model.money import ZERO, exactly

LOOK_BACK_NS = 7 * 86_400 * NS_PER_S

_DEPOSITED = frozenset({"1", "6"})
"""Binance: credited; credited, but not to be withdrawn yet. Pending and rejected ones are not in the balance."""
_NOT_WITHDRAWN = frozenset({"1", "3", "5"})
"""Cancelled, rejected, failed: the amount came back. In every other state it has left the balance."""
_KRAKEN_TYPES = ("deposit", "withdrawal", "transfer")
_BYBIT_TYPES = ("TRANSFER_IN", "TRANSFER_OUT")
_BITSTAMP_TRADE = "2"
_BITSTAMP_PAGE = 1000
_OKX_TRANSFER = "1"
_OKX_PAGE = 100
_COINBASE_PAGE = 100
_COINBASE_TRADES = frozenset({"advanced_trade_fill"})
_COINBASE_CAME_BACK = frozenset({"canceled", "failed", "expired"})
_GEMINI_PAGE = 50
_GEMINI_DONE = frozenset({"Advanced", "Complete"})


async def _binance(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Two lists. A withdrawal's fee is on top of its amount."""
    since = {"startTime": since_ns // NS_PER_MS}
    found = []
    for each in rows(await ask("sapiGetCapitalDepositHisrec", since)):
        amount = number(each, "amount") if text(each, "status") in _DEPOSITED else ZERO
        found.append(
            movement(desk, f"deposit {_named(each)}", text(each, "coin"), amount, ns_of_ms(text(each, "insertTime")))
        )
    for each in rows(await ask("sapiGetCapitalWithdrawHistory", since)):
        with exactly():
            gone = number(each, "amount") + number(each, "transactionFee")
        amount = ZERO if text(each, "status") in _NOT_WITHDRAWN else -gone
        at_ns = ns_of_iso(text(each, "applyTime").replace(" ", "T") + "Z")
        found.append(movement(desk, f"withdrawal {_named(each)}", text(each, "coin"), amount, at_ns))
    return found


def _named(source: Row) -> str:
    """Its id; the chain's where it has none."""
    return text_or_none(source, "id") or text(source, "txId")


async def _kraken(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """The ledger, kind by kind: a list of all kinds is mostly trades. The fee is apart from the amount."""
    found: dict[str, Movement] = {}
    for kind in _KRAKEN_TYPES:
        for _ in range(PAGES_MAX):
            params = {"type": kind, "start": since_ns // NS_PER_S, "ofs": len([k for k in found if k.startswith(kind)])}
            result = row(part(row(await ask("privatePostLedgers", params)), "result"))
            entries: Row = row(part(result, "ledger"))
            for entry_id, entry in entries.items():
                each = row(entry)
                with exactly():
                    amount = number(each, "amount") - number(each, "fee")
                key = f"{kind} {entry_id}"
                found[key] = movement(desk, key, text(each, "asset"), amount, ns_of_seconds(part(each, "time")))
            if not entries or len([k for k in found if k.startswith(kind)]) >= int(text(result, "count")):
                break
        else:
            raise AnswerUnusable(f"more than {PAGES_MAX} pages of {kind}s")
    return tuple(found.values())


async def _okx(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Bills of the trading account: deposits land in another and come over as transfers. Kept for a week."""
    found: list[Movement] = []
    params: dict[str, object] = {"type": _OKX_TRANSFER, "begin": since_ns // NS_PER_MS, "limit": _OKX_PAGE}
    for _ in range(PAGES_MAX):
        page = rows(part(row(await ask("privateGetAccountBills", params)), "data"))
        for each in page:
            bill = text(each, "billId")
            found.append(
                movement(desk, f"bill {bill}", text(each, "ccy"), number(each, "balChg"), ns_of_ms(text(each, "ts")))
            )
            params = {**params, "after": bill}
        if len(page) < _OKX_PAGE:
            return found
    raise AnswerUnusable(f"more than {PAGES_MAX} pages of bills")


async def _bybit(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """The unified account's log: what comes in and goes out does so as a transfer."""
    found: list[Movement] = []
    for kind in _BYBIT_TYPES:
        params: dict[str, object] = {
            "accountType": "UNIFIED",
            "type": kind,
            "startTime": since_ns // NS_PER_MS,
            "endTime": (since_ns + LOOK_BACK_NS) // NS_PER_MS,
            "limit": 50,
        }
        for _ in range(PAGES_MAX):
            result = row(part(row(await ask("privateGetV5AccountTransactionLog", params)), "result"))
            for each in rows(part(result, "list")):
                at_ns = ns_of_ms(text(each, "transactionTime"))
                found.append(
                    movement(desk, f"log {text(each, 'id')}", text(each, "currency"), number(each, "change"), at_ns)
                )
            cursor = result.get("nextPageCursor")
            if not cursor:
                break
            params["cursor"] = cursor
        else:
            raise AnswerUnusable(f"more than {PAGES_MAX} pages of the log")
    return found


async def _bitstamp(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """All transactions but trades; amounts stand under the currencies' names, signed."""
    assets = {asset.lower() for symbol in desk.names.id_by_symbol for asset in symbol.split("/")}
    found: list[Movement] = []
    params: dict[str, object] = {"since_timestamp": since_ns // NS_PER_S, "sort": "asc", "limit": _BITSTAMP_PAGE}
    for page in range(PAGES_MAX):
        listed = rows(await ask("privatePostUserTransactions", {**params, "offset": page * _BITSTAMP_PAGE}))
        for each in listed:
            if text(each, "type") == _BITSTAMP_TRADE:
                continue
            more = ""  # the first of a transaction's currencies goes by its id alone
            for name in sorted(assets & each.keys()):
                with exactly():
                    amount = number(each, name)
                    amount -= number(each, "fee") if amount else ZERO
                if amount:
                    key = f"transaction {text(each, 'id')}{more}"
                    found.append(movement(desk, key, name.upper(), amount, ns_of_iso(text(each, "datetime"))))
                    more = f" and {name.upper()}"
        if len(listed) < _BITSTAMP_PAGE:
            return found
    raise AnswerUnusable(f"more than {PAGES_MAX} pages of transactions")


async def _gemini(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Newest first; a full list may have more behind it, which nothing here can ask for by id."""
    params = {"timestamp": since_ns // NS_PER_S, "limit_transfers": _GEMINI_PAGE}
    listed = rows(await ask("privatePostV1Transfers", params))
    if len(listed) >= _GEMINI_PAGE:
        raise AnswerUnusable("more transfers than one list holds")
    return [
        movement(
            desk,
            f"transfer {text(each, 'eid')}",
            text(each, "currency"),
            _gemini_amount(each),
            ns_of_ms(text(each, "timestampms")),
        )
        for each in listed
    ]


def _gemini_amount(transfer: Row) -> Decimal:
    amount = number(transfer, "amount")
    if text(transfer, "type") == "Withdrawal":
        with exactly():
            return -(amount + (number(transfer, "feeAmount") if "feeAmount" in transfer else ZERO))
    return amount if text(transfer, "status") in _GEMINI_DONE else ZERO


async def _coinbase(ask: Ask, desk: Desk, since_ns: Nanos) -> Sequence[Movement]:
    """Transactions of every wallet that holds something or changed since, in the older API, newest first."""
    found: list[Movement] = []
    for wallet in await _wallets(ask):
        held = number(row(part(wallet, "available_balance")), "value") or number(row(part(wallet, "hold")), "value")
        changed = text_or_none(wallet, "updated_at")
        if not held and changed is not None and ns_of_iso(changed) < since_ns:
            continue
        params: dict[str, object] = {"account_id": text(wallet, "uuid"), "limit": _COINBASE_PAGE}
        for _ in range(PAGES_MAX):
            answer = row(await ask("v2PrivateGetAccountsAccountIdTransactions", params))
            listed = rows(part(answer, "data"))
            found += [_of_coinbase(desk, each) for each in listed if each.get("type") not in _COINBASE_TRADES]
            older = listed and ns_of_iso(text(listed[-1], "created_at")) < since_ns
            cursor = text_or_none(row(answer.get("pagination") or {}), "next_starting_after")
            if older or cursor is None:
                break
            params["starting_after"] = cursor
        else:
            raise AnswerUnusable(f"more than {PAGES_MAX} pages of transactions")
    return [one for one in found if one.at_ns >= since_ns]


async def _wallets(ask: Ask) -> list[Row]:
    found: list[Row] = []
    params: dict[str, object] = {"limit": 250}
    for _ in range(PAGES_MAX):
        answer = row(await ask("v3PrivateGetBrokerageAccounts", params))
        listed = rows(part(answer, "accounts"))
        found += listed
        cursor = text_or_none(answer, "cursor") if listed and answer.get("has_next") is not False else None
        if cursor is None:
            return found
        params["cursor"] = cursor
    raise AnswerUnusable(f"more than {PAGES_MAX} pages of accounts")


def _of_coinbase(desk: Desk, source: Row) -> Movement:
    """What goes out has left the balance while it is pending; what comes in is not there before it is completed."""
    told, status = row(part(source, "amount")), text(source, "status")
    amount = number(told, "amount")
    counts = status == "completed" or (amount < 0 and status not in _COINBASE_CAME_BACK)
    key = f"transaction {text(source, 'id')}"
    at_ns = ns_of_iso(text(source, "created_at"))
    return movement(desk, key, text(told, "currency"), amount if counts else ZERO, at_ns)


MOVEMENTS: Mapping[str, Callable[[Ask, Desk, Nanos], Awaitable[Sequence[Movement]]]] = MappingProxyType(
    {
        "binance": _binance,
        "binanceus": _binance,
        "bitfinex": movements_wire.bitfinex,
        "bitget": movements_wire.bitget,
        "bitstamp": _bitstamp,
        "bybit": _bybit,
        "coinbase": _coinbase,
        "coinbaseexchange": movements_wire.coinbaseexchange,
        "cryptocom": movements_wire.cryptocom,
        "gate": movements_wire.gate,
        "gemini": _gemini,
        "htx": movements_wire.htx,
        "kraken": _kraken,
        "kucoin": movements_wire.kucoin,
        "okx": _okx,
    }
)
"""By ccxt's id: every venue there is. Dollars in and out of binanceus are on a list of their own, which is not read."""
