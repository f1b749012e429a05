"""What can go wrong on the wire, by the name it has in tables: the fault the lab commits, and its parameters."""

from collections.abc import Mapping
from types import MappingProxyType

from connectors.lab.faults import Call, FaultKind, Param

Strike = tuple[FaultKind, Mapping[str, Param]]
"""Parameters may hold `times` beside the fault's own."""
_BEFORE, _AFTER = {"when": "before"}, {"when": "after"}
_NONE: Mapping[str, Param] = {}

PLACING: Mapping[str, Strike] = MappingProxyType(
    {
        "answer lost": (FaultKind.ANSWER_LOST, _NONE),
        "reset before the engine": (FaultKind.RESET_BEFORE, _NONE),
        "reset after the engine": (FaultKind.RESET_AFTER, _NONE),
        "503 before the engine": (FaultKind.HTTP_5XX, _BEFORE),
        "503 after the engine": (FaultKind.HTTP_5XX, _AFTER),
        "504 after the engine": (FaultKind.HTTP_5XX, {**_AFTER, "status": 504}),
        "429": (FaultKind.HTTP_429, {"retry_after": "0"}),
        "slow": (FaultKind.SLOW, {"delay_ms": 600}),
        "body cut": (FaultKind.CUT_BODY, _NONE),
        "HTML": (FaultKind.HTML_200, _NONE),
        "HTML before the engine": (FaultKind.HTML_200, _BEFORE),
        "empty": (FaultKind.EMPTY_200, _NONE),
        "empty before the engine": (FaultKind.EMPTY_200, _BEFORE),
        "JSON cut": (FaultKind.PARTIAL_JSON_200, _NONE),
        "id missing": (FaultKind.MISSING_ID_200, _NONE),
        "redirect": (FaultKind.REDIRECT, _NONE),
        "request late at the engine": (FaultKind.DELAY_REQUEST, {"delay_ms": 600}),
    }
)
"""Of the request that places an order. Time-outs are shorter than `delay_ms`."""
NEVER_ARRIVES = frozenset(
    {name for name, (_, params) in PLACING.items() if params.get("when") == "before"}
    | {"reset before the engine", "redirect"}
)
"""The engine never sees the request."""

READING: Mapping[str, Strike] = MappingProxyType(
    {
        "answer lost": (FaultKind.ANSWER_LOST, _NONE),
        "reset before": (FaultKind.RESET_BEFORE, _NONE),
        "reset after": (FaultKind.RESET_AFTER, _NONE),
        "503": (FaultKind.HTTP_5XX, _NONE),
        "429": (FaultKind.HTTP_429, {"retry_after": "0"}),
        "slow": (FaultKind.SLOW, {"delay_ms": 450, "times": 1}),
        "body cut": (FaultKind.CUT_BODY, _NONE),
        "HTML": (FaultKind.HTML_200, _NONE),
        "empty": (FaultKind.EMPTY_200, _NONE),
        "JSON cut": (FaultKind.PARTIAL_JSON_200, _NONE),
        "id missing": (FaultKind.MISSING_ID_200, _NONE),
        "redirect": (FaultKind.REDIRECT, _NONE),
        "late": (FaultKind.DELAY_REQUEST, {"delay_ms": 450, "times": 1}),
    }
)
"""Of requests that look orders, trades or accounts up."""
LOOK_UPS = (Call.ORDER, Call.ORDERS, Call.OPEN_ORDERS)

STREAMS: Mapping[str, Strike] = MappingProxyType(
    {
        "private socket killed": (FaultKind.WS_KILL, {"channel": "private"}),
        "public socket killed": (FaultKind.WS_KILL, {"channel": "public"}),
        "all sockets killed": (FaultKind.WS_KILL, _NONE),
        "gap in the deltas": (FaultKind.WS_GAP, _NONE),
        "silence": (FaultKind.WS_SILENCE, {"duration_ms": 700}),
        "report repeated": (FaultKind.REPORT_REPEAT, {"times": None}),
        "reports reordered": (FaultKind.REPORT_REORDER, {"times": None}),
        "report before the answer": (FaultKind.REPORT_BEFORE_ANSWER, {"call": "place", "hold_ms": 80}),
    }
)
"""Of sockets: at once, or with the next frame."""
