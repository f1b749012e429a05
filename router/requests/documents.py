"""JSON as it comes from outside: bounded, named fields once, no number that is none."""

import json
from typing import Any

from router.model.errors import BadInput

SIZE_MAX = 64 * 1024
DEPTH_MAX = 8


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
