"""Bybit's paging: newest first, so many rows a page, and a cursor that is there even after the last row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Paging:
    """Rows a page has when nothing is said, and at most."""

    usual: int
    most: int


ORDERS = Paging(usual=20, most=50)
EXECUTIONS = Paging(usual=50, most=100)


def listed(rows: Sequence[tuple[int, Json]], fields: Mapping[str, str], paging: Paging) -> Json:
    """One page of `rows`, (number, row) oldest first. The cursor names the last row in the spelling of a URL."""
    asked = fields.get("limit", "")
    limit = min(int(asked), paging.most) if asked.isdecimal() and int(asked) > 0 else paging.usual
    before = fields.get("cursor", "").partition(":")[2]
    known = [(number, row) for number, row in reversed(rows) if not before.isdecimal() or number < int(before)]
    page = known[:limit]
    cursor = f"page%3A{page[-1][0]}" if page else ""
    return {"category": "spot", "nextPageCursor": cursor, "list": [row for _, row in page]}
