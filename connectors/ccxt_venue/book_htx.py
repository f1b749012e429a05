"""HTX spot books: `market.*.mbp.150`, changes that name the one before (`prevSeqNum`), joined to a snapshot.

The snapshot is asked for on the socket (`req`), which ccxt does when a subscription is acknowledged. ccxt raises inside
its handler at a hole, and its receive loop ends there without a word.
"""

from collections.abc import Iterable, Mapping, Sequence

from connectors.ccxt_venue.book_numbered import Delta, NumberedBooks, Whole, number_of
from connectors.ccxt_venue.calls import StreamRefused
from connectors.ccxt_venue.decoders import Json, OrderTouched, levels

_OK = 200
_MBP = ".mbp."


def htx_books(symbol_by_id: Mapping[str, str]) -> NumberedBooks:
    """All books of one connection."""

    def read(message: Json) -> Iterable[Delta | Whole] | None:
        check_accepted(message)
        if not isinstance(message, dict):
            return None
        channel = str(message.get("ch") or message.get("rep") or "")
        if _MBP not in channel:
            return None
        symbol = symbol_by_id.get(channel.split(".")[1])
        if symbol is None:
            return ()
        if "rep" in message:
            data = message["data"]
            return (Whole(symbol, levels(data["bids"]), levels(data["asks"]), number_of(data, "seqNum")),)
        tick = message["tick"]
        bids, asks = levels(tick.get("bids") or ()), levels(tick.get("asks") or ())
        return (Delta(symbol, bids, asks, number_of(tick, "prevSeqNum") + 1, number_of(tick, "seqNum")),)

    return NumberedBooks(tuple(symbol_by_id.values()), read, top=_top)


def _top(body: Json) -> tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]:
    return body["bids"], body["asks"]


def check_accepted(message: Json) -> None:
    """A refused subscription or log-in ends the connection: `status` says so in public, `code` in private."""
    if not isinstance(message, dict):
        return
    if message.get("status") == "error":
        raise StreamRefused(f"refused: {message.get('err-code')} {message.get('err-msg')}")
    if message.get("action") in {"req", "sub"} and message.get("code", _OK) != _OK:
        raise StreamRefused(f"refused: {message.get('code')} {message.get('message')}")


class HtxOrders:
    """The `orders#*` channel."""

    def take(self, message: Json) -> Iterable[OrderTouched] | None:
        """Every push names its order by both ids."""
        check_accepted(message)
        if not isinstance(message, dict) or message.get("action") != "push":
            return None
        if not str(message.get("ch")).startswith("orders#"):
            return None
        data = message.get("data") or {}
        order_id = None if data.get("orderId") is None else str(data["orderId"])
        return (
            OrderTouched(data.get("clientOrderId"), order_id, f"{data.get('eventType')} {data.get('orderStatus')}"),
        )

    def confirms(self, message: Json) -> bool:
        """The answer to the subscription."""
        return (
            isinstance(message, dict)
            and message.get("action") == "sub"
            and message.get("code") == _OK
            and str(message.get("ch")).startswith("orders#")
        )
