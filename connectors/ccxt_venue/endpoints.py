"""Which endpoints of a venue the router may call at all. Nothing it can call moves an asset but by a spot order.

ccxt makes a method of every endpoint in its tables, some of which empty an account without a telling name: a POST to
Coinbase's `accounts/{id}/transactions` sends coins away. So the rule is not a list of bad words. A request that may
change something (any method but GET) is allowed by name, below; a GET is allowed unless its path has to do with moving
money, and then by name too. All others are replaced by a raiser when the class of a venue is made, that is at import,
in both of ccxt's spellings; `check` holds what is asked by the row of the table instead. `wire.check_target` is the
second line, on the path that is about to be requested.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from ccxt.base.types import Entry

from connectors.ccxt_venue.calls import Forbidden

Row = tuple[tuple[str, ...], str, str]
"""Of ccxt's table: section, method, path."""

MONEY_WORDS = re.compile(
    r"withdraw|transfer|/capital/|capital/|move_?funds|payment[-_]methods?|deposits?(?![a-z])|address|borrow|repay|loan"
    r"|convert|redeem|dust|giftcard|/earn|staking|sub-?account.*(fund|move)|universal",
    re.IGNORECASE,
)
"""What a path says that moves assets, or lists such moves. Only for GETs and for people: a POST needs no such word."""

UNIFIED = re.compile(
    r"^(futures_)?(withdraw|transfer)(?!al|s)|^(borrow|repay|redeem)_|^create_(deposit_address|convert|gift)|^deposit$"
    r"|^(add|reduce)_margin$|^verify_gift",
)
"""ccxt's own calls that move assets between accounts or lend them; of these it makes the other spelling itself."""

_BINANCE = (
    "privatePostOrder privatePostOrderCancelReplace privateDeleteOrder privateDeleteOpenOrders "
    # reads: what the treasury moved
    "sapiGetCapitalDepositHisrec sapiGetCapitalWithdrawHistory"
)

ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        venue: frozenset(names.split())
        for venue, names in {
            "binance": _BINANCE,
            "binanceus": _BINANCE,
            "bitfinex": (
                "privatePostAuthWOrderSubmit privatePostAuthWOrderUpdate privatePostAuthWOrderCancel "
                "privatePostAuthWOrderMulti privatePostAuthWOrderCancelMulti "
                # reads, all of them by POST
                "privatePostAuthROrders privatePostAuthROrdersSymbol privatePostAuthROrdersSymbolHist "
                "privatePostAuthROrdersHist privatePostAuthROrderSymbolIdTrades privatePostAuthRTradesHist "
                "privatePostAuthRTradesSymbolHist privatePostAuthRWallets privatePostAuthRSummary "
                "privatePostAuthRPermissions privatePostAuthRLedgersHist"
            ),
            "bitget": (
                "privateSpotPostV2SpotTradePlaceOrder privateSpotPostV2SpotTradeBatchOrders "
                "privateSpotPostV2SpotTradeCancelOrder privateSpotPostV2SpotTradeBatchCancelOrder "
                "privateSpotPostV2SpotTradeCancelSymbolOrder privateSpotPostV2SpotTradeCancelReplaceOrder"
            ),
            "bitstamp": (
                "privatePostBuyPair privatePostSellPair privatePostBuyMarketPair privatePostSellMarketPair "
                "privatePostReplaceOrder privatePostCancelOrder privatePostCancelAllOrders "
                "privatePostCancelAllOrdersPair "
                # reads, all of them by POST
                "privatePostOrderStatus privatePostOpenOrdersAll privatePostOpenOrdersPair "
                "privatePostAccountBalances privatePostFeesTrading privatePostUserTransactions "
                "privatePostUserTransactionsPair privatePostWebsocketsToken"
            ),
            "bybit": (
                "privatePostV5OrderCreate privatePostV5OrderCreateBatch privatePostV5OrderAmend "
                "privatePostV5OrderCancel privatePostV5OrderCancelBatch privatePostV5OrderCancelAll "
                "privatePostV5OrderDisconnectedCancelAll "
                # reads: what the treasury moved
                "privateGetV5AssetDepositQueryRecord privateGetV5AssetWithdrawQueryRecord "
                "privateGetV5AssetTransferQueryInterTransferList"
            ),
            "coinbase": (
                "v3PrivatePostBrokerageOrders v3PrivatePostBrokerageOrdersBatchCancel v3PrivatePostBrokerageOrdersEdit"
            ),
            "coinbaseexchange": (
                "privatePostOrders privateDeleteOrders privateDeleteOrdersId privateDeleteOrdersClientClientOid "
                # reads: what the treasury moved
                "privateGetTransfers"
            ),
            "cryptocom": (
                "v1PrivatePostPrivateCreateOrder v1PrivatePostPrivateCreateOrderList v1PrivatePostPrivateAmendOrder "
                "v1PrivatePostPrivateCancelOrder v1PrivatePostPrivateCancelOrderList "
                "v1PrivatePostPrivateCancelAllOrders v1PrivatePostPrivateSetCancelOnDisconnect "
                # reads, all of them by POST
                "v1PrivatePostPrivateGetOrderDetail v1PrivatePostPrivateGetOpenOrders "
                "v1PrivatePostPrivateGetOrderHistory v1PrivatePostPrivateGetTrades v1PrivatePostPrivateUserBalance "
                "v1PrivatePostPrivateGetInstrumentFeeRate v1PrivatePostPrivateGetFeeRate "
                "v1PrivatePostPrivateGetCancelOnDisconnect v1PrivatePostPrivateGetTransactions"
            ),
            "gate": (
                "privateSpotPostOrders privateSpotPostBatchOrders privateSpotPatchOrdersOrderId "
                "privateSpotPostAmendBatchOrders privateSpotDeleteOrdersOrderId privateSpotDeleteOrders "
                "privateSpotPostCancelBatchOrders privateSpotPostCountdownCancelAll"
            ),
            "gemini": (
                "privatePostV1OrderNew privatePostV1OrderCancel privatePostV1OrderCancelSession "
                "privatePostV1OrderCancelAll privatePostV1Heartbeat "
                # reads, all of them by POST; `transfers` lists what the treasury moved
                "privatePostV1OrderStatus privatePostV1Orders privatePostV1Mytrades privatePostV1Balances "
                "privatePostV1Notionalvolume privatePostV1Roles privatePostV1Transfers"
            ),
            "htx": (
                "spotPrivatePostV1OrderOrdersPlace spotPrivatePostV1OrderBatchOrders "
                "spotPrivatePostV1OrderOrdersOrderIdSubmitcancel "
                "spotPrivatePostV1OrderOrdersSubmitCancelClientOrder spotPrivatePostV1OrderOrdersBatchcancel "
                "spotPrivatePostV1OrderOrdersBatchCancelOpenOrders spotPrivatePostV2AlgoOrdersCancelAllAfter "
                # reads: what the treasury moved
                "spotPrivateGetV1QueryDepositWithdraw"
            ),
            "kraken": (
                "privatePostAddOrder privatePostAddOrderBatch privatePostAmendOrder privatePostEditOrder "
                "privatePostCancelOrder privatePostCancelOrderBatch privatePostCancelAll "
                "privatePostCancelAllOrdersAfter "
                # reads, all of them by POST
                "privatePostQueryOrders privatePostOpenOrders privatePostClosedOrders privatePostTradesHistory "
                "privatePostQueryTrades privatePostBalanceEx privatePostTradeVolume privatePostGetApiKeyInfo "
                "privatePostGetWebSocketsToken privatePostLedgers"
            ),
            "kucoin": (
                "privatePostHfOrders privatePostHfOrdersMulti privatePostHfOrdersAlter privateDeleteHfOrdersOrderId "
                "privateDeleteHfOrdersClientOrderClientOid privateDeleteHfOrdersCancelAll "
                "privatePostHfOrdersDeadCancelAll "
                # tokens of the streams
                "privatePostBulletPrivate publicPostBulletPublic"
            ),
            "okx": (
                "privatePostTradeOrder privatePostTradeBatchOrders privatePostTradeAmendOrder "
                "privatePostTradeAmendBatchOrders privatePostTradeCancelOrder privatePostTradeCancelBatchOrders "
                "privatePostTradeCancelAllAfter "
                # reads: what the treasury moved
                "privateGetAssetDepositHistory privateGetAssetWithdrawalHistory"
            ),
        }.items()
    }
)
"""By ccxt's id of the venue and of the endpoint: orders, cancels and their timers; reads that go by POST; histories."""

HISTORIES = frozenset(
    {
        ("GET", "/capital/deposit/hisrec"),
        ("GET", "/capital/withdraw/history"),
        ("GET", "/asset/deposit-history"),
        ("GET", "/asset/withdrawal-history"),
        ("GET", "/asset/deposit/query-record"),
        ("GET", "/asset/withdraw/query-record"),
        ("GET", "/asset/transfer/query-inter-transfer-list"),
        ("GET", "/query/deposit-withdraw"),
        ("GET", "/transfers"),
        ("POST", "/v1/transfers"),
    }
)
"""Requests whose path names a move of money, but which only list such moves: method and end of the path."""


def is_allowed(venue: str, name: str, entry: Entry[Any]) -> bool:
    """May the router call this endpoint of ccxt's class? `name` in camel case."""
    if name in ALLOWED.get(venue, frozenset()):
        return True
    return entry.method == "GET" and not MONEY_WORDS.search(entry.path)


def check(venue: str, allowed: frozenset[Row], api: object, method: str, path: str) -> None:
    """Raise `Forbidden` for a request by the row of ccxt's table, whether or not ccxt made a method of the row."""
    row = (_section(api), method, path)
    if row not in allowed and (method != "GET" or MONEY_WORDS.search(path)):
        raise Forbidden(_no_call(f"{venue} {method} {path}"))


def allowed_rows(client_class: type, venue: str) -> frozenset[Row]:
    """The rows of ccxt's table whose calls are allowed by name."""
    names = ALLOWED.get(venue, frozenset())
    return frozenset(
        (_section(entry.api), entry.method, entry.path) for _, name, entry in entries(client_class) if name in names
    )


def entries(client_class: type) -> Iterator[tuple[str, str, Entry[Any]]]:
    """Every endpoint of ccxt's class: the attribute, its name in camel case, the endpoint."""
    found: dict[str, Entry[Any]] = {}
    for base in reversed(client_class.__mro__):
        found.update((name, value) for name, value in vars(base).items() if isinstance(value, Entry))
    named = {id(entry): name for name, entry in found.items() if "_" not in name}
    for attribute, entry in found.items():
        yield attribute, named.get(id(entry), attribute), entry


def raisers(client_class: type, venue: str) -> dict[str, Callable[..., NoReturn]]:
    """By attribute of the class, what stands in the place of each call the router may not make."""
    replaced = {
        attribute: _raiser(f"{venue} {entry.method} {entry.path}")
        for attribute, name, entry in entries(client_class)
        if not is_allowed(venue, name, entry)
    }
    unified = [name for name in dir(client_class) if UNIFIED.search(name)]
    return replaced | {name: _raiser(f"{venue} {name}") for name in unified}


def _raiser(what: str) -> Callable[..., NoReturn]:
    def never(*_args: object, **_kwargs: object) -> NoReturn:
        raise Forbidden(_no_call(what))

    return never


def _no_call(what: str) -> str:
    return f"{what}: the router makes no such call: it moves assets by spot orders only (endpoints.ALLOWED)"


def _section(api: object) -> tuple[str, ...]:
    """`"sapi"` or `["v3", "private"]`."""
    return (api,) if isinstance(api, str) else tuple(api) if isinstance(api, list | tuple) else ()
