"""Gate spot books: `spot.order_book_update`, numbered U to u, joined to a REST snapshot by its id.

ccxt's default channel (`spot.obu`) is read without any check; this one can be checked.
"""

from collections.abc import Iterable, Mapping

from connectors.ccxt_venue import codec
from connectors.ccxt_venue.book_numbered import Delta, NumberedBooks, Whole, number_of
from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import Json, OrderTouched, levels

BOOKS = "spot.order_book_update"
_ORDERS = "spot.orders"


def gate_books(symbol_by_id: Mapping[str, str]) -> NumberedBooks:
    """All books of one connection."""

    def read(message: Json) -> Iterable[Delta] | None:
        check_accepted(message)
        if not isinstance(message, dict) or message.get("channel") != BOOKS or message.get("event") != "update":
            return None
        update = message["result"]
        symbol = symbol_by_id.get(update["s"])
        if symbol is None:
            return ()
        first, last = number_of(update, "U"), number_of(update, "u")
        return (Delta(symbol, levels(update["b"]), levels(update["a"]), first, last),)

    def rest(symbol: str, body: Json) -> Whole:
        return Whole(symbol, levels(body["bids"]), levels(body["asks"]), number_of(body, "id"))

    return NumberedBooks(tuple(symbol_by_id.values()), read, rest=rest)


def check_accepted(message: Json) -> None:
    """A refused subscription ends the connection."""
    error = message.get("error") if isinstance(message, dict) else None
    if isinstance(error, dict):
        raise StreamRefused(f"subscription refused: {error.get('code')} {error.get('message')}")


class GateOrders:
    """Changes of our orders, on all pairs."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Our id is told in the venue's spelling: what is passed on is ours."""
        check_accepted(message)
        if not isinstance(message, dict) or message.get("channel") != _ORDERS or message.get("event") != "update":
            return None
        return [
            OrderTouched(
                codec.from_gate(each.get("text")), str(each["id"]), f"{each.get('event')} {each.get('finish_as')}"
            )
            for each in message["result"]
        ]

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription."""
        return (
            isinstance(message, dict)
            and message.get("channel") == _ORDERS
            and message.get("event") == "subscribe"
            and message.get("error") is None
        )
