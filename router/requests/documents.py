"""JSON as it comes from outside: bounded, named fields once, no number that is none."""

import json
from collections.abc import Iterable
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
    if _too_deep(found):
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


def _too_deep(value: object) -> bool:
    """Level by level, as a reader in C goes deeper than a function here may call itself."""
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [one for each in level for one in _inner(each)]
    return bool(level)


def _inner(value: object) -> Iterable[object]:
    """What is in it; an empty list is a level, too."""
    if not isinstance(value, dict | list):
        return ()
    return (*(value.values() if isinstance(value, dict) else value), None)
