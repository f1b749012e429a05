"""A volume curve as a file, and as an order brings it: one shape, of which the order needs less."""

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from router.model.errors import BadInput
from router.model.ids import InstrumentId
from router.model.money import plain
from router.model.policies import VolumeCurve
from router.requests.fields import DAY, PAIR, SHA256, Amount, Body, Name

DAY_MINUTES = 1_440


def _a_real_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day of the calendar") from None
    return text


Day = Annotated[str, Field(pattern=DAY), AfterValidator(_a_real_day)]


class SourceBody(Body):
    """A file a curve was built from. `rows`: prints or bars that were taken from it."""

    name: str = Field(min_length=1, max_length=255)
    sha256: Annotated[str, Field(pattern=SHA256)]
    rows: int = Field(ge=0)


class LeftOutBody(Body):
    """A day that was not used."""

    day: Day
    why: str = Field(min_length=1, max_length=1_024)


class CurveBody(Body):
    """A day's volume by buckets of equal length, in UTC, as `sor curves build` writes it.

    `curve_asof`: the last day that was used. Shares of a built curve sum to 1; an order may bring any weights.
    """

    curve_id: Name
    curve_asof: Name
    instrument: Annotated[str, Field(pattern=PAIR)] | None = None
    bucket_minutes: int | None = Field(default=None, ge=1, le=DAY_MINUTES)
    built_from: str = Field(min_length=1, max_length=1_024)
    estimate: str | None = Field(default=None, min_length=1, max_length=1_024)
    sources: list[SourceBody] = Field(default_factory=list, max_length=10_000)
    days_used: list[Day] = Field(default_factory=list, max_length=1_000)
    days_left_out: list[LeftOutBody] = Field(default_factory=list, max_length=10_000)
    weekday: list[Amount] = Field(min_length=1, max_length=DAY_MINUTES)
    weekend: list[Amount] = Field(min_length=1, max_length=DAY_MINUTES)

    def model(self, within: str) -> VolumeCurve:
        """As the model has it. Raises `BadInput`, which names the field as one of `within`."""
        for name, buckets in (("weekday", self.weekday), ("weekend", self.weekend)):
            if DAY_MINUTES % len(buckets):
                raise BadInput(f"{within}.{name}", "must divide the day into whole minutes: 24 or 288, say")
            if self.bucket_minutes is not None and self.bucket_minutes * len(buckets) != DAY_MINUTES:
                raise BadInput(f"{within}.{name}", f"has not as many buckets of {self.bucket_minutes} min as a day")
            if not any(map(Decimal, buckets)):
                raise BadInput(f"{within}.{name}", "must have volume somewhere")
        return VolumeCurve(
            id=self.curve_id,
            asof=self.curve_asof,
            built_from=self.built_from,
            weekday=tuple(map(Decimal, self.weekday)),
            weekend=tuple(map(Decimal, self.weekend)),
            instrument=None if self.instrument is None else InstrumentId(self.instrument),
            days_used=tuple(self.days_used),
        )

    def written(self) -> dict[str, Any]:
        """The file, as JSON has it."""
        return self.model_dump(exclude_none=True)


def curve_text(curve: CurveBody) -> str:
    """Its one spelling: what is stored."""
    return json.dumps(curve.written(), separators=(",", ":"))


def curve_digest(text: str) -> str:
    """SHA-256 in hex of the one spelling."""
    return hashlib.sha256(text.encode()).hexdigest()


def curve_of(text: str) -> CurveBody:
    """The inverse of `curve_text`."""
    return CurveBody.model_validate(json.loads(text))


def curve_written(curve: VolumeCurve) -> dict[str, object]:
    """A curve as an order has it."""
    return {
        "curve_id": curve.id,
        "curve_asof": curve.asof,
        "instrument": curve.instrument,
        "built_from": curve.built_from,
        "days_used": list(curve.days_used),
        "weekday": list(map(plain, curve.weekday)),
        "weekend": list(map(plain, curve.weekend)),
    }
