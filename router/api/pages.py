"""Pages of lists: an opaque cursor says where the last one ended, so that what comes in meanwhile moves nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from router.api.models import PageQuery
from router.api.problems import Code, Refused

T = TypeVar("T")
_DIGITS_MOST = 19
_NUMBER_MOST = 2**63 - 1
_WRONG = Refused(Code.NOT_VALID, "page_cursor: is not one of ours", "page_cursor")


def cursor(*place: object) -> str:
    """Where a page ended."""
    return base64.urlsafe_b64encode("|".join(map(str, place)).encode()).decode().rstrip("=")


def place_of(text: str | None, parts: int) -> list[str] | None:
    """What a cursor says. Raises `Refused`."""
    if text is None:
        return None
    try:
        place = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("|")
    except (binascii.Error, UnicodeDecodeError):
        raise _WRONG from None
    if len(place) != parts or not "".join(place).isprintable():
        raise _WRONG
    return place


def number_in(text: str) -> int:
    """A number in a cursor. Raises `Refused`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MOST and int(text) <= _NUMBER_MOST):
        raise _WRONG
    return int(text)


def page(rows: Sequence[T], asked: PageQuery, name: Callable[[T], str], show: Callable[[T], Any]) -> dict[str, Any]:
    """The part of a list in its own order that follows the cursor; `name` is unique and stays."""
    after = place_of(asked.page_cursor, 1)
    begin = 0
    if after is not None:
        begin = next((at + 1 for at, row in enumerate(rows) if name(row) == after[0]), -1)
        if begin < 0:
            raise _WRONG
    items = rows[begin : begin + asked.limit]
    more = begin + asked.limit < len(rows)
    return {"items": list(map(show, items)), "next_page_cursor": cursor(name(items[-1])) if more else None}
