"""An account's key changes under a running connector: the new one is tried first, and only then used.

The files a key comes from are looked at with every reading of the account: at its cadence, and soon after the venue
refused the key in use. What is tried: may the new key do what it must and nothing it must not, and does it open the
*same* account? One that opens another would show every order under way as absent (I10). Until it passes, the old key
stays in use, for better or worse.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from connectors.budget import NS_PER_S
from connectors.ccxt_venue.calls import AnswerUnusable, VenueSaid
from connectors.ccxt_venue.dialect import Ask, Desk, Dialect
from connectors.ccxt_venue.verdict import Said
from connectors.settings import Secret
from router.model.balances import Balance
from router.model.errors import BadInput
from router.model.ids import Nanos
from router.model.orders import VenueTrade
from router.model.outcomes import AccountRead

Credentials = Mapping[str, Secret]
ReadKeys = Callable[[], Credentials]
"""What the key's files hold now. Raises `BadInput` where that is no key that may be used."""

TRY_AGAIN_NS = 30 * NS_PER_S
"""A key the venue has refused is not shown to it with every reading: some venues bar who keeps trying."""
PAUSE_MS = 1_000
"""How long nothing is placed after the venue refused the key: until the account was read, and shut."""
_UNAUTHORIZED = 401

# How venues say that it is the key, and not the order. What such an answer proves of an order stands in each venue's
# own table of codes; this only says when to look for a new key.
_KEY_REFUSED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "binance": ("-2014", "-2015", "-1022"),
        "binanceus": ("-2014", "-2015", "-1022"),
        "kraken": ("EAPI:Invalid key", "EAPI:Invalid signature"),
        "okx": ("50105", "50110", "50111", "50113", "50119"),
        "bybit": ("10003", "10004", "10010", "33004"),
        "bitstamp": ("API0001", "API0005", "API key not found", "Invalid signature"),
        "gemini": ("InvalidSignature", "InvalidApiKey"),
        "kucoin": ("400003", "400004", "400005", "400006"),
        "bitfinex": ("10100", "apikey"),
        "bitget": ("40006", "40009", "40012", "40037"),
        "gate": ("INVALID_KEY", "INVALID_SIGNATURE"),
        "htx": ("api-signature-not-valid", "login-required"),
        "cryptocom": ("40101",),
    }
)


def is_key_refused(ccxt_id: str, status: int | None, said: Sequence[Said]) -> bool:
    """Does the answer turn away whoever asks, whatever was asked?"""
    words = _KEY_REFUSED.get(ccxt_id, ())
    return status == _UNAUTHORIZED or any(
        each.code.startswith(word) or each.text.startswith(word) for each in said for word in words
    )


class Rotation:
    """What is known of a key that is to replace the one in use. `trouble`: why it does not; None when there is none."""

    def __init__(self, read_keys: ReadKeys | None) -> None:
        self._read_keys = read_keys
        self._refused: Credentials | None = None
        self._refused_ns = Nanos(0)
        self.trouble: str | None = None

    def newest(self, in_use: Credentials) -> Credentials:
        """What to start with. Raises `BadInput`."""
        return in_use if self._read_keys is None else self._read_keys()

    def offered(self, in_use: Credentials, now_ns: Nanos) -> Credentials | None:
        """A key to be tried now."""
        if self._read_keys is None:
            return None
        try:
            found = self._read_keys()
        except BadInput as error:
            self.trouble = error.message
            return None
        if found == in_use:
            self.trouble = None
            return None
        if found == self._refused and now_ns - self._refused_ns < TRY_AGAIN_NS:
            return None
        return found

    def failed(self, credentials: Credentials, why: str, now_ns: Nanos, *, for_good: bool) -> None:
        """It is not to be used: `for_good` until other content is there, or a while has passed; else till next time."""
        self.trouble = why
        if for_good:
            self._refused, self._refused_ns = credentials, now_ns

    def turned(self) -> None:
        """It is in use."""
        self._refused = self.trouble = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """By what an account is known again: its newest trade, and what it held when it was last read."""

    trade: VenueTrade | None
    balances: Sequence[Balance]


def known_by(read: AccountRead, before: Known | None) -> Known:
    """As of this reading."""
    trades = (*read.trades, *(() if before is None or before.trade is None else (before.trade,)))
    return Known(trade=max(trades, key=lambda trade: trade.venue_time_ns, default=None), balances=read.balances)


async def check_same_account(ask: Ask, dialect: Dialect, desk: Desk, known: Known | None, until_ns: Nanos) -> None:
    """Does `ask` speak for the account that was read before? Raises `BadInput` where nothing shows that it does.

    Shown by the newest trade known; for want of any, by an asset of which just as much is there.
    """
    if known is None:
        return
    if known.trade is not None:
        since_ns = Nanos(known.trade.venue_time_ns - NS_PER_S)
        listed = await dialect.trades_since(ask, desk, [known.trade.symbol], since_ns, until_ns)
        same = any(_name(trade) == _name(known.trade) for trade in listed)
    else:
        held = {(each.asset, each.total) for each in known.balances if each.total}
        found = {(each.asset, each.total) for each in await dialect.balances(ask, desk) if each.total}
        same = bool(held & found) or held == found
    if not same:
        raise BadInput("keys", "nothing shows that it opens the same account")


def _name(trade: VenueTrade) -> tuple[str, str, str]:
    return trade.symbol, trade.trade_id, trade.venue_order_id


def is_verdict(error: Exception) -> bool:
    """Is this somebody's word on the key, and not merely a call that failed?"""
    return isinstance(error, BadInput | VenueSaid | AnswerUnusable)
