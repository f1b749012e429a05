"""`order.json` as fields, before anybody looks at what they say."""

import sys
from pathlib import Path

from router.app.offers import offered
from router.config import Config
from router.model.errors import BadInput
from router.requests import OrderBody, check_offered
from router.requests.bodies import parse
from router.requests.documents import SIZE_MAX, fields


def read_order(path: Path) -> OrderBody:
    """The order in a file; `-` is standard input. Raises `BadInput`."""
    try:
        text = start_of(path, SIZE_MAX)
    except OSError as error:
        raise BadInput("order", f"{path} cannot be read ({type(error).__name__})") from None
    return parse(OrderBody, fields(text))


def start_of(path: Path, size_max: int) -> bytes:
    """One byte more than may be there, so that too long a file is seen; `-` is standard input."""
    if str(path) == "-":
        return sys.stdin.buffer.read(size_max + 1)
    with path.open("rb") as file:
        return file.read(size_max + 1)


def order_of(
    ref_id: str,
    instrument: str,
    side: str | None,
    quantity: str | None,
    limit_price: str | None,
    quote_value: str | None = None,
) -> OrderBody:
    """The same order, from a command line."""
    for name, value in (("side", side), ("base_quantity", quantity or quote_value)):
        if value is None:
            raise BadInput(name, "is required: give --side and --quantity or --quote-value, or --order with a file")
    given = {
        "ref_id": ref_id,
        "instrument": instrument,
        "side": (side or "").upper(),
        "base_quantity": quantity,
        "quote_value": quote_value,
        "limit_price": limit_price,
    }
    return parse(OrderBody, {name: value for name, value in given.items() if value is not None})


def tradable(body: OrderBody, config: Config) -> OrderBody:
    """The same order, if this deployment can trade it at all. Raises `BadInput`: better here than half-way."""
    check_offered(body, offered(config))
    return body
