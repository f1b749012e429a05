"""How Kraken spells things on the wire: numbers, times, ids, names, the book checksum. Pure.

Websocket v2 sends prices and sizes as bare JSON numbers with a fixed number of decimals, and its checksum is over
those digits; REST sends strings. REST says XBT and XXBTZUSD where the websocket says BTC and BTC/USD.
"""

import json
import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Context, Decimal

CHECKSUM_LEVELS = 10

_ASSET_IDS = {
    "BTC": "XXBT",
    "ETH": "XETH",
    "LTC": "XLTC",
    "XRP": "XXRP",
    "XLM": "XXLM",
    "XMR": "XXMR",
    "ZEC": "XZEC",
    "ETC": "XETC",
    "DOGE": "XXDG",
    "USD": "ZUSD",
    "EUR": "ZEUR",
    "GBP": "ZGBP",
    "JPY": "ZJPY",
    "CAD": "ZCAD",
    "AUD": "ZAUD",
}
_ALTERNATIVE_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_ID_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ID_LENGTH = 16

_CONTEXT = Context(prec=60, rounding=ROUND_DOWN)

Level = tuple[Decimal, Decimal]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairNames:
    """The four names of one pair: `key` XXBTZUSD, `altname` XBTUSD, `wsname` XBT/USD, `symbol` BTC/USD (v2)."""

    key: str
    altname: str
    wsname: str
    symbol: str

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every spelling REST accepts for the pair."""
        return (self.key, self.altname, self.wsname, self.symbol)


def pair_names(base: str, quote: str) -> PairNames:
    """Old assets have prefixed ids, and a pair's key joins the ids only if both sides carry the prefix."""
    base_id, quote_id = asset_id(base), asset_id(quote)
    altname = alternative_name(base) + alternative_name(quote)
    prefixed = base_id != base and quote_id != quote
    return PairNames(
        key=base_id + quote_id if prefixed or _joins_ids(base, quote) else altname,
        altname=altname,
        wsname=f"{alternative_name(base)}/{alternative_name(quote)}",
        symbol=f"{base}/{quote}",
    )


def asset_id(asset: str) -> str:
    """BTC is XXBT, USD is ZUSD, newer assets are spelled as they are."""
    return _ASSET_IDS.get(asset, asset)


def alternative_name(asset: str) -> str:
    """BTC is XBT here."""
    return _ALTERNATIVE_NAMES.get(asset, asset)


def order_txid(number: int) -> str:
    """An order's id in Kraken's form, OXXXXX-XXXXX-XXXXXX; `order_number` is the inverse."""
    return _grouped("O", number)


def trade_txid(number: int) -> str:
    """A trade's id in Kraken's form, TXXXXX-XXXXX-XXXXXX."""
    return _grouped("T", number)


def order_number(txid: str) -> int | None:
    """The order number behind a txid; None for anything that is not one of ours."""
    digits = txid.replace("-", "")
    if len(digits) != _ID_LENGTH + 1 or digits[0] != "O" or any(d not in _ID_DIGITS for d in digits):
        return None
    return int(digits[1:], 36)


def decimals_of(increment: Decimal) -> int:
    """How many decimals a tick or step has: 0.01 has 2, 5 has 0."""
    exponent = increment.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def fixed(value: Decimal, decimals: int) -> Decimal:
    """`value` with exactly so many decimals; what does not fit is cut off, as Kraken's REST does with cost."""
    return value.quantize(Decimal(1).scaleb(-decimals, context=_CONTEXT), context=_CONTEXT)


def text(value: Decimal, decimals: int) -> str:
    """`value` as REST spells it."""
    return format(fixed(value, decimals), "f")


def dumps(value: object) -> str:
    """JSON in which a Decimal is a bare number with all its digits, trailing zeros included."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k))}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(dumps(item) for item in value) + "]"
    return json.dumps(value)


def checksum(asks: Sequence[tuple[str, str]], bids: Sequence[tuple[str, str]]) -> int:
    """CRC32 over the top ten asks (ascending), then bids (descending): digits as sent, no point, no leading zeros."""
    rows = [row for side in (asks, bids) for row in side[:CHECKSUM_LEVELS]]
    return zlib.crc32("".join(_digits(number) for row in rows for number in row).encode())


def book_checksum(bids: Sequence[Level], asks: Sequence[Level], price_decimals: int, size_decimals: int) -> int:
    """The checksum of a book given best first."""

    def spelled(levels: Sequence[Level]) -> list[tuple[str, str]]:
        return [(text(p, price_decimals), text(s, size_decimals)) for p, s in levels[:CHECKSUM_LEVELS]]

    return checksum(spelled(asks), spelled(bids))


def view_changes(
    before: Sequence[Level], after: Sequence[Level], touched: Container[Decimal] = (), *, descending: bool, depth: int
) -> list[Level]:
    """What to send a subscriber who holds `before` so that, cut to `depth`, he holds `after`.

    A level that left the book is sent with size zero. One that was only pushed out of sight is not sent: the
    subscriber cuts his book himself. One that comes into sight is sent like a new one, and so is one at a price
    `touched` without having changed: somebody restated it.
    """
    old, new = dict(before), dict(after)
    changed = [(price, size) for price, size in after if old.get(price) != size or price in touched]
    edge = after[-1][0] if len(after) == depth else None
    left = [price for price, _ in before if price not in new]
    gone = [(price, Decimal(0)) for price in left if not _behind(price, edge, descending=descending)]
    return gone + changed


def seconds(at_ns: int) -> float:
    """REST times: seconds since the epoch, cut to microseconds, so that no time shown is later than the true one."""
    return at_ns // 1_000 / 1_000_000


def rfc3339(at_ns: int) -> str:
    """Websocket times: RFC 3339 in microseconds."""
    whole, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def parse_rfc3339(value: str) -> int | None:
    """Nanoseconds of an RFC 3339 time, None if it is none."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def _joins_ids(base: str, quote: str) -> bool:
    """USDTZUSD: the oldest stablecoin pair keeps the joined form although only one side is prefixed."""
    return (base, quote) == ("USDT", "USD")


def _behind(price: Decimal, edge: Decimal | None, *, descending: bool) -> bool:
    """Whether the price is out of sight, behind the last level a subscriber sees."""
    if edge is None:
        return False
    return price < edge if descending else price > edge


def _digits(number: str) -> str:
    return number.replace(".", "").lstrip("0")


def _grouped(prefix: str, number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _ID_DIGITS[digit] + digits
    padded = prefix + digits.rjust(_ID_LENGTH, "0")
    return f"{padded[:6]}-{padded[6:11]}-{padded[11:]}"
