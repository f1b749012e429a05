"""All that differs between the databases' SQL: how a parameter is spelt, and how the database tells its time."""

import re
from dataclasses import dataclass
from functools import cached_property

_PARAMETER = re.compile(r"\$(\d+)")
_NOW_MS = "{now_ms}"
_EACH = re.compile(r"\{each (\$\d+)\}")


@dataclass(frozen=True)
class Sql:
    """One statement. Parameters are `$1`, `$2`...; `{now_ms}` is the database's clock, UTC milliseconds.

    `{each $1}` is a SELECT of the texts in a parameter that is a JSON array of them.
    """

    text: str

    @cached_property
    def postgres(self) -> str:
        """As asyncpg takes it."""
        text = self.text.replace(_NOW_MS, "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
        return _EACH.sub(r"SELECT jsonb_array_elements_text(CAST(\1 AS JSONB))", text)

    @cached_property
    def sqlite(self) -> str:
        """As sqlite3 takes it; the parameters go in by `sqlite_order`."""
        text = self.text.replace(_NOW_MS, "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")
        return _PARAMETER.sub("?", _EACH.sub(r"SELECT value FROM json_each(\1)", text))

    @cached_property
    def sqlite_order(self) -> tuple[int, ...]:
        """Which parameter stands at each `?`."""
        return tuple(int(number) - 1 for number in _PARAMETER.findall(self.text))

    def in_sqlite_order(self, args: tuple[object, ...]) -> tuple[object, ...]:
        """The parameters, one per `?`."""
        return tuple(args[index] for index in self.sqlite_order)
