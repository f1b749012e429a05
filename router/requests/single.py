"""Single values of a command line, held to the patterns of the fields they become."""

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from router.model.errors import BadInput
from router.model.ids import Nanos
from router.requests.curves import Day
from router.requests.fields import PAIR, Duration, Moment, Name, nanoseconds, sentence

_DAY = TypeAdapter[str](Day)
_DURATION = TypeAdapter[str](Duration)
_INSTRUMENT = TypeAdapter[str](Annotated[str, Field(pattern=PAIR)])
_MOMENT = TypeAdapter[str](Moment)
_NAME = TypeAdapter[str](Name)


def day_of(field: str, text: str) -> str:
    """`2026-01-31`. Raises `BadInput`, as all of these."""
    return _checked(_DAY, field, text)


def duration_of(field: str, text: str) -> str:
    """`15m`."""
    return _checked(_DURATION, field, text)


def instrument_of(text: str) -> str:
    """`BTC/USD`."""
    return _checked(_INSTRUMENT, "instrument", text)


def moment_of(field: str, text: str) -> Nanos:
    """`2026-01-31T09:30:00Z`, in nanoseconds since 1970."""
    return nanoseconds(_checked(_MOMENT, field, text))


def name_of(field: str, text: str) -> str:
    """Letters, digits, - and _."""
    return _checked(_NAME, field, text)


def _checked(adapter: TypeAdapter[str], field: str, text: str) -> str:
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        raise BadInput(field, sentence(error.errors(include_url=False, include_input=False)[0])) from None
