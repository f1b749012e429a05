"""No call of ours moves an asset but by a spot order: every endpoint of ccxt's tables, by the venue's own table."""

import difflib
import re
from collections.abc import Iterator, Mapping

import ccxt.pro
import pytest

from connectors.ccxt_venue import endpoints, wire
from connectors.ccxt_venue.calls import Forbidden
from connectors.ccxt_venue.capabilities.wire import wire_of
from connectors.ccxt_venue.clients import Exchange
from connectors.ccxt_venue.endpoints import MONEY_WORDS
from connectors.ccxt_venue.registry import DIALECTS
from tests.capabilities.record import MOVERS, movers

VENUES = sorted(DIALECTS)
METHODS = ("get", "post", "put", "patch", "delete")
EMPTIES_AN_ACCOUNT = {  # by sight, one or more per venue, some without a telling word
    "binance": "sapiPostCapitalWithdrawApply sapiPostAssetTransfer sapiPostSubAccountUniversalTransfer "
    "sapiPostMarginBorrowRepay sapiPostConvertAcceptQuote sapiPostGiftcardBuyCode",
    "binanceus": "sapiPostCapitalWithdrawApply",
    "bitfinex": "privatePostAuthWWithdraw privatePostAuthWTransfer privatePostAuthWDepositAddress",
    "bitget": "privateSpotPostV2SpotWalletWithdrawal privateUtaPostV3P2pOrderRelease",
    "bitstamp": "privatePostBtcWithdrawal privatePostTransferToMain privatePostXrpAddress",
    "bybit": "privatePostV5AssetWithdrawCreate privatePostV5AssetTransferInterTransfer",
    "coinbase": "v2PrivatePostAccountsAccountIdTransactions v3PrivatePostBrokeragePortfoliosMoveFunds "
    "v2PrivatePostAccountsAccountIdAddresses",
    "coinbaseexchange": "privatePostWithdrawalsCrypto privatePostProfilesTransfer privatePostConversions",
    "cryptocom": "v1PrivatePostPrivateCreateWithdrawal",
    "gate": "privateWithdrawalsPostWithdrawals privateWalletPostTransfers privateUnifiedPostLoans",
    "gemini": "privatePostV1WithdrawCurrency privatePostV1AccountTransferCurrency",
    "htx": "spotPrivatePostV1DwWithdrawApiCreate spotPrivatePostV1AccountTransfer",
    "kraken": "privatePostWithdraw privatePostWalletTransfer privatePostDepositAddresses",
    "kucoin": "privatePostWithdrawals privatePostAccountsUniversalTransfer privatePostMarginBorrow",
    "okx": "privatePostAssetWithdrawal privatePostAssetTransfer privateGetAssetDepositAddress",
}


@pytest.mark.parametrize("venue", VENUES)
async def test_every_row_of_the_table_that_may_move_money_raises(venue: str):
    """Also those ccxt made no method of, as it left out at binanceus: they can be asked for by their row."""
    client = _client(venue)
    for section, method, path in _table(_plain(venue)().describe()["api"]):
        if (section, method, path) not in client.allowed_rows and (method != "GET" or MONEY_WORDS.search(path)):
            with pytest.raises(Forbidden):
                await client.request(path, list(section) if len(section) > 1 else section[0], method, {})
    await client.close()


@pytest.mark.parametrize("venue", VENUES)
async def test_what_may_move_money_raises(venue: str):
    """In both spellings: whatever changes something, or names a move of money, and is not allowed by name."""
    client = _client(venue)
    looked_at = 0
    for attribute, name, entry in endpoints.entries(_plain(venue)):
        if name in endpoints.ALLOWED[venue] or (entry.method == "GET" and not MONEY_WORDS.search(entry.path)):
            continue
        looked_at += 1
        with pytest.raises(Forbidden, match="the router makes no such call"):
            await getattr(client, attribute)({})
    assert looked_at >= 60
    await client.close()


@pytest.mark.parametrize("venue", VENUES)
async def test_calls_known_to_empty_an_account_raise(venue: str):
    """The rule is right about those a person can name, and about ccxt's unified ones."""
    client = _client(venue)
    unified = [name for name in ("withdraw", "transfer", "create_deposit_address") if hasattr(client, name)]
    for name in [*EMPTIES_AN_ACCOUNT[venue].split(), *unified, "createDepositAddress", "borrowCrossMargin"]:
        with pytest.raises(Forbidden, match="the router makes no such call"):
            await getattr(client, name)({})
    await client.close()


@pytest.mark.parametrize("venue", VENUES)
def test_what_is_allowed_exists_and_moves_nothing_out(venue: str):
    """An allowed endpoint with a word of money in its path only lists: it is named once more, as a history."""
    there = {name: entry for _, name, entry in endpoints.entries(_plain(venue))}
    for name in endpoints.ALLOWED[venue]:
        entry = there[name]
        if MONEY_WORDS.search(entry.path):
            assert any(entry.method == m and f"/{entry.path}".endswith(end) for m, end in endpoints.HISTORIES), name


@pytest.mark.parametrize("venue", VENUES)
def test_no_captured_request_is_one_of_them(venue: str):
    """The requests of the capability map pass both lines, and are endpoints we may call."""
    there = [(name, entry) for _, name, entry in endpoints.entries(_plain(venue))]
    for call in wire_of(venue).calls:
        for request in call.sent:
            wire.check_target(f"https://venue.example{request.path}", lab_only=False, method=request.method)
            names = [n for n, e in there if e.method == request.method and _matches(e.path, request.path)]
            assert any(endpoints.is_allowed(venue, name, entry) for name, entry in there if name in names), (
                f"{call.name}: {request.method} {request.path} is one of {names}"
            )


def test_ccxt_has_no_call_that_moves_money_nobody_has_looked_at():
    """Review each line that is new, then `python -m tests.capabilities.record`. A new one raises in any case."""
    recorded, found = MOVERS.read_text().splitlines(), movers()
    difference = difflib.unified_diff(recorded, found, "looked at", "in the installed ccxt", lineterm="", n=0)
    assert recorded == found, "\n" + "\n".join(difference)


def _plain(venue: str) -> type:
    made: type = getattr(ccxt.pro, venue)
    return made


def _client(venue: str) -> Exchange:
    return DIALECTS[venue]().client_class({"timeout_on_exit": 0}, lab_only=False)


def _table(tree: Mapping[str, object], section: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, str]]:
    for key, value in tree.items():
        if key in METHODS:
            for path in value:  # type: ignore[attr-defined]
                yield section, key.upper(), path
        else:
            yield from _table(value, (*section, key))  # type: ignore[arg-type]


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[^{}]*\\\}", "[^/]*", re.escape(template))
    return re.search(f"/{pattern}/?$", path) is not None
