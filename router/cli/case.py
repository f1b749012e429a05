"""A what-if case as a file: read with care, checked field by field, never sent anywhere."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from router.cli.order_file import start_of
from router.model.errors import BadInput
from router.requests.documents import fields
from router.requests.fields import Body, sentence

CASE_MAX = 32 * 1024 * 1024
"""Bytes: 5,000 scenarios of 30 queues fit."""

B = TypeVar("B", bound=Body)


class Case(Body):
    """What a case is made of. Numbers are text."""


def read_case(path: Path) -> dict[str, object]:
    """The JSON object in a file; `-` is standard input. Raises `BadInput`."""
    try:
        text = start_of(path, CASE_MAX)
    except OSError as error:
        raise BadInput("input", f"{path} cannot be read ({type(error).__name__})") from None
    return fields(text, "input", CASE_MAX)


def case_of(kind: type[B], data: object, within: str = "") -> B:
    """The checked case, or `BadInput` with the first field that is wrong; `within`: where in the case it stands."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        names = [*([within] if within else []), *map(str, first["loc"])]
        raise BadInput(".".join(names) or "input", _of_a_case(sentence(first))) from None


def _of_a_case(said: str) -> str:
    return said.replace("a field of this order", "a field of this case")
