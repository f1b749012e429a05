"""Files of trades and bars as days of volume: read with care, every file with its digest.

A file is CSV or JSON, plain or `.gz`. Trades: fields `timestamp` and `amount`, and `id` where there is one, as ccxt
names them. Bars: `timestamp` and `volume`, or no header and six columns: time, open, high, low, close, volume. A time
is in UTC, in milliseconds since 1970, or since the midnight of the day that the file's name says as `YYYYMMDD`. Files
whose names differ in that day only are one series.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from router.curves.days import DAY_MINUTES, DAY_NS, DayCount, day_number
from router.model.errors import BadInput
from router.requests.curves import SourceBody

_MS = 1_000_000
_DAY_MS = DAY_NS // _MS
_MINUTE_MS = 60_000
_BYTES_MAX = 1 << 30
_DAY_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})-?(\d{2})-?(\d{2})(?!\d)")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,2})?")
_WHOLE = re.compile(r"[0-9]{1,14}")
_BAR = ("timestamp", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class _Row:
    """`at_ms` since 1970; `key`: what stands twice only by mistake."""

    at_ms: int
    quantity: Decimal
    key: str | None


def read_files(
    paths: Sequence[Path], *, bars: bool, buckets: int
) -> tuple[dict[str, dict[int, DayCount]], list[SourceBody]]:
    """Days of volume by series, and what they were read from. Raises `BadInput` with file and line."""
    series: dict[str, dict[int, DayCount]] = {}
    seen: defaultdict[str, set[str]] = defaultdict(set)
    sources = []
    for path in sorted(paths, key=lambda one: one.name):
        name, data = series_of(path.name), _bytes_of(path)
        rows = list(_rows(path.name, data, bars=bars))
        fresh = [row for row in rows if not _known(row, seen[name])]
        if bars and len(fresh) < len(rows):
            raise BadInput("bars", f"{path.name} has a bar that stands twice in {name}")
        minutes = _bar_minutes(path.name, fresh, DAY_MINUTES // buckets) if bars else 1
        days = series.setdefault(name, {})
        for row in fresh:
            day, in_day = divmod(row.at_ms, _DAY_MS)
            count = days.setdefault(day, DayCount(buckets))
            count.add(in_day * _MS, row.quantity)
            if row.quantity > 0:  # a bar of nothing may stand for a feed that was down
                count.hear(in_day // _MINUTE_MS, minutes)
        sources.append(SourceBody(name=path.name, sha256=hashlib.sha256(data).hexdigest(), rows=len(fresh)))
    return series, sources


def series_of(name: str) -> str:
    """`btcusd_minute_trade` of `btcusd_minute_20180404_trade.csv.gz`."""
    bare = re.sub(r"(\.(csv|json|jsonl|gz))+$", "", name)
    return re.sub(r"([-_.])\1+", r"\1", _DAY_IN_NAME.sub("", bare)).strip("-_.") or bare


def _known(row: _Row, seen: set[str]) -> bool:
    if row.key is None:
        return False
    known = row.key in seen
    seen.add(row.key)
    return known


def _bar_minutes(name: str, rows: Sequence[_Row], bucket_minutes: int) -> int:
    """How long a bar is: the shortest step between two of them, a minute at least. It has to fit into a bucket."""
    times = sorted({row.at_ms for row in rows})
    step = min((later - earlier for earlier, later in pairwise(times)), default=_MINUTE_MS)
    minutes = -(-step // _MINUTE_MS)
    if minutes > bucket_minutes:
        raise BadInput("bars", f"{name} has bars of {minutes} min, which do not fit into buckets of {bucket_minutes}")
    return minutes


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise BadInput("files", f"{path.name} is larger than {_BYTES_MAX >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise BadInput("files", f"{path} cannot be read ({type(error).__name__})") from None


def _text_of(name: str, data: bytes) -> str:
    try:
        if name.endswith(".gz"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(_BYTES_MAX + 1)
        if len(data) > _BYTES_MAX:
            raise BadInput("files", f"{name} is larger than {_BYTES_MAX >> 20} MiB when unpacked")
        return data.decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadInput("files", f"{name} is not text that can be read ({type(error).__name__})") from None


def _rows(name: str, data: bytes, *, bars: bool) -> Iterator[_Row]:
    what, amount = ("bars", "volume") if bars else ("trades", "amount")
    text = _text_of(name, data)
    records = _of_json(name, text, what) if re.search(r"\.jsonl?(\.gz)?$", name) else _of_csv(name, text, what)
    midnight_ms = _midnight_ms(name)
    for line, record in records:
        try:
            at_ms = _time(record["timestamp"], midnight_ms)
            quantity = _quantity(record[amount])
        except KeyError as error:
            raise BadInput(what, f"{name}, line {line}: {error.args[0]} is missing") from None
        except ValueError as error:
            raise BadInput(what, f"{name}, line {line}: {error}") from None
        key = str(at_ms) if bars else _id(record)
        yield _Row(at_ms=at_ms, quantity=quantity, key=key)


def _id(record: Mapping[str, Any]) -> str | None:
    found = record.get("id")
    return None if found in {None, ""} else str(found)


def _of_csv(name: str, text: str, what: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    lines = csv.reader(io.StringIO(text))
    header: Sequence[str] | None = None
    for row in lines:
        if not row:
            continue
        if header is None:
            numeric = bool(_WHOLE.fullmatch(row[0]))
            if numeric and (what != "bars" or len(row) != len(_BAR)):
                raise BadInput(what, f"{name} has no header, and not the six columns of bars")
            header = _BAR if numeric else [cell.strip().lower() for cell in row]
            if not numeric:
                continue
        if len(row) != len(header):
            raise BadInput(what, f"{name}, line {lines.line_num}: {len(row)} columns, and not {len(header)}")
        yield lines.line_num, dict(zip(header, row, strict=True))


def _of_json(name: str, text: str, what: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, row in enumerate(_documents(name, text, what), 1):
        if isinstance(row, list) and what == "bars" and len(row) == len(_BAR):
            yield line, dict(zip(_BAR, row, strict=True))
        elif isinstance(row, dict):
            yield line, row
        else:
            raise BadInput(what, f"{name}, line {line}: is not a row of {what}")


def _documents(name: str, text: str, what: str) -> Iterable[object]:
    try:
        if text.lstrip().startswith("[") and not name.removesuffix(".gz").endswith(".jsonl"):
            found = json.loads(text, parse_float=str, parse_int=str)
            assert isinstance(found, list)
            return found
        return [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise BadInput(what, f"{name} is not JSON that can be read") from None


def _midnight_ms(name: str) -> int | None:
    found = _DAY_IN_NAME.search(name)
    try:
        return None if found is None else day_number("-".join(found.groups())) * _DAY_MS
    except ValueError:
        return None


def _time(told: object, midnight_ms: int | None) -> int:
    text = str(told).strip()
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(f"timestamp {text!r} is not in milliseconds")
    at_ms = int(text)
    if at_ms >= _DAY_MS:
        return at_ms
    if midnight_ms is None:
        raise ValueError(f"timestamp {text} is within a day, and the file's name says none (YYYYMMDD)")
    return midnight_ms + at_ms


def _quantity(told: object) -> Decimal:
    text = str(told).strip()
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an amount")
    return Decimal(text)
