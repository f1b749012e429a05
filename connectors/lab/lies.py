"""Answers that are not the venue's: error pages, empty bodies, half bodies, bodies without ids."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from connectors.lab.faults import FaultKind, FaultRule
from connectors.lab.http import Answer

_HTML = "<html><head><title>Sorry</title></head><body><h1>Something is not right</h1></body></html>"
_Lie = Callable[[FaultRule, Answer, frozenset[str]], Answer]


def _error_page(rule: FaultRule, _: Answer, __: frozenset[str]) -> Answer:
    return Answer(text=_HTML, status=int(rule.number("status", 503)), content_type="text/html")


def _page(_: FaultRule, __: Answer, ___: frozenset[str]) -> Answer:
    return Answer(text=_HTML, content_type="text/html")


def _empty(_: FaultRule, __: Answer, ___: frozenset[str]) -> Answer:
    return Answer(text="")


def _half(_: FaultRule, answer: Answer, __: frozenset[str]) -> Answer:
    return Answer(text=answer.text[: max(1, len(answer.text) // 2)])


def _nameless(_: FaultRule, answer: Answer, id_fields: frozenset[str]) -> Answer:
    return Answer(text=json.dumps(_without(json.loads(answer.text), id_fields)))


_LIES: Mapping[FaultKind, _Lie] = MappingProxyType(
    {
        FaultKind.HTTP_5XX: _error_page,
        FaultKind.HTML_200: _page,
        FaultKind.EMPTY_200: _empty,
        FaultKind.PARTIAL_JSON_200: _half,
        FaultKind.MISSING_ID_200: _nameless,
    }
)


def lie(rule: FaultRule, answer: Answer, id_fields: frozenset[str]) -> Answer:
    """What is said instead of `answer`; the answer itself when the rule's fault is not a lie."""
    told = _LIES.get(rule.fault)
    return answer if told is None else told(rule, answer, id_fields)


def rate_refusal(rule: FaultRule, body: Answer) -> Answer:
    """The venue's 429 (or 418), with or without Retry-After."""
    retry_after = rule.params.get("retry_after", "1")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(text=body.text, status=int(rule.number("status", 429)), headers=headers)


def redirection(rule: FaultRule, path_qs: str) -> Answer:
    """Sent elsewhere: by default to a path of the same venue that counts who follows."""
    location = rule.text("location", f"/redirected{path_qs}")
    return Answer(text="", status=int(rule.number("status", 307)), headers={"Location": location})


def _without(body: object, names: frozenset[str]) -> object:
    if isinstance(body, dict):
        return {key: _without(value, names) for key, value in body.items() if key not in names}
    if isinstance(body, list):
        return [_without(item, names) for item in body]
    return body
