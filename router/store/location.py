"""Where a database is: the URL a person writes, taken apart."""

from dataclasses import dataclass, field
from pathlib import Path

from router.model.errors import BadInput

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True, kw_only=True, slots=True)
class SqliteFile:
    """An embedded database."""

    path: Path

    def __str__(self) -> str:
        return f"{_SQLITE}{self.path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresServer:
    """A database on a server. `dsn` may hold a password: it is never shown."""

    dsn: str = field(repr=False)

    def __str__(self) -> str:
        head, at, tail = self.dsn.rpartition("@")
        scheme = head.partition("://")[0]
        return f"{scheme}://***@{tail.partition('?')[0]}" if at else self.dsn.partition("?")[0]


Location = SqliteFile | PostgresServer


def locate(url: str) -> Location:
    """`sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user@host/name`. Raises `BadInput`."""
    if url.startswith(_SQLITE) and url not in {_SQLITE, f"{_SQLITE}:memory:"}:
        return SqliteFile(path=Path(url.removeprefix(_SQLITE)))
    if url.startswith(_POSTGRES):
        return PostgresServer(dsn=url)
    raise BadInput("database", "the URL of a database begins with sqlite:/// or postgresql://")
