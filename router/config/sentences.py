"""Pydantic's complaint as one sentence that names the field."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.model.errors import BadInput

_SHOWN_MOST = 80


def bad_input(error: ValidationError, model: type[BaseModel], whole: str, noun: str, *, hide: str = "") -> BadInput:
    """The first thing wrong. `whole` names what is wrong as a whole, `noun` what one of its entries is called.

    The value is shown where it may help and cannot be a secret: never anything that stands under `hide`.
    """
    return next(all_bad_input(error, model, whole, noun, hide=hide))


def all_bad_input(
    error: ValidationError, model: type[BaseModel], whole: str, noun: str, *, hide: str = ""
) -> Iterator[BadInput]:
    """Everything wrong; see `bad_input`."""
    for each in error.errors(include_url=False):
        yield _sentence(each, model, whole, noun, hide)


def _sentence(first: ErrorDetails, model: type[BaseModel], whole: str, noun: str, hide: str) -> BadInput:
    where = first["loc"]
    field = ".".join(str(part) for part in where if part != "[key]") or whole
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(where[-1]), _names_at(model, where[:-1]), n=1)
        return BadInput(field, f"is not {noun}{f'; did you mean `{close[0]}`?' if close else ''}")
    if first["type"] == "missing":
        return BadInput(field, "is required")
    message = first["msg"].removeprefix("Value error, ")
    value = first["input"]
    show = isinstance(value, str | int | float) and hide not in where and len(repr(value)) <= _SHOWN_MOST
    return BadInput(field, f"{message[0].lower()}{message[1:]}{f', not {value!r}' if show else ''}")


def _names_at(model: type[BaseModel], where: Sequence[int | str]) -> list[str]:
    """The entries a section may hold, found by walking down the shape of the whole."""
    shape: Any = model
    for part in where:
        shape = _section(shape.model_fields[str(part)].annotation if _is_section(shape) else get_args(shape)[-1])
    return list(shape.model_fields) if _is_section(shape) else []


def _section(shape: Any) -> Any:  # noqa: ANN401 - an annotation
    """`Section | None` -> `Section`."""
    return next((part for part in get_args(shape) if _is_section(part)), shape) if not _is_mapping(shape) else shape


def _is_section(shape: Any) -> bool:  # noqa: ANN401 - an annotation
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def _is_mapping(shape: Any) -> bool:  # noqa: ANN401 - an annotation
    return getattr(shape, "__origin__", None) is dict
