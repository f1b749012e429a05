"""What single fields of a request may look like, and the sentence for one that does not.

Amounts match a plain pattern before they become numbers, so that `1e999999`, NaN, signs and foreign digits never get
that far.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import ErrorDetails

from router.model.ids import Nanos
from router.model.money import plain

AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"
ID = r"^[A-Za-z0-9_\-]{1,64}$"
PAIR = r"^[A-Z0-9]{1,16}/[A-Z0-9]{1,16}$"
SIGNED = r"^-?[0-9]{1,12}(\.[0-9]{1,12})?$"
ACCOUNT = r"^[A-Za-z0-9_\-]{1,64}/[A-Za-z0-9_\-]{1,64}$"
CHILD = r"^[0-9a-f]{32}$"
VENUE_ID = r"^[!-~]{1,64}$"
ASSET = r"^[A-Z0-9]{1,16}$"
DURATION = r"^[0-9]{1,9}(ms|s|m|h|d)$"
MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
SHA256 = r"^[0-9a-f]{64}$"
SHARE = r"^(0|1|0?\.[0-9]{1,12})$"
SAID = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$"
TOLD = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]{1,1024}$"
_PATTERNS: Mapping[str, str] = {
    AMOUNT: "must be a plain positive decimal of at most 12 digits before and after the point, as text",
    ID: "letters, digits, - and _ only, at most 64",
    SIGNED: "must be a plain decimal of at most 12 digits before and after the point, negative for what left",
    ACCOUNT: "must be VENUE/ACCOUNT, such as kraken/main",
    ASSET: "must be an asset in capitals, such as BTC",
    PAIR: "must be a pair in capitals, such as BTC/USD",
    CHILD: "must be a child's id, 32 hex digits as `sor show` prints it",
    VENUE_ID: "must be the venue's own id: printable, no blanks, at most 64 characters",
    SAID: "must be 1 to 128 characters on one line, none of them a control character",
    TOLD: "must be 1 to 1024 characters, none of them a control character other than a tab or the end of a line",
    DURATION: "must be a whole number with its unit (ms, s, m, h or d), such as 15m",
    MOMENT: "must be a moment in UTC, such as 2026-01-31T09:30:00Z",
    DAY: "must be a day, such as 2026-01-31",
    SHA256: "must be a SHA-256 digest: 64 hex digits",
    SHARE: "must be a share from 0 to 1, as text, such as 0.1",
}
_SENTENCES: Mapping[str, str] = {
    "extra_forbidden": "is not a field of this order",
    "missing": "is missing",
    "string_type": "must be text",
    "string_unicode": "must be text that can be written down: half of a character is none",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be an object with named fields",
    "model_attributes_type": "must be an object with named fields",
    "dict_type": "must be an object with named fields",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
}
NOT_OFFERED = frozenset("levels_max reserve_pct".split())
"""Names that orders have for what is not done here yet: refused, and never read in silence."""

_ALONE: Mapping[str, str] = {
    "child_style": "must be taker: passive_then_take is not offered yet",
    "self_match_prevention": "cannot be switched off: no order of ours takes another one of ours",
}
"""Fields that have one value only, and why."""
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DIGITS_OF_NANOS = 9
_YEARS = range(1970, 2200)
_DURATION_MOST_MS = 3_660 * 86_400_000
"""What is written down holds nanoseconds in 64 bits, until the year 2262; the longest duration from now fits, too."""


class Body(BaseModel):
    """Unknown fields are refused, nothing is converted, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def text_only(value: object) -> object:
    """Numbers of JSON have lost digits before anybody looks at them."""
    if not isinstance(value, str):
        message = 'must be text, such as "1.5", so that no digit is lost'
        raise ValueError(message)  # noqa: TRY004 - pydantic turns a ValueError into its own sentence
    return value


def one_spelling(text: str) -> str:
    """`1.50` and `1.5` are the same order."""
    return plain(Decimal(text))


def milliseconds(text: str) -> int:
    """`15m` -> 900000."""
    number = text.rstrip("mshd")
    return int(number) * _UNITS_MS[text[len(number) :]]


def duration(milliseconds: int) -> str:
    """900000 -> `15m`: the largest unit that says it in whole numbers."""
    unit = next(name for name, size in reversed(_UNITS_MS.items()) if milliseconds % size == 0)
    return f"{milliseconds // _UNITS_MS[unit]}{unit}"


def nanoseconds(text: str) -> Nanos:
    """RFC 3339 in UTC -> nanoseconds since 1970. Raises `ValueError` for a day that does not exist."""
    whole, _, part = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(f"{whole}+00:00")
    seconds = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)  # noqa: UP017 - one import
    return Nanos(seconds * 10**_DIGITS_OF_NANOS + int(part.ljust(_DIGITS_OF_NANOS, "0") or "0"))


def moment(at_ns: Nanos) -> str:
    """Nanoseconds since 1970 -> RFC 3339 in UTC, fractions only where there are any."""
    seconds, part = divmod(at_ns, 10**_DIGITS_OF_NANOS)
    whole = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)  # noqa: UP017
    fraction = f".{part:0{_DIGITS_OF_NANOS}d}".rstrip("0") if part else ""
    return f"{whole:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _a_real_moment(text: str) -> str:
    try:
        nanoseconds(text)
    except ValueError:
        raise ValueError("is not a day of the calendar, or not a time of the day") from None
    if int(text[:4]) not in _YEARS:
        message = f"must be in the years {_YEARS[0]} to {_YEARS[-1]}"
        raise ValueError(message)
    return text


def _a_bounded_duration(text: str) -> str:
    if milliseconds(text) > _DURATION_MOST_MS:
        message = f"must be at most {duration(_DURATION_MOST_MS)}"
        raise ValueError(message)
    return text


Amount = Annotated[str, BeforeValidator(text_only), Field(pattern=AMOUNT), AfterValidator(one_spelling)]
Signed = Annotated[str, BeforeValidator(text_only), Field(pattern=SIGNED), AfterValidator(one_spelling)]
Share = Annotated[str, BeforeValidator(text_only), Field(pattern=SHARE), AfterValidator(one_spelling)]
Name = Annotated[str, Field(pattern=ID)]
Said = Annotated[str, Field(pattern=SAID)]
"""Why, in a person's words: shown to others, so nothing in it moves a cursor or ends a line of a log."""
Duration = Annotated[str, Field(pattern=DURATION), AfterValidator(_a_bounded_duration)]
Moment = Annotated[str, Field(pattern=MOMENT), AfterValidator(_a_real_moment)]


def sentence(error: ErrorDetails) -> str:
    """What is wrong, as a trader would write it, from pydantic's code for it; its own words are nobody's."""
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden" if error["loc"][-1] in NOT_OFFERED:
            return "is not offered yet"
        case "string_pattern_mismatch":
            return _PATTERNS.get(context["pattern"], "is not written as it has to be")
        case "literal_error":
            alone = _ALONE.get(str(error["loc"][-1]))
            return alone or f"must be {context['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "too_short":
            return f"must name at least {context['min_length']}"
        case "too_long":
            return f"must name at most {context['max_length']}"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long"
        case "value_error":
            return str(context["error"])
        case kind:
            return _SENTENCES.get(kind, "is not what is expected here")
