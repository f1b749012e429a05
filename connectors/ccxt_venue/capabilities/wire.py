"""The recorded requests: what ccxt sends for each call, as `wire/<venue>.json` holds it."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Json = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request. `fields`: query and body without what signing adds; our id is written `<id>`."""

    method: str
    path: str
    fields: Json

    @property
    def line(self) -> str:
        """`POST /api/v3/order newClientOrderId=<id> ...`."""
        return " ".join([self.method, self.path, *_flat(self.fields)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of ccxt: what it was asked, what it sent, what it raised before sending."""

    name: str
    asked: str
    sent: tuple[Request, ...]
    raised: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """All calls of one venue, and which ccxt made them."""

    ccxt: str
    has: dict[str, Json]
    calls: tuple[Call, ...]

    def call(self, name: str) -> Call:
        """The call of this name."""
        return next(each for each in self.calls if each.name == name)


@cache
def wire_of(ccxt_id: str) -> Wire:
    """What was recorded for a venue."""
    text = (files(__package__) / "wire" / f"{ccxt_id}.json").read_text()
    loaded = json.loads(text)
    calls = tuple(
        Call(
            name=name,
            asked=each["asked"],
            sent=tuple(Request(method=r["method"], path=r["path"], fields=r["fields"]) for r in each["sent"]),
            raised=each["raised"],
        )
        for name, each in loaded["calls"].items()
    )
    return Wire(ccxt=loaded["ccxt"], has=loaded["has"], calls=calls)


def _flat(fields: Json, prefix: str = "") -> list[str]:
    """`a.b=1` for every leaf; a list is written as it is, unless its items have fields."""
    if isinstance(fields, dict):
        return [leaf for name, value in fields.items() for leaf in _flat(value, f"{prefix}.{name}" if prefix else name)]
    if isinstance(fields, list) and any(isinstance(item, dict | list) for item in fields):
        return [leaf for item in fields for leaf in _flat(item, prefix)]
    return [f"{prefix}={fields}" if prefix else str(fields)]
