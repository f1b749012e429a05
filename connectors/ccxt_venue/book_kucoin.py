"""KuCoin spot books: changes numbered sequenceStart to sequenceEnd, joined to a REST snapshot by its sequence.

A change at price 0 only moves the number. The public snapshot holds a hundred levels a side: what lies deeper is known
only as far as it changed since.
"""

from collections.abc import Iterable, Mapping

from connectors.ccxt_venue.book_numbered import Delta, NumberedBooks, Whole, number_of
from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import Json, Levels, OrderTouched, levels

_TOPIC = "/market/level2:"
_ORDERS = "/spotMarket/tradeOrders"


def kucoin_books(symbol_by_id: Mapping[str, str]) -> NumberedBooks:
    """All books of one connection."""

    def read(message: Json) -> Iterable[Delta] | None:
        check_accepted(message)
        topic = message.get("topic") if isinstance(message, dict) else None
        if not isinstance(topic, str) or not topic.startswith(_TOPIC):
            return None
        data = message["data"]
        symbol = symbol_by_id.get(data["symbol"])
        if symbol is None:
            return ()
        first, last = number_of(data, "sequenceStart"), number_of(data, "sequenceEnd")
        return (Delta(symbol, _side(data, "bids"), _side(data, "asks"), first, last),)

    def rest(symbol: str, body: Json) -> Whole:
        return Whole(symbol, levels(body["bids"]), levels(body["asks"]), number_of(body, "sequence"))

    return NumberedBooks(tuple(symbol_by_id.values()), read, rest=rest)


def _side(data: Mapping[str, Json], name: str) -> Levels:
    rows = sorted(data["changes"][name], key=lambda row: int(row[2]))
    return levels(row for row in rows if row[0] not in {"0", 0})


def check_accepted(message: Json) -> None:
    """A refused subscription ends the connection."""
    if isinstance(message, dict) and message.get("type") == "error":
        raise StreamRefused(f"subscription refused: {message.get('code')} {message.get('data')}")


class KucoinOrders:
    """Changes of our orders."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Each names its order by both ids."""
        check_accepted(message)
        if not isinstance(message, dict) or not str(message.get("topic", "")).startswith(_ORDERS):
            return None
        data = message["data"]
        return (OrderTouched(data.get("clientOid"), data.get("orderId"), f"{data.get('type')} {data.get('status')}"),)

    def confirms(self, message: Json) -> bool:
        """The one subscription of this connection is acknowledged."""
        return isinstance(message, dict) and message.get("type") == "ack"
