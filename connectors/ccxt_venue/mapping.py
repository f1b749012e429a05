"""Reading venue rows into model objects. Money is read from the venue's own text, never from a float.

A field that is missing or senseless makes the whole answer unusable (`AnswerUnusable`): half an answer proves nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.ccxt_venue.calls import AnswerUnusable
from router.model.errors import BadInput
from router.model.ids import AccountId, Asset, InstrumentId, Nanos, VenueId, listing_id
from router.model.instruments import FeeIn, Listing, TokenDiscount
from router.model.orders import VenueOrderStatus
from router.model.side import Side

Row = Mapping[str, Any]
"""One JSON object of a venue's answer."""

_NS_PER_MS = 1_000_000
_ZERO = Decimal(0)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_TEXT_MAX = 64
DIGITS_MAX = 30
"""No venue says more digits of one number; sums and products of such still fit our exact arithmetic (60)."""
_MAGNITUDE_MAX = 30
_TIME_NS_MAX = 2**63


def row(value: object) -> Row:
    """`value` as a JSON object."""
    if not isinstance(value, Mapping):
        message = f"an object was expected, not {type(value).__name__}"
        raise AnswerUnusable(message)
    return value


def rows(value: object) -> list[Row]:
    """`value` as a list of JSON objects."""
    if not isinstance(value, list):
        message = f"a list was expected, not {type(value).__name__}"
        raise AnswerUnusable(message)
    return [row(item) for item in value]


def part(source: Row, name: str) -> Any:  # noqa: ANN401 - a JSON value, narrowed by the caller
    """A field that must be there."""
    if source.get(name) is None:
        message = f"field {name} is missing"
        raise AnswerUnusable(message)
    return source[name]


def text(source: Row, name: str) -> str:
    """A field that must be there and not empty, as text (ids come as whole numbers, too)."""
    told = part(source, name)
    if isinstance(told, bool) or not isinstance(told, str | int):
        message = f"field {name} is neither a text nor a whole number"
        raise AnswerUnusable(message)
    value = str(told)
    if not value:
        message = f"field {name} is empty"
        raise AnswerUnusable(message)
    return value


def flag(row: Row, name: str) -> bool | None:
    """A yes or no; None when the field is missing or something else."""
    value = row.get(name)
    return value if isinstance(value, bool) else None


def text_or_none(source: Row, name: str) -> str | None:
    """A field that may be absent, empty or null."""
    value = source.get(name)
    return None if value is None or value == "" else str(value)


def number(source: Row, name: str) -> Decimal:
    """A decimal, from text or from an integer; a float is read by its shortest digits (exact up to 15)."""
    return decimal_of(part(source, name), name)


def positive(source: Row, name: str) -> Decimal:
    """A number above zero: the price or the quantity of a trade."""
    parsed = number(source, name)
    if parsed <= 0:
        message = f"field {name} is not above zero"
        raise AnswerUnusable(message)
    return parsed


def not_negative(source: Row, name: str) -> Decimal:
    """A number of zero or more: what was executed, the price of an order that may have none."""
    parsed = number(source, name)
    if parsed < 0:
        message = f"field {name} is negative"
        raise AnswerUnusable(message)
    return parsed


def decimal_of(value: object, name: str, *, digits_max: int = DIGITS_MAX) -> Decimal:
    """A value as a decimal of sane size: finite, at most `digits_max` significant digits, within 1e-30 to 1e30."""
    spelled = repr(value) if isinstance(value, float) else str(value)
    if len(spelled) > _TEXT_MAX or _NUMBER.fullmatch(spelled) is None:
        message = f"field {name} is not a number"
        raise AnswerUnusable(message)
    parsed = Decimal(spelled)
    digits = "".join(map(str, parsed.as_tuple().digits)).strip("0")
    if len(digits) > digits_max or (parsed != 0 and abs(parsed.adjusted()) > _MAGNITUDE_MAX):
        message = f"field {name} has digits that no venue's number has"
        raise AnswerUnusable(message)
    return parsed


def side(value: object) -> Side:
    """buy/BUY/sell/SELL."""
    try:
        return Side(str(value).upper())
    except ValueError:
        message = "side is neither buy nor sell"
        raise AnswerUnusable(message) from None


def status(words: Mapping[str, VenueOrderStatus], word: str) -> VenueOrderStatus:
    """A venue's word for an order's state; one we have not reviewed makes the answer unusable."""
    if word not in words:
        message = f"order status {word} is not known"
        raise AnswerUnusable(message)
    return words[word]


def same(field: str, told: str, ours: str) -> None:
    """The answer must be about our order."""
    if told != ours:
        message = f"{field} is another order's"
        raise AnswerUnusable(message)


def ns_of_ms(value: object) -> Nanos:
    """A time in milliseconds (integer or text)."""
    return _moment(decimal_of(value, "time").scaleb(6))


def ns_of_seconds(value: object) -> Nanos:
    """A time in seconds with a fraction, from its text."""
    return _moment(decimal_of(value, "time").scaleb(9))


def ns_of_iso(value: str) -> Nanos:
    """An RFC 3339 time in UTC, up to nanoseconds."""
    head, _, fraction = value.removesuffix("Z").removesuffix("+00:00").partition(".")
    try:
        seconds = int(datetime.fromisoformat(head).replace(tzinfo=UTC).timestamp())
        return _moment(Decimal(seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0)))
    except (ValueError, OverflowError):
        message = "time is not RFC 3339"
        raise AnswerUnusable(message) from None


def _moment(at_ns: Decimal) -> Nanos:
    if not 0 <= at_ns < _TIME_NS_MAX:
        message = "time is not one of these days"
        raise AnswerUnusable(message)
    return Nanos(int(at_ns))


def iso_of_ns(at_ns: int) -> str:
    """RFC 3339 in UTC with milliseconds, cut, not rounded."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    stamp = datetime.fromtimestamp(seconds, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{rest // _NS_PER_MS:03d}Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """How a venue calls markets and assets, and what we call them."""

    symbol_by_id: Mapping[str, str]
    id_by_symbol: Mapping[str, str]
    asset_by_id: Mapping[str, str]

    def symbol(self, market_id: str) -> str:
        """`BTCUSDT` -> `BTC/USDT`; a market we do not know keeps its own name."""
        return self.symbol_by_id.get(market_id, market_id)

    def market_id(self, symbol: str) -> str:
        """`BTC/USDT` -> `BTCUSDT`."""
        return self.id_by_symbol[symbol]

    def asset(self, asset_id: str) -> Asset:
        """`XXBT` -> `BTC`; an asset we do not know keeps its own name."""
        return Asset(self.asset_by_id.get(asset_id, asset_id))


def names_of(markets: Iterable[Row]) -> Names:
    """Read the names out of ccxt's spot markets."""
    spot = [market for market in markets if market.get("spot")]
    symbol_by_id: dict[str, str] = {}
    asset_by_id: dict[str, str] = {}
    for market in spot:
        info = market.get("info") or {}
        for spelling in (market["id"], info.get("altname"), info.get("wsname"), info.get("symbol")):
            if spelling:
                symbol_by_id.setdefault(str(spelling), str(market["symbol"]))
        # ccxt puts its own spelling into baseId on some venues; the raw row has the venue's.
        for asset, own, raw in (
            (market["base"], market.get("baseId"), info.get("base")),
            (market["quote"], market.get("quoteId"), info.get("quote")),
        ):
            asset_by_id.update({str(spelling): str(asset) for spelling in (own, raw) if spelling})
    return Names(
        symbol_by_id=symbol_by_id,
        id_by_symbol={str(market["symbol"]): str(market["id"]) for market in spot},
        asset_by_id=asset_by_id,
    )


def listing(
    market: Row,
    *,
    venue: VenueId,
    account: AccountId,
    instrument: InstrumentId,
    fee_bps: Decimal,
    fee_in: FeeIn,
    discount: TokenDiscount | None = None,
) -> Listing:
    """A listing from ccxt's market (numbers are texts: `exchange.number` is `str`)."""
    symbol = str(market["symbol"])
    limits = market["limits"]
    return Listing(
        id=listing_id(account, symbol),
        instrument=instrument,
        venue=venue,
        account=account,
        symbol=symbol,
        base=Asset(str(market["base"])),
        quote=Asset(str(market["quote"])),
        tick=_limit(market["precision"]["price"]) or _lost_rule(symbol, "tick"),
        step=_limit(market["precision"]["amount"]) or _lost_rule(symbol, "step"),
        min_quantity=_limit(limits["amount"]["min"]) or _ZERO,
        min_notional=_limit(limits["cost"]["min"]) or _ZERO,
        max_quantity=_limit(limits["amount"]["max"]),
        taker_fee_bps=fee_bps,
        fee_in=fee_in,
        discount=discount,
    )


def market_of(markets: Mapping[str, Row], symbol: str, venue: VenueId) -> Row:
    """The venue's spot market of this symbol; `BadInput` with a sentence when there is none."""
    market = markets.get(symbol)
    if market is None or not market.get("spot"):
        base = symbol.partition("/")[0]
        near = sorted(name for name, other in markets.items() if other.get("spot") and other.get("base") == base)[:8]
        hint = f"; it trades {', '.join(near)}" if near else ""
        raise BadInput(f"venues.{venue}.symbols", f"{venue} has no spot market {symbol}{hint}")
    return market


def check_books_apart(markets: Sequence[Row], venue: VenueId) -> None:
    """Refuse two symbols that are one book under two names: its liquidity would be counted twice.

    A market says so by naming the other's id in `alias` or `alias_to` (Coinbase: BTC-USDC is an alias of BTC-USD).
    """
    symbol_by_id = {str(market["id"]): str(market["symbol"]) for market in markets}
    for market in markets:
        info = market.get("info") or {}
        others = info.get("alias_to") or []
        for named in [info.get("alias"), *(others if isinstance(others, list) else [others])]:
            other = symbol_by_id.get(str(named))
            if other is not None and other != market["symbol"]:
                one, two = sorted((str(market["symbol"]), other))
                message = f"{one} and {two} are one book under two names at {venue}; keep one of them"
                raise BadInput(f"venues.{venue}.symbols", message)


def _limit(value: object) -> Decimal | None:
    if value is None:
        return None
    limit = decimal_of(value, "limit")
    return limit if limit > 0 else None


def _lost_rule(symbol: str, rule: str) -> Decimal:
    message = f"{symbol}: the venue does not say its {rule}"
    raise AnswerUnusable(message)
