"""Crypto.com books: a snapshot on the socket, then changes that name the one before (`pu`).

An empty change is the venue's heartbeat. ccxt raises inside its handler at a hole, and its receive loop ends there
without a word.
"""

from collections.abc import Iterable, Mapping, Sequence

from connectors.ccxt_venue.book_numbered import Alive, Delta, NumberedBooks, Whole, number_of
from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import Json, OrderTouched, levels

_WHOLE, _CHANGE = "book", "book.update"
_ORDERS = "user.order"


def cryptocom_books(symbol_by_id: Mapping[str, str]) -> NumberedBooks:
    """All books of one connection."""

    def read(message: Json) -> Iterable[Delta | Whole | Alive] | None:
        check_accepted(message)
        result = message.get("result") if isinstance(message, dict) else None
        if not isinstance(result, dict) or result.get("channel") not in {_WHOLE, _CHANGE}:
            return None
        symbol = symbol_by_id.get(result["instrument_name"])
        return [] if symbol is None else [_piece(symbol, result["channel"], data) for data in result["data"]]

    return NumberedBooks(tuple(symbol_by_id.values()), read, top=_top)


def _piece(symbol: str, channel: str, data: Mapping[str, Json]) -> Delta | Whole | Alive:
    if channel == _WHOLE:
        last = number_of(data, "u" if "u" in data else "s")
        return Whole(symbol, levels(data["bids"]), levels(data["asks"]), last)
    update = data["update"]
    bids, asks = levels(update.get("bids") or ()), levels(update.get("asks") or ())
    # Numbers are not consecutive: a change goes on from exactly the one it names.
    return Delta(symbol, bids, asks, number_of(data, "pu") + 1, number_of(data, "u"))


def _top(body: Json) -> tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]:
    return body["bids"], body["asks"]


def check_accepted(message: Json) -> None:
    """A refused subscription or log-in ends the connection."""
    if isinstance(message, dict) and str(message.get("code", 0)) != "0":
        raise StreamRefused(f"refused: {message.get('code')} {message.get('message')}")


class CryptocomOrders:
    """The `user.order` channel."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every row names its order by both ids."""
        check_accepted(message)
        result = message.get("result") if isinstance(message, dict) else None
        if not isinstance(result, dict) or not str(result.get("channel")).startswith(_ORDERS):
            return None
        return [
            OrderTouched(each.get("client_oid"), str(each["order_id"]), str(each.get("status")))
            for each in result.get("data") or ()
        ]

    def confirms(self, message: Json) -> bool:
        """The answer to the one subscription of this connection."""
        return isinstance(message, dict) and message.get("method") == "subscribe" and message.get("code", 0) == 0
