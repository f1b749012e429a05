"""`order.json` as fields, before anybody looks at what they say."""

import json
import sys
from pathlib import Path
from typing import Any

from router.app.offers import offered
from router.config import Config
from router.model.errors import BadInput
from router.requests import OrderBody, check_offered
from router.requests.bodies import parse

SIZE_MAX = 64 * 1024
DEPTH_MAX = 8


def read_order(path: Path) -> OrderBody:
    """The order in a file; `-` is standard input. Raises `BadInput`."""
    try:
        text = start_of(path, SIZE_MAX)
    except OSError as error:
        raise BadInput("order", f"{path} cannot be read ({type(error).__name__})") from None
    return parse(OrderBody, fields(text))


def fields(text: bytes, what: str = "order", size_max: int = SIZE_MAX) -> dict[str, Any]:
    """The JSON object in `text`. Repeated names, NaN and deep nesting are refused; `what` is the field to blame."""
    if len(text) > size_max:
        raise BadInput(what, f"is longer than {size_max // 1024} KiB")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadInput(what, f"is not JSON{where}") from None
    if not isinstance(found, dict):
        raise BadInput(what, "must be a JSON object")
    if _depth(found) > DEPTH_MAX:
        raise BadInput(what, f"is nested deeper than {DEPTH_MAX} levels")
    return found


def start_of(path: Path, size_max: int) -> bytes:
    """One byte more than may be there, so that too long a file is seen; `-` is standard input."""
    if str(path) == "-":
        return sys.stdin.buffer.read(size_max + 1)
    with path.open("rb") as file:
        return file.read(size_max + 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON readers keep the last of two equal names in silence."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadInput(name, "stands twice")
        found[name] = value
    return found


def _no_constant(text: str) -> None:
    raise BadInput("order", f"holds {text}, which is no number")


def _depth(value: object) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


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
