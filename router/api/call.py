"""A request as a handler sees it, checked; and what a handler gives back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from router.access import Principal
from router.api.problems import Refused
from router.identity.directory import Shown
from router.model.requests import Request

M = TypeVar("M", bound=BaseModel)
Finish = Callable[[], Awaitable["Answer"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Who asks for what. `raw` is the body as JSON, `body` the same when it was checked."""

    shown: Shown
    path: Mapping[str, str]
    query: BaseModel
    body: BaseModel | None
    raw: Mapping[str, Any] | None
    if_match: str | None

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.shown.principal

    def asked(self, kind: type[M]) -> M:
        """The query, as the route declares it."""
        assert isinstance(self.query, kind)
        return self.query

    def given(self, kind: type[M]) -> M:
        """The body, as the route declares it."""
        assert isinstance(self.body, kind)
        return self.body


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is sent back."""

    data: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """Requests to be put on the table together with the answer to them: either both are on disk, or neither.

    `unique`: a request whose key must be free; where it is not, the same request is answered as `again`, and another
    one is refused as `other`. `finish` comes to a fuller answer afterwards, within `within_ms`.
    """

    requests: Sequence[Request]
    answer: Answer
    unique: Request | None = None
    other: Refused | None = None
    again: int = 200
    finish: Finish | None = None
    within_ms: int = 0
